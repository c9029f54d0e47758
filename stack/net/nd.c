/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery: asking, answering, and finding out whether our addresses are ours alone. */
#include "net/nd.h"

#include "base/assert.h"
#include "conf/counters.h"
#include "conf/tunables.h"
#include "net/ip_output.h"
#include "net/learn.h"
#include "pkt/pool.h"
#include "wire/icmp.h"
#include "wire/nd.h"
#include "wire/pseudo.h"

/*
 * Threat model: that of ARP (learn.c), and a router that would let messages from elsewhere through
 * is kept out by the hop limit (RFC 4861 s3.1). Extension headers, a fragment header above all
 * (RFC 6980), have no business here. Whoever answers for our address while we ask for it takes it
 * from us, as RFC 4862 wants; so we ask only at start, and defend it ever after.
 */

/* Where a message goes, and from which address. */
struct way {
	struct ip_addr src;
	struct ip_addr dst;
	uint64_t mac_word;	/* of the Ethernet destination, as net_send_to() takes it */
};

static uint64_t
mac_word(const struct mac_addr *mac)
{
	uint64_t word = 0;

	memcpy(&word, mac->b, sizeof(mac->b));
	return word;
}

static struct way
way_to_group(const struct ip_addr *src, const struct ip_addr *group)
{
	struct mac_addr mac = nd_group_mac(group);

	return (struct way){ .src = *src, .dst = *group, .mac_word = mac_word(&mac) };
}

/* A message as a packet of its own; nothing is sent without a buffer. */
static bool
send_message(struct net *net, struct env *env, const struct nd_msg *msg, const struct way *way,
	struct pkt_txq *tx)
{
	struct pkt *p = pkt_alloc(env->pool);
	struct ip6_hdr hdr = {
		.src = way->src,
		.dst = way->dst,
		.next_header = IP_PROTO_ICMP6,
		.hop_limit = ND_HOP_LIMIT,
	};
	uint8_t *icmp;
	uint16_t csum;

	if (p == NULL) {
		env->ctr->PktAllocFails++;
		return false;
	}
	icmp = pkt_data(p) + IP6_HDR_LEN;
	hdr.payload_len = (uint16_t)nd_encode(icmp, msg);
	csum = csum_finish(csum_partial(icmp, hdr.payload_len,
		pseudo_csum(&hdr.src, &hdr.dst, IP_PROTO_ICMP6, hdr.payload_len)));
	memcpy(icmp + 2, &csum, sizeof(csum));
	ip6_encode(pkt_data(p), &hdr);
	pkt_set_len(p, (uint16_t)(IP6_HDR_LEN + hdr.payload_len));
	env->ctr->Ip6OutRequests++;
	env->ctr->IcmpOutMsgs++;
	if (msg->is_advert)
		env->ctr->Icmp6OutNeighborAdvertisements++;
	else
		env->ctr->Icmp6OutNeighborSolicits++;
	net_send_to(net, p, way->mac_word, NET_L2_IP6, tx);
	return true;
}

/* The address we ask from: of the prefix the neighbour is in, else (a far gateway) our first. */
static struct ip_addr
source_for(const struct net *net, const struct ip_addr *addr)
{
	const struct ip_addr none = { { 0 } };
	int idx = net_onlink_find(net, addr);

	if (idx < 0 && net->onlink_count[1] > 0)
		idx = (int)net->onlink[1][0].laddr_idx;
	return idx < 0 ? none : net->par.local->addr[idx];
}

void
nd_ask(struct net *net, struct env *env, struct neigh *e, struct pkt_txq *tx)
{
	const struct nd_msg msg = {
		.target = e->addr,
		.lladdr = net->par.mac,
		.has_lladdr = true,
	};
	struct ip_addr src = source_for(net, &e->addr);
	struct ip_addr group = nd_solicited_node(&e->addr);
	struct way way = { .src = src, .dst = e->addr, .mac_word = e->mac_word };

	ASSERT(!ip_addr_is_v4(&e->addr));
	if (e->state != NEIGH_PROBE)
		way = way_to_group(&src, &group);
	(void)send_message(net, env, &msg, &way, tx);
	neigh_asked(&net->neigh, env, e);
}

