/* SPDX-License-Identifier: BSD-3-Clause */
/* The Bloom filter of two generations: memory, and what a key finds and leaves. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table/recent_set.h"

#include "base/assert.h"

#define PAIRS_MAX (1u << 26)
#define TAG_SHIFT RECENT_BITS

int
recent_set_init(struct recent_set *s, uint32_t pairs)
{
	memset(s, 0, sizeof(*s));
	if (pairs == 0 || pairs > PAIRS_MAX || (pairs & (pairs - 1)) != 0)
		return -EINVAL;
	/* Zeroed pages of the kernel's, not touched here: who is never overloaded never pays. */
	s->pairs = calloc(pairs, sizeof(s->pairs[0]));
	if (s->pairs == NULL)
		return -ENOMEM;
	s->mask = pairs - 1;
	return 0;
}

void
recent_set_fini(struct recent_set *s)
{
	free(s->pairs);
	memset(s, 0, sizeof(*s));
}

static uint64_t
tag_of(uint32_t period)
{
	return (uint64_t)(period % RECENT_TAGS + 1) << TAG_SHIFT;
}

/* Two of the bits, by 16 bits of the hash each. */
static uint64_t
bits_of(uint64_t hash)
{
	uint32_t first = (uint32_t)(hash >> 32 & 0xffff) * RECENT_BITS >> 16;
	uint32_t second = (uint32_t)(hash >> 48) * RECENT_BITS >> 16;

	return 1ULL << first | 1ULL << second;
}

static bool
holds(uint64_t word, uint64_t tag, uint64_t bits)
{
	return word >> TAG_SHIFT == tag >> TAG_SHIFT && (word & bits) == bits;
}

enum recent_verdict
recent_set_add(struct recent_set *s, uint64_t hash, uint32_t period)
{
	struct recent_pair *pair = &s->pairs[(uint32_t)hash & s->mask];
	uint64_t *word = &pair->word[period & 1];
	uint64_t bits = bits_of(hash);
	uint64_t tag = tag_of(period);

	ASSERT(s->pairs != NULL);
	if (holds(*word, tag, bits))
		return RECENT_NOW;
	if (*word >> TAG_SHIFT != tag >> TAG_SHIFT)
		*word = tag;
	*word |= bits;
	return holds(pair->word[(period & 1) ^ 1], tag_of(period - 1), bits) ? RECENT_BEFORE :
									       RECENT_NEW;
}
