/* SPDX-License-Identifier: BSD-3-Clause */
/* The parser of request heads: what it accepts, what it refuses, and that pieces do not matter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/exact.h"
#include "services/http_parse.h"

#define MAX_BYTES 256u

/* Parse text given piece by piece, each time in a buffer of exact size. */
static enum http_verdict
parse_pieces(struct http_parser *p, const char *text, size_t step)
{
	size_t len = strlen(text);
	enum http_verdict verdict = HTTP_PARSE_MORE;

	http_parser_init(p, MAX_BYTES);
	for (size_t n = step < len ? step : len;; n = n + step < len ? n + step : len) {
		uint8_t *copy = exact_copy(text, n);

		verdict = http_parse(p, copy, n);
		free(copy);
		if (verdict != HTTP_PARSE_MORE || n == len)
			return verdict;
	}
}

static const struct row {
	const char *text;
	enum http_verdict verdict;
} rows[] = {
	/* request line */
	{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_DONE },
	{ "GET / HTTP/1.0\r\n\r\n", HTTP_PARSE_DONE },
	{ "GET / HTTP/1.0\n\n", HTTP_PARSE_DONE },
	{ "\r\n\nGET / HTTP/1.0\r\n\r\n", HTTP_PARSE_DONE },
	{ "GET / HTTP/1.9\r\nHost: a\r\n\r\n", HTTP_PARSE_DONE },
	{ "GET http://a:80/b?c HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_DONE },
	{ "GET HTTP://a HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_DONE },
	{ "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_DONE },
	{ "CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_DONE },
	{ "BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_DONE },
	{ "", HTTP_PARSE_MORE },
	{ "GET / HTTP/1.1\r\nHost: a\r\n", HTTP_PARSE_MORE },
	{ "GET / HTTP/1.1\r\nHost: a\r\n\r", HTTP_PARSE_MORE },
	{ "GET / HTTP/1.1\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET /\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET  / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET /  HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.1 \r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ " GET / HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET\t/ HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET /\x80 HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET a HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET * HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET https://a/ HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET http:///b HTTP/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.1\rHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/11\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / http/1.1\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.10\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/2.0\r\n", HTTP_PARSE_VERSION_UNKNOWN },
	{ "GET / HTTP/0.9\r\n", HTTP_PARSE_VERSION_UNKNOWN },
	{ "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", HTTP_PARSE_VERSION_UNKNOWN },
	{ "\x16\x03\x01", HTTP_PARSE_BAD },
	{ "G", HTTP_PARSE_MORE },
	/* header fields */
	{ "GET / HTTP/1.1\r\nHost:\r\n\r\n", HTTP_PARSE_DONE },
	{ "GET / HTTP/1.1\r\nHOST: \t a \t\r\n\r\n", HTTP_PARSE_DONE },
	{ "GET / HTTP/1.1\r\nHost: [::1]:8080\r\n\r\n", HTTP_PARSE_DONE },
	{ "GET / HTTP/1.0\r\nX-Y_z!: caf\xc3\xa9\tok\r\n\r\n", HTTP_PARSE_DONE },
	{ "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\nHost : a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\n Host: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\nX: a\r\n folded\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\nX: a\r\n\tfolded\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\n: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\nnocolon\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\nX: a\rb\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\nX: a\x7f\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\nX\x80: a\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\nRange: a\r\nRange: b\r\n\r\n", HTTP_PARSE_BAD },
	/* framing */
	{ "GET / HTTP/1.0\r\nContent-Length: 5\r\n\r\n", HTTP_PARSE_DONE },
	{ "GET / HTTP/1.0\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\nContent-Length: 5, 5\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\nContent-Length: +5\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\nContent-Length: -5\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\nContent-Length: 0x5\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.0\r\nContent-Length:\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_PARSE_DONE },
	{ "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n", HTTP_PARSE_DONE },
	{ "GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
		HTTP_PARSE_BAD },
	{ "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
		HTTP_PARSE_BAD },
	{ "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
	  "Transfer-Encoding: chunked\r\n\r\n", HTTP_PARSE_BAD },
	{ "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n",
		HTTP_PARSE_CODING_UNKNOWN },
	{ "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n",
		HTTP_PARSE_CODING_UNKNOWN },
	{ "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \x0b" "chunked\r\n\r\n",
		HTTP_PARSE_BAD },
};

static void
each_head_gets_its_verdict_however_it_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		size_t len = strlen(rows[i].text);

		for (size_t step = 1; step <= len + 1; step++) {
			struct http_parser p;
			enum http_verdict verdict = parse_pieces(&p, rows[i].text, step);

			if (verdict != rows[i].verdict)
				fail_msg("row %zu, steps of %zu: %d, not %d", i, step,
					(int)verdict, (int)rows[i].verdict);
			if (verdict == HTTP_PARSE_DONE)
				assert_int_equal(p.request.head_bytes, len);
		}
	}
}

static void
a_nul_is_refused_wherever_it_stands(void **state)
{
	static const char text[] = "GET /a HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n";

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		uint8_t *copy = exact_copy(text, sizeof(text) - 1);
		struct http_parser p;
		enum http_verdict verdict;

		copy[i] = '\0';
		http_parser_init(&p, MAX_BYTES);
		verdict = http_parse(&p, copy, sizeof(text) - 1);
		free(copy);
		/* In place of the last LF it leaves the head unfinished instead. */
		assert_int_equal(verdict, i < sizeof(text) - 2 ? HTTP_PARSE_BAD : HTTP_PARSE_MORE);
	}
}

static void
a_request_is_decoded(void **state)
{
	static const char text[] =
		"HEAD http://example.org/a/b?c=d HTTP/1.1\r\nhost:example.org\r\n"
		"RANGE:  bytes=0-1 \r\n"
		"Expect: 100-Continue\r\nContent-Length: 0012\r\nIf-None-Match: \"x\"\r\n\r\nnext";
	struct http_parser p;
	const struct http_request *r = &p.request;
	const struct http_span *range = &r->fields[HTTP_FIELD_RANGE];

	(void)state;
	http_parser_init(&p, MAX_BYTES);
	assert_int_equal(http_parse(&p, (const uint8_t *)text, sizeof(text) - 1), HTTP_PARSE_DONE);
	assert_int_equal(r->method, HTTP_HEAD);
	assert_int_equal(r->minor, 1);
	assert_int_equal(r->head_bytes, sizeof(text) - 1 - 4);
	assert_int_equal(r->target.len, 8);
	assert_memory_equal(text + r->target.at, "/a/b?c=d", 8);
	assert_int_equal(range->len, 9);
	assert_memory_equal(text + range->at, "bytes=0-1", 9);
	assert_true(r->expect_continue);
	assert_int_equal(r->content_length, 12);
	assert_false(r->chunked);
	assert_true(r->seen & 1u << HTTP_FIELD_IF_NONE_MATCH);
	assert_false(r->seen & 1u << HTTP_FIELD_IF_MATCH);
	assert_false(http_request_closes(r));
}

static void
a_length_beyond_64_bits_saturates(void **state)
{
	static const char text[] =
		"GET / HTTP/1.0\r\nContent-Length: 99999999999999999999999999\r\n\r\n";
	struct http_parser p;

	(void)state;
	assert_int_equal(parse_pieces(&p, text, 7), HTTP_PARSE_DONE);
	assert_true(p.request.content_length == UINT64_MAX);
}

static void
methods_are_told_apart(void **state)
{
	static const struct {
		const char *name;
		enum http_method method;
	} methods[] = {
		{ "GET", HTTP_GET },
		{ "HEAD", HTTP_HEAD },
		{ "get", HTTP_UNKNOWN },
		{ "GETS", HTTP_UNKNOWN },
		{ "GE", HTTP_UNKNOWN },
		{ "POST", HTTP_NOT_ALLOWED },
		{ "PUT", HTTP_NOT_ALLOWED },
		{ "DELETE", HTTP_NOT_ALLOWED },
		{ "PATCH", HTTP_NOT_ALLOWED },
		{ "TRACE", HTTP_NOT_ALLOWED },
		{ "OPTIONS", HTTP_NOT_ALLOWED },
		{ "CONNECT", HTTP_NOT_ALLOWED },
		{ "PROPFIND", HTTP_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
		struct http_parser p;
		char text[64];

		snprintf(text, sizeof(text), "%s / HTTP/1.0\r\n\r\n", methods[i].name);
		assert_int_equal(parse_pieces(&p, text, 100), HTTP_PARSE_DONE);
		assert_int_equal(p.request.method, methods[i].method);
	}
}

static void
connection_options_decide_on_persistence(void **state)
{
	static const struct {
		const char *version;
		const char *fields;
		bool closes;
	} cases[] = {
		{ "1.1", "", false },
		{ "1.1", "Connection: close\r\n", true },
		{ "1.1", "Connection: Close\r\n", true },
		{ "1.1", "Connection: a ,\tclose , b\r\n", true },
		{ "1.1", "Connection: a\r\nConnection: close\r\n", true },
		{ "1.1", "Connection: close\r\nConnection: keep-alive\r\n", true },
		{ "1.1", "Connection: keep-alive, close\r\n", true },
		{ "1.1", "Connection: closed\r\n", false },
		{ "1.1", "Connection:\r\n", false },
		{ "1.0", "", true },
		{ "1.0", "Connection: keep-alive\r\n", false },
		{ "1.0", "Connection: x\r\nConnection: ,Keep-Alive\r\n", false },
		{ "1.0", "Connection: keep-alive, close\r\n", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct http_parser p;
		char text[128];

		snprintf(text, sizeof(text), "GET / HTTP/%s\r\nHost: a\r\n%s\r\n", cases[i].version,
			cases[i].fields);
		assert_int_equal(parse_pieces(&p, text, 100), HTTP_PARSE_DONE);
		if (http_request_closes(&p.request) != cases[i].closes)
			fail_msg("case %zu", i);
	}
}

/* A request of n bytes in all: its target, or one field, is as long as that takes. */
static char *
request_of(size_t n, bool long_target)
{
	char *text = malloc(n + 1);
	const char *start = long_target ? "GET /" : "GET / HTTP/1.0\r\nX:";
	const char *end = long_target ? " HTTP/1.0\r\n\r\n" : "\r\n\r\n";

	memset(text, 'a', n);
	memcpy(text, start, strlen(start));
	memcpy(text + n - strlen(end), end, strlen(end));
	text[n] = '\0';
	return text;
}

static void
a_head_of_exactly_the_limit_passes_and_one_more_byte_does_not(void **state)
{
	(void)state;
	for (size_t step = 1; step <= MAX_BYTES + 2; step += 3) {
		struct http_parser p;
		char *text = request_of(MAX_BYTES, true);

		assert_int_equal(parse_pieces(&p, text, step), HTTP_PARSE_DONE);
		free(text);
		text = request_of(MAX_BYTES + 1, false);
		assert_int_equal(parse_pieces(&p, text, step), HTTP_PARSE_HEAD_TOO_LARGE);
		free(text);
		/* The request line itself is over the limit. */
		text = request_of(MAX_BYTES + 3, true);
		assert_int_equal(parse_pieces(&p, text, step), HTTP_PARSE_TARGET_TOO_LONG);
		free(text);
		/* One less, and only the empty line after it is too much. */
		text = request_of(MAX_BYTES + 2, true);
		assert_int_equal(parse_pieces(&p, text, step), HTTP_PARSE_HEAD_TOO_LARGE);
		free(text);
	}
}

static void
more_than_a_hundred_header_lines_are_too_many(void **state)
{
	(void)state;
	for (unsigned int more = 0; more <= 1; more++) {
		unsigned int lines = HTTP_MAX_HEADER_LINES + more;
		struct http_parser p;
		char text[1024];
		size_t n = (size_t)snprintf(text, sizeof(text), "GET / HTTP/1.0\r\n");

		for (unsigned int i = 0; i < lines; i++)
			n += (size_t)snprintf(text + n, sizeof(text) - n, "A:\r\n");
		n += (size_t)snprintf(text + n, sizeof(text) - n, "\r\n");
		http_parser_init(&p, 4096);
		assert_int_equal(http_parse(&p, (const uint8_t *)text, n),
			more == 0 ? HTTP_PARSE_DONE : HTTP_PARSE_HEAD_TOO_LARGE);
	}
}

static void
a_verdict_stays(void **state)
{
	struct http_parser p;

	(void)state;
	http_parser_init(&p, MAX_BYTES);
	assert_int_equal(http_parse(&p, (const uint8_t *)"GET /\r\n", 7), HTTP_PARSE_BAD);
	assert_int_equal(http_parse(&p, (const uint8_t *)"GET / HTTP/1.0\r\n\r\n", 18),
		HTTP_PARSE_BAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_head_gets_its_verdict_however_it_is_cut),
		cmocka_unit_test(a_nul_is_refused_wherever_it_stands),
		cmocka_unit_test(a_request_is_decoded),
		cmocka_unit_test(a_length_beyond_64_bits_saturates),
		cmocka_unit_test(methods_are_told_apart),
		cmocka_unit_test(connection_options_decide_on_persistence),
		cmocka_unit_test(a_head_of_exactly_the_limit_passes_and_one_more_byte_does_not),
		cmocka_unit_test(more_than_a_hundred_header_lines_are_too_many),
		cmocka_unit_test(a_verdict_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
