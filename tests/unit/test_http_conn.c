/* SPDX-License-Identifier: BSD-3-Clause */
/* An HTTP connection's life: pieces, pipelines, slow clients, timeouts and the ways to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/service_world.h"
#include "lib/temp_dir.h"

#define HEALTHZ "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
#define HEALTHZ_10_KEEP "GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"

/* Five requests of every kind, in one go. */
static const char pipeline[] =
	"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"
	"POST /form HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nhello world"
	"HEAD / HTTP/1.1\nHost: a\n\n"
	"GET /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
	"3;q=1\r\nabc\r\n0\r\nT: x\r\n\r\n"
	"\r\nGET /file.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

struct world {
	struct service_world w;
	struct service_config config;
	struct temp_dir dir;
	char file[9000];
};

/* Start with this send buffer and this many slots; 0: the defaults. */
static void
world_start(struct world *world, uint32_t sndbuf_bytes, uint32_t max_conns)
{
	const struct fake_params params = { .sndbuf_bytes = sndbuf_bytes };

	temp_dir_create(&world->dir);
	for (size_t i = 0; i < sizeof(world->file); i++)
		world->file[i] = (char)(i * 13 + i / 253);
	temp_dir_write(&world->dir, "file.bin", world->file, sizeof(world->file), 1000000000);
	service_config_default(&world->config);
	world->config.root = world->dir.path;
	world->config.wall_clock_s = service_world_clock_s;
	world->config.max_requests = 1000;
	if (max_conns != 0)
		world->config.max_conns = max_conns;
	service_world_start(&world->w, &service_http, &world->config, &params);
}

static void
world_stop(struct world *world)
{
	service_world_stop(&world->w);
	temp_dir_remove(&world->dir);
}

static unsigned int
count(const char *text, const char *word)
{
	unsigned int n = 0;

	for (const char *at = strstr(text, word); at != NULL; at = strstr(at + 1, word))
		n++;
	return n;
}

/* The answers to the pipeline, sent at once to a greedy client. */
static char *
expected_answers(struct world *world, size_t *len)
{
	sluice_conn c = service_world_connect(&world->w);
	const char *answers;
	char *copy;

	service_world_say(&world->w, c, pipeline);
	answers = fake_peer_data(world->w.s, c, len);
	copy = malloc(*len + 1);
	memcpy(copy, answers, *len + 1);
	assert_int_equal(count(copy, "HTTP/1.1 200 OK\r\n"), 3);
	assert_int_equal(count(copy, "HTTP/1.1 405 Method Not Allowed\r\n"), 1);
	assert_int_equal(count(copy, "HTTP/1.1 404 Not Found\r\n"), 1);
	assert_memory_equal(copy + *len - sizeof(world->file), world->file, sizeof(world->file));
	assert_int_equal(fake_peer_end(world->w.s, c), FAKE_FIN);
	return copy;
}

static void
assert_answers(struct world *world, sluice_conn c, const char *expected, size_t expected_len)
{
	size_t len;
	const char *answers = fake_peer_data(world->w.s, c, &len);

	assert_int_equal(len, expected_len);
	assert_memory_equal(answers, expected, len);
	assert_int_equal(fake_peer_end(world->w.s, c), FAKE_FIN);
}

static void
a_pipeline_cut_at_any_byte_is_answered_the_same(void **state)
{
	struct world world;
	size_t len;
	char *expected;

	(void)state;
	world_start(&world, 0, 0);
	expected = expected_answers(&world, &len);
	for (size_t cut = 1; cut < sizeof(pipeline) - 1; cut++) {
		sluice_conn c = service_world_connect(&world.w);

		service_world_say_bytes(&world.w, c, pipeline, cut);
		service_world_say(&world.w, c, pipeline + cut);
		assert_answers(&world, c, expected, len);
	}
	for (size_t step = 1; step < 40; step++) {
		sluice_conn c = service_world_connect(&world.w);

		for (size_t at = 0; at < sizeof(pipeline) - 1; at += step) {
			size_t n = sizeof(pipeline) - 1 - at;

			service_world_say_bytes(&world.w, c, pipeline + at, n < step ? n : step);
		}
		assert_answers(&world, c, expected, len);
	}
	free(expected);
	world_stop(&world);
}

