/* SPDX-License-Identifier: BSD-3-Clause */
/* The attacks of the catalogue on parsers, as whole frames in buffers of their exact size. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "lib/net_bed.h"

#define TCP 6
#define ICMP 1
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

/* A redirect of the gateway, by the gateway, to the attacker. */
static void
a27_redirects_change_no_way(void **state)
{
	static const uint8_t evil[4] = { 10, 0, 0, 66 };
	struct frame f;

	(void)state;
	for (uint8_t code = 0; code < 4; code++) {
		frame_eth(&f, OUR_MAC, GATEWAY_MAC, 0x0800);
		frame_ip4(&f, GATEWAY_IP, OUR_IP, ICMP);
		frame_icmp(&f, 5, code, 0, 0);
		memcpy(f.b + f.l4 + 4, evil, 4);
		frame_data(&f, NULL, 28);
		frame_finish(&f);
		assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_IGNORED);
	}
	frame_eth(&f, OUR_MAC, GATEWAY_MAC, 0x86dd);
	frame_ip6(&f, "fe80::1", OUR_IP6, 58);
	frame_icmp(&f, 137, 0, 0, 0);
	frame_data(&f, NULL, 32);
	frame_finish(&f);
	f.b[21] = 255;
	assert_true(outcome_desc((enum outcome)net_bed_input(&bed, &f))->is_drop);
	assert_int_equal(bed.ctr.IcmpInRedirects, 5);
	assert_int_equal(bed.net.neigh.lists[NEIGH_FREE].count, bed.par.neigh_max);
	/* The gateway is still asked for by its address. */
	net_bed_output(&bed, FAR_IP, 10);
	assert_true(net_bed_sent(&bed, &f));
	assert_memory_equal(f.b + 14 + 24, ((const uint8_t[4]){ 10, 0, 0, 254 }), 4);
}

/* One option of this kind and length, behind room bytes of no-operation. */
static void
a41_options_of_any_kind_and_length_are_read_within_the_header(void **state)
{
	struct frame f;

	(void)state;
	for (unsigned int kind = 2; kind < 256; kind++)
		for (unsigned int len = 0; len <= 41; len++)
			for (unsigned int syn = 0; syn < 2; syn++) {
				uint8_t opts[40];
				uint8_t want = 0;

				memset(opts, 1, sizeof(opts));
				opts[0] = (uint8_t)kind;
				opts[1] = (uint8_t)len;
				frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
				frame_ip4(&f, PEER_IP, OUR_IP, TCP);
				frame_tcp(&f, 1, 80, 1, 2, syn ? 2 : 16);
				frame_tcp_opts(&f, opts, sizeof(opts));
				frame_finish(&f);
				assert_int_equal(net_bed_input(&bed, &f), OUTCOME_MAX);
				want |= kind == 2 && len == 4 && syn ? TCP_OPT_MSS : 0;
				want |= kind == 3 && len == 3 && syn ? TCP_OPT_WSCALE : 0;
				want |= kind == 4 && len == 2 && syn ? TCP_OPT_SACK_OK : 0;
				want |= kind == 8 && len == 10 ? TCP_OPT_TS : 0;
				if (kind == 5 && !syn && len % 8 == 2 && len > 2 && len < 40)
					want |= TCP_OPT_SACK;
				/* A Fast Open cookie has lengths of its own (RFC 7413). */
				if (kind != 34)
					assert_int_equal(bed.seg.opts.present, want);
				assert_int_equal(bed.seg.opts.bad, len < 2 || len > 40);
				assert_int_equal(bed.seg.len, 0);
			}
}

static void
a42_source_routes_are_dropped_and_no_other_option_is_read(void **state)
{
	struct frame f;

	(void)state;
	for (unsigned int type = 2; type < 256; type++)
		for (unsigned int len = 0; len < 256; len++) {
			uint8_t opts[40];
			unsigned int want = OUTCOME_MAX;

			memset(opts, 0, sizeof(opts));
			opts[0] = (uint8_t)type;
			opts[1] = (uint8_t)len;
			/* A pointer beyond the option: record route, timestamp. */
			opts[2] = 255;
			frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
			frame_ip4(&f, PEER_IP, OUR_IP, TCP);
			frame_ip4_opts(&f, opts, sizeof(opts));
			frame_tcp(&f, 1, 80, 1, 2, 16);
			frame_data(&f, NULL, 7);
			frame_finish(&f);
			if (len < 2 || len > 40)
				want = OUT_IP4_BAD_OPTION;
			else if (type == 131 || type == 137)
				want = OUT_IP4_SOURCE_ROUTE;
			else if (len == 2 && opts[2] == 255)
				want = OUT_IP4_BAD_OPTION;
			assert_int_equal(net_bed_input(&bed, &f), want);
			if (want == OUTCOME_MAX)
				assert_int_equal(bed.seg.len, 7);
		}
	assert_int_equal(bed.tx.count, 0);
}

