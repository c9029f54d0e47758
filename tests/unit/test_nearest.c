/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the suggestions for mistyped words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "conf/nearest.h"

static const char *const words[] = {
	"listen",
	"backlog",
	"port",
	"ports",
	"syncookies",
	"service",
	"services",
	NULL,
};

static const char *
word_at(const void *ctx, size_t i)
{
	return ((const char *const *)ctx)[i];
}

static const struct {
	const char *a, *b;
	size_t distance;
} distance_rows[] = {
	{ "", "", 0 },
	{ "a", "", 1 },
	{ "", "abc", 3 },
	{ "kitten", "sitting", 3 },
	{ "listen", "lisen", 1 },
	{ "listen", "lisetn", 1 },
	{ "Listen", "lISTEN", 0 },
	{ "ca", "abc", 3 },
};

static void
distance_counts_edits_and_swaps(void **state)
{
	char longer[NEAREST_WORD_MAX + 2];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(distance_rows) / sizeof(distance_rows[0]); i++)
		assert_int_equal(nearest_distance(distance_rows[i].a, distance_rows[i].b),
			distance_rows[i].distance);
	memset(longer, 'x', sizeof(longer));
	longer[NEAREST_WORD_MAX + 1] = '\0';
	assert_int_equal(nearest_distance(longer, "x"), SIZE_MAX);
	longer[NEAREST_WORD_MAX] = '\0';
	assert_int_equal(nearest_distance(longer, "x"), NEAREST_WORD_MAX - 1);
}

static const struct {
	const char *word, *text;
} names_rows[] = {
	{ "lisen", "'listen'" },
	{ "prot", "'port' or 'ports'" },
	{ "servic", "'service' or 'services'" },
	{ "back", "'backlog'" },
	{ "syncookie", "'syncookies'" },
	{ "zzzz", "" },
	{ "", "" },
};

static void
only_near_words_are_named_nearest_first(void **state)
{
	char out[80];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(names_rows) / sizeof(names_rows[0]); i++)
		assert_string_equal(
			nearest_names(names_rows[i].word, word_at, words, out, sizeof(out)),
			names_rows[i].text);
}

static void
text_is_cut_to_the_room_there_is(void **state)
{
	char out[8];

	(void)state;
	nearest_names("servic", word_at, words, out, sizeof(out));
	assert_string_equal(out, "'servic");
	nearest_names("servic", word_at, words, out, 1);
	assert_string_equal(out, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(distance_counts_edits_and_swaps),
		cmocka_unit_test(only_near_words_are_named_nearest_first),
		cmocka_unit_test(text_is_cut_to_the_room_there_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
