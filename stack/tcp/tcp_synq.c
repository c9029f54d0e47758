/* SPDX-License-Identifier: BSD-3-Clause */
/* The SYN queue: half-open passive connections, under 64 bytes each (RFC 4987 s3.2). */
#include "tcp/tcp_parts.h"

/*
 * Threat model: every spoofed SYN may cost an entry, one SYN-ACK and its retransmissions. The entry
 * holds no packet and no connection; their number is bounded per listener (see
 * tcp_listener_synq_limit) and per worker (tcp_params.synq_max). When the bound is reached the SYN
 * gets a cookie or is dropped. The answer to a SYN is written into its own buffer, so that a flood
 * takes nothing from the packet pool.
 */

static uint32_t
ts_off(uint64_t hash)
{
	return (uint32_t)(hash >> 32);
}

/* The options that the peer's SYN offered and we took. */
static uint8_t
offered(const struct tcp_synq_entry *e)
{
	return (uint8_t)((e->has_wscale ? TCP_OPT_WSCALE : 0) | (e->has_ts ? TCP_OPT_TS : 0) |
		(e->has_sack ? TCP_OPT_SACK_OK : 0));
}

static const struct tcp_wishes *
wishes_of(const struct tcp_stack *stack, const struct tcp_synq_entry *e)
{
	return &stack->listeners[e->listener].wishes;
}

static struct tcp_emit
synack(struct tcp_stack *stack, const struct tcp_synq_entry *e, const struct flow_key *key,
	uint64_t hash, struct tcp_opts *opts)
{
	tcp_synack_options(stack, key, wishes_of(stack, e), offered(e), opts);
	opts->tsval = tcp_ts_now(stack, ts_off(hash));
	opts->tsecr = e->ts_recent;
	return (struct tcp_emit){
		.key = key,
		.seq = e->iss,
		.ack = e->irs + 1,
		.wnd = (uint16_t)tcp_syn_window(stack, key, wishes_of(stack, e), e->has_ts),
		.flags = TCP_SYN | TCP_ACK | (e->has_ecn ? TCP_ECE : 0),
		.opts = opts,
	};
}

static struct tcp_synq_entry *
take_entry(struct tcp_stack *stack, struct tcp_listener *l, const struct tcp_seg *seg,
	uint64_t hash)
{
	uint32_t slot = stack->synq_free != TCP_NONE ? stack->synq_free : stack->synq_fresh;
	const struct tunables *tun = stack->env->tun;
	struct tcp_synq_entry *e;

	if (!tcp_synq_available(stack) ||
		flow_table_insert(&stack->flows, hash, TCP_REF_SYNQ | slot) != 0)
		return NULL;
	e = &stack->synq[slot];
	if (stack->synq_free != TCP_NONE)
		stack->synq_free = e->next;
	else
		stack->synq_fresh++;
	*e = (struct tcp_synq_entry){
		.iss = tcp_isn(stack, &seg->key),
		.irs = seg->seq,
		.ts_recent = seg->opts.tsval,
		.sent_us = (uint32_t)stack->env->now_us,
		.mss = tcp_peer_mss(stack, &seg->key, &l->wishes, &seg->opts),
		.acked_ms = (uint16_t)(stack->env->now_ms - tun->tcp_invalid_ratelimit),
		.listener = (uint16_t)(l - stack->listeners),
		.wscale = seg->opts.wscale & 15u,
		.has_wscale = (seg->opts.present & TCP_OPT_WSCALE) && tun->tcp_window_scaling,
		.has_ts = (seg->opts.present & TCP_OPT_TS) && tun->tcp_timestamps,
		.has_sack = (seg->opts.present & TCP_OPT_SACK_OK) && tun->tcp_sack,
		.has_ecn = tcp_ecn_is_offered(stack, l, seg),
	};
	tcp_brief_take(stack, &seg->key, &e->who);
	stack->env->ctr->WindowScaleClamped += seg->opts.wscale_clamped;
	stack->flows_added++;
	l->synq++;
	l->synq_young++;
	stack->synq_used++;
	stack->env->ctr->HalfOpen++;
	stack->env->ctr->state_count[TCPS_SYN_RECEIVED]++;
	tcp_source_synq_opened(stack, slot);
	return e;
}

void
tcp_synq_add(struct tcp_stack *stack, struct tcp_listener *l, const struct tcp_seg *seg,
	uint64_t hash, struct pkt *pkt)
{
	struct tcp_synq_entry *e = take_entry(stack, l, seg, hash);
	struct tcp_opts opts;
	struct tcp_emit syn;

	if (e == NULL) {
		stack->env->ctr->ListenDrops++;
		tcp_drop(stack, pkt, OUT_TABLE_FULL);
		return;
	}
	tcp_timers_synq(stack, (uint32_t)(e - stack->synq), TCP_RTO_INIT_MS);
	tcp_outcome(stack, OUT_SYN_QUEUED);
	stack->env->ctr->OutSegs++;
	syn = synack(stack, e, &seg->key, hash, &opts);
	/* Only this once: repetitions go without it, in case something on the way dislikes it. */
	if (seg->opts.present & TCP_OPT_FASTOPEN)
		tcp_fastopen_grant(stack, l, seg, &opts);
	tcp_emit_reply(stack, pkt, seg, &syn);
}

