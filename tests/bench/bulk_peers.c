/* SPDX-License-Identifier: BSD-3-Clause */
/* Clients of axis (d): what they send, and how they acknowledge. */
#include <stdlib.h>

#include "bench/bulk_peers.h"

#include "base/compiler.h"

/* A receiver acknowledges every second segment. */
#define ACK_BYTES (2 * BULK_SEGMENT_BYTES)

void
bulk_data(struct peer *peers, struct peer_frame *frames)
{
	for (unsigned int j = 0; j < BULK_BURST; j++) {
		struct peer *p = &peers[j / BULK_ROW];

		frames[j] = peer_frame_of(p, PEER_ACK, BULK_SEGMENT_BYTES);
		p->snd_nxt += BULK_SEGMENT_BYTES;
	}
}

uint32_t
bulk_take(struct bulk_arrivals *a, const struct peer_reply *replies, unsigned int n)
{
	uint32_t bytes = 0;

	for (unsigned int i = 0; i < n; i++) {
		uint32_t *nxt = &a->nxt[peer_index(&replies[i])];

		if (replies[i].seq != *nxt)
			abort();
		*nxt += replies[i].len;
		bytes += replies[i].len;
	}
	return bytes;
}

unsigned int
bulk_acks(struct bulk_arrivals *a, uint32_t first, struct peer_frame *frames)
{
	unsigned int n = 0;

	for (uint32_t i = first; i < first + BULK_TURNS; i++) {
		struct peer *p = &a->peers[i];

		for (unsigned int j = 0; j < BULK_ROW && p->rcv_nxt != a->nxt[i]; j++) {
			p->rcv_nxt += min_u32(ACK_BYTES, a->nxt[i] - p->rcv_nxt);
			frames[n++] = peer_frame_of(p, PEER_ACK, 0);
		}
	}
	return n;
}
