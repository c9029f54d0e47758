/* SPDX-License-Identifier: BSD-3-Clause */
/* How fast is this machine just now? Asked with code that is not the engine's. */
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/engine_calibrate.h"

#define SMALL (1u << 13)	/* bytes: in the first cache */
#define LARGE (1u << 27)	/* beyond any */
#define STEPS 32u		/* a burst */
#define ROUNDS 16u		/* of computing, a step */
#define TOGETHER 4u		/* lines that are fetched at a time, as a burst's are */

static uint64_t
mix(uint64_t x)
{
	x ^= x >> 33;
	x *= 0xff51afd7ed558ccdULL;
	return x ^ x >> 29;
}

static uint64_t
compute(const uint8_t *memory, uint64_t x)
{
	for (unsigned int i = 0; i < STEPS * ROUNDS; i++) {
		x = mix(x + memory[x % SMALL]);
		if (x & 64)
			x += i;
	}
	return x;
}

static uint64_t
fetch(const uint8_t *memory, uint64_t x)
{
	for (unsigned int i = 0; i < STEPS; i++) {
		uint64_t sum = 0;

		for (unsigned int k = 0; k < TOGETHER; k++)
			sum += memory[mix(x + k) % LARGE];
		x = mix(x + sum + i);
	}
	return x;
}

static void
calibrate(const char *name, uint64_t (*loop)(const uint8_t *memory, uint64_t x),
	const uint8_t *memory, unsigned int runs, unsigned int bursts)
{
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	uint64_t x = 1;

	for (unsigned int run = 0; run < runs; run++) {
		for (unsigned int i = 0; i < bursts; i++) {
			uint64_t start = bench_now();

			x = loop(memory, x);
			bench_run_add(&spent, bench_now() - start);
		}
		bench_run_end(&spent, &b, STEPS);
	}
	bench_keep(x);
	bench_print(&b, name, 0);
}

uint64_t
engine_calibrate_compute(uint64_t x)
{
	static const uint8_t memory[SMALL];

	return compute(memory, x);
}

void
engine_calibrate(unsigned int runs, unsigned int bursts)
{
	uint8_t *memory = bench_alloc(LARGE, 1);

	calibrate("calibrate_compute", compute, memory, runs, bursts);
	calibrate("calibrate_fetch", fetch, memory, runs, bursts);
	free(memory);
}
