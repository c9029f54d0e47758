/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's life as a program of bytes. */
#ifndef FUZZ_LIFE_H
#define FUZZ_LIFE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The first byte says what the worker is like, the next ones what its listener is; then come steps:
 *
 *	00..7f	a segment: flow, flags, offsets from the expected numbers, window, length, options
 *	80..8f	the same, damaged
 *	90..97	a burst of 2 to 9 segments
 *	98..df	a call of the application, or an allocation that fails
 *	e0..ff	time passes, from 1 us to 36 minutes
 *
 * After each step everything is accounted for, after the last everything ends.
 */
struct life_params {
	unsigned int steps_max;
	unsigned int deep_every; /* steps between two walks over everything */
	bool ip6;
};

/** What it came to: so that one sees that something happened. */
struct life_result {
	uint64_t packets; /* received */
	uint64_t connections; /* opened by either side, past the handshake or not */
	uint64_t bytes; /* that the application read */
};

/** Play it. Ends the program if something is wrong. */
struct life_result life_run(const uint8_t *data, size_t size, const struct life_params *par);

#endif
