/* SPDX-License-Identifier: BSD-3-Clause */
/* What each ICMP error means to TCP: every type and code of both versions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "wire/icmp_report.h"

static struct icmp_quote
quote_of(bool is_v4)
{
	struct icmp_quote quote = { .seq = 77, .total_len = 1500, .proto = IP_PROTO_TCP };

	quote.src = quote.dst = (struct ip_addr){ { 0x20, 1 } };
	if (is_v4)
		quote.src = quote.dst = ip_addr_from_v4(0x0a000001);
	return quote;
}

static void
errors_have_their_meaning(void **state)
{
	static const struct {
		bool is_v4;
		uint8_t type, code;
		int err;
		enum icmp_report_kind kind;
	} rows[] = {
		{ true, 3, 0, ENETUNREACH, ICMP_REPORT_SOFT },
		{ true, 3, 1, EHOSTUNREACH, ICMP_REPORT_SOFT },
		{ true, 3, 2, ENOPROTOOPT, ICMP_REPORT_HARD },
		{ true, 3, 3, ECONNREFUSED, ICMP_REPORT_HARD },
		{ true, 3, 4, EMSGSIZE, ICMP_REPORT_TOO_BIG },
		{ true, 3, 5, EOPNOTSUPP, ICMP_REPORT_SOFT },
		{ true, 3, 6, ENETUNREACH, ICMP_REPORT_HARD },
		{ true, 3, 7, EHOSTDOWN, ICMP_REPORT_HARD },
		{ true, 3, 8, ENONET, ICMP_REPORT_HARD },
		{ true, 3, 13, EHOSTUNREACH, ICMP_REPORT_HARD },
		{ true, 3, 14, EHOSTUNREACH, ICMP_REPORT_HARD },
		{ true, 3, 15, EHOSTUNREACH, ICMP_REPORT_HARD },
		{ true, 3, 16, EHOSTUNREACH, ICMP_REPORT_SOFT },
		{ true, 3, 255, EHOSTUNREACH, ICMP_REPORT_SOFT },
		{ true, 11, 0, EHOSTUNREACH, ICMP_REPORT_SOFT },
		{ true, 12, 0, EPROTO, ICMP_REPORT_SOFT },
		{ false, 1, 0, ENETUNREACH, ICMP_REPORT_SOFT },
		{ false, 1, 1, EACCES, ICMP_REPORT_HARD },
		{ false, 1, 3, EHOSTUNREACH, ICMP_REPORT_SOFT },
		{ false, 1, 4, ECONNREFUSED, ICMP_REPORT_HARD },
		{ false, 1, 200, EHOSTUNREACH, ICMP_REPORT_SOFT },
		{ false, 2, 0, EMSGSIZE, ICMP_REPORT_TOO_BIG },
		{ false, 3, 1, EHOSTUNREACH, ICMP_REPORT_SOFT },
		{ false, 4, 1, EPROTO, ICMP_REPORT_SOFT },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct icmp_quote quote = quote_of(rows[i].is_v4);
		struct icmp_msg msg = { .type = rows[i].type, .code = rows[i].code, .rest = 1400 };
		struct icmp_report out;

		assert_true(icmp_report_make(&msg, &quote, &out));
		if (out.err != rows[i].err || out.kind != rows[i].kind)
			fail_msg("row %zu: err %d kind %u", i, out.err, out.kind);
		assert_int_equal(out.seq, 77);
		assert_int_equal(out.mtu, 1400);
		assert_int_equal(out.quoted_len, 1500);
	}
}

static void
nothing_else_is_a_report(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 512; type++) {
		bool is_v4 = type < 256;
		struct icmp_quote quote = quote_of(is_v4);
		struct icmp_msg msg = { .type = (uint8_t)type };
		struct icmp_report out;
		unsigned int t = type % 256;
		bool is_error = is_v4 ? t == 3 || t == 11 || t == 12 : t >= 1 && t <= 4;

		assert_int_equal(icmp_report_make(&msg, &quote, &out), is_error);
		quote.proto = IP_PROTO_UDP;
		assert_false(icmp_report_make(&msg, &quote, &out));
	}
}

static void
an_mtu_beyond_sixteen_bits_is_not_cut_to_a_small_one(void **state)
{
	struct icmp_quote quote = quote_of(false);
	struct icmp_msg msg = { .type = ICMP6_TOO_BIG, .rest = 0x10000 };
	struct icmp_report out;

	(void)state;
	assert_true(icmp_report_make(&msg, &quote, &out));
	assert_int_equal(out.mtu, 65535);
	/* IPv4: the upper half is unused (RFC 1191 s4). */
	quote = quote_of(true);
	msg = (struct icmp_msg){ .type = 3, .code = 4, .rest = 0xffff0578 };
	assert_true(icmp_report_make(&msg, &quote, &out));
	assert_int_equal(out.mtu, 1400);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_have_their_meaning),
		cmocka_unit_test(nothing_else_is_a_report),
		cmocka_unit_test(an_mtu_beyond_sixteen_bits_is_not_cut_to_a_small_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
