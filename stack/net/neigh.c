/* SPDX-License-Identifier: BSD-3-Clause */
/* Storage of the neighbour cache: a keyed hash table of fixed size and one list per state. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "net/neigh.h"

#include "base/assert.h"
#include "conf/counters.h"
#include "pkt/pool.h"

static uint32_t
index_of(const struct neigh_table *t, const struct neigh *e)
{
	return (uint32_t)(e - t->entries);
}

static uint32_t *
bucket_of(struct neigh_table *t, const struct ip_addr *addr)
{
	return &t->buckets[siphash24(&t->key, addr->b, sizeof(addr->b)) & t->bucket_mask];
}

static void
list_append(struct neigh_table *t, struct neigh *e, enum neigh_state state)
{
	struct neigh_list *list = &t->lists[state];

	e->state = (uint8_t)state;
	e->prev = list->tail;
	e->next = NEIGH_NONE;
	if (list->tail == NEIGH_NONE)
		list->head = index_of(t, e);
	else
		t->entries[list->tail].next = index_of(t, e);
	list->tail = index_of(t, e);
	list->count++;
}

static void
list_remove(struct neigh_table *t, struct neigh *e)
{
	struct neigh_list *list = &t->lists[e->state];

	if (e->prev == NEIGH_NONE)
		list->head = e->next;
	else
		t->entries[e->prev].next = e->next;
	if (e->next == NEIGH_NONE)
		list->tail = e->prev;
	else
		t->entries[e->next].prev = e->prev;
	list->count--;
}

/* To the young end of a state's list, the present one's included. */
static void
set_state(struct neigh_table *t, struct neigh *e, enum neigh_state state)
{
	list_remove(t, e);
	list_append(t, e, state);
}

static struct neigh *
oldest(struct neigh_table *t, enum neigh_state state)
{
	uint32_t head = t->lists[state].head;

	return head == NEIGH_NONE ? NULL : &t->entries[head];
}

static void
clear_addr(struct neigh *e)
{
	memset(e->addr.b, 0xff, sizeof(e->addr.b));
}

int
neigh_init(struct neigh_table *t, unsigned int max, const struct siphash_key *key)
{
	uint32_t buckets = NEIGH_MIN;

	memset(t, 0, sizeof(*t));
	if (max < NEIGH_MIN || max > NEIGH_MAX)
		return -EINVAL;
	while (buckets < max)
		buckets *= 2;
	t->entries = calloc(max, sizeof(*t->entries));
	t->buckets = calloc(buckets, sizeof(*t->buckets));
	if (t->entries == NULL || t->buckets == NULL) {
		free(t->entries);
		free(t->buckets);
		return -ENOMEM;
	}
	t->max = max;
	t->bucket_mask = buckets - 1;
	t->key = *key;
	memset(t->buckets, 0xff, buckets * sizeof(*t->buckets));
	for (unsigned int i = 0; i < NEIGH_STATES; i++)
		t->lists[i] = (struct neigh_list){ NEIGH_NONE, NEIGH_NONE, 0 };
	for (uint32_t i = 0; i < max; i++) {
		clear_addr(&t->entries[i]);
		list_append(t, &t->entries[i], NEIGH_FREE);
	}
	for (unsigned int i = 0; i < NEIGH_HOT; i++)
		t->hot[i] = &t->entries[0];
	return 0;
}

void
neigh_fini(struct neigh_table *t, struct env *env)
{
	struct pkt *pkts[NEIGH_WAITING_MAX];

	for (uint32_t i = 0; i < t->max; i++) {
		unsigned int n = neigh_take_waiting(t, &t->entries[i], pkts);

		while (n > 0)
			pkt_free_chain(env->pool, pkts[--n]);
	}
	ASSERT(t->waiting == 0);
	free(t->entries);
	free(t->buckets);
	memset(t, 0, sizeof(*t));
}

struct neigh *
neigh_find_hashed(struct neigh_table *t, const struct ip_addr *addr)
{
	for (uint32_t i = *bucket_of(t, addr); i != NEIGH_NONE; i = t->entries[i].chain) {
		struct neigh *e = &t->entries[i];

		if (ip_addr_equal(&e->addr, addr)) {
			t->hot[addr->b[15] % NEIGH_HOT] = e;
			return e;
		}
	}
	return NULL;
}

/*
 * Who leaves for a neighbour that somebody wants to send to. There is always one, since PERMANENT
 * entries take half of the table at most.
 */
static struct neigh *
choose_victim(struct neigh_table *t, uint64_t now_us)
{
	struct neigh *stale = oldest(t, NEIGH_STALE);
	struct neigh *reachable = oldest(t, NEIGH_REACHABLE);

	if (stale != NULL)
		return stale;
	if (reachable != NULL && reachable->valid_until_us <= now_us)
		return reachable;
	if (oldest(t, NEIGH_INCOMPLETE) != NULL)
		return oldest(t, NEIGH_INCOMPLETE);
	if (oldest(t, NEIGH_PROBE) != NULL)
		return oldest(t, NEIGH_PROBE);
	return reachable;
}

/* A free entry for a newcomer in that state, or NULL. */
static struct neigh *
make_room(struct neigh_table *t, struct env *env, enum neigh_state state)
{
	struct neigh *victim = NULL;
	bool is_hearsay = state == NEIGH_STALE;

	if (state == NEIGH_PERMANENT && t->lists[state].count >= t->max / 2)
		return NULL;
	if (state != NEIGH_PERMANENT && t->lists[state].count >= t->max / 4)
		victim = oldest(t, state);
	else if (oldest(t, NEIGH_FREE) == NULL)
		victim = is_hearsay ? oldest(t, NEIGH_STALE) : choose_victim(t, env->now_us);
	if (victim != NULL) {
		env->ctr->NeighTableFulls++;
		neigh_remove(t, env, victim);
	}
	return oldest(t, NEIGH_FREE);
}

