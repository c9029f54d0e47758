/* SPDX-License-Identifier: BSD-3-Clause */
/* Fifth step of RFC 9293 s3.10.7.4: what an ACK acknowledges, measures and opens. */
#include "tcp/tcp_delivery.h"
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_parts.h"

/* RFC 6298 s2.2, with Linux's floor on the variance term: RTO = SRTT + max(rto_min, 4 RTTVAR). */
static void
first_rto(const struct tcp_stack *stack, struct tcp_cold *cold)
{
	const struct tunables *tun = stack->env->tun;
	uint32_t var_ms = max_u32((4 * cold->rttvar_us + 999) / 1000, tun->tcp_rto_min);

	cold->var_max_ms = (uint16_t)min_u32(var_ms, UINT16_MAX);
	cold->rto_ms = min_u32((cold->srtt_us + 999) / 1000 + var_ms, tun->tcp_rto_max);
}

/* RFC 6298 s2.3; as Linux, what comes sooner than it used to is no reason to wait longer. */
static void
smooth(struct tcp_cold *cold, uint32_t rtt_us)
{
	bool later = rtt_us >= cold->srtt_us;
	uint32_t err = later ? rtt_us - cold->srtt_us : cold->srtt_us - rtt_us;

	if (err < cold->rttvar_us)
		cold->rttvar_us -= (cold->rttvar_us - err) / 4;
	else
		cold->rttvar_us += (err - cold->rttvar_us) / (later ? 4 : 32);
	cold->srtt_us = max_u32(cold->srtt_us - cold->srtt_us / 8 + rtt_us / 8, 1);
}

/*
 * As Linux: the part of the variance is not less than at any time of this round trip, and falls
 * by a quarter of the difference once in each. held_ms: what it was, as the RTO had it.
 */
static void
hold_up(struct tcp_stack *stack, const struct tcp_conn *c, struct tcp_cold *cold, uint32_t held_ms)
{
	const struct tunables *tun = stack->env->tun;
	uint32_t var_ms = min_u32((4 * cold->rttvar_us + 999) / 1000, UINT16_MAX);
	uint32_t least_ms = min_u32(tun->tcp_rto_min, UINT16_MAX);

	if (var_ms > cold->var_max_ms) {
		cold->var_max_ms = (uint16_t)var_ms;
		held_ms = max_u32(held_ms, var_ms);
	}
	if (seq32_gt(c->snd_una, cold->rtt_seq)) {
		if (cold->var_max_ms < held_ms)
			held_ms -= (held_ms - cold->var_max_ms) / 4;
		cold->rtt_seq = c->snd_nxt;
		cold->var_max_ms = (uint16_t)least_ms;
	}
	cold->rto_ms = min_u32((cold->srtt_us + 999) / 1000 + held_ms, tun->tcp_rto_max);
}

static void
note_least(struct tcp_stack *stack, struct tcp_cold *cold, uint32_t rtt_us)
{
	if (rtt_us <= cold->min_rtt_us || cold->min_rtt_us == 0 ||
		stack->env->now_ms - cold->min_rtt_at_ms > TCP_MIN_RTT_MS) {
		cold->min_rtt_us = rtt_us;
		cold->min_rtt_at_ms = stack->env->now_ms;
	}
}

void
tcp_rtt_sample(struct tcp_stack *stack, struct tcp_conn *c, uint32_t rtt_us, uint32_t least_us)
{
	const struct tcp_cc *cc = tcp_cc_of(stack, c);
	struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t srtt_ms = (cold->srtt_us + 999) / 1000;

	if (cold->srtt_us == 0) {
		cold->srtt_us = max_u32(rtt_us, 1);
		cold->rttvar_us = rtt_us / 2;
		cold->rtt_seq = c->snd_nxt;
		first_rto(stack, cold);
	} else {
		smooth(cold, rtt_us);
		hold_up(stack, c, cold, cold->rto_ms > srtt_ms ? cold->rto_ms - srtt_ms : 0);
	}
	note_least(stack, cold, least_us);
	/* Karn: what was doubled stays so until now. */
	cold->backoff = 0;
	if (cc->on_rtt != NULL)
		cc->on_rtt(stack, c, least_us);
}

bool
tcp_fin_acked(const struct tcp_conn *c)
{
	return (c->flags & TF_FIN_SENT) && c->snd_una == c->write_seq + 1;
}

