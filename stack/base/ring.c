/* SPDX-License-Identifier: BSD-3-Clause */
/* The single-producer single-consumer ring: positions published with release, read with acquire. */
#include "base/ring.h"

#include "base/assert.h"

size_t
ring_bytes(uint32_t capacity)
{
	if (!is_power_of_two(capacity) || capacity > RING_CAPACITY_MAX)
		return 0;
	return sizeof(struct ring) + (size_t)capacity * sizeof(void *);
}

struct ring *
ring_init_growing(void *mem, uint32_t capacity, uint32_t most)
{
	struct ring *r = mem;

	ASSERT(ring_bytes(capacity) != 0);
	ASSERT(ring_bytes(most) != 0 && most >= capacity);
	ASSERT((uintptr_t)mem % CACHE_LINE == 0);
	atomic_init(&r->head, 0);
	atomic_init(&r->tail, 0);
	r->tail_seen = 0;
	r->head_seen = 0;
	atomic_init(&r->mask, capacity - 1);
	r->room = most;
	return r;
}

struct ring *
ring_init(void *mem, uint32_t capacity)
{
	return ring_init_growing(mem, capacity, capacity);
}

/*
 * With nothing inside no slot has a meaning, so their number may change: the consumer has published
 * that it is done with the old ones, and reads the new mask behind the head that tells of an item.
 */
static void
grow(struct ring *r, uint32_t head, uint32_t limit)
{
	uint32_t capacity = ring_capacity(r);

	r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
	if (r->tail_seen != head)
		return;
	while (capacity < min_u32(limit, r->room))
		capacity *= 2;
	atomic_store_explicit(&r->mask, capacity - 1, memory_order_relaxed);
}

/* A limit that was lowered may be below what is inside. */
static uint32_t
room_below(const struct ring *r, uint32_t head, uint32_t limit)
{
	uint32_t inside = head - r->tail_seen;

	return limit > inside ? limit - inside : 0;
}

uint32_t
ring_put_burst_below(struct ring *r, void *const *items, uint32_t n, uint32_t limit)
{
	uint32_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
	uint32_t mask;

	if (limit > ring_capacity(r)) {
		grow(r, head, limit);
		limit = min_u32(limit, ring_capacity(r));
	}
	mask = ring_capacity(r) - 1;
	if (room_below(r, head, limit) < n) {
		r->tail_seen = atomic_load_explicit(&r->tail, memory_order_acquire);
		n = min_u32(n, room_below(r, head, limit));
	}
	if (n == 0)
		return 0;
	for (uint32_t i = 0; i < n; i++)
		r->slots[(head + i) & mask] = items[i];
	atomic_store_explicit(&r->head, head + n, memory_order_release);
	return n;
}

uint32_t
ring_put_burst(struct ring *r, void *const *items, uint32_t n)
{
	return ring_put_burst_below(r, items, n, ring_capacity(r));
}

uint32_t
ring_get_burst(struct ring *r, void **items, uint32_t n)
{
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
	uint32_t ready = r->head_seen - tail;
	uint32_t mask;

	if (ready < n) {
		r->head_seen = atomic_load_explicit(&r->head, memory_order_acquire);
		ready = r->head_seen - tail;
		n = min_u32(n, ready);
	}
	if (n == 0)
		return 0; /* polling an empty ring writes nothing that others read */
	mask = ring_capacity(r) - 1;
	for (uint32_t i = 0; i < n; i++)
		items[i] = r->slots[(tail + i) & mask];
	atomic_store_explicit(&r->tail, tail + n, memory_order_release);
	return n;
}

uint32_t
ring_count(const struct ring *r)
{
	/* Tail first: read the other way round it could pass the head just read. */
	uint32_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
	uint32_t head = atomic_load_explicit(&r->head, memory_order_acquire);

	return min_u32(head - tail, ring_capacity(r));
}
