/* SPDX-License-Identifier: BSD-3-Clause */
/* How long packets stay: how exact it is, what belongs to which burst, and the quantiles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "worker/residence.h"

static struct residence r, sum;

static int
empty(void **state)
{
	(void)state;
	memset(&r, 0, sizeof(r));
	memset(&sum, 0, sizeof(sum));
	return 0;
}

static void
stay(uint64_t ticks, uint64_t n)
{
	residence_enter(&r, 1000, n);
	assert_true(residence_may_leave(&r, 0, 0));
	residence_leave(&r, 1000 + ticks);
}

static void
every_time_lies_in_its_bucket_and_no_bucket_is_wider_than_a_32nd(void **state)
{
	(void)state;
	for (uint64_t v = 0; v < 1ULL << RESIDENCE_VALUE_BITS; v += 1 + v / 77) {
		unsigned int b = residence_bucket_of(v);
		uint64_t top = residence_bucket_top(b);
		uint64_t bottom = b == 0 ? 0 : residence_bucket_top(b - 1) + 1;

		assert_in_range(v, bottom, top);
		assert_true((top - bottom) * 32 <= v);
	}
}

static void
buckets_follow_each_other_without_a_gap_up_to_the_last(void **state)
{
	(void)state;
	for (unsigned int b = 0; b + 1 < RESIDENCE_BUCKETS; b++) {
		assert_int_equal(residence_bucket_of(residence_bucket_top(b)), b);
		assert_int_equal(residence_bucket_of(residence_bucket_top(b) + 1), b + 1);
	}
	assert_int_equal(residence_bucket_of(UINT64_MAX), RESIDENCE_BUCKETS - 1);
}

static void
a_burst_counts_as_many_times_as_it_has_packets(void **state)
{
	(void)state;
	stay(40, 98);
	stay(60, 1);
	stay(63, 1);
	assert_int_equal(residence_packets(&r), 100);
	assert_int_equal(residence_quantile(&r, 500000), 40);
	assert_int_equal(residence_quantile(&r, 980000), 40);
	assert_int_equal(residence_quantile(&r, 990000), 60);
	assert_int_equal(residence_quantile(&r, 999000), 63);
	assert_int_equal(residence_quantile(&r, 1000000), 63);
}

/* The port is full: what came first waits for its answers, and what came then for its own. */
static void
packets_stay_until_their_own_answers_are_gone(void **state)
{
	(void)state;
	residence_enter(&r, 100, 3);
	residence_enter(&r, 120, 2);
	/* Ten frames are queued, four of them sent; then others come, and theirs. */
	assert_false(residence_may_leave(&r, 4, 10));
	residence_enter(&r, 130, 7);
	assert_false(residence_may_leave(&r, 9, 500));
	assert_int_equal(residence_packets(&r), 0);
	assert_true(residence_may_leave(&r, 10, 500));
	residence_leave(&r, 150);
	assert_int_equal(r.bucket[residence_bucket_of(50)], 5);
	/* The queue was never empty meanwhile. */
	assert_false(residence_may_leave(&r, 10, 500));
	assert_true(residence_may_leave(&r, 500, 900));
	residence_leave(&r, 190);
	assert_int_equal(r.bucket[residence_bucket_of(60)], 7);
	assert_false(residence_may_leave(&r, 900, 900));
	assert_int_equal(residence_packets(&r), 12);
}

static void
a_counter_that_lags_on_another_core_makes_no_huge_time(void **state)
{
	(void)state;
	residence_enter(&r, 100, 1);
	assert_true(residence_may_leave(&r, 0, 0));
	residence_leave(&r, 99);
	assert_int_equal(residence_quantile(&r, 1000000), 0);
	assert_int_equal(r.bucket[0], 1);
}

static void
nothing_received_has_no_quantiles(void **state)
{
	(void)state;
	assert_int_equal(residence_quantile(&r, 500000), 0);
	assert_int_equal(residence_packets(&r), 0);
}

static void
workers_are_added_up(void **state)
{
	(void)state;
	stay(10, 99);
	residence_add(&sum, &r);
	assert_int_equal(residence_quantile(&sum, 990000), 10);
	empty(NULL);
	stay(10, 99);
	stay(1 << 20, 9);
	residence_add(&sum, &r);
	residence_add(&sum, &r);
	assert_int_equal(residence_packets(&sum), 216);
	assert_in_range(residence_quantile(&sum, 990000), 1 << 20, (1 << 20) + (1 << 15));
}

/* A product of the count and a million must not overflow. */
static void
quantiles_are_right_after_a_year_at_full_rate(void **state)
{
	(void)state;
	r.bucket[1] = 300ULL * 1000 * 1000 * 1000 * 1000;
	r.bucket[2] = 10ULL * 1000 * 1000 * 1000 * 1000;
	assert_int_equal(residence_quantile(&r, 500000), 1);
	assert_int_equal(residence_quantile(&r, 990000), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			every_time_lies_in_its_bucket_and_no_bucket_is_wider_than_a_32nd, empty),
		cmocka_unit_test_setup(
			buckets_follow_each_other_without_a_gap_up_to_the_last, empty),
		cmocka_unit_test_setup(a_burst_counts_as_many_times_as_it_has_packets, empty),
		cmocka_unit_test_setup(packets_stay_until_their_own_answers_are_gone, empty),
		cmocka_unit_test_setup(
			a_counter_that_lags_on_another_core_makes_no_huge_time, empty),
		cmocka_unit_test_setup(nothing_received_has_no_quantiles, empty),
		cmocka_unit_test_setup(workers_are_added_up, empty),
		cmocka_unit_test_setup(quantiles_are_right_after_a_year_at_full_rate, empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
