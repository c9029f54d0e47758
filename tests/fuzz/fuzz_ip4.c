/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv4 headers: bounds, the checksum only ever refuses, and encoding mirrors decoding. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/exact.h"
#include "wire/ip4.h"

static void
check_header(const uint8_t *p, size_t size, const struct ip4_hdr *h)
{
	FUZZ_CHECK(h->hdr_len >= IP4_HDR_LEN && h->hdr_len <= IP4_HDR_LEN_MAX);
	FUZZ_CHECK(h->hdr_len % 4 == 0);
	FUZZ_CHECK(h->hdr_len <= h->total_len);
	FUZZ_CHECK(h->total_len <= size);
	FUZZ_CHECK(h->frag_off + h->total_len <= UINT16_MAX || !ip4_is_fragment(h));
	if (h->hdr_len == IP4_HDR_LEN) {
		uint8_t buf[IP4_HDR_LEN];
		uint8_t expected[IP4_HDR_LEN];

		/* The reserved flag is not kept, the checksum is left to do. */
		memcpy(expected, p, sizeof(expected));
		expected[6] &= 0x7f;
		memset(expected + 10, 0, 2);
		ip4_encode(buf, h, true);
		FUZZ_CHECK(memcmp(buf, expected, sizeof(buf)) == 0);
		ip4_encode(buf, h, false);
		FUZZ_CHECK(csum_finish(csum_partial(buf, sizeof(buf), 0)) == 0);
	}
}

/* Options are judged by the header alone: the same in a buffer that ends behind it. */
static void
check_options(const uint8_t *p, const struct ip4_hdr *h, enum ip4_error error)
{
	uint8_t *header = exact_copy(p, h->hdr_len);
	struct ip4_hdr again;

	store_be16(header + 2, h->hdr_len);
	store_be16(header + 6, 0);
	FUZZ_CHECK(ip4_parse(header, h->hdr_len, true, &again) == error);
	free(header);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = exact_copy(data, size);
	struct ip4_hdr h;
	enum ip4_error trusting = ip4_parse(exact, size, true, &h);
	enum ip4_error checking;

	if (trusting == IP4_OK)
		check_header(exact, size, &h);
	if (trusting == IP4_OK || trusting == IP4_BAD_OPTION || trusting == IP4_SOURCE_ROUTE)
		check_options(exact, &h, trusting);
	checking = ip4_parse(exact, size, false, &h);
	FUZZ_CHECK(checking == trusting || checking == IP4_BAD_CSUM);
	free(exact);
	return 0;
}
