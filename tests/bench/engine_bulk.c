/* SPDX-License-Identifier: BSD-3-Clause */
/* Axis (d): full segments, received and sent, with and without a copy. */
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/bulk_peers.h"
#include "bench/engine_bulk.h"
#include "bench/engine_peers.h"

#include "base/compiler.h"

#define BURST BULK_BURST
#define TURNS BULK_TURNS
#define REPLIES 256u

/* Connections whose full segment is BULK_SEGMENT_BYTES, as with timestamps on Ethernet. */
static void
open_all(struct membed *m, struct peer *peers, uint32_t n)
{
	struct peer_frame frames[TURNS];
	struct peer_reply replies[TURNS];

	for (uint32_t i = 0; i < n; i++)
		peers[i] = peer_of(i);
	for (uint32_t i = 0; i < n; i += TURNS) {
		for (unsigned int j = 0; j < TURNS; j++) {
			frames[j] = peer_frame_of(&peers[i + j], PEER_SYN, 0);
			frames[j].lie = PEER_MSS;
		}
		if (membed_burst(m, frames, TURNS, replies, TURNS) != TURNS)
			abort();
		for (unsigned int j = 0; j < TURNS; j++) {
			peers[i + j].snd_nxt++;
			peers[i + j].rcv_nxt = replies[j].seq + 1;
			frames[j] = peer_frame_of(&peers[i + j], PEER_ACK, 0);
		}
		membed_burst(m, frames, TURNS, NULL, 0);
	}
	if (m->w.ctr.CurrEstab != n)
		abort();
}

/* Data comes in: a whole burst of it, and what the service reads it with. */
static uint64_t
receive_burst(struct membed *m, struct peer *peers)
{
	struct peer_frame frames[BURST];

	bulk_data(peers, frames);
	m->cycles = 0;
	membed_burst(m, frames, BURST, NULL, 0);
	return m->cycles;
}

static void
bench_receive(uint32_t conns, unsigned int runs, unsigned int bursts, enum engine_service service)
{
	struct membed *m = bench_alloc(1, sizeof(*m));
	struct peer *peers = bench_alloc(conns, sizeof(*peers));
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	uint64_t taken;
	uint32_t at = 0;

	membed_open(m, conns);
	engine_listen(m, 0, service);
	open_all(m, peers, conns);
	taken = m->w.ctr.outcome[OUT_DELIVERED];
	for (unsigned int run = 0; run < runs; run++) {
		for (unsigned int i = 0; i < bursts; i++) {
			bench_run_add(&spent, receive_burst(m, &peers[at]));
			at = (at + TURNS) % conns;
		}
		bench_run_end(&spent, &b, BURST);
	}
	/* All in order, none for want of a window. */
	if (m->w.ctr.outcome[OUT_DELIVERED] - taken != (uint64_t)runs * bursts * BURST)
		abort();
	bench_print(&b, service == ENGINE_SINK ? "bulk_receive" : "bulk_receive_copied", conns);
	membed_close(m);
	free(peers);
	free(m);
}

static unsigned int
take(struct bulk_arrivals *a, const struct peer_reply *replies, unsigned int n)
{
	if (n > REPLIES || bulk_take(a, replies, n) != n * BULK_SEGMENT_BYTES)
		abort();
	return n;
}

/* A byte from each client: its service begins to send. */
static void
start_all(struct membed *m, struct bulk_arrivals *a)
{
	struct peer_reply replies[REPLIES];

	for (uint32_t i = 0; i < a->conns; i++) {
		struct peer_frame frame = peer_frame_of(&a->peers[i], PEER_ACK | PEER_PSH, 1);

		a->peers[i].snd_nxt++;
		take(a, replies, membed_burst(m, &frame, 1, replies, REPLIES));
	}
}

/* ACKs of what came before; new segments follow, as many as they made room for. */
static SLUICE_NOINLINE unsigned int
send_burst(struct membed *m, struct bulk_arrivals *a, uint32_t first)
{
	struct peer_frame frames[BURST];
	struct peer_reply replies[REPLIES];
	unsigned int n = bulk_acks(a, first, frames);

	m->cycles = 0;
	return take(a, replies, membed_burst(m, frames, n, replies, REPLIES));
}

static void
bench_send(uint32_t conns, unsigned int runs, unsigned int bursts, enum engine_service service)
{
	struct membed *m = bench_alloc(1, sizeof(*m));
	struct bulk_arrivals a = {
		.peers = bench_alloc(conns, sizeof(*a.peers)),
		.nxt = bench_alloc(conns, sizeof(*a.nxt)),
		.conns = conns,
	};
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	uint32_t at = 0;

	membed_open(m, conns);
	engine_listen(m, 0, service);
	open_all(m, a.peers, conns);
	for (uint32_t i = 0; i < conns; i++)
		a.nxt[i] = a.peers[i].rcv_nxt;
	start_all(m, &a);
	for (unsigned int run = 0; run <= runs; run++) {
		for (unsigned int i = 0; i < bursts; i++) {
			unsigned int n = send_burst(m, &a, at);

			at = (at + TURNS) % conns;
			/* Slow start comes first. */
			if (run > 0 && n > 0)
				bench_run_add(&spent, m->cycles * BURST / n);
		}
		bench_run_end(&spent, &b, BURST);
	}
	bench_print(&b, service == ENGINE_SOURCE ? "bulk_send" : "bulk_send_copied", conns);
	membed_close(m);
	free(a.nxt);
	free(a.peers);
	free(m);
}

void
engine_bulk(uint32_t conns, unsigned int runs, unsigned int bursts)
{
	bench_receive(conns, runs, bursts, ENGINE_SINK);
	bench_receive(conns, runs, bursts, ENGINE_SINK_COPY);
	bench_send(conns, runs, bursts, ENGINE_SOURCE);
	bench_send(conns, runs, bursts, ENGINE_SOURCE_COPY);
}
