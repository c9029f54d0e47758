/* SPDX-License-Identifier: BSD-3-Clause */
/* The wire's two directions: segments from patterns, and what was sent against patterns. */
#include <stdlib.h>
#include <string.h>

#include "script/runner.h"

const uint8_t runner_peer_mac[6] = { 0x02, 0, 0, 0, 0, 2 };

/* The peer's timestamp clock for "*": a millisecond each, not zero at the start. */
#define PEER_TS_BASE 1000u

uint8_t
runner_peer_byte(uint32_t i)
{
	return (uint8_t)(i * 7 + (i >> 8) * 13 + 3);
}

uint8_t
runner_app_byte(uint32_t i)
{
	return (uint8_t)(i * 11 + (i >> 8) * 5 + 1);
}

static uint32_t
peer_ts(const struct runner *r)
{
	return PEER_TS_BASE + (uint32_t)((r->host.now_us - r->start_us) / 1000);
}

/* The options to send: relative numbers of SACK blocks and echoes become absolute. */
static void
make_opts(const struct runner *r, const struct flow *f, const struct pattern *pat,
	struct view_opts *out)
{
	out->count = 0;
	for (unsigned int i = 0; i < pat->opts.count; i++) {
		const struct view_opt *o = &pat->opts.opt[i];
		uint32_t v[8];

		memcpy(v, o->v, sizeof(v));
		if (o->kind == VIEW_OPT_TS) {
			if (pat->any[i] & 1)
				v[0] = peer_ts(r);
			if (pat->any[i] & 2)
				v[1] = f->ts_last;
			else if (f->ts_known)
				v[1] += f->ts_base;
			view_opt_add(out, o->kind, v, 2);
		} else if (o->kind == VIEW_OPT_SACK) {
			unsigned int n = (o->len - 2u) / 4;

			for (unsigned int k = 0; k < n; k++)
				v[k] += f->iss;
			view_opt_add(out, o->kind, v, n);
		} else if (o->kind == VIEW_OPT_FASTOPEN && (pat->any[i] & 1)) {
			view_opt_add_raw(out, o->kind, r->cookie.raw, r->cookie.len - 2u);
		} else if (o->kind == VIEW_OPT_MSS || o->kind == VIEW_OPT_WSCALE) {
			view_opt_add(out, o->kind, v, 1);
		} else {
			view_opt_add_raw(out, o->kind, o->raw, o->len > 2 ? o->len - 2u : 0);
		}
	}
}

static void
swap_bytes_of_frame(uint8_t *buf, size_t len)
{
	/* The last two bytes of the segment: a wrong checksum whatever they were. */
	buf[len - 1] ^= 0x55;
}

void
runner_inject(struct runner *r, const struct stmt *st)
{
	struct flow *f = &r->flows[st->flow];
	const struct pattern *pat = &st->pat;
	struct sluice_addr local, peer;
	struct view v = { .kind = VIEW_TCP, .ip6 = r->opts->ip6, .ttl = 64, .df = true };
	uint8_t *payload = calloc(1, (size_t)pat->len + 1), *buf = malloc(VIEW_BUF_MAX);
	const uint8_t *bufs[1] = { buf };
	size_t lens[1];

	if (payload == NULL || buf == NULL)
		abort();
	runner_addrs(r, &local, &peer);
	memcpy(v.src, peer.ip, 16);
	memcpy(v.dst, local.ip, 16);
	memcpy(v.dst_mac, r->par.mac.b, 6);
	memcpy(v.src_mac, runner_peer_mac, 6);
	v.sport = f->rport;
	v.dport = f->lport;
	v.flags = pat->flags;
	v.seq = f->isn + pat->seq;
	v.ack = pat->has_ack ? f->iss + pat->ack : 0;
	v.wnd = pat->has_win ? (uint16_t)pat->win : 65535;
	v.urg = (uint16_t)pat->urg;
	v.tos = pat->ecn;
	/* Data on a SYN begins at 1. */
	for (uint32_t i = 0; i < pat->len; i++)
		payload[i] = runner_peer_byte(pat->seq + i - ((pat->flags & VIEW_SYN) ? 0u : 1u));
	v.payload = payload;
	v.payload_len = pat->len;
	make_opts(r, f, pat, &v.opts);
	lens[0] = view_build(&v, buf, VIEW_BUF_MAX);
	if (pat->bad_csum)
		swap_bytes_of_frame(buf, lens[0]);
	host_rx(&r->host, r->host.now_us, bufs, lens, 1);
	free(payload);
	free(buf);
}

