/* SPDX-License-Identifier: BSD-3-Clause */
/* The other end of benchmarked connections: what it sends, byte for byte, and what it reads. */
#ifndef BENCH_PEER_FRAMES_H
#define BENCH_PEER_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "wire/addr.h"

/** Both stacks serve this address and port; all peers are behind one next hop. Host order. */
#define PEER_SERVER_ADDR 0x0a000001u
#define PEER_SERVER_PORT 80u
#define PEER_GATEWAY_ADDR 0x0a000002u

extern const struct mac_addr peer_server_mac;
extern const struct mac_addr peer_gateway_mac;

/** Its IPv6 address, where it has one. */
extern const uint8_t peer_server_ip6[16];

/** The longest frame that peer_frame_write writes, payload of 64 bytes included. */
#define PEER_FRAME_MAX 160u
#define PEER_REQUEST_BYTES 64u

/** From one connection to the next in a burst on open ones: coprime to their number. */
#define PEER_STRIDE 7919u

/** Bits of the TCP header. */
enum {
	PEER_FIN = 1,
	PEER_SYN = 2,
	PEER_RST = 4,
	PEER_PSH = 8,
	PEER_ACK = 16,
};

/** What is wrong with a frame. */
enum peer_lie {
	PEER_HONEST,
	PEER_BAD_CHECKSUM,	/* as the port says */
	PEER_FRAGMENT,
	PEER_ODD_OPTIONS,	/* 40 bytes of them, each unknown */
	PEER_GARBAGE,		/* from the IP header on */
	PEER_HOLE,		/* a fragment with its end, but not its begin */
	PEER_MARTIAN,		/* from 127.0.0.1 */
	PEER_CLOSED_PORT,
	PEER_TUNNEL,		/* a protocol that is not spoken here */
	PEER_SHORT,		/* says it is longer than it is */
	PEER_SOURCE_ROUTE,
	PEER_ECHO,		/* ICMP: a request */
	PEER_REPORT,		/* ICMP: a segment of ours was too big */
	PEER_ARP,		/* a request for our address */
	PEER_SOLICIT,		/* the same in IPv6 */
	PEER_CHAIN,		/* IPv6 with as many extension headers as fit */
	PEER_SACK_OK,		/* not a lie: options of a SYN that permits SACK, no timestamps */
	PEER_MSS,		/* not a lie: a SYN with nothing but an MSS of 1448 */
	PEER_SACK,		/* three bytes somewhere behind ack */
};

/** What a frame to the server says; the rest is the same for all. */
struct peer_frame {
	uint32_t src;		/* IPv4, host order */
	uint16_t sport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t len;		/* payload bytes, content unspecified */
	bool syn_options;	/* mss, sackOK, TS, wscale; else none */
	enum peer_lie lie;
	uint32_t sack_span, sack_seed; /* with PEER_SACK: bytes in flight; what tells ACKs apart */
};

/** What the server answered. */
struct peer_reply {
	uint32_t dst;
	uint16_t dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t len;
};

/** A client's side of one connection. */
struct peer {
	uint32_t src;
	uint16_t sport;
	uint32_t snd_nxt;	/* its next sequence number */
	uint32_t rcv_nxt;
};

/** The i-th client; none of 2^28 is like another. */
struct peer peer_of(uint32_t i);

/** The i of the client that a reply is for. */
uint32_t peer_index(const struct peer_reply *r);

/** A client's next segment. */
struct peer_frame peer_frame_of(const struct peer *p, uint8_t flags, uint16_t len);

/** A segment of a client that never existed, as a flood sends them. */
struct peer_frame peer_frame_at_random(struct rng *rng, uint8_t flags, bool syn_options);

/**
 * Write the Ethernet frame without its payload to b; returns its length with it. The IP checksum is
 * right; the TCP checksum is 0, for the receiver is told that it was checked, as a NIC does.
 */
uint16_t peer_frame_write(uint8_t *b, const struct peer_frame *f);

/** What is wrong goes into a frame of len bytes that is right; returns the length it has then. */
uint16_t peer_lie_write(uint8_t *b, uint16_t len, const struct peer_frame *f);

/** Read an Ethernet frame that holds TCP over IPv4 without IP options. */
void peer_reply_read(const uint8_t *b, struct peer_reply *r);

#endif
