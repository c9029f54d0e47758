/* SPDX-License-Identifier: BSD-3-Clause */
/* A received TCP segment, decoded by value: what crosses from the net layer to the TCP engine. */
#ifndef WIRE_TCP_SEG_H
#define WIRE_TCP_SEG_H

#include <stdint.h>

#include "wire/flow.h"
#include "wire/tcp.h"

/**
 * All fields in host order. The packet it was read from still starts at its Ethernet header, so
 * that a reply can be written in place; l3_off, l4_off and payload_off are offsets from there.
 * SEG.LEN of RFC 9293 counts SYN and FIN too: tcp_seg_len().
 */
struct tcp_seg {
	struct flow_key key;	/* remote end, local port, local address index */
	uint32_t seq;
	uint32_t ack;
	uint16_t wnd;		/* as on the wire, unscaled */
	uint16_t len;		/* payload bytes */
	uint16_t flags;		/* TCP_FIN ... TCP_AE */
	uint8_t ecn;		/* the IP header's ECN bits (RFC 3168) */
	uint8_t l3_off;
	uint8_t l4_off;
	uint16_t payload_off;
	uint16_t urg;
	struct tcp_opts opts;
};

/** Sequence numbers the segment occupies (RFC 9293 s3.4: SEG.LEN). */
static inline uint32_t
tcp_seg_len(const struct tcp_seg *seg)
{
	return (uint32_t)seg->len + ((seg->flags & TCP_SYN) != 0) + ((seg->flags & TCP_FIN) != 0);
}

#endif
