/* SPDX-License-Identifier: BSD-3-Clause */
/* The ICMP errors we send: byte by byte, to whom, about what, how many. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lib/net_bed.h"
#include "net/icmp_output.h"

#define UDP 17

static struct net_bed bed;

static int
setup(void **state)
{
	(void)state;
	net_bed_init(&bed);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	net_bed_fini(&bed);
	return 0;
}

static void
packet(struct frame *f, unsigned int version, uint8_t proto, size_t len)
{
	frame_eth(f, OUR_MAC, GATEWAY_MAC, version == 4 ? 0x0800 : 0x86dd);
	if (version == 4)
		frame_ip4(f, FAR_IP, OUR_IP_2, proto);
	else
		frame_ip6(f, FAR_IP6, OUR_IP6, proto);
	frame_data(f, NULL, len);
	frame_finish(f);
}

/* The error that answers f: this type, code and rest, and as much of f as goes in. */
static void
expect_error(const struct frame *f, uint8_t type, uint8_t code, uint32_t rest)
{
	bool v4 = f->ip_version == 4;
	size_t room = v4 ? 576 - 28 : 1280 - 48;
	size_t quoted = f->len - 14;
	struct frame got, want;

	assert_true(net_bed_sent(&bed, &got));
	frame_eth(&want, GATEWAY_MAC, OUR_MAC, v4 ? 0x0800 : 0x86dd);
	if (v4)
		frame_ip4(&want, OUR_IP_2, FAR_IP, 1);
	else
		frame_ip6(&want, OUR_IP6, FAR_IP6, 58);
	frame_icmp(&want, type, code, (uint16_t)(rest >> 16), (uint16_t)rest);
	frame_data(&want, f->b + 14, quoted < room ? quoted : room);
	frame_finish(&want);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.b, want.b, want.len);
	assert_int_equal(bed.tx.count, 0);
}

static void
a_udp_datagram_is_told_that_nobody_listens(void **state)
{
	static const size_t lens[] = { 8, 9, 100, 520, 521, 1192, 1193, 1400 };
	struct frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		packet(&f, 4, UDP, lens[i]);
		assert_int_equal(net_bed_input(&bed, &f), OUT_UDP_NO_PORT);
		expect_error(&f, 3, 3, 0);
		packet(&f, 6, UDP, lens[i]);
		assert_int_equal(net_bed_input(&bed, &f), OUT_UDP_NO_PORT);
		expect_error(&f, 1, 4, 0);
	}
	assert_int_equal(bed.ctr.IcmpOutDestUnreachs, 16);
	assert_int_equal(bed.ctr.IcmpOutMsgs, 16);
	assert_int_equal(bed.ctr.OutRequests, 8);
	assert_int_equal(bed.ctr.Ip6OutRequests, 8);
	assert_int_equal(bed.pkts.allocs, 0);
}

static void
a47_a_protocol_nobody_speaks_is_told_so(void **state)
{
	struct frame f;

	(void)state;
	packet(&f, 4, 47, 40);
	assert_int_equal(net_bed_input(&bed, &f), OUT_IP_BAD_PROTO);
	expect_error(&f, 3, 2, 0);
	packet(&f, 6, 47, 40);
	assert_int_equal(net_bed_input(&bed, &f), OUT_IP_BAD_PROTO);
	expect_error(&f, 4, 1, 6);
	/* The pointer is at the field that names it, wherever that is. */
	frame_eth(&f, OUR_MAC, GATEWAY_MAC, 0x86dd);
	frame_ip6(&f, FAR_IP6, OUR_IP6, 60);
	frame_ip6_ext(&f, 47, (const uint8_t[6]){ 1, 4 }, 6);
	frame_data(&f, NULL, 20);
	frame_finish(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_IP_BAD_PROTO);
	expect_error(&f, 4, 1, 40);
	/* "No next header" is meant so (RFC 8200 s4.7). */
	packet(&f, 6, 59, 40);
	assert_int_equal(net_bed_input(&bed, &f), OUT_IP_BAD_PROTO);
	assert_int_equal(bed.tx.count, 0);
	/* Nor is there ICMPv6 on IPv4, or ICMP on IPv6. */
	packet(&f, 4, 58, 40);
	assert_int_equal(net_bed_input(&bed, &f), OUT_IP_BAD_PROTO);
	expect_error(&f, 3, 2, 0);
}

