/* SPDX-License-Identifier: BSD-3-Clause */
/* The way in: which frames reach TCP, what is read from them, and the outcome of all others. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/net_bed.h"
#include "pkt/pool.h"

#define SYN 0x02
#define ACK 0x10
#define TCP 6
#define ICMP 1

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
restart_with(void (*change)(struct net_params *par))
{
	net_bed_fini(&bed);
	net_bed_prepare(&bed);
	change(&bed.par);
	net_bed_start(&bed);
}

static void
tcp4(struct frame *f, const char *src, const char *dst)
{
	frame_eth(f, OUR_MAC, PEER_MAC, 0x0800);
	frame_ip4(f, src, dst, TCP);
	frame_tcp(f, 1234, 80, 0x11223344, 0x55667788, ACK);
	frame_finish(f);
}

static void
tcp6(struct frame *f, const char *src, const char *dst)
{
	frame_eth(f, OUR_MAC, PEER_MAC, 0x86dd);
	frame_ip6(f, src, dst, TCP);
	frame_tcp(f, 1234, 80, 0x11223344, 0x55667788, ACK);
	frame_finish(f);
}

/* Feed f; name it when its outcome is another. */
static void
check_outcome(const struct frame *f, unsigned int want, const char *name)
{
	unsigned int got = net_bed_input(&bed, f);

	if (got != want)
		print_error("%s: outcome %u instead of %u\n", name, got, want);
	assert_int_equal(got, want);
}

static void
segment_is_decoded_with_all_its_fields(void **state)
{
	static const uint8_t opts[] = { 1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2 };
	struct ip_addr peer = net_bed_addr(FAR_IP);
	struct frame f;

	(void)state;
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
	frame_ip4(&f, FAR_IP, OUR_IP_2, TCP);
	f.b[15] = 0x03;
	frame_tcp(&f, 1234, 80, 0x11223344, 0x55667788, 0xff);
	f.b[f.l4 + 12] |= 1;
	f.b[f.l4 + 14] = 0x12;
	f.b[f.l4 + 15] = 0x34;
	f.b[f.l4 + 19] = 7;
	frame_tcp_opts(&f, opts, sizeof(opts));
	frame_data(&f, NULL, 33);
	frame_finish(&f);
	frame_data(&f, NULL, 5);
	assert_int_equal(net_bed_input(&bed, &f), OUTCOME_MAX);
	assert_true(ip_addr_equal(&bed.seg.key.raddr, &peer));
	assert_int_equal(bed.seg.key.rport, 1234);
	assert_int_equal(bed.seg.key.lport, 80);
	assert_int_equal(bed.seg.key.laddr_idx, 2);
	assert_int_equal(bed.seg.key.family, FLOW_FAMILY_V4);
	assert_int_equal(bed.seg.seq, 0x11223344);
	assert_int_equal(bed.seg.ack, 0x55667788);
	assert_int_equal(bed.seg.flags, TCP_FLAGS_ALL);
	assert_int_equal(bed.seg.wnd, 0x1234);
	assert_int_equal(bed.seg.urg, 7);
	assert_int_equal(bed.seg.ecn, IP_ECN_CE);
	assert_int_equal(bed.seg.len, 33);
	assert_int_equal(bed.seg.l3_off, 14);
	assert_int_equal(bed.seg.l4_off, 34);
	assert_int_equal(bed.seg.payload_off, 34 + 32);
	assert_int_equal(bed.seg.opts.present, TCP_OPT_TS);
	assert_int_equal(bed.seg.opts.tsval, 1);
	assert_int_equal(bed.seg.opts.tsecr, 2);
	assert_int_equal(bed.ctr.InReceives, 1);
	assert_int_equal(bed.ctr.InDelivers, 1);
}

static void
segment_over_ipv6_is_decoded_too(void **state)
{
	struct ip_addr peer = net_bed_addr(FAR_IP6);
	struct frame f;

	(void)state;
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x86dd);
	frame_ip6(&f, FAR_IP6, OUR_IP6, 60);
	f.b[15] = 0x10;
	frame_ip6_ext(&f, TCP, (const uint8_t[6]){ 1, 4 }, 6);
	frame_tcp(&f, 1234, 443, 1, 2, SYN);
	frame_data(&f, NULL, 9);
	frame_finish(&f);
	frame_data(&f, NULL, 7);
	assert_int_equal(net_bed_input(&bed, &f), OUTCOME_MAX);
	assert_true(ip_addr_equal(&bed.seg.key.raddr, &peer));
	assert_int_equal(bed.seg.key.laddr_idx, 1);
	assert_int_equal(bed.seg.key.family, FLOW_FAMILY_V6);
	assert_int_equal(bed.seg.key.lport, 443);
	assert_int_equal(bed.seg.ecn, IP_ECN_ECT1);
	assert_int_equal(bed.seg.l4_off, 14 + 40 + 8);
	assert_int_equal(bed.seg.len, 9);
	assert_int_equal(bed.seg.opts.present, 0);
	assert_int_equal(bed.ctr.Ip6InReceives, 1);
	assert_int_equal(bed.ctr.Ip6InDelivers, 1);
}

