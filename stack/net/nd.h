/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery (RFC 4861) and duplicate address detection (RFC 4862 s5.4). */
#ifndef NET_ND_H
#define NET_ND_H

#include "net/net.h"
#include "wire/ip6.h"

/** Time between two messages of the same kind (RFC 4861 s10: RETRANS_TIMER). */
#define ND_RETRANS_US 1000000u
/** Unasked advertisements at start (RFC 4861 s7.2.6: three at most). */
#define ND_ANNOUNCE_ROUNDS 2u
/** An address is defended at most this often. */
#define ND_DEFEND_INTERVAL_US 10000000u

/**
 * A solicitation or advertisement in p, taken over: Ethernet header, IP header hdr as received,
 * message whose checksum is right. The answer, or packets that waited for this one, go to tx.
 * Counts the outcome.
 */
void nd_input(struct net *net, struct env *env, struct pkt *p, const struct ip6_hdr *hdr,
	uint16_t l4_off, struct pkt_txq *tx);

/** Ask e (INCOMPLETE: its group; PROBE: the station itself) and note it; tx has room for one. */
void nd_ask(struct net *net, struct env *env, struct neigh *e, struct pkt_txq *tx);

/** Is group one that a station with our addresses listens to? */
bool nd_is_our_group(const struct net *net, const struct ip_addr *group);

/**
 * The next step of asking for our addresses, and then of telling everybody about them, once
 * net->nd_at_us has come: at most max frames. Returns how many it sent.
 */
unsigned int nd_start_up(struct net *net, struct env *env, struct pkt_txq *tx, unsigned int max);

#endif