/* RFC 8200 s4.2: the top two bits of an option nobody knows. */
static void
an_unknown_option_is_treated_as_it_asks(void **state)
{
	static const struct {
		uint8_t type;
		unsigned int outcome;
		bool told;
	} rows[] = {
		{ 0x1e, OUTCOME_MAX, false },
		{ 0x5e, OUT_IP6_BAD_EXT, false },
		{ 0x9e, OUT_IP6_BAD_EXT, true },
		{ 0xde, OUT_IP6_BAD_EXT, true },
	};
	static const uint8_t headers[] = { 0, 60 };
	struct frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (size_t h = 0; h < ARRAY_SIZE(headers); h++) {
			const uint8_t body[6] = { 1, 0, rows[i].type, 1, 0, 0 };

			frame_eth(&f, OUR_MAC, GATEWAY_MAC, 0x86dd);
			frame_ip6(&f, FAR_IP6, OUR_IP6, headers[h]);
			frame_ip6_ext(&f, 6, body, 6);
			frame_tcp(&f, 1, 2, 3, 4, 2);
			frame_finish(&f);
			assert_int_equal(net_bed_input(&bed, &f), rows[i].outcome);
			if (rows[i].told)
				expect_error(&f, 4, 2, 44);
			else
				assert_int_equal(bed.tx.count, 0);
		}
	assert_int_equal(bed.ctr.IcmpOutParmProbs, 4);
}

static void
other_faults_of_the_chain_are_pointed_at(void **state)
{
	struct frame f;

	(void)state;
	/* A routing header of type 0 (RFC 5095 s3): its type. */
	frame_eth(&f, OUR_MAC, GATEWAY_MAC, 0x86dd);
	frame_ip6(&f, FAR_IP6, OUR_IP6, 43);
	frame_ip6_ext(&f, 6, (const uint8_t[6]){ 0, 1 }, 6);
	frame_tcp(&f, 1, 2, 3, 4, 2);
	frame_finish(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_IP6_BAD_EXT);
	expect_error(&f, 4, 0, 42);
	/* Hop-by-hop options in the second place (RFC 8200 s4): who named them. */
	frame_eth(&f, OUR_MAC, GATEWAY_MAC, 0x86dd);
	frame_ip6(&f, FAR_IP6, OUR_IP6, 60);
	frame_ip6_ext(&f, 0, (const uint8_t[6]){ 1, 4 }, 6);
	frame_ip6_ext(&f, 6, (const uint8_t[6]){ 1, 4 }, 6);
	frame_tcp(&f, 1, 2, 3, 4, 2);
	frame_finish(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_IP6_BAD_EXT);
	expect_error(&f, 4, 1, 40);
	/* A first fragment of a length that is no multiple of 8: the length (RFC 8200 s4.5). */
	frame_eth(&f, OUR_MAC, GATEWAY_MAC, 0x86dd);
	frame_ip6(&f, FAR_IP6, OUR_IP6, 44);
	frame_ip6_ext(&f, 6, (const uint8_t[6]){ 0, 1 }, 6);
	frame_tcp(&f, 1, 2, 3, 4, 2);
	frame_finish(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_IP6_FRAGMENT);
	expect_error(&f, 4, 0, 4);
}

/* Two stations that tell each other about errors would go on for ever. */
static void
nothing_is_said_about_an_error(void **state)
{
	struct frame f;

	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		frame_eth(&f, OUR_MAC, GATEWAY_MAC, 0x86dd);
		frame_ip6(&f, FAR_IP6, OUR_IP6, 60);
		/* An option that wants to be told about, in front of a message of that type. */
		frame_ip6_ext(&f, 58, (const uint8_t[6]){ 0x9e, 4 }, 6);
		frame_icmp(&f, (uint8_t)type, 0, 0, 0);
		frame_finish(&f);
		assert_int_equal(net_bed_input(&bed, &f), OUT_IP6_BAD_EXT);
		assert_int_equal(net_bed_discard(&bed), type >= 128 && type != 137);
		bed.env.now_us += 1000;
	}
}

/* however short it is, what cannot be seen to be no error gets no answer. */
static void
a48_nothing_is_said_about_what_may_be_an_error(void **state)
{
	struct frame f;

	(void)state;
	for (size_t len = 0; len < 8; len++) {
		frame_eth(&f, OUR_MAC, GATEWAY_MAC, 0x86dd);
		frame_ip6(&f, FAR_IP6, OUR_IP6, 60);
		frame_ip6_ext(&f, 58, (const uint8_t[6]){ 0x9e, 4 }, 6);
		frame_data(&f, NULL, len);
		frame_finish(&f);
		assert_int_equal(net_bed_input(&bed, &f), OUT_IP6_BAD_EXT);
		assert_int_equal(bed.tx.count, 0);
	}
}

