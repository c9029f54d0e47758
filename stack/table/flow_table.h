/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow table: from the keyed hash of a flow to the caller's index of it, in one cache line. */
#ifndef TABLE_FLOW_TABLE_H
#define TABLE_FLOW_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#include "base/compiler.h"
#include "base/mem.h"

/*
 * Threat: peers choose the keys and try to make every flow land in one place. They cannot, because
 * the caller hashes with SipHash and a secret key; and were the key known, the worst they get is
 * FLOW_PROBE_MAX lines per lookup and -ENOSPC for the rest. CRC32C or Toeplitz would not do: both
 * are linear, so colliding keys can be computed without knowing the key.
 *
 * A bucket is one cache line. A flow lives in its home bucket, or, when that is full, in one of the
 * FLOW_PROBE_MAX - 1 that follow at a stride, which the tag chooses; the home bucket then counts it
 * in the lane of its distance, in strides:
 *
 *     bucket   0        16              48     56    64
 *              | 8 tags | 8 refs        | away | pad |
 *     away     lane d, 4 bits: flows at home here that live d strides on; lane 0 is unused
 *
 * So a lookup reads the home bucket and then only the buckets that may hold some flow of it. With
 * one stride for all, full buckets make runs that grow at their ends: at a load of 3/4, with churn,
 * one insertion in 36000 found 16 full buckets. With strides of their own the flows of a run part.
 * At 3/4, the highest load planned for, after any amount of churn, four of five flows are at home,
 * a miss reads 1.8 lines, and no flow was further than 8 strides away in 6 million insertions.
 * Strides are short, so that a walk seldom leaves its page. Keys stay with the caller: the table
 * proposes candidates by a 16-bit tag and the caller compares.
 *
 * The bucket comes from the low 32 bits of the hash, scaled to any number of buckets, and the tag
 * from the lowest 16; the high 32 bits are not looked at. A false candidate costs the caller one
 * comparison: about one in 10000 lookups up to 2^16 buckets, and twice that for each doubling after
 * it (shared bits).
 */

/** Flows of one bucket, and the longest walk of any operation, in buckets. */
#define FLOW_BUCKET_SLOTS 8u
#define FLOW_PROBE_MAX 16u

/** Bits of flow_bucket.away per distance; a lane, which is also the most it counts. */
#define FLOW_AWAY_BITS 4u
#define FLOW_AWAY_LANE 0xfULL

/** Most flows of one home bucket, whoever chooses them. */
#define FLOW_HOME_MAX (FLOW_BUCKET_SLOTS + (FLOW_PROBE_MAX - 1) * 15u)

/** Longest stride, in buckets: a page of them. A power of two. */
#define FLOW_STRIDE_MAX 64u

/** Most flows a table can be made for: beyond it too few bits of the hash are left for tags. */
#define FLOW_ENTRIES_MAX (1u << 26)

/** No ref: the end of the candidates. */
#define FLOW_REF_NONE UINT32_MAX

/** One cache line; the drawing above shows it. */
struct flow_bucket {
	uint16_t tag[FLOW_BUCKET_SLOTS]; /* 0: the slot is free */
	uint32_t ref[FLOW_BUCKET_SLOTS]; /* the caller's; FLOW_REF_NONE in a free slot */
	uint64_t away; /* flows of this home elsewhere, FLOW_AWAY_BITS per distance */
	uint64_t pad;
} SLUICE_CACHE_ALIGNED;

_Static_assert(sizeof(struct flow_bucket) == CACHE_LINE, "a bucket is one line");
_Static_assert(64 / FLOW_AWAY_BITS >= FLOW_PROBE_MAX, "one lane of away per distance");
_Static_assert(FLOW_AWAY_LANE == 15, "FLOW_HOME_MAX");

struct flow_table {
	struct flow_bucket *buckets;
	uint32_t size; /* buckets */
	uint32_t stride_mask; /* longest stride - 1; a walk never comes back to its home */
	uint32_t count; /* flows in the table: its gauge */
	uint64_t refused; /* insertions that found no room, ever */
	struct mem_source mem; /* of the buckets */
};

/** Where a walk over the candidates of one hash stands. */
struct flow_iter {
	const struct flow_bucket *bucket;
	uint64_t away; /* lanes of the home bucket that are still to be visited */
	uint32_t home; /* index of the home bucket */
	uint32_t stride; /* in buckets */
	uint32_t distance; /* of bucket, in strides */
	uint32_t hits; /* slots of bucket still to be proposed, as flow_bucket_match gives them */
	uint16_t tag;
};

/**
 * Make a table for entries_max flows (1 .. FLOW_ENTRIES_MAX): as many buckets as keep the load at
 * or below 3/4, so 10.7 bytes per flow. The memory is touched here. -EINVAL for the size, -ENOMEM;
 * then nothing is held.
 */
