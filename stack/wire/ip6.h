/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6 headers and the chain of extension headers behind them (RFC 8200). */
#ifndef WIRE_IP6_H
#define WIRE_IP6_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/addr.h"
#include "wire/ip4.h"

#define IP6_HDR_LEN 40
/* Where the base header names what follows it. */
#define IP6_NEXT_HEADER_AT 6
/* Bytes of a fragment header. */
#define IP6_FRAGMENT_HDR_LEN 8
/* Extension headers followed before a packet is given up; real ones have one or two. */
#define IP6_EXT_HDRS_MAX 8

enum ip6_error {
	IP6_OK,
	IP6_TRUNCATED, /* fewer bytes than a header */
	IP6_BAD_VERSION, /* version is not 6 */
	IP6_BAD_LENGTH, /* payload length beyond the data */
	IP6_BAD_ADDR, /* a v4-mapped address, or a multicast source */
	IP6_BAD_EXT, /* an extension header or option beyond the payload */
	IP6_BAD_FIRST, /* a first fragment that ends within the headers (RFC 7112) */
	IP6_BAD_ORDER, /* hop-by-hop options not in the first place */
	IP6_TOO_MANY_EXT, /* more than IP6_EXT_HDRS_MAX */
	IP6_ROUTING, /* a routing header of type 0 (RFC 5095) or with segments left */
	IP6_OPTION_DROP, /* an unknown option that asks for a silent drop */
	IP6_OPTION_REPORT, /* an unknown option that asks for an ICMP parameter problem */
	IP6_OPTION_REPORT_UNICAST, /* the same unless the destination was multicast */
	IP6_BAD_FRAGMENT, /* ends beyond 65535, or not the last and not a multiple of 8, or empty */
};

struct ip6_hdr {
	struct ip_addr src;
	struct ip_addr dst;
	uint32_t flow_label; /* 20 bits */
	uint16_t payload_len; /* extension headers and payload, bytes */
	uint8_t tclass; /* DSCP << 2 | enum ip_ecn */
	uint8_t next_header; /* of the first extension header or the payload */
	uint8_t hop_limit;
};

/* What lies at the end of the extension headers. */
struct ip6_upper {
	uint32_t frag_id; /* valid if is_fragment */
	uint16_t offset; /* of the upper layer, from the start of the IPv6 header */
	uint16_t frag_off; /* bytes, a multiple of 8 */
	uint16_t frag_at; /* of the fragment header, if is_fragment */
	uint16_t named_at; /* of the next-header field that names proto */
	uint16_t error_offset; /* what an ICMP parameter problem about the error points at */
	uint8_t proto; /* enum ip_proto of the upper layer, or any other */
	uint8_t ext_count; /* extension headers passed */
	bool is_fragment; /* a fragment header was there, even if of an atomic fragment */
	bool frag_more; /* more fragments follow */
};

/* Decodes the base header at p; bytes after the payload are tolerated. On an error *out is
 * unspecified. */
enum ip6_error ip6_parse(const uint8_t *p, size_t len, struct ip6_hdr *out);

/*
 * Follows the extension headers of the packet at p up to the upper layer: len is what
 * there is of it, IP6_HDR_LEN included (payload_len + IP6_HDR_LEN, or less of a packet quoted
 * in an ICMP error), next_header the base header's. Stops behind the fragment header of
 * any fragment but the first. On an error is_fragment, frag_off, named_at and error_offset stand
 * for what was reached, and error_offset is 0 where a pointer would tell the sender nothing.
 */
enum ip6_error ip6_walk(const uint8_t *p, size_t len, uint8_t next_header, struct ip6_upper *out);

/* Writes the IP6_HDR_LEN bytes of h to buf. */
void ip6_encode(uint8_t *buf, const struct ip6_hdr *h);

#endif