static void
a_client_of_any_pace_gets_the_same_answers(void **state)
{
	struct world world;
	size_t len;
	char *expected;

	(void)state;
	/* Every response meets a full send buffer somewhere. */
	world_start(&world, 100, 0);
	expected = expected_answers(&world, &len);
	for (size_t step = 1; step < 300; step = step * 2 + 1) {
		sluice_conn c = service_world_connect(&world.w);

		fake_peer_set_greedy(world.w.s, c, false);
		service_world_say(&world.w, c, pipeline);
		while (fake_peer_take(world.w.s, c, step) > 0)
			fake_run(world.w.s);
		assert_answers(&world, c, expected, len);
	}
	free(expected);
	world_stop(&world);
}

static void
a_response_keeps_its_date_however_long_it_takes(void **state)
{
	struct world world;
	sluice_conn c;

	(void)state;
	world_start(&world, 10, 0);
	c = service_world_connect(&world.w);
	fake_peer_set_greedy(world.w.s, c, false);
	service_world_say(&world.w, c, HEALTHZ);
	while (fake_peer_take(world.w.s, c, 1) > 0)
		fake_advance_ms(world.w.s, 300);
	assert_string_equal(service_world_heard(&world.w, c),
		"HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\nServer: sluice\r\n"
		"Content-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\n\r\nok\n");
	service_world_leave(&world.w, c);
	world_stop(&world);
}

static void
a_client_that_does_not_read_is_not_read(void **state)
{
	struct world world;
	sluice_conn c;
	char many[100 * sizeof(HEALTHZ)] = "";

	(void)state;
	world_start(&world, 200, 0);
	for (unsigned int i = 0; i < 100; i++)
		memcpy(many + i * (sizeof(HEALTHZ) - 1), HEALTHZ, sizeof(HEALTHZ));
	c = service_world_connect(&world.w);
	fake_peer_set_greedy(world.w.s, c, false);
	service_world_say(&world.w, c, many);
	service_world_say(&world.w, c, many);
	assert_true(fake_peer_unread(world.w.s, c) >= strlen(many));
	assert_true(fake_bufs_lent(world.w.s) <= 1);
	while (fake_peer_take(world.w.s, c, 1000) > 0)
		fake_run(world.w.s);
	assert_int_equal(count(service_world_heard(&world.w, c), "200 OK"), 200);
	service_world_leave(&world.w, c);
	world_stop(&world);
}

static void
a_long_pipeline_takes_turns_and_is_finished(void **state)
{
	struct world world;
	sluice_conn c;
	char *many = calloc(900, sizeof(HEALTHZ));

	(void)state;
	world_start(&world, 1u << 20, 0);
	for (unsigned int i = 0; i < 900; i++)
		memcpy(many + i * (sizeof(HEALTHZ) - 1), HEALTHZ, sizeof(HEALTHZ));
	c = service_world_connect(&world.w);
	service_world_say(&world.w, c, many);
	assert_int_equal(count(service_world_heard(&world.w, c), "200 OK"), 256);
	fake_advance_ms(world.w.s, 10);
	assert_int_equal(count(service_world_heard(&world.w, c), "200 OK"), 900);
	service_world_leave(&world.w, c);
	world_stop(&world);
	free(many);
}

static void
persistence_follows_version_and_options(void **state)
{
	struct world world;
	sluice_conn c;

	(void)state;
	world_start(&world, 0, 0);
	c = service_world_connect(&world.w);
	service_world_say(&world.w, c, HEALTHZ_10_KEEP);
	assert_non_null(strstr(service_world_heard(&world.w, c), "Connection: keep-alive\r\n"));
	assert_int_equal(fake_peer_end(world.w.s, c), FAKE_OPEN);
	service_world_say(&world.w, c, "GET /healthz HTTP/1.0\r\n\r\n");
	assert_non_null(strstr(service_world_heard(&world.w, c), "Connection: close\r\n"));
	assert_int_equal(fake_peer_end(world.w.s, c), FAKE_FIN);
	c = service_world_connect(&world.w);
	service_world_say(&world.w, c, HEALTHZ);
	assert_null(strstr(service_world_heard(&world.w, c), "Connection:"));
	service_world_leave(&world.w, c);
	world_stop(&world);
}

