/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of the net layer: what is derived from its parameters, and its timers. */
#include <errno.h>

#include "net/net.h"

#include "conf/counters.h"
#include "net/arp.h"
#include "net/frag.h"
#include "net/icmp_input.h"
#include "net/ip_input.h"
#include "net/ip_output.h"
#include "net/learn.h"
#include "net/nd.h"
#include "wire/eth.h"

/* Frames that one net_poll sends, and neighbours it looks at, at most. */
#define POLL_MAX 32u

#define MTU_MIN 576u
#define MTU_MAX 9216u
/* 4095 is reserved (IEEE 802.1Q). */
#define VLAN_MAX 4094u

/* Our part of the headers we send: source, tag, type. */
static void
prepare_headers(struct net *net)
{
	static const uint16_t types[NET_L2_KINDS] = {
		[NET_L2_IP4] = ETH_TYPE_IP4,
		[NET_L2_IP6] = ETH_TYPE_IP6,
		[NET_L2_ARP] = ETH_TYPE_ARP,
	};
	struct eth_hdr eth = {
		.src = net->par.mac,
		.vlan_tci = net->par.vlan,
		.vlan_count = net->par.vlan != 0,
	};
	uint8_t buf[ETH_HDR_LEN_MAX];

	for (unsigned int kind = 0; kind < NET_L2_KINDS; kind++) {
		eth.type = types[kind];
		net->l2_len = (uint8_t)eth_encode(buf, &eth);
		memcpy(net->l2_tail[kind], buf + sizeof(eth.dst), net->l2_len - sizeof(eth.dst));
	}
}

/* Mask of the first bits of an address, as it lies in memory. */
static void
prefix_mask(unsigned int bits, uint64_t mask[2])
{
	uint8_t b[16] = { 0 };

	for (unsigned int i = 0; i < bits; i++)
		b[i / 8] = (uint8_t)(b[i / 8] | 0x80u >> i % 8);
	mask[0] = load_le64(b);
	mask[1] = load_le64(b + 8);
}

/* fe80::/10 is on every link: routers and hosts use such addresses though we have none. */
static void
add_link_local(struct net *net)
{
	static const struct ip_addr first = { .b = { 0xfe, 0x80 } };
	struct net_onlink *row = &net->onlink[1][net->onlink_count[1]++];

	prefix_mask(10, row->mask);
	row->net[0] = load_le64(first.b);
	row->net[1] = load_le64(first.b + 8);
	row->laddr_idx = net->onlink[1][0].laddr_idx;
}

/* Which prefixes are directly connected. */
static int
prepare_onlink(struct net *net)
{
	const struct local_addrs *local = net->par.local;

	for (unsigned int i = 0; i < local->count; i++) {
		const struct ip_addr *addr = &local->addr[i];
		unsigned int v6 = ip_addr_is_v4(addr) ? 0 : 1;
		unsigned int bits = local->prefix_len[i] + (v6 ? 0u : 96u);
		struct net_onlink *row = &net->onlink[v6][net->onlink_count[v6]++];

		if (bits > 128)
			return -EINVAL;
		prefix_mask(bits, row->mask);
		row->net[0] = load_le64(addr->b);
		row->net[1] = load_le64(addr->b + 8);
		row->laddr_idx = i;
	}
	if (net->onlink_count[1] > 0)
		add_link_local(net);
	return 0;
}

int
net_init(struct net *net, const struct net_params *par)
{
	int err;

	memset(net, 0, sizeof(*net));
	if (par->local == NULL || par->local->count > LOCAL_ADDRS_MAX)
		return -EINVAL;
	if (par->mtu < MTU_MIN || par->mtu > MTU_MAX || par->vlan > VLAN_MAX)
		return -EINVAL;
	if (mac_addr_is_multicast(&par->mac) || mac_addr_is_zero(&par->mac))
		return -EINVAL;
	net->par = *par;
	prepare_headers(net);
	ip_input_init(net);
	if (prepare_onlink(net) != 0)
		return -EINVAL;
	net->announce_at_us = UINT64_MAX;
	if (par->primary && net->onlink_count[0] > 0) {
		net->announce_at_us = 0;
		net->announce_rounds = ARP_ANNOUNCE_ROUNDS;
	}
	net->nd_at_us = par->primary && net->onlink_count[1] > 0 ? 0 : UINT64_MAX;
	err = reass_init(&net->reass, &par->reass_key);
	if (err != 0)
		return err;
	err = neigh_init(&net->neigh, par->neigh_max, &par->neigh_key);
	if (err != 0)
		reass_fini(&net->reass, NULL);
	return err;
}

