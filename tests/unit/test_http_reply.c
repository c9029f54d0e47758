/* SPDX-License-Identifier: BSD-3-Clause */
/* What the http service answers: every status, every kind of body. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/service_world.h"
#include "lib/temp_dir.h"

#define MODIFIED_S 1000000000	/* Sun, 09 Sep 2001 01:46:40 GMT */
#define LARGE_BYTES 100000u

struct world {
	struct service_world w;
	struct temp_dir dir;
	struct service_config config;
	char *large;
};

/* A server with a directory: hello.txt, large.bin, sub/index.html, empty/. */
static int
world_start(void **state)
{
	struct world *world = calloc(1, sizeof(*world));

	assert_non_null(world);
	world->large = malloc(LARGE_BYTES);
	for (size_t i = 0; i < LARGE_BYTES; i++)
		world->large[i] = (char)(i * 31 + i / 251);
	temp_dir_create(&world->dir);
	temp_dir_mkdir(&world->dir, "sub");
	temp_dir_mkdir(&world->dir, "empty");
	temp_dir_write(&world->dir, "hello.txt", "0123456789", 10, MODIFIED_S);
	temp_dir_write(&world->dir, "sub/index.html", "<p>sub", 6, MODIFIED_S);
	temp_dir_write(&world->dir, "large.bin", world->large, LARGE_BYTES, MODIFIED_S);
	service_config_default(&world->config);
	world->config.root = world->dir.path;
	world->config.wall_clock_s = service_world_clock_s;
	world->config.max_header_bytes = 1024;
	service_world_start(&world->w, &service_http, &world->config, NULL);
	*state = world;
	return 0;
}

static int
world_stop(void **state)
{
	struct world *world = *state;

	service_world_stop(&world->w);
	temp_dir_remove(&world->dir);
	free(world->large);
	free(world);
	return 0;
}

/* Send one request on a new connection and give back everything that is answered. */
static const char *
ask(struct world *world, const char *request, size_t *len)
{
	sluice_conn c = service_world_connect(&world->w);
	const char *answer;

	service_world_say(&world->w, c, request);
	answer = fake_peer_data(world->w.s, c, len);
	service_world_leave(&world->w, c);
	/* Leaving must not have added anything. */
	return answer;
}

