/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the state names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/tcp_state.h"

static void
states_are_the_eleven_of_the_rfc(void **state)
{
	(void)state;
	assert_int_equal(TCP_STATE_COUNT, 11);
	assert_int_equal(TCPS_CLOSED, 0);
	assert_string_equal(tcp_state_name(TCPS_CLOSED), "closed");
	assert_string_equal(tcp_state_name(TCPS_SYN_RECEIVED), "syn-received");
	assert_string_equal(tcp_state_name(TCPS_TIME_WAIT), "time-wait");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(states_are_the_eleven_of_the_rfc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
