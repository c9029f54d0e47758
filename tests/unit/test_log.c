/* SPDX-License-Identifier: BSD-3-Clause */
/* The log sink: levels, the rate limit to the microsecond, cut lines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/log.h"

struct seen {
	unsigned int count;
	enum log_level level;
	char line[LOG_LINE_BYTES];
	size_t len;
};

static void
remember(void *ctx, enum log_level level, const char *line, size_t len)
{
	struct seen *seen = ctx;

	assert_true(len < LOG_LINE_BYTES);
	assert_int_equal(line[len], '\0');
	seen->count++;
	seen->level = level;
	seen->len = len;
	memcpy(seen->line, line, len + 1);
}

static void
a_line_is_formatted_and_handed_on(void **state)
{
	struct seen seen = { 0 };
	struct log_sink sink;

	(void)state;
	log_init(&sink, remember, &seen, 0, 0);
	log_write(&sink, 0, LOG_LEVEL_WARNING, "port %d: %s", 1, "down");
	assert_int_equal(seen.count, 1);
	assert_int_equal(seen.level, LOG_LEVEL_WARNING);
	assert_string_equal(seen.line, "port 1: down");
}

static void
chatty_levels_are_dropped_without_being_counted(void **state)
{
	struct seen seen = { 0 };
	struct log_sink sink;

	(void)state;
	log_init(&sink, remember, &seen, 0, 0);
	log_write(&sink, 0, LOG_LEVEL_DEBUG, "x");
	assert_int_equal(seen.count, 0);
	assert_true(sink.suppressed == 0);
	sink.level_max = LOG_LEVEL_DEBUG;
	log_write(&sink, 0, LOG_LEVEL_DEBUG, "x");
	assert_int_equal(seen.count, 1);
}

static void
a_burst_passes_and_then_one_line_per_interval(void **state)
{
	struct seen seen = { 0 };
	struct log_sink sink;

	(void)state;
	log_init(&sink, remember, &seen, 10, 3); /* one line per 100 ms */
	for (int i = 0; i < 5; i++)
		log_write(&sink, 1000, LOG_LEVEL_INFO, "line %d", i);
	assert_int_equal(seen.count, 3);
	assert_true(sink.suppressed == 2);
	log_write(&sink, 1000 + 99999, LOG_LEVEL_INFO, "early");
	assert_int_equal(seen.count, 3);
	log_write(&sink, 1000 + 100000, LOG_LEVEL_INFO, "due");
	assert_int_equal(seen.count, 4);
	assert_string_equal(seen.line, "(3 lines suppressed) due");
	log_write(&sink, 1000 + 200000, LOG_LEVEL_INFO, "next");
	assert_string_equal(seen.line, "next");
}

static void
the_bucket_never_holds_more_than_its_burst(void **state)
{
	struct seen seen = { 0 };
	struct log_sink sink;

	(void)state;
	log_init(&sink, remember, &seen, 10, 2);
	log_write(&sink, 0, LOG_LEVEL_INFO, "x");
	for (int i = 0; i < 5; i++)
		log_write(&sink, UINT64_MAX - 1, LOG_LEVEL_INFO, "x");
	assert_int_equal(seen.count, 3);
}

static void
a_clock_that_steps_back_refills_nothing(void **state)
{
	struct seen seen = { 0 };
	struct log_sink sink;

	(void)state;
	log_init(&sink, remember, &seen, 10, 1);
	log_write(&sink, 5000000, LOG_LEVEL_INFO, "x");
	log_write(&sink, 0, LOG_LEVEL_INFO, "x");
	assert_int_equal(seen.count, 1);
	log_write(&sink, 100000, LOG_LEVEL_INFO, "x");
	assert_int_equal(seen.count, 2);
}

static void
a_line_too_long_is_cut(void **state)
{
	struct seen seen = { 0 };
	struct log_sink sink;

	(void)state;
	log_init(&sink, remember, &seen, 10, 1);
	log_write(&sink, 0, LOG_LEVEL_INFO, "%0600d", 7);
	assert_int_equal(seen.len, LOG_LINE_BYTES - 1);
	log_write(&sink, 0, LOG_LEVEL_INFO, "suppressed");
	log_write(&sink, 1000000, LOG_LEVEL_INFO, "%0600d", 7);
	assert_int_equal(seen.len, LOG_LINE_BYTES - 1);
	assert_memory_equal(seen.line, "(1 lines suppressed) 000", 24);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_line_is_formatted_and_handed_on),
		cmocka_unit_test(chatty_levels_are_dropped_without_being_counted),
		cmocka_unit_test(a_burst_passes_and_then_one_line_per_interval),
		cmocka_unit_test(the_bucket_never_holds_more_than_its_burst),
		cmocka_unit_test(a_clock_that_steps_back_refills_nothing),
		cmocka_unit_test(a_line_too_long_is_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
