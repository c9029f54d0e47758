/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the count-min sketch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/rng.h"
#include "table/count_sketch.h"

#define KEYS 20000u

void
base_assert_fail(const char *file, int line, const char *expr)
{
	mock_assert(0, expr, file, line);
	abort();
}

static int
start(void **state)
{
	static struct count_sketch s;

	*state = &s;
	return count_sketch_init(&s, KEYS);
}

static int
end(void **state)
{
	count_sketch_fini(*state);
	return 0;
}

static uint64_t
hash_of(uint32_t key)
{
	struct rng rng;

	rng_seed(&rng, key);
	return rng_u64(&rng);
}

static void
a_key_counts_what_was_added_and_not_taken_off(void **state)
{
	struct count_sketch *s = *state;

	assert_int_equal(count_sketch_get(s, hash_of(1)), 0);
	for (unsigned int i = 1; i <= 100; i++) {
		count_sketch_add(s, hash_of(1));
		assert_int_equal(count_sketch_get(s, hash_of(1)), i);
	}
	assert_int_equal(count_sketch_get(s, hash_of(2)), 0);
	for (unsigned int i = 100; i-- > 0;) {
		count_sketch_sub(s, hash_of(1));
		assert_int_equal(count_sketch_get(s, hash_of(1)), i);
	}
	assert_int_equal(s->total, 0);
	count_sketch_check(s);
}

/* Full to what it was made for: nobody is too low, and hardly anybody is too high. */
static void
counts_are_never_too_low_and_seldom_too_high(void **state)
{
	struct count_sketch *s = *state;
	unsigned int high = 0;

	for (uint32_t key = 0; key < KEYS / 10; key++)
		for (unsigned int i = 0; i < 10; i++)
			count_sketch_add(s, hash_of(key));
	count_sketch_check(s);
	assert_int_equal(s->total, KEYS);
	for (uint32_t key = 0; key < KEYS; key++) {
		uint32_t has = key < KEYS / 10 ? 10 : 0;

		assert_true(count_sketch_get(s, hash_of(key)) >= has);
		high += count_sketch_get(s, hash_of(key)) > has;
	}
	/* (2000 / 16384)^4 of 20000 is 4. */
	assert_in_range(high, 0, 20);
}

static void
after_any_churn_all_cells_are_zero(void **state)
{
	struct count_sketch *s = *state;
	static uint32_t has[KEYS];
	struct rng rng;

	rng_seed(&rng, 7);
	memset(has, 0, sizeof(has));
	for (unsigned int i = 0; i < 200000; i++) {
		uint32_t key = rng_below(&rng, KEYS);

		if (has[key] > 0 && rng_below(&rng, 2) == 0) {
			has[key]--;
			count_sketch_sub(s, hash_of(key));
		} else if (s->total < KEYS) {
			has[key]++;
			count_sketch_add(s, hash_of(key));
		}
	}
	for (uint32_t key = 0; key < KEYS; key++)
		for (; has[key] > 0; has[key]--)
			count_sketch_sub(s, hash_of(key));
	assert_int_equal(s->total, 0);
	for (size_t i = 0; i < (size_t)SKETCH_ROWS * s->width; i++)
		assert_int_equal(s->cells[i], 0);
}

static void
who_was_never_added_cannot_be_taken_off(void **state)
{
	expect_assert_failure(count_sketch_sub(*state, hash_of(1)));
}

static void
a_cleared_sketch_is_empty(void **state)
{
	struct count_sketch *s = *state;

	for (uint32_t key = 0; key < 1000; key++)
		count_sketch_add(s, hash_of(key));
	count_sketch_clear(s);
	assert_int_equal(s->total, 0);
	count_sketch_check(s);
	assert_int_equal(count_sketch_get(s, hash_of(5)), 0);
}

static void
a_row_has_at_least_half_as_many_cells_as_entries(void **state)
{
	static const uint32_t entries[] = { 1, 2048, 2049, 131072, 131073 };
	struct count_sketch s;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(entries); i++) {
		assert_int_equal(count_sketch_init(&s, entries[i]), 0);
		assert_true(s.width >= entries[i] / 2);
		assert_int_equal(s.width & (s.width - 1), 0);
		count_sketch_fini(&s);
	}
}

#define T(name) cmocka_unit_test_setup_teardown(name, start, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_key_counts_what_was_added_and_not_taken_off),
		T(counts_are_never_too_low_and_seldom_too_high),
		T(after_any_churn_all_cells_are_zero),
		T(who_was_never_added_cannot_be_taken_off),
		T(a_cleared_sketch_is_empty),
		cmocka_unit_test(a_row_has_at_least_half_as_many_cells_as_entries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
