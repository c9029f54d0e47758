/* SPDX-License-Identifier: BSD-3-Clause */
/* Axis (g): what a request costs one engine, and two that work at the same time. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/engine_calibrate.h"
#include "bench/engine_peers.h"
#include "bench/engine_scaling.h"

#define BURST ENGINE_BURST
#define ENGINES 2u

/* By turns: each engine alone, then both, so that all see the same machine. */
enum phase {
	PHASE_FIRST,
	PHASE_SECOND,
	PHASE_BOTH,
	PHASES,
};

struct engine {
	struct scaling *s;
	unsigned int index;
	struct membed m;
	struct peer *peers;
	uint32_t at;
	uint64_t mixed;		/* of the loop that shares nothing by its nature */
	struct bench requests[PHASES], loops[PHASES];
};

struct scaling {
	uint32_t conns;
	unsigned int runs, bursts;
	pthread_barrier_t barrier;
	atomic_uint done;	/* engines that have all they measure in this phase */
	struct engine *engines[ENGINES];
};

static uint64_t
request(struct engine *e)
{
	struct peer *ptr[BURST];

	for (unsigned int j = 0; j < BURST; j++) {
		ptr[j] = &e->peers[e->at];
		e->at = (e->at + PEER_STRIDE) % e->s->conns;
	}
	e->m.cycles = 0;
	engine_request_burst(&e->m, ptr, BURST);
	return e->m.cycles;
}

static uint64_t
loop(struct engine *e)
{
	uint64_t start = bench_now();

	e->mixed = engine_calibrate_compute(e->mixed);
	return bench_now() - start;
}

static bool
takes_part(const struct engine *e, enum phase phase)
{
	return phase == PHASE_BOTH || (unsigned int)phase == e->index;
}

/* Both go on until each has measured, so that neither is ever alone. */
static void
measure(struct engine *e, enum phase phase, uint64_t (*work)(struct engine *e), struct bench *into)
{
	const unsigned int all = phase == PHASE_BOTH ? ENGINES : 1;
	struct bench_run spent = { 0 };

	pthread_barrier_wait(&e->s->barrier);
	if (e->index == 0)
		atomic_store(&e->s->done, 0);
	pthread_barrier_wait(&e->s->barrier);
	if (!takes_part(e, phase))
		return;
	for (unsigned int i = 0; i < e->s->bursts; i++)
		bench_run_add(&spent, work(e));
	atomic_fetch_add(&e->s->done, 1);
	while (atomic_load_explicit(&e->s->done, memory_order_relaxed) < all)
		(void)work(e);
	bench_run_end(&spent, into, BURST);
}

static void
stay_on_cpu(unsigned int index)
{
	cpu_set_t all, one;
	unsigned int nth = 0;

	if (sched_getaffinity(0, sizeof(all), &all) != 0)
		abort();
	CPU_ZERO(&one);
	for (size_t cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &all) && nth++ == index)
			CPU_SET(cpu, &one);
	if (pthread_setaffinity_np(pthread_self(), sizeof(one), &one) != 0)
		abort();
}

static void *
run(void *arg)
{
	struct engine *e = arg;

	stay_on_cpu(e->index);
	e->peers = bench_alloc(e->s->conns, sizeof(*e->peers));
	membed_open(&e->m, e->s->conns);
	engine_listen(&e->m, 0, ENGINE_ECHO);
	engine_establish(&e->m, e->peers, e->s->conns);
	for (unsigned int n = 0; n < e->s->runs; n++)
		for (enum phase phase = 0; phase < PHASES; phase++) {
			measure(e, phase, request, &e->requests[phase]);
			measure(e, phase, loop, &e->loops[phase]);
		}
	membed_close(&e->m);
	free(e->peers);
	return NULL;
}

static void
add(struct bench *to, const struct bench *from)
{
	for (unsigned int i = 0; i < from->runs && to->runs < BENCH_RUNS_MAX; i++)
		to->values[to->runs++] = from->values[i];
	to->preempted += from->preempted;
}

static void
print(const struct scaling *s)
{
	struct bench alone = { 0 }, both = { 0 }, loop_alone = { 0 }, loop_both = { 0 };

	for (unsigned int i = 0; i < ENGINES; i++) {
		add(&alone, &s->engines[i]->requests[i]);
		add(&both, &s->engines[i]->requests[PHASE_BOTH]);
		add(&loop_alone, &s->engines[i]->loops[i]);
		add(&loop_both, &s->engines[i]->loops[PHASE_BOTH]);
	}
	bench_print(&alone, "scaling_one", s->conns);
	bench_print(&both, "scaling_two", s->conns);
	bench_print(&loop_alone, "scaling_loop_one", s->conns);
	bench_print(&loop_both, "scaling_loop_two", s->conns);
}

void
engine_scaling(uint32_t conns, unsigned int runs, unsigned int bursts)
{
	struct scaling s = { .conns = conns, .runs = runs, .bursts = bursts };
	pthread_t threads[ENGINES];
	cpu_set_t all;

	if (sched_getaffinity(0, sizeof(all), &all) != 0 || (unsigned int)CPU_COUNT(&all) < ENGINES)
		return; /* two take turns on one CPU: that says nothing */
	pthread_barrier_init(&s.barrier, NULL, ENGINES);
	for (unsigned int i = 0; i < ENGINES; i++) {
		s.engines[i] = bench_alloc(1, sizeof(*s.engines[i]));
		s.engines[i]->s = &s;
		s.engines[i]->index = i;
		if (pthread_create(&threads[i], NULL, run, s.engines[i]) != 0)
			abort();
	}
	for (unsigned int i = 0; i < ENGINES; i++)
		(void)pthread_join(threads[i], NULL);
	print(&s);
	for (unsigned int i = 0; i < ENGINES; i++)
		free(s.engines[i]);
	pthread_barrier_destroy(&s.barrier);
}
