/* SPDX-License-Identifier: BSD-3-Clause */
/* One sequence on one stack: its segments in that side's numbers, and what came of each step. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "packetdrill/rd.h"

#include "packetdrill/pd_tcp_info.h"

#define PEER_PORT 40000u
#define TS_OLD 500u
#define TS_ANCIENT 0x40000000u
#define TS_FUTURE 5000u

static bool
before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* --- where it lives -------------------------------------------------------------------------- */

static void
set_addresses(struct rd_side *s, uint32_t peer)
{
	struct in_addr in;

	if (s->script->ip6) {
		inet_pton(AF_INET6, FLOW_LOCAL_IP6, s->local);
		inet_pton(AF_INET6, "fd3d:fa7b:d17d:8888::", s->peer);
		for (unsigned int i = 0; i < 4; i++)
			s->peer[12 + i] = (uint8_t)(peer >> (24 - 8 * i));
		return;
	}
	inet_pton(AF_INET, FLOW_LOCAL_IP4, &in);
	view_ip4(s->local, ntohl(in.s_addr));
	view_ip4(s->peer, 0x0a000000u + peer);
}

static socklen_t
sockaddr_of(const struct rd_side *s, bool ours, uint16_t port, struct sockaddr_storage *ss)
{
	struct sockaddr_in in = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 in6 = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	const uint8_t *ip = ours ? s->local : s->peer;

	if (!s->script->ip6) {
		memcpy(&in.sin_addr, ip + 12, 4);
		memcpy(ss, &in, sizeof(in));
		return sizeof(in);
	}
	memcpy(&in6.sin6_addr, ip, 16);
	memcpy(ss, &in6, sizeof(in6));
	return sizeof(in6);
}

