/* SPDX-License-Identifier: BSD-3-Clause */
/* Loads, stores and typed helpers of base/compiler.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/compiler.h"

static void
loads_and_stores_work_at_every_alignment(void **state)
{
	(void)state;
	for (size_t offset = 0; offset < 8; offset++) {
		uint8_t buf[16] = { 0 };

		store_be16(buf + offset, 0x1234);
		assert_int_equal(buf[offset], 0x12);
		assert_int_equal(buf[offset + 1], 0x34);
		assert_int_equal(load_be16(buf + offset), 0x1234);
		store_be32(buf + offset, 0x89abcdef);
		assert_int_equal(buf[offset], 0x89);
		assert_int_equal(buf[offset + 3], 0xef);
		assert_int_equal(load_be32(buf + offset), 0x89abcdef);
		assert_int_equal(load_le32(buf + offset), 0xefcdab89);
		store_be64(buf + offset, 0x0123456789abcdef);
		assert_int_equal(buf[offset], 0x01);
		assert_int_equal(buf[offset + 7], 0xef);
		assert_true(load_be64(buf + offset) == 0x0123456789abcdef);
		assert_true(load_le64(buf + offset) == 0xefcdab8967452301);
		store_le64(buf + offset, 0x0123456789abcdef);
		assert_int_equal(buf[offset], 0xef);
	}
}

static void
container_of_finds_the_struct_around_a_member(void **state)
{
	struct outer {
		int first;
		int member;
	} outer;

	(void)state;
	assert_ptr_equal(container_of(&outer.member, struct outer, member), &outer);
}

static void
only_powers_of_two_are_powers_of_two(void **state)
{
	(void)state;
	assert_false(is_power_of_two(0));
	for (unsigned int bit = 0; bit < 64; bit++)
		assert_true(is_power_of_two(1ULL << bit));
	for (unsigned int bit = 2; bit < 64; bit++) {
		assert_false(is_power_of_two((1ULL << bit) + 1));
		assert_false(is_power_of_two((1ULL << bit) - 1));
	}
}

static void
clamp_keeps_a_value_within_its_bounds(void **state)
{
	(void)state;
	assert_int_equal(clamp_u32(4, 5, 10), 5);
	assert_int_equal(clamp_u32(5, 5, 10), 5);
	assert_int_equal(clamp_u32(10, 5, 10), 10);
	assert_int_equal(clamp_u32(11, 5, 10), 10);
}

static void
minimum_and_maximum_take_the_whole_range(void **state)
{
	(void)state;
	assert_int_equal(min_u32(0, UINT32_MAX), 0);
	assert_int_equal(max_u32(0, UINT32_MAX), UINT32_MAX);
	assert_true(min_u64(1ULL << 40, 1) == 1);
	assert_true(max_u64(1ULL << 40, 1) == 1ULL << 40);
	assert_true(min_size(SIZE_MAX, 2) == 2);
	assert_true(max_size(SIZE_MAX, 2) == SIZE_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loads_and_stores_work_at_every_alignment),
		cmocka_unit_test(container_of_finds_the_struct_around_a_member),
		cmocka_unit_test(only_powers_of_two_are_powers_of_two),
		cmocka_unit_test(clamp_keeps_a_value_within_its_bounds),
		cmocka_unit_test(minimum_and_maximum_take_the_whole_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
