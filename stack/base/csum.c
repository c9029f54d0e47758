/* SPDX-License-Identifier: BSD-3-Clause */
/* The checksum of long buffers, in a form the compiler turns into vector instructions. */
#include "base/csum.h"

/*
 * Vector units have no carry, so the halves of each word are summed apart: 2^32 words of
 * 32 bits fit in 64, far more than any packet has.
 */
uint64_t
csum_partial_long(const uint8_t *p, size_t len, uint64_t sum)
{
	size_t words = len / 8;
	uint64_t low = 0;
	uint64_t high = 0;

	for (size_t i = 0; i < words; i++) {
		uint64_t w = load_le64(p + 8 * i);

		low += w & 0xffffffff;
		high += w >> 32;
	}
	sum = csum_add(sum, low);
	/* 2^32 times high, modulo 2^64 - 1. */
	sum = csum_add(sum, high << 32 | high >> 32);
	return csum_partial(p + 8 * words, len % 8, sum);
}