void
net_fini(struct net *net, struct env *env)
{
	neigh_fini(&net->neigh, env);
	reass_fini(&net->reass, env);
}

int
net_set_neighbour(struct net *net, struct env *env, const struct ip_addr *addr,
	const struct mac_addr *mac)
{
	struct neigh *e = neigh_find(&net->neigh, addr);

	if (mac_addr_is_multicast(mac) || mac_addr_is_zero(mac))
		return -EINVAL;
	if (ip_addr_is_martian_source(addr) || local_addrs_find(net->par.local, addr) >= 0)
		return -EINVAL;
	if (e != NULL && e->state == NEIGH_PERMANENT) {
		e->mac = *mac;
		return 0;
	}
	if (e != NULL)
		neigh_remove(&net->neigh, env, e);
	return neigh_add(&net->neigh, env, addr, NEIGH_PERMANENT, mac) == NULL ? -ENOSPC : 0;
}

uint64_t
net_poll_at(const struct net *net)
{
	uint64_t speak_at_us = min_u64(net->announce_at_us, net->nd_at_us);

	return min_u64(speak_at_us, min_u64(neigh_due_at(&net->neigh), reass_due_at(&net->reass)));
}

/* Announce the IPv4 addresses that are left in this round; returns how many frames that took. */
static unsigned int
announce(struct net *net, struct env *env, struct pkt_txq *tx)
{
	unsigned int sent = 0;

	while (net->announce_idx < net->onlink_count[0]) {
		unsigned int idx = net->onlink[0][net->announce_idx].laddr_idx;

		if (sent == POLL_MAX || pkt_txq_room(tx) == 0)
			return sent;
		arp_announce(net, env, ip_addr_v4(&net->par.local->addr[idx]), tx);
		net->announce_idx++;
		sent++;
	}
	net->announce_idx = 0;
	net->announce_rounds--;
	net->announce_at_us = net->announce_rounds == 0 ? UINT64_MAX :
							  env->now_us + ARP_ANNOUNCE_INTERVAL_US;
	return sent;
}

void
net_poll(struct net *net, struct env *env, struct pkt_txq *tx)
{
	unsigned int done = 0;

	if (env->now_us >= net->announce_at_us)
		done = announce(net, env, tx);
	if (env->now_us >= net->nd_at_us)
		done += nd_start_up(net, env, tx, POLL_MAX - done);
	while (done < POLL_MAX && pkt_txq_room(tx) > 0 && frag_poll(net, env, tx))
		done++;
	for (; done < POLL_MAX && pkt_txq_room(tx) > 0; done++) {
		struct neigh *e = neigh_due(&net->neigh, env->now_us);

		if (e == NULL)
			return;
		if (e->tries > 0) {
			learn_ask(net, env, e, tx);
		} else {
			/* The next packet for it asks everybody again. */
			env->ctr->NeighResolveFails++;
			neigh_remove(&net->neigh, env, e);
		}
	}
}

void
net_confirm(struct net *net, struct env *env, const struct ip_addr *addr)
{
	const struct ip_addr *hop = net_next_hop(net, addr);
	struct neigh *e = hop == NULL ? NULL : neigh_find(&net->neigh, hop);

	if (e == NULL || neigh_is_settled(e, env->now_us))
		return;
	if (e->state == NEIGH_REACHABLE || e->state == NEIGH_PROBE)
		neigh_set_reachable(&net->neigh, env, e);
}
