/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP in: echo replies byte by byte, the budget, and everything that gets no answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/net_bed.h"
#include "net/icmp_output.h"

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
echo4(struct frame *f, uint8_t type, size_t len)
{
	frame_eth(f, OUR_MAC, GATEWAY_MAC, 0x0800);
	frame_ip4(f, FAR_IP, OUR_IP, 1);
	frame_icmp(f, type, 0, 0x1234, 7);
	frame_data(f, NULL, len);
	frame_finish(f);
}

static void
echo6(struct frame *f, uint8_t type, size_t len)
{
	frame_eth(f, OUR_MAC, GATEWAY_MAC, 0x86dd);
	frame_ip6(f, FAR_IP6, OUR_IP6, 58);
	frame_icmp(f, type, 0, 0x1234, 7);
	frame_data(f, NULL, len);
	frame_finish(f);
}

static void
echo_is_answered_with_the_same_data_at_every_length(void **state)
{
	struct frame f, got, want;

	(void)state;
	bed.tun.icmp_msgs_per_sec = 100000000;
	for (size_t len = 0; len <= 1472; len += len < 70 ? 1 : 137) {
		echo4(&f, 8, len);
		/* What the reply must not copy: ID, fragment bits, TTL, ECN. */
		f.b[15] = 0x2b;
		f.b[18] = 0xab;
		f.b[20] = 0;
		f.b[22] = 1;
		frame_checksums(&f);
		assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_ECHO);
		assert_true(net_bed_sent(&bed, &got));
		frame_eth(&want, GATEWAY_MAC, OUR_MAC, 0x0800);
		frame_ip4(&want, OUR_IP, FAR_IP, 1);
		want.b[15] = 0x28;
		frame_icmp(&want, 0, 0, 0x1234, 7);
		frame_data(&want, NULL, len);
		frame_finish(&want);
		assert_int_equal(got.len, want.len);
		assert_memory_equal(got.b, want.b, want.len);
		bed.env.now_us++;
	}
	assert_int_equal(bed.ctr.IcmpInEchos, bed.ctr.IcmpOutEchoReps);
	assert_int_equal(bed.ctr.IcmpInMsgs, bed.ctr.IcmpOutMsgs);
	assert_int_equal(bed.ctr.OutRequests, bed.ctr.IcmpOutMsgs);
}

static void
echo_over_ipv6_is_answered_too(void **state)
{
	struct frame f, got, want;

	(void)state;
	for (size_t len = 0; len < 50; len++) {
		echo6(&f, 128, len);
		f.b[15] = 0x20;
		f.b[16] = 0x77;
		f.b[21] = 3;
		assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_ECHO);
		assert_true(net_bed_sent(&bed, &got));
		frame_eth(&want, GATEWAY_MAC, OUR_MAC, 0x86dd);
		frame_ip6(&want, OUR_IP6, FAR_IP6, 58);
		frame_icmp(&want, 129, 0, 0x1234, 7);
		frame_data(&want, NULL, len);
		frame_finish(&want);
		assert_int_equal(got.len, want.len);
		assert_memory_equal(got.b, want.b, want.len);
	}
}

static void
echo_with_options_is_answered_without(void **state)
{
	static const uint8_t opts[] = { 7, 7, 4, 0, 0, 0, 0 };
	struct frame f, got, want;

	(void)state;
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
	frame_ip4(&f, PEER_IP, OUR_IP, 1);
	frame_ip4_opts(&f, opts, sizeof(opts));
	frame_icmp(&f, 8, 0, 1, 2);
	frame_data(&f, NULL, 20);
	frame_finish(&f);
	frame_data(&f, NULL, 4);
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_ECHO);
	assert_true(net_bed_sent(&bed, &got));
	frame_eth(&want, PEER_MAC, OUR_MAC, 0x0800);
	frame_ip4(&want, OUR_IP, PEER_IP, 1);
	frame_icmp(&want, 0, 0, 1, 2);
	frame_data(&want, NULL, 20);
	frame_finish(&want);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.b, want.b, want.len);
}

