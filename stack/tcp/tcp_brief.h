/* SPDX-License-Identifier: BSD-3-Clause */
/* A flow's key in ten bytes, for entries that millions of flows may have at a time. */
#ifndef TCP_TCP_BRIEF_H
#define TCP_TCP_BRIEF_H

#include <stdint.h>

#include "base/compiler.h"
#include "base/mem.h"
#include "wire/addr.h"

/* At any even address: entries have fields of two bytes before it. */
#define TCP_BRIEF_PACKED __attribute__((__packed__, __aligned__(2)))

/**
 * The third word of flow_key, without what is zero, and of the address four bytes: IPv4 itself, or
 * the place of an IPv6 address in the pool.
 */
struct tcp_brief {
	uint32_t addr;
	uint32_t ports;		/* rport, lport */
	uint16_t local;		/* laddr_idx, family; 0: nobody */
} TCP_BRIEF_PACKED;

_Static_assert(sizeof(struct tcp_brief) == 10, "every TIME-WAIT has one");

/** IPv6 addresses of whoever has a tcp_brief. Places given back are used first. */
struct tcp_ip6_pool {
	struct ip_addr *addrs;	/* of a free one: the next free place, or TCP_NONE */
	uint32_t size;		/* as many as there can be tcp_briefs: never short */
	uint32_t free;
	uint32_t fresh;		/* places from here on were never used */
	uint32_t used;
};

#endif
