/* SPDX-License-Identifier: BSD-3-Clause */
/* The formula of docs/memory.md, and what an engine really used of it (G-14). */
#ifndef LIB_MEM_BOUND_H
#define LIB_MEM_BOUND_H

#include <stdint.h>

#include "net/neigh.h"
#include "pkt/pool.h"
#include "tcp/tcp_int.h"

/** Bytes that an engine of these sizes takes at start, and no more ever. */
uint64_t mem_bound_engine(const struct tcp_params *par);

/** Bytes of a neighbour cache of so many entries. */
uint64_t mem_bound_neighbours(unsigned int entries);

/** Bytes of so many packets of a pool, as queues are charged. */
uint64_t mem_bound_packets(const struct pkt_pool *pool);

/** The most of everything since the last reset to zero. */
struct mem_peak {
	uint32_t conns, synq, time_wait, ranges;
	unsigned int packets;	/* that existed */
	uint64_t queued;	/* bytes of all queues, in whole buffers */
	uint64_t bytes;		/* all together at one time */
};

/** Look at what is in use now; packets: those that exist. */
void mem_peak_take(struct mem_peak *peak, const struct tcp_stack *stack,
	const struct pkt_pool *pool, unsigned int packets);

/** NULL, or which limit the peak was above. */
const char *mem_peak_excess(const struct mem_peak *peak, const struct tcp_stack *stack,
	const struct pkt_pool *pool);

#endif