struct neigh *
neigh_add(struct neigh_table *t, struct env *env, const struct ip_addr *addr,
	enum neigh_state state, const struct mac_addr *mac)
{
	struct neigh *e;
	uint32_t *bucket = bucket_of(t, addr);

	ASSERT(state == NEIGH_INCOMPLETE || state == NEIGH_STALE || state == NEIGH_PERMANENT);
	ASSERT_SLOW(neigh_find(t, addr) == NULL);
	e = make_room(t, env, state);
	if (e == NULL) {
		env->ctr->NeighTableFulls++;
		return NULL;
	}
	e->addr = *addr;
	e->mac_word = 0;
	if (mac != NULL)
		e->mac = *mac;
	e->valid_until_us = state == NEIGH_PERMANENT ? UINT64_MAX : 0;
	e->due_us = env->now_us;
	e->tries = NEIGH_TRIES;
	e->chain = *bucket;
	*bucket = index_of(t, e);
	set_state(t, e, state);
	return e;
}

void
neigh_remove(struct neigh_table *t, struct env *env, struct neigh *e)
{
	uint32_t *link = bucket_of(t, &e->addr);
	struct pkt *pkts[NEIGH_WAITING_MAX];
	unsigned int n = neigh_take_waiting(t, e, pkts);

	ASSERT(e->state != NEIGH_FREE);
	ASSERT(e->state != NEIGH_PERMANENT);
	while (n > 0) {
		env->ctr->NeighQueueDrops++;
		pkt_free_chain(env->pool, pkts[--n]);
	}
	while (*link != index_of(t, e))
		link = &t->entries[*link].chain;
	*link = e->chain;
	/* A hot slot may still point here: the address must never match. */
	clear_addr(e);
	e->valid_until_us = 0;
	set_state(t, e, NEIGH_FREE);
}

void
neigh_set_reachable(struct neigh_table *t, struct env *env, struct neigh *e)
{
	ASSERT(e->state != NEIGH_FREE);
	ASSERT(e->state != NEIGH_PERMANENT);
	e->valid_until_us = env->now_us + NEIGH_REACHABLE_US;
	set_state(t, e, NEIGH_REACHABLE);
}

void
neigh_set_probe(struct neigh_table *t, struct env *env, struct neigh *e, unsigned int tries)
{
	ASSERT(e->state == NEIGH_STALE || e->state == NEIGH_REACHABLE);
	ASSERT(tries > 0 && tries <= NEIGH_TRIES);
	e->valid_until_us = UINT64_MAX;
	e->due_us = env->now_us;
	e->tries = (uint8_t)tries;
	set_state(t, e, NEIGH_PROBE);
}

void
neigh_asked(struct neigh_table *t, struct env *env, struct neigh *e)
{
	ASSERT(e->state == NEIGH_INCOMPLETE || e->state == NEIGH_PROBE);
	ASSERT(e->tries > 0);
	e->tries--;
	e->due_us = env->now_us + NEIGH_RETRY_US;
	set_state(t, e, (enum neigh_state)e->state);
}

struct neigh *
neigh_due(struct neigh_table *t, uint64_t now_us)
{
	struct neigh *incomplete = oldest(t, NEIGH_INCOMPLETE);
	struct neigh *probe = oldest(t, NEIGH_PROBE);

	if (incomplete != NULL && incomplete->due_us <= now_us)
		return incomplete;
	return probe != NULL && probe->due_us <= now_us ? probe : NULL;
}

uint64_t
neigh_due_at(const struct neigh_table *t)
{
	uint32_t incomplete = t->lists[NEIGH_INCOMPLETE].head;
	uint32_t probe = t->lists[NEIGH_PROBE].head;
	uint64_t at = UINT64_MAX;

	/* Both lists are in the order of their times: who was asked goes to the end. */
	if (incomplete != NEIGH_NONE)
		at = t->entries[incomplete].due_us;
	if (probe != NEIGH_NONE)
		at = min_u64(at, t->entries[probe].due_us);
	return at;
}

bool
neigh_is_settled(const struct neigh *e, uint64_t now_us)
{
	if (e->state == NEIGH_PERMANENT)
		return true;
	return e->state == NEIGH_REACHABLE &&
		e->valid_until_us > now_us + NEIGH_REACHABLE_US - NEIGH_SETTLED_US;
}

void
neigh_wait(struct neigh_table *t, struct env *env, struct neigh *e, struct pkt *p)
{
	ASSERT(e->state == NEIGH_INCOMPLETE);
	if (e->waiting_count == NEIGH_WAITING_MAX) {
		env->ctr->NeighQueueDrops++;
		pkt_free_chain(env->pool, e->waiting[0]);
		memmove(e->waiting, e->waiting + 1, sizeof(e->waiting) - sizeof(e->waiting[0]));
		e->waiting_count--;
		t->waiting--;
	}
	if (t->waiting >= NEIGH_WAITING_TOTAL_MAX) {
		env->ctr->NeighQueueDrops++;
		pkt_free_chain(env->pool, p);
		return;
	}
	e->waiting[e->waiting_count++] = p;
	t->waiting++;
}

unsigned int
neigh_take_waiting(struct neigh_table *t, struct neigh *e, struct pkt *out[NEIGH_WAITING_MAX])
{
	unsigned int n = e->waiting_count;

	memcpy(out, e->waiting, n * sizeof(*out));
	e->waiting_count = 0;
	t->waiting -= n;
	return n;
}
