/* SPDX-License-Identifier: BSD-3-Clause */
/* IPv6 headers and the walk over extension headers: bounds, limits, and exact encoding. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/exact.h"
#include "wire/ip6.h"

/* Walks the len bytes of a packet whose padding has been cut. */
static void
check_walk(const uint8_t *p, size_t len, uint8_t next_header)
{
	struct ip6_upper upper;
	enum ip6_error error = ip6_walk(p, len, next_header, &upper);

	if (error >= IP6_OPTION_DROP && error <= IP6_OPTION_REPORT_UNICAST) {
		FUZZ_CHECK(upper.error_offset >= IP6_HDR_LEN + 2);
		FUZZ_CHECK(upper.error_offset < len);
		FUZZ_CHECK(p[upper.error_offset] >> 6 != 0);
	}
	if (error != IP6_OK)
		return;
	FUZZ_CHECK(upper.offset >= IP6_HDR_LEN + 8u * upper.ext_count);
	FUZZ_CHECK(upper.offset <= len);
	FUZZ_CHECK(upper.ext_count <= IP6_EXT_HDRS_MAX);
	FUZZ_CHECK(upper.is_fragment || (upper.frag_off == 0 && !upper.frag_more));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = exact_copy(data, size);
	struct ip6_hdr h;

	if (ip6_parse(exact, size, &h) == IP6_OK) {
		size_t len = IP6_HDR_LEN + (size_t)h.payload_len;
		uint8_t *trimmed;
		uint8_t buf[IP6_HDR_LEN];

		FUZZ_CHECK(len <= size);
		FUZZ_CHECK(!ip_addr_is_v4(&h.src) && !ip_addr_is_v4(&h.dst));
		ip6_encode(buf, &h);
		FUZZ_CHECK(memcmp(buf, exact, sizeof(buf)) == 0);
		trimmed = exact_copy(exact, len);
		check_walk(trimmed, len, h.next_header);
		free(trimmed);
	}
	free(exact);
	return 0;
}
