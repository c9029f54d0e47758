/* SPDX-License-Identifier: BSD-3-Clause */
/* What every benchmark needs: a clock, the values of several runs, and a line of JSON for them. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

/** Most runs of one benchmark; an odd number has a true median. */
#define BENCH_RUNS_MAX 101u

/** Most bursts of one run. */
#define BENCH_BURSTS_MAX 4096u

/** A burst that took this many times the run's median was not ours: the CPU did something else. */
#define BENCH_PREEMPTED 20u

/** What bench_now counts. Cycles are those of the time stamp counter, not of the core. */
#if defined(__x86_64__)
#define BENCH_UNIT "cycles"
#else
#define BENCH_UNIT "ns"
#endif

/** One figure, measured several times. Begin with all zero. */
struct bench {
	unsigned int runs;
	unsigned int preempted;	/* bursts left out, of all runs */
	double values[BENCH_RUNS_MAX];
};

/** The bursts of one run, for work that is measured in pieces. Begin with all zero. */
struct bench_run {
	unsigned int bursts;
	uint64_t took[BENCH_BURSTS_MAX];	/* BENCH_UNIT */
};

/** The time in BENCH_UNIT; everything before has finished and nothing after has begun. */
static inline uint64_t
bench_now(void)
{
#if defined(__x86_64__)
	uint64_t now;

	_mm_lfence();
	now = __rdtsc();
	_mm_lfence();
	return now;
#else
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
#endif
}

/** The time in BENCH_UNIT as a program under way reads it: without waiting for anything. */
static inline uint64_t
bench_ticks(void)
{
#if defined(__x86_64__)
	return __rdtsc();
#else
	return bench_now();
#endif
}

/** The compiler must assume that value is used. */
static inline void
bench_keep(uint64_t value)
{
	__asm__ volatile("" : : "r"(value) : "memory");
}

/** A run is over: it began at start and did ops operations. */
static inline void
bench_add(struct bench *b, uint64_t start, uint64_t ops)
{
	uint64_t end = bench_now();

	if (b->runs < BENCH_RUNS_MAX)
		b->values[b->runs++] = (double)(end - start) / (double)ops;
}

static inline int
bench_compare_took(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

/** A burst is over. */
static inline void
bench_run_add(struct bench_run *run, uint64_t took)
{
	if (run->bursts < BENCH_BURSTS_MAX)
		run->took[run->bursts++] = took;
}

/**
 * A run is over: each burst did ops operations. Bursts during which another process or the host had
 * the CPU are left out and counted. Makes the run ready for the next.
 */
static inline void
bench_run_end(struct bench_run *run, struct bench *b, uint64_t ops)
{
	unsigned int n = run->bursts;
	uint64_t total = 0;
	uint64_t limit;

	if (n == 0 || b->runs == BENCH_RUNS_MAX)
		return;
	qsort(run->took, n, sizeof(run->took[0]), bench_compare_took);
	limit = BENCH_PREEMPTED * run->took[n / 2];
	while (run->took[n - 1] > limit)
		n--;
	for (unsigned int i = 0; i < n; i++)
		total += run->took[i];
	b->preempted += run->bursts - n;
	b->values[b->runs++] = (double)total / (double)((uint64_t)n * ops);
	run->bursts = 0;
}

static inline int
bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;

	return (x > y) - (x < y);
}

/** One line on standard output: the figure per operation. Sorts the values. */
static inline void
bench_print(struct bench *b, const char *name, uint64_t size)
{
	if (b->runs == 0)
		return;
	qsort(b->values, b->runs, sizeof(b->values[0]), bench_compare);
	printf("{\"bench\":\"%s\",\"size\":%llu,\"unit\":\"" BENCH_UNIT "\","
	       "\"min\":%.1f,\"median\":%.1f,\"max\":%.1f,\"runs\":%u,"
	       "\"preempted\":%u}\n",
		name, (unsigned long long)size, b->values[0], b->values[b->runs / 2],
		b->values[b->runs - 1], b->runs, b->preempted);
	fflush(stdout);
}

/** Memory, zeroed and touched, on its own cache lines; ends the program when there is none. */
static inline void *
bench_alloc(size_t count, size_t len_bytes)
{
	size_t total = (count * len_bytes + 63) / 64 * 64;
	unsigned char *p = aligned_alloc(64, total);

	if (p == NULL) {
		fprintf(stderr, "bench: no memory for %zu bytes\n", total);
		exit(1);
	}
	for (size_t i = 0; i < total; i++)
		p[i] = 0;
	return p;
}

#endif
