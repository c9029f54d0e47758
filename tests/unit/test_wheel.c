/* SPDX-License-Identifier: BSD-3-Clause */
/* The timer wheel: exact instants, the wrap of the clock, bounded calls, and a naive model. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/rng.h"
#include "timer/wheel.h"

static bool calloc_fails;

void
base_assert_fail(const char *file, int line, const char *expr)
{
	mock_assert(0, expr, file, line);
	abort();
}

/* Stands in for the library's in this program. */
void *
calloc(size_t count, size_t size)
{
	void *p;

	if (calloc_fails || posix_memalign(&p, 64, count * size) != 0)
		return NULL;
	return memset(p, 0, count * size);
}

/* Advance with room for all; the wheel must not ask for more at the same time. */
static unsigned int
advance_all(struct wheel *w, uint32_t now_ms, uint32_t *fired, unsigned int fired_max)
{
	unsigned int count = 0;
	uint32_t at_ms;

	do {
		count += wheel_advance(w, now_ms, fired + count, fired_max - count);
	} while (count < fired_max && wheel_next(w, &at_ms) && seq32_leq(at_ms, now_ms));
	return count;
}

static void
init_takes_everything_or_nothing(void **state)
{
	static const struct {
		uint32_t ids_max;
		bool calloc_fails;
		int result;
	} rows[] = {
		{ 0, false, -EINVAL },
		{ 1, false, 0 },
		{ 1, true, -ENOMEM },
		{ 1000, false, 0 },
		{ WHEEL_IDS_MAX + 1, false, -EINVAL },
		{ UINT32_MAX, false, -EINVAL },
	};
	struct wheel w;
	uint32_t at_ms;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		int result;

		calloc_fails = rows[i].calloc_fails;
		result = wheel_init(&w, rows[i].ids_max, 5, &mem_libc);
		calloc_fails = false;
		if (result != rows[i].result)
			fail_msg("row %zu: %d", i, result);
		assert_int_equal(w.armed, 0);
		assert_int_equal(w.nodes != NULL, result == 0);
		for (uint32_t id = 0; result == 0 && id < rows[i].ids_max; id++)
			assert_false(wheel_is_armed(&w, id));
		assert_false(wheel_next(&w, &at_ms));
		wheel_fini(&w);
	}
}

static void
a_timer_fires_at_its_millisecond_and_not_one_before(void **state)
{
	static const struct {
		uint32_t start_ms;
		uint32_t after_ms;
	} rows[] = {
		{ 0, 1 },
		{ 0, 255 },
		{ 0, 256 },
		{ 0, 257 },
		{ 255, 1 },
		{ 0, 65535 },
		{ 0, 65536 },
		{ 65535, 1 },
		{ 1234567, 200 },
		{ 0, 0x00ffffff },
		{ 0, 0x01000000 },
		{ 0x00ffffff, 1 },
		{ 0, 0x7fffffff },
		{ 0xffffffff, 1 },
		{ 0xffffff00, 0x100 },
		{ 0xffffff80, 0x80 },
		{ 0xffff0000, 0x10001 },
		{ 0xfffffff0, 0x7fffffff },
		{ 0x80000000, 0x7fffffff },
		{ 0x7fffffff, 1 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t expires_ms = rows[i].start_ms + rows[i].after_ms;
		uint32_t fired[2];
		struct wheel w;

		assert_int_equal(wheel_init(&w, 3, rows[i].start_ms, &mem_libc), 0);
		wheel_arm(&w, 1, expires_ms);
		assert_true(wheel_is_armed(&w, 1));
		assert_int_equal(wheel_expires(&w, 1), expires_ms);
		assert_int_equal(w.armed, 1);
		if (advance_all(&w, expires_ms - 1, fired, 2) != 0)
			fail_msg("row %zu fired early", i);
		if (advance_all(&w, expires_ms, fired, 2) != 1)
			fail_msg("row %zu did not fire", i);
		assert_int_equal(fired[0], 1);
		assert_false(wheel_is_armed(&w, 1));
		assert_int_equal(w.armed, 0);
		wheel_fini(&w);
	}
}

static void
one_call_gets_across_any_jump_of_the_clock(void **state)
{
	static const uint32_t after_ms[] = { 1, 300, 70000, 20000000, 0x7fffffff };
	uint32_t fired[2];
	struct wheel w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(after_ms); i++) {
		assert_int_equal(wheel_init(&w, 1, 0xfffffffb, &mem_libc), 0);
		wheel_arm(&w, 0, 0xfffffffb + after_ms[i]);
		assert_int_equal(wheel_advance(&w, 0xfffffffb + 0x7fffffff, fired, 2), 1);
		assert_int_equal(w.now_ms, 0xfffffffb + 0x7fffffff);
		wheel_fini(&w);
	}
}

