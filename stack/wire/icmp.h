/* SPDX-License-Identifier: BSD-3-Clause */
/* ICMP for both versions of IP: the header, echo, and the packet quoted in an error. */
#ifndef WIRE_ICMP_H
#define WIRE_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/addr.h"

#define ICMP_HDR_LEN 8

/* Types of RFC 792 that mean something to us. */
enum icmp4_type {
	ICMP4_ECHO_REPLY = 0,
	ICMP4_UNREACHABLE = 3,
	ICMP4_SOURCE_QUENCH = 4,
	ICMP4_REDIRECT = 5,
	ICMP4_ECHO_REQUEST = 8,
	ICMP4_TIME_EXCEEDED = 11,
	ICMP4_PARAM_PROBLEM = 12,
};

/* Codes of ICMP4_UNREACHABLE. */
enum icmp4_unreachable {
	ICMP4_UNREACH_NET = 0,
	ICMP4_UNREACH_HOST = 1,
	ICMP4_UNREACH_PROTO = 2,
	ICMP4_UNREACH_PORT = 3,
	ICMP4_UNREACH_FRAG_NEEDED = 4, /* next hop's MTU in the low 16 bits of rest (RFC 1191) */
	ICMP4_UNREACH_ADMIN = 13,
};

/* Codes of ICMP6_UNREACHABLE and of ICMP6_PARAM_PROBLEM, whose rest points at the field. */
enum icmp6_code {
	ICMP6_UNREACH_PORT = 4,
	ICMP6_PARAM_FIELD = 0,
	ICMP6_PARAM_NEXT_HEADER = 1,
	ICMP6_PARAM_OPTION = 2,
	ICMP6_PARAM_FIRST_FRAGMENT = 3, /* lacks headers (RFC 7112 s5) */
};

/* Types of RFC 4443 and RFC 4861 that mean something to us; below 128: errors. */
enum icmp6_type {
	ICMP6_UNREACHABLE = 1,
	ICMP6_TOO_BIG = 2, /* next hop's MTU in rest */
	ICMP6_TIME_EXCEEDED = 3,
	ICMP6_PARAM_PROBLEM = 4,
	ICMP6_ECHO_REQUEST = 128,
	ICMP6_ECHO_REPLY = 129,
	ICMP6_ROUTER_SOLICIT = 133,
	ICMP6_ROUTER_ADVERT = 134,
	ICMP6_NEIGHBOUR_SOLICIT = 135,
	ICMP6_NEIGHBOUR_ADVERT = 136,
	ICMP6_REDIRECT = 137,
};

enum icmp_error {
	ICMP_OK,
	ICMP_TRUNCATED, /* fewer than ICMP_HDR_LEN bytes, or of a quoted packet too few to use */
	ICMP_BAD_CSUM,
	ICMP_BAD_QUOTE, /* the quoted packet's header contradicts itself, or it is a later fragment
			 */
};

/* The eight bytes every message starts with; its payload follows them. */
struct icmp_msg {
	uint32_t rest; /* id and sequence number, MTU, pointer ...: by type */
	uint8_t type; /* enum icmp4_type or icmp6_type, or any other */
	uint8_t code;
};

/* The packet an error message quotes: one we are said to have sent. */
struct icmp_quote {
	struct ip_addr src; /* ours, if true */
	struct ip_addr dst;
	uint32_t seq; /* of TCP: the sequence number; other protocols: the same bytes */
	uint16_t sport; /* of TCP and UDP; other protocols: the same bytes */
	uint16_t dport;
	uint16_t total_len; /* bytes of the quoted packet when it was sent, IP header included */
	uint8_t proto; /* enum ip_proto, or any other */
};

/* Decodes the ICMPv4 message of len bytes (exactly: its padding cut) at p; csum_good: the NIC
 * verified it. */
enum icmp_error icmp4_parse(const uint8_t *p, size_t len, bool csum_good, struct icmp_msg *out);

/* The same for ICMPv6, whose checksum covers the addresses; pseudo is pseudo_csum() of the packet.
 */
enum icmp_error icmp6_parse(
	const uint8_t *p, size_t len, uint64_t pseudo, bool csum_good, struct icmp_msg *out);

/*
 * Turns the echo request at p (parsed without error) into its reply; identifier, number
 * and data stay. The ICMPv6 one stays right only if the IP addresses are swapped: for a
 * request to a multicast address compute the checksum anew.
 */
void icmp4_echo_to_reply(uint8_t *p);
void icmp6_echo_to_reply(uint8_t *p);

/*
 * Decodes the packet quoted in an error; p and len are the message's payload, behind its
 * ICMP_HDR_LEN bytes. It must reach 8 bytes into the transport header (RFC 792).
 */
enum icmp_error icmp4_parse_quote(const uint8_t *p, size_t len, struct icmp_quote *out);
enum icmp_error icmp6_parse_quote(const uint8_t *p, size_t len, struct icmp_quote *out);

/* Writes the ICMP_HDR_LEN bytes of msg with a zero checksum, bytes 2 and 3, to buf. */
void icmp_encode(uint8_t *buf, const struct icmp_msg *msg);

#endif
