/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients that send full segments, and such that receive and acknowledge them. */
#ifndef BENCH_BULK_PEERS_H
#define BENCH_BULK_PEERS_H

#include <stdint.h>

#include "bench/peer_frames.h"

/** Bytes of a full segment: an MSS without timestamps. */
#define BULK_SEGMENT_BYTES 1448u

/** Connections that have their turn in a burst, each with a row of segments or ACKs. */
#define BULK_TURNS 4u
#define BULK_ROW 8u
#define BULK_BURST (BULK_TURNS * BULK_ROW)

/** What has arrived and is not acknowledged yet, by client; a peer's rcv_nxt is the latter. */
struct bulk_arrivals {
	struct peer *peers;
	uint32_t *nxt;
	uint32_t conns;
};

/** A burst of data, from peers[0 .. BULK_TURNS - 1]. */
void bulk_data(struct peer *peers, struct peer_frame *frames);

/** Segments have arrived; returns their bytes. Ends the program when one is not the next. */
uint32_t bulk_take(struct bulk_arrivals *a, const struct peer_reply *replies, unsigned int n);

/** ACKs of every second segment that came to clients first to first + BULK_TURNS - 1; how many. */
unsigned int bulk_acks(struct bulk_arrivals *a, uint32_t first, struct peer_frame *frames);

#endif
