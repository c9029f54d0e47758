/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the set that forgets. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/rng.h"
#include "table/recent_set.h"

#define PAIRS 4096u
#define KEY 0x123456789abcdef0ULL

static int
start(void **state)
{
	static struct recent_set s;

	*state = &s;
	return recent_set_init(&s, PAIRS);
}

static int
end(void **state)
{
	recent_set_fini(*state);
	return 0;
}

static void
a_key_is_known_for_a_period_and_the_next(void **state)
{
	static const uint32_t first[] = { 0, 1, 254, 255, 256, 509, UINT32_MAX - 1, UINT32_MAX };
	struct recent_set *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(first); i++) {
		uint64_t key = KEY + i;

		assert_int_equal(recent_set_add(s, key, first[i]), RECENT_NEW);
		assert_int_equal(recent_set_add(s, key, first[i]), RECENT_NOW);
		if (first[i] == UINT32_MAX)
			continue;
		assert_int_equal(recent_set_add(s, key, first[i] + 1), RECENT_BEFORE);
		assert_int_equal(recent_set_add(s, key, first[i] + 1), RECENT_NOW);
	}
}

static void
a_key_that_stayed_away_for_a_period_is_new(void **state)
{
	static const uint32_t away[] = { 2, 3, 4, 100, 254 };
	struct recent_set *s = *state;

	for (size_t i = 0; i < ARRAY_SIZE(away); i++) {
		assert_int_equal(recent_set_add(s, KEY + i, 1000), RECENT_NEW);
		assert_int_equal(recent_set_add(s, KEY + i, 1000 + away[i]), RECENT_NEW);
	}
}

/* Per thousand of strangers that are taken for somebody, with so many keys in the period before. */
static unsigned int
taken_for_known(struct recent_set *s, uint32_t keys, uint32_t period)
{
	struct rng rng;
	unsigned int taken = 0;

	rng_seed(&rng, period);
	for (uint32_t i = 0; i < keys; i++)
		(void)recent_set_add(s, rng_u64(&rng), period);
	for (unsigned int i = 0; i < 10000; i++)
		taken += recent_set_add(s, rng_u64(&rng), period + 1) == RECENT_BEFORE;
	return taken / 10;
}

static void
strangers_are_seldom_taken_for_known(void **state)
{
	const uint32_t bits = PAIRS * RECENT_BITS;

	assert_int_equal(taken_for_known(*state, 0, 10), 0);
	assert_in_range(taken_for_known(*state, bits / 16, 20), 5, 30);
	assert_in_range(taken_for_known(*state, bits / 5, 30), 80, 160);
	/* Nothing is left of them two periods later. */
	assert_int_equal(taken_for_known(*state, 0, 40), 0);
}

static void
known_keys_are_never_forgotten_for_others(void **state)
{
	struct recent_set *s = *state;

	assert_int_equal(recent_set_add(s, KEY, 7), RECENT_NEW);
	for (unsigned int i = 0; i < 100 * PAIRS; i++)
		(void)recent_set_add(s, KEY + i * 0x9e3779b97f4a7c15ULL, 7);
	assert_int_equal(recent_set_add(s, KEY, 8), RECENT_BEFORE);
}

static void
sizes_that_are_no_power_of_two_are_refused(void **state)
{
	struct recent_set s;

	(void)state;
	assert_int_not_equal(recent_set_init(&s, 0), 0);
	assert_int_not_equal(recent_set_init(&s, 3), 0);
	assert_int_not_equal(recent_set_init(&s, 1u << 27), 0);
	assert_int_equal(recent_set_init(&s, 1), 0);
	assert_int_equal(recent_set_add(&s, KEY, 1), RECENT_NEW);
	recent_set_fini(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_key_is_known_for_a_period_and_the_next, start, end),
		cmocka_unit_test_setup_teardown(
			a_key_that_stayed_away_for_a_period_is_new, start, end),
		cmocka_unit_test_setup_teardown(strangers_are_seldom_taken_for_known, start, end),
		cmocka_unit_test_setup_teardown(
			known_keys_are_never_forgotten_for_others, start, end),
		cmocka_unit_test(sizes_that_are_no_power_of_two_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
