/* SPDX-License-Identifier: BSD-3-Clause */
/* Fifth step of RFC 9293 s3.10.7.4: what an ACK acknowledges, measures and opens. */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_parts.h"

/* RFC 6298 s2, with Linux's floor on the variance term: RTO = SRTT + max(rto_min, 4 RTTVAR). */
void
tcp_rtt_sample(struct tcp_stack *stack, struct tcp_conn *c, uint32_t rtt_us)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	const struct tunables *tun = stack->env->tun;
	uint32_t err, var_ms;

	if (cold->srtt_us == 0) {
		cold->srtt_us = max_u32(rtt_us, 1);
		cold->rttvar_us = rtt_us / 2;
	} else {
		err = rtt_us > cold->srtt_us ? rtt_us - cold->srtt_us : cold->srtt_us - rtt_us;
		cold->rttvar_us = cold->rttvar_us - cold->rttvar_us / 4 + err / 4;
		cold->srtt_us = max_u32(cold->srtt_us - cold->srtt_us / 8 + rtt_us / 8, 1);
	}
	var_ms = (4 * cold->rttvar_us + 999) / 1000;
	cold->rto_ms = min_u32((cold->srtt_us + 999) / 1000 + max_u32(var_ms, tun->tcp_rto_min),
		tun->tcp_rto_max);
	if (tcp_cc_of(stack, c)->on_rtt != NULL)
		tcp_cc_of(stack, c)->on_rtt(stack, c, rtt_us);
}

bool
tcp_fin_acked(const struct tcp_conn *c)
{
	return (c->flags & TF_FIN_SENT) && c->snd_una == c->write_seq + 1;
}

/* RFC 6582 s3.2: an ACK in fast recovery. Full: out of it; partial: the next hole is lost too. */
static void
recovery_ack(struct tcp_stack *stack, struct tcp_conn *c, uint32_t acked)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (seq32_geq(c->snd_una, cold->recover)) {
		c->flags &= ~TF_RECOVERY;
		c->cwnd = min_u32(cold->ssthresh,
			max_u32(c->snd_nxt - c->snd_una, c->mss) + c->mss);
		c->dupacks = 0;
		return;
	}
	/* Deflate by what left the network, add back one segment. */
	c->cwnd = max_u32(c->cwnd - min_u32(acked, c->cwnd), c->mss);
	if (acked >= c->mss)
		c->cwnd += c->mss;
	tcp_fast_retransmit(stack, c);
}

/* New data is acknowledged: queue, timers, window, congestion. */
void
tcp_acked(struct tcp_stack *stack, struct tcp_conn *c, uint32_t ack)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t acked = ack - c->snd_una;

	tcp_sendq_acked(stack, c, ack);
	c->snd_una = ack;
	if (seq32_lt(c->snd_nxt, ack))
		c->snd_nxt = ack;
	/* Kept within reach of the comparison, or it would turn round after 2 GiB. */
	if (seq32_lt(cold->snd_sml, ack))
		cold->snd_sml = ack;
	cold->rexmits = 0;
	cold->probes = 0;
	if ((c->flags & (TF_RTO_DONE | TF_ECN_REDUCED)) && seq32_geq(ack, cold->recover))
		c->flags &= ~(TF_RTO_DONE | TF_ECN_REDUCED);
	if (!(c->flags & (TF_RECOVERY | TF_ECN_REDUCED))) {
		c->dupacks = 0;
		tcp_cc_of(stack, c)->on_ack(stack, c, acked);
	} else if (c->flags & TF_RECOVERY) {
		recovery_ack(stack, c, acked);
	} else {
		c->dupacks = 0;
	}
	tcp_timers_on_progress(stack, c);
	tcp_sendq_wake(stack, c);
}

/*
 * RFC 5681 s3.2: no data, no window change, something outstanding, nothing newly acknowledged. With
 * SACK blocks it is one whatever the window (RFC 6675 s2).
 */
static bool
is_duplicate_ack(const struct tcp_conn *c, const struct tcp_rx *rx)
{
	return rx->ack == c->snd_una && rx->len == 0 && !(rx->flags & TCP_FIN) &&
		(rx->wnd == c->snd_wnd || (rx->seg->opts.present & TCP_OPT_SACK)) &&
		c->snd_nxt != c->snd_una;
}

