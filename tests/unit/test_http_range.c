/* SPDX-License-Identifier: BSD-3-Clause */
/* The Range field against files of several sizes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/exact.h"
#include "services/http_range.h"

static const struct row {
	const char *text;
	uint64_t size;
	enum http_range_verdict verdict;
	uint64_t first;
	uint64_t len;
} rows[] = {
	{ "bytes=0-0", 10, HTTP_RANGE_OK, 0, 1 },
	{ "bytes=0-9", 10, HTTP_RANGE_OK, 0, 10 },
	{ "bytes=0-10", 10, HTTP_RANGE_OK, 0, 10 },
	{ "bytes=9-", 10, HTTP_RANGE_OK, 9, 1 },
	{ "bytes=3-5", 10, HTTP_RANGE_OK, 3, 3 },
	{ "Bytes=3-5", 10, HTTP_RANGE_OK, 3, 3 },
	{ "bytes=-1", 10, HTTP_RANGE_OK, 9, 1 },
	{ "bytes=-10", 10, HTTP_RANGE_OK, 0, 10 },
	{ "bytes=-11", 10, HTTP_RANGE_OK, 0, 10 },
	{ "bytes=0-99999999999999999999999", 10, HTTP_RANGE_OK, 0, 10 },
	{ "bytes=-99999999999999999999999", 10, HTTP_RANGE_OK, 0, 10 },
	{ "bytes=0-18446744073709551615", UINT64_MAX, HTTP_RANGE_OK, 0, UINT64_MAX },
	{ "bytes=10-", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0 },
	{ "bytes=10-20", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0 },
	{ "bytes=99999999999999999999999-", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0 },
	{ "bytes=-0", 10, HTTP_RANGE_UNSATISFIABLE, 0, 0 },
	{ "bytes=0-", 0, HTTP_RANGE_UNSATISFIABLE, 0, 0 },
	{ "bytes=0-0", 0, HTTP_RANGE_UNSATISFIABLE, 0, 0 },
	{ "bytes=-5", 0, HTTP_RANGE_IGNORED, 0, 0 },
	{ "bytes=5-3", 10, HTTP_RANGE_IGNORED, 0, 0 },
	{ "bytes=0-1,3-4", 10, HTTP_RANGE_IGNORED, 0, 0 },
	{ "bytes=", 10, HTTP_RANGE_IGNORED, 0, 0 },
	{ "bytes=-", 10, HTTP_RANGE_IGNORED, 0, 0 },
	{ "bytes=5", 10, HTTP_RANGE_IGNORED, 0, 0 },
	{ "bytes=a-b", 10, HTTP_RANGE_IGNORED, 0, 0 },
	{ "bytes=0-b", 10, HTTP_RANGE_IGNORED, 0, 0 },
	{ "bytes=0x0-1", 10, HTTP_RANGE_IGNORED, 0, 0 },
	{ "bytes= 0-1", 10, HTTP_RANGE_IGNORED, 0, 0 },
	{ "bytes=0-1 ", 10, HTTP_RANGE_IGNORED, 0, 0 },
	{ "bytes=--1", 10, HTTP_RANGE_IGNORED, 0, 0 },
	{ "lines=0-1", 10, HTTP_RANGE_IGNORED, 0, 0 },
	{ "byte", 10, HTTP_RANGE_IGNORED, 0, 0 },
	{ "", 10, HTTP_RANGE_IGNORED, 0, 0 },
};

static void
each_range_selects_its_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].text);
		uint8_t *copy = exact_copy(rows[i].text, len);
		struct http_range range = { 0, 0 };
		enum http_range_verdict verdict;

		verdict = http_range_parse(copy, len, rows[i].size, &range);
		free(copy);
		if (verdict != rows[i].verdict)
			fail_msg("row %zu: %s: %d", i, rows[i].text, (int)verdict);
		if (verdict != HTTP_RANGE_OK)
			continue;
		assert_true(range.first == rows[i].first);
		assert_true(range.len == rows[i].len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_range_selects_its_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
