/* SPDX-License-Identifier: BSD-3-Clause */
/* Local ports of active opens: keyed double hash (RFC 6056 s3.3.4), on the opening worker. */
#include "tcp/tcp_parts.h"

/* Ports tried before giving up: with n workers one in n suits, and most are free. */
#define TRIES_MAX 4096u

/* Free, or in a TIME-WAIT that may be taken over. */
static bool
is_free(struct tcp_stack *stack, const struct flow_key *key, uint64_t hash)
{
	uint32_t ref = tcp_flow_find(stack, key, hash);

	if (ref == TCP_NONE)
		return true;
	if ((ref & TCP_REF_TYPE) != TCP_REF_TW ||
		!tcp_timewait_may_reuse(stack, ref & ~TCP_REF_TYPE))
		return false;
	stack->env->ctr->TWRecycled++;
	tcp_timewait_kill(stack, ref & ~TCP_REF_TYPE);
	return true;
}

static bool
is_mine(const struct tcp_stack *stack, const struct flow_key *key)
{
	return stack->par.is_mine == NULL || stack->par.is_mine(stack->par.is_mine_ctx, key);
}

/*
 * The walk starts at an offset that depends on the destination and a secret, and goes on from where
 * the last one ended: ports are neither predictable from outside nor the same for two peers.
 */
int
tcp_port_choose(struct tcp_stack *stack, struct flow_key *key, uint64_t *hash)
{
	const uint32_t *range = stack->env->tun->ip_local_port_range;
	uint32_t count = range[1] - range[0] + 1;
	uint32_t offset = (uint32_t)siphash24_3w(&stack->par.port_key, key->w);

	/* A random step from one open to the next; then one by one, so that none is left out. */
	stack->port_hint += rng_u32(stack->env->rng) & 7;
	for (uint32_t i = 0; i < min_u32(count, TRIES_MAX); i++) {
		key->lport = (uint16_t)(range[0] + (offset + ++stack->port_hint) % count);
		if (!is_mine(stack, key))
			continue;
		*hash = tcp_flow_hash(stack, key);
		if (is_free(stack, key, *hash))
			return 0;
	}
	stack->env->ctr->LocalPortsFull++;
	return -EADDRNOTAVAIL;
}
