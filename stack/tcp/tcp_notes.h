/* SPDX-License-Identifier: BSD-3-Clause */
/* What is counted per connection where a build asks for it, and costs nothing elsewhere. */
#ifndef TCP_TCP_NOTES_H
#define TCP_TCP_NOTES_H

#include "tcp/tcp_int.h"

/*
 * Linux tells each of these in TCP_INFO. Ten million idle connections would pay a gigabyte for
 * them and each segment four memory accesses, so they exist only in the core that tests use
 * (SLUICE_CONN_NOTES), which the packetdrill adapter is built from, and in a daemon built with
 * -Dconn_notes=true; elsewhere every call below is nothing. What listings show of every build is
 * counted in struct tcp_cold.
 */
#if !defined(SLUICE_CONN_NOTES)
#define SLUICE_CONN_NOTES 0
#endif

/** NULL where nothing is noted. */
static inline struct tcp_notes *
tcp_notes(const struct tcp_stack *stack, const struct tcp_conn *c)
{
#if SLUICE_CONN_NOTES
	return &stack->notes[c - stack->conns];
#else
	(void)stack, (void)c;
	return NULL;
#endif
}

/** What time is spent with, as Linux's chronographs: the last two are parts of being busy. */
enum tcp_send_state {
	TCP_SENDS_NOTHING,
	TCP_SENDS,
	TCP_SENDS_TO_WINDOW,	/* the peer's window is the limit */
	TCP_SENDS_TO_BUFFER,	/* all is sent, and the owner was refused for lack of buffer */
};

/** Time until now goes to the state that ends. */
static inline void
tcp_notes_settle(struct tcp_notes *n, uint64_t now_us)
{
	uint64_t us = now_us - n->state_since_us;

	n->state_since_us = now_us;
	if (n->send_state == TCP_SENDS_NOTHING)
		return;
	n->busy_us += us;
	n->rwnd_limited_us += n->send_state == TCP_SENDS_TO_WINDOW ? us : 0;
	n->sndbuf_limited_us += n->send_state == TCP_SENDS_TO_BUFFER ? us : 0;
}

/** It was in one of the states of the mask, or the call is nothing. */
static inline void
tcp_note_send_state(const struct tcp_stack *stack, const struct tcp_conn *c, unsigned int mask,
	enum tcp_send_state to)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL || !(mask & 1u << n->send_state))
		return;
	tcp_notes_settle(n, stack->env->now_us);
	n->send_state = (uint8_t)to;
}

/** The owner writes: if it could have done so before, rates are its own and not the path's. */
static inline void
tcp_note_written(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL)
		return;
	tcp_note_send_state(stack, c, 1u << TCP_SENDS_NOTHING, TCP_SENDS);
	if (c->write_seq - c->snd_nxt < c->mss && tcp_pipe(stack, c) < c->cwnd)
		n->owner_limited = max_u32(n->delivered + tcp_pipe(stack, c) / c->mss, 1);
}

/** Time what leaves: all that is sent before something more is delivered goes by one mark. */
static inline void
tcp_note_rate_begins(const struct tcp_stack *stack, const struct tcp_conn *c, struct tcp_notes *n,
	uint32_t seq, uint32_t len)
{
	struct tcp_rate_mark *m = &n->rate[n->rate[0].is_set && n->rate[0].prior != n->delivered];

	if (c->snd_nxt == c->snd_una)
		n->delivered_us = stack->env->now_us;
	if (!m->is_set)
		*m = (struct tcp_rate_mark){
			.seq = seq,
			.prior = n->delivered,
			.is_set = true,
			.is_of_owner = n->owner_limited != 0,
			.since_us = n->delivered_us,
		};
	if (m->prior == n->delivered)
		m->end = seq + len;
}

/**
 * Segment by segment, for TCP_INFO; listings have the rate of tcp_delivery.h, which costs less.
 * As Linux: the owner's rate is kept only where it is no less than what was found before.
 */
static inline void
tcp_note_rate(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	struct tcp_notes *n = tcp_notes(stack, c);
	struct tcp_rate_mark *m;
	uint64_t segs, us;

	if (n == NULL)
		return;
	if (n->delivered > n->owner_limited)
		n->owner_limited = 0;
	for (m = &n->rate[0]; m->is_set && seq32_gt(c->snd_una, m->seq);) {
		segs = n->delivered - m->prior;
		us = stack->env->now_us - m->since_us;
		if (us > 0 && us >= tcp_cold(stack, c)->min_rtt_us &&
			(!m->is_of_owner || segs * n->rate_us >= us * n->rate_segs)) {
			n->rate_segs = (uint32_t)segs;
			n->rate_us = (uint32_t)us;
			n->is_rate_full = !m->is_of_owner;
		}
		if (seq32_lt(c->snd_una, m->end))
			break;
		n->rate[0] = n->rate[1];
		n->rate[1].is_set = false;
	}
}

