/* SPDX-License-Identifier: BSD-3-Clause */
/* One worker over an in-memory driver, and the other end of its connections, for benchmarks. */
#ifndef BENCH_MEMBED_H
#define BENCH_MEMBED_H

#include <stdint.h>

#include "pkt/pool.h"
#include "worker/worker.h"

/** The driver: a stack of packets, so that the warmest is used next, as a mempool cache does. */
struct membed_driver {
	struct pkt *pkts;
	uint8_t *bufs;
	struct pkt **free;
	unsigned int nfree;
	unsigned int size;
};

struct membed {
	struct worker w;
	struct local_addrs local;
	struct membed_driver drv;
	uint64_t now_us;
	uint64_t cycles;	/* spent inside the worker since membed_reset */
};

/** What a peer's next frame says; the rest is the same for all. */
struct membed_frame {
	uint32_t src;		/* IPv4, host order */
	uint16_t sport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t len;		/* payload bytes, content unspecified */
	bool syn_options;	/* mss, sackOK, TS, wscale; else none */
};

/** What the worker answered. */
struct membed_reply {
	uint32_t dst;
	uint16_t dport;
	uint32_t seq, ack;
	uint8_t flags;
	uint16_t len;
};

/** conns: how many connections fit. Checksums are the port's business, as on a NIC. */
void membed_open(struct membed *m, uint32_t conns);
void membed_close(struct membed *m);

/**
 * Give the worker n <= 64 frames and take its answers; only the time inside the worker and of the
 * driver's packet handling counts. Returns the answers, at most max of them decoded.
 */
unsigned int membed_burst(struct membed *m, const struct membed_frame *frames, unsigned int n,
	struct membed_reply *replies, unsigned int max);

#endif
