/* SPDX-License-Identifier: BSD-3-Clause */
/* The random numbers: reproducible, in range, spread. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/rng.h"

static void
numbers_equal_those_of_the_published_algorithm(void **state)
{
	/* xoshiro256** from the state 1, 2, 3, 4; the first outputs of the authors' code.
	 */
	struct rng rng = { { 1, 2, 3, 4 } };

	(void)state;
	assert_true(rng_u64(&rng) == 11520);
	assert_true(rng_u64(&rng) == 0);
	assert_true(rng_u64(&rng) == 1509978240);
	assert_true(rng_u64(&rng) == 1215971899390074240ULL);
}

static void
the_seed_is_spread_by_splitmix64(void **state)
{
	/* First two outputs of splitmix64 from 0. */
	struct rng rng;

	(void)state;
	rng_seed(&rng, 0);
	assert_true(rng.s[0] == 0xe220a8397b1dcdafULL);
	assert_true(rng.s[1] == 0x6e789e6aa1b965f4ULL);
}

static void
one_seed_gives_one_sequence(void **state)
{
	struct rng a;
	struct rng b;
	struct rng c;

	(void)state;
	rng_seed(&a, 7);
	rng_seed(&b, 7);
	rng_seed(&c, 8);
	for (int i = 0; i < 100; i++) {
		uint64_t value = rng_u64(&a);

		assert_true(value == rng_u64(&b));
		assert_true(value != rng_u64(&c));
	}
}

static void
below_stays_below_and_reaches_every_value(void **state)
{
	uint32_t seen[10] = { 0 };
	struct rng rng;

	(void)state;
	rng_seed(&rng, 9);
	assert_int_equal(rng_below(&rng, 0), 0);
	assert_int_equal(rng_below(&rng, 1), 0);
	for (int i = 0; i < 10000; i++) {
		uint32_t value = rng_below(&rng, 10);

		assert_in_range(value, 0, 9);
		seen[value]++;
	}
	/* 1000 each; six standard deviations are 180. */
	for (size_t i = 0; i < ARRAY_SIZE(seen); i++)
		assert_in_range(seen[i], 820, 1180);
}

static void
chance_is_never_at_zero_and_always_at_a_million(void **state)
{
	struct rng rng;
	int hits = 0;

	(void)state;
	rng_seed(&rng, 10);
	for (int i = 0; i < 10000; i++) {
		assert_false(rng_chance_ppm(&rng, 0));
		assert_true(rng_chance_ppm(&rng, 1000000));
		hits += rng_chance_ppm(&rng, 100000);
	}
	assert_in_range(hits, 820, 1180);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_equal_those_of_the_published_algorithm),
		cmocka_unit_test(the_seed_is_spread_by_splitmix64),
		cmocka_unit_test(one_seed_gives_one_sequence),
		cmocka_unit_test(below_stays_below_and_reaches_every_value),
		cmocka_unit_test(chance_is_never_at_zero_and_always_at_a_million),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
