/* SPDX-License-Identifier: BSD-3-Clause */
/* The Internet checksum (RFC 1071) over any bytes, and its update in place (RFC 1624). */
#ifndef BASE_CSUM_H
#define BASE_CSUM_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/*
 * A running sum is a 64-bit one's complement sum of the data as it lies in memory. It
 * is never converted to host order: what csum_fold() and csum_finish() return goes into
 * a header with memcpy(), and so does an old checksum handed to csum_update*().
 */

/* a + b with end-around carry. */
static inline uint64_t
csum_add(uint64_t a, uint64_t b)
{
	a += b;
	return a + (a < b);
}

/* Out of line for 64 bytes and more; use csum_partial(). */
uint64_t csum_partial_long(const uint8_t *p, size_t len, uint64_t sum);

/*
 * Adds len bytes at p (any alignment, any length) to sum. An odd last byte counts as if
 * a zero followed; the next piece then goes in with csum_add_piece().
 */
static inline uint64_t
csum_partial(const void *data, size_t len, uint64_t sum)
{
	const uint8_t *p = data;

	if (len >= 64)
		return csum_partial_long(p, len, sum);
	for (; len >= 8; p += 8, len -= 8)
		sum = csum_add(sum, load_le64(p));
	if (len & 4) {
		sum = csum_add(sum, load_le32(p));
		p += 4;
	}
	if (len & 2) {
		sum = csum_add(sum, (uint64_t)(p[0] | p[1] << 8));
		p += 2;
	}
	if (len & 1)
		sum = csum_add(sum, p[0]);
	return sum;
}

/*
 * Adds the sum of a piece that starts offset bytes into the whole: at an odd offset its
 * bytes change places (RFC 1071 s2 B), which in 64 bits is a rotation by one byte.
 */
static inline uint64_t
csum_add_piece(uint64_t sum, uint64_t piece, size_t offset)
{
	if (offset & 1)
		piece = piece << 8 | piece >> 56;
	return csum_add(sum, piece);
}

/* The sum in 16 bits, not complemented: 0 only when every byte summed was 0. */
static inline uint16_t
csum_fold(uint64_t sum)
{
	uint32_t half;

	/* Added to itself with its halves changed, the upper half has the sum of both and, out of
	 * the lower one, the end-around carry. */
	sum += sum << 32 | sum >> 32;
	half = (uint32_t)(sum >> 32);
	half += half << 16 | half >> 16;
	return (uint16_t)(half >> 16);
}

/* The checksum to store: the folded sum complemented. Over data that carries a right one: 0. */
static inline uint16_t
csum_finish(uint64_t sum)
{
	return (uint16_t)~csum_fold(sum);
}

/*
 * The checksum after a 16-bit field at an even offset changes from old to new, all three
 * as they lie in memory: HC' = ~(~HC + ~m + m') (RFC 1624 s3, equation 3). Wrong if all the
 * bytes summed are then 0, which no IP header is: the result is 0 and should be 0xffff.
 */
static inline uint16_t
csum_update16(uint16_t csum, uint16_t old, uint16_t new)
{
	return csum_finish((uint64_t)(uint16_t)~csum + (uint16_t)~old + new);
}

/* The same for a 32-bit field at an even offset. */
static inline uint16_t
csum_update32(uint16_t csum, uint32_t old, uint32_t new)
{
	return csum_finish((uint64_t)(uint16_t)~csum + (uint32_t)~old + new);
}

#endif
