/* SPDX-License-Identifier: BSD-3-Clause */
/* Who comes too often: a leaky bucket for each of the busiest keys, in a fixed number of lines. */
#ifndef TABLE_RATE_TABLE_H
#define TABLE_RATE_TABLE_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/rng.h"

/*
 * A key (the caller's SipHash of it) has one home, a cache line of eight buckets:
 *
 *	63     40 39                                0
 *	+--------+-----------------------------------+
 *	|  tag   | when the bucket is empty again, us|    the clock modulo 2^40: 12.7 days
 *	+--------+-----------------------------------+
 *
 * An event puts its cost, the time that one event may take, on top; beyond a second's worth it is
 * refused and adds nothing (the generic cell rate algorithm). So a bucket needs no upkeep, and an
 * empty one says no more than none: it can be given away without loss.
 *
 * Threat model. Keys come from forged addresses, millions a second. A new key takes an empty bucket
 * of its line. If there is none it takes, with a chance of one in RATE_ADMIT, the bucket that holds
 * least; else it is let pass and not remembered. Who is over its rate keeps its bucket nearly full,
 * and who comes once holds the cost of one event, so a flood of keys that come once displaces such
 * keys among themselves: what is heavy stays, and is found after about RATE_ADMIT events. To push
 * it out takes seven heavier keys in its line, and the hash is keyed: nobody knows which keys share
 * one. Two keys of a line with one tag share a bucket: a chance of 2^-21 for a key that meets a
 * full line. At a rate of one or two a second a single event fills a bucket nearly as much as many
 * do, so under a flood such a limit holds only loosely.
 */
#define RATE_SLOTS 8u
#define RATE_ADMIT 8u		/* a power of two */
#define RATE_WINDOW_US 1000000u	/* what a bucket holds: the burst is a second's worth */

struct rate_set {
	uint64_t slot[RATE_SLOTS];
} SLUICE_CACHE_ALIGNED;

_Static_assert(sizeof(struct rate_set) == CACHE_LINE, "a key costs one line");

struct rate_table {
	struct rate_set *sets;
	void *raw;		/* what was allocated */
	uint32_t mask;		/* sets - 1 */
};

enum rate_verdict {
	RATE_OK,
	RATE_OVER,
	RATE_UNTRACKED,		/* no place for it: let pass */
};

/** sets: a power of two up to 2^24. -EINVAL, -ENOMEM. Untouched memory does not become resident. */
int rate_table_init(struct rate_table *t, uint32_t sets);
void rate_table_fini(struct rate_table *t);

/** The cost of an event at this rate; 1000000 a second at most. */
static inline uint32_t
rate_cost_us(uint32_t per_second)
{
	return per_second >= RATE_WINDOW_US ? 1 : RATE_WINDOW_US / max_u32(per_second, 1);
}

/** An event of the key with this hash; cost_us of a key is always the same. */
enum rate_verdict rate_table_hit(struct rate_table *t, uint64_t hash, uint64_t now_us,
	uint32_t cost_us, struct rng *rng);

#endif
