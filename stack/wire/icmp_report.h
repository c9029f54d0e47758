/* SPDX-License-Identifier: BSD-3-Clause */
/* What an ICMP error says of a segment we sent, in TCP's terms (RFC 9293 s3.9.2.2, RFC 5927). */
#ifndef WIRE_ICMP_REPORT_H
#define WIRE_ICMP_REPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/flow.h"
#include "wire/icmp.h"
#include "wire/ip4.h"

enum icmp_report_kind {
	ICMP_REPORT_SOFT, /* may pass: a reason, should the connection fail */
	ICMP_REPORT_HARD, /* nobody there who wants it */
	ICMP_REPORT_TOO_BIG, /* longer than a link on the way carries */
};

struct icmp_report {
	struct flow_key key; /* the connection it is said to be about */
	uint32_t seq; /* of the quoted segment */
	int err; /* what Linux reports, as in errno.h */
	uint16_t mtu; /* TOO_BIG: of that link; 0: a router that does not say (RFC 1191 s5) */
	uint16_t quoted_len; /* bytes of the quoted packet when it was sent */
	uint8_t kind; /* enum icmp_report_kind */
};

/*
 * Takes what msg, an ICMP message of the version of the quoted packet, says; out->key is the
 * caller's to fill. False: not an error that concerns TCP.
 */
bool icmp_report_make(
	const struct icmp_msg *msg, const struct icmp_quote *quote, struct icmp_report *out);

#endif