/* Still asking whether addresses are free: for a second after each question, and one to begin. */
static bool
is_detecting(const struct net *net, const struct env *env)
{
	uint64_t rounds = env->tun->dad_transmits;

	return rounds > 0 && env->now_us < net->par.start_us + (rounds + 1) * ND_RETRANS_US;
}

static void
advertise(struct net *net, struct env *env, const struct ip_addr *target, struct pkt_txq *tx)
{
	const struct nd_msg msg = {
		.target = *target,
		.lladdr = net->par.mac,
		.has_lladdr = true,
		.is_advert = true,
		.override = !is_detecting(net, env),
	};
	struct ip_addr group = nd_all_nodes();
	struct way way = way_to_group(target, &group);

	(void)send_message(net, env, &msg, &way, tx);
}

/* "Has anybody this address?", from nobody (RFC 4862 s5.4.2). */
static void
ask_for_own(struct net *net, struct env *env, const struct ip_addr *target, struct pkt_txq *tx)
{
	const struct nd_msg msg = { .target = *target };
	const struct ip_addr nobody = { { 0 } };
	struct ip_addr group = nd_solicited_node(target);
	struct way way = way_to_group(&nobody, &group);

	(void)send_message(net, env, &msg, &way, tx);
}

static bool
is_duplicate(const struct net *net, unsigned int laddr_idx)
{
	return (net->duplicates >> laddr_idx & 1) != 0;
}

unsigned int
nd_start_up(struct net *net, struct env *env, struct pkt_txq *tx, unsigned int max)
{
	const struct local_addrs *local = net->par.local;
	unsigned int asks = env->tun->dad_transmits;
	unsigned int sent = 0;

	for (; net->nd_idx < local->count; net->nd_idx++) {
		const struct ip_addr *addr = &local->addr[net->nd_idx];

		if (ip_addr_is_v4(addr) || is_duplicate(net, net->nd_idx))
			continue;
		if (sent == max || pkt_txq_room(tx) == 0)
			return sent;
		if (net->nd_round < asks)
			ask_for_own(net, env, addr, tx);
		else
			advertise(net, env, addr, tx);
		sent++;
	}
	net->nd_idx = 0;
	net->nd_round++;
	net->nd_at_us = net->nd_round >= asks + ND_ANNOUNCE_ROUNDS ?
		UINT64_MAX : env->now_us + ND_RETRANS_US;
	return sent;
}

bool
nd_is_our_group(const struct net *net, const struct ip_addr *group)
{
	const struct local_addrs *local = net->par.local;
	struct ip_addr all = nd_all_nodes();

	if (ip_addr_equal(group, &all))
		return net->onlink_count[1] > 0;
	for (unsigned int i = 0; i < local->count; i++) {
		struct ip_addr own = nd_solicited_node(&local->addr[i]);

		if (!ip_addr_is_v4(&local->addr[i]) && ip_addr_equal(group, &own))
			return true;
	}
	return false;
}

/* Another station has our address, or is about to take it. */
static enum outcome
conflict(struct net *net, struct env *env, unsigned int laddr_idx, struct pkt_txq *tx)
{
	env->ctr->NdConflicts++;
	if (is_detecting(net, env)) {
		if (!is_duplicate(net, laddr_idx))
			env->ctr->NdDuplicates++;
		__atomic_store_n(
			&net->duplicates, net->duplicates | 1ULL << laddr_idx, __ATOMIC_RELAXED);
		return OUT_ND_CONFLICT;
	}
	if (!net->par.primary || is_duplicate(net, laddr_idx) ||
		env->now_us < net->nd_defend_at_us || pkt_txq_room(tx) == 0)
		return OUT_ND_CONFLICT;
	net->nd_defend_at_us = env->now_us + ND_DEFEND_INTERVAL_US;
	advertise(net, env, &net->par.local->addr[laddr_idx], tx);
	return OUT_ND_CONFLICT;
}

/* A question for our address; to: the MAC address it came from. */
static enum outcome
answer(struct net *net, struct env *env, const struct nd_msg *ask, const struct ip6_hdr *hdr,
	uint64_t to, struct pkt_txq *tx)
{
	bool is_from_nobody = ip_addr_is_unspecified(&hdr->src);
	const struct nd_msg msg = {
		.target = ask->target,
		.lladdr = net->par.mac,
		.has_lladdr = true,
		.is_advert = true,
		.solicited = !is_from_nobody,
		.override = !is_detecting(net, env),
	};
	struct ip_addr group = nd_all_nodes();
	struct way way = { .src = ask->target, .dst = hdr->src, .mac_word = to };

	if (!net->par.primary)
		return OUT_ND_CONSUMED;
	if (is_from_nobody)
		way = way_to_group(&ask->target, &group);
	if (pkt_txq_room(tx) == 0 || !send_message(net, env, &msg, &way, tx))
		return OUT_NO_BUFFER;
	return OUT_ND_CONSUMED;
}

