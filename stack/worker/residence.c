/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the histogram of residence times. */
#include "worker/residence.h"

#include "base/assert.h"

#define PPM 1000000u

uint64_t
residence_bucket_top(unsigned int bucket)
{
	unsigned int shift;

	ASSERT(bucket < RESIDENCE_BUCKETS);
	if (bucket < 2u << RESIDENCE_SUB_BITS)
		return bucket;
	shift = (bucket >> RESIDENCE_SUB_BITS) - 1;
	return (((uint64_t)(bucket - (shift << RESIDENCE_SUB_BITS)) + 1) << shift) - 1;
}

void
residence_add(struct residence *sum, const struct residence *worker)
{
	for (unsigned int i = 0; i < RESIDENCE_BUCKETS; i++)
		sum->bucket[i] += worker->bucket[i];
}

uint64_t
residence_packets(const struct residence *r)
{
	uint64_t total = 0;

	for (unsigned int i = 0; i < RESIDENCE_BUCKETS; i++)
		total += r->bucket[i];
	return total;
}

uint64_t
residence_quantile(const struct residence *r, uint32_t ppm)
{
	uint64_t total = residence_packets(r);
	uint64_t wanted, sum = 0;
	unsigned int i;

	if (total == 0)
		return 0;
	/* Rounded up: of ten packets, p99 is the slowest. In two steps, or it would overflow after
	 * some weeks of 10 M packets a second. */
	wanted = total / PPM * ppm + (total % PPM * ppm + PPM - 1) / PPM;
	wanted = max_u64(wanted, 1);
	for (i = 0; i < RESIDENCE_BUCKETS - 1; i++) {
		sum += r->bucket[i];
		if (sum >= wanted)
			break;
	}
	return residence_bucket_top(i);
}
