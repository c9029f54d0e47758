/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP options in any layout, read and written. */
#include "wire/tcp.h"

#include "base/assert.h"

/* Lengths of the options, kind and length bytes included. */
#define LEN_MSS 4
#define LEN_WSCALE 3
#define LEN_SACK_OK 2
#define LEN_TS 10
#define LEN_SACK_BLOCK 8

static void
take_fastopen(const uint8_t *cookie, size_t len, struct tcp_opts *out)
{
	/* RFC 7413 s4.1.1: even, 4 to 16, or none to ask for one; other lengths are ignored. */
	if (len != 0 && (len % 2 != 0 || len < TCP_FASTOPEN_LEN_MIN || len > TCP_FASTOPEN_LEN_MAX))
		return;
	out->present |= TCP_OPT_FASTOPEN;
	out->fastopen_len = (uint8_t)len;
	memcpy(out->fastopen, cookie, len);
}

static void
take_syn_option(const uint8_t *p, size_t len, struct tcp_opts *out)
{
	if (p[0] == TCP_KIND_MSS && len == LEN_MSS) {
		out->present |= TCP_OPT_MSS;
		out->mss = load_be16(p + 2);
	} else if (p[0] == TCP_KIND_WSCALE && len == LEN_WSCALE) {
		out->present |= TCP_OPT_WSCALE;
		out->wscale_clamped = p[2] > TCP_WSCALE_MAX;
		out->wscale = out->wscale_clamped ? TCP_WSCALE_MAX : p[2];
	} else if (p[0] == TCP_KIND_SACK_OK && len == LEN_SACK_OK) {
		out->present |= TCP_OPT_SACK_OK;
	} else if (p[0] == TCP_KIND_FASTOPEN) {
		take_fastopen(p + 2, len - 2, out);
	}
}

static void
take_sack(const uint8_t *blocks, size_t len, struct tcp_opts *out)
{
	size_t count = len / LEN_SACK_BLOCK;

	if (len % LEN_SACK_BLOCK != 0 || count == 0 || count > TCP_SACK_BLOCKS_MAX)
		return;
	out->present |= TCP_OPT_SACK;
	out->nsack = (uint8_t)count;
	for (size_t i = 0; i < count; i++) {
		out->sack[i][0] = load_be32(blocks + LEN_SACK_BLOCK * i);
		out->sack[i][1] = load_be32(blocks + LEN_SACK_BLOCK * i + 4);
	}
}

static void
take_option(const uint8_t *p, size_t len, bool is_syn, struct tcp_opts *out)
{
	if (p[0] == TCP_KIND_TS && len == LEN_TS) {
		out->present |= TCP_OPT_TS;
		out->tsval = load_be32(p + 2);
		out->tsecr = load_be32(p + 6);
	} else if (is_syn) {
		take_syn_option(p, len, out);
	} else if (p[0] == TCP_KIND_SACK) {
		take_sack(p + 2, len - 2, out);
	}
}

void
tcp_parse_options_any(const uint8_t *p, size_t len, bool is_syn, struct tcp_opts *out)
{
	size_t i = 0;

	while (i < len && p[i] != TCP_KIND_EOL) {
		size_t opt_len;

		if (p[i] == TCP_KIND_NOP) {
			i++;
			continue;
		}
		/* One byte left counts as a length of 0. */
		opt_len = len - i < 2 ? 0 : p[i + 1];
		if (opt_len < 2 || opt_len > len - i) {
			out->bad = true;
			return;
		}
		take_option(p + i, opt_len, is_syn, out);
		i += opt_len;
	}
}

/* What of some options fits, and how long it all is. */
struct opts_plan {
	size_t len_bytes;
	size_t nsack;
	bool fastopen;
};

