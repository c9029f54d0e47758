/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet headers: bounds, and that what is decoded survives encoding. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/exact.h"
#include "wire/eth.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = exact_copy(data, size);
	uint8_t buf[ETH_HDR_LEN_MAX];
	struct eth_hdr h;
	struct eth_hdr again;

	memset(&h, 0, sizeof(h));
	memset(&again, 0, sizeof(again));
	if (eth_parse(exact, size, &h) == ETH_OK) {
		FUZZ_CHECK(h.vlan_count <= 2);
		FUZZ_CHECK(h.hdr_len == ETH_HDR_LEN + h.vlan_count * ETH_VLAN_TAG_LEN);
		FUZZ_CHECK(h.hdr_len <= size);
		FUZZ_CHECK(h.type >= 0x600 && h.type != ETH_TYPE_VLAN && h.type != ETH_TYPE_QINQ);
		FUZZ_CHECK(eth_encode(buf, &h) == h.hdr_len);
		FUZZ_CHECK(eth_parse(buf, h.hdr_len, &again) == ETH_OK);
		FUZZ_CHECK(memcmp(&h, &again, sizeof(h)) == 0);
	}
	free(exact);
	return 0;
}
