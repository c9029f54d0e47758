/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine over an in-memory driver: SYNs with cookies, bogus ACKs, connections, requests. */
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/engine_attacks.h"
#include "bench/engine_bulk.h"
#include "bench/engine_calibrate.h"
#include "bench/engine_idle.h"
#include "bench/engine_memory.h"
#include "bench/engine_peers.h"
#include "bench/engine_residence.h"
#include "bench/engine_scaling.h"

#include "base/compiler.h"
#include "base/rng.h"

#define BURST ENGINE_BURST

/* How much is measured: for figures, or just enough to see that it works. */
struct effort {
	unsigned int runs;
	unsigned int bursts;		/* of single segments, per run */
	unsigned int conn_bursts;	/* of whole connections, per run */
	uint32_t many;			/* connections that do not fit a cache */
	uint32_t most;			/* connections that fill a machine */
	uint32_t time_waits;		/* the same, of those that are over */
};

static const struct effort full_effort = { 11, 4000, 600, 1000000, 10000000, 50000000 };
static const struct effort quick_effort = { 3, 40, 10, 2000, 4000, 20000 };

/* --- axes ------------------------------------------------------------------------------------ */

/* Axes (a), (a2): a SYN answered, an ACK refused, from random sources; live connections beside. */
static void
bench_syn(const struct effort *e, uint32_t live, bool bogus_ack)
{
	struct membed *m = bench_alloc(1, sizeof(*m));
	struct peer *peers = bench_alloc(live + 1, sizeof(*peers));
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	struct rng rng;

	membed_open(m, live);
	engine_listen(m, 2, ENGINE_ECHO);
	engine_establish(m, peers, live);
	rng_seed(&rng, 1);
	for (unsigned int run = 0; run < e->runs; run++) {
		for (unsigned int i = 0; i < e->bursts; i++) {
			struct peer_frame frames[BURST];
			struct peer_reply replies[BURST];

			for (unsigned int j = 0; j < BURST; j++)
				frames[j] = peer_frame_at_random(&rng,
					bogus_ack && i > 0 ? PEER_ACK : PEER_SYN, !bogus_ack);
			m->cycles = 0;
			membed_burst(m, frames, BURST, replies, BURST);
			bench_run_add(&spent, m->cycles);
		}
		bench_run_end(&spent, &b, BURST);
	}
	bench_print(&b, bogus_ack ? "bogus_ack" : "syn_cookie", live);
	membed_close(m);
	free(peers);
	free(m);
}

/* Axis (b): connection, request and answer, close by the peer. */
static void
bench_connection(const struct effort *e, uint32_t live, bool data)
{
	struct membed *m = bench_alloc(1, sizeof(*m));
	struct peer *peers = bench_alloc(live + 1, sizeof(*peers));
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	uint32_t next = live;

	membed_open(m, live + 65536);
	engine_listen(m, 0, ENGINE_ECHO);
	engine_establish(m, peers, live);
	for (unsigned int run = 0; run < e->runs; run++) {
		for (unsigned int i = 0; i < e->conn_bursts; i++) {
			struct peer batch[BURST];
			struct peer *ptr[BURST];

			for (unsigned int j = 0; j < BURST; j++) {
				batch[j] = peer_of(next++);
				ptr[j] = &batch[j];
			}
			m->cycles = 0;
			engine_open_burst(m, batch, BURST);
			if (data)
				engine_request_burst(m, ptr, BURST);
			engine_close_burst(m, batch, BURST);
			bench_run_add(&spent, m->cycles);
		}
		bench_run_end(&spent, &b, BURST);
	}
	bench_print(&b, data ? "connection_request" : "connection", live);
	membed_close(m);
	free(peers);
	free(m);
}

/* Requests on open connections chosen at random, so many at a time; returns cycles of one. */
static struct bench
measure_requests(const struct effort *e, uint32_t conns, unsigned int at_a_time, bool acked)
{
	struct membed *m = bench_alloc(1, sizeof(*m));
	struct peer *peers = bench_alloc(conns, sizeof(*peers));
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	struct rng rng;

	membed_open(m, conns);
	engine_listen(m, 0, ENGINE_ECHO);
	engine_establish(m, peers, conns);
	rng_seed(&rng, 1);
	for (unsigned int run = 0; run < e->runs; run++) {
		for (unsigned int i = 0; i < e->bursts; i++) {
			struct peer *ptr[BURST];
			uint32_t at = rng_below(&rng, conns);

			for (unsigned int j = 0; j < at_a_time; j++) {
				ptr[j] = &peers[at];
				at = (at + PEER_STRIDE) % conns;
			}
			m->cycles = 0;
			engine_request_burst(m, ptr, at_a_time);
			/* This connection's next request is far away: it acknowledges first. */
			if (acked)
				engine_ack_burst(m, ptr, at_a_time);
			bench_run_add(&spent, m->cycles);
		}
		bench_run_end(&spent, &b, at_a_time);
	}
	membed_close(m);
	free(peers);
	free(m);
	return b;
}