/* RFC 7323 s4.1: the echo measures also what was sent again, to the millisecond. */
static void
measure_by_echo(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tcp_score *sc = tcp_score(stack, c);
	uint32_t rtt_ms;

	if (sc == NULL || !(sc->flags & SC_ACK_TS) || sc->ack_ts == 0)
		return;
	rtt_ms = tcp_ts_now(stack, tcp_cold(stack, c)->ts_off) - sc->ack_ts;
	rtt_ms = max_u32(rtt_ms, 1);
	if (rtt_ms < TCP_RTT_MAX_MS)
		tcp_rtt_sample(stack, c, 1000 * rtt_ms, 1000 * rtt_ms);
}

/* As Linux: of what was acknowledged in order, else of what was SACKed, else the echo. */
static void
measure(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rtts acked, struct tcp_rtts sacked)
{
	uint32_t rtt_us = acked.first_us != 0 ? acked.first_us : sacked.first_us;

	if (rtt_us != 0)
		tcp_rtt_sample(stack, c, rtt_us,
			sacked.last_us != 0 ? sacked.last_us : acked.last_us);
	else
		measure_by_echo(stack, c);
}

/* New data is acknowledged: the queue and what was counted for it. */
static void
take_ack(struct tcp_stack *stack, struct tcp_conn *c, uint32_t ack, struct tcp_rtts sacked)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	struct tcp_rtts acked = tcp_sendq_acked(stack, c, ack);
	uint32_t was = c->snd_una;

	c->snd_una = ack;
	measure(stack, c, acked, sacked);
	if (SLUICE_UNLIKELY(c->snd_nxt != ack || ack - was > c->mss || cold->is_timed))
		tcp_delivery_acked(stack, c, was, acked.first_us);
	/* Kept within reach of the comparison, or it would turn round after 2 GiB. */
	if (seq32_lt(cold->snd_sml, ack))
		cold->snd_sml = ack;
	cold->rexmits = 0;
	cold->probes = 0;
	tcp_note_timeout_over(stack, c);
	tcp_note_rate(stack, c);
	if (c->snd_una == c->write_seq)
		tcp_note_idle(stack, c);
	tcp_timers_on_progress(stack, c);
}

/* Where nothing is suspect: queue, timers, congestion. */
void
tcp_acked(struct tcp_stack *stack, struct tcp_conn *c, uint32_t ack)
{
	const struct tcp_cc *cc = tcp_cc_of(stack, c);
	uint32_t acked = ack - c->snd_una;

	take_ack(stack, c, ack, (struct tcp_rtts){ 0 });
	cc->on_ack(stack, c, acked);
	tcp_sendq_wake(stack, c);
}

/*
 * Nothing is acknowledged in order. What was SACKed measures the path (RFC 6298 s3: it was sent
 * once), and where it was sent before the oldest went again, the timeout begins anew: the timer of
 * a retransmission is not put off by what was sent after it.
 */
static void
take_sacked(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rtts sacked)
{
	const struct pkt *head = c->sendq_head;

	if (sacked.first_us == 0)
		return;
	tcp_rtt_sample(stack, c, sacked.first_us, sacked.last_us);
	if (head != NULL && (uint32_t)stack->env->now_us - head->app.sent_us < sacked.first_us)
		tcp_timers_on_timeout(stack, c);
}

/* The same with a scoreboard: it knows better what was delivered, and when cwnd may grow. */
static void
acked_with_score(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx,
	struct tcp_rtts sacked)
{
	uint32_t was = c->snd_una, grown_by;

	if (seq32_gt(rx->ack, was)) {
		tcp_score_acked(stack, c, rx->ack);
		take_ack(stack, c, rx->ack, sacked);
	} else {
		take_sacked(stack, c, sacked);
	}
	if (tcp_score(stack, c)->flags & SC_MTU_PROBE)
		tcp_mtu_probe_acked(stack, c, tcp_score(stack, c));
	tcp_recovery_ack(stack, c, rx, was);
	/* As Linux: what this ACK delivered counts also where it ends or undoes a recovery. */
	grown_by = tcp_score(stack, c)->delivered;
	if (!(c->flags & TF_RECOVERY) && c->snd_una != was && grown_by > 0)
		tcp_cc_of(stack, c)->on_ack(stack, c, grown_by);
	tcp_recovery_settle(stack, c);
	tcp_sendq_wake(stack, c);
	tcp_want_output(stack, c);
}