/** Linux's two ways: the echo of a full segment; without timestamps a window full of data. */
static inline void
tcp_note_rcv_rtt(const struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_seg *seg)
{
	struct tcp_notes *n = tcp_notes(stack, c);
	uint32_t us;

	if (n == NULL || seg->len == 0 || seg->seq != c->rcv_nxt)
		return;
	if (c->flags & TF_TS) {
		if (seg->opts.tsecr == 0 || seg->opts.tsecr == n->rcv_rtt_ecr)
			return;
		n->rcv_rtt_ecr = seg->opts.tsecr;
		us = tcp_ts_now(stack, tcp_cold(stack, c)->ts_off) - seg->opts.tsecr;
		us = us < TCP_RTT_MAX_MS / 10 ? 1000 * max_u32(us, 1) : 0;
		if (seg->len >= tcp_cold(stack, c)->rcv_mss && us > 0)
			n->rcv_rtt_us8 = n->rcv_rtt_us8 == 0 ? us << 3 :
				n->rcv_rtt_us8 - (n->rcv_rtt_us8 >> 3) + us;
		return;
	}
	if (n->rcv_rtt_since_us != 0 && seq32_lt(c->rcv_nxt, n->rcv_rtt_end))
		return;
	us = (uint32_t)min_u64(stack->env->now_us - n->rcv_rtt_since_us, UINT32_MAX >> 3);
	if (n->rcv_rtt_since_us != 0)
		n->rcv_rtt_us8 = n->rcv_rtt_us8 == 0 ? us << 3 : min_u32(n->rcv_rtt_us8, us << 3);
	n->rcv_rtt_since_us = stack->env->now_us;
	n->rcv_rtt_end = c->rcv_nxt + tcp_rcv_wnd(c);
}

/** A segment leaves that is no data. */
static inline void
tcp_note_out(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n != NULL)
		n->segs_out++;
}

static inline void
tcp_note_data_out(const struct tcp_stack *stack, const struct tcp_conn *c, const struct pkt *p)
{
	struct tcp_notes *n = tcp_notes(stack, c);
	uint32_t len = p->app.end_seq - p->app.seq;

	if (n == NULL)
		return;
	n->data_segs_out++;
	n->bytes_sent += len;
	n->bytes_retrans += p->app.sends > 0 ? len : 0;
	tcp_note_send_state(stack, c, 1u << TCP_SENDS_NOTHING, TCP_SENDS);
	if (p->app.sends == 0)
		tcp_note_rate_begins(stack, c, n, p->app.seq, len);
}

/** Data that goes with our SYN: neither a rate nor waiting begins with it. */
static inline void
tcp_note_early_out(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t len)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL)
		return;
	n->data_segs_out++;
	n->bytes_sent += len;
}

/** The data of our SYN was taken, or why not; the first reason stays until there is another. */
static inline void
tcp_note_early(const struct tcp_stack *stack, const struct tcp_conn *c, enum tcp_fastopen_fail fail)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL)
		return;
	n->is_early_acked = fail == TCP_EARLY_TAKEN;
	if (fail != TCP_EARLY_TAKEN)
		n->fastopen_fail = (uint8_t)fail;
}

/** Opened by a SYN with a cookie, with data or without. */
static inline void
tcp_note_early_child(const struct tcp_stack *stack, const struct tcp_conn *c, bool has_data)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL)
		return;
	n->is_early_child = true;
	n->is_early_acked = has_data;
}

static inline void
tcp_note_ect(const struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_seg *seg)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n != NULL && (c->flags & TF_ECN) && seg->len > 0 && seg->ecn != IP_ECN_NOT_ECT)
		n->is_ect_seen = true;
}

static inline void
tcp_note_in(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t len)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL)
		return;
	n->segs_in++;
	n->data_segs_in += len > 0;
}

static inline void
tcp_note_delivered(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL)
		return;
	n->delivered++;
	n->delivered_us = stack->env->now_us;
}

/** The ACK of so many segments has ECE. */
static inline void
tcp_note_delivered_ce(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t segs)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n != NULL)
		n->delivered_ce += segs;
}

/** Of segments that were acknowledged so many had been counted with duplicate ACKs. */
static inline void
tcp_note_told(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t segs)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n != NULL)
		n->delivered -= segs;
}

/** All of it is acknowledged. */
static inline void
tcp_note_idle(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	tcp_note_send_state(stack, c, ~0u, TCP_SENDS_NOTHING);
}

static inline void
tcp_note_timeout(const struct tcp_stack *stack, const struct tcp_conn *c, bool first)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL)
		return;
	n->total_rto++;
	n->rto_recoveries += first;
	if (first)
		n->rto_since_ms = stack->env->now_ms;
	n->in_rto = true;
}

/** The peer acknowledged something after timeouts. */
static inline void
tcp_note_timeout_over(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (n == NULL || !n->in_rto)
		return;
	n->in_rto = false;
	n->rto_time_ms += stack->env->now_ms - n->rto_since_ms;
}

#endif
