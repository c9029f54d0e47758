/* SPDX-License-Identifier: BSD-3-Clause */
/* The count-min sketch: memory, and the four cells of a key. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "table/count_sketch.h"

#include "base/assert.h"

#define WIDTH_MIN 1024u
#define WIDTH_MAX (1u << 25)

int
count_sketch_init(struct count_sketch *s, uint32_t entries_max)
{
	memset(s, 0, sizeof(*s));
	s->width = WIDTH_MIN;
	while (s->width < entries_max / 2 && s->width < WIDTH_MAX)
		s->width *= 2;
	/* Zeroed pages of the kernel's, not touched here: who never limits never pays. */
	s->cells = calloc((size_t)SKETCH_ROWS * s->width, sizeof(*s->cells));
	return s->cells == NULL ? -ENOMEM : 0;
}

void
count_sketch_fini(struct count_sketch *s)
{
	free(s->cells);
	memset(s, 0, sizeof(*s));
}

void
count_sketch_clear(struct count_sketch *s)
{
	/* A table nobody has used stays untouched. */
	if (s->total > 0)
		memset(s->cells, 0, (size_t)SKETCH_ROWS * s->width * sizeof(*s->cells));
	s->total = 0;
}

/* Two halves of the hash give the places in all rows (Kirsch, Mitzenmacher 2008). */
static uint32_t *
cell(const struct count_sketch *s, uint64_t hash, uint32_t row)
{
	uint32_t at = (uint32_t)hash + row * ((uint32_t)(hash >> 32) | 1);

	return &s->cells[(size_t)row * s->width + (at & (s->width - 1))];
}

void
count_sketch_add(struct count_sketch *s, uint64_t hash)
{
	for (uint32_t row = 0; row < SKETCH_ROWS; row++)
		++*cell(s, hash, row);
	s->total++;
}

void
count_sketch_sub(struct count_sketch *s, uint64_t hash)
{
	for (uint32_t row = 0; row < SKETCH_ROWS; row++) {
		uint32_t *count = cell(s, hash, row);

		ASSERT(*count > 0);
		--*count;
	}
	s->total--;
}

uint32_t
count_sketch_get(const struct count_sketch *s, uint64_t hash)
{
	uint32_t least = UINT32_MAX;

	for (uint32_t row = 0; row < SKETCH_ROWS; row++)
		least = min_u32(least, *cell(s, hash, row));
	return least;
}

void
count_sketch_check(const struct count_sketch *s)
{
	for (uint32_t row = 0; row < SKETCH_ROWS; row++) {
		uint64_t sum = 0;

		for (uint32_t i = 0; i < s->width; i++)
			sum += s->cells[(size_t)row * s->width + i];
		ASSERT(sum == s->total);
	}
}