bool
tcp_may_update_window(const struct tcp_conn *c, const struct tcp_rx *rx, uint32_t una)
{
	return seq32_gt(rx->ack, una) || seq32_gt(rx->seg->seq, c->snd_wl1) ||
		(rx->seg->seq == c->snd_wl1 && (rx->wnd > c->snd_wnd || rx->wnd == 0));
}

/*
 * RFC 5681 s2: no data, no window change, something outstanding, nothing newly acknowledged. As
 * Linux: what may say a window anew is for that, and not for a segment of ours that arrived, if it
 * says the same; the first ACK behind data of the peer is such a one. And a window that is smaller
 * is none: a peer may count what it holds behind a gap.
 */
static bool
is_duplicate_ack(const struct tcp_conn *c, const struct tcp_rx *rx)
{
	return rx->ack == c->snd_una && rx->len == 0 && !(rx->flags & TCP_FIN) &&
		!tcp_may_update_window(c, rx, c->snd_una) && c->snd_nxt != c->snd_una;
}

static void
update_window(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx, uint32_t una)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (!tcp_may_update_window(c, rx, una))
		return;
	c->snd_wl1 = rx->seg->seq;
	c->flags &= ~TF_WL1_AHEAD;
	if (seq32_gt(c->snd_wl1, c->rcv_nxt))
		c->flags |= TF_WL1_AHEAD;
	if (rx->wnd == c->snd_wnd)
		return;
	c->snd_wnd = rx->wnd;
	if (rx->wnd > cold->max_snd_wnd)
		tcp_pmtu_larger_window(stack, c, rx->wnd);
	if (c->flags & TF_PERSIST) {
		tcp_cc_after_idle(stack, c);
		tcp_timers_on_window(stack, c);
	}
	tcp_want_output(stack, c);
}

/* The third ACK of a Fast Open handshake; what was sent meanwhile may be acknowledged with it. */
static void
fastopen_established(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t rtt_ms = stack->env->now_ms - cold->stalled_at_ms;

	c->snd_una = cold->iss + 1;
	c->snd_wnd = rx->wnd;
	c->snd_wl1 = rx->seg->seq;
	if (rx->wnd > cold->max_snd_wnd)
		tcp_pmtu_larger_window(stack, c, rx->wnd);
	if (!(c->flags & TF_SYN_RTX))
		tcp_rtt_sample(stack, c, max_u32(1000 * rtt_ms, 1), max_u32(1000 * rtt_ms, 1));
	else
		cold->rto_ms = TCP_RTO_SYN_LOST_MS;
	cold->rexmits = 0;
	cold->backoff = 0;
	tcp_timers_on_progress(stack, c);
	tcp_fastopen_settled(stack, c);
	c->flags &= ~(TF_FASTOPEN | TF_SYN_RTX);
	tcp_set_state(stack, c, TCPS_ESTABLISHED);
	tcp_keep_opened(stack, c);
	if (c->flags & TF_FIN_QUEUED)
		tcp_set_state(stack, c, TCPS_FIN_WAIT_1);
	tcp_want_output(stack, c);
}

/*
 * SYNs crossed, so that our SYN has gone twice, the second time with the SYN-ACK. RFC 7323 s4.1: an
 * echo tells which of them was answered; without it nothing is measured (Karn).
 */
static void
measure_crossed(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t rtt_ms = tcp_ts_now(stack, cold->ts_off) - rx->seg->opts.tsecr;

	rtt_ms = max_u32(rtt_ms, 1);
	if ((c->flags & TF_TS) && rx->seg->opts.tsecr != 0 && rtt_ms < TCP_RTT_MAX_MS)
		tcp_rtt_sample(stack, c, 1000 * rtt_ms, 1000 * rtt_ms);
	else if (c->flags & TF_SYN_RTX)
		cold->rto_ms = TCP_RTO_SYN_LOST_MS;
}

