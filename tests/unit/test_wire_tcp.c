/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP headers and options: every offset, kind and length, Linux's layouts, checksums. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "lib/exact.h"
#include "wire/tcp.h"

static void
every_data_offset_meets_every_length(void **state)
{
	uint8_t buf[80] = { 0 };

	(void)state;
	for (unsigned int offset = 0; offset < 16; offset++) {
		buf[12] = (uint8_t)(offset << 4);
		for (size_t len = 0; len <= sizeof(buf); len++) {
			enum tcp_hdr_error expected = TCP_HDR_OK;
			uint8_t *exact = exact_copy(buf, len);
			struct tcp_hdr h;

			if (len < 20)
				expected = TCP_HDR_TRUNCATED;
			else if (offset < 5 || offset * 4 > len)
				expected = TCP_HDR_BAD_OFFSET;
			assert_int_equal(tcp_parse_header(exact, len, &h), expected);
			if (expected == TCP_HDR_OK)
				assert_int_equal(h.hdr_len, offset * 4);
			free(exact);
		}
	}
}

static void
an_encoded_header_decodes_to_the_same(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 17);
	for (int i = 0; i < 10000; i++) {
		struct tcp_hdr in = {
			.seq = rng_u32(&rng),
			.ack = rng_u32(&rng),
			.sport = (uint16_t)rng_u32(&rng),
			.dport = (uint16_t)rng_u32(&rng),
			.flags = (uint16_t)rng_below(&rng, TCP_FLAGS_ALL + 1),
			.wnd = (uint16_t)rng_u32(&rng),
			.urg = (uint16_t)rng_u32(&rng),
			.hdr_len = (uint8_t)(20 + 4 * rng_below(&rng, 11)),
		};
		uint8_t buf[60];
		struct tcp_hdr out;

		tcp_encode_header(buf, &in);
		assert_int_equal(load_be16(buf + TCP_CSUM_OFFSET), 0);
		assert_int_equal(tcp_parse_header(buf, sizeof(buf), &out), TCP_HDR_OK);
		assert_int_equal(in.seq, out.seq);
		assert_int_equal(in.ack, out.ack);
		assert_int_equal(in.sport, out.sport);
		assert_int_equal(in.dport, out.dport);
		assert_int_equal(in.flags, out.flags);
		assert_int_equal(in.wnd, out.wnd);
		assert_int_equal(in.urg, out.urg);
		assert_int_equal(in.hdr_len, out.hdr_len);
	}
}

static void
flags_stand_where_the_rfc_puts_them(void **state)
{
	static const struct {
		uint8_t byte12;
		uint8_t byte13;
		uint16_t flags;
	} rows[] = {
		{ 0x50, 0x01, TCP_FIN }, { 0x50, 0x02, TCP_SYN }, { 0x50, 0x04, TCP_RST },
		{ 0x50, 0x08, TCP_PSH }, { 0x50, 0x10, TCP_ACK }, { 0x50, 0x20, TCP_URG },
		{ 0x50, 0x40, TCP_ECE }, { 0x50, 0x80, TCP_CWR }, { 0x51, 0x00, TCP_AE },
		{ 0x5e, 0x00, 0 }, /* reserved bits are ignored */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t buf[20] = { [12] = rows[i].byte12, [13] = rows[i].byte13 };
		struct tcp_hdr h;

		assert_int_equal(tcp_parse_header(buf, sizeof(buf), &h), TCP_HDR_OK);
		assert_int_equal(h.flags, rows[i].flags);
	}
}

/* Parses options from a buffer of exact size; what is not present is left at a pattern. */
static struct tcp_opts
parse(const uint8_t *options, size_t len, bool is_syn)
{
	uint8_t *exact = exact_copy(options, len);
	struct tcp_opts opts;

	memset(&opts, 0xa5, sizeof(opts));
	tcp_parse_options(exact, len, is_syn, &opts);
	free(exact);
	return opts;
}

#define MSS_1460 2, 4, 0x05, 0xb4
#define SACK_OK 4, 2
#define TS_1_2 8, 10, 0, 0, 0, 1, 0, 0, 0, 2
#define WSCALE_7 3, 3, 7

static void
options_of_a_syn_are_taken(void **state)
{
	static const uint8_t linux_syn[] = { MSS_1460, SACK_OK, TS_1_2, 1, WSCALE_7 };
	struct tcp_opts opts = parse(linux_syn, sizeof(linux_syn), true);

	(void)state;
	assert_int_equal(opts.present, TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE);
	assert_int_equal(opts.mss, 1460);
	assert_int_equal(opts.wscale, 7);
	assert_int_equal(opts.tsval, 1);
	assert_int_equal(opts.tsecr, 2);
	assert_false(opts.bad);
	assert_false(opts.wscale_clamped);
}

