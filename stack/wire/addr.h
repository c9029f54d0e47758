/* SPDX-License-Identifier: BSD-3-Clause */
/* IP and MAC addresses: one form for both IP versions, classes, prefixes, text. */
#ifndef WIRE_ADDR_H
#define WIRE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/compiler.h"

/* Buffers for text, the NUL included: 8 groups of 4 digits; the same and "/128"; 6 pairs. */
#define IP_ADDR_STRLEN 40
#define IP_PREFIX_STRLEN 44
#define MAC_ADDR_STRLEN 18

/*
 * An address of either version in network order. IPv4 is held as the v4-mapped
 * ::ffff:a.b.c.d (RFC 4291 s2.5.5.2), which is refused as an IPv6 address on the wire
 * (ip6_parse), so that the two never meet.
 */
struct ip_addr {
	uint8_t b[16];
};

/* An address and the length of its prefix; the bits beyond the length may be set. */
struct ip_prefix {
	struct ip_addr addr;
	uint8_t len; /* as written: 0..32 for IPv4, 0..128 for IPv6 */
};

struct mac_addr {
	uint8_t b[6];
};

/* The IPv4 address ip (host order). */
static inline struct ip_addr
ip_addr_from_v4(uint32_t ip)
{
	struct ip_addr a = { .b = { [10] = 0xff, [11] = 0xff } };

	store_be32(a.b + 12, ip);
	return a;
}

static inline bool
ip_addr_is_v4(const struct ip_addr *a)
{
	return load_le64(a->b) == 0 && load_be32(a->b + 8) == 0xffff;
}

/* The IPv4 address in host order; meaningful only if ip_addr_is_v4(). */
static inline uint32_t
ip_addr_v4(const struct ip_addr *a)
{
	return load_be32(a->b + 12);
}

static inline bool
ip_addr_equal(const struct ip_addr *a, const struct ip_addr *b)
{
	return ((load_le64(a->b) ^ load_le64(b->b)) |
		       (load_le64(a->b + 8) ^ load_le64(b->b + 8))) == 0;
}

/* 0.0.0.0 or ::. */
bool ip_addr_is_unspecified(const struct ip_addr *a);
/* 127/8 or ::1. */
bool ip_addr_is_loopback(const struct ip_addr *a);
/* 224/4 or ff00::/8. */
bool ip_addr_is_multicast(const struct ip_addr *a);
/* 169.254/16 or fe80::/10. */
bool ip_addr_is_link_local(const struct ip_addr *a);
/* 255.255.255.255; a subnet's own broadcast address is ip_prefix_is_broadcast(). */
bool ip_addr_is_broadcast(const struct ip_addr *a);

/*
 * True for a source no packet from the network may have: 0/8, 127/8, 224/4, 240/4
 * (RFC 1122 s3.2.1.3, RFC 6890). host order.
 */
static inline bool
ip4_is_martian_source(uint32_t ip)
{
	uint32_t net = ip >> 24;

	return net == 0 || net == 127 || net >= 224;
}

/* The same for both versions; IPv6: ::, ::1, ff00::/8 and v4-compatible ::/96. */
bool ip_addr_is_martian_source(const struct ip_addr *a);

/*
 * Reads exactly the len bytes at text: four decimal numbers without leading zeros, or
 * IPv6 (RFC 4291 s2.2, no zone). 0 or -EINVAL, then *out is unchanged.
 */
int ip_addr_parse(struct ip_addr *out, const char *text, size_t len);

/* Writes text that ip_addr_parse() reads back (RFC 5952 for IPv6); returns its length. */
size_t ip_addr_format(const struct ip_addr *a, char buf[IP_ADDR_STRLEN]);

/* Reads "address/length" and keeps the address's host bits. 0 or -EINVAL, then *out is unchanged.
 */
int ip_prefix_parse(struct ip_prefix *out, const char *text, size_t len);

/* Writes "address/length"; returns the length of the text. */
size_t ip_prefix_format(const struct ip_prefix *p, char buf[IP_PREFIX_STRLEN]);

/* Is a within p? Never across versions. */
bool ip_prefix_match(const struct ip_prefix *p, const struct ip_addr *a);

/* Is a the highest address of the IPv4 subnet p? Never where p is longer than /30 (RFC 3021). */
bool ip_prefix_is_broadcast(const struct ip_prefix *p, const struct ip_addr *a);

static inline bool
mac_addr_equal(const struct mac_addr *a, const struct mac_addr *b)
{
	return ((load_be32(a->b) ^ load_be32(b->b)) |
		       (uint32_t)(load_be16(a->b + 4) ^ load_be16(b->b + 4))) == 0;
}

/* Group address; broadcast is one. */
static inline bool
mac_addr_is_multicast(const struct mac_addr *a)
{
	return (a->b[0] & 1) != 0;
}

static inline bool
mac_addr_is_broadcast(const struct mac_addr *a)
{
	return load_be32(a->b) == 0xffffffff && load_be16(a->b + 4) == 0xffff;
}

static inline bool
mac_addr_is_zero(const struct mac_addr *a)
{
	return (load_be32(a->b) | load_be16(a->b + 4)) == 0;
}

/* Reads exactly six pairs of hex digits joined by ':'. 0 or -EINVAL, then *out is unchanged. */
int mac_addr_parse(struct mac_addr *out, const char *text, size_t len);

/* Writes "02:00:00:00:00:01"; returns its length, 17. */
size_t mac_addr_format(const struct mac_addr *a, char buf[MAC_ADDR_STRLEN]);

#endif