static void
following_wheel_next_takes_one_call_per_level(void **state)
{
	uint32_t fired[2];
	uint32_t at_ms;
	struct wheel w;
	unsigned int calls = 0;

	(void)state;
	assert_int_equal(wheel_init(&w, 1, 0x12345678, &mem_libc), 0);
	wheel_arm(&w, 0, 0x23456789);
	while (wheel_next(&w, &at_ms)) {
		assert_true(seq32_leq(at_ms, 0x23456789));
		assert_true(seq32_gt(at_ms, w.now_ms));
		calls++;
		assert_int_equal(wheel_advance(&w, at_ms, fired, 2), at_ms == 0x23456789);
	}
	assert_int_equal(calls, WHEEL_LEVELS);
	assert_int_equal(w.now_ms, 0x23456789);
	wheel_fini(&w);
}

static void
a_time_in_the_past_fires_at_the_next_advance(void **state)
{
	uint32_t fired[4];
	uint32_t at_ms;
	struct wheel w;

	(void)state;
	assert_int_equal(wheel_init(&w, 4, 10, &mem_libc), 0);
	wheel_arm(&w, 0, 10);
	wheel_arm(&w, 1, 9);
	wheel_arm(&w, 2, 0x80000100);
	assert_int_equal(wheel_expires(&w, 1), 10);
	assert_true(wheel_next(&w, &at_ms));
	assert_int_equal(at_ms, 10);
	/* Without any movement of the clock, and were it to go backwards. */
	assert_int_equal(wheel_advance(&w, 10, fired, 1), 1);
	assert_int_equal(wheel_advance(&w, 3, fired + 1, 3), 2);
	assert_int_equal(w.now_ms, 10);
	assert_int_equal(w.armed, 0);
	wheel_fini(&w);
}

static void
arming_again_moves_a_timer_either_way(void **state)
{
	static const uint32_t times_ms[] = { 5, 6, 200, 256, 300, 511, 70000, 20000000 };
	uint32_t fired[2];
	struct wheel w;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(times_ms); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(times_ms); j++) {
			assert_int_equal(wheel_init(&w, 2, 0, &mem_libc), 0);
			wheel_arm(&w, 1, times_ms[i]);
			wheel_arm(&w, 1, times_ms[j]);
			assert_int_equal(w.armed, 1);
			assert_int_equal(wheel_expires(&w, 1), times_ms[j]);
			assert_int_equal(advance_all(&w, times_ms[j] - 1, fired, 2), 0);
			assert_int_equal(advance_all(&w, times_ms[j], fired, 2), 1);
			assert_int_equal(w.armed, 0);
			wheel_fini(&w);
		}
	}
}

static void
a_stopped_timer_does_not_fire(void **state)
{
	uint32_t fired[8];
	uint32_t at_ms = 77;
	struct wheel w;

	(void)state;
	assert_int_equal(wheel_init(&w, 8, 0, &mem_libc), 0);
	wheel_stop(&w, 3);
	for (uint32_t id = 0; id < 8; id++)
		wheel_arm(&w, id, 1000);
	wheel_stop(&w, 0);
	wheel_stop(&w, 4);
	wheel_stop(&w, 7);
	wheel_stop(&w, 7);
	assert_int_equal(w.armed, 5);
	assert_false(wheel_is_armed(&w, 4));
	assert_int_equal(advance_all(&w, 5000, fired, 8), 5);
	for (uint32_t i = 0; i < 5; i++)
		assert_true(fired[i] != 0 && fired[i] != 4 && fired[i] != 7);
	wheel_arm(&w, 2, 100000);
	wheel_stop(&w, 2);
	assert_false(wheel_next(&w, &at_ms));
	assert_int_equal(at_ms, 77);
	assert_int_equal(wheel_advance(&w, 0x70000000, fired, 8), 0);
	wheel_fini(&w);
}

