/* SPDX-License-Identifier: BSD-3-Clause */
/* Fragments of both versions of IP: in, whole datagrams out, and what happens when time is over. */
#ifndef NET_FRAG_H
#define NET_FRAG_H

#include "net/net.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

/**
 * p is a fragment, taken over, of the header hdr, ending with the IP packet, for our address
 * laddr_idx. OUTCOME_MAX: it completes a datagram; *whole is it, with an IP header without options,
 * and hdr is that header. Else the outcome of p.
 */
unsigned int frag4_input(struct net *net, struct env *env, struct pkt *p, struct ip4_hdr *hdr,
	unsigned int laddr_idx, struct pkt **whole);

/** An IPv6 packet on its way in. */
struct ip6_rx {
	struct ip6_hdr hdr;
	struct ip6_upper upper;		/* what ip6_walk() found */
};

/** The same of IPv6; rx becomes that of the datagram. */
unsigned int frag6_input(struct net *net, struct env *env, struct pkt *p, struct ip6_rx *rx,
	unsigned int laddr_idx, struct pkt **whole);

/** Give up one datagram whose time is over, and tell its sender. False: there is none. */
bool frag_poll(struct net *net, struct env *env, struct pkt_txq *tx);

#endif
