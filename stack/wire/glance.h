/* SPDX-License-Identifier: BSD-3-Clause */
/* What a frame is about, as far as it can be told: for those who look on, never for the engines. */
#ifndef WIRE_GLANCE_H
#define WIRE_GLANCE_H

#include "wire/addr.h"
#include "wire/tcp.h"

/*
 * Unlike the parsers that the engines trust, this one forgives: lengths and checksums may be wrong,
 * headers beyond the first buffer missing. Frames that are dropped for being wrong are the ones
 * that somebody looks for.
 */
struct glance {
	uint16_t type; /* behind the VLAN tags; 0: not even that */
	bool has_ip; /* src, dst, proto and is_fragment are valid */
	bool has_ports; /* sport and dport are */
	bool has_tcp; /* so are tcp and payload_len */
	bool is_fragment; /* of a datagram; only the first has ports */
	uint8_t proto; /* of the layer above IP */
	struct ip_addr src, dst;
	uint16_t sport, dport;
	struct tcp_hdr tcp;
	uint32_t payload_len; /* bytes behind the TCP header, by the IP header's length */
};

/** Look at the len bytes that are there of a frame of frame_len; never fails. */
void glance_at(const uint8_t *frame, size_t len, size_t frame_len, struct glance *out);

#endif
