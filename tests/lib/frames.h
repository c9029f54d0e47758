/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames for tests, built layer by layer from bytes, sharing no code with the parsers they test. */
#ifndef LIB_FRAMES_H
#define LIB_FRAMES_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 9300

/**
 * A frame under construction. Start with frame_eth(), append the layers in order, change any byte,
 * then frame_finish() fills the lengths and checksums that were left open.
 */
struct frame {
	size_t len;		/* bytes so far */
	size_t l3;		/* offset of the IP header; 0: none */
	size_t l4;		/* offset of the header behind it; 0: none */
	uint8_t ip_version;	/* 4, 6 or 0 */
	uint8_t proto;		/* of the header at l4 */
	uint8_t b[FRAME_MAX];
};

void frame_eth(struct frame *f, const uint8_t dst[6], const uint8_t src[6], uint16_t ethertype);

/** A tag of the given TPID (0x8100, 0x88a8) and TCI; the ethertype moves behind it. */
void frame_vlan(struct frame *f, uint16_t tpid, uint16_t tci);

/** Ethernet/IPv4 ARP; addresses as text. */
void frame_arp(struct frame *f, uint16_t op, const uint8_t sha[6], const char *spa,
	const uint8_t tha[6], const char *tpa);

/** IPv4 header without options: TTL 64, DF, ID 0. Addresses as text. */
void frame_ip4(struct frame *f, const char *src, const char *dst, uint8_t proto);

/** Options of the IPv4 header, right behind frame_ip4(); padded with zeros to 4 bytes. */
void frame_ip4_opts(struct frame *f, const void *opts, size_t len);

/** IPv6 header: hop limit 64. */
void frame_ip6(struct frame *f, const char *src, const char *dst, uint8_t next_header);

/** An IPv6 extension header of 8 bytes and more: next header, length, then body (6 + 8n bytes). */
void frame_ip6_ext(struct frame *f, uint8_t next_header, const void *body, size_t len);

/** TCP header: window 65535, no options. */
void frame_tcp(struct frame *f, uint16_t sport, uint16_t dport, uint32_t seq, uint32_t ack,
	uint8_t flags);

/** Options of the TCP header, right behind frame_tcp(); padded with zeros to 4 bytes. */
void frame_tcp_opts(struct frame *f, const void *opts, size_t len);

/** The 8 bytes every echo message begins with. Of ICMP or ICMPv6, as the IP header says. */
void frame_icmp(struct frame *f, uint8_t type, uint8_t code, uint16_t id, uint16_t seq);

/** Any bytes; data NULL: a counting pattern. */
void frame_data(struct frame *f, const void *data, size_t len);

/** Fill IP lengths and all checksums. Bytes appended later are trailing padding. */
void frame_finish(struct frame *f);

/** Only the checksums, after fields were changed by hand. */
void frame_checksums(struct frame *f);

/** RFC 1071 checksum, byte by byte; 0 over data that includes a right one. Host order. */
uint16_t frame_sum(const uint8_t *p, size_t len, uint32_t start);

/** 0 if the IPv4 header's, or the TCP or ICMP checksum of a whole frame is right. */
uint16_t frame_check_ip(const uint8_t *ip);
uint16_t frame_check_l4(const uint8_t *ip, size_t len);

#endif
