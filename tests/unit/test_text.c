/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of UTF-8 and of what is kept from a terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/text.h"
#include "lib/exact.h"

static const struct {
	const char *in, *out;
	bool is_utf8;
} rows[] = {
	{ "", "", true },
	{ "plain text", "plain text", true },
	{ "a\nb\tc", "a\\x0ab\\x09c", true },
	{ "\x1b[2J", "\\x1b[2J", true },
	{ "\x7f", "\\x7f", true },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", true },
	{ "\xe2\x82\xac", "\xe2\x82\xac", true },
	{ "\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80", true },
	{ "\xc2\x9b"
	  "31m",
		"\\xc2\\x9b31m", true },
	{ "\xe2\x80\xae"
	  "x",
		"\\xe2\\x80\\xaex", true },
	{ "\xc3", "\\xc3", false },
	{ "\xc3(", "\\xc3(", false },
	{ "\xc0\xaf", "\\xc0\\xaf", false },
	{ "\xe0\x80\xaf", "\\xe0\\x80\\xaf", false },
	{ "\xed\xa0\x80", "\\xed\\xa0\\x80", false },
	{ "\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80", false },
	{ "\xff", "\\xff", false },
	{ "\x80", "\\x80", false },
};

static void
only_what_a_terminal_shows_gets_through(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].in);
		char *exact = (char *)exact_copy(rows[i].in, len);
		char out[64];

		if (text_escape(exact, len, out, sizeof(out)) != strlen(rows[i].out) ||
			strcmp(out, rows[i].out) != 0)
			fail_msg("row %zu: '%s'", i, out);
		if (text_is_utf8(exact, len) != rows[i].is_utf8)
			fail_msg("row %zu: UTF-8", i);
		free(exact);
	}
}

static void
text_is_cut_at_a_whole_character(void **state)
{
	char out[8];

	(void)state;
	assert_int_equal(text_escape("abcdefghi", 9, out, sizeof(out)), 7);
	assert_string_equal(out, "abcdefg");
	assert_int_equal(text_escape("abcdef\xc3\xbc", 8, out, sizeof(out)), 6);
	assert_string_equal(out, "abcdef");
	assert_int_equal(text_escape("abcd\x01", 5, out, sizeof(out)), 4);
	assert_int_equal(text_escape("x", 1, out, 1), 0);
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_what_a_terminal_shows_gets_through),
		cmocka_unit_test(text_is_cut_at_a_whole_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