static void
fired_timers_can_be_armed_again_while_the_rest_waits(void **state)
{
	uint32_t fired[2];
	uint32_t at_ms;
	uint32_t seen[4] = { 0 };
	struct wheel w;

	(void)state;
	assert_int_equal(wheel_init(&w, 4, 0, &mem_libc), 0);
	for (uint32_t id = 0; id < 4; id++)
		wheel_arm(&w, id, 10 + id);
	/* Two fit; they come again at 25, in time after the two that wait. */
	assert_int_equal(wheel_advance(&w, 20, fired, 2), 2);
	for (unsigned int i = 0; i < 2; i++)
		wheel_arm(&w, fired[i], 25);
	assert_true(wheel_next(&w, &at_ms));
	assert_true(seq32_leq(at_ms, 20));
	assert_int_equal(wheel_advance(&w, 20, fired, 2), 2);
	assert_int_equal(fired[0], 2);
	assert_int_equal(fired[1], 3);
	assert_int_equal(wheel_advance(&w, 20, fired, 2), 0);
	assert_int_equal(wheel_advance(&w, 24, fired, 2), 0);
	assert_int_equal(wheel_advance(&w, 25, fired, 2), 2);
	for (unsigned int i = 0; i < 2; i++)
		seen[fired[i]]++;
	assert_int_equal(seen[0], 1);
	assert_int_equal(seen[1], 1);
	wheel_fini(&w);
}

static void
wrong_use_fails_an_assertion(void **state)
{
	uint32_t fired[1];
	struct wheel w;

	(void)state;
	assert_int_equal(wheel_init(&w, 4, 0, &mem_libc), 0);
	expect_assert_failure(wheel_arm(&w, 4, 1));
	expect_assert_failure(wheel_stop(&w, 4));
	expect_assert_failure(wheel_advance(&w, 1, fired, 0));
	wheel_fini(&w);
}

/*
 * All timers in one slot of the highest level: each call looks at no more than it may, and nothing
 * is lost or out of order on the way down.
 */
static void
a_crowded_slot_is_worked_off_in_bounded_calls(void **state)
{
	enum { IDS = 10000, ROOM = 16 };
	uint32_t fired[ROOM];
	uint32_t now_ms = 0x80000000;
	uint32_t last_ms = 0x7f000000;
	unsigned int count = 0;
	unsigned int calls = 0;
	struct rng rng;
	struct wheel w;

	(void)state;
	rng_seed(&rng, 11);
	assert_int_equal(wheel_init(&w, IDS, 0x10000000, &mem_libc), 0);
	for (uint32_t id = 0; id < IDS; id++)
		wheel_arm(&w, id, 0x7f000000 + rng_below(&rng, 0x1000000));
	while (w.armed > 0) {
		unsigned int n = wheel_advance(&w, now_ms, fired, ROOM);

		assert_in_range(n, 0, ROOM);
		/* The first calls only empty the slot, which ROOM timers at a time could not. */
		if (calls < IDS / (ROOM * WHEEL_LOOKS_PER_FIRE))
			assert_int_equal(w.now_ms, 0x7f000000);
		for (unsigned int i = 0; i < n; i++) {
			assert_true(seq32_geq(wheel_expires(&w, fired[i]), last_ms));
			last_ms = wheel_expires(&w, fired[i]);
		}
		count += n;
		calls++;
		assert_in_range(calls, 1, IDS * 4 / ROOM);
	}
	assert_int_equal(count, IDS);
	wheel_fini(&w);
}

