/* SPDX-License-Identifier: BSD-3-Clause */
/* What a loss does to cwnd, and how it is taken back where there was none. */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_parts.h"

/*
 *	            3 duplicate ACKs, RACK, ECE
 *	   open  ---------------------------------> TF_RECOVERY   PRR; NewReno without SACK
 *	    ^  ^                                      |     |
 *	    |  +--- all of before acknowledged -------+     | timeout
 *	    |                                               v
 *	    +------ the same, or found spurious ------- TF_RTO_DONE   slow start, F-RTO (RFC 5682)
 *
 * Threat model: a forged D-SACK or timestamp echo claims that nothing was lost. It gives back what
 * the last reduction took, once: SC_UNDO goes with it, and no more than prior_cwnd comes back.
 */

void
tcp_recovery_remember(struct tcp_conn *c, struct tcp_cold *cold, struct tcp_score *sc)
{
	sc->prior_cwnd = c->cwnd;
	sc->prior_ssthresh = cold->ssthresh;
	sc->undo_marker = c->snd_una;
	sc->undo_retrans = 0;
	sc->flags = (uint16_t)((sc->flags & ~SC_RETRANS_TS) | SC_UNDO);
}

void
tcp_recovery_enter(struct tcp_stack *stack, struct tcp_conn *c, enum tcp_recovery_reason reason)
{
	const struct tcp_cc *cc = tcp_cc_of(stack, c);
	struct tcp_cold *cold = tcp_cold(stack, c);
	bool marked = reason == TCP_RECOVERY_ECE;
	struct tcp_score *sc;

	if (c->flags & (TF_RECOVERY | TF_RTO_DONE))
		return;
	sc = tcp_score_get(stack, c);
	sc->flags &= (uint16_t)~(SC_PRR | SC_UNDO | SC_CWR);
	if (marked) {
		sc->flags |= SC_CWR;
		/* The ACK with the mark is not taken in yet. */
		sc->delivered = 0;
	} else {
		tcp_recovery_remember(c, cold, sc);
		if (c->flags & TF_SACK)
			stack->env->ctr->TCPSackRecovery++;
		else
			stack->env->ctr->TCPRenoRecovery++;
	}
	cold->ssthresh = marked && cc->ssthresh_ce != NULL ? cc->ssthresh_ce(stack, c) :
							     cc->ssthresh(stack, c);
	cold->recover = c->snd_nxt;
	c->flags |= TF_RECOVERY;
	tcp_ecn_reduced(c);
	if (!marked && !(c->flags & TF_SACK)) {
		c->cwnd = cold->ssthresh + TCP_DUPACK_THRESHOLD * c->mss;
		return;
	}
	/* RFC 9937 s6: what this ACK delivered was in flight as well. */
	sc->flags |= SC_PRR;
	sc->prr_delivered = 0;
	sc->prr_out = 0;
	sc->prr_flight = max_u32(c->snd_nxt - c->snd_una - sc->sacked + sc->delivered, c->mss);
}

/* RFC 9937 s6.2. safe: the window moves on and nothing more was found lost. */
static void
reduce_proportionally(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc, bool safe)
{
	uint32_t ssthresh = tcp_cold(stack, c)->ssthresh;
	uint32_t pipe = tcp_pipe(stack, c);
	int64_t room;

	sc->prr_delivered += sc->delivered;
	if (pipe > ssthresh) {
		room = (int64_t)(((uint64_t)sc->prr_delivered * ssthresh + sc->prr_flight - 1) /
			sc->prr_flight) - sc->prr_out;
	} else {
		room = (int64_t)sc->prr_delivered - sc->prr_out;
		if (room < sc->delivered)
			room = sc->delivered;
		if (safe)
			room += c->mss;
		if (room > ssthresh - pipe)
			room = ssthresh - pipe;
	}
	/* The first retransmission goes in any case. */
	if (sc->prr_out == 0 && room < c->mss)
		room = c->mss;
	c->cwnd = max_u32(pipe + (uint32_t)(room > 0 ? room : 0), c->mss);
}

static void
undo(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc)
{
	const struct tcp_cc *cc = tcp_cc_of(stack, c);
	struct tcp_cold *cold = tcp_cold(stack, c);

	/* Given up too early on a path that reorders, or after too short a timeout. */
	if (c->flags & TF_RECOVERY)
		cold->reo_seen = 1;
	sc->flags &= (uint16_t)~(SC_UNDO | SC_PRR | SC_FRTO | SC_FRTO_NEW);
	/* What was not reduced after all is not told either. */
	c->flags &= ~(TF_RECOVERY | TF_RTO_DONE | TF_ECN_CWR);
	c->dupacks = 0;
	c->cwnd = max_u32(c->cwnd, sc->prior_cwnd);
	cold->ssthresh = max_u32(cold->ssthresh, sc->prior_ssthresh);
	tcp_score_unmark_lost(c, sc);
	if (cc->undo != NULL)
		cc->undo(stack, c);
}

