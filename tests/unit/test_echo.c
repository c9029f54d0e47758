/* SPDX-License-Identifier: BSD-3-Clause */
/* The echo service: every byte back, in order, whatever the client does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/service_world.h"

static void
what_is_said_is_heard(void **state)
{
	struct service_world w;
	sluice_conn c;

	(void)state;
	service_world_start(&w, &service_echo, NULL, NULL);
	c = service_world_connect(&w);
	service_world_say(&w, c, "hello ");
	service_world_say(&w, c, "world");
	assert_string_equal(service_world_heard(&w, c), "hello world");
	assert_int_equal(fake_bufs_lent(w.s), 0);
	service_world_leave(&w, c);
	service_world_stop(&w);
}

static void
data_that_came_before_the_accept_is_echoed(void **state)
{
	struct service_world w;
	sluice_conn c;

	(void)state;
	service_world_start(&w, &service_echo, NULL, NULL);
	c = fake_peer_connect(w.s, 7);
	fake_peer_send(w.s, c, "early", 5);
	fake_peer_finish(w.s, c);
	fake_run(w.s);
	assert_string_equal(service_world_heard(&w, c), "early");
	assert_int_equal(fake_peer_end(w.s, c), FAKE_FIN);
	service_world_stop(&w);
}

static void
a_client_that_does_not_read_stops_the_reading(void **state)
{
	const struct fake_params params = { .buf_bytes = 100, .sndbuf_bytes = 250 };
	struct service_world w;
	uint8_t data[1000];
	size_t len;
	sluice_conn c;

	(void)state;
	for (size_t i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7);
	service_world_start(&w, &service_echo, NULL, &params);
	c = service_world_connect(&w);
	fake_peer_set_greedy(w.s, c, false);
	service_world_say_bytes(&w, c, data, sizeof(data));
	/* Two buffers are queued, one is pending, seven are not read. */
	assert_int_equal(fake_bufs_lent(w.s), 1);
	assert_int_equal(fake_peer_unread(w.s, c), 700);
	/* More input is no reason to read. */
	service_world_say(&w, c, "x");
	assert_int_equal(fake_peer_unread(w.s, c), 701);
	while (fake_peer_take(w.s, c, 30) > 0)
		fake_run(w.s);
	assert_memory_equal(fake_peer_data(w.s, c, &len), data, sizeof(data));
	assert_int_equal(len, sizeof(data) + 1);
	assert_int_equal(fake_bufs_lent(w.s), 0);
	service_world_leave(&w, c);
	service_world_stop(&w);
}

static void
after_the_clients_fin_the_rest_is_sent_before_the_close(void **state)
{
	const struct fake_params params = { .buf_bytes = 100, .sndbuf_bytes = 100 };
	struct service_world w;
	char data[500];
	size_t len;
	sluice_conn c;

	(void)state;
	memset(data, 'e', sizeof(data));
	service_world_start(&w, &service_echo, NULL, &params);
	c = service_world_connect(&w);
	fake_peer_set_greedy(w.s, c, false);
	fake_peer_send(w.s, c, data, sizeof(data));
	fake_peer_finish(w.s, c);
	fake_run(w.s);
	assert_int_equal(fake_peer_end(w.s, c), FAKE_OPEN);
	while (fake_peer_take(w.s, c, 1) > 0)
		fake_run(w.s);
	fake_peer_data(w.s, c, &len);
	assert_int_equal(len, sizeof(data));
	assert_int_equal(fake_peer_end(w.s, c), FAKE_FIN);
	service_world_stop(&w);
}

static void
a_reset_gives_the_pending_buffer_back(void **state)
{
	const struct fake_params params = { .buf_bytes = 100, .sndbuf_bytes = 100 };
	struct service_world w;
	char data[500] = { 0 };
	sluice_conn c;

	(void)state;
	service_world_start(&w, &service_echo, NULL, &params);
	c = service_world_connect(&w);
	fake_peer_set_greedy(w.s, c, false);
	service_world_say_bytes(&w, c, data, sizeof(data));
	assert_int_equal(fake_bufs_lent(w.s), 1);
	fake_peer_reset(w.s, c);
	fake_run(w.s);
	assert_int_equal(fake_bufs_lent(w.s), 0);
	service_world_stop(&w);
}

static void
without_a_free_slot_connections_wait_and_are_served_later(void **state)
{
	struct service_config config;
	struct service_world w;
	sluice_conn c[4];

	(void)state;
	service_config_default(&config);
	config.max_conns = 2;
	service_world_start(&w, &service_echo, &config, NULL);
	for (unsigned int i = 0; i < 4; i++) {
		c[i] = service_world_connect(&w);
		service_world_say(&w, c[i], "?");
	}
	assert_string_equal(service_world_heard(&w, c[1]), "?");
	assert_string_equal(service_world_heard(&w, c[2]), "");
	/* The second took the last place, two found none. */
	assert_int_equal(fake_fulls(w.s), 3);
	service_world_leave(&w, c[0]);
	assert_string_equal(service_world_heard(&w, c[2]), "?");
	assert_string_equal(service_world_heard(&w, c[3]), "");
	fake_peer_reset(w.s, c[1]);
	fake_run(w.s);
	assert_string_equal(service_world_heard(&w, c[3]), "?");
	service_world_leave(&w, c[2]);
	service_world_leave(&w, c[3]);
	service_world_stop(&w);
}

static void
draining_accepts_nobody_and_finishes_the_others(void **state)
{
	struct service_world w;
	sluice_conn c;

	(void)state;
	service_world_start(&w, &service_echo, NULL, NULL);
	c = service_world_connect(&w);
	w.service->drain(w.s, w.state);
	assert_int_equal(fake_peer_connect(w.s, 7), 0);
	service_world_say(&w, c, "still");
	assert_string_equal(service_world_heard(&w, c), "still");
	service_world_leave(&w, c);
	service_world_stop(&w);
}

static void
a_start_that_fails_says_why_and_keeps_nothing(void **state)
{
	const struct fake_params params = { .listen_error = -EADDRINUSE };
	struct sluice_listen_params listen = { .addr.port = 7 };
	struct sluice *s = fake_create(&params);
	struct service_config config;
	void *echo = NULL;

	(void)state;
	assert_int_equal(service_echo.start(s, &listen, NULL, &echo), -EADDRINUSE);
	service_config_default(&config);
	config.max_conns = 0;
	assert_int_equal(service_echo.start(s, &listen, &config, &echo), -EINVAL);
	assert_null(echo);
	fake_destroy(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_said_is_heard),
		cmocka_unit_test(data_that_came_before_the_accept_is_echoed),
		cmocka_unit_test(a_client_that_does_not_read_stops_the_reading),
		cmocka_unit_test(after_the_clients_fin_the_rest_is_sent_before_the_close),
		cmocka_unit_test(a_reset_gives_the_pending_buffer_back),
		cmocka_unit_test(without_a_free_slot_connections_wait_and_are_served_later),
		cmocka_unit_test(draining_accepts_nobody_and_finishes_the_others),
		cmocka_unit_test(a_start_that_fails_says_why_and_keeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
