/* SPDX-License-Identifier: BSD-3-Clause */
/* NewReno (RFC 5681, RFC 6582) with byte counting (RFC 3465). */
#include "tcp/tcp_parts.h"

static void
reno_on_ack(struct tcp_stack *stack, struct tcp_conn *c, uint32_t acked)
{
	struct tcp_cold *cold = tcp_cold(stack, c);

	if (!tcp_cc_is_limited(stack, c, acked) || c->cwnd >= TCP_CWND_MAX)
		return;
	/* L = 2 (RFC 3465 s2.2). */
	if (c->cwnd < cold->ssthresh)
		acked = tcp_cc_slow_start_up_to(stack, c, tcp_cc_slow_start(stack, c, acked, 2));
	/* One segment per window acknowledged, without a division. */
	cold->cwnd_acked += acked;
	if (cold->cwnd_acked >= c->cwnd) {
		cold->cwnd_acked -= c->cwnd;
		c->cwnd += c->mss;
	}
}

/*
 * RFC 5681 equation 4, in whole segments as Linux counts. deviates: half of cwnd, which grows only
 * while it is used, and not of what happens to be in flight.
 */
static uint32_t
reno_ssthresh(struct tcp_stack *stack, struct tcp_conn *c)
{
	(void)stack;
	return max_u32(c->cwnd / c->mss / 2, 2) * c->mss;
}

const struct tcp_cc tcp_cc_reno = {
	.name = "reno",
	.on_ack = reno_on_ack,
	.ssthresh = reno_ssthresh,
};