/* Axis (c): a request on an open connection. */
static void
bench_request(const struct effort *e, uint32_t conns, bool acked)
{
	struct bench b = measure_requests(e, conns, BURST, acked);

	bench_print(&b, acked ? "request_acked" : "request", conns);
}

/* What a request costs that comes with few others; the size is how many come at a time. */
static void
run_request_bursts(const struct effort *e)
{
	for (unsigned int n = 1; n <= BURST; n *= 2) {
		struct bench b = measure_requests(e, 1000, n, false);

		bench_print(&b, "request_burst", n);
	}
}

static void
run_attacks(const struct effort *e)
{
	engine_attacks(e->runs, e->bursts);
}

/* Axis (h): idle connections, few of which speak up. */
static void
run_idle(const struct effort *e)
{
	engine_idle(1000, e->runs, e->bursts);
	engine_idle(e->many, e->runs, e->bursts);
}

static void
run_idle_most(const struct effort *e)
{
	engine_idle(e->most, e->runs, e->bursts);
}

struct subject {
	const char *name;
	void (*run)(const struct effort *e);
};

static void
run_syn_cookie(const struct effort *e)
{
	bench_syn(e, 0, false);
}

static void
run_syn_cookie_live(const struct effort *e)
{
	bench_syn(e, e->many, false);
}

static void
run_bogus_ack(const struct effort *e)
{
	bench_syn(e, 0, true);
}

static void
run_bogus_ack_live(const struct effort *e)
{
	bench_syn(e, e->many, true);
}

static void
run_connection(const struct effort *e)
{
	bench_connection(e, 0, true);
	bench_connection(e, 0, false);
}

static void
run_connection_live(const struct effort *e)
{
	bench_connection(e, e->many, true);
}

static void
run_request(const struct effort *e)
{
	bench_request(e, 64, false);
	bench_request(e, 1000, false);
	bench_request(e, 1000, true);
}

static void
run_request_live(const struct effort *e)
{
	bench_request(e, e->many, true);
}

static void
run_bulk(const struct effort *e)
{
	engine_bulk(8, e->runs, e->bursts);
}

static void
run_residence(const struct effort *e)
{
	engine_residence(1000, e->bursts);
}

static void
run_scaling(const struct effort *e)
{
	engine_scaling(1000, e->runs, e->bursts);
}

static void
run_memory(const struct effort *e)
{
	engine_memory(e == &quick_effort);
}

static void
run_time_waits(const struct effort *e)
{
	engine_memory_time_waits(e->time_waits);
}

static void
run_calibrate(const struct effort *e)
{
	engine_calibrate(e->runs, e->bursts);
}

static const struct subject subjects[] = {
	{ "calibrate", run_calibrate },
	{ "syn_cookie", run_syn_cookie },
	{ "syn_cookie_live", run_syn_cookie_live },
	{ "bogus_ack", run_bogus_ack },
	{ "bogus_ack_live", run_bogus_ack_live },
	{ "connection", run_connection },
	{ "connection_live", run_connection_live },
	{ "request", run_request },
	{ "request_live", run_request_live },
	{ "request_bursts", run_request_bursts },
	{ "bulk", run_bulk },
	{ "residence", run_residence },
	{ "scaling", run_scaling },
	{ "memory", run_memory },
	{ "time_waits", run_time_waits },
	{ "idle", run_idle },
	{ "idle_most", run_idle_most },
	{ "attacks", run_attacks },
};

static void
usage(void)
{
	fprintf(stderr, "Usage: bench_engine [--quick] [NAME...]\nNames, all of them without one:");
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		fprintf(stderr, " %s", subjects[i].name);
	fprintf(stderr, "\n");
	exit(2);
}

static const struct subject *
subject_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		if (strcmp(subjects[i].name, name) == 0)
			return &subjects[i];
	usage();
	return NULL;
}

int
main(int argc, char **argv)
{
	const struct effort *effort = &full_effort;
	int first = 1;

	if (argc > 1 && strcmp(argv[1], "--quick") == 0) {
		effort = &quick_effort;
		first = 2;
	}
	for (int i = first; i < argc; i++)
		subject_named(argv[i]);
	for (int i = first; i < argc; i++)
		subject_named(argv[i])->run(effort);
	for (size_t i = 0; i < ARRAY_SIZE(subjects) && first == argc; i++)
		subjects[i].run(effort);
	return 0;
}
