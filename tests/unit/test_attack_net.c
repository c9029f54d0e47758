/* SPDX-License-Identifier: BSD-3-Clause */
/* The attacks of the catalogue that end at the net layer, each under its number. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "lib/net_bed.h"

#define REQUEST 1
#define REPLY 2
#define TCP 6

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

static unsigned int
hear(uint16_t op, const uint8_t *sha, const char *spa, const char *tpa)
{
	struct frame f;

	frame_eth(&f, op == REQUEST ? BROADCAST_MAC : OUR_MAC, sha, 0x0806);
	frame_arp(&f, op, sha, spa, op == REQUEST ? NO_MAC : OUR_MAC, tpa);
	return net_bed_input(&bed, &f);
}

static void
resolve(const char *ip, const uint8_t *mac)
{
	net_bed_output(&bed, ip, 10);
	assert_int_equal(hear(REPLY, mac, ip, OUR_IP), OUT_ARP_CONSUMED);
	net_bed_discard(&bed);
}

static const struct neigh *
entry(const char *text)
{
	struct ip_addr a = net_bed_addr(text);

	return neigh_find(&bed.net.neigh, &a);
}

static void
tcp4(struct frame *f, const char *src, const char *dst, size_t len)
{
	frame_eth(f, OUR_MAC, PEER_MAC, 0x0800);
	frame_ip4(f, src, dst, TCP);
	frame_tcp(f, 1234, 80, 1, 2, 0x10);
	frame_data(f, NULL, len);
	frame_finish(f);
}

static void
tcp6(struct frame *f, const char *src, const char *dst, size_t len)
{
	frame_eth(f, OUR_MAC, PEER_MAC, 0x86dd);
	frame_ip6(f, src, dst, TCP);
	frame_tcp(f, 1234, 80, 1, 2, 0x10);
	frame_data(f, NULL, len);
	frame_finish(f);
}

/* A bogus ARP message number i, and a packet to a station that does not exist. */
static void
bogus(uint32_t i)
{
	struct frame f;
	uint8_t mac[6] = { 2, 6, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8),
		(uint8_t)i };
	char ip[16];

	snprintf(ip, sizeof(ip), "10.0.%u.%u", 1 + i / 250 % 250, 1 + i % 250);
	frame_eth(&f, BROADCAST_MAC, mac, 0x0806);
	frame_arp(&f, i % 3 == 0 ? REPLY : REQUEST, mac, ip, NO_MAC, OUR_IP);
	net_bed_input(&bed, &f);
	if (i % 2 == 0) {
		snprintf(ip, sizeof(ip), "10.1.%u.%u", i / 250 % 250, 1 + i % 250);
		net_bed_output(&bed, ip, 10);
	}
	net_bed_discard(&bed);
	net_bed_advance(&bed, 1);
	net_bed_discard(&bed);
}

static void
a19_resolved_peers_outlive_a_flood_of_arp_and_of_dead_addresses(void **state)
{
	static char peers[32][16];
	struct ip_addr a;

	(void)state;
	net_bed_fini(&bed);
	net_bed_prepare(&bed);
	bed.local.prefix_len[0] = 8;
	net_bed_start(&bed);
	for (uint32_t i = 0; i < 32; i++) {
		snprintf(peers[i], sizeof(peers[i]), "10.0.0.%u", 100 + i);
		resolve(peers[i], (const uint8_t[6]){ 2, 0, 0, 0, 1, (uint8_t)i });
	}
	/* A frame and half a packet each microsecond. */
	for (uint32_t i = 0; i < 50000; i++) {
		bogus(i);
		assert_true(bed.net.neigh.waiting <= NEIGH_WAITING_TOTAL_MAX);
		assert_true(bed.pkts.outstanding <= bed.net.neigh.waiting);
	}
	for (uint32_t i = 0; i < 32; i++) {
		assert_non_null(entry(peers[i]));
		assert_int_equal(entry(peers[i])->state, NEIGH_REACHABLE);
		assert_int_equal(entry(peers[i])->mac.b[5], i);
	}
	/* A new peer can still be resolved if it answers within a quarter of the table. */
	net_bed_output(&bed, PEER_IP, 10);
	for (uint32_t i = 0; i < 20; i++)
		bogus(i);
	assert_int_equal(hear(REPLY, PEER_MAC, PEER_IP, OUR_IP), OUT_ARP_CONSUMED);
	a = net_bed_addr(PEER_IP);
	assert_int_equal(neigh_find(&bed.net.neigh, &a)->state, NEIGH_REACHABLE);
	assert_int_equal(net_bed_discard(&bed), 1);
}

