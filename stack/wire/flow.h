/* SPDX-License-Identifier: BSD-3-Clause */
/* The key that names a connection: remote address and port, local address and port. */
#ifndef WIRE_FLOW_H
#define WIRE_FLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "wire/addr.h"

/* Values of flow_key.family. */
#define FLOW_FAMILY_V4 4
#define FLOW_FAMILY_V6 6

/*
 * Three words, hashed and compared as words: every byte of them counts, so zero stays
 * zero. The local address is an index, since an appliance has few of them.
 *
 *    w[0], w[1]            w[2]
 *   | raddr (16 bytes)    | rport | lport | laddr_idx | family | zero |
 */
struct flow_key {
	union {
		struct {
			struct ip_addr raddr; /* remote address */
			uint16_t rport; /* remote port, host order */
			uint16_t lport; /* local port, host order */
			uint8_t laddr_idx; /* which of our addresses */
			uint8_t family; /* FLOW_FAMILY_V4 or _V6: of raddr */
			uint16_t zero; /* always 0 */
		};
		uint64_t w[3];
	};
};

_Static_assert(sizeof(struct flow_key) == 24, "hashed as exactly three words");

/* The key of a connection between raddr:rport and our address laddr_idx, port lport. */
static inline struct flow_key
flow_key_make(const struct ip_addr *raddr, uint16_t rport, uint8_t laddr_idx, uint16_t lport)
{
	struct flow_key key;

	key.w[0] = load_le64(raddr->b);
	key.w[1] = load_le64(raddr->b + 8);
	key.w[2] = (uint64_t)rport | (uint64_t)lport << 16 | (uint64_t)laddr_idx << 32 |
		   (uint64_t)(ip_addr_is_v4(raddr) ? FLOW_FAMILY_V4 : FLOW_FAMILY_V6) << 40;
	return key;
}

static inline bool
flow_key_equal(const struct flow_key *a, const struct flow_key *b)
{
	return ((a->w[0] ^ b->w[0]) | (a->w[1] ^ b->w[1]) | (a->w[2] ^ b->w[2])) == 0;
}

#endif
