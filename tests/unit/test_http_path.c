/* SPDX-License-Identifier: BSD-3-Clause */
/* Request targets as file names: nothing leads out of the directory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/exact.h"
#include "services/http_path.h"

static const struct row {
	const char *target;
	enum http_path_verdict verdict;
	const char *name;
	bool is_dir;
} rows[] = {
	{ "/", HTTP_PATH_OK, "", true },
	{ "", HTTP_PATH_OK, "", true },
	{ "?q", HTTP_PATH_OK, "", true },
	{ "/a", HTTP_PATH_OK, "a", false },
	{ "/a/b.html", HTTP_PATH_OK, "a/b.html", false },
	{ "/a/b/", HTTP_PATH_OK, "a/b", true },
	{ "/a?/../..", HTTP_PATH_OK, "a", false },
	{ "/a%3Fb", HTTP_PATH_OK, "a?b", false },
	{ "//a///b//", HTTP_PATH_OK, "a/b", true },
	{ "/./a/./b/.", HTTP_PATH_OK, "a/b", true },
	{ "/a/../b", HTTP_PATH_OK, "b", false },
	{ "/a/b/..", HTTP_PATH_OK, "a", true },
	{ "/a/b/../../c", HTTP_PATH_OK, "c", false },
	{ "/a/..", HTTP_PATH_OK, "", true },
	{ "/a/%2e%2E/b", HTTP_PATH_OK, "b", false },
	{ "/...", HTTP_PATH_OK, "...", false },
	{ "/..a/.b", HTTP_PATH_OK, "..a/.b", false },
	{ "/%61%20b", HTTP_PATH_OK, "a b", false },
	{ "/%C3%A9", HTTP_PATH_OK, "\xc3\xa9", false },
	{ "/%252e%252e", HTTP_PATH_OK, "%2e%2e", false },
	{ "/a\\..\\b", HTTP_PATH_OK, "a\\..\\b", false },
	{ "/..", HTTP_PATH_BAD, NULL, false },
	{ "/../etc/passwd", HTTP_PATH_BAD, NULL, false },
	{ "/a/../../b", HTTP_PATH_BAD, NULL, false },
	{ "/%2e%2e/etc/passwd", HTTP_PATH_BAD, NULL, false },
	{ "/.%2e/x", HTTP_PATH_BAD, NULL, false },
	{ "/a/..//../b", HTTP_PATH_BAD, NULL, false },
	{ "/a%2fb", HTTP_PATH_BAD, NULL, false },
	{ "/..%2F..%2Fetc", HTTP_PATH_BAD, NULL, false },
	{ "/a%00b", HTTP_PATH_BAD, NULL, false },
	{ "/a%0a", HTTP_PATH_BAD, NULL, false },
	{ "/a%7f", HTTP_PATH_BAD, NULL, false },
	{ "/%", HTTP_PATH_BAD, NULL, false },
	{ "/%4", HTTP_PATH_BAD, NULL, false },
	{ "/%4g", HTTP_PATH_BAD, NULL, false },
	{ "/%g4", HTTP_PATH_BAD, NULL, false },
	{ "/%4?1", HTTP_PATH_BAD, NULL, false },
};

static void
each_target_becomes_its_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].target);
		uint8_t *copy = exact_copy(rows[i].target, len);
		enum http_path_verdict verdict;
		struct http_path path;

		verdict = http_path_resolve(copy, len, &path);
		free(copy);
		if (verdict != rows[i].verdict)
			fail_msg("row %zu: %s: %d", i, rows[i].target, (int)verdict);
		if (verdict != HTTP_PATH_OK)
			continue;
		assert_string_equal(path.name, rows[i].name);
		assert_int_equal(path.len, strlen(rows[i].name));
		assert_int_equal(path.is_dir, rows[i].is_dir);
	}
}

static void
a_name_fits_or_is_too_long(void **state)
{
	uint8_t target[HTTP_PATH_MAX + 8];
	struct http_path path;

	(void)state;
	memset(target, 'a', sizeof(target));
	target[0] = '/';
	assert_int_equal(http_path_resolve(target, HTTP_PATH_MAX, &path), HTTP_PATH_OK);
	assert_int_equal(path.len, HTTP_PATH_MAX - 1);
	assert_int_equal(strlen(path.name), HTTP_PATH_MAX - 1);
	assert_int_equal(http_path_resolve(target, HTTP_PATH_MAX + 1, &path), HTTP_PATH_TOO_LONG);
	/* Full up to the last byte, and then another part. */
	target[HTTP_PATH_MAX] = '/';
	assert_int_equal(http_path_resolve(target, HTTP_PATH_MAX + 1, &path), HTTP_PATH_OK);
	assert_true(path.is_dir);
	assert_int_equal(http_path_resolve(target, HTTP_PATH_MAX + 2, &path), HTTP_PATH_TOO_LONG);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_target_becomes_its_name),
		cmocka_unit_test(a_name_fits_or_is_too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
