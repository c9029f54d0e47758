/* SPDX-License-Identifier: BSD-3-Clause */
/* Which worker a received frame belongs to: a keyed hash of its flow, the same on every worker. */
#ifndef IO_STEER_H
#define IO_STEER_H

#include <stdbool.h>

#include "base/siphash.h"
#include "pkt/pkt.h"
#include "wire/flow.h"
#include "wire/local.h"

/*
 * TCP, and ICMP errors about TCP, go to the worker that owns the connection; neighbour discovery
 * that may teach us something goes to all, since each worker has its own cache. The fragments of a
 * datagram meet on a worker that can pass on what becomes of them: by source and identification.
 * The rest, whatever is malformed included, goes to worker 0. The hash covers the remote address
 * and both ports. Its key is secret, so that nobody can aim his connections at one worker.
 */

/** The worker that gets everything nobody else owns. */
#define STEER_PRIMARY 0u
/** Every worker gets a copy. */
#define STEER_ALL UINT32_MAX
/** Frames that steer_burst takes at most at a time. */
#define STEER_BURST_MAX 64u

/** Read-only once the workers run. */
struct steer {
	struct siphash_key key;
	uint32_t workers; /* at least 1 */
	uint32_t queues; /* workers that own a queue: the first ones, at least 1 */
	const struct local_addrs *local;
};

/** One worker's side of it, as tcp_params.is_mine wants it. */
struct steer_self {
	const struct steer *steer;
	uint32_t worker;
};

/** Owner of the flow. */
uint32_t steer_flow(const struct steer *s, const struct flow_key *key);

/** tcp_params.is_mine; ctx is a struct steer_self. */
bool steer_is_mine(const void *ctx, const struct flow_key *key);

/** Owners of n <= STEER_BURST_MAX frames: a worker's number or STEER_ALL each. */
void steer_burst(const struct steer *s, struct pkt *const *pkts, unsigned int n, uint32_t *owners);

#endif
