/* SPDX-License-Identifier: BSD-3-Clause */
/* What a loss does to cwnd, and how it is taken back where there was none. */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_parts.h"

/*
 *	            3 duplicate ACKs, RACK, ECE
 *	   open  ---------------------------------> TF_RECOVERY   PRR
 *	    ^  ^                                      |     |
 *	    |  +--- all of before acknowledged -------+     | timeout
 *	    |                                               v
 *	    +------ the same, or found spurious ------- TF_RTO_DONE   slow start, F-RTO (RFC 5682)
 *
 * Threat model: a forged D-SACK or timestamp echo claims that nothing was lost. It gives back what
 * the last reduction took, once: SC_UNDO goes with it, and no more than prior_cwnd comes back.
 * A peer without SACK that repeats an ACK for ever claims that segments leave the network: they
 * count up to what was in flight when the recovery began, or ssthresh, which is what a round trip
 * of it sends; elsewhere only as many as begin one.
 */

void
tcp_recovery_remember(struct tcp_conn *c, struct tcp_cold *cold, struct tcp_score *sc)
{
	sc->prior_cwnd = c->cwnd;
	sc->prior_ssthresh = cold->ssthresh;
	sc->undo_marker = c->snd_una;
	/* Copies in flight may be reported, too: as a loss each of them was none (as Linux). */
	sc->undo_retrans = (sc->retrans + c->mss - 1) / c->mss;
	if ((sc->flags & (SC_PROBE | SC_PROBE_RTX)) == (SC_PROBE | SC_PROBE_RTX))
		sc->undo_retrans++;
	sc->flags = (uint16_t)((sc->flags & ~SC_RETRANS_TS) | SC_UNDO);
}

static void
count_recovery(struct tcp_stack *stack, const struct tcp_conn *c)
{
	if (c->flags & TF_SACK)
		stack->env->ctr->TCPSackRecovery++;
	else
		stack->env->ctr->TCPRenoRecovery++;
}

void
tcp_recovery_enter(struct tcp_stack *stack, struct tcp_conn *c, enum tcp_recovery_reason reason)
{
	const struct tcp_cc *cc = tcp_cc_of(stack, c);
	struct tcp_cold *cold = tcp_cold(stack, c);
	bool marked = reason == TCP_RECOVERY_ECE;
	struct tcp_score *sc;

	if (c->flags & TF_RTO_DONE)
		return;
	sc = tcp_score_get(stack, c);
	if ((c->flags & TF_RECOVERY) && seq32_lt(c->snd_una, cold->recover)) {
		/* A loss after a mark: the window was reduced for it already. */
		if (!marked && (sc->flags & SC_CWR)) {
			sc->flags &= (uint16_t)~SC_CWR;
			count_recovery(stack, c);
		}
		return;
	}
	sc->flags &= (uint16_t)~(SC_PRR | SC_UNDO | SC_CWR);
	if (marked) {
		sc->flags |= SC_CWR;
	} else {
		tcp_recovery_remember(c, cold, sc);
		count_recovery(stack, c);
	}
	cold->ssthresh = marked && cc->ssthresh_ce != NULL ? cc->ssthresh_ce(stack, c) :
							     cc->ssthresh(stack, c);
	cold->recover = c->snd_nxt;
	c->flags |= TF_RECOVERY;
	tcp_ecn_reduced(c);
	sc->flags |= SC_PRR;
	sc->prr_delivered = 0;
	sc->prr_out = 0;
	sc->prr_cwnd = max_u32(c->cwnd, c->mss);
}

/*
 * RFC 9937 s6.2. advanced: the window moves on; lost: more was found lost. What is delivered is
 * let go again in the proportion of ssthresh to the window it was taken from, in whole segments, as
 * Linux: a part of one would be nothing until the next ACK, and where the peer acknowledges every
 * other segment or ACKs are lost there is none to wait for.
 */
static void
reduce_proportionally(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc,
	bool advanced, bool lost)
{
	uint32_t ssthresh = tcp_cold(stack, c)->ssthresh;
	uint64_t part = (uint64_t)sc->prr_cwnd * c->mss;
	uint32_t pipe = tcp_pipe(stack, c);
	int64_t room;

	sc->prr_delivered += sc->delivered;
	if (pipe > ssthresh) {
		room = (int64_t)(((uint64_t)sc->prr_delivered * ssthresh + part - 1) / part) *
			c->mss - sc->prr_out;
	} else {
		room = (int64_t)sc->prr_delivered - sc->prr_out;
		if (room < sc->delivered)
			room = sc->delivered;
		if (advanced && !lost)
			room += c->mss;
		if (room > ssthresh - pipe)
			room = ssthresh - pipe;
	}
	/* The first retransmission goes in any case, and so does each hole (RFC 6582 s3.2 3). */
	if ((sc->prr_out == 0 || (lost && !(c->flags & TF_SACK))) && room < c->mss)
		room = c->mss;
	c->cwnd = max_u32(pipe + (uint32_t)(room > 0 ? room : 0), c->mss);
}

