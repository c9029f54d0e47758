/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP: asking, answering, and defending our addresses; whom to believe is learn.c's. */
#include "net/arp.h"

#include "base/assert.h"
#include "conf/counters.h"
#include "net/ip_output.h"
#include "net/learn.h"
#include "pkt/pool.h"
#include "wire/arp.h"

/* Everybody, as net_send_to() takes it. */
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

static enum learn_claim
claim_of(const struct arp_pkt *arp, bool for_us)
{
	if (!for_us)
		return LEARN_OVERHEARD;
	return arp->op == ARP_OP_REPLY ? LEARN_ANSWERS : LEARN_ASKS;
}

/* What became of the message; p is used up only if that is ARP_CONSUMED with *answered set. */
static enum outcome
process(struct net *net, struct env *env, struct pkt *p, struct pkt_txq *tx, bool *answered)
{
	struct ip_addr sender;
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
	sender = ip_addr_from_v4(arp.spa);
	learnt = arp.spa != 0 && learn(net, env, &sender, &arp.sha, claim_of(&arp, for_us), tx);
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
