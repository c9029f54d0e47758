/* SPDX-License-Identifier: BSD-3-Clause */
/* Responses as servers send them, and as they should not: where do they end? */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "http_answer.h"

/* What a response comes to. */
enum outcome_is {
	COMPLETE,
	COMPLETE_AT_END, /* only once the connection has ended */
	UNFINISHED,
	REFUSED,
};

#define OK "HTTP/1.1 200 OK\r\n"

static const struct {
	const char *text, *body;
	enum outcome_is is;
	unsigned int status;
	bool keeps;
} rows[] = {
	{ OK "Content-Length: 5\r\n\r\nhello", "hello", COMPLETE, 200, true },
	{ OK "Server: x\r\ncontent-length:5 \r\nX: y\r\n\r\nhello", "hello", COMPLETE, 200, true },
	{ OK "Content-Length: 5\r\nConnection: close\r\n\r\nhello", "hello", COMPLETE, 200, false },
	{ OK "CONNECTION: Close\r\nContent-Length: 0\r\n\r\n", "", COMPLETE, 200, false },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\nx", "x", COMPLETE, 200, false },
	{ "HTTP/1.0 200 OK\r\nContent-Length: 1\r\nConnection: keep-alive\r\n\r\nx", "x", COMPLETE,
		200, true },
	{ "HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno", "no", COMPLETE, 404, true },
	{ "HTTP/1.1 204 No Content\r\n\r\n", "", COMPLETE, 204, true },
	{ "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", "", COMPLETE, 304, true },
	{ "HTTP/1.1 100 Continue\r\n\r\n" OK "Content-Length: 1\r\n\r\nx", "x", COMPLETE, 200,
		true },
	{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;a=b\r\n!\r\n0\r\n\r\n", "hello!",
		COMPLETE, 200, true },
	{ OK "Transfer-Encoding: chunked\r\n\r\nA\r\n0123456789\r\n000\r\nTrailer: x\r\n\r\n",
		"0123456789", COMPLETE, 200, true },
	{ OK "\r\nup to the end", "up to the end", COMPLETE_AT_END, 200, false },
	{ "HTTP/1.1 200 OK\nContent-Length: 1\n\nx", "x", COMPLETE, 200, true },
	{ OK "Content-Length: 5\r\n\r\nhell", "hell", UNFINISHED, 200, true },
	{ OK "Content-Length: 5", "", UNFINISHED, 200, false },
	{ "HTTP/1.1 2", "", UNFINISHED, 2, false },
	{ OK "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", "hello", UNFINISHED, 200, true },
	{ OK "Content-Lengthy: 5\r\nContent-Length: 1\r\n\r\nx", "x", COMPLETE, 200, true },
	{ OK "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "", REFUSED, 200, false },
	{ OK "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", "", REFUSED, 200, false },
	{ OK "Transfer-Encoding: gzip, chunked\r\n\r\n", "", REFUSED, 200, false },
	{ OK "Content-Length: -1\r\n\r\n", "", REFUSED, 200, false },
	{ OK "Content-Length: \r\n\r\n", "", REFUSED, 200, false },
	{ OK "Content-Length: 99999999999999999999\r\n\r\n", "", REFUSED, 200, false },
	{ OK "no colon\r\n\r\n", "", REFUSED, 200, false },
	{ OK ": no name\r\n\r\n", "", REFUSED, 200, false },
	{ OK "Transfer-Encoding: chunked\r\n\r\nxyz\r\n", "", REFUSED, 200, true },
	{ OK "Transfer-Encoding: chunked\r\n\r\n\r\n", "", REFUSED, 200, true },
	{ OK "Transfer-Encoding: chunked\r\n\r\n1\r\nab", "a", REFUSED, 200, true },
	{ "ICY 200 OK\r\n\r\n", "", REFUSED, 0, false },
	{ "HTTP/1.1 099 x\r\n\r\n", "", REFUSED, 99, false },
};

/* Feed a text in pieces of so many bytes; what the body came to is written to body. */
static size_t
feed(struct http_answer *a, const char *text, size_t piece, char *body)
{
	size_t len = strlen(text), used = 0, filled = 0;

	http_answer_init(a);
	while (used < len && a->state != HTTP_ANSWER_DONE && a->state != HTTP_ANSWER_BAD) {
		size_t n = len - used < piece ? len - used : piece;
		struct http_span span;

		n = http_answer_take(a, (const uint8_t *)text + used, n, &span);
		assert_true(n > 0);
		if (span.len > 0)
			memcpy(body + filled, span.data, span.len);
		filled += span.len;
		used += n;
	}
	body[filled] = '\0';
	return used;
}

static void
responses_end_where_they_should_however_they_are_cut(void **state)
{
	char body[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t piece = 1; piece <= strlen(rows[i].text); piece++) {
			struct http_answer a;
			size_t used = feed(&a, rows[i].text, piece, body);
			bool is_done = a.state == HTTP_ANSWER_DONE;

			if (strcmp(body, rows[i].body) != 0 || a.status != rows[i].status)
				fail_msg("row %zu by %zu: '%s', status %u", i, piece, body,
					a.status);
			assert_int_equal(is_done, rows[i].is == COMPLETE);
			assert_int_equal(a.state == HTTP_ANSWER_BAD, rows[i].is == REFUSED);
			assert_int_equal(http_answer_end(&a),
				rows[i].is == COMPLETE || rows[i].is == COMPLETE_AT_END);
			if (is_done && http_answer_keeps(&a) != rows[i].keeps)
				fail_msg("row %zu is kept alive, or not, wrongly", i);
			if (is_done)
				assert_int_equal(used, strlen(rows[i].text));
		}
	}
}

static void
bytes_behind_the_end_are_left(void **state)
{
	static const char text[] = OK "Content-Length: 1\r\n\r\nxHTTP/1.1";
	char body[64];
	struct http_answer a;

	(void)state;
	assert_int_equal(feed(&a, text, sizeof(text), body), sizeof(text) - 1 - 8);
}

static void
a_header_without_end_is_refused(void **state)
{
	struct http_answer a;
	struct http_span body;
	size_t sum = 0;

	(void)state;
	http_answer_init(&a);
	sum += http_answer_take(&a, (const uint8_t *)OK, strlen(OK), &body);
	while (a.state != HTTP_ANSWER_BAD) {
		sum += http_answer_take(&a, (const uint8_t *)"Filler: 0123456789\r\n", 20, &body);
		assert_true(sum < HTTP_ANSWER_HEAD_MAX + 100);
	}
	assert_true(sum >= HTTP_ANSWER_HEAD_MAX);
}

/* Found by fuzz_load: a zero matched the end of the word and what stands behind it in memory. */
static void
zeros_behind_a_word_are_not_its_end(void **state)
{
	static const char *const heads[] = { OK "Connection: close", OK "Content-Length" };

	(void)state;
	for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		struct http_answer a;
		struct http_span body;

		http_answer_init(&a);
		(void)http_answer_take(&a, (const uint8_t *)heads[i], strlen(heads[i]), &body);
		for (unsigned int n = 0; n < 100; n++)
			(void)http_answer_take(&a, (const uint8_t *)"", 1, &body);
		(void)http_answer_take(&a, (const uint8_t *)": 1\r\n", 5, &body);
		assert_false(a.says_close);
		assert_false(a.has_length);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(responses_end_where_they_should_however_they_are_cut),
		cmocka_unit_test(bytes_behind_the_end_are_left),
		cmocka_unit_test(a_header_without_end_is_refused),
		cmocka_unit_test(zeros_behind_a_word_are_not_its_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
