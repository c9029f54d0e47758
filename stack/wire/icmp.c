/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading ICMP messages and what they quote, and answering echo in place. */
#include "wire/icmp.h"

#include "base/csum.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

/* What an error quotes of the transport header at least: ports and sequence number. */
#define QUOTED_TRANSPORT_LEN 8

enum icmp_error
icmp6_parse(const uint8_t *p, size_t len, uint64_t pseudo, bool csum_good, struct icmp_msg *out)
{
	if (len < ICMP_HDR_LEN)
		return ICMP_TRUNCATED;
	if (!csum_good && csum_finish(csum_partial(p, len, pseudo)) != 0)
		return ICMP_BAD_CSUM;
	*out = (struct icmp_msg){ .type = p[0], .code = p[1], .rest = load_be32(p + 4) };
	return ICMP_OK;
}

enum icmp_error
icmp4_parse(const uint8_t *p, size_t len, bool csum_good, struct icmp_msg *out)
{
	return icmp6_parse(p, len, 0, csum_good, out); /* the same but for the pseudo header */
}

void
icmp_encode(uint8_t *buf, const struct icmp_msg *msg)
{
	buf[0] = msg->type;
	buf[1] = msg->code;
	store_be16(buf + 2, 0);
	store_be32(buf + 4, msg->rest);
}

/* Changes the type and, with it, the checksum. */
static void
set_type(uint8_t *p, uint8_t type)
{
	uint16_t old_word;
	uint16_t new_word;
	uint16_t csum;

	memcpy(&old_word, p, sizeof(old_word));
	p[0] = type;
	memcpy(&new_word, p, sizeof(new_word));
	memcpy(&csum, p + 2, sizeof(csum));
	csum = csum_update16(csum, old_word, new_word);
	memcpy(p + 2, &csum, sizeof(csum));
}

void
icmp4_echo_to_reply(uint8_t *p)
{
	set_type(p, ICMP4_ECHO_REPLY);
}

void
icmp6_echo_to_reply(uint8_t *p)
{
	set_type(p, ICMP6_ECHO_REPLY);
}

static void
take_quoted_transport(const uint8_t *p, struct icmp_quote *out)
{
	out->sport = load_be16(p);
	out->dport = load_be16(p + 2);
	out->seq = load_be32(p + 4);
}

/* The checksum of the quoted header is not looked at: routers on the way change it, some wrongly.
 */
enum icmp_error
icmp4_parse_quote(const uint8_t *p, size_t len, struct icmp_quote *out)
{
	size_t hdr_len;

	if (len < IP4_HDR_LEN)
		return ICMP_TRUNCATED;
	hdr_len = (p[0] & 15u) * 4;
	if (p[0] >> 4 != 4 || hdr_len < IP4_HDR_LEN || (load_be16(p + 6) & 0x1fff) != 0)
		return ICMP_BAD_QUOTE;
	if (len < hdr_len + QUOTED_TRANSPORT_LEN)
		return ICMP_TRUNCATED;
	out->total_len = load_be16(p + 2);
	if (out->total_len < hdr_len + QUOTED_TRANSPORT_LEN)
		return ICMP_BAD_QUOTE;
	out->src = ip_addr_from_v4(load_be32(p + 12));
	out->dst = ip_addr_from_v4(load_be32(p + 16));
	out->proto = p[9];
	take_quoted_transport(p + hdr_len, out);
	return ICMP_OK;
}

enum icmp_error
icmp6_parse_quote(const uint8_t *p, size_t len, struct icmp_quote *out)
{
	struct ip6_upper upper;
	uint32_t total_len;

	if (len < IP6_HDR_LEN)
		return ICMP_TRUNCATED;
	if (p[0] >> 4 != 6)
		return ICMP_BAD_QUOTE;
	total_len = IP6_HDR_LEN + (uint32_t)load_be16(p + 4);
	if (total_len > UINT16_MAX)
		return ICMP_BAD_QUOTE; /* no link of ours is that wide */
	/* We send no fragments, so none can be ours. */
	len = min_size(len, total_len);
	if (ip6_walk(p, len, p[6], &upper) != IP6_OK || upper.is_fragment)
		return ICMP_BAD_QUOTE;
	if (total_len < upper.offset + (uint32_t)QUOTED_TRANSPORT_LEN)
		return ICMP_BAD_QUOTE;
	if (len - upper.offset < QUOTED_TRANSPORT_LEN)
		return ICMP_TRUNCATED;
	memcpy(out->src.b, p + 8, sizeof(out->src.b));
	memcpy(out->dst.b, p + 24, sizeof(out->dst.b));
	out->total_len = (uint16_t)total_len;
	out->proto = upper.proto;
	take_quoted_transport(p + upper.offset, out);
	return ICMP_OK;
}
