/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet headers with VLAN tags, and writing any. */
#include "wire/eth.h"

#include "base/assert.h"

static bool
is_vlan_type(uint16_t type)
{
	return type == ETH_TYPE_VLAN || type == ETH_TYPE_QINQ;
}

enum eth_error
eth_parse_vlan(const uint8_t *p, size_t len, struct eth_hdr *out)
{
	ASSERT(out->hdr_len == ETH_HDR_LEN);
	while (is_vlan_type(out->type)) {
		if (out->vlan_count == 2)
			return ETH_TOO_MANY_TAGS;
		if (len - out->hdr_len < ETH_VLAN_TAG_LEN)
			return ETH_TRUNCATED;
		if (out->vlan_count++ == 0)
			out->vlan_tci = load_be16(p + out->hdr_len);
		else
			out->vlan_tci_inner = load_be16(p + out->hdr_len);
		out->type = load_be16(p + out->hdr_len + 2);
		out->hdr_len = (uint8_t)(out->hdr_len + ETH_VLAN_TAG_LEN);
	}
	return out->type < 0x600 ? ETH_NOT_TYPE_II : ETH_OK;
}

size_t
eth_encode(uint8_t *buf, const struct eth_hdr *h)
{
	uint8_t *p = buf;

	ASSERT(h->vlan_count <= 2);
	memcpy(p, h->dst.b, sizeof(h->dst.b));
	memcpy(p + 6, h->src.b, sizeof(h->src.b));
	p += 12;
	if (h->vlan_count > 0) {
		store_be16(p, h->vlan_count == 2 ? ETH_TYPE_QINQ : ETH_TYPE_VLAN);
		store_be16(p + 2, h->vlan_tci);
		p += ETH_VLAN_TAG_LEN;
	}
	if (h->vlan_count == 2) {
		store_be16(p, ETH_TYPE_VLAN);
		store_be16(p + 2, h->vlan_tci_inner);
		p += ETH_VLAN_TAG_LEN;
	}
	store_be16(p, h->type);
	return (size_t)(p + 2 - buf);
}