static void
a29_mac_of_a_live_neighbour_is_not_overwritten(void **state)
{
	static const struct {
		uint16_t op;
		const char *target;
	} rows[] = {
		{ REQUEST, GATEWAY_IP },
		{ REPLY, GATEWAY_IP },
		{ REQUEST, OUR_IP },
		{ REPLY, OUR_IP },
		{ REQUEST, PEER_IP },
		{ REPLY, PEER_IP },
	};

	(void)state;
	resolve(GATEWAY_IP, GATEWAY_MAC);
	for (size_t i = 0; i < 600; i++) {
		hear(rows[i % ARRAY_SIZE(rows)].op, EVIL_MAC, GATEWAY_IP,
			rows[i % ARRAY_SIZE(rows)].target);
		net_bed_discard(&bed);
		assert_non_null(entry(GATEWAY_IP));
		assert_memory_equal(entry(GATEWAY_IP)->mac.b, GATEWAY_MAC, 6);
		/* The owner answers when it is asked. */
		if (entry(GATEWAY_IP)->state == NEIGH_PROBE)
			hear(REPLY, GATEWAY_MAC, GATEWAY_IP, OUR_IP);
		net_bed_advance(&bed, 10000);
	}
	/* In six seconds it was asked once a second, and at first. */
	assert_true(bed.ctr.ArpOutRequests <= 7);
	assert_true(bed.ctr.ArpOutRequests >= 5);
	assert_int_equal(bed.ctr.NeighDisputes, 600);
}

static void
a32_own_and_loopback_sources_are_dropped(void **state)
{
	static const struct {
		const char *src, *dst;
		unsigned int outcome;
	} rows[] = {
		{ OUR_IP, OUR_IP, OUT_IP4_OWN_SOURCE },
		{ OUR_IP, OUR_IP_2, OUT_IP4_OWN_SOURCE },
		{ OUR_IP_2, OUR_IP, OUT_IP4_OWN_SOURCE },
		{ "127.0.0.1", OUR_IP, OUT_IP4_MARTIAN },
		{ "127.255.255.255", OUR_IP, OUT_IP4_MARTIAN },
		{ OUR_IP6, OUR_IP6, OUT_IP6_OWN_SOURCE },
		{ "::1", OUR_IP6, OUT_IP6_MARTIAN },
	};
	struct frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t before = bed.ctr.outcome[rows[i].outcome];

		if (strchr(rows[i].dst, ':') == NULL)
			tcp4(&f, rows[i].src, rows[i].dst, 0);
		else
			tcp6(&f, rows[i].src, rows[i].dst, 0);
		assert_int_equal(net_bed_input(&bed, &f), rows[i].outcome);
		assert_int_equal(bed.ctr.outcome[rows[i].outcome], before + 1);
	}
	assert_int_equal(bed.tx.count, 0);
}

