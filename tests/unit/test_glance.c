/* SPDX-License-Identifier: BSD-3-Clause */
/* A glance at frames: what is there is told, be the rest wrong or missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/frames.h"
#include "wire/eth.h"
#include "wire/glance.h"

#define US ((const uint8_t[6]){ 2, 0, 0, 0, 0, 1 })
#define PEER ((const uint8_t[6]){ 2, 0, 0, 0, 0, 2 })

static struct frame f;

static struct glance
look(size_t len)
{
	struct glance g;

	glance_at(f.b, len, f.len, &g);
	return g;
}

static void
syn4(void)
{
	frame_eth(&f, US, PEER, ETH_TYPE_IP4);
	frame_ip4(&f, "192.0.2.9", "192.0.2.1", IP_PROTO_TCP);
	frame_tcp(&f, 4242, 80, 7, 9, TCP_SYN);
	frame_data(&f, NULL, 3);
	frame_finish(&f);
}

static void
assert_addr(const struct ip_addr *addr, const char *text)
{
	char is[IP_ADDR_STRLEN];

	ip_addr_format(addr, is);
	assert_string_equal(is, text);
}

static void
a_segment_is_told_with_both_ends(void **state)
{
	struct glance g;

	(void)state;
	syn4();
	frame_data(&f, NULL, 10); /* Ethernet's padding */
	g = look(f.len);
	assert_true(g.has_ip && g.has_ports && g.has_tcp && !g.is_fragment);
	assert_addr(&g.src, "192.0.2.9");
	assert_addr(&g.dst, "192.0.2.1");
	assert_int_equal(g.sport, 4242);
	assert_int_equal(g.dport, 80);
	assert_int_equal(g.tcp.seq, 7);
	assert_int_equal(g.tcp.ack, 9);
	assert_int_equal(g.tcp.flags, TCP_SYN);
	assert_int_equal(g.payload_len, 3);
}

static void
tags_and_extension_headers_are_passed(void **state)
{
	struct glance g;

	(void)state;
	frame_eth(&f, US, PEER, ETH_TYPE_IP6);
	frame_vlan(&f, ETH_TYPE_VLAN, 100);
	frame_ip6(&f, "2001:db8::9", "2001:db8::1", IP_PROTO_DSTOPTS);
	frame_ip6_ext(&f, IP_PROTO_TCP, (const uint8_t[]){ 1, 4, 0, 0, 0, 0 }, 6);
	frame_tcp(&f, 4242, 80, 7, 9, TCP_ACK);
	frame_data(&f, NULL, 5);
	frame_finish(&f);
	g = look(f.len);
	assert_true(g.has_tcp);
	assert_int_equal(g.proto, IP_PROTO_TCP);
	assert_addr(&g.src, "2001:db8::9");
	assert_int_equal(g.dport, 80);
	assert_int_equal(g.payload_len, 5);
}

static void
what_is_wrong_is_told_all_the_same(void **state)
{
	struct glance g;

	(void)state;
	syn4();
	f.b[24] ^= 1; /* the IP checksum */
	f.b[50] ^= 1; /* TCP's */
	f.b[16] = 0xff; /* total length beyond the frame */
	g = look(f.len);
	assert_true(g.has_tcp);
	assert_int_equal(g.payload_len, 3);
}

static void
what_is_missing_is_not_told(void **state)
{
	struct glance g;

	(void)state;
	syn4();
	assert_int_equal(look(13).type, 0);
	assert_int_equal(look(14).type, ETH_TYPE_IP4);
	assert_false(look(33).has_ip);
	g = look(34);
	assert_true(g.has_ip && !g.has_ports);
	assert_false(look(37).has_ports);
	g = look(38);
	assert_true(g.has_ports && !g.has_tcp);
	assert_false(look(53).has_tcp);
	g = look(54);
	assert_true(g.has_tcp);
	/* The rest of the frame is in another buffer. */
	assert_int_equal(g.payload_len, 3);
}

static void
only_the_first_fragment_has_ports(void **state)
{
	struct glance g;

	(void)state;
	syn4();
	f.b[20] = 0x20; /* more fragments */
	g = look(f.len);
	assert_true(g.is_fragment && g.has_ports);
	f.b[21] = 1; /* at 8 bytes */
	g = look(f.len);
	assert_true(g.is_fragment && g.has_ip && !g.has_ports);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_segment_is_told_with_both_ends),
		cmocka_unit_test(tags_and_extension_headers_are_passed),
		cmocka_unit_test(what_is_wrong_is_told_all_the_same),
		cmocka_unit_test(what_is_missing_is_not_told),
		cmocka_unit_test(only_the_first_fragment_has_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
