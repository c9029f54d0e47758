/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of load tests, read by the stack's own parsers and taken by its engine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "appliance/secrets.h"
#include "craft.h"
#include "lib/tcp_bed.h"
#include "wire/eth.h"
#include "wire/ip4.h"
#include "wire/ip6.h"

#define FRAMES 20000u

static struct craft_params
params(enum craft_kind kind, bool v4)
{
	static const struct ip_addr six = { { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } };

	return (struct craft_params){
		.kind = kind,
		.seed = 7,
		.dst_mac = { { 2, 0, 0, 0, 0, 1 } },
		.src_mac = { { 2, 0, 0, 0, 0, 2 } },
		.target = v4 ? ip_addr_from_v4(0x0a000001) : six,
		.port = 80,
		.laddr_idx = v4 ? 0 : 1,
		.flows = 100,
		.payload = 64,
		.cookie_key = { { 5, 6 } },
	};
}

/* What a frame turned out to be. */
struct decoded {
	struct ip_addr src;
	uint16_t frag_off;
	bool is_fragment, more, csum_ok;
	struct tcp_seg seg;
};

static void
decode_ip(const uint8_t *p, size_t len, bool v4, struct decoded *d, uint8_t *proto, uint16_t *at)
{
	if (v4) {
		struct ip4_hdr h;

		assert_int_equal(ip4_parse(p, len, false, &h), IP4_OK);
		assert_int_equal(h.total_len, len);
		assert_int_equal(h.dst, 0x0a000001);
		d->src = ip_addr_from_v4(h.src);
		d->is_fragment = ip4_is_fragment(&h);
		d->frag_off = h.frag_off;
		d->more = h.mf;
		*proto = h.proto;
		*at = h.hdr_len;
	} else {
		struct ip6_upper up;
		struct ip6_hdr h;

		assert_int_equal(ip6_parse(p, len, &h), IP6_OK);
		assert_int_equal(h.payload_len + IP6_HDR_LEN, len);
		assert_int_equal(ip6_walk(p, len, h.next_header, &up), IP6_OK);
		d->src = h.src;
		d->is_fragment = up.is_fragment;
		d->frag_off = up.frag_off;
		d->more = up.frag_more;
		*proto = up.proto;
		*at = up.offset;
	}
}

static void
decode_tcp(const uint8_t *p, uint16_t len, const struct craft_params *par, struct decoded *d)
{
	struct tcp_hdr h = { 0 };

	assert_int_equal(tcp_parse_header(p, len, &h), TCP_HDR_OK);
	assert_int_equal(h.dport, par->port);
	assert_true(h.sport >= 1024);
	d->csum_ok = tcp_csum_ok(p, len, pseudo_csum(&d->src, &par->target, IP_PROTO_TCP, len));
	d->seg = (struct tcp_seg){
		.key = flow_key_make(&d->src, h.sport, par->laddr_idx, h.dport),
		.seq = h.seq,
		.ack = h.ack,
		.wnd = h.wnd,
		.len = (uint16_t)(len - h.hdr_len),
		.flags = h.flags,
	};
	tcp_parse_options(
		p + TCP_HDR_LEN, h.hdr_len - TCP_HDR_LEN, (h.flags & TCP_SYN) != 0, &d->seg.opts);
	assert_false(d->seg.opts.bad);
}

static struct decoded
decode(const struct craft_params *par, uint64_t i)
{
	bool v4 = ip_addr_is_v4(&par->target);
	uint8_t b[CRAFT_FRAME_MAX];
	struct decoded d = { .csum_ok = false };
	uint16_t len = craft_frame(b, par, i);
	struct eth_hdr eth;
	uint16_t at;
	uint8_t proto;

	assert_true(len <= CRAFT_FRAME_MAX);
	assert_int_equal(eth_parse(b, len, &eth), ETH_OK);
	assert_int_equal(eth.type, v4 ? ETH_TYPE_IP4 : ETH_TYPE_IP6);
	assert_true(mac_addr_equal(&eth.dst, &par->dst_mac));
	decode_ip(b + eth.hdr_len, (size_t)len - eth.hdr_len, v4, &d, &proto, &at);
	assert_int_equal(proto, IP_PROTO_TCP);
	assert_false(ip_addr_is_martian_source(&d.src));
	assert_false(ip_addr_equal(&d.src, &par->target));
	if (!d.is_fragment)
		decode_tcp(b + eth.hdr_len + at, (uint16_t)(len - eth.hdr_len - at), par, &d);
	return d;
}

