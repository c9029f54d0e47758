/* SPDX-License-Identifier: BSD-3-Clause */
/* When an outcome last happened, by what the looks found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/drop_watch.h"

static void
an_outcome_is_as_old_as_the_look_that_found_it_grown(void **state)
{
	struct drop_watch watch = { 0 };
	struct counters sum = { 0 };

	(void)state;
	drop_watch_look(&watch, &sum, 1000);
	assert_true(drop_watch_age(&watch, OUT_NO_LISTENER, 1000) == UINT64_MAX);
	sum.outcome[OUT_NO_LISTENER] = 5;
	drop_watch_look(&watch, &sum, 2000);
	drop_watch_look(&watch, &sum, 3000);
	assert_int_equal(drop_watch_age(&watch, OUT_NO_LISTENER, 3500), 1500);
	assert_true(drop_watch_age(&watch, OUT_NO_BUFFER, 3500) == UINT64_MAX);
	sum.outcome[OUT_NO_LISTENER]++;
	drop_watch_look(&watch, &sum, 4000);
	assert_int_equal(drop_watch_age(&watch, OUT_NO_LISTENER, 4000), 0);
}

/* A clock at its origin is no excuse. */
static void
one_at_time_zero_did_happen(void **state)
{
	struct drop_watch watch = { 0 };
	struct counters sum = { .outcome[OUT_NO_LISTENER] = 1 };

	(void)state;
	drop_watch_look(&watch, &sum, 0);
	assert_int_equal(drop_watch_age(&watch, OUT_NO_LISTENER, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_outcome_is_as_old_as_the_look_that_found_it_grown),
		cmocka_unit_test(one_at_time_zero_did_happen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