static void
the_last_request_allowed_closes(void **state)
{
	struct world world;
	sluice_conn c;

	(void)state;
	world_start(&world, 0, 0);
	c = service_world_connect(&world.w);
	for (unsigned int i = 0; i < 999; i++)
		service_world_say(&world.w, c, HEALTHZ);
	assert_null(strstr(service_world_heard(&world.w, c), "Connection: close"));
	/* The client did not ask for it and may have sent the next one already. */
	service_world_say(&world.w, c, HEALTHZ HEALTHZ);
	assert_non_null(strstr(service_world_heard(&world.w, c), "Connection: close"));
	assert_int_equal(count(service_world_heard(&world.w, c), "200 OK"), 1000);
	assert_int_equal(fake_peer_end(world.w.s, c), FAKE_FIN);
	fake_advance_ms(world.w.s, 5000);
	world_stop(&world);
}

static void
an_error_is_seen_even_by_a_client_that_goes_on_sending(void **state)
{
	struct world world;
	sluice_conn c;
	char rest[5000];

	(void)state;
	memset(rest, 'r', sizeof(rest));
	world_start(&world, 0, 0);
	c = service_world_connect(&world.w);
	fake_peer_set_greedy(world.w.s, c, false);
	service_world_say(&world.w, c, "NONSENSE\r\n\r\n");
	service_world_say_bytes(&world.w, c, rest, sizeof(rest));
	service_world_say_bytes(&world.w, c, rest, sizeof(rest));
	assert_int_equal(fake_peer_unread(world.w.s, c), 0);
	fake_peer_take(world.w.s, c, SIZE_MAX);
	assert_memory_equal(service_world_heard(&world.w, c), "HTTP/1.1 400 ", 13);
	assert_int_equal(fake_peer_end(world.w.s, c), FAKE_FIN);
	fake_peer_finish(world.w.s, c);
	fake_run(world.w.s);
	assert_int_equal(fake_conns_open(world.w.s), 0);
	world_stop(&world);
}

static void
lingering_is_bounded_in_time_and_bytes(void **state)
{
	struct world world;
	sluice_conn a, b;
	char *flood = calloc(1, 600000);

	(void)state;
	world_start(&world, 0, 0);
	a = service_world_connect(&world.w);
	service_world_say(&world.w, a, "NONSENSE\r\n\r\n");
	fake_advance_ms(world.w.s, 4999);
	assert_int_equal(fake_conns_open(world.w.s), 1);
	fake_advance_ms(world.w.s, 1);
	assert_int_equal(fake_conns_open(world.w.s), 0);
	assert_int_equal(fake_peer_end(world.w.s, a), FAKE_FIN);
	b = service_world_connect(&world.w);
	service_world_say(&world.w, b, "NONSENSE\r\n\r\n");
	service_world_say_bytes(&world.w, b, flood, 600000);
	assert_int_equal(fake_peer_end(world.w.s, b), FAKE_FIN);
	service_world_say_bytes(&world.w, b, flood, 600000);
	assert_int_equal(fake_peer_end(world.w.s, b), FAKE_RESET);
	world_stop(&world);
	free(flood);
}

static void
an_unfinished_head_is_408_after_the_header_timeout(void **state)
{
	struct world world;
	sluice_conn c;

	(void)state;
	world_start(&world, 0, 0);
	c = service_world_connect(&world.w);
	service_world_say(&world.w, c, "GET / HTT");
	/* Bytes that drip in do not buy time. */
	for (unsigned int i = 0; i < 9; i++) {
		fake_advance_ms(world.w.s, 1000);
		service_world_say(&world.w, c, "P");
	}
	fake_advance_ms(world.w.s, 999);
	assert_string_equal(service_world_heard(&world.w, c), "");
	fake_advance_ms(world.w.s, 1);
	assert_memory_equal(service_world_heard(&world.w, c), "HTTP/1.1 408 ", 13);
	service_world_leave(&world.w, c);
	world_stop(&world);
}

static void
an_unfinished_body_is_408_after_the_header_timeout(void **state)
{
	struct world world;
	sluice_conn c;

	(void)state;
	world_start(&world, 0, 0);
	c = service_world_connect(&world.w);
	service_world_say(&world.w, c,
		"HEAD /file.bin HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nx");
	fake_advance_ms(world.w.s, 9999);
	assert_string_equal(service_world_heard(&world.w, c), "");
	fake_advance_ms(world.w.s, 1);
	assert_memory_equal(service_world_heard(&world.w, c), "HTTP/1.1 408 ", 13);
	/* It was a HEAD request: no body. */
	assert_null(strstr(service_world_heard(&world.w, c), "\r\n\r\n4"));
	service_world_leave(&world.w, c);
	world_stop(&world);
}

