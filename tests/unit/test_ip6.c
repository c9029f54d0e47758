/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6 headers and the walk over extension headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "lib/exact.h"
#include "wire/ip6.h"

/* A base header from 2001:db8::1 to 2001:db8::2. */
static void
make_header(uint8_t *pkt, uint8_t next_header, uint16_t payload_len)
{
	const struct ip6_hdr h = {
		.src = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } },
		.dst = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 } },
		.flow_label = 0x12345,
		.payload_len = payload_len,
		.tclass = 0xb9,
		.next_header = next_header,
		.hop_limit = 64,
	};

	ip6_encode(pkt, &h);
}

static enum ip6_error
parse(const uint8_t *pkt, size_t len, struct ip6_hdr *out)
{
	uint8_t *exact = exact_copy(pkt, len);
	enum ip6_error error = ip6_parse(exact, len, out);

	free(exact);
	return error;
}

/* Walks the payload of len bytes behind a base header, in a buffer of exact size. */
static enum ip6_error
walk(uint8_t next_header, const uint8_t *payload, size_t len, struct ip6_upper *out)
{
	uint8_t *pkt = malloc(IP6_HDR_LEN + len);
	enum ip6_error error;

	make_header(pkt, next_header, (uint16_t)len);
	if (len > 0)
		memcpy(pkt + IP6_HDR_LEN, payload, len);
	error = ip6_walk(pkt, IP6_HDR_LEN + len, next_header, out);
	free(pkt);
	return error;
}

static void
a_header_is_decoded_as_it_was_encoded(void **state)
{
	uint8_t pkt[60];
	struct ip6_hdr h;

	(void)state;
	make_header(pkt, IP_PROTO_TCP, 20);
	assert_int_equal(parse(pkt, sizeof(pkt), &h), IP6_OK);
	assert_int_equal(h.src.b[0], 0x20);
	assert_int_equal(h.src.b[15], 1);
	assert_int_equal(h.dst.b[15], 2);
	assert_int_equal(h.flow_label, 0x12345);
	assert_int_equal(h.tclass, 0xb9);
	assert_int_equal(h.payload_len, 20);
	assert_int_equal(h.next_header, IP_PROTO_TCP);
	assert_int_equal(h.hop_limit, 64);
}

static void
every_truncation_and_version_has_its_error(void **state)
{
	uint8_t pkt[64] = { 0 };
	struct ip6_hdr h;

	(void)state;
	make_header(pkt, IP_PROTO_TCP, 20);
	for (size_t len = 0; len <= sizeof(pkt); len++)
		assert_int_equal(parse(pkt, len, &h), len < 40   ? IP6_TRUNCATED
						      : len < 60 ? IP6_BAD_LENGTH
								 : IP6_OK);
	for (unsigned int version = 0; version < 16; version++) {
		pkt[0] = (uint8_t)(version << 4);
		assert_int_equal(
			parse(pkt, sizeof(pkt), &h), version == 6 ? IP6_OK : IP6_BAD_VERSION);
	}
}

static void
every_payload_length_is_held_against_what_is_there(void **state)
{
	uint8_t pkt[64] = { 0 };
	struct ip6_hdr h;

	(void)state;
	make_header(pkt, IP_PROTO_TCP, 0);
	for (uint32_t len = 0; len <= 0xffff; len++) {
		store_be16(pkt + 4, (uint16_t)len);
		assert_int_equal(
			ip6_parse(pkt, sizeof(pkt), &h), len <= 24 ? IP6_OK : IP6_BAD_LENGTH);
	}
}

static void
addresses_that_cannot_come_over_the_wire_are_refused(void **state)
{
	struct ip_addr mapped = ip_addr_from_v4(0x0a000001);
	uint8_t pkt[40];
	struct ip6_hdr h;

	(void)state;
	make_header(pkt, IP_PROTO_TCP, 0);
	memcpy(pkt + 8, mapped.b, 16);
	assert_int_equal(parse(pkt, sizeof(pkt), &h), IP6_BAD_ADDR);
	make_header(pkt, IP_PROTO_TCP, 0);
	memcpy(pkt + 24, mapped.b, 16);
	assert_int_equal(parse(pkt, sizeof(pkt), &h), IP6_BAD_ADDR);
	make_header(pkt, IP_PROTO_TCP, 0);
	pkt[8] = 0xff;
	assert_int_equal(parse(pkt, sizeof(pkt), &h), IP6_BAD_ADDR);
	make_header(pkt, IP_PROTO_TCP, 0);
	pkt[24] = 0xff;
	assert_int_equal(parse(pkt, sizeof(pkt), &h), IP6_OK);
}

#define HOP IP_PROTO_HOPOPTS
#define DST IP_PROTO_DSTOPTS
#define RTE IP_PROTO_ROUTING
#define FRG IP_PROTO_FRAGMENT
#define TCP IP_PROTO_TCP
/* Six bytes of padding, as one option. */
#define PAD 1, 4, 0, 0, 0, 0

