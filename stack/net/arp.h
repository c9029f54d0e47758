/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP (RFC 826) with conflict detection (RFC 5227): who asks, who answers, who is believed. */
#ifndef NET_ARP_H
#define NET_ARP_H

#include "net/net.h"

/** Announcements at start, and the time between them (RFC 5227 s1.1: ANNOUNCE_NUM, _INTERVAL). */
#define ARP_ANNOUNCE_ROUNDS 2u
#define ARP_ANNOUNCE_INTERVAL_US 2000000u
/** An address is defended at most this often (RFC 5227 s1.1: DEFEND_INTERVAL). */
#define ARP_DEFEND_INTERVAL_US 10000000u

/**
 * A received ARP frame, taken over: the Ethernet header, checked, then the message. The answer, or
 * packets that waited for this one, go to tx. Counts the outcome.
 */
void arp_input(struct net *net, struct env *env, struct pkt *p, struct pkt_txq *tx);

/** Ask e (INCOMPLETE: everybody; PROBE: the station itself) and note it; tx has room for one. */
void arp_ask(struct net *net, struct env *env, struct neigh *e, struct pkt_txq *tx);

/** Tell everybody that ip (host order) is ours; tx has room for one. */
void arp_announce(struct net *net, struct env *env, uint32_t ip, struct pkt_txq *tx);

#endif
