/* SPDX-License-Identifier: BSD-3-Clause */
/* Bugs that other user-space stacks had below TCP, each under its number; the rest of that list is
 * in tests/script/regression. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "lib/net_bed.h"

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

static void
segment(struct frame *f, const void *opts, size_t opts_len)
{
	frame_eth(f, OUR_MAC, PEER_MAC, 0x0800);
	frame_ip4(f, PEER_IP, OUR_IP, TCP);
	frame_tcp(f, 1234, 80, 1, 2, 0x10);
	if (opts_len > 0)
		frame_tcp_opts(f, opts, opts_len);
	frame_data(f, NULL, 32);
	frame_finish(f);
}

static void
reg_tf_01_ip_version_3_is_refused(void **state)
{
	struct frame f;

	(void)state;
	segment(&f, NULL, 0);
	assert_int_equal(net_bed_input(&bed, &f), OUTCOME_MAX);
	f.b[f.l3] = 0x35;
	frame_checksums(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_IP4_BAD_VERSION);
}

/* What is read begins where the header says it ends, and nowhere else. */
static void
reg_tf_02_the_data_offset_says_where_data_begins(void **state)
{
	static const uint8_t nops[8] = { 1, 1, 1, 1, 1, 1, 1, 1 };
	struct pkt *p;
	struct frame f;

	(void)state;
	for (unsigned int words = 5; words <= 7; words++) {
		segment(&f, nops, 4 * (words - 5));
		assert_int_equal(
			net_bed_input_flags(&bed, f.b, f.len, 0, &p), OUTCOME_MAX);
		assert_int_equal(bed.seg.len, 32);
		assert_memory_equal(pkt_data(p) + bed.seg.payload_off,
			f.b + f.l4 + 4 * (size_t)words, 32);
		pkt_free(bed.env.pool, p);
	}
	/* An offset into the fixed header, and one beyond the segment. */
	f.b[f.l4 + 12] = 4 << 4;
	frame_checksums(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_TCP_BAD_OFFSET);
	segment(&f, NULL, 0);
	f.b[f.l4 + 12] = 15 << 4;
	frame_checksums(&f);
	assert_int_equal(net_bed_input(&bed, &f), OUT_TCP_BAD_OFFSET);
}

/* A header longer than the packet is not walked into. */
static void
reg_tf_03_an_ip_header_length_beyond_the_packet_is_refused(void **state)
{
	struct frame f;

	(void)state;
	for (unsigned int ihl = 0; ihl < 5; ihl++) {
		segment(&f, NULL, 0);
		f.b[f.l3] = (uint8_t)(0x40 | ihl);
		frame_checksums(&f);
		assert_int_equal(net_bed_input(&bed, &f), OUT_IP4_BAD_IHL);
	}
	frame_eth(&f, OUR_MAC, PEER_MAC, 0x0800);
	frame_ip4(&f, PEER_IP, OUR_IP, TCP);
	frame_data(&f, NULL, 20);
	frame_finish(&f);
	f.b[f.l3] = 0x4f;
	assert_int_equal(net_bed_input(&bed, &f), OUT_IP4_BAD_IHL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(reg_tf_01_ip_version_3_is_refused),
		T(reg_tf_02_the_data_offset_says_where_data_begins),
		T(reg_tf_03_an_ip_header_length_beyond_the_packet_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
