/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 headers: every version, header length and total length, fragments, options. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "lib/exact.h"
#include "wire/ip4.h"

static enum ip4_error
parse(const uint8_t *pkt, size_t len, bool csum_good, struct ip4_hdr *out)
{
	uint8_t *exact = exact_copy(pkt, len);
	enum ip4_error error = ip4_parse(exact, len, csum_good, out);

	free(exact);
	return error;
}

/* A TCP packet from 10.0.0.1 to 10.0.0.2 with hdr_len bytes of header, options of nops. */
static void
make_packet(uint8_t *pkt, size_t hdr_len, uint16_t total_len)
{
	memset(pkt, 1, hdr_len);
	pkt[0] = (uint8_t)(0x40 | hdr_len / 4);
	pkt[1] = 0xba;
	store_be16(pkt + 2, total_len);
	store_be16(pkt + 4, 0x1234);
	store_be16(pkt + 6, 0x4000);
	pkt[8] = 63;
	pkt[9] = IP_PROTO_TCP;
	store_be16(pkt + 10, 0);
	store_be32(pkt + 12, 0x0a000001);
	store_be32(pkt + 16, 0x0a000002);
}

/* Fills in the checksum of a header of len bytes. */
static void
set_csum(uint8_t *pkt, size_t len)
{
	uint16_t csum;

	store_be16(pkt + 10, 0);
	csum = csum_finish(csum_partial(pkt, len, 0));
	memcpy(pkt + 10, &csum, sizeof(csum));
}

static void
a_header_is_decoded(void **state)
{
	uint8_t pkt[60] = { 0 };
	struct ip4_hdr h;

	(void)state;
	make_packet(pkt, 20, 50);
	set_csum(pkt, 20);
	assert_int_equal(parse(pkt, sizeof(pkt), false, &h), IP4_OK);
	assert_int_equal(h.src, 0x0a000001);
	assert_int_equal(h.dst, 0x0a000002);
	assert_int_equal(h.total_len, 50);
	assert_int_equal(h.id, 0x1234);
	assert_int_equal(h.frag_off, 0);
	assert_int_equal(h.ttl, 63);
	assert_int_equal(h.proto, IP_PROTO_TCP);
	assert_int_equal(h.tos, 0xba);
	assert_int_equal(h.tos & IP_ECN_MASK, IP_ECN_ECT0);
	assert_int_equal(h.hdr_len, 20);
	assert_true(h.df);
	assert_false(h.mf);
	assert_false(ip4_is_fragment(&h));
}

static enum ip4_error
expected_error(size_t len, unsigned int version, size_t hdr_len, size_t total_len)
{
	if (len < 20)
		return IP4_TRUNCATED;
	if (version != 4)
		return IP4_BAD_VERSION;
	if (hdr_len < 20 || hdr_len > len)
		return IP4_BAD_IHL;
	if (total_len < hdr_len || total_len > len)
		return IP4_BAD_LENGTH;
	return IP4_OK;
}

static void
every_version_and_header_length_meets_every_length(void **state)
{
	uint8_t pkt[80];

	(void)state;
	memset(pkt, 1, sizeof(pkt));
	make_packet(pkt, 20, 0);
	for (unsigned int first = 0; first < 256; first++) {
		for (size_t len = 0; len <= sizeof(pkt); len++) {
			size_t hdr_len = (first & 15) * 4;
			struct ip4_hdr h;

			pkt[0] = (uint8_t)first;
			store_be16(pkt + 2, (uint16_t)len);
			assert_int_equal(parse(pkt, len, true, &h),
				expected_error(len, first >> 4, hdr_len, len));
		}
	}
}

