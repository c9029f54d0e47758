/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of datagrams under way: its bounds, who gives way, and when time is over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "lib/net_bed.h"
#include "net/reass.h"
#include "pkt/pool.h"

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

/* A fragment of 8 bytes of the datagram id from src. */
static unsigned int
add(const char *src, uint32_t id, uint16_t offset)
{
	static const uint8_t frame[14 + 40], data[8];
	struct ip_addr addr = net_bed_addr(src);
	struct reass_fragment f = {
		.frame = frame,
		.data = data,
		.offset = offset,
		.len = 8,
		.ip_hdr_len = ip_addr_is_v4(&addr) ? 20 : 40,
		.more = true,
	};
	struct pkt *whole;
	struct reass_row row;

	reass_key_make(f.key, &addr, 0, id, 6);
	return reass_add(&bed.net.reass, &bed.env, &f, &row, &whole);
}

/* Is the datagram there? What is there already is a duplicate, and changes nothing. */
static bool
has(const char *src, uint32_t id)
{
	uint64_t before = bed.ctr.ReasmInUse;
	uint16_t used = bed.net.reass.used;
	unsigned int out;

	bed.tun.ipfrag_high_thresh = 0;
	out = add(src, id, 64);
	bed.tun.ipfrag_high_thresh = 16 * bed.pkts.pool.charge;
	assert_int_equal(bed.ctr.ReasmInUse, before);
	assert_int_equal(bed.net.reass.used, used);
	return out == OUT_FRAG_DUPLICATE;
}

static void
the_oldest_gives_way(void **state)
{
	(void)state;
	bed.tun.ipfrag_high_thresh = 16 * bed.pkts.pool.charge;
	for (unsigned int i = 0; i < 17; i++) {
		char src[16];

		snprintf(src, sizeof(src), "10.0.1.%u", i);
		assert_int_equal(add(src, i, 64), OUT_FRAG_HELD);
		bed.env.now_us++;
	}
	assert_int_equal(bed.ctr.ReasmInUse, 16);
	assert_false(has("10.0.1.0", 0));
	assert_true(has("10.0.1.1", 1));
	assert_true(has("10.0.1.16", 16));
	assert_int_equal(bed.ctr.ReasmEvicted, 1);
	assert_int_equal(bed.ctr.ReasmFails, 1);
}

/* An eighth of 16: the third of one source displaces its own first. */
static void
a_source_has_its_share_and_no_more(void **state)
{
	(void)state;
	bed.tun.ipfrag_high_thresh = 16 * bed.pkts.pool.charge;
	assert_int_equal(add("10.1.0.1", 1, 64), OUT_FRAG_HELD);
	for (uint32_t id = 1; id <= 100; id++)
		assert_int_equal(add("10.2.0.1", id, 64), OUT_FRAG_HELD);
	assert_int_equal(bed.ctr.ReasmInUse, 3);
	assert_true(has("10.1.0.1", 1));
	assert_false(has("10.2.0.1", 98));
	assert_true(has("10.2.0.1", 99));
	assert_true(has("10.2.0.1", 100));
	/* Of IPv6 all addresses of a /64 are one source. */
	assert_int_equal(add("2001:db8:1::1", 1, 64), OUT_FRAG_HELD);
	assert_int_equal(add("2001:db8:1::2", 1, 64), OUT_FRAG_HELD);
	assert_int_equal(add("2001:db8:1::3", 1, 64), OUT_FRAG_HELD);
	assert_int_equal(bed.ctr.ReasmInUse, 5);
	assert_false(has("2001:db8:1::1", 1));
	assert_true(has("2001:db8:1::3", 1));
}

static void
there_are_never_more_than_the_rows(void **state)
{
	(void)state;
	bed.tun.ipfrag_high_thresh = 67108864;
	for (uint32_t id = 0; id < 3 * REASS_ROWS; id++) {
		struct ip_addr a = net_bed_addr("11.0.0.0");
		char text[IP_ADDR_STRLEN];

		a.b[13] = (uint8_t)(id >> 8);
		a.b[14] = (uint8_t)id;
		ip_addr_format(&a, text);
		assert_int_equal(add(text, id, 64), OUT_FRAG_HELD);
		assert_in_range(bed.net.reass.used, 1, REASS_ROWS);
	}
	assert_int_equal(bed.net.reass.used, REASS_ROWS);
	assert_int_equal(bed.pkts.pool.held, REASS_ROWS);
}

static void
the_65th_fragment_is_one_too_many(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < REASS_FRAGMENTS_MAX; i++)
		assert_int_equal(add(PEER_IP, 1, (uint16_t)(i * 16)), OUT_FRAG_HELD);
	assert_int_equal(add(PEER_IP, 1, 8), OUT_FRAG_TOO_MANY);
	assert_int_equal(add(PEER_IP, 1, 24), OUT_FRAG_GIVEN_UP);
	assert_int_equal(bed.pkts.pool.held, 0);
	assert_int_equal(bed.ctr.ReasmFails, 1);
	/* Duplicates count: they cost as much. */
	for (uint16_t i = 0; i < REASS_FRAGMENTS_MAX; i++)
		assert_int_equal(add(PEER_IP, 2, 8), i == 0 ? OUT_FRAG_HELD : OUT_FRAG_DUPLICATE);
	assert_int_equal(add(PEER_IP, 2, 8), OUT_FRAG_TOO_MANY);
}

static void
the_last_byte_of_the_buffer_is_used_and_not_one_more(void **state)
{
	uint16_t room = (uint16_t)(bed.pkts.pool.payload_max - 14 - 20);

	(void)state;
	room = (uint16_t)(room & ~7u);
	assert_int_equal(add(PEER_IP, 1, (uint16_t)(room - 8)), OUT_FRAG_HELD);
	assert_int_equal(add(PEER_IP, 2, room), OUT_FRAG_TOO_LONG);
}

static void
time_is_over_to_the_microsecond_for_each_version(void **state)
{
	struct reass_row row;

	(void)state;
	assert_int_equal(reass_due_at(&bed.net.reass), UINT64_MAX);
	assert_int_equal(add(PEER_IP6, 1, 0), OUT_FRAG_HELD);
	bed.env.now_us += 5;
	assert_int_equal(add(PEER_IP, 2, 8), OUT_FRAG_HELD);
	assert_int_equal(reass_due_at(&bed.net.reass), bed.env.now_us + 30000000);
	bed.env.now_us += 29999999;
	assert_false(reass_expired(&bed.net.reass, &bed.env, &row));
	bed.env.now_us++;
	assert_true(reass_expired(&bed.net.reass, &bed.env, &row));
	/* Its first fragment never came. */
	assert_null(row.pkt);
	assert_false(reass_expired(&bed.net.reass, &bed.env, &row));
	bed.env.now_us += 30000000 - 5;
	assert_true(reass_expired(&bed.net.reass, &bed.env, &row));
	assert_non_null(row.pkt);
	pkt_free(bed.env.pool, row.pkt);
	assert_int_equal(reass_due_at(&bed.net.reass), UINT64_MAX);
	assert_int_equal(bed.ctr.ReasmInUse, 0);
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(the_oldest_gives_way),
		T(a_source_has_its_share_and_no_more),
		T(there_are_never_more_than_the_rows),
		T(the_65th_fragment_is_one_too_many),
		T(the_last_byte_of_the_buffer_is_used_and_not_one_more),
		T(time_is_over_to_the_microsecond_for_each_version),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