static void
silent_connections_are_closed_without_a_word(void **state)
{
	struct world world;
	sluice_conn fresh, used;

	(void)state;
	world_start(&world, 0, 0);
	fresh = service_world_connect(&world.w);
	used = service_world_connect(&world.w);
	fake_advance_ms(world.w.s, 5000);
	service_world_say(&world.w, used, HEALTHZ);
	fake_peer_forget(world.w.s, used);
	fake_advance_ms(world.w.s, 4999);
	assert_int_equal(fake_conns_open(world.w.s), 2);
	fake_advance_ms(world.w.s, 1);
	/* Nothing said for the header timeout. */
	assert_int_equal(fake_peer_end(world.w.s, fresh), FAKE_FIN);
	assert_string_equal(service_world_heard(&world.w, fresh), "");
	fake_advance_ms(world.w.s, 54999);
	assert_int_equal(fake_peer_end(world.w.s, used), FAKE_OPEN);
	fake_advance_ms(world.w.s, 1);
	assert_int_equal(fake_peer_end(world.w.s, used), FAKE_FIN);
	assert_string_equal(service_world_heard(&world.w, used), "");
	world_stop(&world);
}

static void
a_client_that_stops_reading_is_reset_and_a_slow_one_is_not(void **state)
{
	struct world world;
	sluice_conn slow, stuck;

	(void)state;
	world_start(&world, 1000, 0);
	slow = service_world_connect(&world.w);
	stuck = service_world_connect(&world.w);
	fake_peer_set_greedy(world.w.s, slow, false);
	fake_peer_set_greedy(world.w.s, stuck, false);
	service_world_say(&world.w, slow, "GET /file.bin HTTP/1.1\r\nHost: a\r\n\r\n");
	service_world_say(&world.w, stuck, "GET /file.bin HTTP/1.1\r\nHost: a\r\n\r\n");
	for (unsigned int i = 0; i < 3; i++) {
		fake_advance_ms(world.w.s, 59999);
		assert_int_equal(fake_peer_end(world.w.s, slow), FAKE_OPEN);
		fake_peer_take(world.w.s, slow, 1000);
		fake_run(world.w.s);
	}
	assert_int_equal(fake_peer_end(world.w.s, stuck), FAKE_RESET);
	service_world_leave(&world.w, slow);
	world_stop(&world);
}

static void
a_client_that_finished_first_still_gets_everything(void **state)
{
	struct world world;
	sluice_conn c;

	(void)state;
	world_start(&world, 0, 0);
	c = fake_peer_connect(world.w.s, 80);
	fake_peer_send(world.w.s, c, HEALTHZ HEALTHZ, 2 * strlen(HEALTHZ));
	fake_peer_finish(world.w.s, c);
	fake_run(world.w.s);
	assert_int_equal(count(service_world_heard(&world.w, c), "200 OK"), 2);
	assert_int_equal(fake_peer_end(world.w.s, c), FAKE_FIN);
	/* Half a request is no request. */
	c = fake_peer_connect(world.w.s, 80);
	fake_peer_send(world.w.s, c, "GET /", 5);
	fake_peer_finish(world.w.s, c);
	fake_run(world.w.s);
	assert_string_equal(service_world_heard(&world.w, c), "");
	assert_int_equal(fake_peer_end(world.w.s, c), FAKE_FIN);
	world_stop(&world);
}

static void
a_reset_at_any_moment_leaves_nothing_behind(void **state)
{
	struct world world;

	(void)state;
	world_start(&world, 300, 4);
	for (size_t cut = 0; cut < sizeof(pipeline) - 1; cut++) {
		sluice_conn c = service_world_connect(&world.w);

		fake_peer_set_greedy(world.w.s, c, cut % 2 == 0);
		service_world_say_bytes(&world.w, c, pipeline, cut);
		fake_peer_take(world.w.s, c, cut);
		fake_peer_reset(world.w.s, c);
		fake_run(world.w.s);
		assert_int_equal(fake_bufs_lent(world.w.s), 0);
		assert_int_equal(fake_conns_open(world.w.s), 0);
	}
	world_stop(&world);
}

