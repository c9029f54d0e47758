/* SPDX-License-Identifier: BSD-3-Clause */
/* Header prediction: the segment every open connection gets most of the time. */
#include "tcp/tcp_ecn.h"
#include "tcp/tcp_parts.h"

/*
 * One reason per line. The general path alone is right; this only takes the same decisions sooner.
 * Built with SLUICE_FORCE_SLOW_PATH it is never taken, and every test must pass so.
 */
static bool
is_expected(const struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_seg *seg)
{
	const struct tcp_opts *opts = &seg->opts;
	const uint32_t slow = TF_OOO | TF_RECOVERY | TF_RTO_DONE | TF_PERSIST | TF_RD_SHUT |
		TF_FIN_SENT | TF_WND_SENT_0 | TF_ECN_ECE | TF_SCORE | TF_WL1_AHEAD | TF_DSACK;

	return c->state == stack->fast_state &&
		(c->flags & slow) == 0 &&
		((seg->flags & ~TCP_PSH) | tcp_ecn_ce_bit(seg)) == TCP_ACK &&
		seg->seq == c->rcv_nxt &&
		seg->len <= tcp_rcv_wnd(c) &&
		(uint32_t)seg->wnd << c->snd_wscale == c->snd_wnd &&
		seq32_leq(seg->ack, c->snd_nxt) &&
		seq32_geq(seg->ack, c->snd_una) &&
		(seg->len > 0 || seg->ack != c->snd_una) &&
		opts->present == ((c->flags & TF_TS) ? TCP_OPT_TS : 0) &&
		(!(c->flags & TF_TS) || seq32_geq(opts->tsval, c->ts_recent));
}

bool
tcp_fast_input(struct tcp_stack *stack, struct tcp_conn *c, const struct tcp_seg *seg,
	struct pkt *pkt, struct tcp_rx *room)
{
	struct tcp_cold *cold;

#if defined(SLUICE_FORCE_SLOW_PATH)
	return false;
#endif
	if (!is_expected(stack, c, seg))
		return false;
	cold = tcp_cold(stack, c);
	cold->last_rx_ms = stack->env->now_ms;
	cold->probes = 0;
	c->snd_wl1 = seg->seq;
	if ((c->flags & TF_TS) && seg->seq == c->rcv_acked) {
		c->ts_recent = seg->opts.tsval;
		cold->ts_recent_at_ms = stack->env->now_ms;
	}
	if (seg->ack != c->snd_una)
		tcp_acked(stack, c, seg->ack);
	if (seg->len == 0) {
		stack->env->ctr->TCPHPAcks++;
		tcp_outcome(stack, OUT_PURE_ACK);
		tcp_want_output(stack, c);
		pkt_free(stack->env->pool, pkt);
		return true;
	}
	stack->env->ctr->TCPHPHits++;
	tcp_outcome(stack, OUT_DELIVERED);
	tcp_take_text(stack, c, seg, pkt, room);
	return true;
}
