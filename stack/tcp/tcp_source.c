/* SPDX-License-Identifier: BSD-3-Clause */
/* Limits by the prefix a connection comes from: SYNs a second, and connections at a time. */
#include "tcp/tcp_parts.h"

/*
 * Threat model. One client, or one network of them, opens connections until nobody else finds a
 * place (attacks ). Each listener's port is limited for each source prefix, and each
 * worker holds its share of the limit, at least one, for the flows that come to it.
 *
 * The rate is looked at before a SYN costs anything else, a cookie included. SYNs can be forged:
 * who does so in a victim's name uses up the victim's rate. So it is off unless somebody wants it.
 * See rate_table.h for what a flood of random sources can do to it: not much.
 *
 * Connections are counted from the SYN queue to their end, TIME-WAIT excluded; see count_sketch.h
 * for when a source looks larger than it is. Nothing is kept in the connection: its place in the
 * sketch is found again by its key. For that the prefix must be what it was when it was counted, so
 * a change of the prefix lengths empties the sketch, and a walk over all slots, some with each
 * poll, counts anew those that it has passed: at any moment exactly the slots before the edges.
 */
#define SLOTS_PER_POLL 1024u
/* Sets these hashes apart from those of flows, whose last two bytes are zero. */
#define DOMAIN (0x7372ULL << 48)

static uint64_t
source_hash(const struct tcp_stack *stack, const struct flow_key *key)
{
	const uint64_t *mask = stack->source.mask[key->family == FLOW_FAMILY_V6];
	const uint64_t words[3] = { key->w[0] & mask[0], key->w[1] & mask[1],
		DOMAIN | (uint64_t)key->family << 16 | key->lport };

	return siphash24_3w(&stack->par.flow_key, words);
}

/* The first bits of an address, as the words that flow_key has it in. */
static void
make_mask(uint64_t mask[2], uint32_t bits)
{
	uint8_t bytes[16];

	store_be64(bytes, bits >= 64 ? UINT64_MAX : UINT64_MAX << (64 - bits));
	store_be64(bytes + 8, bits > 64 ? UINT64_MAX << (128 - bits) : 0);
	mask[0] = load_le64(bytes);
	mask[1] = load_le64(bytes + 8);
}

static bool
must_count(const struct tcp_stack *stack)
{
	return stack->env->tun->tcp_source_conns > 0 || stack->source.is_forced;
}

/* Count nobody yet, or nobody any more. */
static void
count_anew(struct tcp_stack *stack, bool on)
{
	struct tcp_source *src = &stack->source;

	stack->env->ctr->SourceConns -= src->conns.total;
	count_sketch_clear(&src->conns);
	src->is_on = on;
	src->conn_edge = src->synq_edge = 0;
}

/* Take over what the tunables say. */
static void
look(struct tcp_stack *stack)
{
	const struct tunables *tun = stack->env->tun;
	struct tcp_source *src = &stack->source;
	bool moved = src->prefix4 != tun->tcp_source_prefix4 ||
		src->prefix6 != tun->tcp_source_prefix6;
	bool on = must_count(stack);

	if (SLUICE_LIKELY(!moved && on == src->is_on))
		return;
	count_anew(stack, on);
	src->prefix4 = tun->tcp_source_prefix4;
	src->prefix6 = tun->tcp_source_prefix6;
	make_mask(src->mask[0], 96 + src->prefix4);
	make_mask(src->mask[1], src->prefix6);
}

static uint32_t
limit_of(const struct tcp_stack *stack, uint32_t own, uint32_t tunable)
{
	uint32_t limit = own != 0 ? own : tunable;

	return limit == 0 ? 0 : max_u32(tcp_share(stack, limit), 1);
}

/* A division for each change of the rate, not for each SYN. */
static uint32_t
cost_at(struct tcp_source *src, uint32_t rate)
{
	if (src->rate != rate) {
		src->rate = rate;
		src->cost_us = rate_cost_us(rate);
	}
	return src->cost_us;
}

static bool
is_too_fast(struct tcp_stack *stack, const struct tcp_listener *l, uint64_t hash)
{
	struct env *env = stack->env;
	uint32_t rate = limit_of(stack, l->source_syn_rate, env->tun->tcp_source_syn_rate);

	if (rate == 0)
		return false;
	switch (rate_table_hit(&stack->source.rates, hash, env->now_us,
		cost_at(&stack->source, rate), env->rng)) {
	case RATE_OK:
		return false;
	case RATE_UNTRACKED:
		env->ctr->SourceRateUntracked++;
		return false;
	case RATE_OVER:
		break;
	}
	env->ctr->SourceRateDrops++;
	return true;
}

