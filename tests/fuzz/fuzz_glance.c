/* SPDX-License-Identifier: BSD-3-Clause */
/* A glance at any frame: within its bytes, and never more sure than they allow. */
#include <stdlib.h>

#include "fuzz/fuzz.h"
#include "lib/exact.h"
#include "wire/glance.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct glance g;
	uint8_t *exact;
	size_t frame_len;

	if (size < 1)
		return 0;
	/* The first byte is how much of the frame is missing. */
	exact = exact_copy(data + 1, size - 1);
	frame_len = size - 1 + data[0];
	glance_at(exact, size - 1, frame_len, &g);
	FUZZ_CHECK(!g.has_tcp || (g.has_ports && g.proto == IP_PROTO_TCP));
	FUZZ_CHECK(!g.has_ports || g.has_ip);
	FUZZ_CHECK(!g.has_ip || g.type != 0);
	FUZZ_CHECK(g.payload_len <= frame_len);
	FUZZ_CHECK(!g.has_tcp || (g.tcp.sport == g.sport && g.tcp.dport == g.dport));
	free(exact);
	return 0;
}