static void
options_of_a_syn_are_ignored_elsewhere(void **state)
{
	static const uint8_t linux_syn[] = { MSS_1460, SACK_OK, TS_1_2, 1, WSCALE_7 };
	static const uint8_t cookie[] = { 34, 6, 1, 2, 3, 4, 1, 1 };

	(void)state;
	assert_int_equal(parse(linux_syn, sizeof(linux_syn), false).present, TCP_OPT_TS);
	assert_int_equal(parse(cookie, sizeof(cookie), false).present, 0);
	assert_int_equal(parse(cookie, sizeof(cookie), true).present, TCP_OPT_FASTOPEN);
}

static void
a_window_scale_above_14_is_clamped(void **state)
{
	(void)state;
	for (unsigned int shift = 0; shift < 256; shift++) {
		uint8_t options[4] = { 1, 3, 3, (uint8_t)shift };
		struct tcp_opts opts = parse(options, sizeof(options), true);

		assert_int_equal(opts.present, TCP_OPT_WSCALE);
		assert_int_equal(opts.wscale, shift > 14 ? 14 : shift);
		assert_int_equal(opts.wscale_clamped, shift > 14);
	}
}

static void
sack_blocks_are_taken_by_their_count(void **state)
{
	(void)state;
	for (size_t count = 0; count <= 4; count++) {
		uint8_t options[40] = { 1, 1, 5, (uint8_t)(2 + 8 * count) };
		size_t len = 4 + 8 * count;
		struct tcp_opts opts;

		for (size_t i = 0; i < 2 * count; i++)
			store_be32(options + 4 + 4 * i, (uint32_t)(0xfffffff0 + i));
		assert_int_equal(parse(options, len, true).present, 0);
		opts = parse(options, len, false);
		assert_int_equal(opts.present, count > 0 ? TCP_OPT_SACK : 0);
		assert_false(opts.bad);
		if (count > 0)
			assert_int_equal(opts.nsack, count);
		for (size_t i = 0; i < count; i++) {
			assert_int_equal(opts.sack[i][0], (uint32_t)(0xfffffff0 + 2 * i));
			assert_int_equal(opts.sack[i][1], (uint32_t)(0xfffffff0 + 2 * i + 1));
		}
	}
}

static void
a_fast_open_cookie_is_taken_at_its_lawful_lengths(void **state)
{
	(void)state;
	for (size_t len = 0; len <= 38; len++) {
		bool lawful = len == 0 || (len >= 4 && len <= 16 && len % 2 == 0);
		uint8_t options[40] = { 34, (uint8_t)(2 + len) };
		struct tcp_opts opts;

		for (size_t i = 0; i < len; i++)
			options[2 + i] = (uint8_t)(0xc0 + i);
		opts = parse(options, 2 + len, true);
		assert_int_equal(opts.present, lawful ? TCP_OPT_FASTOPEN : 0);
		assert_false(opts.bad);
		if (!lawful)
			continue;
		assert_int_equal(opts.fastopen_len, len);
		assert_memory_equal(opts.fastopen, options + 2, len);
	}
}

