/* SPDX-License-Identifier: BSD-3-Clause */
/* The classic format of libpcap, version 2.4, in this machine's byte order. */
#include <errno.h>

#include "pcap.h"

#define MAGIC_US 0xa1b2c3d4u
#define LINKTYPE_ETHERNET 1u
#define SNAPLEN 65535u
/* Any fixed time will do, so that the same seed makes the same file: 2026-01-01. */
#define EPOCH_S 1767225600u

int
pcap_begin(FILE *out)
{
	const uint32_t head[6] = { MAGIC_US, 4u << 16 | 2, 0, 0, SNAPLEN, LINKTYPE_ETHERNET };

	return fwrite(head, sizeof(head), 1, out) == 1 ? 0 : -EIO;
}

int
pcap_add(FILE *out, const uint8_t *frame, uint16_t len, uint64_t at_us)
{
	const uint32_t head[4] = { EPOCH_S + (uint32_t)(at_us / 1000000),
		(uint32_t)(at_us % 1000000), len, len };

	if (fwrite(head, sizeof(head), 1, out) != 1 || fwrite(frame, len, 1, out) != 1)
		return -EIO;
	return 0;
}
