/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 headers (RFC 791). */
#ifndef WIRE_IP4_H
#define WIRE_IP4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "base/csum.h"

#define IP4_HDR_LEN 20
#define IP4_HDR_LEN_MAX 60

/* Protocol and next-header numbers, common to both versions of IP. */
enum ip_proto {
	IP_PROTO_HOPOPTS = 0,
	IP_PROTO_ICMP4 = 1,
	IP_PROTO_TCP = 6,
	IP_PROTO_UDP = 17,
	IP_PROTO_ROUTING = 43,
	IP_PROTO_FRAGMENT = 44,
	IP_PROTO_ICMP6 = 58,
	IP_PROTO_NONE = 59,
	IP_PROTO_DSTOPTS = 60,
};

/* Low two bits of the TOS or traffic class byte (RFC 3168 s5). */
enum ip_ecn {
	IP_ECN_NOT_ECT = 0,
	IP_ECN_ECT1 = 1,
	IP_ECN_ECT0 = 2,
	IP_ECN_CE = 3,
	IP_ECN_MASK = 3,
};

enum ip4_error {
	IP4_OK,
	IP4_TRUNCATED, /* fewer bytes than a header */
	IP4_BAD_VERSION, /* version is not 4 */
	IP4_BAD_IHL, /* header length below 20, or beyond the data */
	IP4_BAD_LENGTH, /* total length below the header's, or beyond the data */
	IP4_BAD_CSUM,
	IP4_BAD_FRAGMENT, /* ends beyond 65535, or not the last and not a multiple of 8, or empty */
	IP4_BAD_OPTION, /* an option of length 0, 1 or beyond the header */
	IP4_SOURCE_ROUTE, /* asks for loose or strict source routing (RFC 7126 s4.3, s4.4) */
};

struct ip4_hdr {
	uint32_t src; /* host order */
	uint32_t dst; /* host order */
	uint16_t total_len; /* header and payload, bytes; what is behind is padding */
	uint16_t id;
	uint16_t frag_off; /* bytes, a multiple of 8 */
	uint8_t ttl;
	uint8_t proto; /* enum ip_proto, or any other */
	uint8_t tos; /* DSCP << 2 | enum ip_ecn */
	uint8_t hdr_len; /* bytes, 20..60; above 20: has options */
	bool df; /* don't fragment */
	bool mf; /* more fragments */
};

static inline bool
ip4_is_fragment(const struct ip4_hdr *h)
{
	return h->mf || h->frag_off != 0;
}

/* Out of line: checks of a header with options, or of a fragment. */
enum ip4_error ip4_check_unusual(const uint8_t *p, const struct ip4_hdr *h);

/*
 * Decodes the header at p. csum_good says that the NIC has already verified it. Bytes
 * after total_len are tolerated: Ethernet pads. On an error *out is unspecified.
 */
static inline enum ip4_error
ip4_parse(const uint8_t *p, size_t len, bool csum_good, struct ip4_hdr *out)
{
	uint16_t frag;

	if (len < IP4_HDR_LEN)
		return IP4_TRUNCATED;
	if (p[0] >> 4 != 4)
		return IP4_BAD_VERSION;
	out->hdr_len = (uint8_t)((p[0] & 15) * 4);
	if (out->hdr_len < IP4_HDR_LEN || out->hdr_len > len)
		return IP4_BAD_IHL;
	out->total_len = load_be16(p + 2);
	if (out->total_len < out->hdr_len || out->total_len > len)
		return IP4_BAD_LENGTH;
	if (!csum_good && csum_finish(csum_partial(p, out->hdr_len, 0)) != 0)
		return IP4_BAD_CSUM;
	frag = load_be16(p + 6);
	out->src = load_be32(p + 12);
	out->dst = load_be32(p + 16);
	out->id = load_be16(p + 4);
	out->frag_off = (uint16_t)((frag & 0x1fff) << 3);
	out->ttl = p[8];
	out->proto = p[9];
	out->tos = p[1];
	out->df = (frag & 0x4000) != 0;
	out->mf = (frag & 0x2000) != 0;
	if ((frag & 0x3fff) != 0 || out->hdr_len != IP4_HDR_LEN)
		return ip4_check_unusual(p, out);
	return IP4_OK;
}

/*
 * Writes the IP4_HDR_LEN bytes of a header without options to buf; h->hdr_len is not
 * read. The checksum is filled in, or left 0 for the NIC to do when offload is set.
 */
static inline void
ip4_encode(uint8_t *buf, const struct ip4_hdr *h, bool offload)
{
	uint16_t frag = (uint16_t)((h->df ? 0x4000 : 0) | (h->mf ? 0x2000 : 0) | h->frag_off >> 3);
	uint64_t w0 = 0x45ULL << 56 | (uint64_t)h->tos << 48 | (uint64_t)h->total_len << 32 |
		      (uint64_t)h->id << 16 | frag;
	uint32_t w1 = (uint32_t)h->ttl << 24 | (uint32_t)h->proto << 16;

	/* From the values just packed, in host order: the sum does not mind, the fold is swapped.
	 */
	if (!offload) {
		uint64_t sum = csum_add(w0, (uint64_t)w1 + h->src + h->dst);

		w1 |= csum_finish(sum);
	}
	store_be64(buf, w0);
	store_be32(buf + 8, w1);
	store_be32(buf + 12, h->src);
	store_be32(buf + 16, h->dst);
}

#endif
