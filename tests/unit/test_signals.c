/* SPDX-License-Identifier: BSD-3-Clause */
/* What a program that owns ports makes of its signals. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "appliance/signals.h"

static void
term_and_int_are_counted(void **state)
{
	int before = signals_stops();

	(void)state;
	signals_catch(true);
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(signals_stops(), before + 1);
	assert_int_equal(raise(SIGINT), 0);
	assert_int_equal(signals_stops(), before + 2);
	assert_false(signals_take_reload());
}

static void
hup_is_a_wish_to_reload_where_there_is_something_to_read(void **state)
{
	int before = signals_stops();

	(void)state;
	signals_catch(true);
	assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(signals_stops(), before);
	assert_true(signals_take_reload());
	assert_false(signals_take_reload());
}

static void
hup_stops_a_program_whose_terminal_is_gone(void **state)
{
	int before = signals_stops();

	(void)state;
	signals_catch(false);
	assert_int_equal(raise(SIGHUP), 0);
	assert_int_equal(signals_stops(), before + 1);
	assert_false(signals_take_reload());
}

static void
signals_that_are_held_come_with_the_release(void **state)
{
	int before = signals_stops();

	(void)state;
	signals_catch(true);
	signals_hold();
	assert_int_equal(raise(SIGTERM), 0);
	assert_int_equal(signals_stops(), before);
	signals_release();
	assert_int_equal(signals_stops(), before + 1);
}

static void
a_closed_pipe_ends_nothing(void **state)
{
	(void)state;
	signals_catch(true);
	assert_int_equal(raise(SIGPIPE), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(term_and_int_are_counted),
		cmocka_unit_test(hup_is_a_wish_to_reload_where_there_is_something_to_read),
		cmocka_unit_test(hup_stops_a_program_whose_terminal_is_gone),
		cmocka_unit_test(signals_that_are_held_come_with_the_release),
		cmocka_unit_test(a_closed_pipe_ends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
