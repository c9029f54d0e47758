/* SPDX-License-Identifier: BSD-3-Clause */
/* The appliance's own addresses, numbered: a flow names its local end by index. */
#ifndef WIRE_LOCAL_H
#define WIRE_LOCAL_H

#include "wire/addr.h"

#define LOCAL_ADDRS_MAX 64u

/** Read-only to the engines; an index stays with its address for the life of the process. */
struct local_addrs {
	unsigned int count;
	struct ip_addr addr[LOCAL_ADDRS_MAX];
	uint8_t prefix_len[LOCAL_ADDRS_MAX];	/* 0..32 for IPv4, 0..128 for IPv6 */
};

/** Index of addr, or -1. */
static inline int
local_addrs_find(const struct local_addrs *local, const struct ip_addr *addr)
{
	for (unsigned int i = 0; i < local->count; i++)
		if (ip_addr_equal(&local->addr[i], addr))
			return (int)i;
	return -1;
}

#endif
