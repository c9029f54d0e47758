/* SPDX-License-Identifier: BSD-3-Clause */
/* A run in a process of its own, which may end as it likes: what does it say before that? */
#ifndef SIM_CHILD_H
#define SIM_CHILD_H

#include <stdbool.h>
#include <stddef.h>

/**
 * Call play in a child and put what it writes to its standard error into said, cap bytes at most
 * with the final 0. True if it ended well.
 */
bool child_plays(void (*play)(const void *arg), const void *arg, char *said, size_t cap);

/** What a failure is known by: other connections, times and numbers do not make it another one. */
struct failure {
	char what[120]; /* the invariant, or the words of the message */
	int node; /* whose turn it was, -1: nobody's */
};

/** From what the run said. */
void failure_parse(const char *said, struct failure *f);
bool failure_is_same(const struct failure *a, const struct failure *b);

#endif
