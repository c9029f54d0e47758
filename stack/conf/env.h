/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker hands to engines with every call: time, randomness, limits, counters, packets. */
#ifndef CONF_ENV_H
#define CONF_ENV_H

#include <stdint.h>

struct counters;
struct pkt_pool;
struct pkt_txq;
struct rng;
struct tunables;

/** Bits of env.tx_caps: what the port does on transmit; first the checksums it computes. */
#define ENV_TX_IP_CSUM 0x1u
#define ENV_TX_TCP_CSUM 0x2u
/** It cuts a long TCP segment in up to PKT_CHAIN_MAX buffers into short ones; with TCP_CSUM. */
#define ENV_TX_TSO 0x4u

/**
 * The pure layers take nothing from elsewhere. now_us is sampled once per burst and does not
 * change during a call; everything else stays the same for the life of the worker.
 */
struct env {
	uint64_t now_us;		/* monotonic; the origin is arbitrary */
	uint32_t now_ms;		/* now_us / 1000, low 32 bits: the timers' unit */
	uint32_t tx_caps;		/* ENV_TX_* */
	const struct tunables *tun;
	struct counters *ctr;
	struct rng *rng;
	struct pkt_pool *pool;
	struct pkt_txq *tx;		/* IP packets for the net layer, oldest first */
};

#endif
