/* SPDX-License-Identifier: BSD-3-Clause */
/* One frame of a load test: it follows from the seed and its number alone. */
#ifndef LOADTEST_CRAFT_H
#define LOADTEST_CRAFT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/siphash.h"
#include "wire/addr.h"

enum craft_kind {
#define KIND(id, name, secret, text) CRAFT_##id,
#include "kinds.def"
#undef KIND
	CRAFT_KINDS,
};

/** The most payload of a data segment, and the longest frame with it. */
#define CRAFT_PAYLOAD_MAX 1400u
#define CRAFT_FRAME_MAX 1514u

/** ACKs and DATA begin with SYNs: so many that no burst has both a first cookie and an ACK. */
#define CRAFT_PRIMERS 64u

struct craft_params {
	enum craft_kind kind;
	uint64_t seed;
	struct mac_addr dst_mac, src_mac;
	struct ip_addr target;
	uint16_t port;
	uint8_t laddr_idx;	/* of the target among the appliance's addresses */
	struct ip_prefix sources; /* of the target's family; len 0: any that may be a source */
	uint32_t flows;		/* DATA: connections, at least 1 */
	uint16_t payload;	/* DATA: bytes of a segment */
	struct siphash_key cookie_key; /* ACK_VALID, DATA */
};

/** "syn" and so on; NULL behind the last. */
const char *craft_kind_name(enum craft_kind kind);
const char *craft_kind_help(enum craft_kind kind);
bool craft_kind_needs_secret(enum craft_kind kind);

/**
 * Write the frame of number i to b, which has room for CRAFT_FRAME_MAX; returns its length. In
 * ACK_VALID and in DATA the frame of the same number opens the same connection.
 */
uint16_t craft_frame(uint8_t *b, const struct craft_params *par, uint64_t i);

#endif
