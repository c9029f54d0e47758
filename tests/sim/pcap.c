/* SPDX-License-Identifier: BSD-3-Clause */
/* Capture files that wireshark reads: classic format, microseconds, Ethernet. */
#include "sim/sim.h"

FILE *
pcap_open(const char *path)
{
	static const uint32_t header[6] = { 0xa1b2c3d4, 2 | 4u << 16, 0, 0, 65535, 1 };
	FILE *f = fopen(path, "wb");

	if (f != NULL && fwrite(header, sizeof(header), 1, f) != 1) {
		fclose(f);
		return NULL;
	}
	return f;
}

void
pcap_write(FILE *f, uint64_t at_us, const uint8_t *buf, size_t len)
{
	uint32_t record[4] = {
		(uint32_t)(at_us / 1000000),
		(uint32_t)(at_us % 1000000),
		(uint32_t)len,
		(uint32_t)len,
	};

	/* A capture cut short by a full disk is no reason to stop. */
	if (fwrite(record, sizeof(record), 1, f) == 1)
		(void)!fwrite(buf, len, 1, f);
}
