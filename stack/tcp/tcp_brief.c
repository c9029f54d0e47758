/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys of SYN-queue and TIME-WAIT entries: put away, and made whole again. */
#include "tcp/tcp_parts.h"

/* An IPv4 address in flow_key: ::ffff:a.b.c.d, the four bytes last. */
#define V4_MAPPED 0xffff0000u

static uint32_t
take_place(struct tcp_ip6_pool *pool, const struct ip_addr *addr)
{
	uint32_t i = pool->free;

	if (i != TCP_NONE)
		memcpy(&pool->free, &pool->addrs[i], sizeof(pool->free));
	else
		i = pool->fresh++;
	ASSERT(i < pool->size);
	pool->addrs[i] = *addr;
	pool->used++;
	return i;
}

void
tcp_brief_take(struct tcp_stack *stack, const struct flow_key *key, struct tcp_brief *brief)
{
	brief->addr = key->family == FLOW_FAMILY_V4 ? (uint32_t)(key->w[1] >> 32) :
						      take_place(&stack->ip6, &key->raddr);
	brief->ports = (uint32_t)key->w[2];
	brief->local = (uint16_t)(key->w[2] >> 32);
}

void
tcp_brief_give(struct tcp_stack *stack, struct tcp_brief *brief)
{
	struct tcp_ip6_pool *pool = &stack->ip6;

	if (brief->local >> 8 == FLOW_FAMILY_V6) {
		memcpy(&pool->addrs[brief->addr], &pool->free, sizeof(pool->free));
		pool->free = brief->addr;
		pool->used--;
	}
	brief->local = 0;
}

struct flow_key
tcp_brief_key(const struct tcp_stack *stack, const struct tcp_brief *brief)
{
	struct flow_key key;

	key.w[2] = brief->ports | (uint64_t)brief->local << 32;
	if (key.family == FLOW_FAMILY_V4) {
		key.w[0] = 0;
		key.w[1] = (uint64_t)brief->addr << 32 | V4_MAPPED;
	} else {
		key.raddr = stack->ip6.addrs[brief->addr];
	}
	return key;
}

bool
tcp_brief_is(const struct tcp_stack *stack, const struct tcp_brief *brief,
	const struct flow_key *key)
{
	if (key->w[2] != (brief->ports | (uint64_t)brief->local << 32))
		return false;
	if (key->family == FLOW_FAMILY_V4)
		return key->w[1] >> 32 == brief->addr;
	return ip_addr_equal(&key->raddr, &stack->ip6.addrs[brief->addr]);
}
