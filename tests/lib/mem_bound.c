/* SPDX-License-Identifier: BSD-3-Clause */
/* The formula of docs/memory.md, term by term. */
#include "lib/mem_bound.h"

#include "tcp/tcp_delivery.h"
#include "tcp/tcp_extra.h"
#include "tcp/tcp_notes.h"

/* Of one connection, SYN-queue entry, TIME-WAIT entry, run. */
static const uint64_t conn_bytes = sizeof(struct tcp_conn) + sizeof(struct tcp_cold) +
	sizeof(struct tcp_park) + sizeof(struct tcp_extra) + sizeof(struct tcp_score) +
	sizeof(struct tcp_delivery) + sizeof(struct wheel_node) +
	(SLUICE_CONN_NOTES ? sizeof(struct tcp_notes) : 0);
static const uint64_t synq_bytes = sizeof(struct tcp_synq_entry) + sizeof(struct wheel_node) +
	sizeof(struct ip_addr);
static const uint64_t tw_bytes = sizeof(struct tcp_tw) + sizeof(struct ip_addr);
static const uint64_t range_bytes = sizeof(struct tcp_range);

/* As many buckets as hold so many flows at six a bucket. */
static uint64_t
table_bytes(uint64_t flows)
{
	return max_u64((flows + 5) / 6, FLOW_PROBE_MAX) * CACHE_LINE;
}

/* Counts of connections by source prefix: four rows of cells, half as many as there can be. */
static uint64_t
sketch_bytes(uint64_t flows)
{
	uint64_t width = 1024;

	while (width < flows / 2 && width < 1u << 25)
		width *= 2;
	return SKETCH_ROWS * width * sizeof(uint32_t);
}

/* What does not depend on the sizes. */
static uint64_t
fixed_bytes(void)
{
	/* Eight arrays begin on a line of their own. */
	return sizeof(struct tcp_stack) + sizeof(struct tcp_tw) + 8 * CACHE_LINE +
		WHEEL_HEADS * sizeof(struct wheel_node) +
		(TCP_RATE_SETS + 1) * sizeof(struct rate_set) +
		TCP_LISTENERS_MAX * sizeof(struct tcp_listener) + 65536 * sizeof(uint16_t) +
		TCP_FASTOPEN_PEERS * sizeof(struct tcp_fastopen_peer);
}

uint64_t
mem_bound_engine(const struct tcp_params *par)
{
	uint64_t c = par->conns_max, s = par->synq_max, t = par->timewait_max;

	return c * conn_bytes + s * synq_bytes + t * tw_bytes + par->ranges_max * range_bytes +
		table_bytes(c + s + t) + sketch_bytes(c + s) + fixed_bytes();
}

uint64_t
mem_bound_neighbours(unsigned int entries)
{
	uint64_t buckets = NEIGH_MIN;

	while (buckets < entries)
		buckets *= 2;
	return entries * sizeof(struct neigh) + buckets * sizeof(uint32_t);
}

uint64_t
mem_bound_packets(const struct pkt_pool *pool)
{
	return (uint64_t)pool->size * pool->charge;
}

void
mem_peak_take(struct mem_peak *peak, const struct tcp_stack *stack, const struct pkt_pool *pool,
	unsigned int packets)
{
	uint64_t bytes = stack->conns_used * conn_bytes + stack->synq_used * synq_bytes +
		stack->tw_live * tw_bytes + stack->ranges_used * range_bytes +
		(uint64_t)packets * pool->charge;

	peak->conns = max_u32(peak->conns, stack->conns_used);
	peak->synq = max_u32(peak->synq, stack->synq_used);
	peak->time_wait = max_u32(peak->time_wait, stack->tw_live);
	peak->ranges = max_u32(peak->ranges, stack->ranges_used);
	peak->packets = max_u32(peak->packets, packets);
	peak->queued = max_u64(peak->queued, stack->mem.held);
	peak->bytes = max_u64(peak->bytes, bytes);
}

const char *
mem_peak_excess(const struct mem_peak *peak, const struct tcp_stack *stack,
	const struct pkt_pool *pool)
{
	const struct tcp_params *par = &stack->par;
	/* Looked at once a burst. */
	uint64_t packets = (uint64_t)(pool->size - pool->reserve) + TCP_BURST_MAX;

	if (peak->conns > par->conns_max)
		return "memory.connections";
	if (peak->synq > par->synq_max)
		return "memory.syn_queue";
	if (peak->time_wait > par->timewait_max)
		return "memory.time_wait";
	if (peak->ranges > par->ranges_max)
		return "memory.gaps";
	if (peak->packets > pool->size)
		return "memory.packets";
	if (peak->queued > packets * pool->charge)
		return "the packets above the reserve";
	if (peak->bytes > mem_bound_engine(par) + mem_bound_packets(pool))
		return "the whole";
	return NULL;
}