static void
trailing_padding_is_cut_off(void **state)
{
	struct pkt *p;
	struct frame f;

	(void)state;
	tcp4(&f, PEER_IP, OUR_IP);
	frame_data(&f, NULL, 6);
	assert_int_equal(net_bed_input_flags(&bed, f.b, f.len, 0, &p), OUTCOME_MAX);
	assert_int_equal(p->data_len, 54);
	assert_int_equal(p->pkt_len, 54);
	assert_int_equal(bed.seg.len, 0);
	pkt_free(bed.env.pool, p);
}

static void
harmless_ip_options_are_passed_over(void **state)
{
	/* Record route with no room left, router alert. */
	static const uint8_t opts[] = { 7, 7, 8, 1, 2, 3, 4, 148, 4, 0, 0 };
	struct frame f;

	(void)state;
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
	frame_ip4(&f, PEER_IP, OUR_IP, TCP);
	frame_ip4_opts(&f, opts, sizeof(opts));
	frame_tcp(&f, 1, 2, 3, 4, SYN);
	frame_finish(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUTCOME_MAX);
	assert_int_equal(bed.seg.l4_off, 14 + 32);
}

static void
ethernet_outcomes(void **state)
{
	static const uint8_t multicast[] = { 1, 0, 0x5e, 0, 0, 1 };
	struct frame f;

	(void)state;
	tcp4(&f, PEER_IP, OUR_IP);
	f.b[5] ^= 1;
	check_outcome(&f, OUT_BAD_MAC, "other unicast");
	tcp4(&f, PEER_IP, OUR_IP);
	f.b[6] |= 1;
	check_outcome(&f, OUT_BAD_SRC_MAC, "group source");
	tcp4(&f, PEER_IP, OUR_IP);
	f.b[12] = 0x88;
	f.b[13] = 0xcc;
	check_outcome(&f, OUT_BAD_ETHERTYPE, "LLDP");
	f.b[12] = 0;
	f.b[13] = 38;
	check_outcome(&f, OUT_BAD_ETHERTYPE, "802.3 length");
	tcp4(&f, PEER_IP, OUR_IP);
	memcpy(f.b, multicast, 6);
	check_outcome(&f, OUT_BAD_MULTICAST, "our address in a multicast frame");
	memcpy(f.b, BROADCAST_MAC, 6);
	check_outcome(&f, OUT_BAD_MULTICAST, "our address in a broadcast frame");
	tcp6(&f, PEER_IP6, OUR_IP6);
	memcpy(f.b, BROADCAST_MAC, 6);
	check_outcome(&f, OUT_BAD_MULTICAST, "our IPv6 address in a broadcast frame");
	frame_eth(&f, multicast, PEER_MAC, 0x0806);
	frame_arp(&f, 1, PEER_MAC, PEER_IP, NO_MAC, OUR_IP);
	check_outcome(&f, OUT_BAD_MULTICAST, "ARP in a multicast frame");
}

static void
tag_untagged(struct net_params *par)
{
	par->vlan = 0;
}

static void
tag_five(struct net_params *par)
{
	par->vlan = 5;
}

/* A frame with that tag (TPID 0: none) and that stripped tag's flag. */
static unsigned int
feed_vlan(uint16_t tpid, uint16_t tci, bool stripped)
{
	struct frame f;

	frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
	if (tpid != 0)
		frame_vlan(&f, tpid, tci);
	frame_ip4(&f, PEER_IP, OUR_IP, TCP);
	frame_tcp(&f, 1, 2, 3, 4, SYN);
	frame_finish(&f);
	return net_bed_input_flags(&bed, f.b, f.len, stripped ? PKT_RX_VLAN_STRIPPED : 0, NULL);
}

