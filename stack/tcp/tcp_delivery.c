/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The rate is what was acknowledged from one ACK to the one of all that was in flight then, by the
 * time between them: a round trip, or more where ACKs are late. As Linux keeps it (net/ipv4's rate
 * samples): nothing that took less than the least round trip, and where the owner had no more to
 * send, nothing slower than what was found before. Linux counts segments with every packet; an ACK
 * of a window costs the same here.
 */
#include "tcp/tcp_delivery.h"

#include "tcp/tcp_parts.h"

uint64_t
tcp_delivery_rate(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t gen)
{
	const struct tcp_delivery *d = &stack->delivery[tcp_slot(stack, c)];

	return d->gen == gen && d->us > 0 ? 1000000ull * d->bytes / d->us : 0;
}

static void
begin(const struct tcp_conn *c, struct tcp_cold *cold, struct tcp_delivery *d, uint32_t una,
	uint32_t since_us)
{
	if (d->gen != cold->gen)
		*d = (struct tcp_delivery){ .gen = cold->gen };
	d->una = una;
	d->end = c->snd_nxt;
	d->since_us = since_us;
	cold->is_timed = true;
}

static void
end(struct tcp_stack *stack, const struct tcp_conn *c, const struct tcp_cold *cold,
	struct tcp_delivery *d)
{
	uint32_t us = (uint32_t)stack->env->now_us - d->since_us;
	uint32_t bytes = c->snd_una - d->una;
	bool is_of_owner = c->write_seq == c->snd_nxt;

	if (us == 0 || us < cold->min_rtt_us)
		return;
	if (is_of_owner && (uint64_t)bytes * d->us < (uint64_t)d->bytes * us)
		return;
	d->bytes = bytes;
	d->us = us;
}

void
tcp_delivery_acked(struct tcp_stack *stack, struct tcp_conn *c, uint32_t was, uint32_t rtt_us)
{
	struct tcp_cold *cold = tcp_cold(stack, c);
	struct tcp_delivery *d = &stack->delivery[tcp_slot(stack, c)];
	uint32_t now_us = (uint32_t)stack->env->now_us;

	/* What was sent into a pipe that was empty: since then. */
	if (!cold->is_timed)
		begin(c, cold, d, was, now_us - rtt_us);
	if (seq32_lt(c->snd_una, d->end))
		return;
	end(stack, c, cold, d);
	cold->is_timed = false;
	if (c->snd_nxt != c->snd_una)
		begin(c, cold, d, c->snd_una, now_us);
}
