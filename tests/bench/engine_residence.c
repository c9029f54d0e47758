/* SPDX-License-Identifier: BSD-3-Clause */
/* Axis (e): from the burst that took a request in to the one with its answer, at half load. */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "bench/bench.h"
#include "bench/engine_peers.h"
#include "bench/engine_residence.h"

#include "base/rng.h"

#define BURST ENGINE_BURST
#define LOAD 0.5
/* Of the bursts that measure, so many come before. */
#define WARM_UP 8u

/*
 * Requests arrive at random times (Poisson) of a clock that runs while the worker works, and jumps
 * over what the program does besides. When the worker is done it takes what has arrived meanwhile,
 * a burst at most, or waits for the next. Two times are counted: in the worker, and since arrival.
 * The same with a worker that does nothing but look at the clock tells what the machine takes away.
 */
struct stream {
	struct membed *m;
	struct peer *peers;
	uint32_t conns, at;
	double now, gap;	/* BENCH_UNIT; between two arrivals, on the average */
	double limit;		/* a burst that took longer was not ours */
	double next;		/* when the first of those to come arrives */
	double spin;		/* BENCH_UNIT; a request costs so much instead; 0: it is served */
	struct rng rng;
	struct residence worker, total;
	unsigned int preempted;
};

static double
draw_gap(struct stream *s)
{
	return -s->gap * log(1.0 - (double)(rng_u64(&s->rng) >> 11) / (double)(1ULL << 53));
}

static uint64_t
spin(double units)
{
	uint64_t start = bench_now();
	uint64_t took;

	do
		took = bench_now() - start;
	while ((double)took < units);
	return took;
}

static uint64_t
serve(struct stream *s, unsigned int n)
{
	struct peer *ptr[BURST];

	if (s->spin > 0.0)
		return spin(n * s->spin);
	for (unsigned int j = 0; j < n; j++) {
		ptr[j] = &s->peers[s->at];
		s->at = (s->at + PEER_STRIDE) % s->conns;
	}
	s->m->cycles = 0;
	engine_request_burst(s->m, ptr, n);
	return s->m->cycles;
}

/* What has arrived by now, BURST at most. */
static void
step(struct stream *s)
{
	double came[BURST];
	unsigned int n = 0;
	uint64_t took;

	if (s->now < s->next)
		s->now = s->next;
	for (; n < BURST && s->next <= s->now; n++) {
		came[n] = s->next;
		s->next += draw_gap(s);
	}
	took = serve(s, n);
	if ((double)took > s->limit) {
		s->preempted++;
		return;
	}
	s->now += (double)took;
	s->worker.bucket[residence_bucket_of(took)] += n;
	for (unsigned int j = 0; j < n; j++)
		s->total.bucket[residence_bucket_of((uint64_t)(s->now - came[j]))]++;
}

/* What a request costs in full bursts: the most the worker can do. */
static double
cost(struct stream *s, unsigned int bursts)
{
	struct bench_run spent = { 0 };
	struct bench b = { 0 };

	for (unsigned int i = 0; i < bursts; i++)
		bench_run_add(&spent, serve(s, BURST));
	bench_run_end(&spent, &b, BURST);
	return b.values[0];
}

static double
ns_per_unit(void)
{
	struct timespec from, to;
	uint64_t start = bench_now();
	double ns;

	clock_gettime(CLOCK_MONOTONIC, &from);
	do {
		clock_gettime(CLOCK_MONOTONIC, &to);
		ns = 1e9 * (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec);
	} while (ns < 2e7);
	return ns / (double)(bench_now() - start);
}

static void
print(const char *name, const struct residence *r, const struct stream *s, double ns)
{
	printf("{\"bench\":\"%s\",\"size\":%u,\"unit\":\"ns\",\"p50\":%.0f,\"p99\":%.0f,"
	       "\"p999\":%.0f,\"preempted\":%u}\n",
		name, s->conns, ns * (double)residence_quantile(r, 500000),
		ns * (double)residence_quantile(r, 990000),
		ns * (double)residence_quantile(r, 999000), s->preempted);
	fflush(stdout);
}

static void
run(struct stream *s, unsigned int bursts)
{
	s->preempted = 0;
	for (unsigned int i = 0; i < bursts * BURST; i++) {
		if (i == bursts * BURST / WARM_UP)
			s->worker = s->total = (struct residence){ 0 };
		step(s);
	}
}

void
engine_residence(uint32_t conns, unsigned int bursts)
{
	struct stream *s = bench_alloc(1, sizeof(*s));
	double ns = ns_per_unit();

	s->m = bench_alloc(1, sizeof(*s->m));
	s->peers = bench_alloc(conns, sizeof(*s->peers));
	s->conns = conns;
	rng_seed(&s->rng, 1);
	membed_open(s->m, conns);
	engine_listen(s->m, 0, ENGINE_ECHO);
	engine_establish(s->m, s->peers, conns);
	s->gap = cost(s, bursts) / LOAD;
	s->limit = BENCH_PREEMPTED * s->gap * LOAD * BURST;
	run(s, bursts);
	print("residence", &s->worker, s, ns);
	print("residence_and_wait", &s->total, s, ns);
	s->spin = s->gap * LOAD;
	run(s, bursts);
	print("residence_spin", &s->worker, s, ns);
	print("residence_spin_and_wait", &s->total, s, ns);
	membed_close(s->m);
	free(s->peers);
	free(s->m);
	free(s);
}
