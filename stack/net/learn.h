/* SPDX-License-Identifier: BSD-3-Clause */
/* Whom to believe about a neighbour's MAC address: the same rules for ARP and IPv6. */
#ifndef NET_LEARN_H
#define NET_LEARN_H

#include "net/net.h"

/** How a station came to tell us its address. */
enum learn_claim {
	LEARN_ASKS,	/* it asks us for one of ours */
	LEARN_ANSWERS,	/* it answers us, or says that it does */
	LEARN_OVERHEARD, /* it tells everybody, or somebody else */
};

/**
 * addr says that it is at mac. True if that told us anything we wanted to know. Packets that waited
 * for it go to tx, or a question to whom we knew before.
 */
bool learn(struct net *net, struct env *env, const struct ip_addr *addr, const struct mac_addr *mac,
	enum learn_claim claim, struct pkt_txq *tx);

/** Ask e (INCOMPLETE: everybody; PROBE: the station itself) and note it; tx has room for one. */
void learn_ask(struct net *net, struct env *env, struct neigh *e, struct pkt_txq *tx);

#endif