static void
layouts_odd_but_lawful_are_read(void **state)
{
	static const struct {
		uint8_t options[20];
		uint8_t len;
		uint8_t present; /* on a SYN */
		bool bad;
	} rows[] = {
		{ { 0 }, 0, 0, false },
		{ { 0 }, 1, 0, false },
		{ { 1, 1, 1, 1 }, 4, 0, false },
		{ { 0, MSS_1460 }, 5, 0, false }, /* nothing counts after the end */
		{ { TS_1_2, 1, 1 }, 12, TCP_OPT_TS, false }, /* timestamps first */
		{ { 1, 1, TS_1_2 }, 12, TCP_OPT_TS, false },
		{ { 1, TS_1_2 }, 11, TCP_OPT_TS, false },
		{ { MSS_1460, 2, 4, 0, 1 }, 8, TCP_OPT_MSS, false }, /* the last counts: below */
		{ { 2, 3, 5, 1, MSS_1460 }, 8, TCP_OPT_MSS,
			false }, /* a known kind's wrong length */
		{ { 8, 2, 3, 4, 7, 0, 4, 2 }, 8, TCP_OPT_SACK_OK, false },
		{ { 30, 4, 0x81, 0, MSS_1460 }, 8, TCP_OPT_MSS,
			false }, /* multipath, unknown here */
		{ { 254, 4, 0xf9, 0x89, MSS_1460 }, 8, TCP_OPT_MSS, false },
		{ { MSS_1460, 30, 0, MSS_1460 }, 10, TCP_OPT_MSS, true },
		{ { MSS_1460, 30, 1, 4, 2 }, 8, TCP_OPT_MSS, true },
		{ { MSS_1460, 30, 5, 4, 2 }, 8, TCP_OPT_MSS, true },
		{ { MSS_1460, 30 }, 5, TCP_OPT_MSS, true }, /* no room for a length */
		{ { 5, 0 }, 2, 0, true },
		{ { 3, 3 }, 2, 0, true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tcp_opts opts = parse(rows[i].options, rows[i].len, true);

		if (opts.present != rows[i].present || opts.bad != rows[i].bad)
			fail_msg("row %zu: present %#x, bad %d", i, opts.present, opts.bad);
	}
	assert_int_equal(parse(rows[7].options, rows[7].len, true).mss, 1);
}

/* What a single option of this kind and length must leave in present, alone in len bytes. */
static unsigned int
expected_present(unsigned int kind, size_t opt_len, bool is_syn)
{
	if (kind == TCP_KIND_TS && opt_len == 10)
		return TCP_OPT_TS;
	if (kind == TCP_KIND_MSS && opt_len == 4 && is_syn)
		return TCP_OPT_MSS;
	if (kind == TCP_KIND_WSCALE && opt_len == 3 && is_syn)
		return TCP_OPT_WSCALE;
	if (kind == TCP_KIND_SACK_OK && opt_len == 2 && is_syn)
		return TCP_OPT_SACK_OK;
	if (kind == TCP_KIND_SACK && !is_syn && opt_len > 2 && opt_len < 40 && opt_len % 8 == 2)
		return TCP_OPT_SACK;
	if (kind == TCP_KIND_FASTOPEN && is_syn &&
		(opt_len == 2 || (opt_len >= 6 && opt_len <= 18)) && opt_len % 2 == 0)
		return TCP_OPT_FASTOPEN;
	return 0;
}

/* One option of every kind and stated length in a space of len bytes, padded with ends. */
static void
check_kind(unsigned int kind, size_t len, bool is_syn)
{
	for (size_t opt_len = 0; opt_len < 256; opt_len++) {
		uint8_t options[41] = { (uint8_t)kind, (uint8_t)opt_len };
		bool bad = len > 0 && kind > 1 && (len == 1 || opt_len < 2 || opt_len > len);
		unsigned int present = 0;
		struct tcp_opts opts;

		if (kind == TCP_KIND_NOP)
			options[1] = 0;
		else if (!bad && len > 0)
			present = expected_present(kind, opt_len, is_syn);
		opts = parse(options, len, is_syn);
		if (opts.present != present || opts.bad != bad)
			fail_msg("kind %u length %zu of %zu, syn %d: present %#x bad %d", kind,
				opt_len, len, is_syn, opts.present, opts.bad);
	}
}

static void
every_kind_and_length_is_survived_at_every_room(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < 256; kind++) {
		for (size_t len = 0; len <= 41; len++) {
			check_kind(kind, len, false);
			check_kind(kind, len, true);
		}
	}
}

static void
the_short_way_for_timestamps_equals_the_long_one(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 18);
	for (int i = 0; i < 1000; i++) {
		uint32_t tsval = rng_u32(&rng);
		uint32_t tsecr = rng_u32(&rng);
		uint8_t buf[TCP_OPTS_TS_LEN];
		struct tcp_opts fast = { 0 };
		struct tcp_opts slow = { 0 };

		tcp_encode_ts(buf, tsval, tsecr);
		tcp_parse_options(buf, sizeof(buf), false, &fast);
		tcp_parse_options_any(buf, sizeof(buf), false, &slow);
		assert_memory_equal(&fast, &slow, sizeof(fast));
		assert_int_equal(fast.tsval, tsval);
		assert_int_equal(fast.tsecr, tsecr);
	}
}

