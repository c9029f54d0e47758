/* SPDX-License-Identifier: BSD-3-Clause */
/* The way out below IP: next hop and Ethernet header. */
#ifndef NET_IP_OUTPUT_H
#define NET_IP_OUTPUT_H

#include "base/assert.h"
#include "net/net.h"

/** The low bits of pkt.tx_offload are the length of the Ethernet header. */
#define TX_OFFLOAD_L2_LEN_MASK 0x7full

/** The local address whose prefix addr is in, or -1: not directly connected. */
int net_onlink_find(const struct net *net, const struct ip_addr *addr);

/** Where a packet to dst goes first: dst, the gateway, or NULL: no way. The pointer may be dst. */
const struct ip_addr *net_next_hop(const struct net *net, const struct ip_addr *dst);

/**
 * Put an Ethernet header in front of p, whose data begins behind it, and append p, taken over, to
 * tx, which has room. mac_word: the destination in its first six bytes.
 */
static inline void
net_send_to(const struct net *net, struct pkt *p, uint64_t mac_word, enum net_l2 kind,
	struct pkt_txq *tx)
{
	uint8_t *b;

	ASSERT_SLOW(pkt_headroom(p) >= net->l2_len);
	ASSERT_SLOW(pkt_txq_room(tx) > 0);
	b = pkt_push(p, net->l2_len);
	/* Two overlapping stores of eight bytes make the fourteen; a tag takes a third. */
	memcpy(b, &mac_word, 8);
	memcpy(b + 6, net->l2_tail[kind], 8);
	if (SLUICE_UNLIKELY(net->l2_len != ETH_HDR_LEN))
		memcpy(b + ETH_HDR_LEN, net->l2_tail[kind] + 8, ETH_VLAN_TAG_LEN);
	p->tx_offload = (p->tx_offload & ~TX_OFFLOAD_L2_LEN_MASK) | net->l2_len;
	/* Now: once the port has it, somebody else may be using it again. */
	tx->octets += p->pkt_len;
	pkt_txq_put(tx, p);
}

#endif