/* RFC 1122 s3.2.2, RFC 4443 s2.4 (e). */
static void
nothing_is_said_to_groups_or_to_who_cannot_be_one_station(void **state)
{
	static const struct {
		const char *src, *dst;
		bool group_mac;
	} rows[] = {
		{ PEER_IP, "10.0.0.255", true },
		{ PEER_IP, "255.255.255.255", true },
		{ PEER_IP, "224.0.0.1", true },
		{ PEER_IP, OUR_IP, true },
		{ "10.0.0.255", OUR_IP, false },
		{ "255.255.255.255", OUR_IP, false },
		{ "224.0.0.1", OUR_IP, false },
		{ "127.0.0.1", OUR_IP, false },
		{ "0.0.0.0", OUR_IP, false },
		{ OUR_IP_2, OUR_IP, false },
		{ PEER_IP, "10.0.0.77", false },
	};
	static const struct {
		const char *src, *dst;
	} rows6[] = {
		{ PEER_IP6, "ff02::1" },
		{ "::", OUR_IP6 },
		{ "::1", OUR_IP6 },
		{ OUR_IP6, OUR_IP6 },
		{ PEER_IP6, "2001:db8::77" },
	};
	struct frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		frame_eth(&f, rows[i].group_mac ? BROADCAST_MAC : OUR_MAC, PEER_MAC, 0x0800);
		frame_ip4(&f, rows[i].src, rows[i].dst, UDP);
		frame_data(&f, NULL, 20);
		frame_finish(&f);
		assert_int_not_equal(net_bed_input(&bed, &f), OUT_UDP_NO_PORT);
	}
	for (size_t i = 0; i < ARRAY_SIZE(rows6); i++) {
		frame_eth(&f, OUR_MAC, PEER_MAC, 0x86dd);
		frame_ip6(&f, rows6[i].src, rows6[i].dst, UDP);
		frame_data(&f, NULL, 20);
		frame_finish(&f);
		assert_int_not_equal(net_bed_input(&bed, &f), OUT_UDP_NO_PORT);
	}
	assert_int_equal(bed.tx.count, 0);
}

static void
errors_keep_to_icmp_msgs_per_sec_of_all_icmp(void **state)
{
	struct frame f;

	(void)state;
	bed.tun.icmp_msgs_per_sec = 10;
	packet(&f, 4, UDP, 20);
	for (unsigned int i = 0; i < 30; i++)
		assert_int_equal(net_bed_input(&bed, &f), OUT_UDP_NO_PORT);
	assert_int_equal(net_bed_discard(&bed), 10);
	assert_int_equal(bed.ctr.IcmpOutRateLimitGlobal, 20);
	bed.env.now_us += 99999;
	assert_int_equal(net_bed_input(&bed, &f), OUT_UDP_NO_PORT);
	assert_int_equal(bed.tx.count, 0);
	bed.env.now_us++;
	assert_int_equal(net_bed_input(&bed, &f), OUT_UDP_NO_PORT);
	assert_int_equal(net_bed_discard(&bed), 1);
	bed.env.now_us += 10000000;
	assert_int_equal(net_bed_input(&bed, &f), OUT_UDP_NO_PORT);
	assert_int_equal(net_bed_discard(&bed), 1);
	/* None, though there was credit for more. */
	bed.tun.icmp_msgs_per_sec = 0;
	assert_int_equal(net_bed_input(&bed, &f), OUT_UDP_NO_PORT);
	bed.env.now_us += 10000000;
	assert_int_equal(net_bed_input(&bed, &f), OUT_UDP_NO_PORT);
	assert_int_equal(bed.tx.count, 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_udp_datagram_is_told_that_nobody_listens),
		T(a47_a_protocol_nobody_speaks_is_told_so),
		T(an_unknown_option_is_treated_as_it_asks),
		T(other_faults_of_the_chain_are_pointed_at),
		T(nothing_is_said_about_an_error),
		T(a48_nothing_is_said_about_what_may_be_an_error),
		T(nothing_is_said_to_groups_or_to_who_cannot_be_one_station),
		T(errors_keep_to_icmp_msgs_per_sec_of_all_icmp),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
