/* SPDX-License-Identifier: BSD-3-Clause */
/* A lock-free ring of pointers between one producer thread and one consumer thread. */
#ifndef BASE_RING_H
#define BASE_RING_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* Most entries a ring may have. */
#define RING_CAPACITY_MAX (1u << 30)

/*
 *      tail (oldest)        head (next free)
 *        v                    v
 *   | . | a | b | c | d | e | . | . |      count = head - tail, positions count on for ever
 *
 * Each side owns a cache line and keeps a copy of the other's position in it, so that
 * the lines move between cores once per burst at most.
 */
struct ring {
	/* producer's line */
	SLUICE_CACHE_ALIGNED _Atomic uint32_t head; /* entries ever put */
	uint32_t tail_seen; /* tail when the producer last looked */
	/* consumer's line */
	SLUICE_CACHE_ALIGNED _Atomic uint32_t tail; /* entries ever taken */
	uint32_t head_seen; /* head when the consumer last looked */
	/* written at init, and by the producer when an empty ring grows */
	SLUICE_CACHE_ALIGNED _Atomic uint32_t mask; /* capacity - 1 */
	uint32_t room; /* slots there is memory for */
	SLUICE_CACHE_ALIGNED void *slots[];
};

/* Bytes of memory for a ring of capacity entries (a power of two, 1 .. RING_CAPACITY_MAX), else 0.
 */
size_t ring_bytes(uint32_t capacity);

/*
 * Makes an empty ring in mem: ring_bytes(capacity) bytes, aligned to CACHE_LINE, owned
 * by the caller and free to go once both threads are done with the ring.
 */
struct ring *ring_init(void *mem, uint32_t capacity);

/* The same in ring_bytes(most) bytes; slots beyond capacity are not touched until it grows. */
struct ring *ring_init_growing(void *mem, uint32_t capacity, uint32_t most);

/* Puts as many of the n items as there is room for, in order; returns how many. Producer only. */
uint32_t ring_put_burst(struct ring *r, void *const *items, uint32_t n);

/*
 * The same, but no more than leave limit entries inside: a depth that may change. A ring made to
 * grow does so for a limit above its capacity, as soon as it is found empty. Producer only.
 */
uint32_t ring_put_burst_below(struct ring *r, void *const *items, uint32_t n, uint32_t limit);

/* Takes up to n of the oldest items; returns how many. Consumer only. */
uint32_t ring_get_burst(struct ring *r, void **items, uint32_t n);

/* Entries inside, from either thread or a third: a moment's figure, never above the capacity. */
uint32_t ring_count(const struct ring *r);

static inline uint32_t
ring_capacity(const struct ring *r)
{
	return atomic_load_explicit(&r->mask, memory_order_relaxed) + 1;
}

#endif
