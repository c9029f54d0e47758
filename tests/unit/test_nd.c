/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery messages: every lie about lengths and options, and the ones we send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "lib/exact.h"
#include "wire/nd.h"

/* "Who has 2001:db8::1? I am 02:00:00:00:00:02." */
static const uint8_t solicit_bytes[ND_MSG_LEN_MAX] = { 135, 0, 0, 0, 0, 0, 0, 0, 0x20, 1, 0x0d,
	0xb8, [23] = 1, [24] = 1, [25] = 1, [26] = 2, [31] = 2 };
/* "2001:db8::2 is at 02:00:00:00:00:02", solicited and overriding. */
static const uint8_t advert_bytes[ND_MSG_LEN_MAX] = { 136, 0, 0, 0, 0x60, 0, 0, 0, 0x20, 1, 0x0d,
	0xb8, [23] = 2, [24] = 2, [25] = 1, [26] = 2, [31] = 2 };

static enum nd_error
parse(const uint8_t *p, size_t len, struct nd_msg *out)
{
	uint8_t *exact = exact_copy(p, len);
	enum nd_error error = nd_parse(exact, len, out);

	free(exact);
	return error;
}

static void
both_messages_are_decoded_and_encoded(void **state)
{
	uint8_t buf[ND_MSG_LEN_MAX];
	struct nd_msg msg;

	(void)state;
	assert_int_equal(parse(solicit_bytes, ND_MSG_LEN_MAX, &msg), ND_OK);
	assert_false(msg.is_advert);
	assert_true(msg.has_lladdr);
	assert_int_equal(msg.lladdr.b[5], 2);
	assert_int_equal(msg.target.b[15], 1);
	assert_int_equal(nd_encode(buf, &msg), ND_MSG_LEN_MAX);
	assert_memory_equal(buf, solicit_bytes, ND_MSG_LEN_MAX);
	assert_int_equal(parse(advert_bytes, ND_MSG_LEN_MAX, &msg), ND_OK);
	assert_true(msg.is_advert);
	assert_true(msg.solicited);
	assert_true(msg.override);
	assert_false(msg.router);
	assert_int_equal(nd_encode(buf, &msg), ND_MSG_LEN_MAX);
	assert_memory_equal(buf, advert_bytes, ND_MSG_LEN_MAX);
	msg.has_lladdr = false;
	assert_int_equal(nd_encode(buf, &msg), ND_MSG_LEN);
}

static void
every_truncation_is_refused_but_at_an_option_s_end(void **state)
{
	struct nd_msg msg;

	(void)state;
	for (size_t len = 0; len <= ND_MSG_LEN_MAX; len++)
		assert_int_equal(parse(solicit_bytes, len, &msg),
			len == ND_MSG_LEN || len == ND_MSG_LEN_MAX ? ND_OK : ND_TRUNCATED);
	assert_int_equal(parse(solicit_bytes, ND_MSG_LEN, &msg), ND_OK);
	assert_false(msg.has_lladdr);
}

/* Row A-50: an option of length 0 would be walked for ever. */
static void
a50_every_option_type_and_length_ends(void **state)
{
	(void)state;
	for (unsigned int type = 0; type < 256; type++) {
		for (unsigned int units = 0; units < 256; units++) {
			uint8_t buf[ND_MSG_LEN + 40];
			enum nd_error want = ND_OK;
			struct nd_msg msg;

			memset(buf, 2, sizeof(buf));
			memcpy(buf, advert_bytes, ND_MSG_LEN);
			buf[24] = (uint8_t)type;
			buf[25] = (uint8_t)units;
			/* What is not walked over at once are options of their own. */
			for (size_t i = 32; i < sizeof(buf); i += 8) {
				buf[i] = 14;
				buf[i + 1] = 1;
			}
			if (units == 0)
				want = ND_BAD_OPTION;
			else if (units > 5)
				want = ND_TRUNCATED;
			else if (type == 2 && units != 1)
				want = ND_BAD_OPTION;
			assert_int_equal(parse(buf, sizeof(buf), &msg), want);
		}
	}
}

static void
a50_targets_and_addresses_that_cannot_be(void **state)
{
	uint8_t buf[ND_MSG_LEN_MAX];
	struct nd_msg msg;

	(void)state;
	memcpy(buf, solicit_bytes, sizeof(buf));
	buf[8] = 0xff;
	assert_int_equal(parse(buf, sizeof(buf), &msg), ND_BAD_TARGET);
	memset(buf + 8, 0, 10);
	memset(buf + 18, 0xff, 2);
	assert_int_equal(parse(buf, sizeof(buf), &msg), ND_BAD_TARGET);
	memcpy(buf, solicit_bytes, sizeof(buf));
	buf[26] |= 1;
	assert_int_equal(parse(buf, sizeof(buf), &msg), ND_BAD_LLADDR);
	memset(buf + 26, 0, 6);
	assert_int_equal(parse(buf, sizeof(buf), &msg), ND_BAD_LLADDR);
	memcpy(buf, solicit_bytes, sizeof(buf));
	buf[1] = 1;
	assert_int_equal(parse(buf, sizeof(buf), &msg), ND_BAD_TYPE);
	buf[0] = 134;
	buf[1] = 0;
	assert_int_equal(parse(buf, sizeof(buf), &msg), ND_BAD_TYPE);
}

static void
groups_are_made_from_addresses(void **state)
{
	struct ip_addr a = { { 0x20, 1, [13] = 0xab, [14] = 0xcd, [15] = 0xef } };
	struct ip_addr group = nd_solicited_node(&a);
	struct mac_addr mac = nd_group_mac(&group);
	struct ip_addr all = nd_all_nodes();
	char text[IP_ADDR_STRLEN];

	(void)state;
	ip_addr_format(&group, text);
	assert_string_equal(text, "ff02::1:ffab:cdef");
	assert_memory_equal(mac.b, ((uint8_t[]){ 0x33, 0x33, 0xff, 0xab, 0xcd, 0xef }), 6);
	ip_addr_format(&all, text);
	assert_string_equal(text, "ff02::1");
	mac = nd_group_mac(&all);
	assert_memory_equal(mac.b, ((uint8_t[]){ 0x33, 0x33, 0, 0, 0, 1 }), 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_messages_are_decoded_and_encoded),
		cmocka_unit_test(every_truncation_is_refused_but_at_an_option_s_end),
		cmocka_unit_test(a50_every_option_type_and_length_ends),
		cmocka_unit_test(a50_targets_and_addresses_that_cannot_be),
		cmocka_unit_test(groups_are_made_from_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