static void
options_are_laid_out_as_linux_does(void **state)
{
	enum {
		MSS = TCP_OPT_MSS,
		WS = TCP_OPT_WSCALE,
		OK = TCP_OPT_SACK_OK,
		TS = TCP_OPT_TS,
		SACK = TCP_OPT_SACK,
		TFO = TCP_OPT_FASTOPEN
	};
	static const struct {
		uint8_t present;
		uint8_t nsack;
		uint8_t fastopen_len;
		uint8_t len;
		uint8_t bytes[40];
	} rows[] = {
		{ 0, 0, 0, 0, { 0 } }, { MSS, 0, 0, 4, { MSS_1460 } },
		{ MSS | OK | TS | WS, 0, 0, 20, { MSS_1460, SACK_OK, TS_1_2, 1, WSCALE_7 } },
		{ MSS | OK | TS, 0, 0, 16, { MSS_1460, SACK_OK, TS_1_2 } },
		{ MSS | TS | WS, 0, 0, 20, { MSS_1460, 1, 1, TS_1_2, 1, WSCALE_7 } },
		{ MSS | OK | WS, 0, 0, 12, { MSS_1460, 1, 1, SACK_OK, 1, WSCALE_7 } },
		{ MSS | WS, 0, 0, 8, { MSS_1460, 1, WSCALE_7 } },
		{ MSS | OK, 0, 0, 8, { MSS_1460, 1, 1, SACK_OK } },
		{ MSS | TFO, 0, 0, 8, { MSS_1460, 34, 2, 1, 1 } },
		{ MSS | OK | TS | WS | TFO, 0, 8, 32,
			{ MSS_1460, SACK_OK, TS_1_2, 1, WSCALE_7, 34, 10, 1, 2, 3, 4, 5, 6, 7, 8, 1,
				1 } },
		{ MSS | OK | TS | WS | TFO, 0, 16, 40,
			{ MSS_1460, SACK_OK, TS_1_2, 1, WSCALE_7, 34, 18, 1, 2, 3, 4, 5, 6, 7, 8, 9,
				10, 11, 12, 13, 14, 15, 16, 1, 1 } },
		{ TS, 0, 0, 12, { 1, 1, TS_1_2 } },
		{ SACK, 1, 0, 12, { 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2 } },
		{ TS | SACK, 1, 0, 24, { 1, 1, TS_1_2, 1, 1, 5, 10, 0, 0, 0, 1, 0, 0, 0, 2 } },
		{ TS | SACK, 4, 0, 40,
			{ 1, 1, TS_1_2, 1, 1, 5, 26, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4,
				0, 0, 0, 5, 0, 0, 0, 6 } }, /* only three fit */
		{ SACK, 0, 0, 0, { 0 } },
		{ TS | SACK | TFO, 3, 4, 40,
			{ 1, 1, TS_1_2, 1, 1, 5, 26, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 4,
				0, 0, 0, 5, 0, 0, 0, 6 } }, /* no room for the cookie */
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tcp_opts opts = {
			.present = rows[i].present,
			.mss = 1460,
			.wscale = 7,
			.tsval = 1,
			.tsecr = 2,
			.nsack = rows[i].nsack,
			.sack = { { 1, 2 }, { 3, 4 }, { 5, 6 }, { 7, 8 } },
			.fastopen_len = rows[i].fastopen_len,
			.fastopen = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 },
		};
		uint8_t *buf = malloc(TCP_OPTS_LEN_MAX);

		if (tcp_encode_options(buf, &opts) != rows[i].len ||
			memcmp(buf, rows[i].bytes, rows[i].len) != 0)
			fail_msg("row %zu", i);
		assert_int_equal(tcp_options_len(&opts), rows[i].len);
		free(buf);
	}
}

static void
checksums_are_made_and_verified_for_both_versions(void **state)
{
	struct ip_addr addrs[2][2] = {
		{ ip_addr_from_v4(0x0a000001), ip_addr_from_v4(0x0a000002) },
		{ { { 0x20, 0x01, [15] = 1 } }, { { 0x20, 0x01, [15] = 2 } } },
	};

	(void)state;
	for (size_t version = 0; version < 2; version++) {
		for (size_t len = TCP_HDR_LEN; len <= 120; len++) {
			uint64_t pseudo = pseudo_csum(&addrs[version][0], &addrs[version][1],
				IP_PROTO_TCP, (uint32_t)len);
			uint8_t seg[120];

			for (size_t i = 0; i < len; i++)
				seg[i] = (uint8_t)(i * 7 + 1);
			tcp_fill_csum(seg, len, pseudo);
			assert_true(tcp_csum_ok(seg, len, pseudo));
			seg[len - 1] ^= 0x10;
			assert_false(tcp_csum_ok(seg, len, pseudo));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_data_offset_meets_every_length),
		cmocka_unit_test(an_encoded_header_decodes_to_the_same),
		cmocka_unit_test(flags_stand_where_the_rfc_puts_them),
		cmocka_unit_test(options_of_a_syn_are_taken),
		cmocka_unit_test(options_of_a_syn_are_ignored_elsewhere),
		cmocka_unit_test(a_window_scale_above_14_is_clamped),
		cmocka_unit_test(sack_blocks_are_taken_by_their_count),
		cmocka_unit_test(a_fast_open_cookie_is_taken_at_its_lawful_lengths),
		cmocka_unit_test(layouts_odd_but_lawful_are_read),
		cmocka_unit_test(every_kind_and_length_is_survived_at_every_room),
		cmocka_unit_test(the_short_way_for_timestamps_equals_the_long_one),
		cmocka_unit_test(options_are_laid_out_as_linux_does),
		cmocka_unit_test(checksums_are_made_and_verified_for_both_versions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
