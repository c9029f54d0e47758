/* SPDX-License-Identifier: BSD-3-Clause */
/* Initial sequence numbers (RFC 6528): a clock plus a keyed hash of the flow. */
#include "tcp/tcp_parts.h"

/*
 * ISN = M + F(flow, secret). M ticks every 4 us, so an incarnation of a flow starts above the last
 * one; F is SipHash under a key drawn at start, so that one flow tells nothing about another.
 */
uint32_t
tcp_isn(const struct tcp_stack *stack, const struct flow_key *key)
{
	uint32_t m = (uint32_t)(stack->env->now_us >> 2);

	return m + (uint32_t)siphash24_3w(&stack->par.isn_key, key->w);
}
