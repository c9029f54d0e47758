/* SPDX-License-Identifier: BSD-3-Clause */
/* One worker over an in-memory driver, for benchmarks. */
#ifndef BENCH_MEMBED_H
#define BENCH_MEMBED_H

#include <stdint.h>

#include "bench/peer_frames.h"
#include "pkt/pool.h"
#include "worker/residence.h"
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
	struct residence residence;
	uint64_t now_us;
	uint64_t cycles;	/* spent inside the worker since it was last set to 0 */
	uint64_t sent_at;	/* ... when the answers of the last burst were gone */
	uint64_t waste;		/* cycles for nothing in each burst: is it found out? */
};

/** How many of each the engine has place for. */
struct membed_sizes {
	uint32_t conns;
	uint32_t synq;
	uint32_t time_wait;
	bool has_ip6;		/* it has an IPv6 address, too */
};

/** Checksums are the port's business, as on a NIC. Ends the program when there is no memory. */
void membed_open_sized(struct membed *m, const struct membed_sizes *sizes);

/** The same with plenty of SYN-queue and TIME_WAIT entries beside the connections. */
void membed_open(struct membed *m, uint32_t conns);
void membed_close(struct membed *m);

/** Let time pass; the worker is polled every 10 ms. */
void membed_idle(struct membed *m, uint64_t ms);

/**
 * Give the worker n <= 64 frames and take its answers; only the time inside the worker and of the
 * driver's packet handling counts. Returns the answers, at most max of them decoded.
 */
unsigned int membed_burst(struct membed *m, const struct peer_frame *frames, unsigned int n,
	struct peer_reply *replies, unsigned int max);

#endif
