/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet II headers with up to two VLAN tags (IEEE 802.3, 802.1Q). */
#ifndef WIRE_ETH_H
#define WIRE_ETH_H

#include <stddef.h>
#include <stdint.h>

#include "wire/addr.h"

#define ETH_HDR_LEN 14
#define ETH_VLAN_TAG_LEN 4
#define ETH_HDR_LEN_MAX (ETH_HDR_LEN + 2 * ETH_VLAN_TAG_LEN)
/* Shortest frame a sender may put on the wire, without the check sequence. */
#define ETH_FRAME_LEN_MIN 60
/* Low bits of a tag: the VLAN; 0 says priority only. */
#define ETH_VLAN_ID_MASK 0x0fff

enum eth_type {
	ETH_TYPE_IP4 = 0x0800,
	ETH_TYPE_ARP = 0x0806,
	ETH_TYPE_VLAN = 0x8100, /* 802.1Q customer tag */
	ETH_TYPE_IP6 = 0x86dd,
	ETH_TYPE_QINQ = 0x88a8, /* 802.1ad service tag */
};

enum eth_error {
	ETH_OK,
	ETH_TRUNCATED, /* ends within the header or a tag */
	ETH_NOT_TYPE_II, /* an IEEE 802.3 length below 0x600 where the type belongs */
	ETH_TOO_MANY_TAGS, /* a third VLAN tag */
};

struct eth_hdr {
	struct mac_addr dst;
	struct mac_addr src;
	uint16_t type; /* what follows the tags, >= 0x600 */
	uint16_t vlan_tci; /* outer tag: priority, DEI, VLAN; 0 without tags */
	uint16_t vlan_tci_inner; /* inner tag; 0 with fewer than two */
	uint8_t vlan_count; /* tags, 0..2 */
	uint8_t hdr_len; /* bytes up to the payload, tags included */
};

/* Out of line: a frame whose type is a VLAN tag. */
enum eth_error eth_parse_vlan(const uint8_t *p, size_t len, struct eth_hdr *out);

/* Decodes the header of the frame at p; on an error *out is unspecified. */
static inline enum eth_error
eth_parse(const uint8_t *p, size_t len, struct eth_hdr *out)
{
	if (len < ETH_HDR_LEN)
		return ETH_TRUNCATED;
	memcpy(out->dst.b, p, sizeof(out->dst.b));
	memcpy(out->src.b, p + 6, sizeof(out->src.b));
	out->type = load_be16(p + 12);
	out->vlan_tci = 0;
	out->vlan_tci_inner = 0;
	out->vlan_count = 0;
	out->hdr_len = ETH_HDR_LEN;
	if (out->type == ETH_TYPE_VLAN || out->type == ETH_TYPE_QINQ)
		return eth_parse_vlan(p, len, out);
	return out->type < 0x600 ? ETH_NOT_TYPE_II : ETH_OK;
}

/*
 * Writes h with its vlan_count tags (one: 802.1Q; two: 802.1ad outside) to buf, which has
 * room for ETH_HDR_LEN_MAX; hdr_len is not read. Returns the bytes written.
 */
size_t eth_encode(uint8_t *buf, const struct eth_hdr *h);

#endif
