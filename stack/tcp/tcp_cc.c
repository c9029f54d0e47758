/* SPDX-License-Identifier: BSD-3-Clause */
/* Congestion control algorithms by number, and what they have in common. */
#include "tcp/tcp_parts.h"

/* By the value of tcp_congestion_control. */
static const struct tcp_cc *const algorithms[] = {
	[TUN_CC_RENO] = &tcp_cc_reno,
	[TUN_CC_CUBIC] = &tcp_cc_cubic,
	[TUN_CC_DCTCP] = &tcp_cc_dctcp,
};

_Static_assert(ARRAY_SIZE(algorithms) == TUN_CC_COUNT, "one for each name");

const struct tcp_cc *
tcp_cc_of(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return algorithms[tcp_cold(stack, c)->cc];
}

const char *
tcp_cc_name(uint8_t number)
{
	return algorithms[number]->name;
}

const struct tcp_cc *
tcp_cc_of_listener(const struct tcp_stack *stack, const struct tcp_listener *l)
{
	return algorithms[l->cc != 0 ? l->cc - 1u : stack->env->tun->tcp_congestion_control];
}

void
tcp_cc_init(struct tcp_stack *stack, struct tcp_conn *c)
{
	c->cwnd = stack->env->tun->tcp_initial_cwnd * c->mss;
}

/* The windows stay; what the new algorithm knows about the path begins now. */
void
tcp_cc_change(struct tcp_stack *stack, struct tcp_conn *c, uint8_t number)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	ASSERT(number < TUN_CC_COUNT);
	if (cold->cc == number)
		return;
	cold->cc = number;
	cold->ccs = (union tcp_cc_state){ 0 };
	cold->cwnd_acked = 0;
}

/* Grown only while the window is what limits us (RFC 7661 s4.1, Linux's factor of two). */
bool
tcp_cc_is_limited(const struct tcp_conn *c, uint32_t acked)
{
	return 2 * (uint64_t)(c->snd_nxt - c->snd_una + acked) >= c->cwnd;
}

/* RFC 5681 s4.1: after an idle time longer than the RTO the old window says nothing. */
void
tcp_cc_after_idle(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	const struct tunables *tun = stack->env->tun;

	if (!tun->tcp_slow_start_after_idle || c->snd_una != c->write_seq)
		return;
	if (stack->env->now_ms - cold->last_rx_ms > cold->rto_ms)
		c->cwnd = min_u32(c->cwnd, tun->tcp_initial_cwnd * c->mss);
}
