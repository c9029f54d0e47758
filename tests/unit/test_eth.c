/* SPDX-License-Identifier: BSD-3-Clause */
/* Ethernet headers: tags, lengths, truncation, and back again. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/exact.h"
#include "wire/eth.h"

/* Parses len bytes of frame from a buffer of exact size. */
static enum eth_error
parse(const uint8_t *frame, size_t len, struct eth_hdr *out)
{
	uint8_t *exact = exact_copy(frame, len);
	enum eth_error error = eth_parse(exact, len, out);

	free(exact);
	return error;
}

#define MACS 1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16

struct row {
	uint8_t frame[28];
	size_t hdr_len; /* of the frame; what is shorter is truncated */
	enum eth_error error;
	uint16_t type;
	uint8_t tags;
	uint16_t tci;
	uint16_t inner;
};

static const struct row rows[] = {
	{ { MACS, 0x08, 0x00 }, 14, ETH_OK, ETH_TYPE_IP4, 0, 0, 0 },
	{ { MACS, 0x86, 0xdd }, 14, ETH_OK, ETH_TYPE_IP6, 0, 0, 0 },
	{ { MACS, 0x06, 0x00 }, 14, ETH_OK, 0x0600, 0, 0, 0 },
	{ { MACS, 0x05, 0xff }, 14, ETH_NOT_TYPE_II, 0, 0, 0, 0 },
	{ { MACS, 0x00, 0x00 }, 14, ETH_NOT_TYPE_II, 0, 0, 0, 0 },
	{ { MACS, 0x81, 0x00, 0xa0, 0x65, 0x08, 0x06 }, 18, ETH_OK, ETH_TYPE_ARP, 1, 0xa065, 0 },
	{ { MACS, 0x88, 0xa8, 0xa0, 0x65, 0x08, 0x06 }, 18, ETH_OK, ETH_TYPE_ARP, 1, 0xa065, 0 },
	{ { MACS, 0x81, 0x00, 0xa0, 0x65, 0x00, 0x2e }, 18, ETH_NOT_TYPE_II, 0, 0, 0, 0 },
	{ { MACS, 0x88, 0xa8, 0, 100, 0x81, 0x00, 0, 200, 0x08, 0x00 }, 22, ETH_OK, ETH_TYPE_IP4, 2,
		100, 200 },
	{ { MACS, 0x81, 0x00, 0, 100, 0x81, 0x00, 0, 200, 0x08, 0x00 }, 22, ETH_OK, ETH_TYPE_IP4, 2,
		100, 200 },
	{ { MACS, 0x81, 0x00, 0, 1, 0x81, 0x00, 0, 2, 0x81, 0x00, 0, 3, 0x08, 0x00 }, 22,
		ETH_TOO_MANY_TAGS, 0, 0, 0, 0 },
};

static void
check_row(const struct row *row, size_t number)
{
	struct eth_hdr h;

	for (size_t len = 0; len <= sizeof(row->frame); len++) {
		enum eth_error error = parse(row->frame, len, &h);

		if (error != (len < row->hdr_len ? ETH_TRUNCATED : row->error))
			fail_msg("row %zu, %zu bytes: error %d", number, len, error);
	}
	if (row->error != ETH_OK)
		return;
	assert_memory_equal(h.dst.b, row->frame, 6);
	assert_memory_equal(h.src.b, row->frame + 6, 6);
	assert_int_equal(h.type, row->type);
	assert_int_equal(h.vlan_count, row->tags);
	assert_int_equal(h.vlan_tci, row->tci);
	assert_int_equal(h.vlan_tci_inner, row->inner);
	assert_int_equal(h.hdr_len, row->hdr_len);
}

static void
headers_with_up_to_two_tags_are_decoded(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i], i);
}

static void
an_encoded_header_decodes_to_the_same(void **state)
{
	(void)state;
	for (uint8_t tags = 0; tags <= 2; tags++) {
		struct eth_hdr in = {
			.dst = { { 1, 2, 3, 4, 5, 6 } },
			.src = { { 7, 8, 9, 10, 11, 12 } },
			.type = ETH_TYPE_IP6,
			.vlan_count = tags,
			.vlan_tci = tags > 0 ? 0xe123 : 0,
			.vlan_tci_inner = tags > 1 ? 0x0456 : 0,
			.hdr_len = (uint8_t)(ETH_HDR_LEN + tags * ETH_VLAN_TAG_LEN),
		};
		uint8_t buf[ETH_HDR_LEN_MAX];
		struct eth_hdr out;

		assert_int_equal(eth_encode(buf, &in), in.hdr_len);
		assert_int_equal(parse(buf, in.hdr_len, &out), ETH_OK);
		assert_memory_equal(&in, &out, sizeof(in));
	}
}

static void
two_tags_are_written_as_service_and_customer_tag(void **state)
{
	static const uint8_t expected[ETH_HDR_LEN_MAX] = { MACS, 0x88, 0xa8, 0, 100, 0x81, 0x00, 0,
		200, 0x08, 0x06 };
	struct eth_hdr h;
	uint8_t buf[ETH_HDR_LEN_MAX];

	(void)state;
	assert_int_equal(parse(expected, sizeof(expected), &h), ETH_OK);
	assert_int_equal(eth_encode(buf, &h), sizeof(expected));
	assert_memory_equal(buf, expected, sizeof(expected));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headers_with_up_to_two_tags_are_decoded),
		cmocka_unit_test(an_encoded_header_decodes_to_the_same),
		cmocka_unit_test(two_tags_are_written_as_service_and_customer_tag),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
