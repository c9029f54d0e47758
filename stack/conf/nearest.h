/* SPDX-License-Identifier: BSD-3-Clause */
/* Which known words look most like a mistyped one. */
#ifndef CONF_NEAREST_H
#define CONF_NEAREST_H

#include <stddef.h>

/** Longer words are not compared: they have no near ones. */
#define NEAREST_WORD_MAX 63

/** Edits (insert, delete, replace, swap neighbours) between two words; SIZE_MAX if one is longer
 * than NEAREST_WORD_MAX. Case counts as no edit. */
size_t nearest_distance(const char *a, const char *b);

/**
 * Write the up to three nearest words to out as "'a', 'b' or 'c'"; "" when none is near. name_at
 * returns word i, or NULL behind the last. Returns out. out_len must hold at least a byte.
 */
const char *nearest_names(const char *word, const char *(*name_at)(const void *ctx, size_t i),
	const void *ctx, char *out, size_t out_len);

#endif
