/* SPDX-License-Identifier: BSD-3-Clause */
/* Recording times, and asking for quantiles. */
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "hist.h"

#define VALUE_MAX ((1ULL << HIST_VALUE_BITS) - 1)
#define PPM 1000000u

unsigned int
hist_bucket_of(uint64_t value_ns)
{
	uint64_t value = min_u64(value_ns, VALUE_MAX);
	unsigned int shift;

	if (value < 1u << (HIST_SUB_BITS + 1))
		return (unsigned int)value;
	shift = 63u - (unsigned int)__builtin_clzll(value) - HIST_SUB_BITS;
	return (shift << HIST_SUB_BITS) + (unsigned int)(value >> shift);
}

uint64_t
hist_bucket_top(unsigned int bucket)
{
	unsigned int shift;

	ASSERT(bucket < HIST_BUCKETS);
	if (bucket < 1u << (HIST_SUB_BITS + 1))
		return bucket;
	shift = (bucket >> HIST_SUB_BITS) - 1;
	return (((uint64_t)(bucket - (shift << HIST_SUB_BITS)) + 1) << shift) - 1;
}

void
hist_record(struct hist *h, uint64_t value_ns)
{
	h->bucket[hist_bucket_of(value_ns)]++;
	h->count++;
	h->sum_ns += value_ns;
	if (value_ns > h->max_ns)
		h->max_ns = value_ns;
}

void
hist_add(struct hist *to, const struct hist *from)
{
	to->count += from->count;
	to->sum_ns += from->sum_ns;
	to->max_ns = max_u64(to->max_ns, from->max_ns);
	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		to->bucket[i] += from->bucket[i];
}

void
hist_since(struct hist *out, const struct hist *now, const struct hist *before)
{
	memset(out, 0, sizeof(*out));
	out->sum_ns = now->sum_ns - before->sum_ns;
	/* The buckets were read one by one while they were written: they decide. */
	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		out->bucket[i] = now->bucket[i] - before->bucket[i];
		out->count += out->bucket[i];
		if (out->bucket[i] > 0)
			out->max_ns = min_u64(hist_bucket_top(i), now->max_ns);
	}
}

uint64_t
hist_quantile(const struct hist *h, uint32_t ppm)
{
	uint64_t total = 0, sum = 0, wanted;

	for (unsigned int i = 0; i < HIST_BUCKETS; i++)
		total += h->bucket[i];
	if (total == 0)
		return 0;
	/* Rounded up: of 10 values, p99 is the tenth. 2^64 / 10^6 values take months to come. */
	wanted = (total * ppm + PPM - 1) / PPM;
	wanted = max_u64(wanted, 1);
	for (unsigned int i = 0; i < HIST_BUCKETS; i++) {
		sum += h->bucket[i];
		if (sum >= wanted)
			return i == HIST_BUCKETS - 1 ? h->max_ns
						     : min_u64(hist_bucket_top(i), h->max_ns);
	}
	return h->max_ns;
}

uint64_t
hist_mean(const struct hist *h)
{
	return h->count > 0 ? h->sum_ns / h->count : 0;
}
