/* SPDX-License-Identifier: BSD-3-Clause */
/* How long packets stay in a worker: from the burst that took them in to the one that went out. */
#ifndef WORKER_RESIDENCE_H
#define WORKER_RESIDENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/compiler.h"

/*
 * A histogram whose buckets grow with the value. Below 64 ticks each value has its own. Above,
 * every power of two is cut into 32:
 *
 *	value   1xxxxx yyyyyyyy...    its 6 top bits choose the bucket, the rest is dropped
 *
 * so a time is known to 1/32 of itself, in 8 KiB per worker of which a load touches a few lines.
 * Longer times than 2^36 ticks, half a minute, land in the last bucket.
 */
#define RESIDENCE_SUB_BITS 5u
#define RESIDENCE_VALUE_BITS 36u
#define RESIDENCE_BUCKETS ((RESIDENCE_VALUE_BITS - RESIDENCE_SUB_BITS + 1) << RESIDENCE_SUB_BITS)

/** Written by one worker, plain cells, read by the control thread at any time. Zeroed: empty. */
struct residence {
	/* Those whose answers are on their way, and gone with frame number mark. */
	uint64_t since;		/* when the oldest of them came, in ticks */
	uint64_t inside;
	uint64_t mark;
	/* Those that came meanwhile. */
	uint64_t next_since;
	uint64_t next_inside;
	uint64_t bucket[RESIDENCE_BUCKETS]; /* packets by how many ticks they stayed */
};

/** The bucket of a time. */
static inline unsigned int
residence_bucket_of(uint64_t ticks)
{
	uint64_t value = min_u64(ticks, (1ULL << RESIDENCE_VALUE_BITS) - 1);
	/* The lowest bit set changes nothing but what a value of 0 would be. */
	unsigned int top = 63u - (unsigned int)__builtin_clzll(value | 1u << RESIDENCE_SUB_BITS);
	unsigned int shift = top - RESIDENCE_SUB_BITS;

	return (shift << RESIDENCE_SUB_BITS) + (unsigned int)(value >> shift);
}

/** A burst of n packets came in now. */
static inline void
residence_enter(struct residence *r, uint64_t now, uint64_t n)
{
	if (r->next_inside == 0)
		r->next_since = now;
	r->next_inside += n;
}

/**
 * Of the frames that were ever queued, so many were ever sent. True: call residence_leave(), then
 * ask again. A port that takes little never empties the queue, so what came first is not to wait
 * for what is queued behind its answers.
 */
static inline bool
residence_may_leave(struct residence *r, uint64_t sent, uint64_t queued)
{
	if (r->inside == 0) {
		r->since = r->next_since;
		r->inside = r->next_inside;
		r->next_inside = 0;
		r->mark = queued;
	}
	return r->inside > 0 && sent >= r->mark;
}

/** They have left now. The ticks of two cores may differ by a few. */
static inline void
residence_leave(struct residence *r, uint64_t now)
{
	uint64_t ticks = now > r->since ? now - r->since : 0;

	r->bucket[residence_bucket_of(ticks)] += r->inside;
	r->inside = 0;
}

/** The largest time of a bucket. */
uint64_t residence_bucket_top(unsigned int bucket);

/** Add a worker's packets to sum; the worker may be counting meanwhile. */
void residence_add(struct residence *sum, const struct residence *worker);

uint64_t residence_packets(const struct residence *r);

/**
 * The smallest time that ppm millionths of all packets do not exceed, as the top of its bucket; the
 * longest there was for 1000000; 0 without packets.
 */
uint64_t residence_quantile(const struct residence *r, uint32_t ppm);

#endif