/* Frames to cut short: each with the tags its VLAN setting wants. */
static size_t
build_victim(struct frame *f, unsigned int kind)
{
	static const uint8_t ts[] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };
	uint16_t types[] = { 0x0800, 0x0800, 0x86dd, 0x0806, 0x0800 };

	frame_eth(f, OUR_MAC, PEER_MAC, types[kind]);
	if (bed.par.vlan != 0)
		frame_vlan(f, 0x8100, bed.par.vlan);
	if (kind == 4)
		frame_vlan(f, 0x8100, 7);
	if (types[kind] == 0x0806)
		frame_arp(f, REQUEST, PEER_MAC, PEER_IP, NO_MAC, OUR_IP);
	if (types[kind] == 0x0800)
		frame_ip4(f, PEER_IP, OUR_IP, kind == 1 ? 1 : TCP);
	if (types[kind] == 0x86dd) {
		frame_ip6(f, PEER_IP6, OUR_IP6, 60);
		frame_ip6_ext(f, TCP, (const uint8_t[6]){ 1, 4 }, 6);
	}
	if (f->proto == TCP) {
		frame_tcp(f, 1, 2, 3, 4, 0x10);
		frame_tcp_opts(f, ts, sizeof(ts));
	}
	if (f->proto == 1)
		frame_icmp(f, 8, 0, 1, 2);
	if (f->ip_version != 0)
		frame_data(f, NULL, 20);
	frame_finish(f);
	return f->len;
}

static void
echo_from(struct frame *f, const uint8_t *mac, const char *src, const char *dst)
{
	frame_eth(f, mac, GATEWAY_MAC, 0x0800);
	frame_ip4(f, src, dst, 1);
	frame_icmp(f, 8, 0, 0x1234, 7);
	frame_data(f, NULL, 100);
	frame_finish(f);
}

/* Forged requests in the names of others: the answers are what the budget allows, each as long as
 * its request, and none goes where it would multiply or to who cannot have asked. */
static void
a55_echo_replies_are_budgeted_and_go_to_single_hosts(void **state)
{
	static const char *const nobody[] = { "255.255.255.255", "224.0.0.1", "0.0.0.0",
		"127.0.0.1", "240.0.0.1", OUR_IP };
	struct frame f, got;
	unsigned int answers = 0;

	(void)state;
	bed.tun.icmp_msgs_per_sec = 20;
	for (unsigned int i = 0; i < 5000; i++) {
		char src[32];

		snprintf(src, sizeof(src), "198.51.100.%u", 1 + i % 250);
		echo_from(&f, OUR_MAC, src, OUR_IP);
		net_bed_input(&bed, &f);
		if (net_bed_sent(&bed, &got)) {
			assert_int_equal(got.len, f.len);
			answers++;
		}
		bed.env.now_us += 1000;
	}
	/* Five seconds: 20 each, and what was saved before. */
	assert_in_range(answers, 100, 120);
	assert_int_equal(bed.ctr.IcmpOutEchoReps, answers);
	assert_int_equal(bed.ctr.IcmpOutRateLimitGlobal, 5000 - answers);
	bed.tun.icmp_msgs_per_sec = 100000000;
	bed.env.now_us += 1000000;
	for (size_t i = 0; i < ARRAY_SIZE(nobody); i++) {
		echo_from(&f, OUR_MAC, nobody[i], OUR_IP);
		net_bed_input(&bed, &f);
		assert_false(net_bed_sent(&bed, &got));
	}
	echo_from(&f, BROADCAST_MAC, "198.51.100.1", "255.255.255.255");
	net_bed_input(&bed, &f);
	assert_false(net_bed_sent(&bed, &got));
}

static void
a38_truncated_frames_of_every_length_are_dropped(void **state)
{
	static const uint16_t vlans[] = { 0, 5 };
	struct frame f;

	(void)state;
	for (unsigned int round = 0; round < 2 * 5; round++) {
		size_t whole;

		net_bed_fini(&bed);
		net_bed_prepare(&bed);
		bed.par.vlan = vlans[round % 2];
		net_bed_start(&bed);
		whole = build_victim(&f, round / 2);
		for (size_t len = 0; len <= 128; len++) {
			unsigned int out = net_bed_input_flags(&bed, f.b, len, 0, NULL);

			if (len < whole) {
				assert_int_not_equal(out, OUTCOME_MAX);
				assert_true(outcome_desc((enum outcome)out)->is_drop);
				assert_int_equal(bed.tx.count, 0);
			}
			if (len < 14)
				assert_int_equal(out, OUT_FRAME_SHORT);
			net_bed_discard(&bed);
			/* Longer than it was: what is behind is padding. */
			memset(f.b + f.len, 0xa5, 128);
		}
	}
}

