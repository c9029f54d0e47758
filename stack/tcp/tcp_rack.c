/* SPDX-License-Identifier: BSD-3-Clause */
/* Loss by time, and the probe for a lost tail (RFC 8985: RACK-TLP). */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_parts.h"

/*
 * A packet is lost if one sent later was delivered a reordering window ago. Packets sent once were
 * sent in order of sequence, so the first of them that is not lost ends the search, and the next
 * one begins there (rack_next). Those sent again are in any order: they are looked at in the gaps
 * from the head on, RESENT_MAX an ACK, since it is the head that holds everything up.
 */
#define RESENT_MAX 64u
#define REO_PERSIST 16u		/* RFC 8985 s6.2 step 4: recoveries without D-SACK */
#define REO_MULT_MAX 64u
#define PROBE_SLACK_MS 2u	/* as Linux, for timers late on either side */

/* Bits of tcp_recovery, as Linux. */
#define RECOVERY_RACK 1u
#define RECOVERY_STATIC_WND 2u
#define RECOVERY_NO_DUPTHRESH 4u

bool
tcp_rack_is_on(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return (stack->env->tun->tcp_recovery & RECOVERY_RACK) && (c->flags & TF_SACK);
}

/* RFC 8985 s5.2, RACK_sent_after. */
static bool
is_sent_after(uint32_t sent_us, uint32_t end_seq, uint32_t than_us, uint32_t than_seq)
{
	return sent_us == than_us ? seq32_gt(end_seq, than_seq) : seq32_gt(sent_us, than_us);
}

/*
 * The echo, or a round trip no path has, says that it was an earlier copy (s6.2 step 2). deviates:
 * what is SACKed lies behind a gap, and the echo is of what came before the gap (RFC 7323 s4.3), so
 * it says nothing of p. By the letter a probe for a lost tail could never show what was lost.
 * Round trips of trains, by which the least one is known, are longer than that of a probe alone: an
 * eighth less is no proof yet. Who is mistaken hears of it by a D-SACK.
 */
static bool
is_of_earlier_copy(const struct tcp_stack *stack, const struct tcp_conn *c,
	const struct tcp_score *sc, const struct pkt *p, uint32_t rtt_us, bool sacked)
{
	uint32_t min_rtt_us = tcp_cold(stack, c)->min_rtt_us;
	uint32_t sent_ms;

	if (p->app.sends <= 1)
		return false;
	if (sacked || !(sc->flags & SC_ACK_TS))
		return rtt_us < min_rtt_us - min_rtt_us / 8;
	sent_ms = (uint32_t)((stack->env->now_us - rtt_us) / 1000) + tcp_cold(stack, c)->ts_off;
	return seq32_lt(sc->ack_ts, sent_ms);
}

/* s6.2 step 3: behind what was delivered already, and it is no retransmission. */
static void
detect_reordering(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc,
	const struct pkt *p)
{
	struct tcp_notes *n = tcp_notes(stack, c);

	if (p->app.sends > 1 || seq32_geq(p->app.end_seq, sc->prior_fack))
		return;
	tcp_cold(stack, c)->reo_seen = 1;
	if (n != NULL && (!(sc->flags & SC_REORDERED) || seq32_lt(p->app.seq, n->reord_seq)))
		n->reord_seq = p->app.seq;
	sc->flags |= SC_REORDERED;
}

/* Once for an ACK: how far it reached, as Linux tells it. */
void
tcp_rack_count_reordering(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_score *sc)
{
	struct tcp_notes *n = tcp_notes(stack, c);
	const struct tcp_range *r = sc->sacks;
	uint32_t fack = c->snd_una;
	uint32_t segs;

	stack->env->ctr->TCPSACKReorder++;
	if (n == NULL)
		return;
	n->reord_seen++;
	for (; r != NULL; r = r->next)
		fack = r->tail->app.seq;
	if (seq32_leq(fack, n->reord_seq))
		return;
	segs = (fack - n->reord_seq + c->mss - 1) / c->mss;
	if (segs > max_u32(n->reordering, stack->env->tun->tcp_reordering))
		n->reordering = min_u32(segs, TCP_REORDERING_MAX);
}

