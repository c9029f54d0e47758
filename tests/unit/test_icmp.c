/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP messages: checksums, echo in place, and what errors quote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/exact.h"
#include "wire/icmp.h"
#include "wire/ip4.h"
#include "wire/ip6.h"
#include "wire/pseudo.h"

static const struct ip_addr src6 = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };
static const struct ip_addr dst6 = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 2 } };

/* An echo request of len bytes; pseudo is 0 for ICMPv4. */
static void
make_echo(uint8_t *p, size_t len, uint8_t type, uint64_t pseudo)
{
	const struct icmp_msg msg = { .type = type, .rest = 0x12340001 };
	uint16_t csum;

	for (size_t i = ICMP_HDR_LEN; i < len; i++)
		p[i] = (uint8_t)i;
	icmp_encode(p, &msg);
	csum = csum_finish(csum_partial(p, len, pseudo));
	memcpy(p + 2, &csum, sizeof(csum));
}

static void
a_message_is_decoded_at_every_length(void **state)
{
	(void)state;
	for (size_t len = 0; len <= 64; len++) {
		uint8_t buf[64] = { 0 };
		struct icmp_msg msg;
		uint8_t *exact;

		make_echo(buf, len < 8 ? 8 : len, ICMP4_ECHO_REQUEST, 0);
		exact = exact_copy(buf, len);
		assert_int_equal(
			icmp4_parse(exact, len, false, &msg), len < 8 ? ICMP_TRUNCATED : ICMP_OK);
		free(exact);
		if (len < 8)
			continue;
		assert_int_equal(msg.type, ICMP4_ECHO_REQUEST);
		assert_int_equal(msg.code, 0);
		assert_int_equal(msg.rest, 0x12340001);
	}
}

