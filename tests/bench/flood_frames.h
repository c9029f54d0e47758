/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames of floods, ready to be sent: every source, number and checksum of its own. */
#ifndef BENCH_FLOOD_FRAMES_H
#define BENCH_FLOOD_FRAMES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/rng.h"
#include "wire/addr.h"

/** The longest frame written. */
#define FLOOD_FRAME_MAX 80u

enum flood_kind {
	FLOOD_NONE,
	FLOOD_SYN,
	FLOOD_ACK, /* that acknowledges nothing ever sent: no valid cookie */
	FLOOD_RST,
	FLOOD_CHECKSUM, /* SYNs with a wrong TCP checksum */
	FLOOD_FRAGMENT, /* first fragments, the rest of which never comes */
	FLOOD_KINDS,
};

/** From whom to whom, IPv4 in host order. Sources are all over 20.0.0.0/8. */
struct flood_path {
	struct mac_addr server_mac, client_mac;
	uint32_t server;
	uint16_t port;
};

/** "syn" and so on. */
bool flood_kind_parse(const char *text, enum flood_kind *kind);

/** Write one to b, checksums included; returns its length. kind is not NONE. */
uint16_t flood_frame_write(
	uint8_t *b, enum flood_kind kind, const struct flood_path *path, struct rng *rng);

#endif
