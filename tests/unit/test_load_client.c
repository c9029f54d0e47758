/* SPDX-License-Identifier: BSD-3-Clause */
/* The load generator's clients over scripted peers: what is asked, what is checked and counted. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "lib/fake_sluice.h"

#define ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* A client of one group in a world of its own, past its probe. */
struct world {
	struct sluice *s;
	struct load_profile profile;
	struct client *cl;
	unsigned int seen; /* connections that the test has looked at */
};

static void
start(struct world *w, const char *preset, const char *keys)
{
	const struct fake_params fake = { 0 };
	struct client_params par = { .profile = &w->profile, .workers = 1, .seed = 1 };
	char text[256], err[LOAD_PROFILE_ERR_LEN];
	char *save = NULL;

	memset(w, 0, sizeof(*w));
	assert_int_equal(load_profile_preset(&w->profile, preset, err, sizeof(err)), 0);
	snprintf(text, sizeof(text), "duration=10s target=10.0.0.1:80 %s", keys);
	for (char *k = strtok_r(text, " ", &save); k != NULL; k = strtok_r(NULL, " ", &save)) {
		char *value = strchr(k, '=');

		*value++ = '\0';
		assert_int_equal(load_profile_set(&w->profile, k, value, err, sizeof(err)), 0);
	}
	assert_int_equal(load_profile_check(&w->profile, err, sizeof(err)), 0);
	w->s = par.s = fake_create(&fake);
	fake_advance_ms(w->s, 1000);
	assert_int_equal(client_create(&par, &w->cl), 0);
	client_start(w->cl, sluice_now_us(w->s));
}

/* Rounds of the client and of the stack, as long as there is something to do. */
static void
settle(struct world *w)
{
	do
		fake_run(w->s);
	while (client_run(w->cl) > 0);
	fake_run(w->s);
}

static void
pass_ms(struct world *w, unsigned int ms)
{
	for (unsigned int i = 0; i < ms; i++) {
		fake_advance_ms(w->s, 1);
		settle(w);
	}
}

/* The next connection that the client opened, answered with err. */
static sluice_conn
accept_next(struct world *w, int err)
{
	struct sluice_addr to;
	sluice_conn c;

	settle(w);
	c = fake_target(w->s, w->seen, &to);
	assert_int_not_equal(c, 0);
	w->seen++;
	fake_target_answer(w->s, c, err);
	settle(w);
	return c;
}

static const struct load_counts *
counts(const struct world *w)
{
	return &client_stats(w->cl, 0)->total;
}

/* Ends the run; everything must be accounted for then. */
static void
stop(struct world *w)
{
	client_stop(w->cl);
	settle(w);
	client_abort(w->cl);
	settle(w);
	assert_true(client_is_done(w->cl));
	assert_true(load_counts_are_complete(counts(w)));
	assert_int_equal(client_stats(w->cl, 0)->open, 0);
	assert_int_equal(fake_bufs_lent(w->s), 0);
	client_destroy(w->cl);
	fake_destroy(w->s);
}

static void
say(struct world *w, sluice_conn c, const char *text)
{
	fake_peer_send(w->s, c, text, strlen(text));
	settle(w);
}

static unsigned int
asked(struct world *w, sluice_conn c)
{
	const char *at = fake_peer_data(w->s, c, &(size_t){ 0 });
	unsigned int n = 0;

	while ((at = strstr(at, "GET / HTTP/1.1\r\nHost: 10.0.0.1:80\r\n")) != NULL) {
		at++;
		n++;
	}
	return n;
}

static void
a_closed_loop_asks_again_once_it_is_answered_and_not_before(void **state)
{
	struct world w;
	sluice_conn c;

	(void)state;
	start(&w, "http-rps", "connections=1");
	c = accept_next(&w, 0);
	assert_int_equal(asked(&w, c), 1);
	pass_ms(&w, 50);
	assert_int_equal(asked(&w, c), 1);
	say(&w, c, ANSWER);
	assert_int_equal(asked(&w, c), 2);
	assert_int_equal(counts(&w)->requests_done, 1);
	stop(&w);
}