static void
vlan_tag_must_be_the_configured_one(void **state)
{
	(void)state;
	restart_with(tag_untagged);
	assert_int_equal(feed_vlan(0, 0, false), OUTCOME_MAX);
	assert_int_equal(feed_vlan(0x8100, 0, false), OUTCOME_MAX);
	assert_int_equal(feed_vlan(0x8100, 0xe000, false), OUTCOME_MAX);
	assert_int_equal(feed_vlan(0, 0, true), OUTCOME_MAX);
	assert_int_equal(feed_vlan(0x8100, 5, false), OUT_BAD_VLAN);
	restart_with(tag_five);
	assert_int_equal(feed_vlan(0x8100, 5, false), OUTCOME_MAX);
	assert_int_equal(feed_vlan(0x8100, 0xf005, false), OUTCOME_MAX);
	assert_int_equal(feed_vlan(0x88a8, 5, false), OUTCOME_MAX);
	/* The bed says tag 5 for stripped frames. */
	assert_int_equal(feed_vlan(0, 0, true), OUTCOME_MAX);
	assert_int_equal(feed_vlan(0x8100, 5, true), OUT_BAD_VLAN);
	assert_int_equal(feed_vlan(0, 0, false), OUT_BAD_VLAN);
	assert_int_equal(feed_vlan(0x8100, 0, false), OUT_BAD_VLAN);
	assert_int_equal(feed_vlan(0x8100, 6, false), OUT_BAD_VLAN);
	assert_int_equal(feed_vlan(0x8100, 0x105, false), OUT_BAD_VLAN);
}

static void
two_tags_are_never_ours(void **state)
{
	struct frame f;

	(void)state;
	restart_with(tag_five);
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
	frame_vlan(&f, 0x88a8, 5);
	frame_vlan(&f, 0x8100, 5);
	frame_ip4(&f, PEER_IP, OUR_IP, TCP);
	frame_tcp(&f, 1, 2, 3, 4, SYN);
	frame_finish(&f);
	check_outcome(&f, OUT_BAD_VLAN, "two tags");
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
	for (unsigned int i = 0; i < 3; i++)
		frame_vlan(&f, 0x8100, 5);
	frame_data(&f, NULL, 46);
	check_outcome(&f, OUT_BAD_VLAN, "three tags");
}

static void
tag_is_taken_out_and_the_addresses_stay_in_front(void **state)
{
	struct pkt *p;
	struct frame f;

	(void)state;
	restart_with(tag_five);
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
	frame_vlan(&f, 0x8100, 5);
	frame_ip4(&f, PEER_IP, OUR_IP, TCP);
	frame_tcp(&f, 1, 2, 3, 4, SYN);
	frame_finish(&f);
	assert_int_equal(net_bed_input_flags(&bed, f.b, f.len, 0, &p), OUTCOME_MAX);
	assert_int_equal(p->data_len, 54);
	assert_memory_equal(pkt_data(p), OUR_MAC, 6);
	assert_memory_equal(pkt_data(p) + 6, PEER_MAC, 6);
	assert_int_equal(pkt_data(p)[12], 0x08);
	assert_int_equal(pkt_data(p)[14], 0x45);
	pkt_free(bed.env.pool, p);
}

static void
ipv4_address_outcomes(void **state)
{
	static const struct {
		const char *src, *dst;
		unsigned int outcome;
	} rows[] = {
		{ PEER_IP, "10.0.0.3", OUT_IP4_NOT_US },
		{ PEER_IP, "10.0.0.255", OUT_IP4_BROADCAST },
		{ PEER_IP, "192.168.7.255", OUT_IP4_BROADCAST },
		{ PEER_IP, "255.255.255.255", OUT_IP4_BROADCAST },
		{ PEER_IP, "224.0.0.1", OUT_IP4_BROADCAST },
		{ PEER_IP, "239.1.2.3", OUT_IP4_BROADCAST },
		{ "0.0.0.0", OUR_IP, OUT_IP4_MARTIAN },
		{ "0.1.2.3", OUR_IP, OUT_IP4_MARTIAN },
		{ "127.0.0.1", OUR_IP, OUT_IP4_MARTIAN },
		{ "224.0.0.1", OUR_IP, OUT_IP4_MARTIAN },
		{ "240.0.0.1", OUR_IP, OUT_IP4_MARTIAN },
		{ "255.255.255.255", OUR_IP, OUT_IP4_MARTIAN },
		{ "10.0.0.255", OUR_IP, OUT_IP4_MARTIAN },
		{ OUR_IP, OUR_IP, OUT_IP4_OWN_SOURCE },
		{ OUR_IP_2, OUR_IP, OUT_IP4_OWN_SOURCE },
		{ "10.0.0.254", OUR_IP, OUTCOME_MAX },
		{ "223.255.255.255", OUR_IP, OUTCOME_MAX },
		{ "1.0.0.0", OUR_IP, OUTCOME_MAX },
		{ "126.255.255.255", OUR_IP, OUTCOME_MAX },
		{ "128.0.0.0", OUR_IP, OUTCOME_MAX },
	};
	struct frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tcp4(&f, rows[i].src, rows[i].dst);
		check_outcome(&f, rows[i].outcome, rows[i].src);
	}
	assert_int_equal(bed.ctr.InAddrErrors, 10);
}