static void
every_total_length_is_held_against_what_is_there(void **state)
{
	uint8_t pkt[64];
	struct ip4_hdr h;

	(void)state;
	memset(pkt, 1, sizeof(pkt));
	for (size_t hdr_len = 20; hdr_len <= 60; hdr_len += 4) {
		make_packet(pkt, hdr_len, 0);
		for (uint32_t total_len = 0; total_len <= 0xffff; total_len++) {
			enum ip4_error error;

			store_be16(pkt + 2, (uint16_t)total_len);
			error = ip4_parse(pkt, sizeof(pkt), true, &h);
			assert_int_equal(error, expected_error(sizeof(pkt), 4, hdr_len, total_len));
			if (error == IP4_OK)
				assert_int_equal(h.total_len, total_len);
		}
	}
}

static void
any_flipped_bit_is_found_by_the_checksum(void **state)
{
	uint8_t pkt[40];
	struct ip4_hdr h;

	(void)state;
	make_packet(pkt, 24, 40);
	set_csum(pkt, 24);
	assert_int_equal(parse(pkt, sizeof(pkt), false, &h), IP4_OK);
	for (size_t bit = 0; bit < 24 * 8; bit++) {
		pkt[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_not_equal(parse(pkt, sizeof(pkt), false, &h), IP4_OK);
		pkt[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
	pkt[8]--;
	assert_int_equal(parse(pkt, sizeof(pkt), false, &h), IP4_BAD_CSUM);
	assert_int_equal(parse(pkt, sizeof(pkt), true, &h), IP4_OK);
}

static void
fragments_are_told_apart_and_impossible_ones_refused(void **state)
{
	static const struct {
		uint16_t field; /* flags and offset / 8 */
		uint16_t payload_len;
		enum ip4_error error;
		uint16_t frag_off;
		bool mf;
	} rows[] = {
		{ 0x2000, 8, IP4_OK, 0, true },
		{ 0x0001, 1, IP4_OK, 8, false },
		{ 0x2001, 16, IP4_OK, 8, true },
		{ 0x2000, 0, IP4_BAD_FRAGMENT, 0, true },
		{ 0x0001, 0, IP4_BAD_FRAGMENT, 8, false },
		{ 0x2000, 7, IP4_BAD_FRAGMENT, 0, true },
		{ 0x2001, 9, IP4_BAD_FRAGMENT, 8, true },
		{ 0x1ffd, 3, IP4_OK, 65512, false },
		{ 0x1ffd, 4, IP4_BAD_FRAGMENT, 65512, false }, /* 65536 bytes */
		{ 0x1fff, 8, IP4_BAD_FRAGMENT, 65528, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t pkt[40];
		struct ip4_hdr h;

		make_packet(pkt, 20, (uint16_t)(20 + rows[i].payload_len));
		store_be16(pkt + 6, rows[i].field);
		if (parse(pkt, sizeof(pkt), true, &h) != rows[i].error)
			fail_msg("row %zu", i);
		assert_int_equal(h.frag_off, rows[i].frag_off);
		assert_int_equal(h.mf, rows[i].mf);
		assert_true(ip4_is_fragment(&h));
	}
}

static void
options_are_checked_by_their_lengths(void **state)
{
	static const struct {
		uint8_t options[8];
		enum ip4_error error;
	} rows[] = {
		{ { 1, 1, 1, 1, 1, 1, 1, 1 }, IP4_OK },
		{ { 0, 131, 0, 0, 0, 0, 0, 0 }, IP4_OK }, /* nothing counts after the end */
		{ { 148, 4, 0, 0, 0, 0, 0, 0 }, IP4_OK }, /* router alert */
		{ { 7, 7, 4, 0, 0, 0, 0, 0 }, IP4_OK }, /* record route */
		{ { 7, 8, 4, 0, 0, 0, 0, 0 }, IP4_OK }, /* up to the last byte */
		{ { 7, 9, 4, 0, 0, 0, 0, 0 }, IP4_BAD_OPTION },
		{ { 7, 255, 4, 0, 0, 0, 0, 0 }, IP4_BAD_OPTION },
		{ { 7, 0, 4, 0, 0, 0, 0, 0 }, IP4_BAD_OPTION },
		{ { 7, 1, 4, 0, 0, 0, 0, 0 }, IP4_BAD_OPTION },
		{ { 1, 1, 1, 1, 1, 1, 1, 7 }, IP4_BAD_OPTION },
		{ { 131, 7, 4, 10, 0, 0, 3, 0 }, IP4_SOURCE_ROUTE },
		{ { 1, 137, 7, 4, 10, 0, 0, 3 }, IP4_SOURCE_ROUTE },
		{ { 131, 9, 4, 10, 0, 0, 3, 0 }, IP4_BAD_OPTION },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t pkt[28];
		struct ip4_hdr h;

		make_packet(pkt, 28, 28);
		memcpy(pkt + 20, rows[i].options, sizeof(rows[i].options));
		set_csum(pkt, 28);
		if (parse(pkt, sizeof(pkt), false, &h) != rows[i].error)
			fail_msg("row %zu", i);
	}
}

static void
every_option_type_and_length_ends_in_a_verdict(void **state)
{
	uint8_t pkt[60];
	struct ip4_hdr h;

	(void)state;
	make_packet(pkt, 60, 60);
	for (unsigned int type = 0; type < 256; type++) {
		for (unsigned int len = 0; len < 256; len++) {
			enum ip4_error expected = IP4_OK;

			memset(pkt + 20, 0, 40);
			pkt[20] = (uint8_t)type;
			pkt[21] = (uint8_t)len;
			if (type == 1)
				pkt[21] = 0;
			if (type > 1 && (len < 2 || len > 40))
				expected = IP4_BAD_OPTION;
			else if (type == 131 || type == 137)
				expected = IP4_SOURCE_ROUTE;
			assert_int_equal(ip4_parse(pkt, sizeof(pkt), true, &h), expected);
		}
	}
}

static struct ip4_hdr
random_header(struct rng *rng)
{
	return (struct ip4_hdr){
		.src = rng_u32(rng),
		.dst = rng_u32(rng),
		.total_len = 64,
		.id = (uint16_t)rng_u32(rng),
		.ttl = (uint8_t)rng_u32(rng),
		.proto = (uint8_t)rng_u32(rng),
		.tos = (uint8_t)rng_u32(rng),
		.hdr_len = 20,
		.df = rng_below(rng, 2) != 0,
		.frag_off = (uint16_t)(rng_below(rng, 2) ? 8 * rng_below(rng, 8000) : 0),
	};
}

static void
an_encoded_header_decodes_to_the_same(void **state)
{
	uint8_t buf[64] = { 0 };
	struct rng rng;

	(void)state;
	rng_seed(&rng, 13);
	for (int i = 0; i < 10000; i++) {
		struct ip4_hdr in = random_header(&rng);
		struct ip4_hdr out;

		ip4_encode(buf, &in, false);
		assert_int_equal(parse(buf, sizeof(buf), false, &out), IP4_OK);
		assert_int_equal(in.src, out.src);
		assert_int_equal(in.dst, out.dst);
		assert_int_equal(in.total_len, out.total_len);
		assert_int_equal(in.id, out.id);
		assert_int_equal(in.frag_off, out.frag_off);
		assert_int_equal(in.ttl, out.ttl);
		assert_int_equal(in.proto, out.proto);
		assert_int_equal(in.tos, out.tos);
		assert_int_equal(in.df, out.df);
		assert_int_equal(in.mf, out.mf);
		ip4_encode(buf, &in, true);
		assert_int_equal(load_be16(buf + 10), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_decoded),
		cmocka_unit_test(every_version_and_header_length_meets_every_length),
		cmocka_unit_test(every_total_length_is_held_against_what_is_there),
		cmocka_unit_test(any_flipped_bit_is_found_by_the_checksum),
		cmocka_unit_test(fragments_are_told_apart_and_impossible_ones_refused),
		cmocka_unit_test(options_are_checked_by_their_lengths),
		cmocka_unit_test(every_option_type_and_length_ends_in_a_verdict),
		cmocka_unit_test(an_encoded_header_decodes_to_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