/* hash: of its key. */
static void
drop_entry(struct tcp_stack *stack, uint32_t slot, uint64_t hash)
{
	struct tcp_synq_entry *e = &stack->synq[slot];
	struct tcp_listener *l = &stack->listeners[e->listener];

	flow_table_remove(&stack->flows, hash, TCP_REF_SYNQ | slot);
	tcp_timers_synq_stop(stack, slot);
	tcp_source_synq_ended(stack, slot);
	l->synq--;
	l->synq_young -= e->retrans == 0;
	stack->synq_used--;
	stack->env->ctr->HalfOpen--;
	stack->env->ctr->state_count[TCPS_SYN_RECEIVED]--;
	tcp_brief_give(stack, &e->who);
	e->next = stack->synq_free;
	stack->synq_free = slot;
}

void
tcp_synq_drop(struct tcp_stack *stack, uint32_t slot)
{
	struct flow_key key = tcp_brief_key(stack, &stack->synq[slot].who);

	drop_entry(stack, slot, tcp_flow_hash(stack, &key));
}

void
tcp_synq_drop_listener(struct tcp_stack *stack, uint16_t listener)
{
	for (uint32_t i = 0; i < stack->synq_fresh; i++)
		if (stack->synq[i].who.local != 0 && stack->synq[i].listener == listener)
			tcp_synq_drop(stack, i);
}

/* The SYN-ACK again, in a packet of its own; without one the next timer tries again. */
static void
resend_synack(struct tcp_stack *stack, const struct tcp_synq_entry *e)
{
	struct flow_key key = tcp_brief_key(stack, &e->who);
	uint64_t hash = tcp_flow_hash(stack, &key);
	struct tcp_opts opts;
	struct tcp_emit syn = synack(stack, e, &key, hash, &opts);
	struct pkt *p = tcp_tx_has_room(stack) ? pkt_alloc(stack->env->pool) : NULL;

	if (p == NULL) {
		stack->env->ctr->TCPRetransFail++;
		return;
	}
	stack->env->ctr->RetransSegs++;
	stack->env->ctr->TCPSynRetrans++;
	tcp_emit(stack, p, &syn);
}

/*
 * As Linux's TCP_DEFER_ACCEPT: the handshake is done, but what is accepted is to have data. An ACK
 * without is dropped until so many SYN-ACKs would have been sent; one before is.
 */
static bool
defers(const struct tcp_stack *stack, const struct tcp_synq_entry *e, unsigned int before)
{
	return e->is_acked &&
		e->retrans + before < stack->listeners[e->listener].defer_tries;
}

/* The third segment, and nothing more. */
static bool
is_deferred(const struct tcp_stack *stack, struct tcp_synq_entry *e, const struct tcp_seg *seg)
{
	if (e->retrans >= stack->listeners[e->listener].defer_tries ||
		tcp_seg_len(seg) > 0 || seg->seq != e->irs + 1)
		return false;
	e->is_acked = 1;
	stack->env->ctr->TCPDeferAcceptDrop++;
	return true;
}

/* 1, 2, 4 ... s after each other. */
static void
arm(struct tcp_stack *stack, uint32_t slot)
{
	uint32_t delay_ms = TCP_RTO_INIT_MS << min_u32(stack->synq[slot].retrans, 16);

	tcp_timers_synq(stack, slot, min_u32(delay_ms, stack->env->tun->tcp_rto_max));
}

/* After the last try one more such wait, then it is dropped. */
void
tcp_synq_timer(struct tcp_stack *stack, uint32_t slot)
{
	struct tcp_synq_entry *e = &stack->synq[slot];
	bool silent;

	if (e->who.local == 0)
		return;
	if (e->retrans >= stack->env->tun->tcp_synack_retries && !defers(stack, e, 0)) {
		stack->env->ctr->AttemptFails++;
		tcp_synq_drop(stack, slot);
		return;
	}
	/* The peer has ours; only at the end it is asked again for what it has. */
	silent = defers(stack, e, 1);
	if (e->retrans == 0)
		stack->listeners[e->listener].synq_young--;
	if (e->retrans < TCP_SYNQ_TRIES_MAX)
		e->retrans = (e->retrans + 1u) & TCP_SYNQ_TRIES_MAX;
	arm(stack, slot);
	if (!silent)
		resend_synack(stack, e);
}