/* SYN-RECEIVED of a simultaneous open: our SYN is acknowledged. */
static enum tcp_verdict
synrcvd_ack(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (tcp_is_fastopen_child(c) && seq32_gt(rx->ack, cold->iss) &&
		seq32_leq(rx->ack, c->snd_nxt)) {
		fastopen_established(stack, c, rx);
		return TCP_CONTINUE;
	}
	if (rx->ack != cold->iss + 1) {
		rx->outcome = OUT_BAD_ACK;
		tcp_reply_rst(stack, rx);
		return TCP_STOP;
	}
	c->snd_una = rx->ack;
	c->snd_wnd = rx->wnd;
	c->snd_wl1 = rx->seg->seq;
	cold->rexmits = 0;
	cold->backoff = 0;
	tcp_timers_on_progress(stack, c);
	tcp_conn_setup(stack, c, cold->peer_mss);
	measure_crossed(stack, c, rx);
	tcp_set_state(stack, c, TCPS_ESTABLISHED);
	tcp_keep_opened(stack, c);
	c->flags = (c->flags & ~(TF_FASTOPEN | TF_SYN_RTX)) | TF_CONNECTED;
	tcp_raise(stack, c, TCP_EV_CONNECTED);
	/* The owner closed while it was still SYN-RECEIVED. */
	if (c->flags & TF_FIN_QUEUED)
		tcp_set_state(stack, c, TCPS_FIN_WAIT_1);
	tcp_want_output(stack, c);
	return TCP_CONTINUE;
}

/*
 * RFC 5961 s5.2: SND.UNA - MAX.SND.WND; but, as Linux, no further back than our first byte: nobody
 * can have acknowledged what was never sent, and who guesses has less to hit while a connection is
 * young. (After 4 GiB there is such an edge again, for one reordered segment in each of them.)
 */
static uint32_t
oldest_ack(const struct tcp_conn *c, const struct tcp_cold *cold)
{
	uint32_t acked = c->snd_una - cold->iss - !(c->flags & TF_ACTIVE);

	return c->snd_una - min_u32(cold->max_snd_wnd, acked);
}

/* RFC 5961 s5.2: from there to what was ever sent. */
static enum tcp_verdict
check_range(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (seq32_gt(rx->ack, c->snd_nxt)) {
		rx->outcome = OUT_BAD_ACK;
		tcp_challenge(stack, c);
		return TCP_STOP;
	}
	if (seq32_lt(rx->ack, oldest_ack(c, cold))) {
		rx->outcome = OUT_CHALLENGE_ACK;
		tcp_challenge(stack, c);
		return TCP_STOP;
	}
	return TCP_CONTINUE;
}

/* RFC 9293 s3.10.7.4, RFC 2018, RFC 6675 s5: what the segment says of what we sent. */
static void
take_acknowledgements(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx)
{
	bool sacks = (rx->seg->opts.present & TCP_OPT_SACK) && (c->flags & TF_SACK);
	/* With SACK duplicates are told by what is SACKed, and by nothing else. */
	bool dup = !(c->flags & TF_SACK) && is_duplicate_ack(c, rx);
	struct tcp_rtts sacked = { 0 };

	if (sacks || dup)
		tcp_score_get(stack, c);
	tcp_recovery_begin(stack, c, rx);
	if (sacks)
		sacked = tcp_sack_input(stack, c, rx);
	else if (dup)
		tcp_recovery_duplicate(stack, c);
	if (c->flags & TF_SCORE) {
		acked_with_score(stack, c, rx, sacked);
	} else if (seq32_gt(rx->ack, c->snd_una)) {
		tcp_acked(stack, c, rx->ack);
		tcp_want_output(stack, c);
	}
}

enum tcp_verdict
tcp_process_ack(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	uint32_t una = c->snd_una;
	uint8_t was = c->state;

	if (c->state == TCPS_SYN_RECEIVED && synrcvd_ack(stack, c, rx) == TCP_STOP)
		return TCP_STOP;
	if (check_range(stack, c, rx) == TCP_STOP)
		return TCP_STOP;
	/* As Linux: later ones have overtaken a segment whose ACK is old. */
	if (seq32_geq(rx->ack, una))
		tcp_note_timestamp(stack, c, rx);
	if (rx->len == 0)
		stack->env->ctr->TCPPureAcks++;
	take_acknowledgements(stack, c, rx);
	if (seq32_geq(rx->ack, una)) {
		update_window(stack, c, rx, una);
		tcp_timers_on_answered_probe(stack, c);
	}
	if (rx->len == 0 && c->send_next != NULL && tcp_nothing_follows(c))
		tcp_want_output(stack, c);
	/* A probe that was answered shows that the peer lives. */
	tcp_cold(stack, c)->probes = 0;
	if (tcp_fin_acked(c) && tcp_fin_acked_now(stack, c)) {
		/* As Linux, where nobody waits in FIN-WAIT-2: its peer may know. */
		if (was == TCPS_FIN_WAIT_1)
			tcp_reply_rst(stack, rx);
		return TCP_STOP;
	}
	return TCP_CONTINUE;
}
