/* SPDX-License-Identifier: BSD-3-Clause */
/* The checksum against a byte-by-byte one, and against its update in place. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/csum.h"
#include "base/rng.h"
#include "lib/exact.h"

/* RFC 1071 to the letter: 16-bit words in network order, an odd byte padded with zero. */
static uint16_t
naive_sum(const uint8_t *p, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len; i++) {
		sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
		sum = (sum & 0xffff) + (sum >> 16);
	}
	return (uint16_t)sum;
}

/* A folded sum, which is in memory order, in host order. */
static uint16_t
host_order(uint16_t sum)
{
	return load_be16(&sum);
}

static void
fill(uint8_t *p, size_t len, int kind, struct rng *rng)
{
	for (size_t i = 0; i < len; i++)
		p[i] = kind == 0 ? 0 : kind == 1 ? 0xff : (uint8_t)rng_u32(rng);
}

static void
sum_equals_the_naive_one_at_every_length_and_offset(void **state)
{
	uint8_t buf[300];
	struct rng rng;

	(void)state;
	rng_seed(&rng, 1);
	for (int kind = 0; kind < 4; kind++) {
		for (size_t offset = 0; offset < 9; offset++) {
			fill(buf, sizeof(buf), kind, &rng);
			for (size_t len = 0; len <= 200; len++)
				assert_int_equal(
					host_order(csum_fold(csum_partial(buf + offset, len, 0))),
					naive_sum(buf + offset, len));
		}
	}
}

static void
sum_reads_no_byte_beyond_the_end(void **state)
{
	uint8_t zeros[1500] = { 0 };

	(void)state;
	for (size_t len = 0; len <= sizeof(zeros); len++) {
		uint8_t *p = exact_copy(zeros, len);

		assert_int_equal(csum_fold(csum_partial(p, len, 0)), 0);
		free(p);
	}
}

static void
sum_of_a_jumbo_of_ones_does_not_overflow(void **state)
{
	static uint8_t buf[65536];

	(void)state;
	memset(buf, 0xff, sizeof(buf));
	assert_int_equal(csum_fold(csum_partial(buf, sizeof(buf), UINT64_MAX)), 0xffff);
	assert_int_equal(csum_finish(csum_partial(buf, sizeof(buf), 0)), 0);
}

static void
pieces_cut_anywhere_add_up_to_the_whole(void **state)
{
	uint8_t buf[160];
	struct rng rng;

	(void)state;
	rng_seed(&rng, 2);
	fill(buf, sizeof(buf), 2, &rng);
	for (size_t a = 0; a <= sizeof(buf); a++) {
		for (size_t b = a; b <= sizeof(buf); b += 7) {
			uint64_t sum = csum_partial(buf, a, 0);

			sum = csum_add_piece(sum, csum_partial(buf + a, b - a, 0), a);
			sum = csum_add_piece(sum, csum_partial(buf + b, sizeof(buf) - b, 0), b);
			assert_int_equal(
				csum_fold(sum), csum_fold(csum_partial(buf, sizeof(buf), 0)));
		}
	}
}

static void
a_header_with_its_checksum_sums_to_zero(void **state)
{
	/* A header anyone can check: the example of many textbooks, checksum b861. */
	uint8_t hdr[20] = { 0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1,
		0xc0, 0xa8, 0, 0xc7 };
	uint16_t csum = csum_finish(csum_partial(hdr, sizeof(hdr), 0));

	(void)state;
	memcpy(hdr + 10, &csum, sizeof(csum));
	assert_int_equal(hdr[10], 0xb8);
	assert_int_equal(hdr[11], 0x61);
	assert_int_equal(csum_finish(csum_partial(hdr, sizeof(hdr), 0)), 0);
}

/* Changes words at even offsets and checks that the updated checksum still verifies. */
static void
check_updates(struct rng *rng, uint32_t old, uint32_t new)
{
	uint8_t buf[24];
	uint16_t csum;
	uint16_t old16 = (uint16_t)old;
	uint16_t new16 = (uint16_t) new;

	fill(buf, sizeof(buf), 2, rng);
	memset(buf, 0, 2);
	memcpy(buf + 6, &old, 4);
	csum = csum_finish(csum_partial(buf, sizeof(buf), 0));
	csum = csum_update32(csum, old, new);
	memcpy(buf + 6, &new, 4);
	memcpy(buf, &csum, 2);
	assert_int_equal(csum_finish(csum_partial(buf, sizeof(buf), 0)), 0);

	memset(buf, 0, 2);
	memcpy(buf + 12, &old16, 2);
	csum = csum_finish(csum_partial(buf, sizeof(buf), 0));
	csum = csum_update16(csum, old16, new16);
	memcpy(buf + 12, &new16, 2);
	memcpy(buf, &csum, 2);
	assert_int_equal(csum_finish(csum_partial(buf, sizeof(buf), 0)), 0);
}

static void
updating_in_place_equals_summing_again(void **state)
{
	static const uint32_t edges[] = { 0, 1, 0xffff, 0x10000, 0xffff0000, 0xfffffffe,
		0xffffffff };
	struct rng rng;

	(void)state;
	rng_seed(&rng, 3);
	for (size_t i = 0; i < ARRAY_SIZE(edges); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(edges); j++)
			check_updates(&rng, edges[i], edges[j]);
	}
	for (int i = 0; i < 10000; i++)
		check_updates(&rng, rng_u32(&rng), rng_u32(&rng));
}

static void
the_example_of_rfc_1624_comes_out_right(void **state)
{
	/* s4: checksum dd2f, a field changes from 5555 to 3285, and the sum is 0, not ffff. */
	(void)state;
	assert_int_equal(csum_update16(0xdd2f, 0x5555, 0x3285), 0x0000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sum_equals_the_naive_one_at_every_length_and_offset),
		cmocka_unit_test(sum_reads_no_byte_beyond_the_end),
		cmocka_unit_test(sum_of_a_jumbo_of_ones_does_not_overflow),
		cmocka_unit_test(pieces_cut_anywhere_add_up_to_the_whole),
		cmocka_unit_test(a_header_with_its_checksum_sums_to_zero),
		cmocka_unit_test(updating_in_place_equals_summing_again),
		cmocka_unit_test(the_example_of_rfc_1624_comes_out_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
