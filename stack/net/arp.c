/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP: asking, answering, learning, and defending our addresses. */
#include "net/arp.h"

#include "base/assert.h"
#include "conf/counters.h"
#include "net/ip_output.h"
#include "pkt/pool.h"
#include "wire/arp.h"

/*
 * Whom to believe. An ARP message proves nothing, so
 *  - a station we asked (INCOMPLETE, PROBE) is believed when it answers;
 *  - a station that asks us becomes hearsay: good enough to send to, but asked itself when used.
 *    The gateway is never learnt that way, since that is the address worth forging;
 *  - nothing else creates an entry, and nothing at all changes the MAC of a neighbour that has
 *    answered: a different claim only makes us ask the old MAC, once, and forget it if silent;
 *  - claims within a second of an answer, and against a configured neighbour, are only counted.
 */

/* For comparison only: all ones in the first six bytes. */
#define BROADCAST_WORD UINT64_MAX

/* An ARP message as a packet of its own; nothing is sent without a buffer. */
static bool
send_message(struct net *net, struct env *env, const struct arp_pkt *arp, uint64_t mac_word,
	struct pkt_txq *tx)
{
	struct pkt *p = pkt_alloc(env->pool);

	if (p == NULL) {
		env->ctr->PktAllocFails++;
		return false;
	}
	arp_encode(pkt_data(p), arp);
	pkt_set_len(p, ARP_PKT_LEN);
	net_send_to(net, p, mac_word, NET_L2_ARP, tx);
	return true;
}

/* The address we ask from: of the prefix the neighbour is in, else (a far gateway) our first. */
static uint32_t
source_for(const struct net *net, const struct ip_addr *addr)
{
	int idx = net_onlink_find(net, addr);

	if (idx < 0 && net->onlink_count[0] > 0)
		idx = (int)net->onlink[0][0].laddr_idx;
	return idx < 0 ? 0 : ip_addr_v4(&net->par.local->addr[idx]);
}

void
arp_ask(struct net *net, struct env *env, struct neigh *e, struct pkt_txq *tx)
{
	struct arp_pkt arp = arp_make_request(
		&net->par.mac, source_for(net, &e->addr), ip_addr_v4(&e->addr));
	uint64_t to = e->state == NEIGH_PROBE ? e->mac_word : BROADCAST_WORD;

	ASSERT(ip_addr_is_v4(&e->addr));
	if (send_message(net, env, &arp, to, tx))
		env->ctr->ArpOutRequests++;
	neigh_asked(&net->neigh, env, e);
}

void
arp_announce(struct net *net, struct env *env, uint32_t ip, struct pkt_txq *tx)
{
	struct arp_pkt arp = arp_make_gratuitous(&net->par.mac, ip);

	if (send_message(net, env, &arp, BROADCAST_WORD, tx))
		env->ctr->ArpOutRequests++;
}

/* e is at mac: send what waited for that. */
static void
resolved(struct net *net, struct env *env, struct neigh *e, const struct mac_addr *mac,
	struct pkt_txq *tx)
{
	struct pkt *pkts[NEIGH_WAITING_MAX];
	unsigned int n = neigh_take_waiting(&net->neigh, e, pkts);

	e->mac = *mac;
	neigh_set_reachable(&net->neigh, env, e);
	for (unsigned int i = 0; i < n; i++) {
		if (pkt_txq_room(tx) > 0) {
			net_send_to(net, pkts[i], e->mac_word, NET_L2_IP4, tx);
		} else {
			env->ctr->NeighQueueDrops++;
			pkt_free(env->pool, pkts[i]);
		}
	}
}

/* Somebody says that e has another MAC than we know. */
static void
disputed(struct net *net, struct env *env, struct neigh *e, struct pkt_txq *tx)
{
	env->ctr->NeighDisputes++;
	if (e->state != NEIGH_REACHABLE || neigh_is_settled(e, env->now_us) ||
		pkt_txq_room(tx) == 0)
		return;
	neigh_set_probe(&net->neigh, env, e, 1);
	arp_ask(net, env, e, tx);
}

/* A station we do not know asks us: worth remembering, if it can be a neighbour at all. */
static void
remember(struct net *net, struct env *env, const struct ip_addr *addr, const struct mac_addr *mac)
{
	if (net_onlink_find(net, addr) >= 0 && !ip_addr_equal(addr, &net->par.gateway4))
		neigh_add(&net->neigh, env, addr, NEIGH_STALE, mac);
}

