/* SPDX-License-Identifier: BSD-3-Clause */
/* The timer wheel: arming again as each segment does, arming and stopping, and firing. */
#include "base/compiler.h"
#include "base/rng.h"
#include "bench/bench.h"
#include "timer/wheel.h"

#define RUNS 15u
#define OPS (1u << 17)
#define FIRED_MAX 64u

/* Timers expire at random within this time: a retransmission timeout of one to two seconds. */
#define SPREAD_MS 1000u

struct fixture {
	uint32_t size;
	struct wheel wheel;
	uint32_t *ids; /* OPS random ones */
	struct rng rng;
};

static void
fixture_init(struct fixture *f, uint32_t size)
{
	rng_seed(&f->rng, size);
	f->size = size;
	f->ids = bench_alloc(OPS, sizeof(*f->ids));
	if (wheel_init(&f->wheel, size, 0, &mem_libc) != 0)
		exit(1);
	for (uint32_t i = 0; i < OPS; i++)
		f->ids[i] = rng_below(&f->rng, size);
	for (uint32_t id = 0; id < size; id++)
		wheel_arm(&f->wheel, id, SPREAD_MS + rng_below(&f->rng, SPREAD_MS));
}

static void
fixture_fini(struct fixture *f)
{
	wheel_fini(&f->wheel);
	free(f->ids);
}

/* step_ms per operation: forward as with every ACK, or backward so that each timer moves. */
static void
bench_rearm(struct fixture *f, const char *name, int32_t step_ms)
{
	struct bench b = { 0 };

	for (unsigned int run = 0; run <= RUNS; run++) {
		uint64_t start = bench_now();

		for (uint32_t i = 0; i < OPS; i++) {
			uint32_t id = f->ids[i];

			wheel_arm(&f->wheel, id, wheel_expires(&f->wheel, id) + (uint32_t)step_ms);
		}
		if (run > 0)
			bench_add(&b, start, OPS);
	}
	bench_print(&b, name, f->size);
}

static void
bench_stop_arm(struct fixture *f)
{
	struct bench b = { 0 };

	for (unsigned int run = 0; run <= RUNS; run++) {
		uint64_t start = bench_now();

		for (uint32_t i = 0; i < OPS; i++) {
			uint32_t id = f->ids[i];

			wheel_stop(&f->wheel, id);
			wheel_arm(&f->wheel, id, SPREAD_MS + (i & 0xff));
		}
		if (run > 0)
			bench_add(&b, start, OPS);
	}
	bench_print(&b, "wheel_stop_arm", f->size);
}

/* The clock runs; what fires is armed again for later: moving down the levels is in the figure. */
static void
bench_fire(struct fixture *f)
{
	uint32_t fired[FIRED_MAX];
	uint32_t now_ms = f->wheel.now_ms;
	struct bench b = { 0 };

	for (unsigned int run = 0; run <= RUNS; run++) {
		uint64_t count = 0;
		uint64_t start = bench_now();

		while (count < OPS) {
			unsigned int n = wheel_advance(&f->wheel, now_ms, fired, FIRED_MAX);
			uint32_t at_ms;

			for (unsigned int i = 0; i < n; i++)
				wheel_arm(&f->wheel, fired[i],
					now_ms + SPREAD_MS + f->ids[(count + i) % OPS] % SPREAD_MS);
			count += n;
			if (wheel_next(&f->wheel, &at_ms) && seq32_gt(at_ms, now_ms))
				now_ms++;
		}
		if (run > 0)
			bench_add(&b, start, count);
	}
	bench_print(&b, "wheel_fire_arm", f->size);
}

/* Nothing to do: what every round of an idle worker pays. */
static void
bench_idle(struct fixture *f)
{
	uint32_t fired[FIRED_MAX];
	struct bench b = { 0 };

	for (uint32_t id = 0; id < f->size; id++)
		wheel_arm(&f->wheel, id, f->wheel.now_ms + 10 * SPREAD_MS);
	while (wheel_advance(&f->wheel, f->wheel.now_ms + SPREAD_MS, fired, FIRED_MAX) > 0)
		;
	for (unsigned int run = 0; run <= RUNS; run++) {
		uint64_t start = bench_now();

		for (uint32_t i = 0; i < OPS; i++)
			bench_keep(wheel_advance(&f->wheel, f->wheel.now_ms, fired, FIRED_MAX));
		if (run > 0)
			bench_add(&b, start, OPS);
	}
	bench_print(&b, "wheel_advance_idle", f->size);
}

int
main(void)
{
	static const uint32_t sizes[] = { 1000, 100000, 1000000 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct fixture f;

		fixture_init(&f, sizes[i]);
		bench_rearm(&f, "wheel_arm_later", 1);
		bench_rearm(&f, "wheel_arm_earlier", -1);
		bench_stop_arm(&f);
		bench_fire(&f);
		bench_idle(&f);
		fixture_fini(&f);
	}
	return 0;
}