static void
the_upper_layer_is_found_behind_extension_headers(void **state)
{
	static const struct {
		uint8_t first;
		uint8_t len;
		uint8_t payload[40];
		enum ip6_error error;
		uint8_t proto;
		uint16_t offset;
	} rows[] = {
		{ TCP, 20, { 0 }, IP6_OK, TCP, 40 },
		{ IP_PROTO_NONE, 0, { 0 }, IP6_OK, IP_PROTO_NONE, 40 },
		{ 50, 8, { TCP, 0 }, IP6_OK, 50, 40 }, /* ESP is none of ours */
		{ HOP, 8, { TCP, 0, PAD }, IP6_OK, TCP, 48 },
		{ HOP, 8, { TCP, 0, 0, 0, 0, 0, 0, 0 }, IP6_OK, TCP, 48 }, /* six of Pad1 */
		{ HOP, 8, { TCP, 0, 5, 2, 0, 0, 1, 0 }, IP6_OK, TCP, 48 }, /* router alert */
		{ DST, 16, { TCP, 1, 1, 12, 0 }, IP6_OK, TCP, 56 },
		{ HOP, 24, { DST, 0, PAD, RTE, 0, PAD, TCP, 0, 4, 0 }, IP6_OK, TCP, 64 },
		{ DST, 16, { HOP, 0, PAD, TCP, 0, PAD }, IP6_BAD_ORDER, 0, 0 },
		{ HOP, 16, { HOP, 0, PAD, TCP, 0, PAD }, IP6_BAD_ORDER, 0, 0 },
		{ HOP, 7, { TCP, 0, PAD }, IP6_BAD_EXT, 0, 0 },
		{ HOP, 0, { 0 }, IP6_BAD_EXT, 0, 0 },
		{ HOP, 15, { TCP, 1, 1, 12, 0 }, IP6_BAD_EXT, 0, 0 },
		{ HOP, 16, { TCP, 255, 1, 12, 0 }, IP6_BAD_EXT, 0, 0 },
		{ HOP, 8, { TCP, 0, 1, 5, 0, 0, 0, 0 }, IP6_BAD_EXT, 0, 0 }, /* option too long */
		{ HOP, 8, { TCP, 0, 0, 0, 0, 0, 0, 1 }, IP6_BAD_EXT, 0, 0 }, /* without a length */
		{ HOP, 8, { TCP, 0, 0x1e, 4 }, IP6_OK, TCP, 48 }, /* unknown: skip */
		{ HOP, 8, { TCP, 0, 0x5e, 4 }, IP6_OPTION_DROP, 0, 0 },
		{ DST, 8, { TCP, 0, 0x9e, 4 }, IP6_OPTION_REPORT, 0, 0 },
		{ DST, 8, { TCP, 0, 0xde, 4 }, IP6_OPTION_REPORT_UNICAST, 0, 0 },
		{ HOP, 8, { TCP, 0, 0xc2, 4 }, IP6_OPTION_REPORT_UNICAST, 0, 0 }, /* jumbo */
		{ RTE, 8, { TCP, 0, 0, 0 }, IP6_ROUTING, 0, 0 }, /* type 0 */
		{ RTE, 8, { TCP, 0, 4, 1 }, IP6_ROUTING, 0, 0 }, /* segments left */
		{ RTE, 8, { TCP, 0, 4, 0 }, IP6_OK, TCP, 48 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ip6_upper upper;
		enum ip6_error error = walk(rows[i].first, rows[i].payload, rows[i].len, &upper);

		if (error != rows[i].error)
			fail_msg("row %zu: error %d", i, error);
		if (error != IP6_OK)
			continue;
		assert_int_equal(upper.proto, rows[i].proto);
		assert_int_equal(upper.offset, rows[i].offset);
		assert_false(upper.is_fragment);
	}
}

static void
an_unwelcome_option_is_pointed_to(void **state)
{
	static const uint8_t payload[] = { DST, 0, PAD, TCP, 0, 1, 1, 0, 0x9e, 1, 0 };
	struct ip6_upper upper;

	(void)state;
	assert_int_equal(walk(HOP, payload, sizeof(payload), &upper), IP6_OPTION_REPORT);
	assert_int_equal(upper.error_offset, IP6_HDR_LEN + 8 + 5);
	assert_int_equal(walk(HOP, payload, sizeof(payload) - 1, &upper), IP6_BAD_EXT);
}

static void
fragments_are_told_apart_and_impossible_ones_refused(void **state)
{
	static const struct {
		uint16_t field; /* offset and the more bit */
		uint8_t payload_len;
		enum ip6_error error;
	} rows[] = {
		{ 0x0000, 5, IP6_OK }, /* atomic */
		{ 0x0001, 8, IP6_OK },
		{ 0x0008, 5, IP6_OK },
		{ 0x0009, 16, IP6_OK },
		{ 0x0000, 0, IP6_BAD_FRAGMENT },
		{ 0x0008, 0, IP6_BAD_FRAGMENT },
		{ 0x0001, 7, IP6_BAD_FRAGMENT },
		{ 0xfff8, 7, IP6_OK },
		{ 0xfff8, 8, IP6_BAD_FRAGMENT },
		{ 0xfff9, 8, IP6_BAD_FRAGMENT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t payload[8 + 32] = { TCP, 0, 0, 0, 0xde, 0xad, 0xbe, 0xef };
		struct ip6_upper upper;
		enum ip6_error error;

		store_be16(payload + 2, rows[i].field);
		error = walk(FRG, payload, 8u + rows[i].payload_len, &upper);
		if (error != rows[i].error)
			fail_msg("row %zu: error %d", i, error);
		if (error != IP6_OK)
			continue;
		assert_true(upper.is_fragment);
		assert_int_equal(upper.frag_id, 0xdeadbeef);
		assert_int_equal(upper.frag_off, rows[i].field & 0xfff8);
		assert_int_equal(upper.frag_more, rows[i].field & 1);
		assert_int_equal(upper.proto, TCP);
		assert_int_equal(upper.offset, 48);
	}
}

static void
the_walk_ends_behind_a_later_fragment(void **state)
{
	/* What follows a later fragment is data, even if its next header names an extension. */
	static const uint8_t later[] = { DST, 0, 0, 8, 0, 0, 0, 1, TCP, 255 };
	static const uint8_t first[] = { DST, 0, 0, 1, 0, 0, 0, 1, TCP, 0, PAD };
	static const uint8_t twice[] = { FRG, 0, 0, 0, 0, 0, 0, 1, TCP, 0, 0, 0, 0, 0, 0, 2, 9 };
	struct ip6_upper upper;

	(void)state;
	assert_int_equal(walk(FRG, later, sizeof(later), &upper), IP6_OK);
	assert_int_equal(upper.proto, DST);
	assert_int_equal(upper.offset, 48);
	assert_int_equal(walk(FRG, first, sizeof(first), &upper), IP6_OK);
	assert_int_equal(upper.proto, TCP);
	assert_int_equal(upper.offset, 56);
	assert_int_equal(walk(FRG, twice, sizeof(twice), &upper), IP6_BAD_FRAGMENT);
}

static void
the_chain_of_headers_has_a_limit(void **state)
{
	uint8_t payload[8 * (IP6_EXT_HDRS_MAX + 1)];
	struct ip6_upper upper;

	(void)state;
	memset(payload, 0, sizeof(payload));
	for (size_t count = 1; count <= IP6_EXT_HDRS_MAX + 1; count++) {
		enum ip6_error error;

		for (size_t i = 0; i < count; i++)
			payload[8 * i] = i + 1 < count ? DST : TCP;
		error = walk(DST, payload, 8 * count, &upper);
		assert_int_equal(error, count <= IP6_EXT_HDRS_MAX ? IP6_OK : IP6_TOO_MANY_EXT);
		if (error == IP6_OK)
			assert_int_equal(upper.ext_count, count);
	}
}

static void
random_chains_end_within_the_packet(void **state)
{
	static const uint8_t protos[] = { HOP, DST, RTE, FRG, TCP, IP_PROTO_ICMP6, 59, 200 };
	struct rng rng;

	(void)state;
	rng_seed(&rng, 14);
	for (int i = 0; i < 20000; i++) {
		uint8_t payload[96];
		size_t len = rng_below(&rng, sizeof(payload) + 1);
		struct ip6_upper upper;

		for (size_t j = 0; j < len; j++)
			payload[j] = rng_below(&rng, 2) ? 0 : protos[rng_below(&rng, 8)];
		if (walk(protos[rng_below(&rng, 4)], payload, len, &upper) == IP6_OK)
			assert_in_range(upper.offset, IP6_HDR_LEN, IP6_HDR_LEN + len);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_header_is_decoded_as_it_was_encoded),
		cmocka_unit_test(every_truncation_and_version_has_its_error),
		cmocka_unit_test(every_payload_length_is_held_against_what_is_there),
		cmocka_unit_test(addresses_that_cannot_come_over_the_wire_are_refused),
		cmocka_unit_test(the_upper_layer_is_found_behind_extension_headers),
		cmocka_unit_test(an_unwelcome_option_is_pointed_to),
		cmocka_unit_test(fragments_are_told_apart_and_impossible_ones_refused),
		cmocka_unit_test(the_walk_ends_behind_a_later_fragment),
		cmocka_unit_test(the_chain_of_headers_has_a_limit),
		cmocka_unit_test(random_chains_end_within_the_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