static bool
has_enough(struct tcp_stack *stack, const struct tcp_listener *l, uint64_t hash)
{
	uint32_t limit =
		limit_of(stack, l->source_conns, stack->env->tun->tcp_source_conns);

	if (limit == 0 || count_sketch_get(&stack->source.conns, hash) < limit)
		return false;
	stack->env->ctr->SourceConnsDrops++;
	return true;
}

bool
tcp_source_admits_syn(struct tcp_stack *stack, struct tcp_listener *l, const struct flow_key *key,
	enum outcome *why)
{
	uint64_t hash;

	look(stack);
	hash = source_hash(stack, key);
	if (is_too_fast(stack, l, hash))
		*why = OUT_SOURCE_RATE;
	else if (has_enough(stack, l, hash))
		*why = OUT_SOURCE_CONNS;
	else
		return true;
	l->syn_drops_source++;
	stack->env->ctr->ListenDrops++;
	return false;
}

bool
tcp_source_admits_conn(struct tcp_stack *stack, struct tcp_listener *l,
	const struct flow_key *key)
{
	look(stack);
	if (!has_enough(stack, l, source_hash(stack, key)))
		return true;
	l->syn_drops_source++;
	stack->env->ctr->ListenDrops++;
	return false;
}

static void
add(struct tcp_stack *stack, const struct flow_key *key)
{
	count_sketch_add(&stack->source.conns, source_hash(stack, key));
	stack->env->ctr->SourceConns++;
}

static void
sub(struct tcp_stack *stack, const struct flow_key *key)
{
	count_sketch_sub(&stack->source.conns, source_hash(stack, key));
	stack->env->ctr->SourceConns--;
}

static bool
conn_counts(const struct tcp_conn *c)
{
	return c->state != TCPS_CLOSED && !(c->flags & TF_ACTIVE);
}

void
tcp_source_conn_opened(struct tcp_stack *stack, const struct tcp_conn *c)
{
	if (tcp_slot(stack, c) < stack->source.conn_edge)
		add(stack, &c->key);
}

void
tcp_source_conn_ended(struct tcp_stack *stack, const struct tcp_conn *c)
{
	if (tcp_slot(stack, c) < stack->source.conn_edge && conn_counts(c))
		sub(stack, &c->key);
}

static void
add_synq(struct tcp_stack *stack, uint32_t slot)
{
	struct flow_key key = tcp_brief_key(stack, &stack->synq[slot].who);

	add(stack, &key);
}

void
tcp_source_synq_opened(struct tcp_stack *stack, uint32_t slot)
{
	if (slot < stack->source.synq_edge)
		add_synq(stack, slot);
}

void
tcp_source_synq_ended(struct tcp_stack *stack, uint32_t slot)
{
	struct flow_key key;

	if (slot >= stack->source.synq_edge)
		return;
	key = tcp_brief_key(stack, &stack->synq[slot].who);
	sub(stack, &key);
}

/* The next slots; behind the last one ever used every new one is counted when it opens. */
static void
walk(struct tcp_stack *stack)
{
	struct tcp_source *src = &stack->source;
	unsigned int left = SLOTS_PER_POLL;

	for (; left > 0 && src->synq_edge < stack->synq_fresh; left--, src->synq_edge++)
		if (stack->synq[src->synq_edge].who.local != 0)
			add_synq(stack, src->synq_edge);
	for (; left > 0 && src->conn_edge < stack->conn_fresh; left--, src->conn_edge++)
		if (conn_counts(&stack->conns[src->conn_edge]))
			add(stack, &stack->conns[src->conn_edge].key);
	if (src->synq_edge >= stack->synq_fresh)
		src->synq_edge = UINT32_MAX;
	if (src->conn_edge >= stack->conn_fresh)
		src->conn_edge = UINT32_MAX;
}

bool
tcp_source_is_counting(const struct tcp_stack *stack)
{
	const struct tcp_source *src = &stack->source;

	return src->is_on && (src->conn_edge != UINT32_MAX || src->synq_edge != UINT32_MAX);
}

void
tcp_source_poll(struct tcp_stack *stack)
{
	look(stack);
	if (tcp_source_is_counting(stack))
		walk(stack);
}