static void
echo_behind_an_extension_header_is_answered_without_it(void **state)
{
	struct frame f, got, want;

	(void)state;
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x86dd);
	frame_ip6(&f, PEER_IP6, OUR_IP6, 0);
	frame_ip6_ext(&f, 58, (const uint8_t[6]){ 1, 4 }, 6);
	frame_icmp(&f, 128, 0, 1, 2);
	frame_data(&f, NULL, 20);
	frame_finish(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_ECHO);
	assert_true(net_bed_sent(&bed, &got));
	frame_eth(&want, PEER_MAC, OUR_MAC, 0x86dd);
	frame_ip6(&want, OUR_IP6, PEER_IP6, 58);
	frame_icmp(&want, 129, 0, 1, 2);
	frame_data(&want, NULL, 20);
	frame_finish(&want);
	assert_int_equal(got.len, want.len);
	assert_memory_equal(got.b, want.b, want.len);
}

static void
replies_keep_to_the_budget(void **state)
{
	struct frame f;

	(void)state;
	bed.tun.icmp_msgs_per_sec = 10;
	echo4(&f, 8, 10);
	for (unsigned int i = 0; i < ICMP_BURST; i++)
		assert_int_equal(net_bed_input(&bed, &f), i < 10 ? OUT_ICMP_ECHO : OUT_ICMP_RATE);
	bed.env.now_us += 99999;
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_RATE);
	bed.env.now_us += 1;
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_ECHO);
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_RATE);
	assert_int_equal(bed.ctr.IcmpOutRateLimitGlobal, ICMP_BURST - 10 + 2);
	/* However long nobody asked. */
	bed.tun.icmp_msgs_per_sec = 1000;
	bed.env.now_us += 1000000000;
	for (unsigned int i = 0; i <= ICMP_BURST; i++)
		assert_int_equal(net_bed_input(&bed, &f),
			i < ICMP_BURST ? OUT_ICMP_ECHO : OUT_ICMP_RATE);
	bed.tun.icmp_msgs_per_sec = 0;
	bed.env.now_us += 1000000000;
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_RATE);
}

static void
icmp_echo_ignore_all_turns_echo_off(void **state)
{
	struct frame f;

	(void)state;
	bed.tun.icmp_echo_ignore_all = 1;
	echo4(&f, 8, 10);
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_IGNORED);
	echo6(&f, 128, 10);
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_IGNORED);
	assert_int_equal(bed.tx.count, 0);
}

static void
echo_without_room_for_the_answer_is_dropped(void **state)
{
	struct frame f;

	(void)state;
	bed.tx.count = PKT_TXQ_CAP;
	echo4(&f, 8, 10);
	assert_int_equal(net_bed_input(&bed, &f), OUT_NO_BUFFER);
	assert_int_equal(bed.ctr.InDiscards, 1);
	bed.tx.count = 0;
}

static void
nothing_but_echo_is_answered(void **state)
{
	struct frame f;

	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		bool quotes = type == 3 || type == 11 || type == 12;

		if (type != 8) {
			echo4(&f, (uint8_t)type, 40);
			assert_int_equal(
				net_bed_input(&bed, &f), quotes ? OUT_ICMP_BAD : OUT_ICMP_IGNORED);
		}
		if (type != 128) {
			bool is_nd = type == 135 || type == 136;

			quotes = type >= 1 && type <= 4;
			echo6(&f, (uint8_t)type, 60);
			assert_int_equal(net_bed_input(&bed, &f),
				quotes ? OUT_ICMP_BAD : is_nd ? OUT_ND_BAD : OUT_ICMP_IGNORED);
		}
	}
	echo4(&f, 8, 10);
	f.b[f.l4 + 1] = 1;
	frame_checksums(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_IGNORED);
	assert_int_equal(bed.tx.count, 0);
	assert_int_equal(bed.ctr.IcmpInEchoReps, 2);
	assert_int_equal(bed.ctr.IcmpInDestUnreachs, 2);
	assert_int_equal(bed.ctr.IcmpInErrors, 9);
}

