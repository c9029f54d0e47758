/* SPDX-License-Identifier: BSD-3-Clause */
/* The key of a flow: its layout, and that every part of it counts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/flow.h"

static void
a_key_made_from_its_parts_shows_them(void **state)
{
	struct ip_addr four = ip_addr_from_v4(0xc0000201);
	struct ip_addr six = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
	struct flow_key key = flow_key_make(&four, 1234, 3, 80);

	(void)state;
	assert_true(ip_addr_equal(&key.raddr, &four));
	assert_int_equal(key.rport, 1234);
	assert_int_equal(key.lport, 80);
	assert_int_equal(key.laddr_idx, 3);
	assert_int_equal(key.family, FLOW_FAMILY_V4);
	assert_int_equal(key.zero, 0);
	key = flow_key_make(&six, 65535, 255, 65535);
	assert_true(ip_addr_equal(&key.raddr, &six));
	assert_int_equal(key.rport, 65535);
	assert_int_equal(key.lport, 65535);
	assert_int_equal(key.laddr_idx, 255);
	assert_int_equal(key.family, FLOW_FAMILY_V6);
	assert_int_equal(key.zero, 0);
}

static void
keys_differ_if_any_bit_differs(void **state)
{
	struct ip_addr addr = ip_addr_from_v4(0xc0000201);
	struct flow_key a = flow_key_make(&addr, 1234, 3, 80);

	(void)state;
	assert_true(flow_key_equal(&a, &a));
	for (unsigned int bit = 0; bit < 192; bit++) {
		struct flow_key b = a;

		b.w[bit / 64] ^= 1ULL << bit % 64;
		assert_false(flow_key_equal(&a, &b));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_made_from_its_parts_shows_them),
		cmocka_unit_test(keys_differ_if_any_bit_differs),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