void
tcp_rack_delivered(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc,
	const struct pkt *p, bool sacked)
{
	uint32_t rtt_us = (uint32_t)stack->env->now_us - p->app.sent_us;

	detect_reordering(stack, c, sc, p);
	if (p->app.sends == 1 && seq32_leq(p->app.end_seq, tcp_cold(stack, c)->recover))
		sc->flags |= SC_ORIG_DELIVERED;
	sc->fack = seq32_max(sc->fack, p->app.end_seq);
	if (is_of_earlier_copy(stack, c, sc, p, rtt_us, sacked))
		return;
	if (sc->rack_rtt_us != 0 &&
		!is_sent_after(p->app.sent_us, p->app.end_seq, sc->rack_sent_us, sc->rack_end_seq))
		return;
	sc->rack_sent_us = p->app.sent_us;
	sc->rack_end_seq = p->app.end_seq;
	sc->rack_rtt_us = max_u32(rtt_us, 1);
}

/* s6.2 step 4, RACK_update_reo_wnd. */
static uint32_t
reo_wnd_us(const struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_score *sc)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	const struct tunables *tun = stack->env->tun;

	if (!cold->reo_seen) {
		if (tcp_is_repairing(stack, c))
			return 0;
		if (sc->sacked_pkts >= tun->tcp_reordering &&
			!(tun->tcp_recovery & RECOVERY_NO_DUPTHRESH))
			return 0;
	}
	return (uint32_t)min_u64((uint64_t)cold->reo_mult * cold->min_rtt_us / 4, cold->srtt_us);
}

void
tcp_rack_adapt(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc, bool exited)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if ((sc->flags & SC_DSACK_ROUND) && seq32_geq(c->snd_una, sc->dsack_round))
		sc->flags &= (uint16_t)~SC_DSACK_ROUND;
	if (stack->env->tun->tcp_recovery & RECOVERY_STATIC_WND)
		return;
	if ((sc->flags & (SC_DSACK_SEEN | SC_DSACK_ROUND)) == SC_DSACK_SEEN) {
		sc->flags |= SC_DSACK_ROUND;
		sc->dsack_round = c->snd_nxt;
		cold->reo_mult = (uint8_t)min_u32(cold->reo_mult + 1u, REO_MULT_MAX);
		cold->reo_persist = REO_PERSIST;
	} else if (exited && cold->reo_persist > 0 && --cold->reo_persist == 0) {
		cold->reo_mult = 1;
	}
}

/* Microseconds until p is lost, at most 0: it is. */
static int32_t
time_left(const struct tcp_stack *stack, const struct tcp_score *sc, const struct pkt *p,
	uint32_t wnd_us)
{
	uint32_t age_us = (uint32_t)stack->env->now_us - p->app.sent_us;

	return (int32_t)(sc->rack_rtt_us + wnd_us - age_us);
}

bool
tcp_rack_is_recent(const struct tcp_stack *stack, const struct tcp_conn *c,
	const struct tcp_score *sc, const struct pkt *p)
{
	return tcp_rack_is_on(stack, c) && sc->rack_rtt_us != 0 &&
		time_left(stack, sc, p, reo_wnd_us(stack, c, sc)) > 0;
}

/* Judge p, sent before what RACK goes by; the time to come back is the earliest of all. */
static bool
judge(struct tcp_stack *stack, struct tcp_score *sc, struct pkt *p, uint32_t wnd_us,
	uint32_t *again_us)
{
	int32_t left = time_left(stack, sc, p, wnd_us);

	if (left <= 0) {
		tcp_score_mark_lost(stack, sc, p);
		return true;
	}
	if (*again_us == 0 || (uint32_t)left < *again_us)
		*again_us = (uint32_t)left;
	return false;
}

static bool
rack_is_after(const struct tcp_score *sc, const struct pkt *p)
{
	return is_sent_after(sc->rack_sent_us, sc->rack_end_seq, p->app.sent_us, p->app.end_seq);
}

/* Packets sent once: the frontier moves over what is SACKed, lost, or was sent again. */
static void
judge_originals(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc, uint32_t wnd_us,
	uint32_t *again_us)
{
	struct pkt *p = sc->rack_next != NULL ? sc->rack_next : c->sendq_head;

	while (p != NULL && p != c->send_next) {
		sc->rack_next = p;
		if (p->app.sends == 1 && !(p->app.flags & (PKT_F_SACKED | PKT_F_LOST))) {
			if (!rack_is_after(sc, p) || !judge(stack, sc, p, wnd_us, again_us))
				return;
		}
		p = p->app.next;
	}
}