static void
every_kind_is_what_it_says_over_both_versions_of_ip(void **state)
{
	static const struct {
		enum craft_kind kind;
		uint16_t flags;
		bool csum_ok;
	} rows[] = {
		{ CRAFT_SYN, TCP_SYN, true },
		{ CRAFT_ACK_RANDOM, TCP_ACK, true },
		{ CRAFT_RST, TCP_RST, true },
		{ CRAFT_FIN, TCP_FIN | TCP_ACK, true },
		{ CRAFT_BAD_CSUM, TCP_SYN, false },
	};

	(void)state;
	for (size_t row = 0; row < 2 * ARRAY_SIZE(rows); row++) {
		struct craft_params par = params(rows[row / 2].kind, row % 2 == 0);

		for (unsigned int i = 0; i < FRAMES; i++) {
			struct decoded d = decode(&par, i);
			bool is_primer = par.kind == CRAFT_ACK_RANDOM && i < CRAFT_PRIMERS;
			uint16_t flags = is_primer ? TCP_SYN : rows[row / 2].flags;

			if (d.is_fragment || d.seg.flags != flags ||
				d.csum_ok != rows[row / 2].csum_ok)
				fail_msg("row %zu, frame %u", row, i);
		}
	}
}

static void
fragments_stay_incomplete(void **state)
{
	(void)state;
	for (unsigned int v4 = 0; v4 < 2; v4++) {
		struct craft_params par = params(CRAFT_FRAG, v4 == 1);
		unsigned int first = 0;

		for (unsigned int i = 0; i < FRAMES; i++) {
			struct decoded d = decode(&par, i);

			assert_true(d.is_fragment && d.more);
			first += d.frag_off == 0;
		}
		assert_in_range(first, FRAMES / 3, FRAMES * 2 / 3);
	}
}

static int
compare_words(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(uint64_t));
}

static void
no_two_clients_are_alike(void **state)
{
	static uint64_t tuples[FRAMES];
	struct craft_params par = params(CRAFT_SYN, true);
	unsigned int networks[256] = { 0 }, used = 0;

	(void)state;
	for (unsigned int i = 0; i < FRAMES; i++) {
		struct decoded d = decode(&par, i);

		tuples[i] = (uint64_t)ip_addr_v4(&d.src) << 16 | d.seg.key.rport;
		networks[d.src.b[12]]++;
	}
	qsort(tuples, FRAMES, sizeof(tuples[0]), compare_words);
	for (unsigned int i = 1; i < FRAMES; i++)
		assert_true(tuples[i] != tuples[i - 1]);
	for (unsigned int i = 0; i < 256; i++)
		used += networks[i] > 0;
	assert_int_equal(used, 222);
}

static void
options_are_those_that_real_clients_send(void **state)
{
	struct craft_params par = params(CRAFT_SYN, true);
	unsigned int seen[64] = { 0 };

	(void)state;
	for (unsigned int i = 0; i < FRAMES; i++) {
		struct decoded d = decode(&par, i);

		seen[d.seg.opts.present]++;
		if (d.seg.opts.present & TCP_OPT_MSS)
			assert_in_range(d.seg.opts.mss, 1380, 1460);
		if (d.seg.opts.present & TCP_OPT_WSCALE)
			assert_in_range(d.seg.opts.wscale, 6, 8);
	}
	assert_in_range(seen[TCP_OPTS_SYN], FRAMES / 2, FRAMES * 3 / 4);
	assert_in_range(seen[TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK], FRAMES / 5,
		FRAMES * 3 / 10);
	assert_true(seen[TCP_OPT_MSS] > 0);
	assert_true(seen[0] > 0);
}

static void
sources_keep_to_their_prefix(void **state)
{
	static const char *const rows[] = { "198.18.0.0/15", "10.0.0.0/30", "192.0.2.9/32",
		"192.0.2.8/31", "2001:db8:1::/48", "2001:db8::77/128" };

	(void)state;
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		struct ip_prefix prefix;
		struct craft_params par;

		assert_int_equal(ip_prefix_parse(&prefix, rows[row], strlen(rows[row])), 0);
		par = params(CRAFT_SYN, ip_addr_is_v4(&prefix.addr));
		par.sources = prefix;
		for (unsigned int i = 0; i < 1000; i++) {
			struct decoded d = decode(&par, i);

			if (!ip_prefix_match(&prefix, &d.src) ||
				ip_prefix_is_broadcast(&prefix, &d.src))
				fail_msg("row %zu, frame %u", row, i);
		}
	}
}

static void
the_same_seed_makes_the_same_frames_and_another_one_others(void **state)
{
	uint8_t a[CRAFT_FRAME_MAX], b[CRAFT_FRAME_MAX];

	(void)state;
	for (unsigned int kind = 0; kind < CRAFT_KINDS; kind++) {
		struct craft_params par = params((enum craft_kind)kind, true);
		uint16_t len = craft_frame(a, &par, 1000);

		assert_int_equal(craft_frame(b, &par, 1000), len);
		assert_memory_equal(a, b, len);
		par.seed++;
		assert_true(craft_frame(b, &par, 1000) != len || memcmp(a, b, len) != 0);
	}
}