static void
an_open_loop_counts_from_when_a_request_was_due(void **state)
{
	struct world w;
	sluice_conn c;

	(void)state;
	start(&w, "http-rps", "connections=1 rate=100");
	c = accept_next(&w, 0);
	/* Due at 0, 10 ... 100 ms; the first is answered at 100, so that ten are late by then. */
	pass_ms(&w, 100);
	assert_int_equal(asked(&w, c), 1);
	for (unsigned int i = 0; i < 11; i++) {
		assert_int_equal(asked(&w, c), i + 1);
		say(&w, c, ANSWER);
	}
	assert_int_equal(asked(&w, c), 11);
	assert_int_equal(client_stats(w.cl, 0)->request.count, 11);
	assert_in_range(client_stats(w.cl, 0)->request.max_ns, 100000000, 101000000);
	assert_in_range(hist_quantile(&client_stats(w.cl, 0)->request, 500000), 49000000, 51000000);
	pass_ms(&w, 10);
	assert_int_equal(asked(&w, c), 12);
	stop(&w);
}

static void
what_an_open_loop_could_not_begin_is_counted(void **state)
{
	struct world w;

	(void)state;
	start(&w, "http-cps", "connections=1 rate=100");
	(void)accept_next(&w, 0);
	pass_ms(&w, 95);
	client_stop(w.cl);
	settle(&w);
	/* Due at 0, 10 ... 90 ms; one was begun. */
	assert_int_equal(counts(&w)->requests_started, 1);
	assert_int_equal(counts(&w)->requests_unsent, 9);
	stop(&w);
}

static void
a_body_that_differs_from_the_first_is_a_failure(void **state)
{
	static const char *const wrong[] = {
		"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\noK",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\no",
		"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok!",
		ANSWER "x",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct world w;
		sluice_conn c;

		start(&w, "http-rps", "connections=1");
		c = accept_next(&w, 0);
		say(&w, c, ANSWER);
		say(&w, c, wrong[i]);
		assert_int_equal(counts(&w)->fail[LOAD_FAIL_BAD_DATA], 1);
		assert_int_equal(counts(&w)->requests_done, 1);
		assert_int_equal(counts(&w)->requests_failed, 1);
		assert_int_equal(fake_peer_end(w.s, c), FAKE_RESET);
		stop(&w);
	}
}

/* An answer with a body of LONG_BYTES, in pieces of so many. */
#define LONG_BYTES ((4u << 20) + 1000)

static void
say_long(struct world *w, sluice_conn c, const uint8_t *body, size_t piece)
{
	char head[64];

	snprintf(head, sizeof(head), "HTTP/1.1 200 OK\r\nContent-Length: %u\r\n\r\n", LONG_BYTES);
	say(w, c, head);
	for (size_t at = 0; at < LONG_BYTES; at += piece) {
		size_t n = LONG_BYTES - at < piece ? LONG_BYTES - at : piece;

		fake_peer_send(w->s, c, body + at, n);
		settle(w);
	}
}

static void
every_byte_of_a_long_body_counts_however_it_comes(void **state)
{
	static uint8_t body[LONG_BYTES];
	struct world w;
	sluice_conn c;

	(void)state;
	for (size_t i = 0; i < sizeof(body); i++)
		body[i] = (uint8_t)(i * 7 + i / 251);
	start(&w, "http-rps", "connections=1");
	c = accept_next(&w, 0);
	say_long(&w, c, body, 1448);
	say_long(&w, c, body, 1021);
	assert_int_equal(counts(&w)->requests_done, 2);
	body[LONG_BYTES - 1] ^= 0x80;
	say_long(&w, c, body, 1448);
	assert_int_equal(counts(&w)->requests_done, 2);
	assert_int_equal(counts(&w)->fail[LOAD_FAIL_BAD_DATA], 1);
	stop(&w);
}

