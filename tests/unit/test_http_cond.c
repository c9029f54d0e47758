/* SPDX-License-Identifier: BSD-3-Clause */
/* Preconditions: the order of RFC 9110 s13.2.2, field by field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "services/http_cond.h"

#define BEFORE "Sun, 06 Nov 1994 08:49:36 GMT"
#define EXACT "Sun, 06 Nov 1994 08:49:37 GMT"
#define AFTER "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct http_validators file = { "\"tag\"", 784111777 };

/* Parse a request with these fields. */
static void
request_with(struct http_parser *p, char text[512], const char *method, const char *fields)
{
	int n = snprintf(text, 512, "%s / HTTP/1.0\r\n%s\r\n", method, fields);

	http_parser_init(p, 512);
	assert_int_equal(http_parse(p, (const uint8_t *)text, (size_t)n), HTTP_PARSE_DONE);
}

static void
each_condition_gets_its_verdict(void **state)
{
	static const struct {
		const char *fields;
		enum http_cond_verdict verdict;
	} rows[] = {
		{ "", HTTP_COND_PROCEED },
		{ "If-None-Match: \"tag\"\r\n", HTTP_COND_NOT_MODIFIED },
		{ "If-None-Match: W/\"tag\"\r\n", HTTP_COND_NOT_MODIFIED },
		{ "If-None-Match: *\r\n", HTTP_COND_NOT_MODIFIED },
		{ "If-None-Match: \"a\", \"b\" ,\"tag\"\r\n", HTTP_COND_NOT_MODIFIED },
		{ "If-None-Match: \"other\"\r\n", HTTP_COND_PROCEED },
		{ "If-None-Match: \"tag\r\n", HTTP_COND_PROCEED },
		{ "If-None-Match: tag\r\n", HTTP_COND_PROCEED },
		{ "If-None-Match: \"ta\"\r\n", HTTP_COND_PROCEED },
		{ "If-None-Match: W/\r\n", HTTP_COND_PROCEED },
		{ "If-None-Match:\r\n", HTTP_COND_PROCEED },
		{ "If-None-Match: \"a b\", \"tag\"\r\n", HTTP_COND_PROCEED },
		{ "If-Modified-Since: " EXACT "\r\n", HTTP_COND_NOT_MODIFIED },
		{ "If-Modified-Since: " AFTER "\r\n", HTTP_COND_NOT_MODIFIED },
		{ "If-Modified-Since: " BEFORE "\r\n", HTTP_COND_PROCEED },
		{ "If-Modified-Since: never\r\n", HTTP_COND_PROCEED },
		/* The tag decides, whatever the date says. */
		{ "If-None-Match: \"other\"\r\nIf-Modified-Since: " AFTER "\r\n",
			HTTP_COND_PROCEED },
		{ "If-Match: \"tag\"\r\n", HTTP_COND_PROCEED },
		{ "If-Match: *\r\n", HTTP_COND_PROCEED },
		{ "If-Match: \"x\", \"tag\"\r\n", HTTP_COND_PROCEED },
		{ "If-Match: W/\"tag\"\r\n", HTTP_COND_FAILED },
		{ "If-Match: \"other\"\r\n", HTTP_COND_FAILED },
		{ "If-Unmodified-Since: " EXACT "\r\n", HTTP_COND_PROCEED },
		{ "If-Unmodified-Since: " BEFORE "\r\n", HTTP_COND_FAILED },
		{ "If-Unmodified-Since: never\r\n", HTTP_COND_PROCEED },
		{ "If-Match: \"tag\"\r\nIf-Unmodified-Since: " BEFORE "\r\n", HTTP_COND_PROCEED },
		{ "If-Match: \"tag\"\r\nIf-None-Match: \"tag\"\r\n", HTTP_COND_NOT_MODIFIED },
		{ "If-Match: \"other\"\r\nIf-None-Match: \"tag\"\r\n", HTTP_COND_FAILED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_parser p;
		char text[512];

		request_with(&p, text, "GET", rows[i].fields);
		if (http_cond_evaluate(&p.request, (const uint8_t *)text, &file) != rows[i].verdict)
			fail_msg("row %zu: %s", i, rows[i].fields);
	}
}

static void
a_range_applies_unless_if_range_speaks_of_another_file(void **state)
{
	static const struct {
		const char *method;
		const char *fields;
		bool applies;
	} rows[] = {
		{ "GET", "", false },
		{ "GET", "Range: bytes=0-1\r\n", true },
		{ "HEAD", "Range: bytes=0-1\r\n", false },
		{ "GET", "Range: bytes=0-1\r\nIf-Range: \"tag\"\r\n", true },
		{ "GET", "Range: bytes=0-1\r\nIf-Range: W/\"tag\"\r\n", false },
		{ "GET", "Range: bytes=0-1\r\nIf-Range: \"other\"\r\n", false },
		{ "GET", "Range: bytes=0-1\r\nIf-Range: " EXACT "\r\n", true },
		{ "GET", "Range: bytes=0-1\r\nIf-Range: " AFTER "\r\n", false },
		{ "GET", "Range: bytes=0-1\r\nIf-Range: " BEFORE "\r\n", false },
		{ "GET", "Range: bytes=0-1\r\nIf-Range:\r\n", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_parser p;
		char text[512];

		request_with(&p, text, rows[i].method, rows[i].fields);
		if (http_cond_range_applies(&p.request, (const uint8_t *)text, &file) !=
			rows[i].applies)
			fail_msg("row %zu: %s", i, rows[i].fields);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_condition_gets_its_verdict),
		cmocka_unit_test(a_range_applies_unless_if_range_speaks_of_another_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
