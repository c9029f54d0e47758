/* SPDX-License-Identifier: BSD-3-Clause */
/* What is believed of neighbours, and what only makes us ask. */
#include "net/learn.h"

#include "conf/counters.h"
#include "net/arp.h"
#include "net/ip_output.h"
#include "net/nd.h"
#include "pkt/pool.h"

/*
 * Neither ARP nor neighbour discovery proves anything, so
 *  - a station we asked (INCOMPLETE, PROBE) is believed when it answers;
 *  - a station that asks us becomes hearsay: good enough to send to, but asked itself when used.
 *    A gateway is never learnt that way, since that is the address worth forging;
 *  - nothing else creates an entry, and nothing at all changes the MAC of a neighbour that has
 *    answered: a different claim only makes us ask the old MAC, once, and forget it if silent. An
 *    advertisement's override flag asks for more (RFC 4861 s7.2.5), and whoever forges one sets it;
 *  - claims within a second of an answer, and against a configured neighbour, are only counted.
 */

void
learn_ask(struct net *net, struct env *env, struct neigh *e, struct pkt_txq *tx)
{
	if (ip_addr_is_v4(&e->addr))
		arp_ask(net, env, e, tx);
	else
		nd_ask(net, env, e, tx);
}

/* e is at mac: send what waited for that. */
static void
resolved(struct net *net, struct env *env, struct neigh *e, const struct mac_addr *mac,
	struct pkt_txq *tx)
{
	bool is_v4 = ip_addr_is_v4(&e->addr);
	struct pkt *pkts[NEIGH_WAITING_MAX];
	unsigned int n = neigh_take_waiting(&net->neigh, e, pkts);

	e->mac = *mac;
	neigh_set_reachable(&net->neigh, env, e);
	for (unsigned int i = 0; i < n; i++) {
		if (pkt_txq_room(tx) > 0) {
			net_send_to(net, pkts[i], e->mac_word, is_v4 ? NET_L2_IP4 : NET_L2_IP6, tx);
			continue;
		}
		if (is_v4)
			env->ctr->OutDiscards++;
		else
			env->ctr->Ip6OutDiscards++;
		pkt_free_chain(env->pool, pkts[i]);
	}
}

/* Somebody says that e has another MAC than we know. */
static void
disputed(struct net *net, struct env *env, struct neigh *e, struct pkt_txq *tx)
{
	env->ctr->NeighDisputes++;
	if (e->state != NEIGH_REACHABLE || neigh_is_settled(e, env->now_us))
		return;
	if (pkt_txq_room(tx) == 0)
		return;
	neigh_set_probe(&net->neigh, env, e, 1);
	learn_ask(net, env, e, tx);
}

/* A station we do not know asks us: worth remembering, if it can be a neighbour at all. */
static void
remember(struct net *net, struct env *env, const struct ip_addr *addr, const struct mac_addr *mac)
{
	if (net_onlink_find(net, addr) < 0)
		return;
	if (ip_addr_equal(addr, &net->par.gateway4) || ip_addr_equal(addr, &net->par.gateway6))
		return;
	neigh_add(&net->neigh, env, addr, NEIGH_STALE, mac);
}

bool
learn(struct net *net, struct env *env, const struct ip_addr *addr, const struct mac_addr *mac,
	enum learn_claim claim, struct pkt_txq *tx)
{
	struct neigh *e = neigh_find(&net->neigh, addr);

	if (e == NULL) {
		if (claim == LEARN_ASKS)
			remember(net, env, addr, mac);
		return false;
	}
	if (e->state == NEIGH_INCOMPLETE) {
		if (claim != LEARN_OVERHEARD)
			resolved(net, env, e, mac, tx);
		return claim != LEARN_OVERHEARD;
	}
	if (!mac_addr_equal(&e->mac, mac)) {
		if (e->state == NEIGH_STALE && claim == LEARN_ASKS)
			e->mac = *mac;
		else
			disputed(net, env, e, tx);
		return false;
	}
	if (e->state == NEIGH_PROBE && claim == LEARN_ANSWERS) {
		neigh_set_reachable(&net->neigh, env, e);
		return true;
	}
	return false;
}
