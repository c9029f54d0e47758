/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour solicitations and advertisements (RFC 4861 s4.3, s4.4). */
#ifndef WIRE_ND_H
#define WIRE_ND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/addr.h"

/* Without options, and with one Ethernet address: the only two forms we send. */
#define ND_MSG_LEN 24
#define ND_MSG_LEN_MAX 32
/* Nothing of neighbour discovery ever passes a router (RFC 4861 s7.1). */
#define ND_HOP_LIMIT 255

enum nd_error {
	ND_OK,
	ND_TRUNCATED, /* shorter than the message, or an option beyond its end */
	ND_BAD_TYPE, /* neither solicitation nor advertisement, or a code that is not 0 */
	ND_BAD_TARGET, /* a group cannot be a neighbour */
	ND_BAD_OPTION, /* of length 0 (RFC 4861 s4.6), or an address option of a wrong one */
	ND_BAD_LLADDR, /* a group's or no MAC address */
};

struct nd_msg {
	struct ip_addr target; /* whom it is about */
	struct mac_addr lladdr; /* valid with has_lladdr: of the source (NS) or the target (NA) */
	bool has_lladdr;
	bool is_advert;
	bool router; /* NA: flags R, S and O */
	bool solicited;
	bool override;
};

/*
 * Decodes the ICMPv6 message of len bytes at p, whose checksum was verified. Options that mean
 * nothing to us are skipped. On an error *out is unspecified.
 */
enum nd_error nd_parse(const uint8_t *p, size_t len, struct nd_msg *out);

/* Writes the message with a zero checksum to buf; returns its length, ND_MSG_LEN_MAX at most. */
size_t nd_encode(uint8_t *buf, const struct nd_msg *msg);

/* The group that whoever has addr listens to: ff02::1:ffXX:XXXX (RFC 4291 s2.7.1). */
struct ip_addr nd_solicited_node(const struct ip_addr *addr);

/* ff02::1. */
struct ip_addr nd_all_nodes(void);

/* The Ethernet address of an IPv6 group (RFC 2464 s7). */
struct mac_addr nd_group_mac(const struct ip_addr *group);

#endif
