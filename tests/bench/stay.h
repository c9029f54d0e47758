/* SPDX-License-Identifier: BSD-3-Clause */
/* How long a request stays with who serves it, at half of the most that it can serve. */
#ifndef BENCH_STAY_H
#define BENCH_STAY_H

#include <stdint.h>

#include "bench/peer_frames.h"

/** Requests that are served together, at most. */
#define STAY_BURST 32u

/** BENCH_UNIT: until the answers of a burst were gone, and until the next one may be taken. */
struct stay_time {
	uint64_t answered;
	uint64_t all;
};

struct stay_subject {
	const char *name;	/* of its line; the second is called NAME_and_wait */
	/** A request on each of n <= STAY_BURST connections is answered. */
	struct stay_time (*serve)(void *arg, struct peer **peers, unsigned int n);
	void *arg;
};

/**
 * Requests on conns connections at random, as many as bursts full bursts have. Prints the quantiles
 * of the time until it was answered, and of that and the wait for it, in ns. Returns what a request
 * costs in full bursts, in BENCH_UNIT.
 */
double stay_measure(const struct stay_subject *subject, struct peer *peers, uint32_t conns,
	unsigned int bursts);

#endif
