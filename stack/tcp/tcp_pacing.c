/* SPDX-License-Identifier: BSD-3-Clause */
/* Pacing: the data of a connection is spread over time, where its owner or tcp_pacing asks. */
#include "tcp/tcp_parts.h"

/*
 *	  pace_at_ns: no data leaves before
 *	-------+----------+----------+--------> time
 *	       | segment  | segment  |
 *	        len / rate
 *
 * Timers come by the millisecond: who is late by less makes up for it. A longer pause saves
 * nothing up, or there would be a burst behind it.
 */
#define NS_PER_MS 1000000u
#define LATE_NS NS_PER_MS
#define NS_PER_S 1000000000u
#define FIRST_SEGS 10u /* as Linux: these go at once, most answers are no longer */

static uint64_t
now_ns(const struct tcp_stack *stack)
{
	return stack->env->now_us * 1000;
}

/* By the window and the round trip, as Linux; UINT64_MAX before there is one. */
static uint64_t
rate_of_window(const struct tunables *tun, const struct tcp_conn *c, const struct tcp_cold *cold)
{
	uint32_t percent = c->cwnd < cold->ssthresh / 2 ? tun->tcp_pacing_ss_ratio :
							  tun->tcp_pacing_ca_ratio;
	uint32_t window = max_u32(c->cwnd, c->snd_nxt - c->snd_una);

	/* window < 2^31, percent <= 1000: below 2^55. */
	return cold->srtt_us == 0 ? UINT64_MAX : (uint64_t)window * percent * 10000 / cold->srtt_us;
}

void
tcp_pacing_begin(struct tcp_stack *stack, struct tcp_conn *c)
{
	bool on = stack->env->tun->tcp_pacing || tcp_extra(stack, c)->wishes.max_pacing_rate != 0;

	if (on == tcp_cold(stack, c)->is_paced)
		return;
	tcp_extra_to_write(stack, c)->is_paced = on;
	tcp_cold(stack, c)->is_paced = on;
}

uint64_t
tcp_pacing_rate(const struct tcp_stack *stack, const struct tcp_conn *c,
	const struct tcp_cold *cold)
{
	uint32_t most = tcp_extra(stack, c)->wishes.max_pacing_rate;

	return min_u64(rate_of_window(stack->env->tun, c, cold), most == 0 ? UINT64_MAX : most);
}

bool
tcp_pacing_is_early(const struct tcp_stack *stack, const struct tcp_conn *c)
{
	return tcp_extra(stack, c)->pace_at_ns > now_ns(stack);
}

bool
tcp_pacing_waits(struct tcp_stack *stack, struct tcp_conn *c)
{
	uint64_t left_ns;

	if (!tcp_pacing_is_early(stack, c))
		return false;
	left_ns = tcp_extra(stack, c)->pace_at_ns - now_ns(stack);
	stack->env->ctr->TcpPacingWaits++;
	tcp_timers_paced(stack, c, (uint32_t)((left_ns + NS_PER_MS - 1) / NS_PER_MS));
	return true;
}

void
tcp_pacing_sent(struct tcp_stack *stack, struct tcp_conn *c, uint32_t len)
{
	const struct tcp_cold *cold = tcp_cold(stack, c);
	uint64_t rate = tcp_pacing_rate(stack, c, cold);
	struct tcp_extra *x = tcp_extra_to_write(stack, c);

	if (rate == 0 || rate == UINT64_MAX ||
		c->snd_nxt - cold->iss < FIRST_SEGS * c->mss)
		return;
	x->pace_at_ns = max_u64(x->pace_at_ns, now_ns(stack) - LATE_NS) +
		(uint64_t)len * NS_PER_S / rate;
}