/* The bed's key of index 0 is { 5, 6 }, and it stays. */
static void
start_appliance(struct tcp_bed *bed)
{
	tcp_bed_prepare(bed);
	bed->par.cookie_keys_stay = true;
	bed->par.conns_max = 1024;
	bed->tun.tcp_syncookies = 2;
	tcp_bed_start(bed);
	tcp_bed_listen(bed, 4096);
}

static enum outcome
give(struct tcp_bed *bed, const struct decoded *d)
{
	enum outcome got = tcp_bed_input(bed, &d->seg, 1);

	tcp_bed_flush(bed);
	(void)tcp_bed_discard(bed);
	return got;
}

static void
forged_cookies_open_connections_days_later_too(void **state)
{
	for (unsigned int v4 = 0; v4 < 2; v4++) {
		struct craft_params par = params(CRAFT_ACK_VALID, v4 == 1);
		static struct tcp_bed bed;
		struct decoded d;

		(void)state;
		start_appliance(&bed);
		tcp_bed_advance(&bed, 2 * 86400000ull);
		for (unsigned int i = 0; i < CRAFT_PRIMERS + 200; i++) {
			d = decode(&par, i);
			if (give(&bed, &d) !=
				(i < CRAFT_PRIMERS ? OUT_SYN_COOKIE_SENT : OUT_COOKIE_ACCEPTED))
				fail_msg("version %u, frame %u", v4, i);
		}
		assert_int_equal(tcp_conn_count(bed.stack), 200);
		par.cookie_key.k[0] ^= 1;
		d = decode(&par, CRAFT_PRIMERS + 200);
		assert_int_equal(give(&bed, &d), OUT_COOKIE_INVALID);
		tcp_abort_all(bed.stack, &bed.env);
		tcp_bed_fini(&bed);
	}
}

static void
data_follows_the_flows_it_belongs_to(void **state)
{
	struct craft_params par = params(CRAFT_DATA, true);
	static struct tcp_bed bed;

	(void)state;
	start_appliance(&bed);
	for (unsigned int i = 0; i < CRAFT_PRIMERS + 5 * par.flows; i++) {
		struct decoded d = decode(&par, i);
		enum outcome want = OUT_DELIVERED;

		if (i < CRAFT_PRIMERS)
			want = OUT_SYN_COOKIE_SENT;
		else if (i < CRAFT_PRIMERS + par.flows)
			want = OUT_COOKIE_ACCEPTED;

		assert_int_equal(d.seg.len, want == OUT_DELIVERED ? 64 : 0);
		if (give(&bed, &d) != want)
			fail_msg("frame %u", i);
	}
	tcp_abort_all(bed.stack, &bed.env);
	tcp_bed_fini(&bed);
}

static void
only_a_test_secret_is_read(void **state)
{
	static const struct {
		const char *text;
		uint64_t from; /* 0: refused */
	} rows[] = {
		{ "sluice-test-secret 00000000000000ff\n", 255 },
		{ "sluice-test-secret 0123456789abcdef", 0x0123456789abcdefull },
		{ "", 0 },
		{ "0123456789abcdef\n", 0 },
		{ "sluice-test-secret 0000000000000000\n", 0 },
		{ "sluice-test-secret 0123456789abcde\n", 0 },
		{ "sluice-test-secret 0123456789abcdef0\n", 0 },
		{ "sluice-test-secret 0123456789abcdeF\n", 0 },
		{ "sluice-test-secret 0123456789abcdef\nmore\n", 0 },
		{ "sluice-secret 0123456789abcdef\n", 0 },
	};
	char path[] = "/tmp/sluice-secret-XXXXXX";
	int fd = mkstemp(path);
	FILE *err = tmpfile();
	uint64_t from;

	(void)state;
	assert_true(fd >= 0);
	assert_non_null(err);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		FILE *file = fopen(path, "w");

		assert_non_null(file);
		fputs(rows[i].text, file);
		assert_int_equal(fclose(file), 0);
		from = 0;
		if ((test_secret_read(path, &from, err) == 0) != (rows[i].from != 0) ||
			(rows[i].from != 0 && from != rows[i].from))
			fail_msg("row %zu", i);
	}
	assert_int_equal(remove(path), 0);
	assert_int_not_equal(test_secret_read(path, &from, err), 0);
	assert_int_equal(fclose(err), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_is_what_it_says_over_both_versions_of_ip),
		cmocka_unit_test(fragments_stay_incomplete),
		cmocka_unit_test(no_two_clients_are_alike),
		cmocka_unit_test(options_are_those_that_real_clients_send),
		cmocka_unit_test(sources_keep_to_their_prefix),
		cmocka_unit_test(the_same_seed_makes_the_same_frames_and_another_one_others),
		cmocka_unit_test(forged_cookies_open_connections_days_later_too),
		cmocka_unit_test(data_follows_the_flows_it_belongs_to),
		cmocka_unit_test(only_a_test_secret_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
