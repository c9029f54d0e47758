/* SPDX-License-Identifier: BSD-3-Clause */
/* The arithmetic of rates and ramps; the same on every worker, so that none has to ask another. */
#include <math.h>

#include "base/compiler.h"
#include "schedule.h"

#define US_PER_S 1000000u

/* Products below stay under 2^64: 2^26.6 a second, 2^36.4 us, 2^26 connections make no more. */
_Static_assert(SCHEDULE_RATE_MAX <= 100000000u && SCHEDULE_S_MAX <= 86400u, "no overflow");
_Static_assert(SCHEDULE_COUNT_MAX <= 67108864u, "no overflow");

uint64_t
schedule_due_us(const struct schedule *s, uint64_t n)
{
	/* What the ramp brings is half of what its time would at the full rate. */
	uint64_t in_ramp = s->rate * s->ramp_us / 2 / US_PER_S;

	if (n < in_ramp)
		return (uint64_t)sqrt(2.0 * (double)n * (double)s->ramp_us * (double)US_PER_S /
			(double)s->rate);
	return s->ramp_us + (n - in_ramp) * US_PER_S / s->rate;
}

uint64_t
schedule_count_before(const struct schedule *s, uint64_t at_us)
{
	uint64_t in_ramp = s->rate * s->ramp_us / 2 / US_PER_S;
	uint64_t n;

	if (at_us < s->ramp_us)
		n = (uint64_t)((double)in_ramp * ((double)at_us / (double)s->ramp_us) *
			((double)at_us / (double)s->ramp_us));
	else
		n = in_ramp + (at_us - s->ramp_us) * s->rate / US_PER_S;
	/* What rounding did to either. */
	while (n > 0 && schedule_due_us(s, n - 1) >= at_us)
		n--;
	while (schedule_due_us(s, n) < at_us)
		n++;
	return n;
}

uint32_t
schedule_allowed(uint32_t count, uint64_t ramp_us, uint64_t at_us)
{
	if (at_us >= ramp_us)
		return count;
	return (uint32_t)max_u64(count * at_us / ramp_us, min_u32(count, 1));
}

uint64_t
schedule_allowed_at_us(uint32_t count, uint64_t ramp_us, uint32_t n)
{
	if (n >= count)
		return UINT64_MAX;
	if (n == 0)
		return 0;
	return ((n + 1ull) * ramp_us + count - 1) / count;
}

uint64_t
schedule_share(uint64_t total, unsigned int i, unsigned int n)
{
	return total / n + (i < total % n ? 1 : 0);
}