static unsigned int
ip4_oracle(unsigned int version, unsigned int ihl, unsigned int total, unsigned int avail)
{
	if (version != 4)
		return OUT_IP4_BAD_VERSION;
	if (ihl < 5 || ihl * 4 > avail)
		return OUT_IP4_BAD_IHL;
	if (total < ihl * 4 || total > avail)
		return OUT_IP4_BAD_LEN;
	return total - ihl * 4 < 20 ? OUT_TCP_SHORT : OUTCOME_MAX;
}

static void
a39_lying_versions_and_header_lengths_are_dropped(void **state)
{
	struct frame f;

	(void)state;
	for (unsigned int first = 0; first < 256; first++) {
		unsigned int version = first >> 4, ihl = first & 15;

		/* The payload is 60 bytes of no-operation, which serves as IP options too. */
		tcp4(&f, PEER_IP, OUR_IP, 0);
		memset(f.b + f.l4, 1, 60);
		f.len = f.l4 + 60;
		f.b[f.l3] = (uint8_t)first;
		f.l4 = f.l3 + ihl * 4;
		f.b[f.l4 + 12] = 5 << 4;
		f.b[17] = 80;
		frame_checksums(&f);
		assert_int_equal(net_bed_input(&bed, &f), ip4_oracle(version, ihl, 80, 80));
	}
}

static void
a39_lying_total_lengths_are_dropped(void **state)
{
	struct frame f;

	(void)state;
	tcp4(&f, PEER_IP, OUR_IP, 40);
	for (unsigned int total = 0; total <= 65535; total++) {
		f.b[16] = (uint8_t)(total >> 8);
		f.b[17] = (uint8_t)total;
		frame_checksums(&f);
		assert_int_equal(net_bed_input(&bed, &f), ip4_oracle(4, 5, total, 80));
		if (total >= 40 && total <= 80)
			assert_int_equal(bed.seg.len, total - 40);
	}
}

static void
a39_lying_ipv6_payload_lengths_are_dropped(void **state)
{
	struct frame f;

	(void)state;
	tcp6(&f, PEER_IP6, OUR_IP6, 40);
	for (unsigned int len = 0; len <= 65535; len++) {
		unsigned int want = len < 20 ? OUT_TCP_SHORT : OUTCOME_MAX;

		f.b[18] = (uint8_t)(len >> 8);
		f.b[19] = (uint8_t)len;
		frame_checksums(&f);
		assert_int_equal(net_bed_input(&bed, &f), len > 60 ? OUT_IP6_BAD_LEN : want);
	}
}

static void
a40_lying_data_offsets_are_dropped(void **state)
{
	struct frame f;

	(void)state;
	for (unsigned int len = 0; len <= 80; len++)
		for (unsigned int offset = 0; offset < 16; offset++) {
			unsigned int want = OUTCOME_MAX;

			frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
			frame_ip4(&f, PEER_IP, OUR_IP, TCP);
			frame_data(&f, NULL, len);
			if (len > 12)
				f.b[f.l4 + 12] = (uint8_t)(offset << 4);
			frame_finish(&f);
			if (len < 20)
				want = OUT_TCP_SHORT;
			else if (offset < 5 || offset * 4 > len)
				want = OUT_TCP_BAD_OFFSET;
			assert_int_equal(net_bed_input(&bed, &f), want);
			if (want == OUTCOME_MAX)
				assert_int_equal(bed.seg.len, len - offset * 4);
		}
}