/* Bytes that may have left the network by what duplicate ACKs say: not the hole, see above. */
static uint32_t
duplicates_max(const struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_score *sc)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t most = stack->env->tun->tcp_reordering * c->mss;
	uint32_t flight = c->snd_nxt - c->snd_una;
	uint32_t hole = 1;

	if (c->sendq_head != NULL)
		hole = c->sendq_head->app.end_seq - c->sendq_head->app.seq;
	hole = max_u32(hole, sc->lost);
	if ((c->flags & TF_RECOVERY) && seq32_lt(c->snd_una, cold->recover))
		most = max_u32(cold->recover - c->snd_una, cold->ssthresh);
	return flight > hole ? min_u32(flight - hole, most) : 0;
}

/* A duplicate ACK without SACK stands for a segment that arrived, as if it were SACKed. */
void
tcp_recovery_duplicate(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	struct tcp_score *sc = tcp_score(stack, c);
	uint32_t most = duplicates_max(stack, c, sc);

	/* After a timeout old ones arrive, until something new was sent (RFC 6582 s4), and after a
	 * recovery until something new is acknowledged (s3.2 step 2). */
	if ((c->flags & TF_RTO_DONE) && c->snd_nxt == cold->recover)
		return;
	if ((c->flags & TF_RECOVERY) && !(sc->flags & SC_CWR) && c->snd_una == cold->recover)
		return;
	sc->sacked_pkts++;
	if (sc->sacked >= most)
		return;
	sc->sacked = min_u32(sc->sacked + c->mss, most);
	tcp_note_delivered(stack, c);
}

void
tcp_recovery_forget_duplicates(const struct tcp_conn *c, struct tcp_score *sc)
{
	if (!(c->flags & TF_SACK))
		sc->sacked = sc->sacked_pkts = 0;
}

/* RFC 6582 s3.2 step 3: in a recovery, and not all is acknowledged that it began with. */
static bool
is_partial(const struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_score *sc)
{
	return (c->flags & TF_RECOVERY) && !(sc->flags & SC_CWR) &&
		seq32_lt(c->snd_una, tcp_cold(stack, c)->recover);
}

/* One segment of what is acknowledged was the hole, the others were told of by duplicate ACKs. */
static void
duplicates_acked(const struct tcp_stack *stack, const struct tcp_conn *c, struct tcp_score *sc,
	uint32_t acked)
{
	uint32_t told = acked > c->mss ? acked - c->mss : 0;

	tcp_note_told(stack, c, min_u32(told, sc->sacked) / c->mss);
	if (!is_partial(stack, c, sc)) {
		tcp_recovery_forget_duplicates(c, sc);
		return;
	}
	sc->sacked = min_u32(sc->sacked - min_u32(told, sc->sacked), duplicates_max(stack, c, sc));
	sc->sacked_pkts -= min_u32(told / c->mss, sc->sacked_pkts);
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
	tcp_recovery_forget_duplicates(c, sc);
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
	sc->flags &= (uint16_t)~(SC_PRR | SC_FRTO | SC_FRTO_NEW);
	c->flags &= ~(TF_RECOVERY | TF_RTO_DONE);
	cold->recover = c->snd_nxt;
	tcp_rack_adapt(stack, c, sc, true);
}

/*
 * Is all acknowledged that was in flight when it began? As Linux, what follows must be begun to be,
 * too, where CWR has to reach the peer before its next ECE is news (RFC 3168 s6.1.2), and without
 * SACK, where duplicates of what was sent again still come (RFC 6582 s3.2 step 2).
 */
static bool
is_repaired(const struct tcp_conn *c, const struct tcp_score *sc, uint32_t una, uint32_t end)
{
	bool marked = (c->flags & TF_RECOVERY) && (sc->flags & SC_CWR);

	return marked || !(c->flags & TF_SACK) ? seq32_gt(una, end) : seq32_geq(una, end);
}

static void
recover(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc, uint32_t acked)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	bool full = seq32_geq(c->snd_una, cold->recover);

	if (acked == 0)
		return;
	if (is_answer_to_original(sc)) {
		stack->env->ctr->TCPFullUndo += full;
		stack->env->ctr->TCPPartialUndo += !full;
		undo(stack, c, sc);
		return;
	}
	if (is_repaired(c, sc, c->snd_una, cold->recover))
		leave(stack, c, sc);
}

void
tcp_recovery_rest(struct tcp_stack *stack, struct tcp_conn *c)
{
	if (c->flags & (TF_RECOVERY | TF_RTO_DONE))
		leave(stack, c, tcp_score(stack, c));
}

bool
tcp_recovery_is_over(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t ack)
{
	return (c->flags & TF_RECOVERY) &&
		is_repaired(c, tcp_score(stack, c), ack, tcp_cold(stack, c)->recover);
}

