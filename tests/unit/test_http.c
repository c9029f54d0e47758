/* SPDX-License-Identifier: BSD-3-Clause */
/* The http service as a whole: starting, limits for everybody, stopping. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "lib/service_world.h"

#define HEALTHZ "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n"

static void
it_starts_without_a_config_and_serves_its_pages(void **state)
{
	struct service_world w;
	sluice_conn c;

	(void)state;
	service_world_start(&w, &service_http, NULL, NULL);
	c = service_world_connect(&w);
	service_world_say(&w, c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_non_null(strstr(service_world_heard(&w, c), "Sluice is serving"));
	assert_non_null(strstr(service_world_heard(&w, c), "Content-Type: text/html"));
	service_world_say(&w, c, "GET /file HTTP/1.1\r\nHost: a\r\n\r\n");
	assert_non_null(strstr(service_world_heard(&w, c), "HTTP/1.1 404 "));
	service_world_leave(&w, c);
	service_world_stop(&w);
}

static void
without_a_free_slot_a_client_gets_503_and_not_a_reset(void **state)
{
	struct service_config config;
	struct service_world w;
	sluice_conn a, b, c;

	(void)state;
	service_config_default(&config);
	config.max_conns = 1;
	service_world_start(&w, &service_http, &config, NULL);
	a = service_world_connect(&w);
	b = fake_peer_connect(w.s, 80);
	fake_peer_send(w.s, b, HEALTHZ, strlen(HEALTHZ));
	fake_run(w.s);
	assert_memory_equal(service_world_heard(&w, b), "HTTP/1.1 503 ", 13);
	assert_int_equal(fake_fulls(w.s), 1);
	assert_non_null(strstr(service_world_heard(&w, b), "Retry-After: 1\r\n"));
	assert_non_null(strstr(service_world_heard(&w, b), "Connection: close\r\n"));
	assert_int_equal(fake_peer_end(w.s, b), FAKE_FIN);
	/* It goes when the client does, or when it is time. */
	c = service_world_connect(&w);
	fake_peer_finish(w.s, b);
	fake_run(w.s);
	assert_int_equal(fake_conns_open(w.s), 2);
	service_world_say(&w, c, HEALTHZ);
	fake_advance_ms(w.s, 2000);
	assert_int_equal(fake_peer_end(w.s, c), FAKE_FIN);
	/* The first one was not disturbed; after it the slot is free again. */
	service_world_say(&w, a, HEALTHZ);
	assert_memory_equal(service_world_heard(&w, a), "HTTP/1.1 200 ", 13);
	service_world_leave(&w, a);
	c = service_world_connect(&w);
	service_world_say(&w, c, HEALTHZ);
	assert_memory_equal(service_world_heard(&w, c), "HTTP/1.1 200 ", 13);
	service_world_leave(&w, c);
	service_world_stop(&w);
}

static void
too_many_partial_heads_are_503_and_whole_ones_are_not(void **state)
{
	struct service_config config;
	struct service_world w;
	sluice_conn a, b, c;

	(void)state;
	service_config_default(&config);
	config.partial_heads = 1;
	service_world_start(&w, &service_http, &config, NULL);
	a = service_world_connect(&w);
	b = service_world_connect(&w);
	c = service_world_connect(&w);
	service_world_say(&w, a, "GET /healthz");
	service_world_say(&w, b, "GET /healthz");
	service_world_say(&w, c, HEALTHZ);
	assert_memory_equal(service_world_heard(&w, b), "HTTP/1.1 503 ", 13);
	assert_memory_equal(service_world_heard(&w, c), "HTTP/1.1 200 ", 13);
	service_world_say(&w, a, " HTTP/1.0\r\n\r\n");
	assert_memory_equal(service_world_heard(&w, a), "HTTP/1.1 200 ", 13);
	/* And the room for one is free again. */
	service_world_say(&w, c, "GET /healthz HTTP/1.1\r\nHost:");
	service_world_say(&w, c, " a\r\n\r\n");
	assert_null(strstr(service_world_heard(&w, c), "503"));
	service_world_leave(&w, b);
	service_world_leave(&w, c);
	service_world_stop(&w);
}

static void
idle_connections_hold_no_buffer_and_no_partial_head(void **state)
{
	struct service_world w;
	sluice_conn c[50];

	(void)state;
	service_world_start(&w, &service_http, NULL, NULL);
	for (unsigned int i = 0; i < 50; i++) {
		c[i] = service_world_connect(&w);
		service_world_say(&w, c[i], HEALTHZ);
	}
	assert_int_equal(fake_bufs_lent(w.s), 0);
	for (unsigned int i = 0; i < 50; i++)
		service_world_leave(&w, c[i]);
	service_world_stop(&w);
}

static void
the_date_moves_with_the_clock(void **state)
{
	struct service_config config;
	struct service_world w;
	sluice_conn c;

	(void)state;
	service_config_default(&config);
	config.wall_clock_s = service_world_clock_s;
	service_world_start(&w, &service_http, &config, NULL);
	c = service_world_connect(&w);
	service_world_say(&w, c, HEALTHZ);
	fake_advance_ms(w.s, 999);
	service_world_say(&w, c, HEALTHZ);
	assert_null(strstr(service_world_heard(&w, c), "08:49:38"));
	fake_advance_ms(w.s, 101);
	service_world_say(&w, c, HEALTHZ);
	assert_non_null(strstr(service_world_heard(&w, c),
		"Date: Sun, 06 Nov 1994 08:49:38 GMT\r\nServer"));
	service_world_leave(&w, c);
	service_world_stop(&w);
}

static void
a_start_that_fails_says_why_and_keeps_nothing(void **state)
{
	const struct fake_params params = { .listen_error = -EADDRINUSE };
	struct sluice_listen_params listen = { .addr.port = 80 };
	struct sluice *s = fake_create(&params);
	struct service_config config;
	void *http = NULL;

	(void)state;
	assert_int_equal(service_http.start(s, &listen, NULL, &http), -EADDRINUSE);
	service_config_default(&config);
	config.root = "/nonexistent";
	assert_int_equal(service_http.start(s, &listen, &config, &http), -ENOENT);
	config.root = "/dev/null";
	assert_int_equal(service_http.start(s, &listen, &config, &http), -ENOTDIR);
	config.root = NULL;
	config.max_header_bytes = 1;
	assert_int_equal(service_http.start(s, &listen, &config, &http), -EINVAL);
	assert_null(http);
	fake_destroy(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_starts_without_a_config_and_serves_its_pages),
		cmocka_unit_test(without_a_free_slot_a_client_gets_503_and_not_a_reset),
		cmocka_unit_test(too_many_partial_heads_are_503_and_whole_ones_are_not),
		cmocka_unit_test(idle_connections_hold_no_buffer_and_no_partial_head),
		cmocka_unit_test(the_date_moves_with_the_clock),
		cmocka_unit_test(a_start_that_fails_says_why_and_keeps_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