/* RFC 3522: the ACK echoes what was sent before the first retransmission. */
static bool
is_answer_to_original(const struct tcp_score *sc)
{
	const uint16_t need = SC_UNDO | SC_RETRANS_TS | SC_ACK_TS;

	return (sc->flags & need) == need && seq32_lt(sc->ack_ts, sc->retrans_ts);
}

/* RFC 3708 in kind: every retransmission was reported as a duplicate. */
static bool
is_all_duplicates(const struct tcp_score *sc)
{
	const uint16_t need = SC_UNDO | SC_RETRANS_TS | SC_DSACK_SEEN;

	return (sc->flags & need) == need && sc->undo_retrans == 0;
}

/* The recovery or timeout is over. A D-SACK may still take it back, for a round trip. */
static void
leave(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (sc->flags & SC_PRR)
		c->cwnd = cold->ssthresh;
	else if (c->flags & TF_RECOVERY)
		c->cwnd = min_u32(cold->ssthresh,
			max_u32(c->snd_nxt - c->snd_una, c->mss) + c->mss);
	sc->flags &= (uint16_t)~(SC_PRR | SC_FRTO | SC_FRTO_NEW);
	c->flags &= ~(TF_RECOVERY | TF_RTO_DONE);
	c->dupacks = 0;
	cold->recover = c->snd_nxt;
	tcp_rack_adapt(stack, c, sc, true);
}

/* RFC 6582 s3.2 step 3, partial: the next hole is lost, too; deflate by what left the network. */
static void
newreno_partial(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc, uint32_t acked)
{
	c->cwnd = max_u32(c->cwnd - min_u32(acked, c->cwnd), c->mss);
	if (acked >= c->mss)
		c->cwnd += c->mss;
	if (c->sendq_head != NULL && c->sendq_head != c->send_next)
		tcp_score_mark_lost(stack, sc, c->sendq_head);
	tcp_retransmit(stack, c, c->sendq_head != c->send_next ? c->sendq_head : NULL);
}

/* True: the recovery goes on. */
static bool
recovery_goes_on(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc, uint32_t acked)
{
	bool full = seq32_geq(c->snd_una, tcp_cold(stack, c)->recover);

	if (acked == 0)
		return true;
	if (is_answer_to_original(sc)) {
		stack->env->ctr->TCPFullUndo += full;
		stack->env->ctr->TCPPartialUndo += !full;
		undo(stack, c, sc);
		return false;
	}
	if (full) {
		leave(stack, c, sc);
		return false;
	}
	if (!(sc->flags & SC_PRR))
		newreno_partial(stack, c, sc, acked);
	return true;
}

static void
undo_timeout(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc, bool frto)
{
	stack->env->ctr->TCPLossUndo++;
	stack->env->ctr->TCPSpuriousRTOs += frto;
	undo(stack, c, sc);
}

static bool
may_send_new(const struct tcp_conn *c)
{
	return c->send_next != NULL && c->snd_nxt - c->snd_una < c->snd_wnd;
}

/* RFC 5682 s3.1 (SACK) and s2.1: did what was sent before the timeout arrive after all? */
static void
timeout_ack(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc, uint32_t acked)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	bool original = (sc->flags & SC_ORIG_DELIVERED) &&
		((c->flags & TF_SACK) || !(sc->flags & SC_RETRANS_ACKED));

	sc->flags &= (uint16_t)~SC_FRTO_NEW;
	if (acked > 0 && is_answer_to_original(sc)) {
		undo_timeout(stack, c, sc, false);
		return;
	}
	if ((sc->flags & (SC_FRTO | SC_UNDO)) == (SC_FRTO | SC_UNDO) && original) {
		undo_timeout(stack, c, sc, true);
		return;
	}
	if (seq32_geq(c->snd_una, cold->recover)) {
		leave(stack, c, sc);
		return;
	}
	if (!(sc->flags & SC_FRTO))
		return;
	if (acked > 0 && c->snd_nxt == cold->recover && may_send_new(c))
		sc->flags |= SC_FRTO_NEW;
	else if (acked > 0 ? c->snd_nxt == cold->recover : c->snd_nxt != cold->recover)
		sc->flags &= (uint16_t)~SC_FRTO;
}

void
tcp_recovery_begin(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx)
{
	struct tcp_score *sc = tcp_score(stack, c);

	if (sc == NULL)
		return;
	/*
	 * ACKs of a burst are taken in together. What the one before allowed goes first: each
	 * counts anew what may go, and would forget what was not sent yet (RFC 9937 s6.2).
	 */
	if ((sc->flags & SC_PRR) && (c->flags & TF_OUTPUT))
		tcp_output(stack, c);
	sc->flags &= (uint16_t)~SC_OF_ACK;
	sc->prior_fack = sc->fack;
	/* For now what was SACKed before. */
	sc->delivered = sc->sacked;
	if ((c->flags & TF_TS) && (rx->seg->opts.present & TCP_OPT_TS)) {
		sc->flags |= SC_ACK_TS;
		sc->ack_ts = rx->seg->opts.tsecr;
	}
}

