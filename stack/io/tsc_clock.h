/* SPDX-License-Identifier: BSD-3-Clause */
/* Microseconds from the CPU's time stamp counter: one multiplication, the same on every core. */
#ifndef IO_TSC_CLOCK_H
#define IO_TSC_CLOCK_H

#include <stdint.h>

#include <rte_cycles.h>

/** Set up once before the workers start, read-only from then on. */
struct tsc_clock {
	uint64_t base_tsc; /* counter at base_us */
	uint64_t base_us; /* CLOCK_MONOTONIC when the clock was started */
	uint64_t us_per_2_64; /* microseconds per tick, times 2^64 */
};

/** Note both clocks; the rate is what DPDK estimated until tsc_clock_calibrate(). */
void tsc_clock_start(struct tsc_clock *clock);

/**
 * Replace DPDK's estimate (off by up to 0.2 %) by what CLOCK_MONOTONIC has shown since the start.
 * Nothing happens before 50 ms have passed, or if the two disagree by more than 2 %.
 */
void tsc_clock_calibrate(struct tsc_clock *clock);

/** Time at counter value tsc, in us; never goes back on a CPU with an invariant counter. */
static inline uint64_t
tsc_clock_at(const struct tsc_clock *clock, uint64_t tsc)
{
	__extension__ typedef unsigned __int128 wide;

	return clock->base_us +
	       (uint64_t)(((wide)(tsc - clock->base_tsc) * clock->us_per_2_64) >> 64);
}

/** How long so many ticks are, in us. */
static inline uint64_t
tsc_clock_span(const struct tsc_clock *clock, uint64_t ticks)
{
	return tsc_clock_at(clock, clock->base_tsc + ticks) - clock->base_us;
}

/** The same in ns, for spans of at most a minute: 2^40 ticks times 2^10 fit beside the rate. */
static inline uint64_t
tsc_clock_span_ns(const struct tsc_clock *clock, uint64_t ticks)
{
	__extension__ typedef unsigned __int128 wide;

	return (uint64_t)(((wide)ticks * 1000 * clock->us_per_2_64) >> 64);
}

/** Time now, in us. */
static inline uint64_t
tsc_clock_now(const struct tsc_clock *clock)
{
	return tsc_clock_at(clock, rte_rdtsc());
}

#endif
