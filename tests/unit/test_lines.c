/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of lines cut out of a stream. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ctl/lines.h"

static struct ctl_lines lines;

static int
begin(void **state)
{
	(void)state;
	memset(&lines, 0, sizeof(lines));
	return 0;
}

static void
receive(const char *text, size_t len)
{
	size_t room;
	char *at = ctl_lines_room(&lines, &room);

	assert_true(len <= room);
	memcpy(at, text, len);
	ctl_lines_fill(&lines, len);
}

static void
expect(const char *want)
{
	const char *line;
	ssize_t len;

	assert_true(ctl_lines_has_line(&lines));
	len = ctl_lines_next(&lines, &line);
	assert_int_equal(len, strlen(want));
	assert_memory_equal(line, want, strlen(want));
}

static void
lines_come_out_whatever_the_pieces(void **state)
{
	static const char text[] = "one\n\ntwo words\nlast\n";
	const char *line;
	size_t step, at;

	(void)state;
	for (step = 1; step < sizeof(text); step++) {
		const char *rest = text;

		memset(&lines, 0, sizeof(lines));
		for (at = 0; at < sizeof(text) - 1; at += step) {
			size_t left = sizeof(text) - 1 - at;
			ssize_t len;

			receive(text + at, step < left ? step : left);
			while ((len = ctl_lines_next(&lines, &line)) >= 0) {
				assert_memory_equal(line, rest, (size_t)len);
				assert_true(rest[len] == '\n');
				rest += len + 1;
			}
			assert_int_equal(len, -EAGAIN);
		}
		assert_true(*rest == '\0');
		assert_true(ctl_lines_is_empty(&lines));
	}
}

static void
the_longest_line_fits_and_one_byte_more_does_not(void **state)
{
	static char text[CTL_FRAME_MAX];
	const char *line;
	size_t room;

	(void)state;
	memset(text, 'x', sizeof(text));
	receive("a\n", 2);
	expect("a");
	receive(text, sizeof(text) - 1);
	assert_int_equal(ctl_lines_next(&lines, &line), -EAGAIN);
	receive("\n", 1);
	ctl_lines_room(&lines, &room);
	assert_int_equal(room, 0);
	assert_int_equal(ctl_lines_next(&lines, &line), CTL_FRAME_MAX - 1);

	receive(text, sizeof(text));
	assert_int_equal(ctl_lines_next(&lines, &line), -E2BIG);
	assert_int_equal(ctl_lines_next(&lines, &line), -E2BIG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lines_come_out_whatever_the_pieces, begin),
		cmocka_unit_test_setup(the_longest_line_fits_and_one_byte_more_does_not, begin),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