/* Take what arp says about its sender; true if it told us anything we wanted to know. */
static bool
learn(struct net *net, struct env *env, const struct arp_pkt *arp, bool for_us, struct pkt_txq *tx)
{
	struct ip_addr addr = ip_addr_from_v4(arp->spa);
	struct neigh *e = neigh_find(&net->neigh, &addr);
	bool is_reply = arp->op == ARP_OP_REPLY;

	if (e == NULL) {
		if (for_us && !is_reply)
			remember(net, env, &addr, &arp->sha);
		return false;
	}
	if (e->state == NEIGH_INCOMPLETE) {
		if (for_us)
			resolved(net, env, e, &arp->sha, tx);
		return for_us;
	}
	if (!mac_addr_equal(&e->mac, &arp->sha)) {
		if (e->state == NEIGH_STALE && for_us && !is_reply)
			e->mac = arp->sha;
		else
			disputed(net, env, e, tx);
		return false;
	}
	if (e->state == NEIGH_PROBE && for_us && is_reply) {
		neigh_set_reachable(&net->neigh, env, e);
		return true;
	}
	return false;
}

/* Another station uses our address ip: say once in a while that it is ours (RFC 5227 s2.4 c). */
static void
defend(struct net *net, struct env *env, uint32_t ip, struct pkt_txq *tx)
{
	env->ctr->ArpConflicts++;
	if (!net->par.primary || env->now_us < net->defend_at_us || pkt_txq_room(tx) == 0)
		return;
	net->defend_at_us = env->now_us + ARP_DEFEND_INTERVAL_US;
	arp_announce(net, env, ip, tx);
}

/* Turn the request in p into its answer. */
static void
answer(struct net *net, struct env *env, struct pkt *p, const struct arp_pkt *request,
	struct pkt_txq *tx)
{
	struct arp_pkt reply = arp_make_reply(request, &net->par.mac);
	uint64_t to = 0;

	memcpy(&to, request->sha.b, sizeof(request->sha.b));
	pkt_pull(p, ETH_HDR_LEN);
	pkt_set_len(p, ARP_PKT_LEN);
	arp_encode(pkt_data(p), &reply);
	p->ol_flags = 0;
	net_send_to(net, p, to, NET_L2_ARP, tx);
	env->ctr->ArpOutReplies++;
}

/* Can ip be the address of a station? 0 says that it has none yet (RFC 5227: a probe). */
static bool
is_possible_sender(const struct net *net, uint32_t ip)
{
	const struct local_addrs *local = net->par.local;
	struct ip_addr addr = ip_addr_from_v4(ip);

	if (ip == 0)
		return true;
	if (ip4_is_martian_source(ip))
		return false;
	for (unsigned int i = 0; i < local->count; i++) {
		struct ip_prefix prefix = { local->addr[i], local->prefix_len[i] };

		if (ip_prefix_is_broadcast(&prefix, &addr))
			return false;
	}
	return true;
}

static bool
is_own(const struct net *net, uint32_t ip)
{
	struct ip_addr addr = ip_addr_from_v4(ip);

	return local_addrs_find(net->par.local, &addr) >= 0;
}

/* What became of the message; p is used up only if that is ARP_CONSUMED with *answered set. */
static enum outcome
process(struct net *net, struct env *env, struct pkt *p, struct pkt_txq *tx, bool *answered)
{
	struct arp_pkt arp;
	bool for_us;
	bool learnt;

	if (arp_parse(pkt_data(p) + ETH_HDR_LEN, p->data_len - (size_t)ETH_HDR_LEN, &arp) != ARP_OK)
		return OUT_ARP_BAD;
	if (!is_possible_sender(net, arp.spa) || mac_addr_equal(&arp.sha, &net->par.mac))
		return OUT_ARP_BAD;
	if (arp.op == ARP_OP_REQUEST)
		env->ctr->ArpInRequests++;
	else
		env->ctr->ArpInReplies++;
	if (arp.spa != 0 && is_own(net, arp.spa)) {
		defend(net, env, arp.spa, tx);
		return OUT_ARP_CONFLICT;
	}
	for_us = is_own(net, arp.tpa);
	learnt = arp.spa != 0 && learn(net, env, &arp, for_us, tx);
	if (!for_us || arp.op == ARP_OP_REPLY)
		return learnt ? OUT_ARP_CONSUMED : OUT_ARP_NOT_US;
	if (net->par.primary) {
		if (pkt_txq_room(tx) == 0)
			return OUT_NO_BUFFER;
		answer(net, env, p, &arp, tx);
		*answered = true;
	}
	return OUT_ARP_CONSUMED;
}

void
arp_input(struct net *net, struct env *env, struct pkt *p, struct pkt_txq *tx)
{
	bool answered = false;
	enum outcome out = process(net, env, p, tx, &answered);

	env->ctr->outcome[out]++;
	if (!answered)
		pkt_free(env->pool, p);
}
