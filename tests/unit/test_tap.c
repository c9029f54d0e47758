/* SPDX-License-Identifier: BSD-3-Clause */
/* Taps: what is asked for is kept, in order and whole; what finds no room is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "lib/frames.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "worker/tap.h"

#define SIZE (128u << 10)
#define US ((const uint8_t[6]){ 2, 0, 0, 0, 0, 1 })
#define PEER ((const uint8_t[6]){ 2, 0, 0, 0, 0, 2 })

static struct frame f;
static struct tap *tap;
static uint8_t data[TAP_SNAP_MAX];

static void
start(const struct tap_filter *filter, uint32_t snap_len)
{
	free(tap);
	tap = tap_init(aligned_alloc(CACHE_LINE, tap_bytes(SIZE)), SIZE, filter, snap_len);
}

static int
begin(void **state)
{
	(void)state;
	start(&(struct tap_filter){ .outcome = -1 }, TAP_SNAP_MAX);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	free(tap);
	tap = NULL;
	return 0;
}

/* A segment from src:sport to dst:dport as a packet. */
static struct pkt
segment(const char *src, uint16_t sport, const char *dst, uint16_t dport, size_t len)
{
	frame_eth(&f, US, PEER, ETH_TYPE_IP4);
	frame_ip4(&f, src, dst, IP_PROTO_TCP);
	frame_tcp(&f, sport, dport, 7, 9, 0x10);
	frame_data(&f, NULL, len);
	frame_finish(&f);
	return (struct pkt){ .buf = f.b, .data_len = (uint16_t)f.len, .pkt_len = (uint32_t)f.len };
}

static bool
offer(const struct pkt *p, unsigned int outcome)
{
	return tap_hold(tap, 5, p, outcome == TAP_SENT) && tap_keep(tap, outcome);
}

static void
a_record_is_what_was_offered(void **state)
{
	struct pkt p = segment("192.0.2.9", 4242, "192.0.2.1", 80, 100);
	struct tap_record r;

	(void)state;
	assert_false(tap_take(tap, &r, data));
	assert_true(tap_hold(tap, 12345, &p, false));
	/* Nobody sees it before its outcome is known. */
	assert_false(tap_peek(tap, &r));
	assert_true(tap_keep(tap, OUT_NO_LISTENER));
	assert_true(tap_peek(tap, &r));
	assert_true(tap_take(tap, &r, data));
	assert_int_equal(r.at_us, 12345);
	assert_int_equal(r.outcome, OUT_NO_LISTENER);
	assert_int_equal(r.frame_len, 154);
	assert_int_equal(r.data_len, 154);
	assert_memory_equal(data, f.b, 154);
	assert_false(tap_take(tap, &r, data));
}

static void
a_frame_is_gathered_from_its_buffers_and_cut(void **state)
{
	struct pkt p = segment("192.0.2.9", 4242, "192.0.2.1", 80, 100);
	struct pkt rest = { .buf = f.b, .data_off = 54, .data_len = 100 };
	struct tap_record r;

	(void)state;
	start(&(struct tap_filter){ .outcome = -1 }, 60);
	p.data_len = 54;
	p.nb_segs = 2;
	p.seg_next = &rest;
	assert_true(offer(&p, TAP_SENT));
	assert_true(tap_take(tap, &r, data));
	assert_int_equal(r.frame_len, 154);
	assert_int_equal(r.data_len, 60);
	assert_memory_equal(data, f.b, 60);
}

static void
records_go_around_the_end_of_the_ring(void **state)
{
	struct tap_record r;
	unsigned int i;

	(void)state;
	for (i = 0; i < 1000; i++) {
		size_t len = i * 37 % 1400;
		struct pkt p = segment("192.0.2.9", (uint16_t)(i + 1), "192.0.2.1", 80, len);

		assert_true(offer(&p, OUT_DELIVERED));
		assert_true(tap_take(tap, &r, data));
		assert_int_equal(r.data_len, f.len);
		assert_memory_equal(data, f.b, f.len);
	}
	assert_int_equal(tap_lost(tap), 0);
}

static void
what_finds_no_room_is_counted_and_the_rest_is_whole(void **state)
{
	struct pkt p = segment("192.0.2.9", 4242, "192.0.2.1", 80, 946);
	/* 1000 bytes, 16 of a record's head, rounded up. */
	unsigned int fit = SIZE / 1016, i;
	struct tap_record r;

	(void)state;
	for (i = 0; i < fit; i++)
		assert_true(offer(&p, OUT_DELIVERED));
	assert_false(offer(&p, OUT_DELIVERED));
	assert_false(offer(&p, TAP_SENT));
	assert_int_equal(tap_lost(tap), 2);
	assert_true(tap_take(tap, &r, data));
	assert_true(offer(&p, TAP_SENT));
	for (i = 0; i < fit; i++) {
		assert_true(tap_take(tap, &r, data));
		assert_memory_equal(data, f.b, 1000);
	}
	assert_int_equal(r.outcome, TAP_SENT);
	assert_false(tap_take(tap, &r, data));
}