/* Answer the ARP request in v for the peer's address. */
static void
answer_arp(struct runner *r, const struct view *v)
{
	struct sluice_addr local, peer;
	struct view a = { .kind = VIEW_ARP, .arp_op = 2 };

	runner_addrs(r, &local, &peer);
	if (v->arp_op != 1 || memcmp(v->dst, peer.ip, 16) != 0)
		return;
	memcpy(a.dst_mac, v->src_mac, 6);
	memcpy(a.src_mac, runner_peer_mac, 6);
	memcpy(a.arp_sha, runner_peer_mac, 6);
	memcpy(a.arp_tha, v->arp_sha, 6);
	memcpy(a.src, peer.ip, 16);
	memcpy(a.dst, local.ip, 16);
	r->answer_len = view_build(&a, r->answer, sizeof(r->answer));
}

/* The connection a sent segment belongs to; learns the appliance's port and first numbers. */
static struct flow *
find_flow(struct runner *r, const struct view *v)
{
	const struct view_opt *ts = view_opt_find(&v->opts, VIEW_OPT_TS);
	const struct view_opt *tfo = view_opt_find(&v->opts, VIEW_OPT_FASTOPEN);
	struct flow *f = NULL;

	for (unsigned int i = 1; i < SCRIPT_FLOWS_MAX && f == NULL; i++)
		if (r->flows[i].rport == v->dport)
			f = &r->flows[i];
	if (f == NULL || (f->lport != 0 && f->lport != v->sport))
		return NULL;
	f->lport = v->sport;
	if (tfo != NULL && tfo->len > 2)
		r->cookie = *tfo;
	if (v->flags & VIEW_SYN) {
		/* A new incarnation numbers anew. */
		f->iss = v->seq;
		f->iss_known = true;
		f->ts_known = false;
	}
	if (ts != NULL && !f->ts_known) {
		f->ts_base = ts->v[0];
		f->ts_known = true;
	}
	if (ts != NULL)
		f->ts_last = ts->v[0];
	return f;
}

void
runner_on_frame(void *ctx, const uint8_t *buf, size_t len)
{
	struct runner *r = ctx;
	struct sent *s;
	uint8_t *bytes = malloc(len);

	if (bytes == NULL)
		abort();
	memcpy(bytes, buf, len);
	if (r->queue_count >= RUNNER_QUEUE_MAX)
		runner_fail(r, "more than %u packets wait to be expected", RUNNER_QUEUE_MAX);
	s = &r->queue[(r->queue_head + r->queue_count) % RUNNER_QUEUE_MAX];
	s->at_us = r->host.now_us;
	s->bytes = bytes;
	s->flow = NULL;
	switch (view_parse(bytes, len, &s->view)) {
	case VIEW_BAD:
		runner_fail(r, "the appliance sent a malformed frame: %s", s->view.why);
	case VIEW_ARP:
		answer_arp(r, &s->view);
		free(bytes);
		return;
	case VIEW_TCP:
		s->flow = find_flow(r, &s->view);
		break;
	case VIEW_ICMP:
		/* Questions about addresses: the peer is known from the start (introduce_peer). */
		if (s->view.ip6 && (s->view.icmp_type == 135 || s->view.icmp_type == 136)) {
			free(bytes);
			return;
		}
		break;
	case VIEW_OTHER:
		break;
	}
	r->queue_count++;
	if (r->opts->verbose) {
		char text[512];

		printf("%+12.6f > %s\n", (double)(s->at_us - r->start_us) / 1e6,
			runner_sent_text(r, s, text, sizeof(text)));
	}
}

const char *
runner_sent_text(const struct runner *r, const struct sent *s, char *out, size_t cap)
{
	struct view v = s->view;
	const struct flow *f = s->flow;
	size_t n = 0;

	if (v.kind == VIEW_TCP && f != NULL) {
		v.seq -= f->iss;
		v.ack -= f->isn;
		for (unsigned int i = 0; i < v.opts.count; i++) {
			struct view_opt *o = &v.opts.opt[i];

			if (o->kind == VIEW_OPT_TS)
				o->v[0] -= f->ts_base;
			for (unsigned int k = 0; o->kind == VIEW_OPT_SACK && k < 8; k++)
				o->v[k] -= f->isn;
		}
		if (f != &r->flows[1])
			n = (size_t)snprintf(out, cap, "#%ld ", (long)(f - r->flows));
	}
	view_text(&v, out + n, cap - n);
	return out;
}

