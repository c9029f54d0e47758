/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the command line's own parts: numbers for people, and verbs with their arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "number.h"
#include "verb.h"

static void
numbers_have_separators_every_three_digits(void **state)
{
	static const struct {
		int64_t value;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 999, "999" },
		{ 1000, "1,000" },
		{ -1000, "-1,000" },
		{ 123456, "123,456" },
		{ 1234567, "1,234,567" },
		{ INT64_MAX, "9,223,372,036,854,775,807" },
		{ INT64_MIN, "-9,223,372,036,854,775,808" },
	};
	char buf[NUMBER_LEN];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_string_equal(number_text(rows[i].value, true, buf), rows[i].text);
	assert_string_equal(number_text(1234567, false, buf), "1234567");
}

static void
rates_and_times_are_rounded(void **state)
{
	char buf[NUMBER_LEN];

	(void)state;
	assert_int_equal(number_rate(100, 200, 1000000000), 100);
	assert_int_equal(number_rate(100, 101, 300000000), 3);
	assert_int_equal(number_rate(0, 5, 0), 0);
	assert_string_equal(number_age(59, buf), "59s");
	assert_string_equal(number_age(60, buf), "1m 0s");
	assert_string_equal(number_age(3600, buf), "1h 0m");
	assert_string_equal(number_age(90000, buf), "1d 1h");
	assert_string_equal(number_time(999, buf), "999us");
	assert_string_equal(number_time(1500, buf), "1.5ms");
	assert_string_equal(number_time(2000000, buf), "2.0s");
}

/* Words of a line, on the stack of the caller. */
#define WORDS(...)                 \
	(char *[]){ __VA_ARGS__ }, \
		(unsigned int)(sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *))

static void
exact_words_win_over_longer_ones(void **state)
{
	struct failure f;
	struct verb verb;
	unsigned int used = 0;
	char set[] = "set", s[] = "s", st[] = "st", help[] = "he", show[] = "show", cou[] = "cou";

	(void)state;
	assert_int_equal(verb_find(WORDS(set), &verb, &used, &f), 0);
	assert_string_equal(verb.name, "set");
	assert_int_equal(verb_find(WORDS(s), &verb, &used, &f), EXIT_USAGE);
	assert_int_equal(verb_find(WORDS(st), &verb, &used, &f), 0);
	assert_string_equal(verb.name, "stop");
	assert_int_equal(verb_find(WORDS(help, set), &verb, &used, &f), 0);
	assert_int_equal(used, 1);
	assert_int_equal(verb_find(WORDS(show, cou, set), &verb, &used, &f), 0);
	assert_string_equal(verb.name, "show counters");
	assert_int_equal(used, 2);
}

static const char *
arg(const json_t *args, const char *name)
{
	const char *text = json_string_value(json_object_get(args, name));

	return text != NULL ? text : "-";
}

static void
arguments_land_under_their_names(void **state)
{
	char watch[] = "watch", one[] = "1", show[] = "show", drops[] = "drops", all[] = "--all",
	     count[] = "--count=3", set[] = "set", pair[] = "a=b c";
	unsigned int used;
	struct failure f;
	struct verb verb;
	json_t *args;

	(void)state;
	assert_int_equal(verb_find(WORDS(watch), &verb, &used, &f), 0);
	args = verb_args(&verb, WORDS(count, one, show, drops, all), &f);
	assert_string_equal(arg(args, "count"), "3");
	assert_string_equal(arg(args, "seconds"), "1");
	assert_string_equal(arg(args, "command"), "show drops --all");
	json_decref(args);
	assert_null(verb_args(&verb, WORDS(one), &f));

	assert_int_equal(verb_find(WORDS(set), &verb, &used, &f), 0);
	args = verb_args(&verb, WORDS(pair), &f);
	assert_string_equal(arg(args, "name"), "a");
	assert_string_equal(arg(args, "value"), "b c");
	json_decref(args);
	args = verb_args(&verb, WORDS(one, one, show), &f);
	assert_string_equal(arg(args, "value"), "1 show");
	json_decref(args);
	assert_null(verb_args(&verb, WORDS(one, all), &f));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_separators_every_three_digits),
		cmocka_unit_test(rates_and_times_are_rounded),
		cmocka_unit_test(exact_words_win_over_longer_ones),
		cmocka_unit_test(arguments_land_under_their_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