int flow_table_init(
	struct flow_table *t, uint32_t entries_max, const struct mem_source *mem);
void flow_table_fini(struct flow_table *t);

/**
 * Enter a flow. ref is any number but FLOW_REF_NONE and is in the table at most once. The caller
 * has looked for the key before; the table cannot see duplicates. -ENOSPC (counted in refused)
 * when each of the FLOW_PROBE_MAX buckets of the hash is full, or its lane is.
 */
int flow_table_insert(struct flow_table *t, uint64_t hash, uint32_t ref);

/** Take a flow out. It must be there under this very hash and ref. */
void flow_table_remove(struct flow_table *t, uint64_t hash, uint32_t ref);

/** The flow of old_ref is new_ref from now on (a connection turns into its TIME_WAIT entry). */
void flow_table_replace(struct flow_table *t, uint64_t hash, uint32_t old_ref, uint32_t new_ref);

/**
 * For tests and diagnosis: how many flows live d strides from their home, for each d; reads the
 * whole table. The sum is t->count.
 */
void flow_table_distances(const struct flow_table *t, uint32_t counts[FLOW_PROBE_MAX]);

/** Index of the home bucket. */
static inline uint32_t
flow_table_home(const struct flow_table *t, uint64_t hash)
{
	return (uint32_t)((hash & UINT32_MAX) * t->size >> 32);
}

/** Never 0, which marks a free slot: 0 shares the tag 1. */
static inline uint16_t
flow_table_tag(uint64_t hash)
{
	uint16_t tag = (uint16_t)hash;

	return tag != 0 ? tag : 1;
}

/** Buckets from one place of a walk to the next. */
static inline uint32_t
flow_table_stride(const struct flow_table *t, uint16_t tag)
{
	return 1 + (tag & t->stride_mask);
}

/** Index of the bucket so many strides from home. */
static inline uint32_t
flow_table_at(const struct flow_table *t, uint32_t home, uint32_t stride, uint32_t distance)
{
	uint32_t i = home + stride * distance;

	return i >= t->size ? i - t->size : i;
}

/** Bits of flow_bucket_match per slot: as the CPU's byte mask has them, or one. */
#if defined(__SSE2__)
#define FLOW_MATCH_BITS 2u
#else
#define FLOW_MATCH_BITS 1u
#endif

/** The slots with this tag (0: the free ones): the lowest bit of each slot's FLOW_MATCH_BITS. */
static inline uint32_t
flow_bucket_match(const struct flow_bucket *b, uint16_t tag)
{
#if defined(__SSE2__)
	__m128i tags = _mm_load_si128((const __m128i *)(const void *)b->tag);
	__m128i same = _mm_cmpeq_epi16(tags, _mm_set1_epi16((short)tag));

	return (uint32_t)_mm_movemask_epi8(same) & 0x5555u;
#else
	uint32_t match = 0;

	for (uint32_t i = 0; i < FLOW_BUCKET_SLOTS; i++)
		match |= (uint32_t)(b->tag[i] == tag) << i;
	return match;
#endif
}

/** The first slot of a match that is not empty. */
static inline uint32_t
flow_match_slot(uint32_t match)
{
	return (uint32_t)__builtin_ctz(match) / FLOW_MATCH_BITS;
}

/** Have the home bucket of a hash on its way before it is asked for. */
static inline void
flow_table_prefetch(const struct flow_table *t, uint64_t hash)
{
	prefetch0(&t->buckets[flow_table_home(t, hash)]);
}

/**
 * The next candidate of a walk, or FLOW_REF_NONE. The table must not change between the calls of
 * one walk.
 */
static inline uint32_t
flow_table_next(const struct flow_table *t, struct flow_iter *it)
{
	uint32_t slot;

	while (it->hits == 0) {
		if (it->away == 0)
			return FLOW_REF_NONE;
		it->distance = (uint32_t)__builtin_ctzll(it->away) / FLOW_AWAY_BITS;
		it->away &= ~(FLOW_AWAY_LANE << it->distance * FLOW_AWAY_BITS);
		it->bucket = &t->buckets[flow_table_at(t, it->home, it->stride, it->distance)];
		it->hits = flow_bucket_match(it->bucket, it->tag);
	}
	slot = flow_match_slot(it->hits);
	it->hits &= it->hits - 1;
	return it->bucket->ref[slot];
}

/** Start a walk over the candidates of a hash: the first of them, or FLOW_REF_NONE. */
static inline uint32_t
flow_table_first(const struct flow_table *t, uint64_t hash, struct flow_iter *it)
{
	it->home = flow_table_home(t, hash);
	it->tag = flow_table_tag(hash);
	it->stride = flow_table_stride(t, it->tag);
	it->distance = 0;
	it->bucket = &t->buckets[it->home];
	it->away = it->bucket->away;
	it->hits = flow_bucket_match(it->bucket, it->tag);
	return flow_table_next(t, it);
}

#endif
