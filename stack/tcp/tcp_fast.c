/* SPDX-License-Identifier: BSD-3-Clause */
/* Header prediction: the segment every open connection gets most of the time. */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_parts.h"

/*
 * One reason per line. The general path alone is right; this only takes the same decisions sooner.
 * Built with SLUICE_FORCE_SLOW_PATH it is never taken, and every test must pass so.
 */
static bool
is_expected(const struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_rx *rx)
{
	const struct tcp_opts *opts = &rx->seg->opts;
	const uint32_t slow = TF_OOO | TF_RECOVERY | TF_RTO_DONE | TF_PERSIST | TF_RD_SHUT |
		TF_FIN_SENT | TF_WND_SENT_0 | TF_ECN_ECE | TF_SCORE | TF_WL1_AHEAD;

	return c->state == stack->fast_state &&
		(c->flags & slow) == 0 &&
		((rx->flags & ~TCP_PSH) | tcp_ecn_ce_bit(rx->seg)) == TCP_ACK &&
		rx->seq == c->rcv_nxt &&
		rx->len <= tcp_rcv_wnd(c) &&
		rx->wnd == c->snd_wnd &&
		seq32_leq(rx->ack, c->snd_nxt) &&
		seq32_geq(rx->ack, c->snd_una) &&
		(rx->len > 0 || rx->ack != c->snd_una) &&
		opts->present == ((c->flags & TF_TS) ? TCP_OPT_TS : 0) &&
		(!(c->flags & TF_TS) || seq32_geq(opts->tsval, c->ts_recent));
}

bool
tcp_fast_input(struct tcp_stack *stack, struct tcp_conn *c, struct tcp_rx *rx)
{
	struct tcp_cold *cold;

#if defined(SLUICE_FORCE_SLOW_PATH)
	return false;
#endif
	if (!is_expected(stack, c, rx))
		return false;
	cold = tcp_cold(stack, c);
	cold->last_rx_ms = stack->env->now_ms;
	cold->probes = 0;
	c->snd_wl1 = rx->seq;
	if ((c->flags & TF_TS) && rx->seq == c->rcv_acked) {
		c->ts_recent = rx->seg->opts.tsval;
		cold->ts_recent_at_ms = stack->env->now_ms;
	}
	if (rx->ack != c->snd_una)
		tcp_acked(stack, c, rx->ack);
	if (rx->len == 0) {
		stack->env->ctr->TCPHPAcks++;
		tcp_want_output(stack, c);
		return true;
	}
	stack->env->ctr->TCPHPHits++;
	tcp_take_text(stack, c, rx);
	return true;
}