static void
duplicate_ack(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t flight = c->snd_nxt - c->snd_una;

	if (c->dupacks < UINT8_MAX)
		c->dupacks++;
	if (c->flags & TF_RECOVERY) {
		/* Each says that a segment has left; never more than were in flight. */
		if (c->cwnd < cold->ssthresh + flight)
			c->cwnd += c->mss;
		tcp_want_output(stack, c);
		return;
	}
	if (c->dupacks < TCP_DUPACK_THRESHOLD) {
		/* Limited transmit (RFC 3042): tcp_output adds dupacks segments to cwnd. */
		tcp_want_output(stack, c);
		return;
	}
	/* RFC 6582 s3.2 step 2, and s4.1: not again for losses of the last recovery or timeout. */
	if (c->dupacks > TCP_DUPACK_THRESHOLD || (c->flags & TF_RTO_DONE))
		return;
	stack->env->ctr->TCPRenoRecovery++;
	/* Reduced for ECE in this window already: once is enough (RFC 3168 s6.1.2). */
	if (!(c->flags & TF_ECN_REDUCED))
		cold->ssthresh = tcp_cc_of(stack, c)->ssthresh(stack, c);
	cold->recover = cold->snd_max;
	c->cwnd = cold->ssthresh + TCP_DUPACK_THRESHOLD * c->mss;
	c->flags = (c->flags & ~TF_ECN_REDUCED) | TF_RECOVERY;
	tcp_ecn_reduced(c);
	tcp_fast_retransmit(stack, c);
	tcp_want_output(stack, c);
}

/* Linux's rule: newer than the last update by ACK, by sequence, or larger or closed at the same. */
static void
update_window(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_rx *rx, uint32_t una)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (!seq32_gt(rx->ack, una) && !seq32_gt(rx->seg->seq, c->snd_wl1) &&
		!(rx->seg->seq == c->snd_wl1 && (rx->wnd > c->snd_wnd || rx->wnd == 0)))
		return;
	c->snd_wl1 = rx->seg->seq;
	if (rx->wnd == c->snd_wnd)
		return;
	c->snd_wnd = rx->wnd;
	cold->max_snd_wnd = max_u32(cold->max_snd_wnd, rx->wnd);
	if (c->flags & TF_PERSIST)
		tcp_timers_on_progress(stack, c);
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
	cold->max_snd_wnd = max_u32(cold->max_snd_wnd, rx->wnd);
	if (!(c->flags & TF_SYN_RTX))
		tcp_rtt_sample(stack, c, max_u32(1000 * rtt_ms, 1));
	else
		cold->rto_ms = TCP_RTO_SYN_LOST_MS;
	cold->rexmits = 0;
	tcp_timers_on_progress(stack, c);
	tcp_fastopen_settled(stack, c);
	c->flags &= ~TF_FASTOPEN;
	tcp_set_state(stack, c, TCPS_ESTABLISHED);
	if (c->flags & TF_FIN_QUEUED)
		tcp_set_state(stack, c, TCPS_FIN_WAIT_1);
	tcp_want_output(stack, c);
}

/* SYN-RECEIVED of a simultaneous open: our SYN is acknowledged. */
static enum tcp_verdict
synrcvd_ack(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (tcp_is_fastopen_child(c) && seq32_gt(rx->ack, cold->iss) &&
		seq32_leq(rx->ack, cold->snd_max)) {
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
	tcp_timers_on_progress(stack, c);
	tcp_conn_setup(stack, c, cold->peer_mss);
	tcp_set_state(stack, c, TCPS_ESTABLISHED);
	c->flags = (c->flags & ~TF_FASTOPEN) | TF_CONNECTED;
	tcp_raise(stack, c, TCP_EV_CONNECTED);
	/* The owner closed while it was still SYN-RECEIVED. */
	if (c->flags & TF_FIN_QUEUED)
		tcp_set_state(stack, c, TCPS_FIN_WAIT_1);
	tcp_want_output(stack, c);
	return TCP_CONTINUE;
}

/* RFC 5961 s5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= what was ever sent. */
static enum tcp_verdict
check_range(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (seq32_gt(rx->ack, cold->snd_max)) {
		rx->outcome = OUT_BAD_ACK;
		tcp_challenge(stack, c);
		return TCP_STOP;
	}
	if (seq32_lt(rx->ack, c->snd_una - cold->max_snd_wnd)) {
		rx->outcome = OUT_CHALLENGE_ACK;
		tcp_challenge(stack, c);
		return TCP_STOP;
	}
	return TCP_CONTINUE;
}

enum tcp_verdict
tcp_process_ack(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	uint32_t una = c->snd_una;

	if (c->state == TCPS_SYN_RECEIVED && synrcvd_ack(stack, c, rx) == TCP_STOP)
		return TCP_STOP;
	if (check_range(stack, c, rx) == TCP_STOP)
		return TCP_STOP;
	if (rx->len == 0)
		stack->env->ctr->TCPPureAcks++;
	if (seq32_gt(rx->ack, c->snd_una)) {
		tcp_acked(stack, c, rx->ack);
		tcp_want_output(stack, c);
	} else if (is_duplicate_ack(c, rx)) {
		duplicate_ack(stack, c);
	}
	if (seq32_geq(rx->ack, una))
		update_window(stack, c, rx, una);
	/* A probe that was answered shows that the peer lives. */
	tcp_cold(stack, c)->probes = 0;
	if (tcp_fin_acked(c) && tcp_fin_acked_now(stack, c))
		return TCP_STOP;
	return TCP_CONTINUE;
}
