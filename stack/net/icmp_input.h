/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP (RFC 792) and ICMPv6 (RFC 4443) in: echo is answered in place, errors are looked at. */
#ifndef NET_ICMP_INPUT_H
#define NET_ICMP_INPUT_H

#include "net/net.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

/**
 * A message to one of our addresses in p, taken over: Ethernet header, IP header hdr as received,
 * ICMP message up to the end. Counts the outcome unless it is NET_REPORT.
 */
enum net_verdict icmp4_input(struct net *net, struct env *env, struct pkt *p,
	const struct ip4_hdr *hdr, struct pkt_txq *tx);

/** The same of IPv6; l4_off: where in the frame the message begins. */
enum net_verdict icmp6_input(struct net *net, struct env *env, struct pkt *p,
	const struct ip6_hdr *hdr, uint16_t l4_off, struct pkt_txq *tx);

#endif
