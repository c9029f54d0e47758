/* SPDX-License-Identifier: BSD-3-Clause */
/* The discard service: everything read, nothing answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "lib/service_world.h"

static void
everything_is_read_and_nothing_answered(void **state)
{
	struct service_world w;
	uint8_t data[10000] = { 1 };
	size_t len;
	sluice_conn c;

	(void)state;
	service_world_start(&w, &service_discard, NULL, NULL);
	c = fake_peer_connect(w.s, 9);
	fake_peer_send(w.s, c, data, sizeof(data));
	fake_run(w.s);
	assert_int_equal(fake_peer_unread(w.s, c), 0);
	service_world_say_bytes(&w, c, data, sizeof(data));
	assert_int_equal(fake_peer_unread(w.s, c), 0);
	assert_int_equal(fake_bufs_lent(w.s), 0);
	service_world_leave(&w, c);
	fake_peer_data(w.s, c, &len);
	assert_int_equal(len, 0);
	service_world_stop(&w);
}

static void
a_reset_and_a_drain_leave_nothing_behind(void **state)
{
	struct service_world w;
	sluice_conn a, b;

	(void)state;
	service_world_start(&w, &service_discard, NULL, NULL);
	a = service_world_connect(&w);
	b = service_world_connect(&w);
	fake_peer_reset(w.s, a);
	fake_run(w.s);
	w.service->drain(w.s, w.state);
	assert_int_equal(fake_peer_connect(w.s, 9), 0);
	service_world_leave(&w, b);
	service_world_stop(&w);
}

static void
a_listener_that_cannot_open_is_reported(void **state)
{
	const struct fake_params params = { .listen_error = -ENOBUFS };
	struct sluice_listen_params listen = { .addr.port = 9 };
	struct sluice *s = fake_create(&params);
	void *discard = NULL;

	(void)state;
	assert_int_equal(service_discard.start(s, &listen, NULL, &discard), -ENOBUFS);
	assert_null(discard);
	fake_destroy(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(everything_is_read_and_nothing_answered),
		cmocka_unit_test(a_reset_and_a_drain_leave_nothing_behind),
		cmocka_unit_test(a_listener_that_cannot_open_is_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