static void
long_prefixes_have_no_broadcast(struct net_params *par)
{
	(void)par;
	bed.local.prefix_len[0] = 31;
}

static void
neighbour_on_a_point_to_point_prefix_is_no_broadcast(void **state)
{
	struct frame f;

	(void)state;
	restart_with(long_prefixes_have_no_broadcast);
	tcp4(&f, "10.0.0.0", OUR_IP);
	check_outcome(&f, OUTCOME_MAX, "other end of a /31");
}

static void
ipv6_address_outcomes(void **state)
{
	static const struct {
		const char *src, *dst;
		unsigned int outcome;
	} rows[] = {
		{ PEER_IP6, "2001:db8::3", OUT_IP6_NOT_US },
		{ PEER_IP6, "ff02::1", OUT_IP6_MULTICAST },
		{ "::", OUR_IP6, OUT_IP6_MARTIAN },
		{ "::1", OUR_IP6, OUT_IP6_MARTIAN },
		{ "ff02::1", OUR_IP6, OUT_IP6_MARTIAN },
		{ "::ffff:10.0.0.2", OUR_IP6, OUT_IP6_MARTIAN },
		{ "::10.0.0.2", OUR_IP6, OUT_IP6_MARTIAN },
		{ PEER_IP6, "::ffff:10.0.0.1", OUT_IP6_MARTIAN },
		{ OUR_IP6, OUR_IP6, OUT_IP6_OWN_SOURCE },
		{ "fe80::1", OUR_IP6, OUTCOME_MAX },
	};
	struct frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tcp6(&f, rows[i].src, rows[i].dst);
		check_outcome(&f, rows[i].outcome, rows[i].src);
	}
	assert_int_equal(bed.ctr.Ip6InAddrErrors, 8);
}

static void
only_ipv4(struct net_params *par)
{
	(void)par;
	bed.local.count = 1;
}

static void
ipv6_is_off_without_an_address(void **state)
{
	struct frame f;

	(void)state;
	restart_with(only_ipv4);
	tcp6(&f, PEER_IP6, OUR_IP6);
	check_outcome(&f, OUT_IP6_OFF, "no IPv6 address");
}

static void
fragments_wait_but_for_atomic_ones(void **state)
{
	static const struct {
		uint8_t hi, lo;
		unsigned int outcome;
	} v4[] = {
		{ 0x00, 0, OUTCOME_MAX },
		{ 0x40, 0, OUTCOME_MAX },
		{ 0x80, 0, OUTCOME_MAX }, /* the reserved bit */
		{ 0x20, 0, OUT_FRAG_HELD },
		{ 0x00, 16, OUT_FRAG_HELD },
		{ 0x1f, 0xff, OUT_IP4_FRAGMENT },
	};
	static const struct {
		uint8_t hi, lo;
		unsigned int outcome;
	} v6[] = {
		{ 0, 0, OUTCOME_MAX },
		{ 0, 1, OUT_FRAG_HELD },
		{ 0, 64, OUT_FRAG_HELD },
		{ 0xff, 0xf8, OUT_IP6_FRAGMENT },
	};
	struct frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(v4); i++) {
		tcp4(&f, PEER_IP, OUR_IP);
		/* A multiple of 8, so that it may be a middle one. */
		frame_data(&f, NULL, 4);
		frame_finish(&f);
		f.b[19] = (uint8_t)i;
		f.b[20] = v4[i].hi;
		f.b[21] = v4[i].lo;
		frame_checksums(&f);
		check_outcome(&f, v4[i].outcome, "IPv4 fragment");
	}
	for (size_t i = 0; i < ARRAY_SIZE(v6); i++) {
		const uint8_t body[6] = { v6[i].hi, v6[i].lo, (uint8_t)i };

		frame_eth(&f, OUR_MAC, PEER_MAC, 0x86dd);
		frame_ip6(&f, PEER_IP6, OUR_IP6, 44);
		frame_ip6_ext(&f, TCP, body, 6);
		frame_tcp(&f, 1, 2, 3, 4, SYN);
		frame_data(&f, NULL, 4);
		frame_finish(&f);
		check_outcome(&f, v6[i].outcome, "IPv6 fragment");
	}
	assert_int_equal(bed.ctr.ReasmReqds, 2);
	assert_int_equal(bed.ctr.Ip6ReasmReqds, 2);
	assert_int_equal(bed.ctr.ReasmInUse, 4);
}

