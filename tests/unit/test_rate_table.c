/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the table of leaky buckets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "table/rate_table.h"

#define SETS 64u
#define HEAVY 0x1234567800000007ULL

struct bed {
	struct rate_table t;
	struct rng rng;
	struct rng keys;
	uint64_t now_us;
};

static int
start(void **state)
{
	static struct bed b;

	rng_seed(&b.rng, 1);
	rng_seed(&b.keys, 2);
	b.now_us = 12345678901;
	*state = &b;
	return rate_table_init(&b.t, SETS);
}

static int
end(void **state)
{
	struct bed *b = *state;

	rate_table_fini(&b->t);
	return 0;
}

static enum rate_verdict
hit(struct bed *b, uint64_t hash, uint32_t per_second)
{
	return rate_table_hit(&b->t, hash, b->now_us, rate_cost_us(per_second), &b->rng);
}

static void
a_burst_is_a_second_of_the_rate_and_then_the_rate(void **state)
{
	static const uint32_t rates[] = { 1, 2, 10, 100, 1000 };
	struct bed *b = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		uint64_t key = HEAVY + (i << 40);

		for (unsigned int n = 0; n < rates[i]; n++)
			assert_int_equal(hit(b, key, rates[i]), RATE_OK);
		assert_int_equal(hit(b, key, rates[i]), RATE_OVER);
		/* The next is due exactly when one has leaked; what was refused cost nothing. */
		b->now_us += rate_cost_us(rates[i]) - 1;
		assert_int_equal(hit(b, key, rates[i]), RATE_OVER);
		b->now_us += 1;
		assert_int_equal(hit(b, key, rates[i]), RATE_OK);
		assert_int_equal(hit(b, key, rates[i]), RATE_OVER);
		/* And a second of silence gives the whole burst again. */
		b->now_us += RATE_WINDOW_US;
		for (unsigned int n = 0; n < rates[i]; n++)
			assert_int_equal(hit(b, key, rates[i]), RATE_OK);
		assert_int_equal(hit(b, key, rates[i]), RATE_OVER);
	}
}

static void
keys_of_a_line_do_not_disturb_each_other(void **state)
{
	struct bed *b = *state;

	for (unsigned int n = 0; n < 10; n++)
		for (uint64_t k = 1; k <= RATE_SLOTS; k++)
			assert_int_equal(hit(b, k << 40, 10), RATE_OK);
	for (uint64_t k = 1; k <= RATE_SLOTS; k++)
		assert_int_equal(hit(b, k << 40, 10), RATE_OVER);
}

/* A million keys that come once, a second long, around one that comes 200 times. */
static void
a_flood_of_keys_that_come_once_does_not_hide_a_heavy_one(void **state)
{
	struct bed *b = *state;
	unsigned int passed = 0;

	for (unsigned int i = 0; i < 1000000; i++) {
		b->now_us++;
		assert_int_not_equal(hit(b, rng_u64(&b->keys), 20), RATE_OVER);
		if (i % 5000 == 0)
			passed += hit(b, HEAVY, 20) != RATE_OVER;
	}
	/* A burst of 20, 20 a second, and about 8 before it is found. */
	assert_in_range(passed, 20, 80);
}

static void
once_found_it_stays_found(void **state)
{
	struct bed *b = *state;
	unsigned int passed = 0;

	for (unsigned int n = 0; n < 100; n++)
		hit(b, HEAVY, 100);
	for (unsigned int i = 0; i < 1000000; i++) {
		b->now_us++;
		hit(b, rng_u64(&b->keys), 100);
		if (i % 1000 == 0)
			passed += hit(b, HEAVY, 100) == RATE_OK;
	}
	/* A thousand came in that second. */
	assert_in_range(passed, 99, 101);
}

/* 2^40 us later the clock shows the same: the bucket is empty all the same. */
static void
a_bucket_is_not_full_again_when_the_clock_has_gone_round(void **state)
{
	struct bed *b = *state;

	for (unsigned int n = 0; n < 10; n++)
		hit(b, HEAVY, 10);
	assert_int_equal(hit(b, HEAVY, 10), RATE_OVER);
	b->now_us += (1ULL << 40) - 2 * RATE_WINDOW_US;
	assert_int_equal(hit(b, HEAVY, 10), RATE_OK);
	b->now_us += 1ULL << 39;
	assert_int_equal(hit(b, HEAVY, 10), RATE_OK);
}

static void
sizes_are_powers_of_two(void **state)
{
	struct rate_table t;

	(void)state;
	assert_int_not_equal(rate_table_init(&t, 0), 0);
	assert_int_not_equal(rate_table_init(&t, 12), 0);
	assert_int_not_equal(rate_table_init(&t, 1u << 25), 0);
	assert_int_equal(rate_table_init(&t, 1), 0);
	assert_int_equal((uintptr_t)t.sets % CACHE_LINE, 0);
	rate_table_fini(&t);
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_burst_is_a_second_of_the_rate_and_then_the_rate),
		T(keys_of_a_line_do_not_disturb_each_other),
		T(a_flood_of_keys_that_come_once_does_not_hide_a_heavy_one),
		T(once_found_it_stays_found),
		T(a_bucket_is_not_full_again_when_the_clock_has_gone_round),
		cmocka_unit_test(sizes_are_powers_of_two),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
