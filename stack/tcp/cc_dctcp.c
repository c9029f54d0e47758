/* SPDX-License-Identifier: BSD-3-Clause */
/* DCTCP (RFC 8257): the window shrinks by the share of bytes that was marked. */
#include "tcp/tcp_parts.h"

/*
 * For networks of one owner whose switches mark early: it takes more than its share from others.
 *
 *	alpha = (1 - g) alpha + g M		M: marked / acknowledged of a window, g = 1 / 16
 *	cwnd  = cwnd (1 - alpha / 2)		at most once a window, as for any ECE
 *
 * Growth, and what a loss does, is Reno's (s3.4, s3.5). Without ECN there are no marks, and all of
 * it is Reno.
 */
#define ALPHA_ONE (1u << 20)
#define ALPHA_SHIFT 4u		/* g (s4.2) */

static void
begin_window(const struct tcp_conn *c, struct tcp_dctcp *d, uint32_t una)
{
	d->start = una;
	d->end = c->snd_nxt;
	d->marked = 0;
	d->is_started = true;
}

/* s3.3: una is acknowledged; the window may end with it. */
static void
observe(const struct tcp_conn *c, struct tcp_dctcp *d, uint32_t una)
{
	uint32_t share;

	if (!d->is_started) {
		/* s4.2: the first mark halves. */
		d->alpha = ALPHA_ONE;
		begin_window(c, d, una);
		return;
	}
	if (seq32_leq(una, d->end))
		return;
	/* Both below 2^31: the product fits 64 bits. */
	share = (uint32_t)min_u64((uint64_t)d->marked * ALPHA_ONE / (una - d->start), ALPHA_ONE);
	d->alpha = d->alpha - (d->alpha >> ALPHA_SHIFT) + (share >> ALPHA_SHIFT);
	begin_window(c, d, una);
}

static void
dctcp_on_ack(struct tcp_stack *stack, struct tcp_conn *c, uint32_t acked)
{
	observe(c, &tcp_cold(stack, c)->ccs.dctcp, c->snd_una);
	tcp_cc_reno.on_ack(stack, c, acked);
}

static void
dctcp_on_ce(struct tcp_stack *stack, struct tcp_conn *c, uint32_t marked)
{
	struct tcp_dctcp *d = &tcp_cold(stack, c)->ccs.dctcp;

	d->marked += marked;
	observe(c, d, c->snd_una + marked);
}

static uint32_t
dctcp_ssthresh_ce(struct tcp_stack *stack, struct tcp_conn *c)
{
	const struct tcp_dctcp *d = &tcp_cold(stack, c)->ccs.dctcp;
	uint32_t less = (uint32_t)((uint64_t)c->cwnd * d->alpha / ALPHA_ONE / 2);

	return max_u32(c->cwnd - less, 2u * c->mss);
}

static uint32_t
dctcp_ssthresh(struct tcp_stack *stack, struct tcp_conn *c)
{
	return tcp_cc_reno.ssthresh(stack, c);
}

const struct tcp_cc tcp_cc_dctcp = {
	.name = "dctcp",
	.on_ack = dctcp_on_ack,
	.ssthresh = dctcp_ssthresh,
	.ssthresh_ce = dctcp_ssthresh_ce,
	.on_ce = dctcp_on_ce,
	.needs_ecn = true,
};