/* Find what is lost by now; the timer for what may be soon. True: something new is lost. */
static bool
detect_loss(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc)
{
	uint32_t before = sc->pending;
	uint32_t again_us = 0;

	/* In a recovery what follows the last of the SACKed is judged, too. */
	if (!(c->flags & TF_SACK) ||
		(sc->sacked == 0 && sc->retrans == 0 && !(c->flags & TF_RECOVERY)))
		return false;
	again_us = tcp_rack_detect(stack, c, sc);
	if (again_us > 0)
		tcp_timers_reorder(stack, c, again_us);
	return sc->pending > before;
}

void
tcp_recovery_ack(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx, uint32_t was)
{
	struct tcp_score *sc = tcp_score(stack, c);
	uint32_t acked = c->snd_una - was;
	bool lost;

	sc->delivered = acked + sc->sacked - sc->delivered;
	if (acked > 0)
		c->dupacks = 0;
	tcp_rack_adapt(stack, c, sc, false);
	tcp_probe_acked(stack, c, rx, acked > 0);
	if (is_all_duplicates(sc)) {
		stack->env->ctr->TCPDSACKUndo++;
		undo(stack, c, sc);
	}
	if (c->flags & TF_RTO_DONE)
		timeout_ack(stack, c, sc, acked);
	else if (c->flags & TF_RECOVERY)
		recovery_goes_on(stack, c, sc, acked);
	if (c->snd_una == c->snd_nxt)
		return;
	/* What is suspect now has no tail to be probed for. */
	if ((c->timers & TT_PROBE) && (sc->sacked > 0 || sc->lost > 0))
		tcp_timers_on_suspicion(stack, c);
	lost = detect_loss(stack, c, sc) && !tcp_mtu_probe_lost(stack, c);
	if (lost)
		tcp_recovery_enter(stack, c, TCP_RECOVERY_LOSS);
	if ((sc->flags & SC_PRR) && (sc->delivered > 0 || lost))
		reduce_proportionally(stack, c, sc, acked > 0 && !lost);
}

/* The reordering window of something has passed (RFC 8985 s6.2 step 5). */
void
tcp_reorder_timer(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_score *sc = tcp_score(stack, c);
	bool recovers = (c->flags & (TF_RECOVERY | TF_RTO_DONE)) != 0;

	tcp_timers_on_suspicion(stack, c);
	if (sc == NULL)
		return;
	sc->delivered = 0;
	if (!detect_loss(stack, c, sc) || tcp_mtu_probe_lost(stack, c))
		return;
	tcp_recovery_enter(stack, c, TCP_RECOVERY_LOSS);
	if (!recovers)
		reduce_proportionally(stack, c, sc, false);
	tcp_want_output(stack, c);
}

/* A duplicate ACK without SACK (RFC 5681 s3.2, RFC 6582 s3.2). */
void
tcp_recovery_duplicate(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tcp_score *sc = tcp_score(stack, c);
	const struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t inflated = cold->ssthresh + cold->recover - c->snd_una;

	if (c->dupacks < UINT8_MAX)
		c->dupacks++;
	/* Also limited transmit (RFC 3042): tcp_output adds dupacks segments to cwnd. */
	tcp_want_output(stack, c);
	if ((c->flags & TF_RECOVERY) && !(sc->flags & SC_PRR)) {
		/* Each says that a segment has left; never more than were in flight when the
		 * recovery began, or a peer that repeats them has all it wants. */
		if (c->cwnd < inflated)
			c->cwnd += c->mss;
		return;
	}
	/* RFC 6582 s3.2 step 2, and s4.1: not again for losses of the last recovery or timeout. */
	if (c->dupacks != min_u32(stack->env->tun->tcp_reordering, UINT8_MAX) ||
		(c->flags & TF_RTO_DONE) || tcp_mtu_probe_lost(stack, c))
		return;
	tcp_recovery_enter(stack, c, TCP_RECOVERY_LOSS);
	if (c->sendq_head != NULL && c->sendq_head != c->send_next)
		tcp_score_mark_lost(stack, tcp_score(stack, c), c->sendq_head);
	tcp_retransmit(stack, c, c->sendq_head != c->send_next ? c->sendq_head : NULL);
}

void
tcp_recovery_settle(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_score *sc = tcp_score(stack, c);

	if (c->flags & (TF_RECOVERY | TF_RTO_DONE))
		return;
	/* With SACK until something beyond is acknowledged: reports of duplicates come later. */
	if (seq32_geq(c->snd_una, tcp_cold(stack, c)->recover + ((c->flags & TF_SACK) != 0)))
		sc->flags &= (uint16_t)~SC_UNDO;
	if ((sc->flags & SC_DSACK_ROUND) && seq32_geq(c->snd_una, sc->dsack_round))
		sc->flags &= (uint16_t)~SC_DSACK_ROUND;
	/* A search for a block goes on with the next ACK. */
	if (sc->seek != NULL && c->snd_una != c->snd_nxt)
		return;
	if (sc->sacked == 0 && sc->lost == 0 && sc->retrans == 0 &&
		!(sc->flags & (SC_UNDO | SC_PROBE | SC_DSACK_ROUND | SC_MTU_PROBE)))
		tcp_score_free(stack, c);
}