/* The naive model: all timers in an array. */
#define MODEL_IDS 64

struct model {
	struct wheel w;
	struct rng rng;
	uint32_t now_ms; /* the caller's clock; the wheel's may lag behind it */
	uint32_t expires_ms[MODEL_IDS];
	bool armed[MODEL_IDS];
	uint64_t fires, partial_calls, wraps;
};

/* The armed timer that is due first, or MODEL_IDS. */
static uint32_t
model_first(const struct model *m)
{
	uint32_t first = MODEL_IDS;

	for (uint32_t id = 0; id < MODEL_IDS; id++)
		if (m->armed[id] &&
			(first == MODEL_IDS || seq32_lt(m->expires_ms[id], m->expires_ms[first])))
			first = id;
	return first;
}

static void
model_arm(struct model *m)
{
	uint32_t id = rng_below(&m->rng, MODEL_IDS);
	/* Up to the whole horizon, each power of two equally often. */
	uint32_t ahead_ms = (rng_u32(&m->rng) >> 1) >> rng_below(&m->rng, 31);
	uint32_t expires_ms = m->w.now_ms + ahead_ms;

	if (rng_below(&m->rng, 16) == 0)
		expires_ms = m->w.now_ms - ahead_ms;
	wheel_arm(&m->w, id, expires_ms);
	m->armed[id] = true;
	m->expires_ms[id] = seq32_max(expires_ms, m->w.now_ms);
	assert_int_equal(wheel_expires(&m->w, id), m->expires_ms[id]);
}

static void
model_stop(struct model *m)
{
	uint32_t id = rng_below(&m->rng, MODEL_IDS);

	assert_int_equal(wheel_is_armed(&m->w, id), m->armed[id]);
	wheel_stop(&m->w, id);
	m->armed[id] = false;
}

/* One call of wheel_advance: what it fired is what the model has first, in time, in order. */
static void
model_advance(struct model *m)
{
	uint32_t fired[MODEL_IDS];
	unsigned int room = 1 + rng_below(&m->rng, rng_below(&m->rng, 4) == 0 ? MODEL_IDS : 4);
	unsigned int n = wheel_advance(&m->w, m->now_ms, fired, room);
	uint32_t first;
	uint32_t at_ms;

	assert_in_range(n, 0, room);
	for (unsigned int i = 0; i < n; i++) {
		assert_true(m->armed[fired[i]]);
		assert_true(seq32_leq(m->expires_ms[fired[i]], m->now_ms));
		assert_int_equal(m->expires_ms[fired[i]], m->expires_ms[model_first(m)]);
		m->armed[fired[i]] = false;
	}
	m->fires += n;
	assert_true(seq32_leq(m->w.now_ms, m->now_ms));
	first = model_first(m);
	if (!wheel_next(&m->w, &at_ms)) {
		assert_int_equal(first, MODEL_IDS);
		return;
	}
	/* Nothing is due before wheel_next says so; if that is in the future, all is done. */
	assert_true(first < MODEL_IDS);
	assert_true(seq32_leq(at_ms, m->expires_ms[first]));
	assert_true(seq32_geq(at_ms, m->w.now_ms));
	if (seq32_leq(at_ms, m->now_ms))
		m->partial_calls++;
	else
		assert_int_equal(m->w.now_ms, m->now_ms);
}

/* Let the caller's clock run on: a little, to the next event, or far. */
static void
model_tick(struct model *m)
{
	uint32_t before_ms = m->now_ms;
	uint32_t at_ms;

	/* The caller may not leave the wheel behind by more than the horizon. */
	if (m->w.now_ms != m->now_ms)
		return;
	switch (rng_below(&m->rng, 4)) {
	case 0:
		m->now_ms += rng_below(&m->rng, 3);
		break;
	case 1:
		m->now_ms += (rng_u32(&m->rng) >> 1) >> rng_below(&m->rng, 31);
		break;
	case 2:
		if (wheel_next(&m->w, &at_ms))
			m->now_ms = seq32_max(at_ms, m->now_ms);
		break;
	default:
		/* One before: nothing may happen. */
		if (wheel_next(&m->w, &at_ms) && seq32_gt(at_ms - 1, m->now_ms)) {
			uint32_t fired[1];

			m->now_ms = at_ms - 1;
			assert_int_equal(wheel_advance(&m->w, m->now_ms, fired, 1), 0);
		}
		break;
	}
	if (m->now_ms < before_ms)
		m->wraps++;
}

