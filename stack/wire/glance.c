/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads as much of a frame's headers as there is, whatever is wrong with them. */
#include "wire/glance.h"

#include "wire/eth.h"
#include "wire/ip6.h"

/* Ports of TCP and UDP stand in the same place. left: bytes from p to the end of the IP packet. */
static void
glance_at_ports(const uint8_t *p, size_t len, size_t left, struct glance *out)
{
	if ((out->proto != IP_PROTO_TCP && out->proto != IP_PROTO_UDP) || len < 4)
		return;
	out->has_ports = true;
	out->sport = load_be16(p);
	out->dport = load_be16(p + 2);
	if (out->proto != IP_PROTO_TCP || tcp_parse_header(p, len, &out->tcp) != TCP_HDR_OK)
		return;
	out->has_tcp = true;
	out->payload_len = left > out->tcp.hdr_len ? (uint32_t)(left - out->tcp.hdr_len) : 0;
}

/* packet_len: bytes of the frame from the IP header on; the port fills the lengths in with TSO. */
static void
glance_at_ip4(const uint8_t *p, size_t len, size_t packet_len, struct glance *out)
{
	size_t hdr_len, total;
	uint16_t frag;

	if (len < IP4_HDR_LEN)
		return;
	hdr_len = (size_t)(p[0] & 15) * 4;
	total = load_be16(p + 2);
	if (total < hdr_len || total > packet_len)
		total = packet_len;
	frag = load_be16(p + 6);
	out->has_ip = true;
	out->proto = p[9];
	out->src = ip_addr_from_v4(load_be32(p + 12));
	out->dst = ip_addr_from_v4(load_be32(p + 16));
	out->is_fragment = (frag & 0x3fff) != 0;
	if ((frag & 0x1fff) == 0 && hdr_len >= IP4_HDR_LEN && hdr_len <= len)
		glance_at_ports(p + hdr_len, len - hdr_len, total - hdr_len, out);
}

static void
glance_at_ip6(const uint8_t *p, size_t len, size_t packet_len, struct glance *out)
{
	struct ip6_upper upper;
	size_t total;

	if (len < IP6_HDR_LEN)
		return;
	total = IP6_HDR_LEN + (size_t)load_be16(p + 4);
	if (total > packet_len)
		total = packet_len;
	out->has_ip = true;
	memcpy(out->src.b, p + 8, sizeof(out->src.b));
	memcpy(out->dst.b, p + 24, sizeof(out->dst.b));
	out->proto = p[IP6_NEXT_HEADER_AT];
	if (ip6_walk(p, len < total ? len : total, out->proto, &upper) != IP6_OK)
		return;
	out->proto = upper.proto;
	out->is_fragment = upper.is_fragment && (upper.frag_off != 0 || upper.frag_more);
	if (upper.frag_off == 0 && upper.offset <= len && upper.offset <= total)
		glance_at_ports(p + upper.offset, len - upper.offset, total - upper.offset, out);
}

void
glance_at(const uint8_t *frame, size_t len, size_t frame_len, struct glance *out)
{
	struct eth_hdr eth;
	enum eth_error err = eth_parse(frame, len, &eth);

	memset(out, 0, sizeof(*out));
	if (err != ETH_OK)
		return;
	out->type = eth.type;
	if (eth.type == ETH_TYPE_IP4)
		glance_at_ip4(frame + eth.hdr_len, len - eth.hdr_len, frame_len - eth.hdr_len, out);
	else if (eth.type == ETH_TYPE_IP6)
		glance_at_ip6(frame + eth.hdr_len, len - eth.hdr_len, frame_len - eth.hdr_len, out);
}