static int
new_socket(struct rd_side *s)
{
	const struct packetdrill_interface *pd = s->pd;
	int domain = s->script->ip6 ? AF_INET6 : AF_INET, one = 1;
	int fd = pd->socket(pd->ud, domain, SOCK_STREAM | SOCK_NONBLOCK, IPPROTO_TCP);
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_of(s, true, s->flow.lport, &ss);

	if (fd < 0)
		return -1;
	pd->setsockopt(pd->ud, fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (pd->bind(pd->ud, fd, (struct sockaddr *)&ss, len) != 0) {
		perror("bind");
		exit(1);
	}
	return fd;
}

void
rd_side_open(struct rd_side *s, const struct packetdrill_interface *pd,
	const struct rd_script *script, uint32_t peer, uint16_t port)
{
	memset(s, 0, sizeof(*s));
	s->pd = pd;
	s->script = script;
	s->flow.rport = PEER_PORT;
	s->flow.lport = port;
	s->flow.isn = script->isn;
	s->first = true;
	s->listener = s->conn = -1;
	set_addresses(s, peer);
	if (script->active) {
		s->conn = new_socket(s);
	} else {
		s->listener = new_socket(s);
		pd->listen(pd->ud, s->listener, 8);
	}
}

int
rd_connect(struct rd_side *s)
{
	struct sockaddr_storage ss;
	socklen_t len = sockaddr_of(s, false, PEER_PORT, &ss);

	return s->pd->connect(s->pd->ud, s->conn, (struct sockaddr *)&ss, len);
}

/* --- segments -------------------------------------------------------------------------------- */

static uint32_t
relative_seq(const struct rd_side *s, const struct rd_seg *g)
{
	const uint32_t from[] = {
		[RD_NEXT] = s->next,
		[RD_ACKED] = s->acked,
		[RD_EDGE] = s->edge,
		[RD_ISN] = 0,
	};

	return from[g->seq_from] + (uint32_t)g->seq_off;
}

static uint32_t
relative_ack(const struct rd_side *s, const struct rd_seg *g)
{
	const uint32_t from[] = { [RD_SENT] = s->sent, [RD_UNA] = s->una, [RD_ISS] = 0 };

	return from[g->ack_from] + (uint32_t)g->ack_off;
}

static uint32_t
shifted_ts(uint8_t how, uint32_t now)
{
	switch (how) {
	case RD_TS_OLD:
		return now - TS_OLD;
	case RD_TS_ANCIENT:
		return now - TS_ANCIENT;
	case RD_TS_FUTURE:
		return now + TS_FUTURE;
	case RD_TS_ZERO:
		return 0;
	default:
		return now;
	}
}

static void
add_sack(const struct rd_side *s, const struct rd_seg *g, struct view_opts *opts)
{
	uint32_t left = 0, v[2];

	switch (g->sack) {
	case RD_SACK_TAIL:
		left = s->sent - g->sack_len;
		break;
	case RD_SACK_MIDDLE:
		left = s->una + 1448;
		break;
	case RD_SACK_OLD:
		left = s->una - g->sack_len;
		break;
	case RD_SACK_BOGUS:
		left = s->sent + 1000;
		break;
	default:
		return;
	}
	v[0] = s->flow.iss + left;
	v[1] = v[0] + g->sack_len;
	view_opt_add(opts, VIEW_OPT_NOP, NULL, 0);
	view_opt_add(opts, VIEW_OPT_NOP, NULL, 0);
	view_opt_add(opts, VIEW_OPT_SACK, v, 2);
}

static void
add_options(const struct rd_side *s, const struct rd_seg *g, uint64_t now_us,
	struct view_opts *opts)
{
	const struct rd_script *sc = s->script;
	/* As a peer that is alive: until the handshake is over, only the SYN is echoed. */
	bool half_open = s->una == 0 || (s->defers && s->conn < 0 && s->acked == 1);
	uint32_t echo = half_open ? s->syn_ts : s->flow.ts_last;
	uint32_t now_ts = sc->ts_first + (uint32_t)((now_us - s->start_us) / 1000), v[2];

	opts->count = 0;
	if (g->syn_opts && sc->mss != 0) {
		v[0] = sc->mss;
		view_opt_add(opts, VIEW_OPT_MSS, v, 1);
	}
	if (g->syn_opts && sc->has_sack)
		view_opt_add(opts, VIEW_OPT_SACKOK, NULL, 0);
	if (g->ts != RD_TS_NONE) {
		v[0] = shifted_ts(g->ts, now_ts);
		v[1] = g->flags & VIEW_ACK ? shifted_ts(g->ecr, echo) : 0;
		view_opt_add(opts, VIEW_OPT_TS, v, 2);
	}
	if (g->syn_opts && sc->wscale >= 0) {
		v[0] = (uint32_t)sc->wscale;
		view_opt_add(opts, VIEW_OPT_WSCALE, v, 1);
	}
	if (g->sack != RD_SACK_NONE)
		add_sack(s, g, opts);
	while (view_opts_len(opts) > 0 && opts->count < VIEW_OPTS_MAX) {
		unsigned int len = 0;

		for (unsigned int i = 0; i < opts->count; i++)
			len += opts->opt[i].len;
		if (len % 4 == 0)
			break;
		view_opt_add(opts, VIEW_OPT_NOP, NULL, 0);
	}
}

static bool
seq_is_next(const struct rd_side *s, const struct view *v)
{
	return v->seq - s->flow.isn == s->next;
}

/* Older than what the connection began with. */
static bool
is_older(const struct rd_side *s, const struct view *v)
{
	const struct view_opt *ts = view_opt_find(&v->opts, VIEW_OPT_TS);

	return s->has_ts && ts != NULL && s->first_val != 0 && before(ts->v[0], s->first_val);
}

static void
note_syn(struct rd_side *s, const struct view *v)
{
	const struct view_opt *ts = view_opt_find(&v->opts, VIEW_OPT_TS);

	s->syn_has_ts = ts != NULL;
	s->syn_val = ts != NULL ? ts->v[0] : 0;
}

/* What we count on from now on, if the stack takes it. */
static void
count_sent(struct rd_side *s, const struct rd_seg *g, const struct view *v)
{
	bool is_clean = g->ts <= RD_TS_NOW && g->ecr <= RD_TS_NOW && seq_is_next(s, v) &&
		!is_older(s, v);
	uint32_t seq = v->seq - s->flow.isn, end = seq + view_seg_len(v);
	uint32_t ack = v->ack - s->flow.iss;

	if (v->flags & VIEW_SYN) {
		note_syn(s, v);
		if (seq == 0 && s->next == 0)
			s->next = s->acked = 1;
		if (s->script->active && seq == 0 && (v->flags & VIEW_ACK) && ack == 1 &&
			s->una == 0 && s->sent != 0 && g->ecr <= RD_TS_NOW)
			s->una = 1;
		return;
	}
	if ((v->flags & (VIEW_ACK | VIEW_RST)) != VIEW_ACK)
		return;
	if (!before(s->next, seq) && before(s->next, end))
		s->next = end;
	/* A handshake ends with what nobody could object to. */
	if (before(s->una, ack) && !before(s->sent, ack) && (s->una != 0 || is_clean))
		s->una = ack;
}

static void
input_text(const struct rd_side *s, const struct view *v, char *out, size_t cap)
{
	struct view r = *v;

	r.seq -= s->flow.isn;
	r.ack -= r.flags & VIEW_ACK ? s->flow.iss : 0;
	for (unsigned int i = 0; i < r.opts.count; i++) {
		struct view_opt *o = &r.opts.opt[i];

		if (o->kind == VIEW_OPT_TS) {
			o->v[0] -= s->script->ts_first;
			o->v[1] -= s->flow.ts_known ? s->flow.ts_base : 0;
		}
		for (unsigned int k = 0; o->kind == VIEW_OPT_SACK && k < 8; k++)
			o->v[k] -= s->flow.iss;
	}
	view_text(&r, out, cap);
}

static void
inject(struct rd_side *s, const struct rd_seg *g, uint64_t now_us, struct rd_record *r)
{
	uint8_t payload[2048];
	struct view v = { .kind = VIEW_TCP, .ip6 = s->script->ip6, .ttl = 64, .df = true };
	uint32_t seq = relative_seq(s, g);

	memcpy(v.src, s->peer, 16);
	memcpy(v.dst, s->local, 16);
	v.sport = s->flow.rport;
	v.dport = s->flow.lport;
	v.flags = g->flags;
	v.tos = g->tos;
	v.seq = s->flow.isn + seq;
	v.ack = g->flags & VIEW_ACK ? s->flow.iss + relative_ack(s, g) : 0;
	v.wnd = g->wnd;
	v.urg = g->urg;
	for (uint32_t i = 0; i < g->len; i++)
		payload[i] = rd_byte(seq - 1 + i);
	v.payload = payload;
	v.payload_len = g->len;
	add_options(s, g, now_us, &v.opts);
	r->seq = seq;
	r->end = seq + view_seg_len(&v);
	r->ack = relative_ack(s, g);
	input_text(s, &v, r->input, sizeof(r->input));
	count_sent(s, g, &v);
	r->result = flow_send(s->pd, &v);
}

/* --- what it sends --------------------------------------------------------------------------- */

static bool
is_payload_right(const struct rd_side *s, const struct view *v)
{
	uint32_t at = v->seq - s->flow.iss - 1;

	for (uint32_t i = 0; i < v->payload_len; i++)
		if (v->payload[i] != rd_byte(at + i))
			return false;
	return true;
}

static void
learn(struct rd_side *s, const struct view *v)
{
	uint32_t iss = s->flow.iss, end, ack;
	const struct view_opt *ws = view_opt_find(&v->opts, VIEW_OPT_WSCALE);

	flow_learn(&s->flow, v);
	if (v->flags & VIEW_SYN) {
		if (s->flow.iss != iss || s->sent == 0) {
			s->sent = 1;
			s->una = 0;
			s->open = false;
			/* A connection after the first counts anew, wherever its SYN lay. */
			if (v->flags & VIEW_ACK) {
				s->flow.isn = v->ack - 1;
				s->next = 1;
			}
		}
		s->syn_ts = s->flow.ts_last;
		s->shift = ws != NULL && s->script->wscale >= 0 ? (uint8_t)ws->v[0] : 0;
	}
	end = v->seq - s->flow.iss + view_seg_len(v);
	if (!(v->flags & VIEW_RST) && before(s->sent, end))
		s->sent = end;
	if (!(v->flags & VIEW_ACK) || (v->flags & VIEW_RST))
		return;
	if (!s->open) {
		s->open = true;
		s->has_ts = s->syn_has_ts && view_opt_find(&v->opts, VIEW_OPT_TS) != NULL;
		s->first_val = s->syn_val;
	}
	ack = v->ack - s->flow.isn;
	s->acked = ack;
	s->edge = ack + ((uint32_t)v->wnd << (v->flags & VIEW_SYN ? 0 : s->shift));
}

/*
 * The windows of both sides end elsewhere: what was sent at the edge has a name of its own, unless
 * the edge is the next number.
 */
static uint32_t
canonical(const struct rd_side *s, uint32_t seq)
{
	for (unsigned int k = 0; k <= s->at; k++) {
		const struct rd_record *r = &s->rec[k];

		if (!r->played || s->script->steps[k].is_call ||
			s->script->steps[k].seg.seq_from != RD_EDGE || r->edge == r->acked)
			continue;
		if (seq == r->seq)
			return 4000000000u + 10 * k;
		if (seq - r->seq <= r->end - r->seq && seq == r->end)
			return 4000000001u + 10 * k;
	}
	return seq;
}

static void
options_text(const struct rd_side *s, const struct view *v, char *out, size_t cap)
{
	struct view_opts o = v->opts;

	for (unsigned int i = 0; i < o.count; i++) {
		if (o.opt[i].kind == VIEW_OPT_TS) {
			o.opt[i].v[0] = 0;
			o.opt[i].v[1] -= o.opt[i].v[1] != 0 ? s->script->ts_first : 0;
		}
		for (unsigned int k = 0; o.opt[i].kind == VIEW_OPT_SACK && k < 8; k++)
			o.opt[i].v[k] = canonical(s, o.opt[i].v[k] - s->flow.isn);
	}
	view_opts_text(&o, out, cap);
}

void
rd_side_take(struct rd_side *s, const struct view *v, uint64_t at_us)
{
	struct rd_record *r = &s->rec[s->at];
	const struct view_opt *ts = view_opt_find(&v->opts, VIEW_OPT_TS);
	struct rd_pkt *p;

	if (r->count == r->room) {
		r->room = r->room == 0 ? 4 : 2 * r->room;
		r->out = realloc(r->out, r->room * sizeof(*r->out));
		if (r->out == NULL)
			abort();
	}
	p = &r->out[r->count++];
	memset(p, 0, sizeof(*p));
	learn(s, v);
	p->at_us = at_us;
	p->flags = v->flags;
	p->tos = v->tos;
	p->seq = v->seq - s->flow.iss;
	p->ack = v->flags & VIEW_ACK ? canonical(s, v->ack - s->flow.isn) : v->ack;
	/* RFC 9293 s3.10.7.1: SEQ=0, of no connection. */
	if ((v->flags & VIEW_RST) && (v->flags & VIEW_ACK) && v->seq == 0)
		p->seq = 0;
	p->len = v->payload_len;
	p->wnd = v->wnd;
	p->shift = v->flags & VIEW_SYN ? 0 : s->shift;
	p->has_ts = ts != NULL;
	p->ts_val = ts != NULL ? ts->v[0] - s->flow.ts_base : 0;
	p->bad = v->kind != VIEW_TCP || !is_payload_right(s, v);
	options_text(s, v, p->opts, sizeof(p->opts));
}

/* --- steps ----------------------------------------------------------------------------------- */

void
rd_side_step(struct rd_side *s, unsigned int k, uint64_t now_us)
{
	const struct rd_step *st = &s->script->steps[k];
	struct rd_record *r = &s->rec[k];

	if (s->start_us == 0)
		s->start_us = now_us;
	s->at = k;
	r->next = s->next;
	r->acked = s->acked;
	r->edge = s->edge;
	r->sent = s->sent;
	r->una = s->una;
	r->has_ts = s->has_ts;
	r->shift = s->shift;
	r->played = true;
	r->at_us = now_us;
	if (!st->is_call) {
		inject(s, &st->seg, now_us, r);
		return;
	}
	errno = 0;
	r->result = rd_do_call(s, st, r->input, sizeof(r->input));
	r->err = r->result < 0 ? errno : 0;
}

void
rd_side_settle(struct rd_side *s, unsigned int k, uint64_t now_us)
{
	struct rd_record *r = &s->rec[k];
	struct pd_tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	r->end_us = now_us;
	r->state = -1;
	if (s->conn < 0)
		return;
	if (s->pd->getsockopt(s->pd->ud, s->conn, IPPROTO_TCP, TCP_INFO, &info, &len) == 0) {
		r->state = info.state;
		r->cwnd = info.snd_cwnd;
		r->ssthresh = info.snd_ssthresh;
		r->mss = info.snd_mss;
	}
	s->pd->ioctl(s->pd->ud, s->conn, SIOCINQ, &r->inq);
	s->pd->ioctl(s->pd->ud, s->conn, SIOCOUTQ, &r->outq);
}

/* --- the end --------------------------------------------------------------------------------- */

/* Whatever is left of it in the kernel goes: nothing may speak up later. */
void
rd_side_close(struct rd_side *s)
{
	const struct linger now = { .l_onoff = 1 };
	const uint32_t at[] = { s->acked, s->next };
	const struct packetdrill_interface *pd = s->pd;

	if (s->conn >= 0) {
		pd->setsockopt(pd->ud, s->conn, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		pd->close(pd->ud, s->conn);
	}
	if (s->listener >= 0)
		pd->close(pd->ud, s->listener);
	for (unsigned int i = 0; i < 2; i++) {
		struct view v = { .kind = VIEW_TCP, .ip6 = s->script->ip6, .ttl = 64 };

		memcpy(v.src, s->peer, 16);
		memcpy(v.dst, s->local, 16);
		v.sport = s->flow.rport;
		v.dport = s->flow.lport;
		v.flags = VIEW_RST;
		v.seq = s->flow.isn + at[i];
		flow_send(pd, &v);
	}
	s->conn = s->listener = -1;
}

void
rd_side_free(struct rd_side *s)
{
	for (unsigned int k = 0; k < RD_STEPS_MAX; k++) {
		free(s->rec[k].out);
		s->rec[k].out = NULL;
		s->rec[k].count = s->rec[k].room = 0;
	}
}
