/* SPDX-License-Identifier: BSD-3-Clause */
/* HTTP dates in all their forms. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/exact.h"
#include "services/http_date.h"

static int
parse(const char *text, int64_t *wall_s)
{
	size_t len = strlen(text);
	uint8_t *copy = exact_copy(text, len);
	int err = http_date_parse(copy, len, wall_s);

	free(copy);
	return err;
}

static void
dates_are_written_and_read_back(void **state)
{
	static const struct {
		int64_t wall_s;
		const char *text;
	} rows[] = {
		{ 0, "Thu, 01 Jan 1970 00:00:00 GMT" },
		{ 784111777, "Sun, 06 Nov 1994 08:49:37 GMT" },
		{ 951782400, "Tue, 29 Feb 2000 00:00:00 GMT" },
		{ 4102444799, "Thu, 31 Dec 2099 23:59:59 GMT" },
		{ 253402300799, "Fri, 31 Dec 9999 23:59:59 GMT" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[HTTP_DATE_BYTES];
		int64_t wall_s = -1;

		http_date_format(out, rows[i].wall_s);
		assert_memory_equal(out, rows[i].text, HTTP_DATE_BYTES);
		assert_int_equal(parse(rows[i].text, &wall_s), 0);
		assert_true(wall_s == rows[i].wall_s);
	}
}

static void
times_outside_the_calendar_are_held_at_its_ends(void **state)
{
	char out[HTTP_DATE_BYTES];

	(void)state;
	http_date_format(out, -1);
	assert_memory_equal(out, "Thu, 01 Jan 1970 00:00:00 GMT", HTTP_DATE_BYTES);
	http_date_format(out, INT64_MAX);
	assert_memory_equal(out, "Fri, 31 Dec 9999 23:59:59 GMT", HTTP_DATE_BYTES);
}

static void
the_two_obsolete_forms_are_read(void **state)
{
	static const struct {
		const char *text;
		int64_t wall_s;
	} rows[] = {
		{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
		{ "Sun Nov  6 08:49:37 1994", 784111777 },
		{ "Sun Nov 06 08:49:37 1994", 784111777 },
		{ "Friday, 31-Dec-99 23:59:59 GMT", 946684799 },
		{ "Saturday, 01-Jan-00 00:00:00 GMT", 946684800 },
		{ "Wed, 31 Dec 2008 23:59:60 GMT", 1230767999 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t wall_s = -1;

		assert_int_equal(parse(rows[i].text, &wall_s), 0);
		assert_true(wall_s == rows[i].wall_s);
	}
}

static void
what_is_no_date_is_refused(void **state)
{
	static const char *const rows[] = {
		"",
		"Sun",
		"yesterday",
		"Sun, 06 Nov 1994 08:49:37",
		"Sun, 06 Nov 1994 08:49:37 UTC",
		"Sun, 06 Nov 1994 08:49:37 GMT ",
		"Sun, 6 Nov 1994 08:49:37 GMT",
		"Sun, 31 Feb 1994 08:49:37 GMT",
		"Sun, 06 Nov 1994 24:49:37 GMT",
		"Sun, 06 Nov 1994 08:60:37 GMT",
		"Sun, 06 Nov 1969 08:49:37 GMT",
		"Sun, 00 Nov 1994 08:49:37 GMT",
		"Sun, 06 Nob 1994 08:49:37 GMT",
		"Xun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-1994 08:49:37 GMT",
		"Sun Nov  6 08:49:37 1994 GMT",
		"Sun Nov   6 08:49:37 1994",
		"784111777",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int64_t wall_s;

		if (parse(rows[i], &wall_s) != -EINVAL)
			fail_msg("row %zu: %s", i, rows[i]);
	}
}

static void
every_prefix_of_a_date_is_read_without_a_step_too_far(void **state)
{
	static const char *const rows[] = { "Sun, 06 Nov 1994 08:49:37 GMT",
		"Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994" };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (size_t len = 0; len < strlen(rows[i]); len++) {
			uint8_t *copy = exact_copy(rows[i], len);
			int64_t wall_s;

			assert_int_equal(http_date_parse(copy, len, &wall_s), -EINVAL);
			free(copy);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates_are_written_and_read_back),
		cmocka_unit_test(times_outside_the_calendar_are_held_at_its_ends),
		cmocka_unit_test(the_two_obsolete_forms_are_read),
		cmocka_unit_test(what_is_no_date_is_refused),
		cmocka_unit_test(every_prefix_of_a_date_is_read_without_a_step_too_far),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
