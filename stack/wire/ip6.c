/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading and writing IPv6 headers, and walking the extension headers. */
#include "wire/ip6.h"

#include "base/assert.h"

/* Every extension header is a multiple of this. */
#define EXT_UNIT 8

/* Option types (RFC 8200 s4.2); the top two bits of an unknown one say what to do. */
#define OPTION_PAD1 0
#define OPTION_PADN 1
#define OPTION_ROUTER_ALERT 5

enum ip6_error
ip6_parse(const uint8_t *p, size_t len, struct ip6_hdr *out)
{
	uint32_t first;

	if (len < IP6_HDR_LEN)
		return IP6_TRUNCATED;
	first = load_be32(p);
	if (first >> 28 != 6)
		return IP6_BAD_VERSION;
	out->payload_len = load_be16(p + 4);
	if (out->payload_len > len - IP6_HDR_LEN)
		return IP6_BAD_LENGTH;
	out->tclass = (uint8_t)(first >> 20 & 0xff);
	out->flow_label = first & 0xfffff;
	out->next_header = p[6];
	out->hop_limit = p[7];
	memcpy(out->src.b, p + 8, sizeof(out->src.b));
	memcpy(out->dst.b, p + 24, sizeof(out->dst.b));
	if (ip_addr_is_v4(&out->src) || ip_addr_is_v4(&out->dst) || out->src.b[0] == 0xff)
		return IP6_BAD_ADDR;
	return IP6_OK;
}

void
ip6_encode(uint8_t *buf, const struct ip6_hdr *h)
{
	store_be32(buf, 6u << 28 | (uint32_t)h->tclass << 20 | (h->flow_label & 0xfffff));
	store_be16(buf + 4, h->payload_len);
	buf[6] = h->next_header;
	buf[7] = h->hop_limit;
	memcpy(buf + 8, h->src.b, sizeof(h->src.b));
	memcpy(buf + 24, h->dst.b, sizeof(h->dst.b));
}

/* What an unknown option wants done with the packet (RFC 8200 s4.2). */
static enum ip6_error
unknown_option(uint8_t type)
{
	static const enum ip6_error verdicts[] = {
		IP6_OK,
		IP6_OPTION_DROP,
		IP6_OPTION_REPORT,
		IP6_OPTION_REPORT_UNICAST,
	};

	return verdicts[type >> 6];
}

/* Checks the options of a header at p, len bytes of it; on an unwelcome one *error_pos is its
 * place. */
static enum ip6_error
check_options(const uint8_t *p, size_t len, size_t *error_pos)
{
	size_t i = 2;

	while (i < len) {
		uint8_t type = p[i];
		enum ip6_error error = IP6_OK;

		if (type == OPTION_PAD1) {
			i++;
			continue;
		}
		if (len - i < 2 || p[i + 1] > len - i - 2)
			return IP6_BAD_EXT;
		if (type != OPTION_PADN && type != OPTION_ROUTER_ALERT)
			error = unknown_option(type);
		if (error != IP6_OK) {
			*error_pos = i;
			return error;
		}
		i += 2 + (size_t)p[i + 1];
	}
	return IP6_OK;
}

/* The pointers are those of RFC 8200 s4.5. */
static enum ip6_error
take_fragment(const uint8_t *p, size_t payload_len, struct ip6_upper *out)
{
	uint16_t bits = load_be16(p + 2);

	if (out->is_fragment)
		return IP6_BAD_FRAGMENT; /* a fragment of a fragment */
	out->is_fragment = true;
	out->frag_at = out->offset;
	out->frag_off = bits & 0xfff8;
	out->frag_more = (bits & 1) != 0;
	out->frag_id = load_be32(p + 4);
	if (out->frag_off + payload_len > UINT16_MAX) {
		out->error_offset = (uint16_t)(out->offset + 2u);
		return IP6_BAD_FRAGMENT;
	}
	if (out->frag_more && payload_len % EXT_UNIT != 0) {
		out->error_offset = 4; /* the payload length */
		return IP6_BAD_FRAGMENT;
	}
	return payload_len == 0 ? IP6_BAD_FRAGMENT : IP6_OK;
}

/* Checks the extension header at p, ext_len of len bytes, by what it is. */
static enum ip6_error
take_ext(const uint8_t *p, size_t ext_len, size_t len, struct ip6_upper *out)
{
	size_t error_pos = 0;
	enum ip6_error error = IP6_OK;

	if (out->proto == IP_PROTO_FRAGMENT) {
		error = take_fragment(p, len - ext_len, out);
	} else if (out->proto == IP_PROTO_ROUTING) {
		/* Type 0 even with nothing left to visit: it has no use but amplification. */
		if (p[2] == 0 || p[3] != 0) {
			out->error_offset = (uint16_t)(out->offset + 2u); /* the type */
			error = IP6_ROUTING;
		}
	} else {
		error = check_options(p, ext_len, &error_pos);
		if (error_pos > 0)
			out->error_offset = (uint16_t)(out->offset + error_pos);
	}
	return error;
}

/* The header at hand goes beyond the packet: because it is cut off there, or for no good reason. */
static enum ip6_error
too_short(const struct ip6_upper *out)
{
	return out->is_fragment && out->frag_more ? IP6_BAD_FIRST : IP6_BAD_EXT;
}

static bool
is_ext(uint8_t proto)
{
	return proto == IP_PROTO_HOPOPTS || proto == IP_PROTO_ROUTING ||
	       proto == IP_PROTO_FRAGMENT || proto == IP_PROTO_DSTOPTS;
}

enum ip6_error
ip6_walk(const uint8_t *p, size_t len, uint8_t next_header, struct ip6_upper *out)
{
	ASSERT(len >= IP6_HDR_LEN);
	ASSERT(len <= IP6_HDR_LEN + UINT16_MAX);
	*out = (struct ip6_upper){
		.proto = next_header,
		.offset = IP6_HDR_LEN,
		.named_at = IP6_NEXT_HEADER_AT,
	};
	while (is_ext(out->proto)) {
		const uint8_t *ext = p + out->offset;
		size_t left = len - out->offset;
		size_t ext_len = EXT_UNIT;
		enum ip6_error error;

		if (out->ext_count == IP6_EXT_HDRS_MAX)
			return IP6_TOO_MANY_EXT;
		if (out->proto == IP_PROTO_HOPOPTS && out->ext_count > 0)
			return IP6_BAD_ORDER;
		if (left < EXT_UNIT)
			return too_short(out);
		if (out->proto != IP_PROTO_FRAGMENT)
			ext_len += (size_t)ext[1] * EXT_UNIT;
		if (ext_len > left)
			return too_short(out);
		error = take_ext(ext, ext_len, left, out);
		if (error != IP6_OK)
			return error;
		out->proto = ext[0];
		out->named_at = out->offset;
		out->offset = (uint16_t)(out->offset + ext_len);
		out->ext_count++;
		if (out->frag_off != 0)
			break;
	}
	return IP6_OK;
}