static void
a44_any_flipped_bit_is_found_and_costs_nothing(void **state)
{
	struct frame f;

	(void)state;
	for (unsigned int v6 = 0; v6 < 2; v6++) {
		if (v6)
			tcp6(&f, PEER_IP6, OUR_IP6, 11);
		else
			tcp4(&f, PEER_IP, OUR_IP, 11);
		assert_int_equal(net_bed_input(&bed, &f), OUTCOME_MAX);
		/* IPv6 protects neither traffic class, flow label nor hop limit. */
		for (size_t bit = f.l3 * 8; bit < f.len * 8; bit++) {
			size_t at = bit / 8 - f.l3;

			if (v6 && (at == 1 || at == 2 || at == 3 || at == 7 ||
					  (at == 0 && bit % 8 < 4)))
				continue;
			f.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
			assert_int_not_equal(net_bed_input(&bed, &f), OUTCOME_MAX);
			f.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		}
	}
	/* Nor the next header: another one is a protocol that nobody speaks, and is told so. */
	assert_int_equal(bed.ctr.outcome[OUT_IP_BAD_PROTO], bed.ctr.IcmpOutMsgs);
	assert_in_range(net_bed_discard(&bed), 1, 8);
	assert_int_equal(bed.pkts.allocs, 0);
	assert_int_equal(bed.net.neigh.lists[NEIGH_FREE].count, bed.par.neigh_max);
	assert_true(bed.ctr.outcome[OUT_BAD_TCP_CSUM] > 400);
	assert_true(bed.ctr.outcome[OUT_IP4_BAD_CSUM] > 100);
	assert_int_equal(bed.ctr.InCsumErrors, bed.ctr.outcome[OUT_BAD_TCP_CSUM]);
	assert_int_equal(bed.ctr.IpExtInCsumErrors, bed.ctr.outcome[OUT_IP4_BAD_CSUM]);
}

/* A frame with these lies in its flags, its checksums broken as told. */
static unsigned int
feed_flags(unsigned int flags, bool break_ip, bool break_tcp)
{
	static const uint64_t bits[] = { PKT_RX_IP_CSUM_GOOD, PKT_RX_IP_CSUM_BAD,
		PKT_RX_L4_CSUM_GOOD, PKT_RX_L4_CSUM_BAD };
	uint64_t ol_flags = 0;
	struct frame f;

	for (size_t i = 0; i < ARRAY_SIZE(bits); i++)
		ol_flags |= flags >> i & 1 ? bits[i] : 0;
	tcp4(&f, PEER_IP, OUR_IP, 10);
	f.b[f.l3 + 10] ^= (uint8_t)(break_ip ? 0x55 : 0);
	f.b[f.l4 + 16] ^= (uint8_t)(break_tcp ? 0x55 : 0);
	return net_bed_input_flags(&bed, f.b, f.len, ol_flags, NULL);
}

static void
a46_checksum_flags_are_believed_only_where_configured(void **state)
{
	(void)state;
	for (unsigned int trust = 0; trust < 2; trust++) {
		net_bed_fini(&bed);
		net_bed_prepare(&bed);
		bed.par.trust_rx_csum = trust != 0;
		net_bed_start(&bed);
		for (unsigned int flags = 0; flags < 16; flags++) {
			bool ip_good = trust != 0 && (flags & 1) != 0;
			bool l4_good = trust != 0 && (flags & 4) != 0;

			assert_int_equal(feed_flags(flags, false, false), OUTCOME_MAX);
			assert_int_equal(feed_flags(flags, true, false),
				ip_good ? OUTCOME_MAX : OUT_IP4_BAD_CSUM);
			assert_int_equal(feed_flags(flags, false, true),
				l4_good ? OUTCOME_MAX : OUT_BAD_TCP_CSUM);
		}
	}
}

static void
a46_truncation_is_found_whatever_the_flags_say(void **state)
{
	const uint64_t lies = UINT64_MAX & ~PKT_RX_VLAN_STRIPPED;
	struct frame f;

	(void)state;
	net_bed_fini(&bed);
	net_bed_prepare(&bed);
	bed.par.trust_rx_csum = true;
	net_bed_start(&bed);
	tcp4(&f, PEER_IP, OUR_IP, 10);
	for (size_t len = 0; len < f.len; len++)
		assert_int_not_equal(
			net_bed_input_flags(&bed, f.b, len, lies, NULL), OUTCOME_MAX);
	assert_int_equal(net_bed_input_flags(&bed, f.b, f.len, lies, NULL), OUTCOME_MAX);
}

