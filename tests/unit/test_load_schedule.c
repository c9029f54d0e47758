/* SPDX-License-Identifier: BSD-3-Clause */
/* When the n-th request of an open loop is due, and how many connections a ramp allows. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "schedule.h"

#define S 1000000u

static void
without_a_ramp_requests_are_due_at_even_distances(void **state)
{
	const struct schedule s = { .rate = 1000 };

	(void)state;
	assert_int_equal(schedule_due_us(&s, 0), 0);
	assert_int_equal(schedule_due_us(&s, 1), 1000);
	assert_int_equal(schedule_due_us(&s, 1000), S);
}

static void
a_ramp_brings_half_of_what_its_time_would_and_then_goes_on_evenly(void **state)
{
	const struct schedule s = { .rate = 1000, .ramp_us = 4 * S };

	(void)state;
	/* A quarter of the ramp's 2000 in the first half of its time. */
	assert_int_equal(schedule_due_us(&s, 500), 2 * S);
	assert_int_equal(schedule_due_us(&s, 2000), 4 * S);
	assert_int_equal(schedule_due_us(&s, 2001), 4 * S + 1000);
}

static void
the_schedule_never_goes_back(void **state)
{
	const struct schedule s = { .rate = 333333, .ramp_us = 3 * S };
	uint64_t last = 0;

	(void)state;
	for (uint64_t n = 0; n < 1200000; n++) {
		uint64_t due = schedule_due_us(&s, n);

		assert_true(due >= last);
		last = due;
	}
}

static void
the_count_before_a_time_agrees_with_the_times(void **state)
{
	static const struct schedule rows[] = { { 1, 0 }, { 7, 0 }, { 1000, 2 * S },
		{ 99999, 5 * S }, { SCHEDULE_RATE_MAX, 1 } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (uint64_t at = 0; at < 8 * S; at += 77777) {
			uint64_t n = schedule_count_before(&rows[i], at);

			assert_true(schedule_due_us(&rows[i], n) >= at);
			assert_true(n == 0 || schedule_due_us(&rows[i], n - 1) < at);
		}
	}
}

static void
a_ramp_opens_connections_in_proportion_to_the_time(void **state)
{
	(void)state;
	assert_int_equal(schedule_allowed(100, 0, 0), 100);
	assert_int_equal(schedule_allowed(100, 10 * S, 0), 1);
	assert_int_equal(schedule_allowed(100, 10 * S, 5 * S), 50);
	assert_int_equal(schedule_allowed(100, 10 * S, 10 * S), 100);
	assert_int_equal(schedule_allowed(0, 10 * S, 5 * S), 0);
}

static void
the_next_connection_is_allowed_at_that_time_and_not_before(void **state)
{
	(void)state;
	for (uint32_t n = 1; n < 97; n++) {
		uint64_t at = schedule_allowed_at_us(97, 3 * S, n);

		assert_true(schedule_allowed(97, 3 * S, at) > n);
		assert_true(schedule_allowed(97, 3 * S, at - 1) <= n);
	}
	assert_int_equal(schedule_allowed_at_us(97, 3 * S, 97), UINT64_MAX);
}

static void
shares_add_up_and_differ_by_one_at_most(void **state)
{
	uint64_t sum = 0;

	(void)state;
	for (unsigned int i = 0; i < 7; i++) {
		assert_in_range(schedule_share(100, i, 7), 14, 15);
		sum += schedule_share(100, i, 7);
	}
	assert_int_equal(sum, 100);
}

static void
the_largest_run_does_not_overflow(void **state)
{
	const struct schedule s = { SCHEDULE_RATE_MAX, 3600ull * S };
	uint64_t end = (uint64_t)SCHEDULE_S_MAX * S;

	(void)state;
	assert_int_equal(schedule_due_us(&s, (end - 1800ull * S) * (SCHEDULE_RATE_MAX / S)), end);
	assert_int_equal(
		schedule_allowed(SCHEDULE_COUNT_MAX, end, end / 2), SCHEDULE_COUNT_MAX / 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_ramp_requests_are_due_at_even_distances),
		cmocka_unit_test(a_ramp_brings_half_of_what_its_time_would_and_then_goes_on_evenly),
		cmocka_unit_test(the_schedule_never_goes_back),
		cmocka_unit_test(the_count_before_a_time_agrees_with_the_times),
		cmocka_unit_test(a_ramp_opens_connections_in_proportion_to_the_time),
		cmocka_unit_test(the_next_connection_is_allowed_at_that_time_and_not_before),
		cmocka_unit_test(shares_add_up_and_differ_by_one_at_most),
		cmocka_unit_test(the_largest_run_does_not_overflow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