static void
undo_timeout(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc, bool frto)
{
	stack->env->ctr->TCPLossUndo++;
	stack->env->ctr->TCPSpuriousRTOs += frto;
	tcp_cold(stack, c)->rexmits = 0;
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
		if (is_repaired(c, sc, c->snd_una, cold->recover))
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
	/* What a peer has thrown away again says nothing of the order (as Linux). */
	sc->prior_fack = sc->sacked_pkts > 0 ? sc->fack : c->snd_una;
	/* For now what was SACKed before. */
	sc->delivered = sc->sacked;
	if ((c->flags & TF_TS) && (rx->seg->opts.present & TCP_OPT_TS)) {
		sc->flags |= SC_ACK_TS;
		sc->ack_ts = rx->seg->opts.tsecr;
	}
}

/*
 * RFC 5681 s3.2, RFC 6582 s3.2: the third duplicate ACK shows that the oldest is lost, in a
 * recovery each ACK that acknowledges only part of it. True: it was not known to be.
 */
static bool
detect_by_duplicates(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc,
	bool advanced)
{
	struct pkt *head = c->sendq_head;
	bool goes_on = (c->flags & TF_RECOVERY) && !(sc->flags & SC_CWR);
	bool lost = goes_on ? advanced && is_partial(stack, c, sc) :
			      sc->sacked_pkts >= stack->env->tun->tcp_reordering;

	if (!lost || (c->flags & TF_RTO_DONE) || head == NULL || head == c->send_next ||
		(head->app.flags & PKT_F_LOST))
		return false;
	tcp_score_mark_lost(stack, sc, head);
	return true;
}

/* Find what is lost by now; the timer for what may be soon. True: something new is lost. */
static bool
detect_loss(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc)
{
	uint32_t before = sc->pending;
	uint32_t again_us = 0;

	/* In a recovery what follows the last of the SACKed is judged, too. */
	if (sc->sacked == 0 && sc->retrans == 0 && !(c->flags & TF_RECOVERY))
		return false;
	again_us = tcp_rack_detect(stack, c, sc);
	if (again_us > 0)
		tcp_timers_reorder(stack, c, again_us);
	return sc->pending > before;
}

/* True: something new is lost. */
static bool
look_for_losses(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc, bool advanced)
{
	bool lost;

	/* What is suspect now has no tail to be probed for. */
	if ((c->timers & TT_PROBE) && (sc->sacked > 0 || sc->lost > 0))
		tcp_timers_on_suspicion(stack, c);
	lost = (c->flags & TF_SACK) ? detect_loss(stack, c, sc) :
				      detect_by_duplicates(stack, c, sc, advanced);
	lost = lost && !tcp_mtu_probe_lost(stack, c);
	if (lost)
		tcp_recovery_enter(stack, c, TCP_RECOVERY_LOSS);
	return lost;
}

void
tcp_recovery_ack(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx, uint32_t was)
{
	struct tcp_score *sc = tcp_score(stack, c);
	uint32_t acked = c->snd_una - was;
	bool lost = false;

	if (acked > 0 && !(c->flags & TF_SACK))
		duplicates_acked(stack, c, sc, acked);
	/* Of segments that were told of more often than they are, one at least is new. */
	sc->delivered = acked + sc->sacked > sc->delivered ?
		acked + sc->sacked - sc->delivered : min_u32(acked, c->mss);
	if (acked > 0 && c->sendq_head != NULL && (c->sendq_head->app.flags & PKT_F_SACKED)) {
		tcp_timers_reneged(stack, c);
		return;
	}
	tcp_rack_adapt(stack, c, sc, false);
	if (sc->flags & SC_REORDERED)
		tcp_rack_count_reordering(stack, c, sc);
	tcp_probe_acked(stack, c, rx, acked > 0);
	if (is_all_duplicates(sc)) {
		stack->env->ctr->TCPDSACKUndo++;
		undo(stack, c, sc);
	}
	if (c->flags & TF_RTO_DONE)
		timeout_ack(stack, c, sc, acked);
	else if (c->flags & TF_RECOVERY)
		recover(stack, c, sc, acked);
	if (c->snd_una != c->snd_nxt)
		lost = look_for_losses(stack, c, sc, acked > 0);
	if ((sc->flags & SC_PRR) && (sc->delivered > 0 || lost))
		reduce_proportionally(stack, c, sc, acked > 0, lost);
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
	/* As Linux: as if one had been delivered. */
	sc->delivered = c->mss;
	if (!detect_loss(stack, c, sc) || tcp_mtu_probe_lost(stack, c))
		return;
	tcp_recovery_enter(stack, c, TCP_RECOVERY_LOSS);
	if (!recovers)
		reduce_proportionally(stack, c, sc, false, true);
	tcp_want_output(stack, c);
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
	if (sc->sacked_pkts == 0 && sc->lost == 0 && sc->retrans == 0 &&
		!(sc->flags & (SC_UNDO | SC_PROBE | SC_DSACK_ROUND | SC_MTU_PROBE)))
		tcp_score_free(stack, c);
}
