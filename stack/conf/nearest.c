/* SPDX-License-Identifier: BSD-3-Clause */
/* Nearest words by edit distance. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "conf/nearest.h"

#define SHOWN_MAX 3

static char
lower(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c;
}

size_t
nearest_distance(const char *a, const char *b)
{
	size_t rows[3][NEAREST_WORD_MAX + 1];
	size_t *before = rows[0], *above = rows[1], *row = rows[2], *spare;
	size_t a_len = strlen(a), b_len = strlen(b);
	size_t i, j;

	if (a_len > NEAREST_WORD_MAX || b_len > NEAREST_WORD_MAX)
		return SIZE_MAX;
	for (j = 0; j <= b_len; j++)
		row[j] = j;
	for (i = 1; i <= a_len; i++) {
		spare = before;
		before = above;
		above = row;
		row = spare;
		row[0] = i;
		for (j = 1; j <= b_len; j++) {
			char ca = lower(a[i - 1]), cb = lower(b[j - 1]);

			row[j] = min_size(
				above[j - 1] + (ca != cb), min_size(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && ca == lower(b[j - 2]) && lower(a[i - 2]) == cb)
				row[j] = min_size(row[j], before[j - 2] + 1);
		}
	}
	return row[b_len];
}

/* How far a word may be to be worth showing; a word that merely continues ours always is. */
static size_t
rank(const char *word, const char *name)
{
	size_t len = strlen(word);
	size_t distance = nearest_distance(word, name);

	if (len >= 3 && strncmp(word, name, len) == 0)
		return 1;
	return distance <= 1 + len / 4 ? distance : SIZE_MAX;
}

const char *
nearest_names(const char *word, const char *(*name_at)(const void *ctx, size_t i), const void *ctx,
	char *out, size_t out_len)
{
	const char *names[SHOWN_MAX + 1];
	size_t ranks[SHOWN_MAX + 1];
	size_t count = 0, used = 0;
	size_t i, at;
	const char *name;

	ASSERT(out_len > 0);
	out[0] = '\0';
	for (i = 0; (name = name_at(ctx, i)) != NULL; i++) {
		size_t r = rank(word, name);

		if (r == SIZE_MAX)
			continue;
		for (at = count; at > 0 && ranks[at - 1] > r; at--) {
			names[at] = names[at - 1];
			ranks[at] = ranks[at - 1];
		}
		names[at] = name;
		ranks[at] = r;
		count = min_size(count + 1, SHOWN_MAX);
	}
	for (i = 0; i < count && used < out_len; i++) {
		const char *sep = i == 0 ? "" : i + 1 == count ? " or " : ", ";

		used += (size_t)snprintf(out + used, out_len - used, "%s'%s'", sep, names[i]);
	}
	return out;
}
