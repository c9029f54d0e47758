/* SPDX-License-Identifier: BSD-3-Clause */
/* Both directions of the wire: IP packets to and from the adapter's slots. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "packetdrill/drive.h"

#include "lib/frames.h"

#define PEER_IP4 "192.0.2.1"
#define PEER_IP6 "fd3d:fa7b:d17d:8888::1"
#define PEER_TS_BASE 1000u
#define QUOTED_LEN 1500u /* of a segment of ours that an ICMP error is about */
/* Timers have milliseconds, and every reading of the clock takes one of its microseconds. */
#define TOLERANCE_US 2000u

static void
address(const struct drive *d, bool ours, uint8_t ip[16])
{
	struct in_addr in;

	if (d->ip6) {
		inet_pton(AF_INET6, ours ? FLOW_LOCAL_IP6 : PEER_IP6, ip);
		return;
	}
	inet_pton(AF_INET, ours ? FLOW_LOCAL_IP4 : PEER_IP4, &in);
	view_ip4(ip, ntohl(in.s_addr));
}

socklen_t
drive_addr(const struct drive *d, bool ours, uint16_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	uint8_t ip[16];

	address(d, ours, ip);
	if (d->domain == AF_INET) {
		memcpy(&in.sin_addr, ip + 12, 4);
		memcpy(ss, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, ip, 16);
	memcpy(ss, &in6, sizeof(in6));
	return sizeof(in6);
}

static uint32_t
peer_ts(const struct drive *d)
{
	return PEER_TS_BASE + (uint32_t)((d->event_us - d->start_us) / 1000);
}

static void
make_opts(const struct drive *d, const struct flow *f, const struct pattern *pat,
	struct view_opts *out)
{
	out->count = 0;
	for (unsigned int i = 0; i < pat->opts.count; i++) {
		const struct view_opt *o = &pat->opts.opt[i];
		unsigned int n = o->kind == VIEW_OPT_SACK ? (o->len - 2u) / 4 : 1;
		uint32_t v[8];

		memcpy(v, o->v, sizeof(v));
		if (o->kind == VIEW_OPT_TS) {
			v[0] = pat->any[i] & 1 ? peer_ts(d) : v[0];
			v[1] = pat->any[i] & 2 ? f->ts_last : v[1] + f->ts_base;
			n = 2;
		}
		for (unsigned int k = 0; o->kind == VIEW_OPT_SACK && k < n; k++)
			v[k] += f->iss;
		if (o->kind == VIEW_OPT_TS || o->kind == VIEW_OPT_SACK ||
			o->kind == VIEW_OPT_MSS || o->kind == VIEW_OPT_WSCALE)
			view_opt_add(out, o->kind, v, n);
		else
			view_opt_add_raw(out, o->kind, o->raw, o->len > 2 ? o->len - 2u : 0);
	}
}

void
drive_inject(struct drive *d, const struct drive_stmt *st)
{
	const struct pattern *pat = &st->st.pat;
	struct flow *f = &d->flows[st->st.flow];
	struct view v = { .kind = VIEW_TCP, .ip6 = d->ip6, .ttl = 64, .df = true };
	uint8_t *payload = calloc(1, (size_t)pat->len + 1);

	if (payload == NULL)
		abort();
	address(d, false, v.src);
	address(d, true, v.dst);
	v.sport = f->rport;
	v.dport = f->lport;
	v.flags = pat->flags;
	v.seq = f->isn + pat->seq;
	v.ack = pat->has_ack ? f->iss + pat->ack : 0;
	v.wnd = pat->has_win ? (uint16_t)pat->win : 65535;
	v.tos = pat->ecn;
	v.payload = payload;
	v.payload_len = pat->len;
	make_opts(d, f, pat, &v.opts);
	if (flow_send(&d->pd, &v) != 0)
		drive_fail(d, "netdev_send failed");
	free(payload);
}

/* An ICMP error about a segment of ours: type and code of IPv4, and of IPv6 for what there is. */
void
drive_icmp(struct drive *d, const long *a)
{
	const struct flow *f = &d->flows[d->at->st.flow];
	const char *local = d->ip6 ? FLOW_LOCAL_IP6 : FLOW_LOCAL_IP4;
	const char *peer = d->ip6 ? PEER_IP6 : PEER_IP4;
	static const uint8_t mac[6];
	struct frame quoted, out;

	frame_eth(&quoted, mac, mac, d->ip6 ? 0x86dd : 0x0800);
	frame_eth(&out, mac, mac, d->ip6 ? 0x86dd : 0x0800);
	if (d->ip6) {
		bool too_big = a[0] == 3 && a[1] == 4;

		frame_ip6(&quoted, local, peer, IPPROTO_TCP);
		frame_ip6(&out, peer, local, IPPROTO_ICMPV6);
		frame_icmp(&out, too_big ? 2 : 1, too_big ? 0 : a[1] == 3 ? 4 : 3,
			(uint16_t)(a[3] >> 16), (uint16_t)a[3]);
	} else {
		frame_ip4(&quoted, local, peer, IPPROTO_TCP);
		frame_ip4(&out, peer, local, IPPROTO_ICMP);
		frame_icmp(&out, (uint8_t)a[0], (uint8_t)a[1], 0, (uint16_t)a[3]);
	}
	frame_tcp(&quoted, f->lport, f->rport, f->iss + (uint32_t)a[2], f->isn, 0x10);
	frame_data(&quoted, NULL, QUOTED_LEN - (quoted.len - quoted.l3));
	frame_finish(&quoted);
	frame_data(&out, quoted.b + quoted.l3, quoted.l4 - quoted.l3 + 20);
	frame_finish(&out);
	if (d->pd.netdev_send(d->pd.ud, out.b + out.l3, out.len - out.l3) != 0)
		drive_fail(d, "netdev_send failed");
}

/* --- what was sent -------------------------------------------------------------------------- */

/* Read the next packet; false: none came. bytes holds VIEW_BUF_MAX. */
static bool
receive(struct drive *d, uint8_t *bytes, struct view *v, uint64_t *at_us)
{
	if (!flow_receive(&d->pd, bytes, v, at_us))
		return false;
	if (v->kind != VIEW_TCP)
		drive_fail(d, "not a good TCP packet: %s", v->why != NULL ? v->why : "");
	return true;
}

static struct flow *
find_flow(struct drive *d, const struct view *v)
{
	struct flow *f = NULL;

	for (unsigned int i = 1; i < DRIVE_FLOWS_MAX; i++)
		if (d->flows[i].rport == v->dport)
			f = &d->flows[i];
	if (f == NULL)
		drive_fail(d, "a packet to port %u", v->dport);
	flow_learn(f, v);
	return f;
}

static bool
opt_fits(const struct flow *f, const struct pattern *pat, unsigned int i,
	const struct view_opt *got)
{
	const struct view_opt *want = &pat->opts.opt[i];

	if (want->kind != got->kind || want->len != got->len)
		return false;
	if (want->kind == VIEW_OPT_TS)
		return ((pat->any[i] & 1) || got->v[0] - f->ts_base == want->v[0]) &&
			((pat->any[i] & 2) || got->v[1] == want->v[1]);
	if (want->kind == VIEW_OPT_SACK) {
		for (unsigned int k = 0; k < (want->len - 2u) / 4; k++)
			if (got->v[k] - f->isn != want->v[k])
				return false;
		return true;
	}
	return (pat->any[i] & 1) || got->v[0] == want->v[0];
}

static bool
fits(const struct flow *f, const struct pattern *pat, const struct view *v)
{
	uint8_t flags = pat->any_psh ? (uint8_t)(v->flags & ~VIEW_PSH) : v->flags;

	if (flags != pat->flags || v->seq - f->iss != pat->seq || v->payload_len != pat->len)
		return false;
	if (v->ack != (pat->has_ack ? f->isn + pat->ack : 0))
		return false;
	if (pat->has_win && v->wnd != pat->win)
		return false;
	if (pat->any_opts)
		return true;
	if (pat->opts.count != v->opts.count)
		return false;
	for (unsigned int i = 0; i < v->opts.count; i++)
		if (!opt_fits(f, pat, i, &v->opts.opt[i]))
			return false;
	return true;
}

void
drive_expect(struct drive *d, const struct drive_stmt *st, uint64_t lo_us, uint64_t hi_us)
{
	uint8_t *bytes = malloc(VIEW_BUF_MAX);
	struct flow *f;
	uint64_t at_us = 0;
	char text[512];
	struct view v;

	if (bytes == NULL)
		abort();
	if (!receive(d, bytes, &v, &at_us))
		drive_fail(d, "nothing was sent");
	f = find_flow(d, &v);
	if (d->verbose)
		printf("%+10.6f > %s\n", (double)(at_us - d->start_us) / 1e6,
			flow_text(f, &v, text, sizeof(text)));
	if (f != &d->flows[st->st.flow] || !fits(f, &st->st.pat, &v))
		drive_fail(d, "sent at %.6f: %s", (double)(at_us - d->start_us) / 1e6,
			flow_text(f, &v, text, sizeof(text)));
	if (at_us + TOLERANCE_US < lo_us || at_us > hi_us + TOLERANCE_US)
		drive_fail(d, "sent at %.6f s instead of %.6f s",
			(double)(at_us - d->start_us) / 1e6, (double)(lo_us - d->start_us) / 1e6);
	free(bytes);
}

void
drive_drain(struct drive *d)
{
	static const char *const ecn[] = { "", " ect1", " ect0", " ce" };
	uint8_t *bytes = malloc(VIEW_BUF_MAX);
	uint64_t at_us = 0;
	char text[512];
	struct view v;

	if (bytes == NULL)
		abort();
	while (receive(d, bytes, &v, &at_us)) {
		struct flow *f = find_flow(d, &v);

		printf("%.6f > %s%s\n", (double)(at_us - d->start_us) / 1e6,
			flow_text(f, &v, text, sizeof(text)), ecn[v.tos & 3]);
	}
	free(bytes);
}

/* What left by then and was not expected; what leaves later is none of the script's. */
void
drive_no_packet_left(struct drive *d, uint64_t until_us)
{
	uint8_t *bytes = malloc(VIEW_BUF_MAX);
	uint64_t at_us = 0;
	char text[512];
	struct view v;

	if (bytes == NULL)
		abort();
	if (receive(d, bytes, &v, &at_us) && at_us <= until_us)
		drive_fail(d, "nobody expected, at %.6f: %s",
			(double)(at_us - d->start_us) / 1e6,
			flow_text(find_flow(d, &v), &v, text, sizeof(text)));
	free(bytes);
}
