/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading and writing ARP packets. */
#include "wire/arp.h"

#include "wire/eth.h"

#define HTYPE_ETHERNET 1

enum arp_error
arp_parse(const uint8_t *p, size_t len, struct arp_pkt *out)
{
	uint16_t op;

	if (len < ARP_PKT_LEN)
		return ARP_TRUNCATED;
	if (load_be16(p) != HTYPE_ETHERNET)
		return ARP_BAD_HTYPE;
	if (load_be16(p + 2) != ETH_TYPE_IP4)
		return ARP_BAD_PTYPE;
	if (p[4] != 6 || p[5] != 4)
		return ARP_BAD_ADDR_LEN;
	op = load_be16(p + 6);
	if (op != ARP_OP_REQUEST && op != ARP_OP_REPLY)
		return ARP_BAD_OP;
	out->op = op == ARP_OP_REQUEST ? ARP_OP_REQUEST : ARP_OP_REPLY;
	memcpy(out->sha.b, p + 8, sizeof(out->sha.b));
	out->spa = load_be32(p + 14);
	memcpy(out->tha.b, p + 18, sizeof(out->tha.b));
	out->tpa = load_be32(p + 24);
	if (mac_addr_is_multicast(&out->sha) || mac_addr_is_zero(&out->sha))
		return ARP_BAD_SENDER;
	return ARP_OK;
}

void
arp_encode(uint8_t *buf, const struct arp_pkt *pkt)
{
	store_be16(buf, HTYPE_ETHERNET);
	store_be16(buf + 2, ETH_TYPE_IP4);
	buf[4] = 6;
	buf[5] = 4;
	store_be16(buf + 6, (uint16_t)pkt->op);
	memcpy(buf + 8, pkt->sha.b, sizeof(pkt->sha.b));
	store_be32(buf + 14, pkt->spa);
	memcpy(buf + 18, pkt->tha.b, sizeof(pkt->tha.b));
	store_be32(buf + 24, pkt->tpa);
}

struct arp_pkt
arp_make_request(const struct mac_addr *sha, uint32_t spa, uint32_t tpa)
{
	return (struct arp_pkt){ .op = ARP_OP_REQUEST, .sha = *sha, .spa = spa, .tpa = tpa };
}

struct arp_pkt
arp_make_reply(const struct arp_pkt *request, const struct mac_addr *sha)
{
	return (struct arp_pkt){
		.op = ARP_OP_REPLY,
		.sha = *sha,
		.spa = request->tpa,
		.tha = request->sha,
		.tpa = request->spa,
	};
}

struct arp_pkt
arp_make_gratuitous(const struct mac_addr *sha, uint32_t ip)
{
	return arp_make_request(sha, ip, ip);
}