/* Sent again, for lost or as a probe, and not known to be lost since. */
static bool
is_resent(const struct pkt *p)
{
	return (p->app.flags & PKT_F_RETRANS) ||
		(p->app.sends > 1 && !(p->app.flags & (PKT_F_SACKED | PKT_F_LOST)));
}

static void
judge_resent(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc, uint32_t wnd_us,
	uint32_t *again_us)
{
	const struct tcp_range *r = sc->sacks;
	struct pkt *p = c->sendq_head;

	for (unsigned int i = 0; i < RESENT_MAX && p != NULL && p != c->send_next; i++) {
		if (r != NULL && p == r->head) {
			p = r->tail->app.next;
			r = r->next;
			continue;
		}
		if (is_resent(p) && rack_is_after(sc, p))
			judge(stack, sc, p, wnd_us, again_us);
		p = p->app.next;
	}
}

/* RFC 6675 s2, IsLost: what has more than threshold - 1 segments SACKed above it. */
static void
judge_by_count(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc)
{
	uint32_t enough = (stack->env->tun->tcp_reordering - 1) * c->mss;
	const struct tcp_range *r = sc->sacks;
	struct pkt *p = sc->rack_next != NULL ? sc->rack_next : c->sendq_head;
	uint32_t above = sc->sacked;

	for (; p != NULL && r != NULL && seq32_leq(r->end, p->app.seq); r = r->next)
		above -= r->end - r->start;
	while (p != NULL && p != c->send_next && r != NULL && above > enough) {
		sc->rack_next = p;
		if (p == r->head) {
			above -= r->end - r->start;
			p = r->tail->app.next;
			r = r->next;
			continue;
		}
		if (p->app.sends == 1 && !(p->app.flags & (PKT_F_SACKED | PKT_F_LOST)))
			tcp_score_mark_lost(stack, sc, p);
		p = p->app.next;
	}
}

uint32_t
tcp_rack_detect(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_score *sc)
{
	uint32_t again_us = 0;
	uint32_t wnd_us;

	if (!tcp_rack_is_on(stack, c)) {
		judge_by_count(stack, c, sc);
		return 0;
	}
	if (sc->rack_rtt_us == 0)
		return 0;
	wnd_us = reo_wnd_us(stack, c, sc);
	judge_originals(stack, c, sc, wnd_us, &again_us);
	if (sc->retrans > 0 || (sc->flags & SC_PROBE_RTX))
		judge_resent(stack, c, sc, wnd_us, &again_us);
	return again_us;
}

/* --- tail loss probe (s7) -------------------------------------------------------------------- */

/* Only where nothing is suspect: else RACK or the timeout finds what is lost. */
static bool
may_probe(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const uint32_t matters = TF_SACK | TF_PERSIST | TF_RECOVERY | TF_RTO_DONE | TF_SCORE;
	uint32_t mode = stack->env->tun->tcp_early_retrans;
	const struct tcp_score *sc;

	if ((mode != 3 && mode != 4) || !tcp_is_synchronised(c))
		return false;
	if ((c->flags & matters) == TF_SACK)
		return true;
	if (!(c->flags & TF_SACK) || (c->flags & TF_PERSIST) || tcp_is_repairing(stack, c))
		return false;
	sc = tcp_score(stack, c);
	return sc == NULL || (sc->sacked == 0 && sc->lost == 0 && !(sc->flags & SC_PROBE));
}

/* s7.2. Linux's allowance for a delayed ACK of a single segment: the least timeout. */
uint32_t
tcp_probe_delay(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t delay_ms;

	if (cold->srtt_us == 0 || cold->rexmits > 0 || !may_probe(stack, c))
		return 0;
	delay_ms = (2 * cold->srtt_us + 999) / 1000;
	if (c->snd_nxt - c->snd_una <= c->mss)
		delay_ms += stack->env->tun->tcp_rto_min;
	else
		delay_ms += PROBE_SLACK_MS;
	return min_u32(delay_ms, cold->rto_ms);
}

