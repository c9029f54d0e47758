/* SPDX-License-Identifier: BSD-3-Clause */
/* Comparison of 32-bit sequence numbers that wrap (RFC 9293 s3.4), also used for timestamps. */
#ifndef BASE_SEQ32_H
#define BASE_SEQ32_H

#include <stdbool.h>
#include <stdint.h>

/*
 * All of these hold while the two numbers are less than 2^31 apart. At exactly 2^31
 * each is "less than" the other; no window is that large (RFC 7323 s2.3).
 */

/* a - b as a signed distance: positive when a is ahead of b. */
static inline int32_t
seq32_diff(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b);
}

static inline bool
seq32_lt(uint32_t a, uint32_t b)
{
	return seq32_diff(a, b) < 0;
}

static inline bool
seq32_leq(uint32_t a, uint32_t b)
{
	return seq32_diff(a, b) <= 0;
}

static inline bool
seq32_gt(uint32_t a, uint32_t b)
{
	return seq32_diff(a, b) > 0;
}

static inline bool
seq32_geq(uint32_t a, uint32_t b)
{
	return seq32_diff(a, b) >= 0;
}

/* lo <= seq < hi, for any length hi - lo from 0 (never true) to 2^32 - 1. */
static inline bool
seq32_between(uint32_t seq, uint32_t lo, uint32_t hi)
{
	return seq - lo < hi - lo;
}

static inline uint32_t
seq32_max(uint32_t a, uint32_t b)
{
	return seq32_gt(a, b) ? a : b;
}

static inline uint32_t
seq32_min(uint32_t a, uint32_t b)
{
	return seq32_lt(a, b) ? a : b;
}

#endif