static void
bad_checksum_and_short_messages_are_dropped(void **state)
{
	struct frame f;

	(void)state;
	echo4(&f, 8, 10);
	f.b[f.len - 1] ^= 1;
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_BAD);
	/* The flags of the port are about TCP and UDP. */
	assert_int_equal(
		net_bed_input_flags(&bed, f.b, f.len, PKT_RX_L4_CSUM_GOOD, NULL), OUT_ICMP_BAD);
	echo6(&f, 128, 10);
	f.b[f.len - 1] ^= 1;
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_BAD);
	assert_int_equal(bed.ctr.IcmpInCsumErrors, 3);
	for (size_t len = 0; len < 8; len++) {
		frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
		frame_ip4(&f, PEER_IP, OUR_IP, 1);
		frame_data(&f, (const uint8_t[8]){ 8 }, len);
		frame_finish(&f);
		assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_BAD);
		frame_eth(&f, OUR_MAC, PEER_MAC, 0x86dd);
		frame_ip6(&f, PEER_IP6, OUR_IP6, 58);
		frame_data(&f, (const uint8_t[8]){ 128 }, len);
		frame_finish(&f);
		assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_BAD);
	}
	assert_int_equal(bed.tx.count, 0);
}

static void
error_about_a_packet_of_ours_is_reported_to_tcp(void **state)
{
	struct frame f, ours;

	(void)state;
	frame_eth(&ours, GATEWAY_MAC, OUR_MAC, 0x0800);
	frame_ip4(&ours, OUR_IP, FAR_IP, 6);
	frame_tcp(&ours, 80, 1234, 1, 2, 0x10);
	frame_finish(&ours);
	frame_eth(&f, OUR_MAC, GATEWAY_MAC, 0x0800);
	frame_ip4(&f, FAR_IP, OUR_IP, 1);
	frame_icmp(&f, 3, 4, 0, 1400);
	frame_data(&f, ours.b + ours.l3, 28);
	frame_finish(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_ERROR_USED);
	assert_int_equal(bed.ctr.IcmpInDestUnreachs, 1);
	assert_int_equal(bed.ctr.IcmpInErrors, 0);
	assert_int_equal(bed.net.report.kind, ICMP_REPORT_TOO_BIG);
	assert_int_equal(bed.net.report.mtu, 1400);
	assert_int_equal(bed.net.report.seq, 1);
	assert_int_equal(bed.net.report.key.lport, 80);
	assert_int_equal(bed.net.report.key.rport, 1234);
	assert_int_equal(bed.net.report.key.laddr_idx, 0);
	/* Not from an address of ours: nothing that we could have sent. */
	f.b[f.l4 + 8 + 12] ^= 1;
	frame_checksums(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_ERROR_STRAY);
	assert_int_equal(bed.ctr.IcmpInErrors, 1);
}

static void
reply_carries_our_vlan_tag(void **state)
{
	struct frame f, got;

	(void)state;
	net_bed_fini(&bed);
	net_bed_prepare(&bed);
	bed.par.vlan = 5;
	net_bed_start(&bed);
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
	frame_vlan(&f, 0x8100, 0x2005);
	frame_ip4(&f, PEER_IP, OUR_IP, 1);
	frame_icmp(&f, 8, 0, 1, 2);
	frame_finish(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_ECHO);
	assert_true(net_bed_sent(&bed, &got));
	assert_int_equal(got.len, f.len);
	assert_memory_equal(got.b, PEER_MAC, 6);
	assert_memory_equal(got.b + 6, OUR_MAC, 6);
	assert_memory_equal(got.b + 12, ((const uint8_t[]){ 0x81, 0, 0, 5, 8, 0, 0x45 }), 7);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(echo_is_answered_with_the_same_data_at_every_length),
		T(echo_over_ipv6_is_answered_too),
		T(echo_with_options_is_answered_without),
		T(echo_behind_an_extension_header_is_answered_without_it),
		T(replies_keep_to_the_budget),
		T(icmp_echo_ignore_all_turns_echo_off),
		T(echo_without_room_for_the_answer_is_dropped),
		T(nothing_but_echo_is_answered),
		T(bad_checksum_and_short_messages_are_dropped),
		T(error_about_a_packet_of_ours_is_reported_to_tcp),
		T(reply_carries_our_vlan_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
