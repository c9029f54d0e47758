/* SPDX-License-Identifier: BSD-3-Clause */
/* Long campaigns of numbered pieces: some at a time, today some and tomorrow more, summed up. */
#ifndef LIB_PIECES_H
#define LIB_PIECES_H

#include <stdint.h>

#define PIECES_SUMS 6u
#define PIECES_JOBS_MAX 64u

/**
 * Each piece is played in a process of its own, and counts when that has ended well. One that
 * fails has told how to repeat it; it is counted, too, and the others go on. What was under way
 * when the campaign was interrupted is left out.
 */
struct pieces {
	const char *what; /* one line; pieces of another campaign are not added to it */
	const char *path; /* the file that keeps the sums between two runs; NULL: none */
	const char *const *names; /* of the sums, NULL at the end; the first is what is wanted */
	uint64_t wanted; /* go on until the first sum is so large, and so many ... */
	uint64_t pieces_min; /* ... pieces were played in this run */
	unsigned int jobs; /* played at a time */
	/** Play piece number and add to the sums; called in a child. */
	void (*play)(void *ctx, uint64_t number, uint64_t *sums);
	void *ctx;
	/** Called each time the file is written. */
	void (*tell)(const struct pieces *p);
	uint64_t next; /* number of the next piece: where to begin, then how far it got */
	uint64_t sum[PIECES_SUMS];
	uint64_t failed; /* pieces, ever */
};

/**
 * Add pieces until it is enough, or until it is interrupted, or ten have failed. Returns how many
 * failed now, or -1 with a message if the file does not belong to this campaign.
 */
int pieces_run(struct pieces *p);

#endif
