/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow table: memory, and the operations that change it. */
#include <errno.h>
#include <string.h>

#include "table/flow_table.h"

#include "base/assert.h"
#include "base/compiler.h"

/* Flows per bucket that the table is sized for: load 3/4. */
#define SLOTS_PLANNED 6u

/* Where a flow was found. */
struct place {
	struct flow_bucket *home;
	struct flow_bucket *bucket;
	uint32_t distance; /* strides from home */
	uint32_t slot;
};

int
flow_table_init(struct flow_table *t, uint32_t entries_max, const struct mem_source *mem)
{
	uint32_t stride = FLOW_STRIDE_MAX;

	memset(t, 0, sizeof(*t));
	if (entries_max == 0 || entries_max > FLOW_ENTRIES_MAX)
		return -EINVAL;
	t->size = max_u32((entries_max + SLOTS_PLANNED - 1) / SLOTS_PLANNED, FLOW_PROBE_MAX);
	t->mem = *mem;
	t->buckets = mem_take(mem, t->size, sizeof(*t->buckets));
	if (t->buckets == NULL)
		return -ENOMEM;
	/* A walk must not come back to its first bucket. */
	while (stride * FLOW_PROBE_MAX > t->size)
		stride /= 2;
	t->stride_mask = stride - 1;
	for (size_t i = 0; i < t->size; i++) {
		t->buckets[i] = (struct flow_bucket){ .away = 0 };
		for (uint32_t slot = 0; slot < FLOW_BUCKET_SLOTS; slot++)
			t->buckets[i].ref[slot] = FLOW_REF_NONE;
	}
	return 0;
}

void
flow_table_fini(struct flow_table *t)
{
	mem_give(&t->mem, t->buckets, t->size, sizeof(*t->buckets));
	memset(t, 0, sizeof(*t));
}

/* The lane of home->away that counts the flows at a distance. */
static uint64_t
away_one(uint32_t distance)
{
	return distance == 0 ? 0 : 1ULL << distance * FLOW_AWAY_BITS;
}

/* Other strides lead elsewhere: a lane may be full before a bucket is. Lane 0 is always 0. */
static bool
is_lane_full(const struct flow_bucket *home, uint32_t distance)
{
	return (home->away >> distance * FLOW_AWAY_BITS & FLOW_AWAY_LANE) == FLOW_AWAY_LANE;
}

int
flow_table_insert(struct flow_table *t, uint64_t hash, uint32_t ref)
{
	uint32_t home = flow_table_home(t, hash);
	uint16_t tag = flow_table_tag(hash);
	uint32_t stride = flow_table_stride(t, tag);

	ASSERT(ref != FLOW_REF_NONE);
	for (uint32_t distance = 0; distance < FLOW_PROBE_MAX; distance++) {
		struct flow_bucket *b = &t->buckets[flow_table_at(t, home, stride, distance)];
		uint32_t vacant = flow_bucket_match(b, 0);
		uint32_t slot;

		if (vacant == 0 || is_lane_full(&t->buckets[home], distance))
			continue;
		slot = flow_match_slot(vacant);
		b->tag[slot] = tag;
		b->ref[slot] = ref;
		t->buckets[home].away += away_one(distance);
		t->count++;
		return 0;
	}
	t->refused++;
	return -ENOSPC;
}

static struct place
find(struct flow_table *t, uint64_t hash, uint32_t ref)
{
	struct flow_iter it;
	struct place at;
	uint32_t found = flow_table_first(t, hash, &it);

	while (found != ref && found != FLOW_REF_NONE)
		found = flow_table_next(t, &it);
	ASSERT(found != FLOW_REF_NONE);
	at.home = &t->buckets[it.home];
	at.distance = it.distance;
	at.bucket = &t->buckets[it.bucket - t->buckets];
	at.slot = 0;
	while (at.bucket->ref[at.slot] != ref) /* the walk has just seen it there */
		at.slot++;
	return at;
}

void
flow_table_remove(struct flow_table *t, uint64_t hash, uint32_t ref)
{
	struct place at = find(t, hash, ref);

	ASSERT(t->count > 0);
	at.bucket->tag[at.slot] = 0;
	at.bucket->ref[at.slot] = FLOW_REF_NONE;
	at.home->away -= away_one(at.distance);
	t->count--;
}

void
flow_table_replace(struct flow_table *t, uint64_t hash, uint32_t old_ref, uint32_t new_ref)
{
	struct place at = find(t, hash, old_ref);

	ASSERT(new_ref != FLOW_REF_NONE);
	at.bucket->ref[at.slot] = new_ref;
}

void
flow_table_distances(const struct flow_table *t, uint32_t counts[FLOW_PROBE_MAX])
{
	memset(counts, 0, FLOW_PROBE_MAX * sizeof(counts[0]));
	for (uint32_t i = 0; i < t->size; i++) {
		const struct flow_bucket *b = &t->buckets[i];

		for (uint32_t slot = 0; slot < FLOW_BUCKET_SLOTS; slot++)
			counts[0] += b->tag[slot] != 0;
		for (uint32_t d = 1; d < FLOW_PROBE_MAX; d++) {
			uint32_t away = (uint32_t)(b->away >> d * FLOW_AWAY_BITS & FLOW_AWAY_LANE);

			/* Lives elsewhere, and was counted there as if at home. */
			counts[d] += away;
			counts[0] -= away;
		}
	}
}
