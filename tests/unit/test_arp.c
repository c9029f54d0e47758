/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP packets: every lie about types and lengths, and the packets we send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/exact.h"
#include "wire/arp.h"

/* "Who has 10.0.0.2? Tell 10.0.0.1", from 02:00:00:00:00:01. */
static const uint8_t request_bytes[ARP_PKT_LEN] = { 0, 1, 8, 0, 6, 4, 0, 1, 2, 0, 0, 0, 0, 1, 10, 0,
	0, 1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 2 };
static const struct mac_addr mac_a = { { 2, 0, 0, 0, 0, 1 } };
static const struct mac_addr mac_b = { { 2, 0, 0, 0, 0, 2 } };

static enum arp_error
parse(const uint8_t *pkt, size_t len, struct arp_pkt *out)
{
	uint8_t *exact = exact_copy(pkt, len);
	enum arp_error error = arp_parse(exact, len, out);

	free(exact);
	return error;
}

static void
a_request_is_decoded(void **state)
{
	struct arp_pkt pkt;

	(void)state;
	assert_int_equal(parse(request_bytes, ARP_PKT_LEN, &pkt), ARP_OK);
	assert_int_equal(pkt.op, ARP_OP_REQUEST);
	assert_true(mac_addr_equal(&pkt.sha, &mac_a));
	assert_true(mac_addr_is_zero(&pkt.tha));
	assert_int_equal(pkt.spa, 0x0a000001);
	assert_int_equal(pkt.tpa, 0x0a000002);
}

static void
every_truncation_is_refused_and_padding_is_not(void **state)
{
	uint8_t padded[46] = { 0 };
	struct arp_pkt pkt;

	(void)state;
	memcpy(padded, request_bytes, ARP_PKT_LEN);
	for (size_t len = 0; len <= sizeof(padded); len++)
		assert_int_equal(
			parse(padded, len, &pkt), len < ARP_PKT_LEN ? ARP_TRUNCATED : ARP_OK);
}

static void
each_field_that_lies_has_its_own_error(void **state)
{
	static const struct {
		size_t offset;
		enum arp_error error;
	} fields[] = {
		{ 0, ARP_BAD_HTYPE },
		{ 1, ARP_BAD_HTYPE },
		{ 2, ARP_BAD_PTYPE },
		{ 3, ARP_BAD_PTYPE },
		{ 4, ARP_BAD_ADDR_LEN },
		{ 5, ARP_BAD_ADDR_LEN },
		{ 6, ARP_BAD_OP },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++) {
		for (unsigned int value = 0; value < 256; value++) {
			size_t offset = fields[i].offset;
			uint8_t bytes[ARP_PKT_LEN];
			struct arp_pkt pkt;

			memcpy(bytes, request_bytes, sizeof(bytes));
			bytes[offset] = (uint8_t)value;
			assert_int_equal(parse(bytes, sizeof(bytes), &pkt),
				value == request_bytes[offset] ? ARP_OK : fields[i].error);
		}
	}
}

static void
only_requests_and_replies_are_taken(void **state)
{
	(void)state;
	for (unsigned int op = 0; op < 256; op++) {
		uint8_t bytes[ARP_PKT_LEN];
		struct arp_pkt pkt;

		memcpy(bytes, request_bytes, sizeof(bytes));
		bytes[7] = (uint8_t)op;
		assert_int_equal(parse(bytes, sizeof(bytes), &pkt),
			op == 1 || op == 2 ? ARP_OK : ARP_BAD_OP);
	}
}

static void
a_sender_that_is_a_group_or_nobody_is_refused(void **state)
{
	uint8_t bytes[ARP_PKT_LEN];
	struct arp_pkt pkt;

	(void)state;
	memcpy(bytes, request_bytes, sizeof(bytes));
	bytes[8] = 0x03;
	assert_int_equal(parse(bytes, sizeof(bytes), &pkt), ARP_BAD_SENDER);
	memset(bytes + 8, 0, 6);
	assert_int_equal(parse(bytes, sizeof(bytes), &pkt), ARP_BAD_SENDER);
	memset(bytes + 8, 0xff, 6);
	assert_int_equal(parse(bytes, sizeof(bytes), &pkt), ARP_BAD_SENDER);
}

static void
a_request_is_encoded_as_on_the_wire(void **state)
{
	struct arp_pkt pkt = arp_make_request(&mac_a, 0x0a000001, 0x0a000002);
	uint8_t buf[ARP_PKT_LEN];

	(void)state;
	arp_encode(buf, &pkt);
	assert_memory_equal(buf, request_bytes, sizeof(buf));
}

static void
a_reply_turns_the_request_round(void **state)
{
	struct arp_pkt request;
	struct arp_pkt reply;
	struct arp_pkt decoded;
	uint8_t buf[ARP_PKT_LEN];

	(void)state;
	assert_int_equal(parse(request_bytes, ARP_PKT_LEN, &request), ARP_OK);
	reply = arp_make_reply(&request, &mac_b);
	arp_encode(buf, &reply);
	assert_int_equal(parse(buf, sizeof(buf), &decoded), ARP_OK);
	assert_int_equal(decoded.op, ARP_OP_REPLY);
	assert_true(mac_addr_equal(&decoded.sha, &mac_b));
	assert_true(mac_addr_equal(&decoded.tha, &mac_a));
	assert_int_equal(decoded.spa, 0x0a000002);
	assert_int_equal(decoded.tpa, 0x0a000001);
}

static void
an_announcement_asks_for_its_own_address(void **state)
{
	struct arp_pkt pkt = arp_make_gratuitous(&mac_a, 0x0a000001);

	(void)state;
	assert_int_equal(pkt.op, ARP_OP_REQUEST);
	assert_int_equal(pkt.spa, 0x0a000001);
	assert_int_equal(pkt.tpa, 0x0a000001);
	assert_true(mac_addr_equal(&pkt.sha, &mac_a));
	assert_true(mac_addr_is_zero(&pkt.tha));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_is_decoded),
		cmocka_unit_test(every_truncation_is_refused_and_padding_is_not),
		cmocka_unit_test(each_field_that_lies_has_its_own_error),
		cmocka_unit_test(only_requests_and_replies_are_taken),
		cmocka_unit_test(a_sender_that_is_a_group_or_nobody_is_refused),
		cmocka_unit_test(a_request_is_encoded_as_on_the_wire),
		cmocka_unit_test(a_reply_turns_the_request_round),
		cmocka_unit_test(an_announcement_asks_for_its_own_address),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
