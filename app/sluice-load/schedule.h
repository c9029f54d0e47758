/* SPDX-License-Identifier: BSD-3-Clause */
/* When the n-th thing of a run is due: an even rate, or connections, behind a linear ramp. */
#ifndef SLUICE_LOAD_SCHEDULE_H
#define SLUICE_LOAD_SCHEDULE_H

#include <stdint.h>

/** Limits of what can be asked for: a rate, a time, connections. */
#define SCHEDULE_RATE_MAX 100000000u
#define SCHEDULE_S_MAX 86400u
#define SCHEDULE_COUNT_MAX 67108864u

/** Times are microseconds since the start of the run. */
struct schedule {
	uint64_t rate; /* per second, once the ramp is over; 1 or more */
	uint64_t ramp_us; /* from 0 to the rate */
};

/**
 * When number n (0 the first) is due. During the ramp the rate grows in proportion to the time, so
 * that n is due at sqrt(2 n ramp / rate); behind it, things are due at even distances.
 */
uint64_t schedule_due_us(const struct schedule *s, uint64_t n);

/** How many are due before a time. */
uint64_t schedule_count_before(const struct schedule *s, uint64_t at_us);

/** How many of count may be open at a time: all once the ramp is over, and at least one. */
uint32_t schedule_allowed(uint32_t count, uint64_t ramp_us, uint64_t at_us);

/** When one more than n of count may be open; UINT64_MAX: never. */
uint64_t schedule_allowed_at_us(uint32_t count, uint64_t ramp_us, uint32_t n);

/** The share of worker number i of n: shares differ by at most one. */
uint64_t schedule_share(uint64_t total, unsigned int i, unsigned int n);

#endif
