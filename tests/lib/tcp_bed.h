/* SPDX-License-Identifier: BSD-3-Clause */
/* A TCP engine with everything it needs around it, and peers that open connections to it. */
#ifndef LIB_TCP_BED_H
#define LIB_TCP_BED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/rng.h"
#include "conf/counters.h"
#include "conf/tunables.h"
#include "lib/mem_bound.h"
#include "lib/test_pkt.h"
#include "pkt/txq.h"
#include "tcp/tcp_parts.h"

#define BED_PORT 80
#define BED_DATA_MAX 9000

/** A segment the engine sent, read back without the stack's own parsers. */
struct bed_seg {
	struct flow_key key;	/* as the engine knows the connection */
	uint32_t seq, ack;
	uint16_t flags, wnd;
	uint8_t ecn;		/* of the IP header */
	struct tcp_opts opts;
	uint32_t len;		/* payload bytes */
	uint8_t data[BED_DATA_MAX];
};

/**
 * The engine of worker 0 of 1, our address 10.0.0.1 at index 0, 2001:db8::1 at 1, 127.0.0.1 at 2.
 * Delayed things happen at an exact ms: now_us is always a multiple of 1000.
 */
struct tcp_bed {
	struct test_pkts pkts;
	struct counters ctr;
	struct tunables tun;
	struct local_addrs local;
	struct tcp_params par;
	struct rng rng;
	struct env env;
	struct pkt_txq tx;
	struct tcp_stack *stack;
	tcp_handle listener;	/* of tcp_bed_listen */
	unsigned int npeers;
	struct mem_peak peak;	/* of what the engine held */
	struct bed_seg sent;	/* the last segment read */
	char text[128];
	struct tcp_event events[256];
	unsigned int nevents;
};

/** Defaults; change par or tun, then start. init does both. */
void tcp_bed_prepare(struct tcp_bed *bed);
void tcp_bed_start(struct tcp_bed *bed);
void tcp_bed_init(struct tcp_bed *bed);

/** Frees all; ends the program if a packet is missing. */
void tcp_bed_fini(struct tcp_bed *bed);

/** Listen on BED_PORT at any address. */
void tcp_bed_listen(struct tcp_bed *bed, unsigned int backlog);

/** Flush, and check everything that must always hold. */
void tcp_bed_flush(struct tcp_bed *bed);

/** Let time pass: polls and flushes at every instant the engine asks for. */
void tcp_bed_advance(struct tcp_bed *bed, uint64_t ms);

/** The oldest segment sent, into bed->sent; false: none. */
bool tcp_bed_take(struct tcp_bed *bed);

/** Segments sent and not read, thrown away. */
unsigned int tcp_bed_discard(struct tcp_bed *bed);

/** The events of one handle since the last call, or'ed together; *err is of the last with CONNECTED
 * or CLOSED. */
uint32_t tcp_bed_events(struct tcp_bed *bed, tcp_handle h, int *err);

/** One end of a connection, played by the test. */
struct bed_peer {
	struct tcp_bed *bed;
	struct flow_key key;
	uint32_t irs;		/* the peer's first number */
	uint32_t iss;		/* ours */
	uint32_t seq;		/* the next the peer sends */
	uint32_t ack;		/* the next it expects of us */
	uint32_t tsval;		/* with TCP_OPT_TS in offer: its clock; echoes what it last saw */
	uint32_t tsecr;
	uint16_t wnd;		/* as on the wire */
	uint16_t mss;		/* 0: no option */
	uint8_t wscale;
	uint8_t offer;		/* TCP_OPT_WSCALE, TCP_OPT_SACK_OK, TCP_OPT_TS of its SYN */
	bool active;		/* we opened */
	uint16_t syn_flags;	/* of its SYN, too: TCP_ECE, TCP_CWR */
	tcp_handle h;
};

/** A new peer 10.0.0.2:40000 + n of 10.0.0.1:80: MSS 1460, window 65535, no other options, numbers
 * 1024 before 2^32. Ours start 1000 before it for the first one. */
void bed_peer_init(struct bed_peer *p, struct tcp_bed *bed);

/** Take the connection to a state, the peer's and our queues empty, every ACK sent. A listener is
 * opened where there is none. */
void bed_peer_reach(struct bed_peer *p, enum tcp_state state);

/** Its parts: SYN, read the SYN-ACK; the final ACK; accept. */
enum outcome bed_peer_syn(struct bed_peer *p);
enum outcome bed_peer_ack_syn(struct bed_peer *p);
void bed_peer_accept(struct bed_peer *p);

/** A segment as the peer would send it, to be changed at will; payload is a pattern by sequence. */
struct tcp_seg bed_peer_seg(const struct bed_peer *p, uint16_t flags, uint16_t len);

/** Give segments to the engine in one burst; no flush. Checks that each had one outcome. Returns
 * the outcome of the last counted kind. */
enum outcome tcp_bed_input(struct tcp_bed *bed, const struct tcp_seg *segs, unsigned int n);

/** Give one to the engine and flush. */
enum outcome bed_peer_send_seg(struct bed_peer *p, const struct tcp_seg *seg);
/** The next in order; p->seq moves on. */
enum outcome bed_peer_send(struct bed_peer *p, uint16_t flags, uint16_t len);
/** Numbers relative to the peer's next and to what it expects. */
enum outcome bed_peer_send_at(struct bed_peer *p, int32_t seq, int32_t ack, uint16_t flags,
	uint16_t len);

/**
 * What the engine sent next, as text: "FA 1+0 ack 101" is flags (S F R P A E W in this order),
 * sequence relative to our ISS, payload length, acknowledgement relative to the peer's first
 * number. A RST without ACK has no ack part. "": nothing was sent. Ends the program if it is not
 * for this peer. Window and options are in bed->sent.
 */
const char *bed_peer_sent(struct bed_peer *p);

/** What the peer expects next is all that was sent: p->ack moves on. */
void bed_peer_saw(struct bed_peer *p, uint32_t len);

struct tcp_conn *bed_peer_conn(const struct bed_peer *p);

/** State of the flow, CLOSED if there is none: a connection, SYN-queue or TIME-WAIT entry. */
enum tcp_state bed_peer_state(const struct bed_peer *p);

/** Byte of the payload pattern at a peer's sequence number. */
uint8_t bed_pattern(uint32_t seq);

#endif