/* RFC 9293 s3.10.7.4 first: the window of SYN-RECEIVED starts right behind the SYN. */
static bool
in_window(struct tcp_stack *stack, const struct tcp_synq_entry *e, const struct tcp_seg *seg)
{
	uint32_t nxt = e->irs + 1;
	uint32_t end = nxt + tcp_syn_window(stack, &seg->key, wishes_of(stack, e), e->has_ts);
	uint32_t len = tcp_seg_len(seg);

	return seq32_between(seg->seq, nxt, end) ||
		(len > 0 && seq32_between(seg->seq + len - 1, nxt, end));
}

/* An acceptable ACK: the handshake is done if the accept queue has room. */
static void
complete(struct tcp_stack *stack, uint32_t slot, const struct tcp_seg *seg, struct pkt *pkt,
	uint64_t hash)
{
	struct tcp_synq_entry *e = &stack->synq[slot];
	const struct tcp_handshake hs = {
		.l = &stack->listeners[e->listener],
		.iss = e->iss,
		.irs = e->irs,
		.ts_recent = e->has_ts ? e->ts_recent : 0,
		.syn_rtx = e->retrans > 0,
		.rtt_us = e->retrans == 0 ? (uint32_t)stack->env->now_us - e->sent_us : 0,
		.mss = e->mss,
		.wscale = e->wscale,
		.has_wscale = e->has_wscale,
		.has_ts = e->has_ts,
		.has_sack = e->has_sack,
		.has_ecn = e->has_ecn,
	};
	enum outcome why = OUT_ACCEPT_QUEUE_FULL;
	struct tcp_conn *c;
	struct tcp_rx rx;

	if (!tcp_acceptq_admits(stack, hs.l, &why)) {
		if (why == OUT_ACCEPT_QUEUE_FULL && stack->env->tun->tcp_abort_on_overflow) {
			tcp_synq_drop(stack, slot);
			tcp_respond_rst(stack, seg, pkt, why);
			return;
		}
		/* The entry stays: a later segment of the peer tries again. */
		tcp_drop(stack, pkt, why);
		return;
	}
	/* The connection takes the entry's place in the flow table. */
	drop_entry(stack, slot, hash);
	c = tcp_acceptq_add(stack, &hs, seg, hash, &why);
	if (c == NULL) {
		tcp_drop(stack, pkt, why);
		return;
	}
	rx = tcp_rx_of(c, seg, pkt);
	rx.outcome = OUT_HANDSHAKE_DONE;
	tcp_segment_arrives(stack, c, &rx);
	tcp_outcome(stack, rx.outcome == OUT_PURE_ACK ? OUT_HANDSHAKE_DONE : rx.outcome);
	if (rx.pkt != NULL)
		pkt_free(stack->env->pool, rx.pkt);
}

/* The half-open connection answers, or has so lately: once in tcp_invalid_ratelimit. */
static bool
is_rationed(struct tcp_stack *stack, struct tcp_synq_entry *e)
{
	uint16_t now = (uint16_t)stack->env->now_ms;

	if ((uint16_t)(now - e->acked_ms) < stack->env->tun->tcp_invalid_ratelimit) {
		stack->env->ctr->TCPACKSkippedSynRecv++;
		return true;
	}
	e->acked_ms = now;
	return false;
}

/* Answered at once, and the timer begins anew, as Linux has it. */
static void
syn_again(struct tcp_stack *stack, struct tcp_synq_entry *e, const struct tcp_seg *seg,
	struct pkt *pkt, uint64_t hash)
{
	struct tcp_opts opts;
	struct tcp_emit syn = synack(stack, e, &seg->key, hash, &opts);

	if (!tcp_tx_has_room(stack)) {
		tcp_drop(stack, pkt, OUT_NO_BUFFER);
		return;
	}
	if (is_rationed(stack, e)) {
		tcp_drop(stack, pkt, OUT_SYN_AGAIN_RATE);
		return;
	}
	arm(stack, (uint32_t)(e - stack->synq));
	tcp_outcome(stack, OUT_SYN_AGAIN);
	stack->env->ctr->TCPSynRetrans++;
	stack->env->ctr->RetransSegs++;
	tcp_emit_reply(stack, pkt, seg, &syn);
}

/*
 * The answer to what is not acceptable. What carries neither data nor FIN could be an answer to our
 * own answer (or a flood that makes us send), so it is rationed; the rest is repeated by a peer
 * until it is answered. True: answered.
 */
static bool
ack_again(struct tcp_stack *stack, struct tcp_synq_entry *e, const struct tcp_seg *seg,
	struct pkt *pkt, enum outcome out)
{
	/* What the SYN-ACK offered: less would take it back (RFC 9293 s3.8.6). */
	const struct tcp_wishes *w = wishes_of(stack, e);
	unsigned int shift = e->has_wscale ? tcp_own_wscale(stack, w) : 0;
	uint32_t wnd = tcp_syn_window(stack, &seg->key, w, e->has_ts);
	const struct tcp_bare_ack answer = {
		.seq = e->iss + 1,
		.ack = e->irs + 1,
		.wnd = (uint16_t)((wnd + (1u << shift) - 1) >> shift),
		.has_ts = e->has_ts,
		.ts_recent = e->ts_recent,
	};