/* Headers of these types, the first of which the IPv6 header names. */
static unsigned int
chain(const uint8_t *types, size_t count, uint8_t last, const uint8_t *body)
{
	struct frame f;

	frame_eth(&f, OUR_MAC, PEER_MAC, 0x86dd);
	frame_ip6(&f, PEER_IP6, OUR_IP6, count > 0 ? types[0] : last);
	for (size_t i = 0; i < count; i++)
		frame_ip6_ext(&f, i + 1 < count ? types[i + 1] : last, body, 6);
	frame_tcp(&f, 1, 80, 1, 2, 16);
	frame_finish(&f);
	return net_bed_input(&bed, &f);
}

static void
a43_chains_of_extension_headers_are_short_and_have_no_routing(void **state)
{
	static const uint8_t pad[6] = { 1, 4 };
	uint8_t types[100];

	(void)state;
	memset(types, 60, sizeof(types));
	for (size_t n = 0; n <= 100; n++) {
		unsigned int out = chain(types, n, TCP, pad);

		/* The cap is below 9; behind it nothing is walked. */
		if (n <= 4)
			assert_int_equal(out, OUTCOME_MAX);
		if (n > 8)
			assert_int_equal(out, OUT_IP6_BAD_EXT);
	}
	/* Routing header type 0; hop-by-hop that is not the first; a jumbogram's option. */
	for (uint8_t left = 1; left < 4; left++)
		assert_int_equal(chain((const uint8_t[]){ 43 }, 1, TCP,
					 (const uint8_t[6]){ 0, left }), OUT_IP6_BAD_EXT);
	assert_int_equal(chain((const uint8_t[]){ 60, 0 }, 2, TCP, pad), OUT_IP6_BAD_EXT);
	assert_int_equal(chain((const uint8_t[]){ 0 }, 1, TCP,
				 (const uint8_t[6]){ 0xc2, 4, 0, 1, 0, 0 }), OUT_IP6_BAD_EXT);
	/* Each of these five is told once (RFC 8200 s4), in its own buffer. */
	assert_int_equal(bed.tx.count, 5);
	assert_int_equal(bed.pkts.allocs, 0);
}

static void
a47_what_is_neither_tcp_nor_icmp_is_dropped_unread(void **state)
{
	struct frame f;

	(void)state;
	for (unsigned int proto = 0; proto < 256; proto++)
		for (size_t len = 0; len <= 60; len += 20) {
			unsigned int out;

			if (proto == TCP || proto == ICMP)
				continue;
			/* Inside it looks like IPv4: IP in IP, GRE and the like. */
			frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
			frame_ip4(&f, PEER_IP, OUR_IP, (uint8_t)proto);
			frame_data(&f, f.b + f.l3, 20);
			frame_data(&f, NULL, len);
			frame_finish(&f);
			out = net_bed_input(&bed, &f);
			assert_int_equal(out, proto == UDP ? OUT_UDP_NO_PORT : OUT_IP_BAD_PROTO);
		}
	/* The senders are told, within the budget of a second, in the buffers they sent. */
	assert_in_range(bed.tx.count, 1, min_u32(254 * 4, bed.tun.icmp_msgs_per_sec));
	assert_int_equal(bed.pkts.allocs, 0);
}

/* An ICMP error that quotes len bytes of a segment we may have sent. */
static unsigned int
quote4(size_t len, uint8_t type)
{
	struct frame f, quoted;

	frame_eth(&quoted, OUR_MAC, PEER_MAC, 0x0800);
	frame_ip4(&quoted, OUR_IP, PEER_IP, TCP);
	frame_tcp(&quoted, 80, 1234, 1, 2, 16);
	frame_data(&quoted, NULL, 40);
	frame_finish(&quoted);
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
	frame_ip4(&f, PEER_IP, OUR_IP, ICMP);
	frame_icmp(&f, type, type == 3 ? 3 : 0, 0, 0);
	frame_data(&f, quoted.b + quoted.l3, len);
	frame_finish(&f);
	return net_bed_input(&bed, &f);
}

static void
a48_a_quote_too_short_to_name_a_segment_is_dropped(void **state)
{
	static const uint8_t types[] = { 3, 11, 12 };
	struct frame f;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		for (size_t len = 0; len <= 64; len++)
			/* An IPv4 header, ports and sequence number: RFC 792. */
			assert_int_equal(quote4(len, types[i]),
				len < 28 ? OUT_ICMP_BAD : OUT_ICMP_ERROR_USED);
	/* ICMPv6 shorter than its header (CVE-2020-17443). */
	for (size_t len = 0; len < 8; len++) {
		frame_eth(&f, OUR_MAC, PEER_MAC, 0x86dd);
		frame_ip6(&f, PEER_IP6, OUR_IP6, 58);
		frame_data(&f, "\200\0\0\0\0\0\0\0", len);
		frame_finish(&f);
		assert_int_equal(net_bed_input(&bed, &f), OUT_ICMP_BAD);
	}
	assert_int_equal(bed.tx.count, 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a27_redirects_change_no_way),
		T(a41_options_of_any_kind_and_length_are_read_within_the_header),
		T(a42_source_routes_are_dropped_and_no_other_option_is_read),
		T(a43_chains_of_extension_headers_are_short_and_have_no_routing),
		T(a47_what_is_neither_tcp_nor_icmp_is_dropped_unread),
		T(a48_a_quote_too_short_to_name_a_segment_is_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
