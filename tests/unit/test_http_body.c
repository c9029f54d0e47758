/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a request body: found at the same byte however the body is cut. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/exact.h"
#include "services/http_body.h"

/* Skip text piece by piece; *used gets what belongs to the body. */
static enum http_body_verdict
skip_pieces(struct http_body *b, const char *text, size_t step, size_t *used)
{
	size_t len = strlen(text), at = 0;
	enum http_body_verdict verdict = HTTP_BODY_MORE;

	*used = 0;
	while (at < len && verdict == HTTP_BODY_MORE) {
		size_t n = len - at < step ? len - at : step, part;
		uint8_t *copy = exact_copy(text + at, n);

		verdict = http_body_skip(b, copy, n, &part);
		free(copy);
		if (verdict == HTTP_BODY_MORE)
			assert_int_equal(part, n);
		at += n;
		*used += part;
	}
	return verdict;
}

static const struct row {
	const char *text;
	enum http_body_verdict verdict;
	size_t used;		/* with HTTP_BODY_DONE */
} rows[] = {
	{ "0\r\n\r\n", HTTP_BODY_DONE, 5 },
	{ "0\r\n\r\nGET", HTTP_BODY_DONE, 5 },
	{ "5\r\nhello\r\n0\r\n\r\n", HTTP_BODY_DONE, 15 },
	{ "A\r\n0123456789\r\n1\r\nx\r\n00\r\n\r\nrest", HTTP_BODY_DONE, 27 },
	{ "1;a=b;c=\"d\"\r\nx\r\n0\r\n\r\n", HTTP_BODY_DONE, 21 },
	{ "1 ; a\r\nx\r\n0 \r\n\r\n", HTTP_BODY_DONE, 16 },
	{ "0\r\nTrailer: x\r\nOther: y\r\n\r\n", HTTP_BODY_DONE, 27 },
	{ "5\r\nhello\r\n", HTTP_BODY_MORE, 0 },
	{ "5", HTTP_BODY_MORE, 0 },
	{ "0\r\nTrailer: x\r\n", HTTP_BODY_MORE, 0 },
	{ "\r\n", HTTP_BODY_BAD, 0 },
	{ ";x\r\n", HTTP_BODY_BAD, 0 },
	{ " 5\r\n", HTTP_BODY_BAD, 0 },
	{ "-5\r\n", HTTP_BODY_BAD, 0 },
	{ "0x5\r\n", HTTP_BODY_BAD, 0 },
	{ "5\nhello\r\n", HTTP_BODY_BAD, 0 },
	{ "5\r\rhello\r\n", HTTP_BODY_BAD, 0 },
	{ "5;a\nhello\r\n", HTTP_BODY_BAD, 0 },
	{ "5;a\x01\r\nhello\r\n", HTTP_BODY_BAD, 0 },
	{ "5\r\nhelloX", HTTP_BODY_BAD, 0 },
	{ "5\r\nhello\n", HTTP_BODY_BAD, 0 },
	{ "5\r\nhello\rX", HTTP_BODY_BAD, 0 },
	{ "0\r\n\rX", HTTP_BODY_BAD, 0 },
	{ "0\r\nT: x\n\r\n", HTTP_BODY_BAD, 0 },
	{ "0\r\nT: x\rX", HTTP_BODY_BAD, 0 },
	{ "10000000000000000\r\n", HTTP_BODY_BAD, 0 },
	{ "fff\r\n", HTTP_BODY_MORE, 0 },
};

static void
each_chunked_body_ends_where_it_should(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step <= strlen(rows[i].text); step++) {
			struct http_body b;
			size_t used;

			http_body_init_chunked(&b, 100);
			if (skip_pieces(&b, rows[i].text, step, &used) != rows[i].verdict)
				fail_msg("row %zu, steps of %zu", i, step);
			if (rows[i].verdict == HTTP_BODY_DONE)
				assert_int_equal(used, rows[i].used);
		}
	}
}

static void
a_body_of_known_length_ends_there(void **state)
{
	(void)state;
	for (size_t step = 1; step < 8; step++) {
		struct http_body b;
		size_t used;

		http_body_init_length(&b, 5);
		assert_int_equal(skip_pieces(&b, "hellonext", step, &used), HTTP_BODY_DONE);
		assert_int_equal(used, 5);
		http_body_init_length(&b, 5);
		assert_int_equal(skip_pieces(&b, "hell", step, &used), HTTP_BODY_MORE);
	}
}

static void
an_empty_body_has_ended_before_it_began(void **state)
{
	struct http_body b;
	size_t used = 1;

	(void)state;
	http_body_init_length(&b, 0);
	assert_int_equal(http_body_skip(&b, NULL, 0, &used), HTTP_BODY_DONE);
	assert_int_equal(used, 0);
}

static void
the_budget_counts_every_byte(void **state)
{
	static const char text[] = "5\r\nhello\r\n0\r\n\r\n";

	(void)state;
	for (size_t step = 1; step <= 15; step++) {
		struct http_body b;
		size_t used;

		http_body_init_chunked(&b, 15);
		assert_int_equal(skip_pieces(&b, text, step, &used), HTTP_BODY_DONE);
		for (uint64_t budget = 0; budget < 15; budget++) {
			http_body_init_chunked(&b, budget);
			assert_int_equal(skip_pieces(&b, text, step, &used), HTTP_BODY_TOO_LARGE);
		}
	}
}

static void
a_size_line_without_end_is_refused(void **state)
{
	struct http_body b;
	char text[HTTP_MAX_CHUNK_LINE_BYTES + 8];
	size_t used;

	(void)state;
	memset(text, 'x', sizeof(text));
	memcpy(text, "1;", 2);
	memcpy(text + HTTP_MAX_CHUNK_LINE_BYTES - 1, "\r\nx\r\n", 6);
	http_body_init_chunked(&b, 10000);
	assert_int_equal(skip_pieces(&b, text, 1, &used), HTTP_BODY_MORE);
	memset(text, 'x', sizeof(text));
	memcpy(text, "1;", 2);
	memcpy(text + HTTP_MAX_CHUNK_LINE_BYTES, "\r\nx\r\n", 6);
	http_body_init_chunked(&b, 10000);
	assert_int_equal(skip_pieces(&b, text, 1, &used), HTTP_BODY_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_chunked_body_ends_where_it_should),
		cmocka_unit_test(a_body_of_known_length_ends_there),
		cmocka_unit_test(an_empty_body_has_ended_before_it_began),
		cmocka_unit_test(the_budget_counts_every_byte),
		cmocka_unit_test(a_size_line_without_end_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
