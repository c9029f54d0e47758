/* SPDX-License-Identifier: BSD-3-Clause */
/* A histogram of times with buckets that grow with the value: each is known to 1/128 of itself. */
#ifndef SLUICE_LOAD_HIST_H
#define SLUICE_LOAD_HIST_H

#include <stdint.h>

/*
 * Values below 256 ns have a bucket each. Above, every power of two is cut into 128:
 *
 *	value   1xxxxxxx yyyyyyyy...    its 8 top bits choose the bucket, the rest is dropped
 *
 * so that a bucket is never wider than 1/128 of what is in it, from nanoseconds to 18 minutes, in
 * 33 KiB. Longer times land in the last bucket; the maximum is exact beside it.
 */
#define HIST_SUB_BITS 7u
#define HIST_VALUE_BITS 40u
#define HIST_BUCKETS ((HIST_VALUE_BITS - HIST_SUB_BITS + 1) << HIST_SUB_BITS)

/** Plain cells, written by one thread, read by others at any time. Zeroed: empty. */
struct hist {
	uint64_t count;
	uint64_t sum_ns;
	uint64_t max_ns;
	uint64_t bucket[HIST_BUCKETS];
};

/** The bucket of a value, and the largest value of a bucket. */
unsigned int hist_bucket_of(uint64_t value_ns);
uint64_t hist_bucket_top(unsigned int bucket);

void hist_record(struct hist *h, uint64_t value_ns);

/** Add the values of one histogram to another. */
void hist_add(struct hist *to, const struct hist *from);

/** What came into now since before, an earlier copy of it; the maximum is known to a bucket. */
void hist_since(struct hist *out, const struct hist *now, const struct hist *before);

/**
 * The smallest value that ppm millionths of all values do not exceed, as the top of its bucket and
 * never beyond the maximum; 0 without values.
 */
uint64_t hist_quantile(const struct hist *h, uint32_t ppm);

uint64_t hist_mean(const struct hist *h);

#endif