/* One option against its pattern: numbers relative, '*' fits anything. */
static bool
opt_fits(
	const struct flow *f, const struct pattern *pat, unsigned int i, const struct view_opt *got)
{
	const struct view_opt *want = &pat->opts.opt[i];

	if (want->kind == VIEW_OPT_FASTOPEN && got->kind == want->kind && (pat->any[i] & 1))
		return got->len > 2;
	if (want->kind != got->kind || want->len != got->len)
		return false;
	switch (want->kind) {
	case VIEW_OPT_TS:
		return ((pat->any[i] & 1) || got->v[0] - f->ts_base == want->v[0]) &&
		       ((pat->any[i] & 2) || got->v[1] == want->v[1]);
	case VIEW_OPT_SACK:
		for (unsigned int k = 0; k < (want->len - 2u) / 4; k++)
			if (got->v[k] - f->isn != want->v[k])
				return false;
		return true;
	case VIEW_OPT_MSS:
	case VIEW_OPT_WSCALE:
		return (pat->any[i] & 1) || got->v[0] == want->v[0];
	default:
		return want->len <= 2 || memcmp(want->raw, got->raw, want->len - 2u) == 0;
	}
}

static bool
opts_fit(const struct flow *f, const struct pattern *pat, const struct view_opts *got)
{
	if (pat->any_opts)
		return true;
	if (pat->opts.count != got->count)
		return false;
	for (unsigned int i = 0; i < got->count; i++)
		if (!opt_fits(f, pat, i, &got->opt[i]))
			return false;
	return true;
}

static void
check_payload(struct runner *r, const struct flow *f, const struct view *v)
{
	uint32_t first = v->seq - f->iss - ((v->flags & VIEW_SYN) ? 0 : 1);

	for (uint32_t i = 0; i < v->payload_len; i++)
		if (v->payload[i] != runner_app_byte(first + i))
			runner_fail(r, "byte %u of the stream is 0x%02x, not 0x%02x", first + i,
				v->payload[i], runner_app_byte(first + i));
}

static void
check_field(struct runner *r, const struct sent *s, const char *name, uint32_t want, uint32_t got)
{
	char text[512];

	if (want != got)
		runner_fail(r, "%s: expected %u, got %u\n  got: > %s", name, want, got,
			runner_sent_text(r, s, text, sizeof(text)));
}

void
runner_compare(struct runner *r, const struct stmt *st, const struct sent *s)
{
	const struct pattern *pat = &st->pat;
	const struct flow *f = &r->flows[st->flow];
	const struct view *v = &s->view;
	uint8_t got = pat->any_psh ? (uint8_t)(v->flags & ~VIEW_PSH) : v->flags;
	char text[512], want_flags[9], got_flags[9];

	if (v->kind != VIEW_TCP || s->flow != f)
		runner_fail(r, "expected a segment of #%u\n  got: > %s", st->flow,
			runner_sent_text(r, s, text, sizeof(text)));
	if (pat->flags != got)
		runner_fail(r, "flags: expected %s, got %s\n  got: > %s",
			view_flags_text(pat->flags, want_flags),
			view_flags_text(v->flags, got_flags),
			runner_sent_text(r, s, text, sizeof(text)));
	check_field(r, s, "sequence number", pat->seq, v->seq - f->iss);
	check_field(r, s, "payload length", pat->len, v->payload_len);
	if (pat->has_ack)
		check_field(r, s, "acknowledgement", pat->ack, v->ack - f->isn);
	else
		check_field(r, s, "acknowledgement without its flag", 0, v->ack);
	if (pat->has_win)
		check_field(r, s, "window", pat->win, v->wnd);
	check_field(r, s, "urgent pointer", pat->urg, v->urg);
	check_field(r, s, "ECN field", pat->ecn, v->tos & 3u);
	if (!opts_fit(f, pat, &v->opts))
		runner_fail(r, "options differ\n  got: > %s",
			runner_sent_text(r, s, text, sizeof(text)));
	check_payload(r, f, v);
}
