/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP headers and options: bounds, the short way equals the long one, options survive encoding. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/exact.h"
#include "wire/tcp.h"

/* Fields that count, for comparison: what is not present is left out. */
static struct tcp_opts
canonical(const struct tcp_opts *opts)
{
	struct tcp_opts out;

	memset(&out, 0, sizeof(out));
	out.present = opts->present;
	if (opts->present & TCP_OPT_MSS)
		out.mss = opts->mss;
	if (opts->present & TCP_OPT_WSCALE)
		out.wscale = opts->wscale;
	if (opts->present & TCP_OPT_TS) {
		out.tsval = opts->tsval;
		out.tsecr = opts->tsecr;
	}
	if (opts->present & TCP_OPT_SACK) {
		out.nsack = opts->nsack;
		memcpy(out.sack, opts->sack, sizeof(opts->sack[0]) * opts->nsack);
	}
	if (opts->present & TCP_OPT_FASTOPEN) {
		out.fastopen_len = opts->fastopen_len;
		memcpy(out.fastopen, opts->fastopen, opts->fastopen_len);
	}
	return out;
}

static void
check_fields(const struct tcp_opts *opts, bool is_syn)
{
	const unsigned int syn_only =
		TCP_OPT_MSS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK | TCP_OPT_FASTOPEN;

	FUZZ_CHECK((opts->present & (is_syn ? (unsigned int)TCP_OPT_SACK : syn_only)) == 0);
	if (opts->present & TCP_OPT_WSCALE)
		FUZZ_CHECK(opts->wscale <= TCP_WSCALE_MAX);
	if (opts->present & TCP_OPT_SACK)
		FUZZ_CHECK(opts->nsack >= 1 && opts->nsack <= TCP_SACK_BLOCKS_MAX);
	if (opts->present & TCP_OPT_FASTOPEN)
		FUZZ_CHECK(opts->fastopen_len <= TCP_FASTOPEN_LEN_MAX);
}

static void
check_options(const uint8_t *data, size_t len, bool is_syn)
{
	uint8_t *exact = exact_copy(data, len);
	uint8_t buf[TCP_OPTS_LEN_MAX];
	struct tcp_opts opts;
	struct tcp_opts other;
	struct tcp_opts a;
	struct tcp_opts b;
	size_t encoded_len;

	tcp_parse_options(exact, len, is_syn, &opts);
	check_fields(&opts, is_syn);
	a = canonical(&opts);

	memset(&other, 0, sizeof(other));
	tcp_parse_options_any(exact, len, is_syn, &other);
	b = canonical(&other);
	FUZZ_CHECK(memcmp(&a, &b, sizeof(a)) == 0);
	FUZZ_CHECK(opts.bad == other.bad);

	encoded_len = tcp_encode_options(buf, &opts);
	FUZZ_CHECK(encoded_len == tcp_options_len(&opts));
	FUZZ_CHECK(encoded_len <= TCP_OPTS_LEN_MAX && encoded_len % 4 == 0);
	tcp_parse_options(buf, encoded_len, is_syn, &other);
	b = canonical(&other);
	FUZZ_CHECK(memcmp(&a, &b, sizeof(a)) == 0);
	FUZZ_CHECK(!other.bad);
	free(exact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = exact_copy(data, size);
	struct tcp_hdr h;

	if (tcp_parse_header(exact, size, &h) == TCP_HDR_OK) {
		uint8_t buf[TCP_HDR_LEN];
		uint8_t expected[TCP_HDR_LEN];

		FUZZ_CHECK(h.hdr_len >= TCP_HDR_LEN && h.hdr_len <= TCP_HDR_LEN_MAX);
		FUZZ_CHECK(h.hdr_len <= size);
		/* Reserved bits are not kept, the checksum is left to do. */
		memcpy(expected, exact, sizeof(expected));
		expected[12] &= 0xf1;
		memset(expected + TCP_CSUM_OFFSET, 0, 2);
		tcp_encode_header(buf, &h);
		FUZZ_CHECK(memcmp(buf, expected, sizeof(buf)) == 0);
		check_options(exact + TCP_HDR_LEN, h.hdr_len - (size_t)TCP_HDR_LEN, true);
		check_options(exact + TCP_HDR_LEN, h.hdr_len - (size_t)TCP_HDR_LEN, false);
	}
	free(exact);
	return 0;
}
