/* SPDX-License-Identifier: BSD-3-Clause */
/* The seam: a struct pkt of the pure layers is an rte_mbuf, and a mempool is their packet source.
 */
#ifndef IO_MBUF_H
#define IO_MBUF_H

#include <rte_mbuf.h>
#include <rte_mempool.h>

#include "io/error.h"
#include "pkt/pkt.h"
#include "pkt/pool.h"

static inline struct rte_mbuf *
mbuf_of(struct pkt *p)
{
	return (struct rte_mbuf *)(void *)p;
}

static inline struct pkt *
mbuf_pkt(struct rte_mbuf *m)
{
	return (struct pkt *)(void *)m;
}

/** An array of packets, as the driver calls want it. */
static inline struct rte_mbuf **
mbuf_array_of(struct pkt **pkts)
{
	return (struct rte_mbuf **)(void *)pkts;
}

/**
 * Take the bytes of pkt.app in every mbuf for us; before any port is opened. -EBUSY if a driver or
 * library has taken them, -ENOTSUP if this DPDK lays its mbufs out in another way.
 */
int mbuf_claim_app_area(struct io_error *err);

/** What a pool of packets is made of. */
struct mbuf_pool_params {
	const char *name; /* unique in the process */
	unsigned int count; /* packets */
	unsigned int payload_max; /* bytes behind PKT_HEADROOM in each */
	int socket; /* NUMA node, SOCKET_ID_ANY */
	bool oversubscribed; /* several of its users share a CPU: no spinning on each other */
};

/** Bytes that a pool needs, rounded up generously. */
uint64_t mbuf_pool_bytes(unsigned int count, unsigned int payload_max);

/** -ENOMEM. The pool serves any number of workers and lives until the process ends. */
int mbuf_pool_create(
	const struct mbuf_pool_params *par, struct rte_mempool **out, struct io_error *err);

/** Packets in the pool, the lcores' stocks included; not for the data path. */
unsigned int mbuf_pool_avail(const struct rte_mempool *pool);

/** A worker's view of the pool; all its calls come on that worker's lcore. */
struct pkt_source mbuf_source(struct rte_mempool *pool);

/** Free received packets that no worker holds yet, or packets a port did not take. */
void mbuf_free_burst(struct pkt **pkts, unsigned int n);

#endif