static void
pages_that_change_are_right_where_the_profile_says_so(void **state)
{
	struct world w;
	sluice_conn c;

	(void)state;
	start(&w, "http-rps", "connections=1 verify=off");
	c = accept_next(&w, 0);
	say(&w, c, ANSWER);
	say(&w, c, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nother");
	assert_int_equal(counts(&w)->requests_done, 2);
	stop(&w);
}

static void
an_echo_with_one_wrong_byte_is_a_failure(void **state)
{
	uint8_t back[64];
	struct world w;
	sluice_conn c;
	size_t len;

	(void)state;
	start(&w, "echo", "connections=1");
	c = accept_next(&w, 0);
	memcpy(back, fake_peer_data(w.s, c, &len), sizeof(back));
	assert_int_equal(len, 64);
	fake_peer_send(w.s, c, back, sizeof(back));
	settle(&w);
	assert_int_equal(counts(&w)->requests_done, 1);
	memcpy(back, fake_peer_data(w.s, c, &len) + 64, sizeof(back));
	back[63] ^= 1;
	fake_peer_send(w.s, c, back, sizeof(back));
	settle(&w);
	assert_int_equal(counts(&w)->fail[LOAD_FAIL_BAD_DATA], 1);
	stop(&w);
}

static void
an_end_before_the_answer_is_a_failure_and_one_behind_it_is_not(void **state)
{
	struct world w;
	sluice_conn c;

	(void)state;
	start(&w, "http-rps", "connections=1 think=1s");
	c = accept_next(&w, 0);
	fake_peer_finish(w.s, c);
	settle(&w);
	assert_int_equal(counts(&w)->fail[LOAD_FAIL_EARLY_END], 1);
	c = accept_next(&w, 0);
	say(&w, c, ANSWER);
	fake_peer_finish(w.s, c);
	settle(&w);
	assert_int_equal(counts(&w)->conns_failed, 1);
	assert_int_equal(counts(&w)->conns_closed, 1);
	stop(&w);
}

static void
errors_of_connections_have_their_reasons(void **state)
{
	struct world w;
	sluice_conn c;

	(void)state;
	start(&w, "http-rps", "connections=1 timeout=100ms");
	(void)accept_next(&w, -ECONNREFUSED);
	assert_int_equal(counts(&w)->fail[LOAD_FAIL_REFUSED], 1);
	c = accept_next(&w, 0);
	fake_peer_reset(w.s, c);
	settle(&w);
	assert_int_equal(counts(&w)->fail[LOAD_FAIL_RESET], 1);
	(void)accept_next(&w, 0);
	pass_ms(&w, 99);
	assert_int_equal(counts(&w)->fail[LOAD_FAIL_TIMEOUT], 0);
	pass_ms(&w, 2);
	assert_int_equal(counts(&w)->fail[LOAD_FAIL_TIMEOUT], 1);
	/* This one is never answered. */
	pass_ms(&w, 102);
	assert_int_equal(counts(&w)->fail[LOAD_FAIL_NO_ANSWER], 1);
	stop(&w);
}

static void
a_server_that_is_to_close_is_waited_for(void **state)
{
	struct world w;
	sluice_conn c;
	size_t len;

	(void)state;
	start(&w, "http-cps", "connections=1");
	c = accept_next(&w, 0);
	assert_non_null(strstr(fake_peer_data(w.s, c, &len), "Connection: close\r\n"));
	say(&w, c, ANSWER);
	assert_int_equal(fake_peer_end(w.s, c), FAKE_OPEN);
	fake_peer_finish(w.s, c);
	settle(&w);
	assert_int_equal(fake_peer_end(w.s, c), FAKE_FIN);
	assert_int_equal(counts(&w)->conns_closed, 1);
	assert_int_equal(counts(&w)->conns_started, 2);
	stop(&w);
}

static void
an_upload_is_done_when_the_server_ends_behind_it(void **state)
{
	struct world w;
	sluice_conn c;
	size_t len;

	(void)state;
	start(&w, "bulk-up", "connections=1 size=100k");
	c = accept_next(&w, 0);
	fake_peer_data(w.s, c, &len);
	assert_int_equal(len, 100000);
	assert_int_equal(counts(&w)->requests_done, 0);
	fake_peer_finish(w.s, c);
	settle(&w);
	assert_int_equal(counts(&w)->requests_done, 1);
	assert_int_equal(counts(&w)->bytes_out, 100000);
	stop(&w);
}

static void
connections_grow_with_the_ramp(void **state)
{
	struct sluice_addr to;
	struct world w;

	(void)state;
	start(&w, "idle", "connections=10 ramp=1s");
	settle(&w);
	assert_int_not_equal(fake_target(w.s, 0, &to), 0);
	assert_int_equal(fake_target(w.s, 1, &to), 0);
	pass_ms(&w, 500);
	assert_int_not_equal(fake_target(w.s, 4, &to), 0);
	assert_int_equal(fake_target(w.s, 5, &to), 0);
	pass_ms(&w, 500);
	assert_int_not_equal(fake_target(w.s, 9, &to), 0);
	stop(&w);
}

static void
a_connection_that_is_held_may_not_be_ended_by_the_server(void **state)
{
	struct world w;
	sluice_conn c;

	(void)state;
	start(&w, "idle", "connections=1");
	c = accept_next(&w, 0);
	assert_int_equal(client_stats(w.cl, 0)->open, 1);
	fake_peer_finish(w.s, c);
	settle(&w);
	assert_int_equal(counts(&w)->fail[LOAD_FAIL_EARLY_END], 1);
	stop(&w);
}

static void
a_slow_client_sends_a_few_bytes_at_a_time(void **state)
{
	struct world w;
	sluice_conn c;
	size_t len;

	(void)state;
	start(&w, "slow", "connections=1 send_chunk=10");
	c = accept_next(&w, 0);
	fake_peer_data(w.s, c, &len);
	assert_int_equal(len, 10);
	pass_ms(&w, 99);
	fake_peer_data(w.s, c, &len);
	assert_int_equal(len, 10);
	pass_ms(&w, 1);
	fake_peer_data(w.s, c, &len);
	assert_int_equal(len, 20);
	stop(&w);
}

static void
the_run_ends_once_its_count_is_reached(void **state)
{
	struct world w;
	sluice_conn c;

	(void)state;
	start(&w, "http-rps", "connections=1 count=2");
	c = accept_next(&w, 0);
	say(&w, c, ANSWER);
	assert_false(client_is_done(w.cl));
	say(&w, c, ANSWER);
	assert_true(client_is_done(w.cl));
	assert_int_equal(fake_peer_end(w.s, c), FAKE_FIN);
	stop(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_closed_loop_asks_again_once_it_is_answered_and_not_before),
		cmocka_unit_test(an_open_loop_counts_from_when_a_request_was_due),
		cmocka_unit_test(what_an_open_loop_could_not_begin_is_counted),
		cmocka_unit_test(a_body_that_differs_from_the_first_is_a_failure),
		cmocka_unit_test(every_byte_of_a_long_body_counts_however_it_comes),
		cmocka_unit_test(pages_that_change_are_right_where_the_profile_says_so),
		cmocka_unit_test(an_echo_with_one_wrong_byte_is_a_failure),
		cmocka_unit_test(an_end_before_the_answer_is_a_failure_and_one_behind_it_is_not),
		cmocka_unit_test(errors_of_connections_have_their_reasons),
		cmocka_unit_test(a_server_that_is_to_close_is_waited_for),
		cmocka_unit_test(an_upload_is_done_when_the_server_ends_behind_it),
		cmocka_unit_test(connections_grow_with_the_ramp),
		cmocka_unit_test(a_connection_that_is_held_may_not_be_ended_by_the_server),
		cmocka_unit_test(a_slow_client_sends_a_few_bytes_at_a_time),
		cmocka_unit_test(the_run_ends_once_its_count_is_reached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
