/* SPDX-License-Identifier: BSD-3-Clause */
/* The load generator's histogram: how exact it is, and its quantiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "hist.h"

static struct hist h, before, since;

static int
empty(void **state)
{
	(void)state;
	memset(&h, 0, sizeof(h));
	return 0;
}

static void
every_value_lies_in_its_bucket_and_no_bucket_is_wider_than_a_128th(void **state)
{
	(void)state;
	for (uint64_t v = 1; v < 1ULL << HIST_VALUE_BITS; v += 1 + v / 77) {
		unsigned int b = hist_bucket_of(v);
		uint64_t top = hist_bucket_top(b);
		uint64_t bottom = b == 0 ? 0 : hist_bucket_top(b - 1) + 1;

		assert_in_range(v, bottom, top);
		assert_true((top - bottom) * 128 <= v);
	}
}

static void
buckets_follow_each_other_without_a_gap(void **state)
{
	(void)state;
	for (unsigned int b = 0; b + 1 < HIST_BUCKETS; b++) {
		assert_int_equal(hist_bucket_of(hist_bucket_top(b)), b);
		assert_int_equal(hist_bucket_of(hist_bucket_top(b) + 1), b + 1);
	}
}

static void
quantiles_of_the_first_thousand_numbers_are_what_they_should(void **state)
{
	static const struct {
		uint32_t ppm;
		uint64_t exact;
	} rows[] = {
		{ 0, 1 },
		{ 500000, 500 },
		{ 900000, 900 },
		{ 990000, 990 },
		{ 999000, 999 },
		{ 1000000, 1000 },
	};

	(void)state;
	for (uint64_t v = 1; v <= 1000; v++)
		hist_record(&h, v);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t is = hist_quantile(&h, rows[i].ppm);

		assert_in_range(is, rows[i].exact, rows[i].exact + rows[i].exact / 128 + 1);
	}
	assert_int_equal(hist_quantile(&h, 1000000), 1000);
	assert_int_equal(hist_mean(&h), 500);
}

static void
one_slow_answer_of_ten_is_their_p99(void **state)
{
	(void)state;
	for (int i = 0; i < 9; i++)
		hist_record(&h, 1000);
	hist_record(&h, 5000000);
	assert_int_equal(hist_quantile(&h, 990000), 5000000);
	assert_in_range(hist_quantile(&h, 900000), 1000, 1008);
}

static void
nothing_recorded_has_no_quantiles(void **state)
{
	(void)state;
	assert_int_equal(hist_quantile(&h, 500000), 0);
	assert_int_equal(hist_mean(&h), 0);
}

static void
a_time_beyond_the_last_bucket_is_its_maximum(void **state)
{
	(void)state;
	hist_record(&h, UINT64_MAX / 2);
	assert_int_equal(h.max_ns, UINT64_MAX / 2);
	assert_int_equal(hist_quantile(&h, 500000), UINT64_MAX / 2);
}

static void
sums_and_differences_keep_every_value(void **state)
{
	(void)state;
	hist_record(&h, 10);
	before = h;
	hist_record(&h, 20);
	hist_record(&h, 30);
	hist_since(&since, &h, &before);
	assert_int_equal(since.count, 2);
	assert_int_equal(since.max_ns, 30);
	assert_int_equal(hist_quantile(&since, 1), 20);
	hist_add(&since, &before);
	assert_memory_equal(&since, &h, sizeof(h));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			every_value_lies_in_its_bucket_and_no_bucket_is_wider_than_a_128th, empty),
		cmocka_unit_test_setup(buckets_follow_each_other_without_a_gap, empty),
		cmocka_unit_test_setup(
			quantiles_of_the_first_thousand_numbers_are_what_they_should, empty),
		cmocka_unit_test_setup(one_slow_answer_of_ten_is_their_p99, empty),
		cmocka_unit_test_setup(nothing_recorded_has_no_quantiles, empty),
		cmocka_unit_test_setup(a_time_beyond_the_last_bucket_is_its_maximum, empty),
		cmocka_unit_test_setup(sums_and_differences_keep_every_value, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