	if (seg->len == 0 && !(seg->flags & TCP_FIN) && is_rationed(stack, e)) {
		tcp_drop(stack, pkt, out);
		return false;
	}
	tcp_outcome(stack, out);
	tcp_respond_ack(stack, seg, pkt, &answer);
	return true;
}

/* RFC 7323 s5.3 R1; as Linux, a zero is none: some put it into SYNs and a clock into the rest. */
static bool
is_older(const struct tcp_synq_entry *e, const struct tcp_seg *seg)
{
	return e->has_ts && (seg->opts.present & TCP_OPT_TS) && !(seg->flags & TCP_RST) &&
		e->ts_recent != 0 && seq32_lt(seg->opts.tsval, e->ts_recent);
}

/* RFC 9293 s3.10.7.4 for SYN-RECEIVED of a passive open, in its order. */
static void
synq_arrives(struct tcp_stack *stack, uint32_t slot, const struct tcp_seg *seg, struct pkt *pkt,
	uint64_t hash)
{
	struct tcp_synq_entry *e = &stack->synq[slot];

	/* The very SYN again: not acceptable, but our SYN-ACK was lost (s3.10.7.4 note). */
	if ((seg->flags & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN && seg->seq == e->irs) {
		syn_again(stack, e, seg, pkt, hash);
		return;
	}
	/* First: sequence number; RFC 7323 s5.2 comes before it. */
	if (is_older(e, seg)) {
		stack->env->ctr->PAWSEstab++;
		ack_again(stack, e, seg, pkt, OUT_PAWS);
		return;
	}
	if (!in_window(stack, e, seg)) {
		if (seg->flags & TCP_RST) {
			tcp_drop(stack, pkt, OUT_RST_IGNORED);
			return;
		}
		ack_again(stack, e, seg, pkt, OUT_OUT_OF_WINDOW);
		return;
	}
	/* Second: RST returns a passive open to LISTEN; only an exact one (RFC 5961 s3.2). */
	if (seg->flags & TCP_RST) {
		if (seg->seq != e->irs + 1) {
			if (ack_again(stack, e, seg, pkt, OUT_CHALLENGE_RST))
				stack->env->ctr->TCPChallengeACK++;
			return;
		}
		stack->env->ctr->EmbryonicRsts++;
		stack->env->ctr->AttemptFails++;
		tcp_synq_drop(stack, slot);
		tcp_drop(stack, pkt, OUT_SYN_RST);
		return;
	}
	/* Third, security, is skipped. Fourth: SYN in the window (RFC 5961 s4.2). */
	if (seg->flags & TCP_SYN) {
		if (ack_again(stack, e, seg, pkt, OUT_CHALLENGE_SYN))
			stack->env->ctr->TCPSYNChallenge++;
		return;
	}
	/* Fifth: ACK. Nothing but our SYN-ACK can be acknowledged. */
	if (!(seg->flags & TCP_ACK)) {
		tcp_drop(stack, pkt, OUT_NO_ACK_FLAG);
		return;
	}
	if (seg->ack != e->iss + 1) {
		tcp_respond_rst(stack, seg, pkt, OUT_BAD_ACK);
		return;
	}
	if (is_deferred(stack, e, seg))
		tcp_drop(stack, pkt, OUT_ACCEPT_DEFERRED);
	else
		complete(stack, slot, seg, pkt, hash);
}

/*
 * Its SYN came twice, was answered with a cookie while the queue was full, and then queued: the
 * answer to the first one counts as well.
 */
static bool
may_be_cookie(const struct tcp_stack *stack, const struct tcp_synq_entry *e,
	const struct tcp_seg *seg)
{
	return (seg->flags & (TCP_SYN | TCP_RST | TCP_ACK)) == TCP_ACK && seg->ack != e->iss + 1 &&
		stack->listeners[e->listener].cookie_us != 0;
}

bool
tcp_synq_input(struct tcp_stack *stack, uint32_t slot, const struct tcp_seg *seg, struct pkt *pkt,
	uint64_t hash)
{
	if (may_be_cookie(stack, &stack->synq[slot], seg))
		return false;
	synq_arrives(stack, slot, seg, pkt, hash);
	return true;
}

void
tcp_synq_refuse(struct tcp_stack *stack, uint32_t slot, const struct tcp_seg *seg, struct pkt *pkt,
	uint64_t hash)
{
	synq_arrives(stack, slot, seg, pkt, hash);
}
