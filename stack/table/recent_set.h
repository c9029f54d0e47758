/* SPDX-License-Identifier: BSD-3-Clause */
/* Was this key here in the period before this one? A set of bits that forgets by itself. */
#ifndef TABLE_RECENT_SET_H
#define TABLE_RECENT_SET_H

#include <stdint.h>

#include "base/compiler.h"

/*
 * A Bloom filter of two generations. A key (the caller's SipHash of it) has one home, two words
 * side by side, one for periods of even number and one for those of odd number:
 *
 *	63  56 55                                              0
 *	+-----+-------------------------------------------------+
 *	| tag |  two bits of each key that was here in a period |
 *	+-----+-------------------------------------------------+
 *
 * The tag says which period a word is of; a word of another one counts as empty and is begun anew
 * by the next key. So nothing is ever cleared, and a key costs one line of memory.
 *
 * Threat model. A key that was here is always known. A key that was not is taken for one that was
 * if its two bits are set: with n keys in a period and w words a chance of (1 - e^(-2n / 56w))^2,
 * so 1 in 70 at 16 bits a key and 1 in 9 at 5. The hash is keyed: nobody can choose keys that set
 * another's bits. A period 255 ago has the same tag: what was not written since looks current.
 */
#define RECENT_BITS 56u
#define RECENT_TAGS 255u	/* 1 to 255; 0: never written */

struct recent_pair {
	uint64_t word[2];
};

struct recent_set {
	struct recent_pair *pairs;
	uint32_t mask;		/* pairs - 1 */
};

enum recent_verdict {
	RECENT_NEW,
	RECENT_BEFORE,		/* in the period before, and not yet in this one */
	RECENT_NOW,		/* in this period */
};

/** pairs: a power of two up to 2^26. -EINVAL, -ENOMEM. Untouched memory is not resident. */
int recent_set_init(struct recent_set *s, uint32_t pairs);
void recent_set_fini(struct recent_set *s);

/** The key with this hash is here; periods count up. */
enum recent_verdict recent_set_add(struct recent_set *s, uint64_t hash, uint32_t period);

#endif
