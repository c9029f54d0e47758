/* SPDX-License-Identifier: BSD-3-Clause */
/* Assertions: what fails calls the handler, and only that. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/assert.h"

static jmp_buf failed;
static const char *failed_expr;

/* Takes the place of the weak one that traps. */
void
base_assert_fail(const char *file, int line, const char *expr)
{
	(void)file;
	(void)line;
	failed_expr = expr;
	longjmp(failed, 1);
}

static void
a_false_assertion_calls_the_handler_with_its_text(void **state)
{
	volatile int reached = 0;

	(void)state;
	failed_expr = NULL;
	if (setjmp(failed) == 0) {
		ASSERT(1 + 1 == 2);
		reached = 1;
		ASSERT(1 + 1 == 3);
		reached = 2;
	}
	assert_int_equal(reached, 1);
	assert_string_equal(failed_expr, "1 + 1 == 3");
}

static void
a_slow_assertion_is_checked_in_tests(void **state)
{
	volatile int reached = 0;

	(void)state;
	if (setjmp(failed) == 0) {
		ASSERT_SLOW(reached == 1);
		reached = 2;
	}
	assert_int_equal(reached, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_false_assertion_calls_the_handler_with_its_text),
		cmocka_unit_test(a_slow_assertion_is_checked_in_tests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