static struct pkt *
last_sent(const struct tcp_conn *c)
{
	struct pkt *p = c->sendq_head;

	if (c->send_next == NULL)
		return c->sendq_tail;
	while (p != NULL && p->app.next != c->send_next)
		p = p->app.next;
	return p;
}

/* New data if there is any and the peer's window lets it, whatever cwnd says (s7.3). */
static bool
send_new(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct pkt *p = c->send_next;
	uint32_t len;

	if (p == NULL)
		return false;
	len = min_u32(p->app.end_seq - p->app.seq, c->mss);
	return c->snd_nxt - c->snd_una + len <= c->snd_wnd && tcp_send_next(stack, c, len);
}

static bool
send_probe(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint16_t how = SC_PROBE;
	struct tcp_score *sc;
	bool sent;

	if (!tcp_tx_has_room(stack))
		return false;
	sent = send_new(stack, c);
	if (!sent) {
		struct pkt *last = last_sent(c);

		how |= SC_PROBE_RTX;
		/* A FIN that followed alone is the tail. */
		if ((c->flags & TF_FIN_SENT) && last != NULL && !(last->app.flags & PKT_F_FIN))
			last = NULL;
		if (last != NULL && tcp_is_beyond_window(c, last))
			return false;
		/* As Linux, the copy takes no room of what cwnd allows: it may be one too many. */
		sent = tcp_send_copy(stack, c, last);
	}
	if (!sent)
		return false;
	sc = tcp_score_get(stack, c);
	sc->flags = (uint16_t)((sc->flags & ~SC_PROBE_RTX) | how);
	sc->probe_seq = c->snd_nxt;
	stack->env->ctr->TCPLossProbes++;
	return true;
}

static uint32_t
age_ms(const struct tcp_stack *stack, const struct pkt *p)
{
	return ((uint32_t)stack->env->now_us - p->app.sent_us) / 1000;
}

void
tcp_probe_timer(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint32_t delay_ms = tcp_probe_delay(stack, c);
	uint32_t rto_ms = tcp_cold(stack, c)->rto_ms;
	uint32_t head_ms, tail_ms;

	if (delay_ms == 0) {
		tcp_timers_on_suspicion(stack, c);
		return;
	}
	/* What was sent after the timer was set has its own two round trips to go. */
	if (c->send_next == NULL && c->sendq_head != c->sendq_tail) {
		tail_ms = age_ms(stack, c->sendq_tail);
		head_ms = age_ms(stack, c->sendq_head);
		if (tail_ms + 1 < delay_ms && head_ms < rto_ms) {
			tcp_timers_probe(stack, c, min_u32(delay_ms - tail_ms, rto_ms - head_ms));
			return;
		}
	}
	/* The timeout counts from the probe (s7.3). */
	if (send_probe(stack, c))
		tcp_timers_on_timeout(stack, c);
	else
		tcp_timers_on_suspicion(stack, c);
}

/* s7.4.2: was there a loss, which the probe has repaired? Then the window is reduced after all. */
void
tcp_probe_acked(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx, bool advanced)
{
	struct tcp_score *sc = tcp_score(stack, c);
	struct tcp_cold *cold = tcp_cold(stack, c);
	bool repaired = (sc->flags & SC_PROBE_RTX) && !(sc->flags & SC_DSACK_SEEN);
	/* The same ACK twice: both copies arrived. */
	bool twice = !advanced && rx->len == 0 && rx->wnd == c->snd_wnd;

	if (!(sc->flags & SC_PROBE) || seq32_lt(rx->ack, sc->probe_seq))
		return;
	if (repaired && rx->ack == sc->probe_seq && !twice)
		return;
	sc->flags &= (uint16_t)~(SC_PROBE | SC_PROBE_RTX);
	if (!repaired || rx->ack == sc->probe_seq || (c->flags & (TF_RECOVERY | TF_RTO_DONE)))
		return;
	stack->env->ctr->TCPLossProbeRecovery++;
	cold->ssthresh = tcp_cc_of(stack, c)->ssthresh(stack, c);
	c->cwnd = min_u32(c->cwnd, cold->ssthresh);
	tcp_ecn_reduced(c);
}