static void
a_body_over_the_limit_is_413_even_if_it_did_not_say_so(void **state)
{
	struct world world;
	sluice_conn c;
	char chunk[4096];

	(void)state;
	memset(chunk, 'c', sizeof(chunk));
	world_start(&world, 0, 0);
	c = service_world_connect(&world.w);
	service_world_say(&world.w, c,
		"GET /file.bin HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
	for (unsigned int i = 0; i < 17; i++) {
		service_world_say_bytes(&world.w, c, "1000\r\n", 6);
		service_world_say_bytes(&world.w, c, chunk, sizeof(chunk));
		service_world_say_bytes(&world.w, c, "\r\n", 2);
	}
	assert_memory_equal(service_world_heard(&world.w, c), "HTTP/1.1 413 ", 13);
	service_world_leave(&world.w, c);
	world_stop(&world);
}

static void
draining_ends_idle_connections_now_and_others_with_their_response(void **state)
{
	struct world world;
	sluice_conn idle, partial, busy, body;
	const char *answers;
	size_t len;

	(void)state;
	world_start(&world, 1000, 0);
	idle = service_world_connect(&world.w);
	partial = service_world_connect(&world.w);
	busy = service_world_connect(&world.w);
	body = service_world_connect(&world.w);
	service_world_say(&world.w, idle, HEALTHZ);
	service_world_say(&world.w, partial, "GET /healthz HTTP/1.1\r\n");
	fake_peer_set_greedy(world.w.s, busy, false);
	service_world_say(&world.w, busy, "GET /file.bin HTTP/1.1\r\nHost: a\r\n\r\n" HEALTHZ);
	service_world_say(&world.w, body, "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\n");
	world.w.service->drain(world.w.s, world.w.state);
	fake_run(world.w.s);
	assert_int_equal(fake_peer_connect(world.w.s, 80), 0);
	assert_int_equal(fake_peer_end(world.w.s, idle), FAKE_FIN);
	service_world_say(&world.w, partial, "Host: a\r\n\r\n");
	assert_non_null(strstr(service_world_heard(&world.w, partial), "Connection: close\r\n"));
	fake_peer_set_greedy(world.w.s, busy, true);
	fake_run(world.w.s);
	/* The file was promised a persistent connection; the response after it ends it. */
	answers = fake_peer_data(world.w.s, busy, &len);
	assert_null(memmem(answers, len - 200, "Connection: close\r\n", 19));
	assert_non_null(memmem(answers, len, "Connection: close\r\n\r\nok\n", 24));
	service_world_say(&world.w, body, "x");
	fake_peer_reset(world.w.s, body);
	fake_peer_finish(world.w.s, partial);
	fake_peer_finish(world.w.s, busy);
	fake_run(world.w.s);
	world_stop(&world);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pipeline_cut_at_any_byte_is_answered_the_same),
		cmocka_unit_test(a_client_of_any_pace_gets_the_same_answers),
		cmocka_unit_test(a_response_keeps_its_date_however_long_it_takes),
		cmocka_unit_test(a_client_that_does_not_read_is_not_read),
		cmocka_unit_test(a_long_pipeline_takes_turns_and_is_finished),
		cmocka_unit_test(persistence_follows_version_and_options),
		cmocka_unit_test(the_last_request_allowed_closes),
		cmocka_unit_test(an_error_is_seen_even_by_a_client_that_goes_on_sending),
		cmocka_unit_test(lingering_is_bounded_in_time_and_bytes),
		cmocka_unit_test(an_unfinished_head_is_408_after_the_header_timeout),
		cmocka_unit_test(an_unfinished_body_is_408_after_the_header_timeout),
		cmocka_unit_test(silent_connections_are_closed_without_a_word),
		cmocka_unit_test(a_client_that_stops_reading_is_reset_and_a_slow_one_is_not),
		cmocka_unit_test(a_client_that_finished_first_still_gets_everything),
		cmocka_unit_test(a_reset_at_any_moment_leaves_nothing_behind),
		cmocka_unit_test(a_body_over_the_limit_is_413_even_if_it_did_not_say_so),
		cmocka_unit_test(draining_ends_idle_connections_now_and_others_with_their_response),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