static enum outcome
take_solicit(struct net *net, struct env *env, const struct nd_msg *msg, const struct ip6_hdr *hdr,
	uint64_t to, struct pkt_txq *tx)
{
	int idx = local_addrs_find(net->par.local, &msg->target);

	env->ctr->Icmp6InNeighborSolicits++;
	if (idx < 0 || is_duplicate(net, (unsigned int)idx))
		return OUT_ND_NOT_US;
	if (ip_addr_is_unspecified(&hdr->src)) {
		if (is_detecting(net, env))
			return conflict(net, env, (unsigned int)idx, tx);
	} else if (msg->has_lladdr) {
		(void)learn(net, env, &hdr->src, &msg->lladdr, LEARN_ASKS, tx);
	}
	return answer(net, env, msg, hdr, to, tx);
}

static enum outcome
take_advert(struct net *net, struct env *env, const struct nd_msg *msg, const struct ip6_hdr *hdr,
	struct pkt_txq *tx)
{
	int idx = local_addrs_find(net->par.local, &msg->target);
	bool answers = msg->solicited && !ip_addr_is_multicast(&hdr->dst);
	struct mac_addr mac = msg->lladdr;

	env->ctr->Icmp6InNeighborAdvertisements++;
	if (idx >= 0)
		return conflict(net, env, (unsigned int)idx, tx);
	if (!msg->has_lladdr) {
		/* Fit to confirm what we know, and nothing else (RFC 4861 s7.2.5). */
		struct neigh *e = neigh_find(&net->neigh, &msg->target);

		if (e == NULL || e->state == NEIGH_INCOMPLETE)
			return OUT_ND_NOT_US;
		mac = e->mac;
	}
	return learn(net, env, &msg->target, &mac, answers ? LEARN_ANSWERS : LEARN_OVERHEARD, tx) ?
		OUT_ND_CONSUMED : OUT_ND_NOT_US;
}

/* RFC 4861 s7.1: what a message must be, its checksum apart. */
static bool
is_valid(const struct net *net, const struct nd_msg *msg, const struct ip6_hdr *hdr,
	const struct mac_addr *from)
{
	struct ip_addr group = nd_solicited_node(&msg->target);

	if (hdr->hop_limit != ND_HOP_LIMIT)
		return false;
	/* Our own, come back. */
	if (mac_addr_equal(from, &net->par.mac) ||
		(msg->has_lladdr && mac_addr_equal(&msg->lladdr, &net->par.mac)))
		return false;
	if (msg->is_advert)
		return !ip_addr_is_unspecified(&hdr->src) &&
			!(msg->solicited && ip_addr_is_multicast(&hdr->dst));
	return !ip_addr_is_unspecified(&hdr->src) ||
		(ip_addr_equal(&hdr->dst, &group) && !msg->has_lladdr);
}

void
nd_input(struct net *net, struct env *env, struct pkt *p, const struct ip6_hdr *hdr,
	uint16_t l4_off, struct pkt_txq *tx)
{
	const uint8_t *icmp = pkt_data(p) + l4_off;
	enum outcome out = OUT_ND_BAD;
	struct mac_addr from;
	struct nd_msg msg;

	memcpy(from.b, pkt_data(p) + 6, sizeof(from.b));
	if (l4_off == ETH_HDR_LEN + IP6_HDR_LEN &&
		nd_parse(icmp, (size_t)(p->data_len - l4_off), &msg) == ND_OK &&
		is_valid(net, &msg, hdr, &from))
		out = msg.is_advert ? take_advert(net, env, &msg, hdr, tx) :
			take_solicit(net, env, &msg, hdr, mac_word(&from), tx);
	if (out == OUT_ND_BAD)
		env->ctr->IcmpInErrors++;
	env->ctr->outcome[out]++;
	pkt_free(env->pool, p);
}