/* The body of an answer. */
static const char *
body_of(const char *answer)
{
	const char *end = strstr(answer, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

static void
assert_status(const char *answer, unsigned int status)
{
	char line[16];

	snprintf(line, sizeof(line), "HTTP/1.1 %03u ", status);
	if (strncmp(answer, line, strlen(line)) != 0)
		fail_msg("%u expected: %s", status, answer);
}

static void
each_request_gets_its_status(void **state)
{
	static const struct {
		const char *request;
		unsigned int status;
		bool close;
	} rows[] = {
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", 200, false },
		{ "GET /?x=y HTTP/1.1\r\nHost: a\r\n\r\n", 200, false },
		{ "GET http://a HTTP/1.1\r\nHost: a\r\n\r\n", 200, false },
		{ "GET http://a?x HTTP/1.1\r\nHost: a\r\n\r\n", 200, false },
		{ "GET /sub/.. HTTP/1.1\r\nHost: a\r\n\r\n", 200, false },
		{ "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 200, false },
		{ "GET /./healthz?x HTTP/1.1\r\nHost: a\r\n\r\n", 200, false },
		{ "GET /HEALTHZ HTTP/1.1\r\nHost: a\r\n\r\n", 404, false },
		{ "GET /healthz/ HTTP/1.1\r\nHost: a\r\n\r\n", 404, false },
		{ "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n", 200, false },
		{ "GET /sub/ HTTP/1.1\r\nHost: a\r\n\r\n", 200, false },
		{ "GET /sub HTTP/1.1\r\nHost: a\r\n\r\n", 404, false },
		{ "GET /empty/ HTTP/1.1\r\nHost: a\r\n\r\n", 404, false },
		{ "GET /hello.txt/ HTTP/1.1\r\nHost: a\r\n\r\n", 404, false },
		{ "GET /nothing HTTP/1.1\r\nHost: a\r\n\r\n", 404, false },
		{ "GET /../hello.txt HTTP/1.1\r\nHost: a\r\n\r\n", 400, false },
		{ "GET /%2e%2e/hello.txt HTTP/1.1\r\nHost: a\r\n\r\n", 400, false },
		{ "GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400, false },
		{ "POST / HTTP/1.1\r\nHost: a\r\n\r\n", 405, false },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc", 405, false },
		{ "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 405, false },
		{ "BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501, false },
		{ "GET /hello.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1\r\n\r\n", 206, false },
		{ "GET /hello.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=0-1,3-4\r\n\r\n", 200,
			false },
		{ "GET /hello.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=10-\r\n\r\n", 416, false },
		{ "HEAD /hello.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=10-\r\n\r\n", 200, false },
		{ "GET /hello.txt HTTP/1.1\r\nHost: a\r\nIf-None-Match: *\r\n\r\n", 304, false },
		{ "GET /hello.txt HTTP/1.1\r\nHost: a\r\nIf-Match: \"x\"\r\n\r\n", 412, false },
		{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 200, true },
		{ "GET / HTTP/1.0\r\n\r\n", 200, true },
		{ "GET / HTTP/1.1\r\n\r\n", 400, true },
		{ "GARBAGE\r\n", 400, true },
		{ "GET / HTTP/2.0\r\n", 505, true },
		{ "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501, true },
		{ "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", 413, true },
		{ "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 65537\r\n\r\n", 405, true },
		{ "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 413,
			true },
		{ "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n",
			200, true },
		{ "GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nX", 400, true },
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *answer = ask(world, rows[i].request, NULL);

		assert_status(answer, rows[i].status);
		if ((strstr(answer, "Connection: close\r\n") != NULL) != rows[i].close)
			fail_msg("row %zu: %s", i, answer);
		assert_non_null(strstr(answer, "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"));
		assert_non_null(strstr(answer, "\r\nServer: sluice\r\n"));
		if (rows[i].status == 405)
			assert_non_null(strstr(answer, "\r\nAllow: GET, HEAD\r\n"));
	}
}

static void
a_head_that_is_too_long_gets_414_or_431(void **state)
{
	struct world *world = *state;
	char request[1200];

	memset(request, 'a', sizeof(request));
	request[sizeof(request) - 1] = '\0';
	memcpy(request, "GET /", 5);
	assert_status(ask(world, request, NULL), 414);
	memcpy(request, "GET / HTTP/1.0\r\nX:", 18);
	assert_status(ask(world, request, NULL), 431);
	/* A name no file can have is merely not found. */
	memcpy(request, "GET /", 5);
	memset(request + 5, 'a', 600);
	memcpy(request + 605, " HTTP/1.0\r\n\r\n", 14);
	assert_status(ask(world, request, NULL), 404);
}

static void
a_file_comes_with_its_type_length_and_validators(void **state)
{
	struct world *world = *state;
	const char *answer = ask(world, "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n", NULL);

	assert_string_equal(answer,
		"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: sluice\r\n"
		"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 10\r\n"
		"Last-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n"
		"ETag: \"a-3b9aca0000000000\"\r\nAccept-Ranges: bytes\r\n\r\n0123456789");
	answer = ask(world, "GET /sub/ HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
	assert_string_equal(body_of(answer), "<p>sub");
	assert_non_null(strstr(answer, "Content-Type: text/html; charset=utf-8\r\n"));
}

static void
head_gets_the_head_of_get_and_no_body(void **state)
{
	static const char *const targets[] = { "/", "/healthz", "/hello.txt", "/large.bin",
		"/nothing" };
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		char get[64], head[64];
		const char *with, *without;

		snprintf(get, sizeof(get), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", targets[i]);
		snprintf(head, sizeof(head), "HEAD %s HTTP/1.1\r\nHost: a\r\n\r\n", targets[i]);
		with = ask(world, get, NULL);
		without = ask(world, head, NULL);
		assert_string_equal(body_of(without), "");
		assert_memory_equal(with, without, strlen(without));
	}
}

static void
ranges_of_small_and_large_files_are_exact(void **state)
{
	static const struct {
		const char *range;
		size_t first;
		size_t len;
	} rows[] = {
		{ "0-0", 0, 1 },
		{ "99999-", 99999, 1 },
		{ "-1", 99999, 1 },
		{ "0-", 0, 100000 },
		{ "1000-98999", 1000, 98000 },
		{ "0-1447", 0, 1448 },
		{ "50000-1000000", 50000, 50000 },
	};
	struct world *world = *state;
	const char *answer = ask(world,
		"GET /hello.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=2-4\r\n\r\n", NULL);

	assert_string_equal(body_of(answer), "234");
	assert_non_null(strstr(answer, "Content-Range: bytes 2-4/10\r\n"));
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char request[128], field[64];
		const char *body;
		size_t len;

		snprintf(request, sizeof(request),
			"GET /large.bin HTTP/1.1\r\nHost: a\r\nRange: bytes=%s\r\n\r\n",
			rows[i].range);
		answer = ask(world, request, &len);
		assert_status(answer, 206);
		snprintf(field, sizeof(field), "Content-Range: bytes %zu-%zu/100000\r\n",
			rows[i].first, rows[i].first + rows[i].len - 1);
		assert_non_null(strstr(answer, field));
		body = body_of(answer);
		assert_int_equal(len - (size_t)(body - answer), rows[i].len);
		assert_memory_equal(body, world->large + rows[i].first, rows[i].len);
	}
	answer = ask(world, "GET /hello.txt HTTP/1.1\r\nHost: a\r\nRange: bytes=10-\r\n\r\n", NULL);
	assert_non_null(strstr(answer, "Content-Range: bytes */10\r\n"));
}

static void
a_304_has_validators_and_nothing_else(void **state)
{
	struct world *world = *state;

	assert_string_equal(
		ask(world, "GET /hello.txt HTTP/1.1\r\nHost: a\r\n"
			   "If-Modified-Since: Sun, 09 Sep 2001 01:46:40 GMT\r\n\r\n", NULL),
		"HTTP/1.1 304 Not Modified\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
		"Server: sluice\r\nLast-Modified: Sun, 09 Sep 2001 01:46:40 GMT\r\n"
		"ETag: \"a-3b9aca0000000000\"\r\nAccept-Ranges: bytes\r\n\r\n");
}

static void
the_built_in_page_gives_way_to_an_index(void **state)
{
	struct world *world = *state;
	const char *answer = ask(world, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", NULL);

	assert_non_null(strstr(answer, "Sluice is serving"));
	temp_dir_write(&world->dir, "index.html", "mine", 4, MODIFIED_S);
	fake_advance_ms(world->w.s, 1100);
	answer = ask(world, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
	assert_string_equal(body_of(answer), "mine");
	assert_int_equal(unlink(temp_dir_path(&world->dir, "index.html")), 0);
	fake_advance_ms(world->w.s, 1100);
	answer = ask(world, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", NULL);
	assert_non_null(strstr(answer, "Sluice is serving"));
	assert_non_null(strstr(answer, "Date: Sun, 06 Nov 1994 08:49:39 GMT\r\n"));
}

static void
small_answers_leave_in_one_send(void **state)
{
	static const char *const targets[] = { "/", "/healthz", "/hello.txt", "/sub/", "/nothing" };
	struct world *world = *state;
	sluice_conn c = service_world_connect(&world->w);

	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		uint64_t before = fake_sends(world->w.s);
		char get[64];

		snprintf(get, sizeof(get), "GET %s HTTP/1.1\r\nHost: a\r\n\r\n", targets[i]);
		service_world_say(&world->w, c, get);
		assert_int_equal(fake_sends(world->w.s) - before, 1);
	}
	service_world_leave(&world->w, c);
}

static void
a_large_file_survives_any_send_buffer(void **state)
{
	struct world *world = *state;

	for (size_t step = 1; step < 5000; step = 3 * step + 1) {
		sluice_conn c = service_world_connect(&world->w);
		const char *answer, *body;
		size_t len;

		fake_peer_set_greedy(world->w.s, c, false);
		service_world_say(&world->w, c, "GET /large.bin HTTP/1.0\r\n\r\n");
		while (fake_peer_take(world->w.s, c, step) > 0)
			fake_run(world->w.s);
		answer = fake_peer_data(world->w.s, c, &len);
		body = body_of(answer);
		assert_int_equal(len - (size_t)(body - answer), LARGE_BYTES);
		assert_memory_equal(body, world->large, LARGE_BYTES);
		assert_int_equal(fake_peer_end(world->w.s, c), FAKE_FIN);
	}
}

static void
a_file_that_shrinks_breaks_its_transfer_and_no_other(void **state)
{
	struct world *world = *state;
	sluice_conn c = service_world_connect(&world->w);

	fake_peer_set_greedy(world->w.s, c, false);
	service_world_say(&world->w, c, "GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_int_equal(truncate(temp_dir_path(&world->dir, "large.bin"), 70000), 0);
	while (fake_peer_take(world->w.s, c, 10000) > 0)
		fake_run(world->w.s);
	assert_int_equal(fake_peer_end(world->w.s, c), FAKE_RESET);
	assert_status(ask(world, "GET /hello.txt HTTP/1.1\r\nHost: a\r\n\r\n", NULL), 200);
	fake_advance_ms(world->w.s, 1100);
	assert_non_null(strstr(ask(world, "HEAD /large.bin HTTP/1.1\r\nHost: a\r\n\r\n", NULL),
		"Content-Length: 70000\r\n"));
}

static void
without_buffers_a_file_waits_and_goes_on(void **state)
{
	struct world *world = *state;
	sluice_conn c = service_world_connect(&world->w);
	size_t before, len;

	fake_set_bufs_max(world->w.s, 0);
	service_world_say(&world->w, c, "GET /large.bin HTTP/1.1\r\nHost: a\r\n\r\n");
	fake_advance_ms(world->w.s, 50);
	fake_peer_data(world->w.s, c, &before);
	assert_true(before < 2000);
	fake_set_bufs_max(world->w.s, 3);
	fake_advance_ms(world->w.s, 50);
	fake_peer_data(world->w.s, c, &len);
	assert_true(len > LARGE_BYTES);
	service_world_leave(&world->w, c);
}

static void
a_full_table_of_files_is_503(void **state)
{
	struct world *world = *state;
	sluice_conn c[65];
	char name[16], request[64];

	for (unsigned int i = 0; i < 65; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		temp_dir_write(&world->dir, name, world->large, LARGE_BYTES, MODIFIED_S);
		c[i] = service_world_connect(&world->w);
		fake_peer_set_greedy(world->w.s, c[i], false);
		snprintf(request, sizeof(request), "GET /f%u HTTP/1.1\r\nHost: a\r\n\r\n", i);
		service_world_say(&world->w, c[i], request);
	}
	fake_peer_take(world->w.s, c[64], SIZE_MAX);
	assert_status(service_world_heard(&world->w, c[64]), 503);
	assert_null(strstr(service_world_heard(&world->w, c[64]), "Connection: close"));
	for (unsigned int i = 0; i < 65; i++)
		service_world_leave(&world->w, c[i]);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, world_start, world_stop)
	const struct CMUnitTest tests[] = {
		T(each_request_gets_its_status),
		T(a_head_that_is_too_long_gets_414_or_431),
		T(a_file_comes_with_its_type_length_and_validators),
		T(head_gets_the_head_of_get_and_no_body),
		T(ranges_of_small_and_large_files_are_exact),
		T(a_304_has_validators_and_nothing_else),
		T(the_built_in_page_gives_way_to_an_index),
		T(small_answers_leave_in_one_send),
		T(a_large_file_survives_any_send_buffer),
		T(a_file_that_shrinks_breaks_its_transfer_and_no_other),
		T(without_buffers_a_file_waits_and_goes_on),
		T(a_full_table_of_files_is_503),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