static void
random_operations_agree_with_a_naive_model(void **state)
{
	static const struct {
		uint64_t seed;
		uint32_t start_ms;
	} rows[] = {
		{ 1, 0 },
		{ 2, 0xfffffff0 },
		{ 3, 0x7ffffff0 },
		{ 4, 0xfeffff00 },
	};

	(void)state;
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		struct model m = { .now_ms = rows[row].start_ms };

		rng_seed(&m.rng, rows[row].seed);
		assert_int_equal(wheel_init(&m.w, MODEL_IDS, m.now_ms, &mem_libc), 0);
		for (uint32_t op = 0; op < 1000000; op++) {
			uint32_t armed = 0;
			uint32_t what = rng_below(&m.rng, 16);

			if (what < 7)
				model_arm(&m);
			else if (what < 9)
				model_stop(&m);
			else if (what < 11)
				model_tick(&m);
			else
				model_advance(&m);
			if (op % 64 != 0)
				continue;
			for (uint32_t id = 0; id < MODEL_IDS; id++) {
				armed += m.armed[id];
				assert_int_equal(wheel_is_armed(&m.w, id), m.armed[id]);
				if (m.armed[id])
					assert_int_equal(wheel_expires(&m.w, id), m.expires_ms[id]);
			}
			assert_int_equal(m.w.armed, armed);
		}
		/* The run was worth something. */
		assert_in_range(m.fires, 10000, UINT32_MAX);
		assert_in_range(m.partial_calls, 10000, UINT32_MAX);
		assert_in_range(m.wraps, 100, UINT32_MAX);
		wheel_fini(&m.w);
	}
}

static void
following_wheel_next_alone_fires_everything_on_time(void **state)
{
	uint32_t fired[MODEL_IDS];
	struct model m = { .now_ms = 0xffff0000 };
	uint32_t at_ms;
	uint32_t calls = 0;

	(void)state;
	rng_seed(&m.rng, 6);
	assert_int_equal(wheel_init(&m.w, MODEL_IDS, m.now_ms, &mem_libc), 0);
	for (uint32_t op = 0; op < 1000; op++)
		model_arm(&m);
	while (wheel_next(&m.w, &at_ms)) {
		unsigned int n = wheel_advance(&m.w, at_ms, fired, MODEL_IDS);

		for (unsigned int i = 0; i < n; i++) {
			assert_true(m.armed[fired[i]]);
			assert_int_equal(m.expires_ms[fired[i]], at_ms);
			m.armed[fired[i]] = false;
		}
		calls++;
		assert_in_range(calls, 1, MODEL_IDS * WHEEL_LEVELS);
	}
	assert_int_equal(model_first(&m), MODEL_IDS);
	wheel_fini(&m.w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_takes_everything_or_nothing),
		cmocka_unit_test(a_timer_fires_at_its_millisecond_and_not_one_before),
		cmocka_unit_test(one_call_gets_across_any_jump_of_the_clock),
		cmocka_unit_test(following_wheel_next_takes_one_call_per_level),
		cmocka_unit_test(a_time_in_the_past_fires_at_the_next_advance),
		cmocka_unit_test(arming_again_moves_a_timer_either_way),
		cmocka_unit_test(a_stopped_timer_does_not_fire),
		cmocka_unit_test(fired_timers_can_be_armed_again_while_the_rest_waits),
		cmocka_unit_test(wrong_use_fails_an_assertion),
		cmocka_unit_test(a_crowded_slot_is_worked_off_in_bounded_calls),
		cmocka_unit_test(random_operations_agree_with_a_naive_model),
		cmocka_unit_test(following_wheel_next_alone_fires_everything_on_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