static void
a49_arp_with_lying_types_and_lengths_is_dropped(void **state)
{
	struct frame f, good;

	(void)state;
	frame_eth(&good, BROADCAST_MAC, PEER_MAC, 0x0806);
	frame_arp(&good, REQUEST, PEER_MAC, PEER_IP, NO_MAC, OUR_IP);
	/* Hardware and protocol type, both lengths, operation: every other value of every byte. */
	for (size_t at = 14; at < 22; at++)
		for (unsigned int value = 0; value < 256; value++) {
			unsigned int out;

			f = good;
			f.b[at] = (uint8_t)value;
			out = net_bed_input(&bed, &f);
			if (value == good.b[at])
				assert_int_equal(out, OUT_ARP_CONSUMED);
			else if (at == 21 && value == REPLY)
				assert_int_equal(out, OUT_ARP_NOT_US);
			else
				assert_int_equal(out, OUT_ARP_BAD);
			net_bed_discard(&bed);
		}
	for (size_t len = 14; len < 42; len++)
		assert_int_equal(net_bed_input_flags(&bed, good.b, len, 0, NULL), OUT_ARP_BAD);
	assert_int_equal(bed.tx.count, 0);
}

static void
a49_arp_from_impossible_senders_is_dropped(void **state)
{
	static const struct {
		uint8_t mac[6];
		const char *ip;
		unsigned int outcome;
	} rows[] = {
		{ { 0, 0, 0, 0, 0, 0 }, PEER_IP, OUT_ARP_BAD },
		{ { 255, 255, 255, 255, 255, 255 }, PEER_IP, OUT_ARP_BAD },
		{ { 1, 0, 0x5e, 0, 0, 1 }, PEER_IP, OUT_ARP_BAD },
		{ { 2, 0, 0, 0, 0, 1 }, PEER_IP, OUT_ARP_BAD },
		{ { 2, 0, 0, 0, 0, 1 }, OUR_IP, OUT_ARP_BAD },
		{ { 2, 0, 0, 0, 6, 6 }, OUR_IP, OUT_ARP_CONFLICT },
		{ { 2, 0, 0, 0, 6, 6 }, OUR_IP_2, OUT_ARP_CONFLICT },
		{ { 2, 0, 0, 0, 6, 6 }, "10.0.0.255", OUT_ARP_BAD },
		{ { 2, 0, 0, 0, 6, 6 }, "255.255.255.255", OUT_ARP_BAD },
		{ { 2, 0, 0, 0, 6, 6 }, "224.0.0.1", OUT_ARP_BAD },
		{ { 2, 0, 0, 0, 6, 6 }, "127.0.0.1", OUT_ARP_BAD },
		{ { 2, 0, 0, 0, 6, 6 }, "0.0.0.1", OUT_ARP_BAD },
	};
	struct frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (uint16_t op = REQUEST; op <= REPLY; op++) {
			frame_eth(&f, OUR_MAC, EVIL_MAC, 0x0806);
			frame_arp(&f, op, rows[i].mac, rows[i].ip, NO_MAC, OUR_IP);
			assert_int_equal(net_bed_input(&bed, &f), rows[i].outcome);
		}
	assert_int_equal(bed.net.neigh.lists[NEIGH_FREE].count, bed.par.neigh_max);
	/* One defence for all the conflicts. */
	assert_int_equal(net_bed_discard(&bed), 1);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a19_resolved_peers_outlive_a_flood_of_arp_and_of_dead_addresses),
		T(a29_mac_of_a_live_neighbour_is_not_overwritten),
		T(a32_own_and_loopback_sources_are_dropped),
		T(a55_echo_replies_are_budgeted_and_go_to_single_hosts),
		T(a38_truncated_frames_of_every_length_are_dropped),
		T(a39_lying_versions_and_header_lengths_are_dropped),
		T(a39_lying_total_lengths_are_dropped),
		T(a39_lying_ipv6_payload_lengths_are_dropped),
		T(a40_lying_data_offsets_are_dropped),
		T(a44_any_flipped_bit_is_found_and_costs_nothing),
		T(a46_checksum_flags_are_believed_only_where_configured),
		T(a46_truncation_is_found_whatever_the_flags_say),
		T(a49_arp_with_lying_types_and_lengths_is_dropped),
		T(a49_arp_from_impossible_senders_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
