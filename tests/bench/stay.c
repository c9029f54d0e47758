/* SPDX-License-Identifier: BSD-3-Clause */
/* Requests that come at random to somebody who serves them in bursts. */
#include <math.h>
#include <stdlib.h>
#include <time.h>

#include "bench/bench.h"
#include "bench/stay.h"

#include "base/rng.h"
#include "worker/residence.h"

#define BURST STAY_BURST
#define LOAD 0.5
/* Of the bursts that measure, so many come before. */
#define WARM_UP 8u

/*
 * Requests arrive at random times (Poisson) of a clock that runs while they are served, and jumps
 * over what the program does besides. When a burst is served, what has arrived meanwhile is taken,
 * a burst at most, or the next is waited for. Two times are counted: being served, since arrival.
 */
struct stream {
	const struct stay_subject *subject;
	struct peer *peers;
	uint32_t conns, at;
	double now, gap;	/* BENCH_UNIT; between two arrivals, on the average */
	double limit;		/* a burst that took longer was not ours */
	double next;		/* when the first of those to come arrives */
	struct rng rng;
	struct residence served, total;
	unsigned int preempted;
};

static double
draw_gap(struct stream *s)
{
	return -s->gap * log(1.0 - (double)(rng_u64(&s->rng) >> 11) / (double)(1ULL << 53));
}

static struct stay_time
serve(struct stream *s, unsigned int n)
{
	struct peer *ptr[BURST];

	for (unsigned int j = 0; j < n; j++) {
		ptr[j] = &s->peers[s->at];
		s->at = (s->at + PEER_STRIDE) % s->conns;
	}
	return s->subject->serve(s->subject->arg, ptr, n);
}

/* What has arrived by now, BURST at most. */
static void
step(struct stream *s)
{
	double came[BURST];
	unsigned int n = 0;
	struct stay_time took;

	if (s->now < s->next)
		s->now = s->next;
	for (; n < BURST && s->next <= s->now; n++) {
		came[n] = s->next;
		s->next += draw_gap(s);
	}
	took = serve(s, n);
	if ((double)took.all > s->limit) {
		s->preempted++;
		return;
	}
	s->served.bucket[residence_bucket_of(took.answered)] += n;
	for (unsigned int j = 0; j < n; j++) {
		double stayed = s->now + (double)took.answered - came[j];

		s->total.bucket[residence_bucket_of((uint64_t)stayed)]++;
	}
	s->now += (double)took.all;
}

/* What a request costs in full bursts: the most that can be done. */
static double
cost(struct stream *s, unsigned int bursts)
{
	struct bench_run spent = { 0 };
	struct bench b = { 0 };

	for (unsigned int i = 0; i < bursts; i++)
		bench_run_add(&spent, serve(s, BURST).all);
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
print(const struct stream *s, const char *and, const struct residence *r, double ns)
{
	printf("{\"bench\":\"%s%s\",\"size\":%u,\"unit\":\"ns\",\"p50\":%.0f,\"p99\":%.0f,"
	       "\"p999\":%.0f,\"preempted\":%u}\n",
		s->subject->name, and, s->conns, ns * (double)residence_quantile(r, 500000),
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
			s->served = s->total = (struct residence){ 0 };
		step(s);
	}
}

double
stay_measure(const struct stay_subject *subject, struct peer *peers, uint32_t conns,
	unsigned int bursts)
{
	struct stream *s = bench_alloc(1, sizeof(*s));
	double ns = ns_per_unit();
	double each;

	s->subject = subject;
	s->peers = peers;
	s->conns = conns;
	rng_seed(&s->rng, 1);
	each = cost(s, bursts);
	s->gap = each / LOAD;
	s->limit = BENCH_PREEMPTED * each * BURST;
	run(s, bursts);
	print(s, "", &s->served, ns);
	print(s, "_and_wait", &s->total, ns);
	free(s);
	return each;
}
