/* SPDX-License-Identifier: BSD-3-Clause */
/* The pseudo header that TCP and ICMPv6 checksums cover (RFC 9293 s3.1, RFC 8200 s8.1). */
#ifndef WIRE_PSEUDO_H
#define WIRE_PSEUDO_H

#include <stddef.h>
#include <stdint.h>

#include "base/csum.h"
#include "wire/addr.h"

/*
 * Both versions sum the same things, addresses, length and protocol, and the ffff of a
 * v4-mapped address adds nothing in one's complement: one function serves both. Start
 * csum_partial() from the result; csum_fold() of it is what NICs want in the field.
 */
static inline uint64_t
pseudo_csum(const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto, uint32_t len_bytes)
{
	uint64_t sum = (uint64_t)__builtin_bswap32(len_bytes) + ((uint64_t)proto << 56);

	sum = csum_add(sum, load_le64(src->b));
	sum = csum_add(sum, load_le64(src->b + 8));
	sum = csum_add(sum, load_le64(dst->b));
	return csum_add(sum, load_le64(dst->b + 8));
}

/* The same of two v4-mapped addresses, from the four bytes in which they differ. */
static inline uint64_t
pseudo_csum_mapped(
	const struct ip_addr *src, const struct ip_addr *dst, uint8_t proto, uint32_t len_bytes)
{
	return (uint64_t)load_le32(src->b + 12) + load_le32(dst->b + 12) +
		__builtin_bswap32(len_bytes) + ((uint64_t)proto << 8);
}

/* The same from IPv4 addresses in host order. */
static inline uint64_t
pseudo_csum4(uint32_t src, uint32_t dst, uint8_t proto, uint32_t len_bytes)
{
	return (uint64_t)__builtin_bswap32(src) + __builtin_bswap32(dst) +
	       __builtin_bswap32(len_bytes) + ((uint64_t)proto << 8);
}

#endif
