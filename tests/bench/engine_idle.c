/* SPDX-License-Identifier: BSD-3-Clause */
/* Axis (h): connections that are idle for most of their life, and woken here and there. */
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/engine_idle.h"
#include "bench/engine_memory.h"
#include "bench/engine_peers.h"

#include "base/compiler.h"
#include "tcp/tcp_int.h"

#define BURST ENGINE_BURST
/* How many connections speak up in a second: those are awake for some time, the others parked. */
#define EVENTS 12500u
/* Each keeps quiet for at least so long: what comes sooner is answered once in half a second. */
#define QUIET_US 2000000u

struct idlers {
	struct membed *m;
	struct peer *peers;
	uint32_t conns;
	uint32_t at;
	uint64_t step_us;	/* from one burst to the next */
};

/* Clock and timers go on: parking and the wheel are part of what is measured. */
static void
let_time_pass(struct idlers *w)
{
	w->m->now_us += w->step_us;
}

static void
choose(struct idlers *w, struct peer **ptr)
{
	for (unsigned int j = 0; j < BURST; j++) {
		ptr[j] = &w->peers[w->at];
		w->at = (w->at + PEER_STRIDE) % w->conns;
	}
}

/* 64 bytes are asked and answered; the next segment is far away, so the peer acknowledges. */
static uint64_t
request(struct idlers *w)
{
	struct peer *ptr[BURST];

	choose(w, ptr);
	let_time_pass(w);
	w->m->cycles = 0;
	engine_request_burst(w->m, ptr, BURST);
	engine_ack_burst(w->m, ptr, BURST);
	return w->m->cycles;
}

/* RFC 9293 s3.8.4: a number that was acknowledged already, to be told so. */
static uint64_t
keepalive(struct idlers *w)
{
	struct peer_frame frames[BURST];
	struct peer_reply replies[BURST];
	struct peer *ptr[BURST];

	choose(w, ptr);
	for (unsigned int j = 0; j < BURST; j++) {
		frames[j] = peer_frame_of(ptr[j], PEER_ACK, 0);
		frames[j].seq--;
	}
	let_time_pass(w);
	w->m->cycles = 0;
	if (membed_burst(w->m, frames, BURST, replies, BURST) != BURST)
		abort();
	for (unsigned int j = 0; j < BURST; j++)
		if (replies[j].flags != PEER_ACK || replies[j].ack != ptr[j]->snd_nxt)
			abort();
	return w->m->cycles;
}

static void
fill(struct idlers *w)
{
	engine_listen(w->m, 0, ENGINE_ECHO);
	for (uint32_t i = 0; i < w->conns; i += BURST) {
		let_time_pass(w);
		engine_establish_more(w->m, w->peers, i, min_u32(i + BURST, w->conns));
	}
	/* Those that came last are parked a few at a time. */
	for (unsigned int s = 0; s < 600 && w->m->w.tcp->conns_parked < w->conns; s++)
		membed_idle(w->m, 1000);
	if (w->m->w.tcp->conns_parked != w->conns)
		abort();
}

static void
measure(struct idlers *w, unsigned int runs, unsigned int bursts)
{
	struct bench_run asked = { 0 }, probed = { 0 };
	struct bench requests = { 0 }, keepalives = { 0 };

	for (unsigned int run = 0; run < runs; run++) {
		for (unsigned int i = 0; i < bursts; i++) {
			bench_run_add(&asked, request(w));
			bench_run_add(&probed, keepalive(w));
		}
		bench_run_end(&asked, &requests, BURST);
		bench_run_end(&probed, &keepalives, BURST);
	}
	bench_print(&requests, "idle_request", w->conns);
	bench_print(&keepalives, "idle_keepalive", w->conns);
}

/* All that the engine and its driver took, packets among it; at the end, when some are awake. */
static void
print_memory(const struct idlers *w, uint64_t idle, uint64_t live)
{
	printf("{\"bench\":\"idle_memory\",\"size\":%u,\"unit\":\"bytes\",\"idle\":%llu,"
	       "\"live\":%llu,\"awake\":%llu}\n",
		w->conns, (unsigned long long)idle, (unsigned long long)live,
		(unsigned long long)(w->conns - w->m->w.tcp->conns_parked));
	fflush(stdout);
}

void
engine_idle(uint32_t conns, unsigned int runs, unsigned int bursts)
{
	struct membed *m = bench_alloc(1, sizeof(*m));
	struct peer *peers = bench_alloc(conns, sizeof(*peers));
	struct idlers w = {
		.m = m,
		.peers = peers,
		.conns = conns,
		.step_us = max_u64(
			(uint64_t)BURST * 1000000 / EVENTS, (uint64_t)BURST * QUIET_US / conns),
	};
	uint64_t before = engine_resident_bytes();
	uint64_t idle;

	membed_open(m, conns);
	fill(&w);
	idle = engine_resident_bytes() - before;
	measure(&w, runs, bursts);
	if (m->w.ctr.CurrEstab != conns)
		abort();
	print_memory(&w, idle, engine_resident_bytes() - before);
	membed_close(m);
	free(peers);
	free(m);
}
