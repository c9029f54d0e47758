/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast data arrives at the peer, measured once a round trip: ss's delivery_rate. */
#ifndef TCP_TCP_DELIVERY_H
#define TCP_TCP_DELIVERY_H

#include "tcp/tcp_int.h"

/**
 * By slot, and of the connection that has gen; apart from all else, since only who sends more than
 * a segment at a time ever touches it. While tcp_cold.is_timed a measurement is under way.
 */
struct tcp_delivery {
	uint32_t gen;
	uint32_t una;		/* snd_una when the measurement began */
	uint32_t end;		/* ... it ends when this is acknowledged */
	uint32_t since_us;
	/* The last result: so many bytes in so long; us is 0: none yet. */
	uint32_t bytes;
	uint32_t us;
};

_Static_assert(sizeof(struct tcp_delivery) == 24, "docs/memory.md");

/** Bytes/s; 0: not measured yet. */
uint64_t tcp_delivery_rate(const struct tcp_stack *stack, const struct tcp_conn *c, uint32_t gen);

/** Data from was on is acknowledged, the last of it after rtt_us; 0: not known. */
void tcp_delivery_acked(struct tcp_stack *stack, struct tcp_conn *c, uint32_t was, uint32_t rtt_us);

#endif
