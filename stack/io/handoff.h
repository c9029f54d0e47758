/* SPDX-License-Identifier: BSD-3-Clause */
/* The rings between workers: received packets to their owners, frames to a worker with a queue. */
#ifndef IO_HANDOFF_H
#define IO_HANDOFF_H

#include "base/ring.h"
#include "io/eal.h"

/* The largest netdev_max_backlog. */
#define HANDOFF_DEPTH_MAX 65536u

/*
 * Workers 0 .. owners - 1 own a queue of the port each; the rest, where the port has too few, live
 * on what is handed to them and send through an owner. One ring per pair and direction, so that
 * each has one producer and one consumer.
 */
struct handoff {
	unsigned int workers;
	unsigned int owners; /* 1 .. workers */
	struct ring *rx[EAL_WORKERS_MAX][EAL_WORKERS_MAX]; /* [from][to]; NULL where not needed */
	struct ring *tx[EAL_WORKERS_MAX]; /* frames of a worker without a queue, to its sender */
};

/** depth: packets each ring is to hold, at most HANDOFF_DEPTH_MAX. -ENOMEM. */
int handoff_init(struct handoff *h, unsigned int workers, unsigned int owners, uint32_t depth);
/** The rings must be empty by then, or their packets be lost with the pool. */
void handoff_fini(struct handoff *h);

/** Who sends the frames of a worker: itself if it owns a queue. */
static inline unsigned int
handoff_sender_of(const struct handoff *h, unsigned int worker)
{
	return worker % h->owners;
}

#endif