static void
any_flipped_bit_is_found_by_the_checksum(void **state)
{
	uint64_t pseudo = pseudo_csum(&src6, &dst6, IP_PROTO_ICMP6, 33);
	uint8_t four[33];
	uint8_t six[33];
	struct icmp_msg msg;

	(void)state;
	make_echo(four, sizeof(four), ICMP4_ECHO_REQUEST, 0);
	make_echo(six, sizeof(six), ICMP6_ECHO_REQUEST, pseudo);
	assert_int_equal(icmp6_parse(six, sizeof(six), pseudo, false, &msg), ICMP_OK);
	assert_int_equal(icmp6_parse(six, sizeof(six), pseudo + 1, false, &msg), ICMP_BAD_CSUM);
	for (size_t bit = 0; bit < 8 * sizeof(four); bit++) {
		four[bit / 8] ^= (uint8_t)(1u << bit % 8);
		six[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_int_equal(icmp4_parse(four, sizeof(four), false, &msg), ICMP_BAD_CSUM);
		assert_int_equal(icmp4_parse(four, sizeof(four), true, &msg), ICMP_OK);
		assert_int_equal(icmp6_parse(six, sizeof(six), pseudo, false, &msg), ICMP_BAD_CSUM);
		assert_int_equal(icmp6_parse(six, sizeof(six), pseudo, true, &msg), ICMP_OK);
		four[bit / 8] ^= (uint8_t)(1u << bit % 8);
		six[bit / 8] ^= (uint8_t)(1u << bit % 8);
	}
}

static void
a_reply_made_in_place_differs_only_in_type_and_checksum(void **state)
{
	(void)state;
	for (size_t len = ICMP_HDR_LEN; len <= 128; len++) {
		uint64_t there = pseudo_csum(&src6, &dst6, IP_PROTO_ICMP6, (uint32_t)len);
		uint64_t back = pseudo_csum(&dst6, &src6, IP_PROTO_ICMP6, (uint32_t)len);
		uint8_t request[128];
		uint8_t reply[128];
		struct icmp_msg msg;

		make_echo(request, len, ICMP4_ECHO_REQUEST, 0);
		memcpy(reply, request, len);
		icmp4_echo_to_reply(reply);
		assert_int_equal(icmp4_parse(reply, len, false, &msg), ICMP_OK);
		assert_int_equal(msg.type, ICMP4_ECHO_REPLY);
		assert_memory_equal(reply + 4, request + 4, len - 4);

		make_echo(request, len, ICMP6_ECHO_REQUEST, there);
		memcpy(reply, request, len);
		icmp6_echo_to_reply(reply);
		assert_int_equal(icmp6_parse(reply, len, back, false, &msg), ICMP_OK);
		assert_int_equal(msg.type, ICMP6_ECHO_REPLY);
		assert_memory_equal(reply + 4, request + 4, len - 4);
	}
}

static void
a_reply_of_zeros_only_has_the_checksum_ffff(void **state)
{
	uint8_t p[] = { ICMP4_ECHO_REQUEST, 0, 0xf7, 0xff, 0, 0, 0, 0, 0, 0 };
	static const uint8_t expected[] = { 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0 };

	(void)state;
	icmp4_echo_to_reply(p);
	assert_memory_equal(p, expected, sizeof(p));
}

/* A TCP segment from 10.0.0.2:80 to 10.0.0.1:4321 as an error quotes it; returns its length. */
static size_t
make_quote4(uint8_t *p, size_t hdr_len, uint16_t total_len)
{
	memset(p, 0, hdr_len);
	p[0] = (uint8_t)(0x40 | hdr_len / 4);
	store_be16(p + 2, total_len);
	p[9] = IP_PROTO_TCP;
	store_be32(p + 12, 0x0a000002);
	store_be32(p + 16, 0x0a000001);
	store_be16(p + hdr_len, 80);
	store_be16(p + hdr_len + 2, 4321);
	store_be32(p + hdr_len + 4, 0xfedcba98);
	return hdr_len + 8;
}

static enum icmp_error
parse_quote4(const uint8_t *p, size_t len, struct icmp_quote *out)
{
	uint8_t *exact = exact_copy(p, len);
	enum icmp_error error = icmp4_parse_quote(exact, len, out);

	free(exact);
	return error;
}

static void
a_quoted_ipv4_packet_is_decoded_behind_any_header_length(void **state)
{
	(void)state;
	for (size_t hdr_len = 20; hdr_len <= 60; hdr_len += 4) {
		uint8_t buf[68];
		size_t whole = make_quote4(buf, hdr_len, 1500);
		struct icmp_quote q;

		for (size_t len = 0; len < whole; len++)
			assert_int_equal(parse_quote4(buf, len, &q), ICMP_TRUNCATED);
		assert_int_equal(parse_quote4(buf, whole, &q), ICMP_OK);
		assert_int_equal(ip_addr_v4(&q.src), 0x0a000002);
		assert_int_equal(ip_addr_v4(&q.dst), 0x0a000001);
		assert_int_equal(q.proto, IP_PROTO_TCP);
		assert_int_equal(q.sport, 80);
		assert_int_equal(q.dport, 4321);
		assert_int_equal(q.seq, 0xfedcba98);
		assert_int_equal(q.total_len, 1500);
	}
}

static void
a_quoted_ipv4_packet_that_contradicts_itself_is_refused(void **state)
{
	uint8_t buf[68];
	struct icmp_quote q;

	(void)state;
	for (unsigned int first = 0; first < 256; first++) {
		make_quote4(buf, 60, 68);
		buf[0] = (uint8_t)first;
		assert_int_equal(parse_quote4(buf, 68, &q),
			first >> 4 == 4 && (first & 15) >= 5 ? ICMP_OK : ICMP_BAD_QUOTE);
	}
	make_quote4(buf, 20, 27);
	assert_int_equal(parse_quote4(buf, 28, &q), ICMP_BAD_QUOTE);
	make_quote4(buf, 20, 28);
	assert_int_equal(parse_quote4(buf, 28, &q), ICMP_OK);
	store_be16(buf + 6, 0x2000); /* the first fragment carries the ports */
	assert_int_equal(parse_quote4(buf, 28, &q), ICMP_OK);
	store_be16(buf + 6, 0x0001);
	assert_int_equal(parse_quote4(buf, 28, &q), ICMP_BAD_QUOTE);
}

/* The same over IPv6, behind ext bytes of destination options. */
static size_t
make_quote6(uint8_t *p, size_t ext, uint16_t payload_len)
{
	const struct ip6_hdr h = {
		.src = src6,
		.dst = dst6,
		.payload_len = payload_len,
		.next_header = ext > 0 ? IP_PROTO_DSTOPTS : IP_PROTO_TCP,
	};
	uint8_t *tcp = p + IP6_HDR_LEN + ext;

	ip6_encode(p, &h);
	if (ext > 0) {
		memset(p + IP6_HDR_LEN, 0, ext);
		p[IP6_HDR_LEN] = IP_PROTO_TCP;
		p[IP6_HDR_LEN + 1] = (uint8_t)(ext / 8 - 1);
	}
	store_be16(tcp, 80);
	store_be16(tcp + 2, 4321);
	store_be32(tcp + 4, 0xfedcba98);
	return IP6_HDR_LEN + ext + 8;
}

static enum icmp_error
parse_quote6(const uint8_t *p, size_t len, struct icmp_quote *out)
{
	uint8_t *exact = exact_copy(p, len);
	enum icmp_error error = icmp6_parse_quote(exact, len, out);

	free(exact);
	return error;
}

static void
a_quoted_ipv6_packet_is_decoded_behind_extension_headers(void **state)
{
	(void)state;
	for (size_t ext = 0; ext <= 64; ext += 8) {
		uint8_t buf[112];
		size_t whole = make_quote6(buf, ext, 1440);
		struct icmp_quote q;

		for (size_t len = 0; len < whole; len++)
			assert_int_not_equal(parse_quote6(buf, len, &q), ICMP_OK);
		assert_int_equal(parse_quote6(buf, whole, &q), ICMP_OK);
		assert_true(ip_addr_equal(&q.src, &src6));
		assert_true(ip_addr_equal(&q.dst, &dst6));
		assert_int_equal(q.proto, IP_PROTO_TCP);
		assert_int_equal(q.sport, 80);
		assert_int_equal(q.dport, 4321);
		assert_int_equal(q.seq, 0xfedcba98);
		assert_int_equal(q.total_len, 1480);
	}
}

static void
a_quoted_ipv6_packet_that_contradicts_itself_is_refused(void **state)
{
	uint8_t buf[112];
	struct icmp_quote q;

	(void)state;
	make_quote6(buf, 0, 7);
	assert_int_equal(parse_quote6(buf, 48, &q), ICMP_BAD_QUOTE);
	make_quote6(buf, 0, 8);
	assert_int_equal(parse_quote6(buf, 47, &q), ICMP_TRUNCATED);
	assert_int_equal(parse_quote6(buf, 48, &q), ICMP_OK);
	buf[0] = 0x40;
	assert_int_equal(parse_quote6(buf, 48, &q), ICMP_BAD_QUOTE);
	make_quote6(buf, 0, 65500);
	assert_int_equal(parse_quote6(buf, 48, &q), ICMP_BAD_QUOTE);
	make_quote6(buf, 8, 24);
	buf[6] = IP_PROTO_FRAGMENT; /* we send none */
	assert_int_equal(parse_quote6(buf, 64, &q), ICMP_BAD_QUOTE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_is_decoded_at_every_length),
		cmocka_unit_test(any_flipped_bit_is_found_by_the_checksum),
		cmocka_unit_test(a_reply_made_in_place_differs_only_in_type_and_checksum),
		cmocka_unit_test(a_reply_of_zeros_only_has_the_checksum_ffff),
		cmocka_unit_test(a_quoted_ipv4_packet_is_decoded_behind_any_header_length),
		cmocka_unit_test(a_quoted_ipv4_packet_that_contradicts_itself_is_refused),
		cmocka_unit_test(a_quoted_ipv6_packet_is_decoded_behind_extension_headers),
		cmocka_unit_test(a_quoted_ipv6_packet_that_contradicts_itself_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
