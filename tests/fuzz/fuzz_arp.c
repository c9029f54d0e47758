/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP packets: what is accepted is exactly what would be sent. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/exact.h"
#include "wire/arp.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = exact_copy(data, size);
	struct arp_pkt pkt;

	if (arp_parse(exact, size, &pkt) == ARP_OK) {
		uint8_t buf[ARP_PKT_LEN];

		FUZZ_CHECK(size >= ARP_PKT_LEN);
		FUZZ_CHECK(!mac_addr_is_multicast(&pkt.sha));
		arp_encode(buf, &pkt);
		FUZZ_CHECK(memcmp(buf, exact, ARP_PKT_LEN) == 0);
	}
	free(exact);
	return 0;
}