static void
other_protocols_are_dropped(void **state)
{
	struct frame f;

	(void)state;
	tcp4(&f, PEER_IP, OUR_IP);
	for (unsigned int proto = 0; proto < 256; proto++) {
		if (proto == TCP || proto == ICMP)
			continue;
		f.b[23] = (uint8_t)proto;
		frame_checksums(&f);
		check_outcome(&f, proto == 17 ? OUT_UDP_NO_PORT : OUT_IP_BAD_PROTO,
			"IPv4 protocol");
	}
	assert_int_equal(bed.ctr.InUnknownProtos, 253);
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x86dd);
	frame_ip6(&f, PEER_IP6, OUR_IP6, 59);
	frame_finish(&f);
	check_outcome(&f, OUT_IP_BAD_PROTO, "no next header");
	assert_int_equal(bed.ctr.Ip6InUnknownProtos, 1);
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x86dd);
	frame_ip6(&f, PEER_IP6, OUR_IP6, 17);
	frame_data(&f, NULL, 8);
	frame_finish(&f);
	check_outcome(&f, OUT_UDP_NO_PORT, "UDP");
	assert_int_equal(bed.ctr.NoPorts, 2);
}

static void
ipv6_headers_beyond_what_a_segment_can_say_are_refused(void **state)
{
	uint8_t body[206] = { 1, 204 };
	struct frame f;

	(void)state;
	for (size_t len = 190; len <= 206; len += 8) {
		/* Options of PadN that fill the header. */
		body[1] = (uint8_t)(len - 2);
		frame_eth(&f, OUR_MAC, PEER_MAC, 0x86dd);
		frame_ip6(&f, PEER_IP6, OUR_IP6, 60);
		frame_ip6_ext(&f, TCP, body, len);
		frame_tcp(&f, 1, 2, 3, 4, SYN);
		frame_finish(&f);
		check_outcome(&f, 14 + 40 + len + 2 > 255 ? OUT_IP6_BAD_EXT : OUTCOME_MAX, "long");
	}
}

static void
tcp_outcomes(void **state)
{
	struct frame f;

	(void)state;
	tcp4(&f, PEER_IP, OUR_IP);
	f.b[f.l4 + 16] ^= 0xff;
	check_outcome(&f, OUT_BAD_TCP_CSUM, "checksum");
	assert_int_equal(bed.ctr.InCsumErrors, 1);
	tcp4(&f, PEER_IP, OUR_IP);
	memset(f.b + f.l4, 0, 2);
	frame_checksums(&f);
	check_outcome(&f, OUT_TCP_BAD_PORT, "source port 0");
	tcp4(&f, PEER_IP, OUR_IP);
	memset(f.b + f.l4 + 2, 0, 2);
	frame_checksums(&f);
	check_outcome(&f, OUT_TCP_BAD_PORT, "destination port 0");
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
	frame_ip4(&f, PEER_IP, OUR_IP, TCP);
	frame_data(&f, NULL, 19);
	frame_finish(&f);
	check_outcome(&f, OUT_TCP_SHORT, "19 bytes");
	assert_int_equal(bed.ctr.InErrs, 4);
	assert_int_equal(bed.ctr.InSegs, 4);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(segment_is_decoded_with_all_its_fields),
		T(segment_over_ipv6_is_decoded_too),
		T(trailing_padding_is_cut_off),
		T(harmless_ip_options_are_passed_over),
		T(ethernet_outcomes),
		T(vlan_tag_must_be_the_configured_one),
		T(two_tags_are_never_ours),
		T(tag_is_taken_out_and_the_addresses_stay_in_front),
		T(ipv4_address_outcomes),
		T(neighbour_on_a_point_to_point_prefix_is_no_broadcast),
		T(ipv6_address_outcomes),
		T(ipv6_is_off_without_an_address),
		T(fragments_wait_but_for_atomic_ones),
		T(other_protocols_are_dropped),
		T(ipv6_headers_beyond_what_a_segment_can_say_are_refused),
		T(tcp_outcomes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
