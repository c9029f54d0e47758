/* SPDX-License-Identifier: BSD-3-Clause */
/* A net layer with everything it needs around it, for tests and the fuzzer. */
#ifndef LIB_NET_BED_H
#define LIB_NET_BED_H

#include "base/rng.h"
#include "conf/counters.h"
#include "conf/tunables.h"
#include "lib/frames.h"
#include "lib/test_pkt.h"
#include "net/net.h"

/** The appliance, its neighbours, and somebody behind the gateway. */
#define OUR_IP "10.0.0.1"
#define OUR_IP_2 "192.168.7.1"
#define OUR_IP6 "2001:db8::1"
#define PEER_IP "10.0.0.2"
#define PEER_IP6 "2001:db8::2"
#define GATEWAY_IP "10.0.0.254"
#define FAR_IP "198.51.100.7"
#define FAR_IP6 "2001:db8:ffff::7"
#define NO_MAC ((const uint8_t[6]){ 0, 0, 0, 0, 0, 0 })
#define BROADCAST_MAC ((const uint8_t[6]){ 255, 255, 255, 255, 255, 255 })
#define OUR_MAC ((const uint8_t[6]){ 2, 0, 0, 0, 0, 1 })
#define PEER_MAC ((const uint8_t[6]){ 2, 0, 0, 0, 0, 2 })
#define GATEWAY_MAC ((const uint8_t[6]){ 2, 0, 0, 0, 0, 254 })
#define EVIL_MAC ((const uint8_t[6]){ 2, 0, 0, 0, 6, 6 })

struct net_bed {
	struct test_pkts pkts;
	struct counters ctr;
	struct tunables tun;
	struct local_addrs local;
	struct net_params par;
	struct env env;
	struct net net;
	struct pkt_txq tx;
	struct tcp_seg seg;		/* of the last frame that was TCP */
};

/**
 * The addresses above with prefixes /24 and /64, no VLAN, primary, checksum flags not trusted, a
 * neighbour cache of 64. Change bed->par and call net_bed_start(), which comes after announcements.
 */
void net_bed_prepare(struct net_bed *bed);
void net_bed_start(struct net_bed *bed);

/** Both. */
void net_bed_init(struct net_bed *bed);

/** Ends the program if a packet or an outcome is missing. */
void net_bed_fini(struct net_bed *bed);

/**
 * Give the net layer a frame with these ol_flags; returns its outcome, OUTCOME_MAX if it is TCP:
 * then bed->seg is filled and the packet in *out (NULL: freed here). Checks that exactly one
 * outcome was counted, that packet fields are consistent and what is said of a TCP packet holds.
 */
unsigned int net_bed_input_flags(
	struct net_bed *bed, const void *frame, size_t len, uint64_t ol_flags, struct pkt **out);
unsigned int net_bed_input(struct net_bed *bed, const struct frame *f);

/** Send an IP packet of len payload bytes to dst through net_output(). */
void net_bed_output(struct net_bed *bed, const char *dst, size_t len);

/** Take the oldest frame off tx into f (l3 0); false: none. */
bool net_bed_sent(struct net_bed *bed, struct frame *f);

/** Frames in tx, freed. */
unsigned int net_bed_discard(struct net_bed *bed);

/** Let time pass and poll at every instant that net_poll_at() asks for. */
void net_bed_advance(struct net_bed *bed, uint64_t us);

struct ip_addr net_bed_addr(const char *text);

/** Outcomes counted so far. */
uint64_t net_bed_outcomes(const struct net_bed *bed);

#endif
