/* SPDX-License-Identifier: BSD-3-Clause */
/* TCP headers and options (RFC 9293 s3.1, s3.2). */
#ifndef WIRE_TCP_H
#define WIRE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"
#include "wire/ip4.h"
#include "wire/pseudo.h"

#define TCP_HDR_LEN 20
#define TCP_HDR_LEN_MAX 60
#define TCP_OPTS_LEN_MAX 40
/* The layout nop, nop, timestamps that every segment of most connections carries. */
#define TCP_OPTS_TS_LEN 12
/* Where the checksum lies in the header, for offload. */
#define TCP_CSUM_OFFSET 16

#define TCP_SACK_BLOCKS_MAX 4
/* Largest shift (RFC 7323 s2.3). */
#define TCP_WSCALE_MAX 14
/* Bytes of a Fast Open cookie (RFC 7413 s4.1.1). */
#define TCP_FASTOPEN_LEN_MIN 4
#define TCP_FASTOPEN_LEN_MAX 16

/* Control bits as they stand in tcp_hdr.flags. */
enum tcp_flag {
	TCP_FIN = 0x001,
	TCP_SYN = 0x002,
	TCP_RST = 0x004,
	TCP_PSH = 0x008,
	TCP_ACK = 0x010,
	TCP_URG = 0x020,
	TCP_ECE = 0x040,
	TCP_CWR = 0x080,
	TCP_AE = 0x100, /* accurate ECN (RFC 9768) */
	TCP_FLAGS_ALL = 0x1ff,
};

enum tcp_opt_kind {
	TCP_KIND_EOL = 0,
	TCP_KIND_NOP = 1,
	TCP_KIND_MSS = 2,
	TCP_KIND_WSCALE = 3,
	TCP_KIND_SACK_OK = 4,
	TCP_KIND_SACK = 5,
	TCP_KIND_TS = 8,
	TCP_KIND_FASTOPEN = 34,
};

/* Bits of tcp_opts.present. */
enum tcp_opt {
	TCP_OPT_MSS = 0x01,
	TCP_OPT_WSCALE = 0x02,
	TCP_OPT_SACK_OK = 0x04,
	TCP_OPT_TS = 0x08,
	TCP_OPT_SACK = 0x10,
	TCP_OPT_FASTOPEN = 0x20,
};

enum tcp_hdr_error {
	TCP_HDR_OK,
	TCP_HDR_TRUNCATED, /* fewer bytes than a header */
	TCP_HDR_BAD_OFFSET, /* data offset below 5, or beyond the segment */
};

struct tcp_hdr {
	uint32_t seq;
	uint32_t ack; /* meaningful with TCP_ACK */
	uint16_t sport;
	uint16_t dport;
	uint16_t flags; /* enum tcp_flag */
	uint16_t wnd; /* as sent, not scaled */
	uint16_t urg; /* urgent pointer, meaningful with TCP_URG */
	uint8_t hdr_len; /* bytes, 20..60, options included */
};

/* Received options, or the ones to send. A field counts only if its bit is in present. */
struct tcp_opts {
	uint32_t tsval; /* TCP_OPT_TS */
	uint32_t tsecr; /* TCP_OPT_TS */
	uint16_t mss; /* TCP_OPT_MSS, as received: may be 0 or absurd */
	uint8_t present; /* enum tcp_opt */
	uint8_t wscale; /* TCP_OPT_WSCALE, clamped to 14 */
	bool wscale_clamped; /* received a shift above 14: worth a log line (RFC 7323 s2.3) */
	bool bad; /* an option's length was wrong; those before it stand (RFC 9293 MUST-7) */
	uint8_t nsack; /* TCP_OPT_SACK: blocks, 1..4 */
	uint8_t fastopen_len; /* TCP_OPT_FASTOPEN: bytes of cookie; 0 asks for one */
	uint32_t sack[TCP_SACK_BLOCKS_MAX][2]; /* left and right edge, as received: unchecked */
	uint8_t fastopen[TCP_FASTOPEN_LEN_MAX];
};

/* Decodes the fixed part of the header at p; len is the segment's. On an error *out is unspecified.
 */
static inline enum tcp_hdr_error
tcp_parse_header(const uint8_t *p, size_t len, struct tcp_hdr *out)
{
	uint32_t ports, bits;

	if (len < TCP_HDR_LEN)
		return TCP_HDR_TRUNCATED;
	bits = load_be32(p + 12);
	out->hdr_len = (uint8_t)(bits >> 28 << 2);
	if (out->hdr_len < TCP_HDR_LEN || out->hdr_len > len)
		return TCP_HDR_BAD_OFFSET;
	ports = load_be32(p);
	out->sport = (uint16_t)(ports >> 16);
	out->dport = (uint16_t)ports;
	out->seq = load_be32(p + 4);
	out->ack = load_be32(p + 8);
	out->flags = bits >> 16 & TCP_FLAGS_ALL;
	out->wnd = (uint16_t)bits;
	out->urg = load_be16(p + 18);
	return TCP_HDR_OK;
}

