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

/** What bench_now counts. Cycles are those of the time stamp counter, not of the core. */
#if defined(__x86_64__)
#define BENCH_UNIT "cycles"
#else
#define BENCH_UNIT "ns"
#endif

/** One figure, measured several times. Begin with all zero. */
struct bench {
	unsigned int runs;
	double values[BENCH_RUNS_MAX];
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
	       "\"min\":%.1f,\"median\":%.1f,\"max\":%.1f,\"runs\":%u}\n",
		name, (unsigned long long)size, b->values[0], b->values[b->runs / 2],
		b->values[b->runs - 1], b->runs);
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
