/* SPDX-License-Identifier: BSD-3-Clause */
/* A packet socket is told to go on until nothing is left; a pair of sockets stands in for it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#include "io/nudge.h"

#define START_US 1000000u

static int pair[2];

static int
setup(void **state)
{
	(void)state;
	return socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, pair);
}

static int
teardown(void **state)
{
	(void)state;
	(void)close(pair[0]);
	(void)close(pair[1]);
	return 0;
}

/* Calls that came through since the last look. */
static unsigned int
calls(void)
{
	unsigned int n = 0;
	char byte;

	while (recv(pair[1], &byte, 1, 0) == 0)
		n++;
	return n;
}

/* Until no more fits: the next call fails, as with a link that drops. */
static unsigned int
fill(void)
{
	unsigned int n = 0;

	while (send(pair[0], NULL, 0, 0) == 0)
		n++;
	return n;
}

static void
the_end_of_a_burst_is_asked_for_once_when_nothing_is_left(void **state)
{
	struct nudge n = { .fd = pair[0], .at_us = START_US };

	(void)state;
	assert_false(n.is_due);
	nudge_after_send(&n);
	assert_true(n.is_due);
	assert_false(nudge_send_rest(&n, START_US + NUDGE_US - 1));
	assert_int_equal(calls(), 0);
	assert_true(n.is_due);
	assert_false(nudge_send_rest(&n, START_US + NUDGE_US));
	assert_int_equal(calls(), 1);
	assert_false(n.is_due);
}

static void
a_socket_that_stops_is_told_again(void **state)
{
	struct nudge n = { .fd = pair[0] };
	unsigned int full = fill();

	(void)state;
	nudge_after_send(&n);
	for (unsigned int i = 1; i <= 5; i++) {
		assert_true(nudge_send_rest(&n, START_US + i * NUDGE_US));
		assert_true(n.is_due);
	}
	assert_int_equal(calls(), full);
	assert_false(nudge_send_rest(&n, START_US + 6 * NUDGE_US));
	assert_int_equal(calls(), 1);
	assert_false(n.is_due);
}

static void
a_port_without_a_socket_needs_nothing(void **state)
{
	struct nudge n = { .fd = -1 };

	(void)state;
	nudge_after_send(&n);
	assert_false(n.is_due);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(the_end_of_a_burst_is_asked_for_once_when_nothing_is_left),
		T(a_socket_that_stops_is_told_again),
		T(a_port_without_a_socket_needs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
