/* SPDX-License-Identifier: BSD-3-Clause */
/* A link that delays, loses, marks and reorders, one way: what becomes of a frame, and when. */
#ifndef LIB_RELAY_H
#define LIB_RELAY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"

/*
 *     frame -> loss -> queue (queue_bytes) -> wire (rate_bps) -> delay_ns (+ reorder_ns) -> out
 *
 * The nth TCP frame of a way meets the same fate in every run with the same seed and rules: fates
 * are drawn in the order of arrival, as many numbers for each frame, whatever the time is. Frames
 * of other protocols (ARP, neighbour discovery) are delayed only: who loses them measures the
 * patience of a neighbour cache.
 *
 * No clock and no I/O here: time is nanoseconds of the caller's.
 */

/** The longest frame: Ethernet with a VLAN tag around 1500 bytes. */
#define RELAY_FRAME_MAX 1518u
/** Frames on the way at a time; beyond it they count as full. */
#define RELAY_FRAMES 8192u

struct relay_rules {
	uint64_t delay_ns;
	uint64_t rate_bps; /* 0: endless */
	uint64_t queue_bytes; /* that may wait for the wire; 0: endless */
	uint64_t reorder_ns; /* how much longer a reordered frame takes */
	uint32_t reorder_ppm; /* TCP frames in a million, here and below */
	uint32_t mark_ppm; /* of those that are ECN-capable */
	uint32_t loss_ppm; /* at which a run of losses begins */
	uint32_t burst; /* frames lost in a run; 0 is 1 */
	uint32_t spare_syns; /* not 0: what has SYN set has no fate */
};

struct relay_counts {
	uint64_t frames, bytes; /* taken in */
	uint64_t passed, passed_bytes;
	uint64_t lost; /* by chance */
	uint64_t full; /* found no place in the queue */
	uint64_t oversized; /* longer than a frame may be: somebody's offload is on */
	uint64_t reordered, marked;
};

struct relay_frame {
	uint64_t due_ns;
	uint64_t number; /* of frames that are due at the same time the first goes first */
	uint16_t len;
	uint8_t b[RELAY_FRAME_MAX];
};

struct relay_way {
	struct relay_rules rules;
	struct relay_counts counts;
	struct rng rng;
	uint64_t wire_free_ns; /* the wire is taken until then */
	uint64_t next_number;
	uint32_t to_lose; /* left of a run of losses */
	uint32_t held;
	uint16_t heap[RELAY_FRAMES]; /* of frames; the one that is due next is at 0 */
	struct relay_frame frames[RELAY_FRAMES];
};

/** Empty, without rules: everything passes at once. */
void relay_init(struct relay_way *w);

/** From now on by these rules: counts and fates begin anew; what is on the way goes on. */
void relay_begin(struct relay_way *w, const struct relay_rules *rules, uint64_t seed);

/** A frame comes in. It is copied. */
void relay_put(struct relay_way *w, uint64_t now_ns, const uint8_t *frame, uint32_t len);

/** When the next frame goes out; UINT64_MAX without one. */
uint64_t relay_due_ns(const struct relay_way *w);

/** The frame that goes out next, which is counted as passed; NULL if none is due. It is valid until
 * the next call. */
const struct relay_frame *relay_take(struct relay_way *w, uint64_t now_ns);

#endif
