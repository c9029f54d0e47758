/* SPDX-License-Identifier: BSD-3-Clause */
/* How many of each key there are now: counts in four rows of cells, exact in sum, never too low. */
#ifndef TABLE_COUNT_SKETCH_H
#define TABLE_COUNT_SKETCH_H

#include <stdint.h>

#include "base/compiler.h"

/*
 * A count-min sketch (Cormode, Muthukrishnan 2005) whose keys also leave. Each key has one cell in
 * each row, by its SipHash; coming adds one to the four, leaving takes one away, and the least of
 * the four is the answer: what the key has, plus what others have in the cell where they have
 * least. There is nothing to evict and no key to keep, and when all have left, all cells are zero.
 *
 * Threat model. A cell is shared by whoever the hash puts there, so a key can look larger than it
 * is: it is refused early if four heavy keys, one in each row, meet it. With H keys at the limit
 * and w cells a row the chance is (H / w)^4; w is at least half of all there can be, so with a
 * limit of 10 that is 2 in 1000 while attackers hold every connection, 2 in 100000 with 32. The
 * hash is keyed: nobody can choose keys that meet a victim's, or tell that they do. Nothing an
 * attacker does makes a key look smaller.
 */
#define SKETCH_ROWS 4u

struct count_sketch {
	uint32_t *cells;	/* row by row */
	uint32_t width;		/* cells of a row: a power of two */
	uint64_t total;		/* of all keys */
};

/** For entries_max of all keys together. -ENOMEM. Untouched memory does not become resident. */
int count_sketch_init(struct count_sketch *s, uint32_t entries_max);
void count_sketch_fini(struct count_sketch *s);

/** Everybody has left. */
void count_sketch_clear(struct count_sketch *s);

void count_sketch_add(struct count_sketch *s, uint64_t hash);
/** One that was added before. */
void count_sketch_sub(struct count_sketch *s, uint64_t hash);
uint32_t count_sketch_get(const struct count_sketch *s, uint64_t hash);

/** For tests: each row sums to the total. Reads everything. */
void count_sketch_check(const struct count_sketch *s);

#endif
