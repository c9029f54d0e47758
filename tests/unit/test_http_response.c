/* SPDX-License-Identifier: BSD-3-Clause */
/* Heads of responses, byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "services/http_response.h"

static const char date[] = "Sun, 06 Nov 1994 08:49:37 GMT";

static const struct row {
	struct http_head head;
	const char *text;
} rows[] = {
	{ { .status = 200, .has_length = true, .length = 3, .type = "text/plain" },
		"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: sluice\r\n"
		"Content-Type: text/plain\r\nContent-Length: 3\r\n\r\n" },
	{ { .status = 206, .has_length = true, .length = 10, .has_range = true, .range_first = 5,
		  .total = 100, .fields = "ETag: \"x\"\r\n" },
		"HTTP/1.1 206 Partial Content\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"Server: sluice\r\nContent-Length: 10\r\nContent-Range: bytes 5-14/100\r\n"
		"ETag: \"x\"\r\n\r\n" },
	{ { .status = 304, .fields = "ETag: \"x\"\r\n" },
		"HTTP/1.1 304 Not Modified\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"Server: sluice\r\nETag: \"x\"\r\n\r\n" },
	{ { .status = 405, .has_length = true, .keep_alive = true },
		"HTTP/1.1 405 Method Not Allowed\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"Server: sluice\r\nContent-Length: 0\r\nAllow: GET, HEAD\r\n"
		"Connection: keep-alive\r\n\r\n" },
	{ { .status = 416, .has_length = true, .length = 1, .has_range = true,
		  .total = UINT64_MAX },
		"HTTP/1.1 416 Range Not Satisfiable\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"Server: sluice\r\nContent-Length: 1\r\n"
		"Content-Range: bytes */18446744073709551615\r\n\r\n" },
	{ { .status = 503, .has_length = true, .length = 1, .close = true, .keep_alive = true },
		"HTTP/1.1 503 Service Unavailable\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"Server: sluice\r\nContent-Length: 1\r\nRetry-After: 1\r\n"
		"Connection: close\r\n\r\n" },
};

static void
each_head_is_written_as_it_should_be(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char out[HTTP_HEAD_MAX + 1];
		size_t len = http_response_head(out, &rows[i].head, date);

		out[len] = '\0';
		assert_string_equal(out, rows[i].text);
	}
}

static void
the_date_stands_where_it_is_said_to(void **state)
{
	static const uint16_t statuses[] = {
#define HTTP_STATUS(code, reason) code,
#include "services/http_status.def"
#undef HTTP_STATUS
	};

	(void)state;
	for (size_t i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		const struct http_head head = { .status = statuses[i] };
		char out[HTTP_HEAD_MAX];

		http_response_head(out, &head, date);
		assert_memory_equal(out + http_response_date_at(statuses[i]), date,
			HTTP_DATE_BYTES);
	}
}

static void
the_longest_head_fits(void **state)
{
	char fields[HTTP_FILE_FIELDS_BYTES + 1];
	const struct http_head head = { .status = 431, .has_length = true, .has_range = true,
		.length = UINT64_MAX, .range_first = UINT64_MAX, .total = UINT64_MAX,
		.type = "text/javascript; charset=utf-8", .fields = fields, .keep_alive = true };
	char out[HTTP_HEAD_MAX];

	(void)state;
	memset(fields, 'x', sizeof(fields));
	fields[sizeof(fields) - 1] = '\0';
	assert_true(http_response_head(out, &head, date) <= HTTP_HEAD_MAX);
}

static void
types_follow_the_extension(void **state)
{
	static const struct {
		const char *name;
		const char *type;
	} cases[] = {
		{ "index.html", "text/html; charset=utf-8" },
		{ "a/b/INDEX.HTM", "text/html; charset=utf-8" },
		{ "a.tar.gz", "application/gzip" },
		{ "a.js", "text/javascript; charset=utf-8" },
		{ "picture.PNG", "image/png" },
		{ "README", "application/octet-stream" },
		{ "a.html/README", "application/octet-stream" },
		{ "a.", "application/octet-stream" },
		{ "a.unheard-of", "application/octet-stream" },
		{ "", "application/octet-stream" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(http_type_of(cases[i].name), cases[i].type);
}

static void
a_status_is_its_own_body(void **state)
{
	(void)state;
	assert_string_equal(http_status_body(404), "404 Not Found\n");
	assert_string_equal(http_status_body(431), "431 Request Header Fields Too Large\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_head_is_written_as_it_should_be),
		cmocka_unit_test(the_date_stands_where_it_is_said_to),
		cmocka_unit_test(the_longest_head_fits),
		cmocka_unit_test(types_follow_the_extension),
		cmocka_unit_test(a_status_is_its_own_body),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
