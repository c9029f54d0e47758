/* SPDX-License-Identifier: BSD-3-Clause */
/* The net layer: Ethernet, ARP, IPv4 and ICMP on one port, below TCP and ignorant of it. */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>

#include "conf/env.h"
#include "net/neigh.h"
#include "pkt/pkt.h"
#include "wire/addr.h"
#include "wire/local.h"
#include "wire/tcp_seg.h"

/** Fixed facts of the port and its place in the network; set before net_init. */
struct net_params {
	struct mac_addr mac;
	uint16_t mtu;			/* bytes of the IP packet, 576..9216 */
	uint16_t vlan;			/* 0: untagged frames only; else the one accepted VLAN id */
	bool primary;			/* this worker answers ARP and announces the addresses */
	bool trust_rx_csum;		/* believe the port's checksum flags */
	struct ip_addr gateway4;	/* unspecified: none */
	struct ip_addr gateway6;
	const struct local_addrs *local; /* outlives the net */
	unsigned int neigh_max;		/* entries of the neighbour cache */
};

/** One worker's net layer. Only net/ touches the members. */
struct net {
	struct net_params par;
	struct neigh_table neigh;
	uint64_t announce_at_us;	/* next gratuitous ARP; UINT64_MAX: none left */
	unsigned int announces_left;
	uint64_t icmp_tokens_at_us;	/* reply budget (RFC 1812 s4.3.2.8) */
	uint32_t icmp_tokens;
};

/** What became of a received frame. */
enum net_verdict {
	NET_TCP,	/* seg is filled; the packet is the caller's */
	NET_DONE,	/* consumed: answered in place, queued or freed; counted */
};

/** Memory: the neighbour cache is allocated here. -ENOMEM, -EINVAL. */
int net_init(struct net *net, const struct net_params *par);
void net_fini(struct net *net, struct env *env);

/**
 * Look at one received frame, taken over unless the verdict is NET_TCP. Replies (ARP, ICMP echo)
 * are appended to tx as whole frames. Every frame ends in one outcome; a NET_TCP frame gets its
 * outcome from the TCP engine.
 */
enum net_verdict net_input(struct net *net, struct env *env, struct pkt *p, struct tcp_seg *seg,
	struct pkt_txq *tx);

/**
 * Put the Ethernet header in front of an IP packet, taken over, and append it to tx. With
 * PKT_F_REPLY_L2 the received Ethernet header still stands in front and is turned round. Without a
 * known neighbour the packet waits (bounded) for the answer to our ARP request. The caller has
 * checked that tx has room for two (the packet and a request).
 */
void net_output(struct net *net, struct env *env, struct pkt *p, struct pkt_txq *tx);

/** When net_poll must run next, in microseconds of env's clock; UINT64_MAX: never. */
uint64_t net_poll_at(const struct net *net);

/** Timers: announcements, neighbour probes and ageing; bounded work per call. */
void net_poll(struct net *net, struct env *env, struct pkt_txq *tx);

/** The upper layer made progress with addr (RFC 4861 s7.3.1): its entry need not be probed. */
void net_confirm(struct net *net, struct env *env, const struct ip_addr *addr);

#endif
