/* SPDX-License-Identifier: BSD-3-Clause */
/* A second, independent reading of frames for tests: what the stack sends is judged by this one. */
#ifndef LIB_VIEW_H
#define LIB_VIEW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Nothing here uses the stack's own wire module: an error there must not hide itself. The reader
 * is strict, because what it reads was written by us: any length that does not fit, any wrong
 * checksum and any byte of trailing rubbish makes the frame VIEW_BAD with the reason.
 */

#define VIEW_FIN 0x01u
#define VIEW_SYN 0x02u
#define VIEW_RST 0x04u
#define VIEW_PSH 0x08u
#define VIEW_ACK 0x10u
#define VIEW_URG 0x20u
#define VIEW_ECE 0x40u
#define VIEW_CWR 0x80u

/** Kinds of TCP options; the others are carried as raw bytes. */
enum {
	VIEW_OPT_EOL = 0,
	VIEW_OPT_NOP = 1,
	VIEW_OPT_MSS = 2,
	VIEW_OPT_WSCALE = 3,
	VIEW_OPT_SACKOK = 4,
	VIEW_OPT_SACK = 5,
	VIEW_OPT_TS = 8,
	VIEW_OPT_FASTOPEN = 34,
};

#define VIEW_OPTS_MAX 40u

/** One TCP option, decoded. */
struct view_opt {
	uint8_t kind;
	uint8_t len; /* on the wire; 1 for EOL and NOP */
	uint8_t raw[38]; /* bytes behind kind and length, as they were */
	uint32_t v[8]; /* MSS, WSCALE: v[0]; TS: value, echo; SACK: left, right ... */
};

struct view_opts {
	unsigned int count;
	struct view_opt opt[VIEW_OPTS_MAX];
};

enum view_kind {
	VIEW_BAD, /* why says what is wrong */
	VIEW_TCP,
	VIEW_ARP,
	VIEW_ICMP, /* both versions */
	VIEW_OTHER, /* an ethertype or protocol not read here */
};

struct view {
	enum view_kind kind;
	const char *why;
	uint8_t dst_mac[6], src_mac[6];
	uint16_t vlan; /* id; 0: no tag */
	bool ip6;
	bool df; /* IPv4: don't fragment */
	uint8_t tos; /* with the ECN bits */
	uint8_t ttl;
	uint8_t proto;
	uint8_t src[16], dst[16]; /* IPv4 as ::ffff:a.b.c.d; ARP: sender and target */
	uint16_t arp_op;
	uint8_t arp_sha[6], arp_tha[6];
	uint8_t icmp_type, icmp_code;
	/* TCP */
	uint16_t sport, dport;
	uint32_t seq, ack;
	uint16_t wnd, urg;
	uint8_t flags;
	struct view_opts opts;
	const uint8_t *payload; /* TCP: data; ICMP: from the byte after type and code */
	uint32_t payload_len;
};

/** Read len bytes at buf. Returns f->kind. */
enum view_kind view_parse(const uint8_t *buf, size_t len, struct view *f);

/**
 * Write a TCP or ARP frame with right lengths and checksums. Returns its length; the caller's
 * buffer must hold it (VIEW_BUF_MAX always does).
 */
size_t view_build(const struct view *f, uint8_t *buf, size_t cap);

#define VIEW_BUF_MAX 65600u

/** Sequence numbers the segment takes: payload, SYN and FIN. */
uint32_t view_seg_len(const struct view *f);

/** The first option of that kind, or NULL. */
const struct view_opt *view_opt_find(const struct view_opts *opts, uint8_t kind);

/** Append options; values in host order. */
void view_opt_add(struct view_opts *opts, uint8_t kind, const uint32_t *v, unsigned int n);
void view_opt_add_raw(struct view_opts *opts, uint8_t kind, const uint8_t *raw, unsigned int n);

/** Bytes of the options, padded to four. */
unsigned int view_opts_len(const struct view_opts *opts);

/** "S. 1000:1000(0) ack 1 win 65535 <mss 1460>", for messages; returns out. */
const char *view_text(const struct view *f, char *out, size_t cap);
/** The options alone: "mss 1460,nop,wscale 7". */
const char *view_opts_text(const struct view_opts *opts, char *out, size_t cap);
/** The flags in the script's letters: "S.", "P.", "." or "-" for none. */
const char *view_flags_text(uint8_t flags, char out[9]);

/** ::ffff:a.b.c.d from four bytes in host order. */
void view_ip4(uint8_t ip[16], uint32_t addr);

/**
 * Fill in what a port with checksum offload would: the IP and TCP checksums of a whole, well-formed
 * frame. ip and tcp say which of them.
 */
void view_fill_csums(uint8_t *buf, size_t len, bool ip, bool tcp);

#endif
