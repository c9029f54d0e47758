/* SPDX-License-Identifier: BSD-3-Clause */
/* Wrapping comparison, with every start near 2^32. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/seq32.h"

static const uint32_t starts[] = { 0, 1, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff };

static void
order_holds_across_the_wrap(void **state)
{
	static const uint32_t distances[] = { 1, 2, 1460, 0x10000, 0x7fffffff };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(distances); j++) {
			uint32_t a = starts[i];
			uint32_t b = a + distances[j];

			assert_true(seq32_lt(a, b));
			assert_true(seq32_leq(a, b));
			assert_false(seq32_gt(a, b));
			assert_false(seq32_geq(a, b));
			assert_true(seq32_gt(b, a));
			assert_int_equal(seq32_diff(b, a), distances[j]);
			assert_int_equal(seq32_diff(a, b), -(int32_t)distances[j]);
			assert_int_equal(seq32_max(a, b), b);
			assert_int_equal(seq32_min(a, b), a);
		}
	}
}

static void
equal_numbers_are_neither_before_nor_after(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		uint32_t a = starts[i];

		assert_false(seq32_lt(a, a));
		assert_false(seq32_gt(a, a));
		assert_true(seq32_leq(a, a));
		assert_true(seq32_geq(a, a));
		assert_int_equal(seq32_diff(a, a), 0);
	}
}

static void
between_takes_the_first_and_leaves_the_last(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(starts); i++) {
		uint32_t lo = starts[i];

		assert_false(seq32_between(lo, lo, lo));
		assert_false(seq32_between(lo - 1, lo, lo + 10));
		assert_true(seq32_between(lo, lo, lo + 10));
		assert_true(seq32_between(lo + 9, lo, lo + 10));
		assert_false(seq32_between(lo + 10, lo, lo + 10));
		assert_true(seq32_between(lo + 0xfffffffe, lo, lo - 1));
		assert_false(seq32_between(lo - 1, lo, lo - 1));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_holds_across_the_wrap),
		cmocka_unit_test(equal_numbers_are_neither_before_nor_after),
		cmocka_unit_test(between_takes_the_first_and_leaves_the_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
