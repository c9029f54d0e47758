/* SPDX-License-Identifier: BSD-3-Clause */
/* Leaky buckets in lines of eight: memory, and what an event does. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table/rate_table.h"

#include "base/assert.h"

#define TIME_MASK ((1ULL << 40) - 1)
#define TAG_MASK (~TIME_MASK)
#define TAG_ONE (1ULL << 40)
#define SETS_MAX (1u << 24)

int
rate_table_init(struct rate_table *t, uint32_t sets)
{
	uintptr_t at;

	memset(t, 0, sizeof(*t));
	if (sets == 0 || sets > SETS_MAX || (sets & (sets - 1)) != 0)
		return -EINVAL;
	/* Zeroed pages of the kernel's, not touched here: who never limits rates never pays. */
	t->raw = calloc((size_t)sets + 1, sizeof(struct rate_set));
	if (t->raw == NULL)
		return -ENOMEM;
	at = ((uintptr_t)t->raw + CACHE_LINE - 1) & ~(uintptr_t)(CACHE_LINE - 1);
	t->sets = (struct rate_set *)at;
	t->mask = sets - 1;
	return 0;
}

void
rate_table_fini(struct rate_table *t)
{
	free(t->raw);
	memset(t, 0, sizeof(*t));
}

/* 0 marks a bucket never used. */
static uint64_t
tag_of(uint64_t hash)
{
	uint64_t tag = hash & TAG_MASK;

	return tag != 0 ? tag : TAG_ONE;
}

/* What it holds. More than it can: it was empty long ago, and the clock has gone round. */
static uint32_t
level_us(uint64_t slot, uint64_t now_us)
{
	uint64_t ahead = (slot - now_us) & TIME_MASK;

	return ahead <= RATE_WINDOW_US ? (uint32_t)ahead : 0;
}

static enum rate_verdict
put(uint64_t *slot, uint64_t tag, uint64_t now_us, uint32_t level, uint32_t cost_us)
{
	if (level + cost_us > RATE_WINDOW_US)
		return RATE_OVER;
	*slot = tag | ((now_us + level + cost_us) & TIME_MASK);
	return RATE_OK;
}

enum rate_verdict
rate_table_hit(struct rate_table *t, uint64_t hash, uint64_t now_us, uint32_t cost_us,
	struct rng *rng)
{
	struct rate_set *set = &t->sets[(uint32_t)hash & t->mask];
	uint64_t tag = tag_of(hash);
	uint64_t *least = &set->slot[0];
	uint32_t least_us = UINT32_MAX;

	ASSERT(cost_us > 0 && cost_us <= RATE_WINDOW_US);
	for (unsigned int i = 0; i < RATE_SLOTS; i++) {
		uint32_t level = level_us(set->slot[i], now_us);

		if ((set->slot[i] & TAG_MASK) == tag)
			return put(&set->slot[i], tag, now_us, level, cost_us);
		if (level < least_us) {
			least = &set->slot[i];
			least_us = level;
		}
	}
	if (least_us > 0 && (rng_u32(rng) & (RATE_ADMIT - 1)) != 0)
		return RATE_UNTRACKED;
	return put(least, tag, now_us, 0, cost_us);
}
