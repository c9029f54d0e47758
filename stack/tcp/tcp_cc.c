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

/*
 * Grown only while the window is what limits us (RFC 7661 s4.1), in slow start also while more
 * than half of it is used, as Linux.
 */
bool
tcp_cc_is_limited(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t acked)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	uint32_t out = c->snd_nxt - c->snd_una + acked;

	if (cold->is_cwnd_limited || out + c->mss > c->cwnd)
		return true;
	return c->cwnd < cold->ssthresh && c->cwnd < 2 * (uint64_t)max_u32(out, cold->max_out);
}

/*
 * What an ACK adds in slow start: splitting ACKs gains nothing, and one for a lot lets no more than
 * L segments out at once (RFC 3465 s2.2), unless it is paced (RFC 9406 s4.2).
 */
uint32_t
tcp_cc_slow_start(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t acked,
	uint32_t limit_segs)
{
	if (!stack->env->tun->tcp_growth_limit || tcp_cold(stack, c)->is_paced)
		return acked;
	return min_u32(acked, limit_segs * c->mss);
}

/* As Linux: what is left of an ACK that leads up to ssthresh counts as any ACK beyond it. */
uint32_t
tcp_cc_slow_start_up_to(struct tcp_stack *stack, struct tcp_conn *c, uint32_t bytes)
{
	uint32_t most = max_u32(tcp_cold(stack, c)->ssthresh, c->cwnd + c->mss);
	uint32_t used = min_u32(bytes, most - c->cwnd);

	c->cwnd += used;
	return bytes - used;
}

/*
 * RFC 5681 s4.1: after an idle time longer than the RTO the old window says less and less: half of
 * it for each RTO, down to the first window (RFC 2861, as Linux); ssthresh keeps what is known.
 * Idle is who has nothing in flight, also if the peer's closed window is what holds data back.
 */
void
tcp_cc_after_idle(struct tcp_stack *stack, struct tcp_conn *c)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	const struct tunables *tun = stack->env->tun;
	uint32_t idle_ms = stack->env->now_ms - cold->last_sent_ms;
	/* Doubled by timeouts until one is measured; probes only double how far apart they are. */
	uint32_t rto_ms = (c->flags & TF_PERSIST) ? cold->rto_ms : tcp_rto_backed_off(stack, c);
	uint32_t least = tun->tcp_initial_cwnd * c->mss;

	if (!tun->tcp_slow_start_after_idle || c->snd_una != c->snd_nxt ||
		c->cwnd <= least || idle_ms <= rto_ms)
		return;
	/* It may be days: who was idle for a week has nothing left. */
	if (cold->ssthresh < TCP_SSTHRESH_INFINITE)
		cold->ssthresh = max_u32(cold->ssthresh, c->cwnd - c->cwnd / 4);
	for (; idle_ms > rto_ms && c->cwnd > least; idle_ms -= rto_ms)
		c->cwnd = max_u32(c->cwnd / 2, least);
}
