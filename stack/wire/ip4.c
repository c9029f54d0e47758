/* SPDX-License-Identifier: BSD-3-Clause */
/* The IPv4 headers that few packets have: options and fragments. */
#include "wire/ip4.h"

#include "base/assert.h"

/* Option types (RFC 791 s3.1). */
#define OPTION_END 0
#define OPTION_NOP 1
#define OPTION_LSRR 131
#define OPTION_SSRR 137

static enum ip4_error
check_options(const uint8_t *p, size_t len)
{
	size_t i = 0;

	while (i < len && p[i] != OPTION_END) {
		size_t opt_len;

		if (p[i] == OPTION_NOP) {
			i++;
			continue;
		}
		if (len - i < 2)
			return IP4_BAD_OPTION;
		opt_len = p[i + 1];
		if (opt_len < 2 || opt_len > len - i)
			return IP4_BAD_OPTION;
		if (p[i] == OPTION_LSRR || p[i] == OPTION_SSRR)
			return IP4_SOURCE_ROUTE;
		i += opt_len;
	}
	return IP4_OK;
}

enum ip4_error
ip4_check_unusual(const uint8_t *p, const struct ip4_hdr *h)
{
	uint16_t payload_len = (uint16_t)(h->total_len - h->hdr_len);

	ASSERT(h->hdr_len >= IP4_HDR_LEN);
	ASSERT(h->total_len >= h->hdr_len);
	if (ip4_is_fragment(h)) {
		if (h->frag_off + h->total_len > UINT16_MAX)
			return IP4_BAD_FRAGMENT; /* the "ping of death" */
		if (payload_len == 0 || (h->mf && payload_len % 8 != 0))
			return IP4_BAD_FRAGMENT;
	}
	return check_options(p + IP4_HDR_LEN, h->hdr_len - (size_t)IP4_HDR_LEN);
}
