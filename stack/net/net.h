/* SPDX-License-Identifier: BSD-3-Clause */
/* The net layer: Ethernet, ARP, IP and ICMP on one port, below TCP and ignorant of it. */
#ifndef NET_NET_H
#define NET_NET_H

#include <stdbool.h>

#include "base/siphash.h"
#include "conf/env.h"
#include "net/neigh.h"
#include "net/reass.h"
#include "pkt/pkt.h"
#include "pkt/txq.h"
#include "wire/addr.h"
#include "wire/eth.h"
#include "wire/icmp_report.h"
#include "wire/local.h"
#include "wire/tcp_seg.h"

/*
 * Received packets reach the layers above with an untagged Ethernet header of 14 bytes in front of
 * the IP header: a VLAN tag is checked and taken out on the way in, put in again on the way out.
 *
 * With several workers, answers of neighbours arrive on whichever queue the port chooses. Each
 * worker keeps its own neighbour cache, so the outside gives every worker a copy of ARP and of
 * neighbour discovery (io/steer.h); only the one with par.primary speaks for the addresses.
 */

/** Fixed facts of the port and its place in the network; set before net_init. */
struct net_params {
	struct mac_addr mac;
	uint16_t mtu;			/* bytes of the IP packet, 576..9216 */
	uint16_t vlan;			/* 0: untagged frames only; else the one accepted VLAN id */
	bool primary;			/* this worker answers neighbours and announces */
	bool trust_rx_csum;		/* believe the port when it says a checksum is right */
	struct ip_addr gateway4;	/* unspecified (either form): none */
	struct ip_addr gateway6;
	const struct local_addrs *local; /* outlives the net, and does not change after net_init */
	uint64_t start_us;		/* env's clock when the worker begins */
	unsigned int neigh_max;		/* entries of the neighbour cache, NEIGH_MIN..NEIGH_MAX */
	struct siphash_key neigh_key;	/* the neighbour cache's */
	struct siphash_key reass_key;	/* of the datagrams under way */
};

/** A directly connected prefix, as words in memory order: (addr ^ net) & mask is 0 within it. */
struct net_onlink {
	uint64_t net[2];
	uint64_t mask[2];
	unsigned int laddr_idx;		/* the local address it belongs to */
};

/** What an Ethernet header announces; index of net.l2_tail. */
enum net_l2 {
	NET_L2_IP4,
	NET_L2_IP6,
	NET_L2_ARP,
	NET_L2_KINDS,
};

/** One worker's net layer. Only net/ touches the members. */
struct net {
	struct net_params par;
	uint8_t l2_len;			/* bytes of the headers we send: 14, with a tag 18 */
	uint8_t l2_tail[NET_L2_KINDS][12]; /* what follows the destination in them */
	unsigned int onlink_count[2];	/* IPv4, IPv6 */
	struct net_onlink onlink[2][LOCAL_ADDRS_MAX + 1]; /* IPv6: link-local ones last */
	bool is_tagged;			/* frames need a tag */
	uint64_t mac_word;		/* par.mac in its first six bytes, then zero */
	uint64_t own_filter;		/* a bit for each local address, by hash */
	uint32_t broadcast4[LOCAL_ADDRS_MAX]; /* of each one's subnet, host order; 0: none */
	struct neigh_table neigh;
	struct reass_table reass;
	struct pkt *whole;		/* with NET_TCP_WHOLE */
	uint64_t announce_at_us;	/* next gratuitous ARP; UINT64_MAX: none left */
	unsigned int announce_rounds;	/* rounds left */
	unsigned int announce_idx;	/* next local address of this round */
	uint64_t defend_at_us;		/* not before that our address is defended again */
	uint64_t nd_at_us;		/* the same of IPv6: next question or advertisement */
	unsigned int nd_round;
	unsigned int nd_idx;
	uint64_t nd_defend_at_us;
	uint64_t duplicates;		/* a bit for each local address that another station has */
	struct icmp_report report;	/* with NET_REPORT */
	uint64_t icmp_refill_us;	/* reply budget (RFC 1812 s4.3.2.8): last refill */
	uint64_t icmp_credit_ppm;	/* millionths of a message that may be sent now */
};

/** What became of a received frame. */
enum net_verdict {
	NET_TCP,	/* seg is filled; the packet is the caller's */
	NET_TCP_WHOLE,	/* consumed: it completed a datagram; the same of net->whole */
	NET_REPORT,	/* consumed: an ICMP error, now net->report; TCP counts the outcome */
	NET_DONE,	/* consumed: answered in place, queued or freed; counted */
};

/** Frames that a call of net_input may append to tx: packets that waited, and an answer. */
#define NET_INPUT_TX_MAX (NEIGH_WAITING_MAX + 1u)

/** Memory: the neighbour cache is allocated here. -ENOMEM, -EINVAL. */
int net_init(struct net *net, const struct net_params *par);
void net_fini(struct net *net, struct env *env);

/**
 * A neighbour that is configured, not learnt; replaces a learnt one. -EINVAL: not an address a
 * station can have; -ENOSPC: half of the cache is configured already.
 */
int net_set_neighbour(struct net *net, struct env *env, const struct ip_addr *addr,
	const struct mac_addr *mac);

/**
 * Look at one received frame, taken over unless the verdict is NET_TCP: then its checksums are
 * right, its length ends with the IP packet, and nothing else of TCP was judged but ports of zero.
 * A datagram of fragments may belong to another worker than the fragments: see NET_TCP_WHOLE.
 * Replies (ARP, ND, ICMP) are appended to tx as whole frames, NET_INPUT_TX_MAX at most; without
 * room for them they are dropped. Every frame ends in one outcome; a NET_TCP frame gets its outcome
 * from the TCP engine, which also counts InSegs.
 *
 * Reads the frame's headers and the first line of p: prefetch both ahead in a burst.
 */
enum net_verdict net_input(struct net *net, struct env *env, struct pkt *p, struct tcp_seg *seg,
	struct pkt_txq *tx);

/**
 * Put the Ethernet header in front of an IP packet, taken over, and append it to tx. With
 * PKT_F_REPLY_L2 the received Ethernet header still stands right in front and the packet goes back
 * to where that came from. Without a known neighbour the packet waits (bounded) for the answer to
 * our question. The caller has checked that tx has room for two (the packet and a request).
 * p->app is not touched, so a queue of the caller's may hold p at the same time.
 */
void net_output(struct net *net, struct env *env, struct pkt *p, struct pkt_txq *tx);

/** When net_poll must run next, in microseconds of env's clock; UINT64_MAX: never. */
uint64_t net_poll_at(const struct net *net);

/** Timers: announcements and questions to neighbours; bounded work per call. */
void net_poll(struct net *net, struct env *env, struct pkt_txq *tx);

/** Local addresses that another station had at start, a bit for each; readable from any thread. */
static inline uint64_t
net_duplicates(const struct net *net)
{
	return __atomic_load_n(&net->duplicates, __ATOMIC_RELAXED);
}

/** The upper layer made progress with addr (RFC 4861 s7.3.1): its entry need not be probed. */
void net_confirm(struct net *net, struct env *env, const struct ip_addr *addr);

#endif
