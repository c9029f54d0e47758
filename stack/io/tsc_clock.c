/* SPDX-License-Identifier: BSD-3-Clause */
/* The rate of the time stamp counter, measured against CLOCK_MONOTONIC. */
#include <time.h>

#include "io/tsc_clock.h"

#define CALIBRATE_MIN_US 50000u

static uint64_t
monotonic_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

/* us * 2^64 / ticks, for us < ticks. */
static uint64_t
rate_of(uint64_t us, uint64_t ticks)
{
	__extension__ typedef unsigned __int128 wide;

	return (uint64_t)(((wide)us << 64) / ticks);
}

void
tsc_clock_start(struct tsc_clock *clock)
{
	clock->base_tsc = rte_rdtsc();
	clock->base_us = monotonic_us();
	clock->us_per_2_64 = rate_of(1000000u, rte_get_tsc_hz());
}

void
tsc_clock_calibrate(struct tsc_clock *clock)
{
	uint64_t ticks = rte_rdtsc() - clock->base_tsc;
	uint64_t us = monotonic_us() - clock->base_us;
	uint64_t rate, off;

	if (us < CALIBRATE_MIN_US || ticks <= us)
		return;
	rate = rate_of(us, ticks);
	off = rate > clock->us_per_2_64 ? rate - clock->us_per_2_64 : clock->us_per_2_64 - rate;
	if (off < clock->us_per_2_64 / 50)
		clock->us_per_2_64 = rate;
}
