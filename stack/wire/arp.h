/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP packets for IPv4 over Ethernet (RFC 826, RFC 5227). */
#ifndef WIRE_ARP_H
#define WIRE_ARP_H

#include <stddef.h>
#include <stdint.h>

#include "wire/addr.h"

/* Bytes of a packet; a received one may have padding behind. */
#define ARP_PKT_LEN 28

enum arp_op {
	ARP_OP_REQUEST = 1,
	ARP_OP_REPLY = 2,
};

enum arp_error {
	ARP_OK,
	ARP_TRUNCATED, /* fewer than ARP_PKT_LEN bytes */
	ARP_BAD_HTYPE, /* not Ethernet */
	ARP_BAD_PTYPE, /* not IPv4 */
	ARP_BAD_ADDR_LEN, /* address lengths other than 6 and 4 */
	ARP_BAD_OP, /* neither request nor reply */
	ARP_BAD_SENDER, /* sender's hardware address is a group, or zero */
};

struct arp_pkt {
	struct mac_addr sha; /* sender's hardware address */
	struct mac_addr tha; /* target's, zero in a request */
	uint32_t spa; /* sender's IPv4 address, host order; 0 in a probe */
	uint32_t tpa; /* target's IPv4 address, host order */
	enum arp_op op;
};

/* Decodes the packet at p; on an error *out is unspecified. */
enum arp_error arp_parse(const uint8_t *p, size_t len, struct arp_pkt *out);

/* Writes the ARP_PKT_LEN bytes of pkt to buf. */
void arp_encode(uint8_t *buf, const struct arp_pkt *pkt);

/* "Who has tpa? Tell spa." With spa 0 it is a probe (RFC 5227 s1.1). */
struct arp_pkt arp_make_request(const struct mac_addr *sha, uint32_t spa, uint32_t tpa);

/* The answer to request: its target address is at sha. */
struct arp_pkt arp_make_reply(const struct arp_pkt *request, const struct mac_addr *sha);

/* An announcement that ip is at sha (RFC 5227 s2.3: a request for one's own address). */
struct arp_pkt arp_make_gratuitous(const struct mac_addr *sha, uint32_t ip);

#endif
