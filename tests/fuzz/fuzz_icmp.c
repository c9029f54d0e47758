/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP of both versions: echo in place keeps the checksum right, quotes stay within bounds. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/exact.h"
#include "base/csum.h"
#include "wire/icmp.h"
#include "wire/icmp_report.h"

/* A reply made in place of an echo request must verify as the request did. */
static void
check_echo(uint8_t *p, size_t size, bool is_v6)
{
	struct icmp_msg msg;
	uint16_t csum;

	p[0] = is_v6 ? ICMP6_ECHO_REQUEST : ICMP4_ECHO_REQUEST;
	memset(p + 2, 0, 2);
	csum = csum_finish(csum_partial(p, size, 0));
	memcpy(p + 2, &csum, sizeof(csum));
	FUZZ_CHECK(icmp4_parse(p, size, false, &msg) == ICMP_OK);
	if (is_v6)
		icmp6_echo_to_reply(p);
	else
		icmp4_echo_to_reply(p);
	FUZZ_CHECK(icmp6_parse(p, size, 0, false, &msg) == ICMP_OK);
	FUZZ_CHECK(msg.type == (is_v6 ? ICMP6_ECHO_REPLY : ICMP4_ECHO_REPLY));
}

/* A report says nothing that was not said. */
static void
check_report(const struct icmp_msg *msg, const struct icmp_quote *quote)
{
	struct icmp_report report;

	if (!icmp_report_make(msg, quote, &report))
		return;
	FUZZ_CHECK(quote->proto == IP_PROTO_TCP && report.seq == quote->seq);
	FUZZ_CHECK(report.err > 0 && report.kind <= ICMP_REPORT_TOO_BIG);
	FUZZ_CHECK(report.mtu == UINT16_MAX || report.mtu == (msg->rest & 0xffff));
}

static void
check_quotes(const struct icmp_msg *msg, const uint8_t *p, size_t size)
{
	struct icmp_quote quote;

	if (icmp4_parse_quote(p, size, &quote) == ICMP_OK) {
		FUZZ_CHECK(size >= 28 && quote.total_len >= 28);
		FUZZ_CHECK(ip_addr_is_v4(&quote.src) && ip_addr_is_v4(&quote.dst));
		check_report(msg, &quote);
	}
	if (icmp6_parse_quote(p, size, &quote) == ICMP_OK) {
		FUZZ_CHECK(size >= 48 && quote.total_len >= 48);
		check_report(msg, &quote);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = exact_copy(data, size);
	struct icmp_msg msg;
	enum icmp_error trusting = icmp4_parse(exact, size, true, &msg);
	enum icmp_error checking = icmp4_parse(exact, size, false, &msg);

	FUZZ_CHECK((trusting == ICMP_OK) == (size >= ICMP_HDR_LEN));
	FUZZ_CHECK(checking == trusting || checking == ICMP_BAD_CSUM);
	if (trusting == ICMP_OK) {
		uint8_t *payload = exact_copy(exact + ICMP_HDR_LEN, size - ICMP_HDR_LEN);

		check_quotes(&msg, payload, size - ICMP_HDR_LEN);
		free(payload);
		check_echo(exact, size, false);
		check_echo(exact, size, true);
	}
	free(exact);
	return 0;
}