/* The options of most SYNs, in Linux's order: mss, sackOK, timestamps, nop, wscale. */
#define TCP_OPTS_SYN_LEN 20
#define TCP_OPTS_SYN (TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_TS | TCP_OPT_WSCALE)

/* True if these 20 bytes are laid out so, whatever the values. */
static inline bool
tcp_is_linux_syn_options(const uint8_t *p)
{
	return load_be16(p) == 0x0204 && load_be32(p + 4) == 0x0402080a &&
		(load_be32(p + 16) & 0xffffff00) == 0x01030300;
}

/* Out of line: any options, in any layout; use tcp_parse_options(). */
void tcp_parse_options_any(const uint8_t *p, size_t len, bool is_syn, struct tcp_opts *out);

/*
 * Decodes the len bytes of options at p (behind the fixed header, at most 40). MSS,
 * window scale, SACK-permitted and Fast Open count only on a SYN, SACK only off it.
 * Unknown kinds are skipped by their length, known kinds of a wrong length too; of two
 * of a kind the last counts. A length of 0, 1 or beyond the end stops with bad set.
 * Never fails; sack and fastopen are written only as far as they are present.
 */
static inline void
tcp_parse_options(const uint8_t *p, size_t len, bool is_syn, struct tcp_opts *out)
{
	out->present = 0;
	out->wscale_clamped = false;
	out->bad = false;
	if (len == 0)
		return;
	if (len == TCP_OPTS_TS_LEN && load_be32(p) == 0x0101080a) {
		out->present = TCP_OPT_TS;
		out->tsval = load_be32(p + 4);
		out->tsecr = load_be32(p + 8);
		return;
	}
	if (is_syn && len == TCP_OPTS_SYN_LEN && tcp_is_linux_syn_options(p) &&
		p[19] <= TCP_WSCALE_MAX) {
		out->present = TCP_OPTS_SYN;
		out->mss = load_be16(p + 2);
		out->tsval = load_be32(p + 8);
		out->tsecr = load_be32(p + 12);
		out->wscale = p[19];
		return;
	}
	tcp_parse_options_any(p, len, is_syn, out);
}

/* Writes the TCP_HDR_LEN bytes of h to buf with a zero checksum; hdr_len must count the options
 * behind. */
static inline void
tcp_encode_header(uint8_t *buf, const struct tcp_hdr *h)
{
	uint32_t ports = (uint32_t)h->sport << 16 | h->dport;

	store_be64(buf, (uint64_t)ports << 32 | h->seq);
	store_be64(buf + 8, (uint64_t)h->ack << 32 | (uint64_t)(h->hdr_len >> 2) << 28 |
				    (uint64_t)(h->flags & TCP_FLAGS_ALL) << 16 | h->wnd);
	store_be32(buf + 16, h->urg);
}

/* Writes the TCP_OPTS_TS_LEN bytes nop, nop, timestamps. */
static inline void
tcp_encode_ts(uint8_t *buf, uint32_t tsval, uint32_t tsecr)
{
	store_be32(buf, 0x0101080a);
	store_be32(buf + 4, tsval);
	store_be32(buf + 8, tsecr);
}

/*
 * Writes the options in opts->present to buf (room for TCP_OPTS_LEN_MAX) in Linux's
 * order, padded with nops to a multiple of 4; returns the bytes written, at most 40. What does
 * not fit is left out: SACK blocks from the last, then Fast Open.
 *
 *   mss | sackOK,TS or nop,nop,TS or nop,nop,sackOK | nop,wscale | nop,nop,sack | fastopen
 */
size_t tcp_encode_options(uint8_t *buf, const struct tcp_opts *opts);

/* What tcp_encode_options() would return, without writing. */
size_t tcp_options_len(const struct tcp_opts *opts);

/* tcp_encode_options() of exactly TCP_OPTS_SYN: TCP_OPTS_SYN_LEN bytes. */
static inline void
tcp_encode_syn_options(uint8_t *buf, const struct tcp_opts *opts)
{
	store_be32(buf, 0x02040000u | opts->mss);
	store_be32(buf + 4, 0x0402080a);
	store_be32(buf + 8, opts->tsval);
	store_be32(buf + 12, opts->tsecr);
	store_be32(buf + 16, 0x01030300u | opts->wscale);
}

/*
 * The checksum to store in the header of the len bytes of segment at p, whose checksum
 * field is 0; pseudo is pseudo_csum() of it. In memory order: store with memcpy().
 */
static inline uint16_t
tcp_csum(const uint8_t *p, size_t len, uint64_t pseudo)
{
	return csum_finish(csum_partial(p, len, pseudo));
}

/* Stores the checksum of the whole segment in its header. */
static inline void
tcp_fill_csum(uint8_t *p, size_t len, uint64_t pseudo)
{
	uint16_t csum;

	memset(p + TCP_CSUM_OFFSET, 0, sizeof(csum));
	csum = tcp_csum(p, len, pseudo);
	memcpy(p + TCP_CSUM_OFFSET, &csum, sizeof(csum));
}

/* Is the checksum of the segment as received right? */
static inline bool
tcp_csum_ok(const uint8_t *p, size_t len, uint64_t pseudo)
{
	return tcp_csum(p, len, pseudo) == 0;
}

#endif