static struct tap_end
end_at(const char *addr, uint16_t port)
{
	struct tap_end e = { .has_addr = addr != NULL, .port = port };

	if (addr != NULL)
		assert_int_equal(ip_addr_parse(&e.addr, addr, strlen(addr)), 0);
	return e;
}

static void
ends_are_ours_and_the_peers_in_both_directions(void **state)
{
	const struct {
		struct tap_filter filter;
		bool is_kept;
	} rows[] = {
		{ { .outcome = -1 }, true },
		{ { .outcome = -1, .local = end_at("192.0.2.1", 0) }, true },
		{ { .outcome = -1, .local = end_at("192.0.2.9", 0) }, false },
		{ { .outcome = -1, .local = end_at("192.0.2.1", 80) }, true },
		{ { .outcome = -1, .local = end_at(NULL, 4242) }, false },
		{ { .outcome = -1, .remote = end_at("192.0.2.9", 4242) }, true },
		{ { .outcome = -1, .remote = end_at("192.0.2.9", 80) }, false },
		{ { .outcome = -1, .remote = end_at("2001:db8::9", 0) }, false },
		{ { .outcome = -1, .port = 80 }, true },
		{ { .outcome = -1, .port = 4242 }, true },
		{ { .outcome = -1, .port = 81 }, false },
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tap_record r;
		struct pkt p;

		start(&rows[i].filter, TAP_SNAP_MAX);
		p = segment("192.0.2.9", 4242, "192.0.2.1", 80, 0);
		(void)offer(&p, OUT_DELIVERED);
		if (tap_peek(tap, &r) != rows[i].is_kept)
			fail_msg("row %u, received", i);
		start(&rows[i].filter, TAP_SNAP_MAX);
		p = segment("192.0.2.1", 80, "192.0.2.9", 4242, 0);
		(void)offer(&p, TAP_SENT);
		if (tap_peek(tap, &r) != rows[i].is_kept)
			fail_msg("row %u, sent", i);
	}
}

/* ARP has no ends, a frame of rubbish neither. */
static void
what_has_no_ends_is_kept_only_if_nobody_asks_for_them(void **state)
{
	struct pkt p;
	struct tap_record r;

	(void)state;
	frame_eth(&f, US, PEER, ETH_TYPE_ARP);
	p = (struct pkt){ .buf = f.b, .data_len = 14, .pkt_len = 14 };
	assert_true(offer(&p, OUT_ARP_BAD));
	start(&(struct tap_filter){ .outcome = -1, .port = 80 }, TAP_SNAP_MAX);
	(void)offer(&p, OUT_ARP_BAD);
	assert_false(tap_peek(tap, &r));
}

static void
drops_and_reasons_are_of_what_was_received(void **state)
{
	static const struct {
		struct tap_filter filter;
		unsigned int outcome;
		bool is_kept;
	} rows[] = {
		{ { .outcome = -1, .drops_only = true }, OUT_NO_LISTENER, true },
		{ { .outcome = -1, .drops_only = true }, OUT_DELIVERED, false },
		{ { .outcome = -1, .drops_only = true }, TAP_SENT, false },
		{ { .outcome = -1, .drops_only = true }, TAP_SENT + 1, false },
		{ { .outcome = OUT_DELIVERED }, OUT_DELIVERED, true },
		{ { .outcome = OUT_DELIVERED }, OUT_NO_LISTENER, false },
		{ { .outcome = OUT_DELIVERED }, TAP_SENT, false },
	};
	struct pkt p = segment("192.0.2.9", 4242, "192.0.2.1", 80, 0);
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tap_record r;

		start(&rows[i].filter, TAP_SNAP_MAX);
		(void)offer(&p, rows[i].outcome);
		if (tap_peek(tap, &r) != rows[i].is_kept)
			fail_msg("row %u", i);
		assert_int_equal(tap_lost(tap), 0);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_record_is_what_was_offered),
		TEST(a_frame_is_gathered_from_its_buffers_and_cut),
		TEST(records_go_around_the_end_of_the_ring),
		TEST(what_finds_no_room_is_counted_and_the_rest_is_whole),
		TEST(ends_are_ours_and_the_peers_in_both_directions),
		TEST(what_has_no_ends_is_kept_only_if_nobody_asks_for_them),
		TEST(drops_and_reasons_are_of_what_was_received),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