static struct opts_plan
plan_options(const struct tcp_opts *opts)
{
	struct opts_plan plan = { 0 };
	size_t room;

	if (opts->present & TCP_OPT_MSS)
		plan.len_bytes += LEN_MSS;
	if (opts->present & TCP_OPT_TS)
		plan.len_bytes += TCP_OPTS_TS_LEN;
	else if (opts->present & TCP_OPT_SACK_OK)
		plan.len_bytes += 4;
	if (opts->present & TCP_OPT_WSCALE)
		plan.len_bytes += 4;
	room = TCP_OPTS_LEN_MAX - plan.len_bytes;
	if (opts->present & TCP_OPT_SACK) {
		plan.nsack = min_size(opts->nsack, (room - 4) / LEN_SACK_BLOCK);
		if (plan.nsack > 0)
			plan.len_bytes += 4 + plan.nsack * LEN_SACK_BLOCK;
	}
	if (opts->present & TCP_OPT_FASTOPEN) {
		size_t len_bytes = (2 + (size_t)opts->fastopen_len + 3) & ~(size_t)3;

		plan.fastopen = plan.len_bytes + len_bytes <= TCP_OPTS_LEN_MAX;
		plan.len_bytes += plan.fastopen ? len_bytes : 0;
	}
	return plan;
}

size_t
tcp_options_len(const struct tcp_opts *opts)
{
	return plan_options(opts).len_bytes;
}

/* Two nops (or what stands for them) and the start of an option, in one word. */
static uint8_t *
put_kind(uint8_t *p, uint32_t lead, uint32_t kind, size_t len)
{
	store_be32(p, lead << 16 | kind << 8 | (uint32_t)len);
	return p + 4;
}

static uint8_t *
put_sack(uint8_t *p, const struct tcp_opts *opts, size_t count)
{
	p = put_kind(p, 0x0101, TCP_KIND_SACK, 2 + count * LEN_SACK_BLOCK);
	for (size_t i = 0; i < count; i++) {
		store_be32(p, opts->sack[i][0]);
		store_be32(p + 4, opts->sack[i][1]);
		p += LEN_SACK_BLOCK;
	}
	return p;
}

static uint8_t *
put_fastopen(uint8_t *p, const struct tcp_opts *opts)
{
	size_t len = 2 + (size_t)opts->fastopen_len;

	p[0] = TCP_KIND_FASTOPEN;
	p[1] = (uint8_t)len;
	memcpy(p + 2, opts->fastopen, opts->fastopen_len);
	for (; len % 4 != 0; len++)
		p[len] = TCP_KIND_NOP;
	return p + len;
}

size_t
tcp_encode_options(uint8_t *buf, const struct tcp_opts *opts)
{
	struct opts_plan plan = plan_options(opts);
	uint8_t *p = buf;

	ASSERT(!(opts->present & TCP_OPT_SACK) || opts->nsack <= TCP_SACK_BLOCKS_MAX);
	ASSERT(!(opts->present & TCP_OPT_FASTOPEN) || opts->fastopen_len <= TCP_FASTOPEN_LEN_MAX);
	if (opts->present & TCP_OPT_MSS) {
		store_be32(p, TCP_KIND_MSS << 24 | LEN_MSS << 16 | (uint32_t)opts->mss);
		p += 4;
	}
	if (opts->present & TCP_OPT_TS) {
		/* SACK-permitted takes the place of the two nops. */
		bool sack_ok = (opts->present & TCP_OPT_SACK_OK) != 0;

		p = put_kind(p, sack_ok ? 0x0402 : 0x0101, TCP_KIND_TS, LEN_TS);
		store_be32(p, opts->tsval);
		store_be32(p + 4, opts->tsecr);
		p += 8;
	} else if (opts->present & TCP_OPT_SACK_OK) {
		p = put_kind(p, 0x0101, TCP_KIND_SACK_OK, LEN_SACK_OK);
	}
	if (opts->present & TCP_OPT_WSCALE) {
		store_be32(p, TCP_KIND_NOP << 24 | TCP_KIND_WSCALE << 16 | LEN_WSCALE << 8 |
				      opts->wscale);
		p += 4;
	}
	if (plan.nsack > 0)
		p = put_sack(p, opts, plan.nsack);
	if (plan.fastopen)
		p = put_fastopen(p, opts);
	ASSERT((size_t)(p - buf) == plan.len_bytes);
	return plan.len_bytes;
}
