/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses: text both ways, classes, prefixes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "lib/exact.h"
#include "wire/addr.h"

/* Parses text from a buffer of exact size. */
static int
parse(struct ip_addr *out, const char *text)
{
	size_t len = strlen(text);
	uint8_t *exact = exact_copy(text, len);
	int error = ip_addr_parse(out, (const char *)exact, len);

	free(exact);
	return error;
}

static struct ip_addr
addr(const char *text)
{
	struct ip_addr a;

	if (parse(&a, text) != 0)
		fail_msg("%s is no address", text);
	return a;
}

static void
addresses_are_written_as_rfc_5952_says(void **state)
{
	static const struct {
		const char *text;
		const char *canonical;
	} rows[] = {
		{ "0.0.0.0", "0.0.0.0" },
		{ "255.255.255.255", "255.255.255.255" },
		{ "10.9.100.2", "10.9.100.2" },
		{ "::ffff:192.0.2.1", "192.0.2.1" },
		{ "::ffff:c000:201", "192.0.2.1" },
		{ "::", "::" },
		{ "::1", "::1" },
		{ "1::", "1::" },
		{ "0:0:0:0:0:0:0:0", "::" },
		{ "2001:0db8::0001", "2001:db8::1" },
		{ "2001:DB8::ABCD", "2001:db8::abcd" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" }, /* one group: not shortened */
		{ "2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1" }, /* the first of equals */
		{ "2001:0:0:1:0:0:0:1", "2001:0:0:1::1" }, /* the longest */
		{ "1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0" },
		{ "::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8" },
		{ "1:0:0:0:0:0:0:0", "1::" },
		{ "fe80::1:2:3:4", "fe80::1:2:3:4" },
		{ "64:ff9b::192.0.2.33", "64:ff9b::c000:221" },
		{ "1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304" },
		{ "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
			"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ip_addr a = addr(rows[i].text);
		char buf[IP_ADDR_STRLEN];

		assert_int_equal(ip_addr_format(&a, buf), strlen(rows[i].canonical));
		assert_string_equal(buf, rows[i].canonical);
	}
}

static void
text_that_is_no_address_is_refused(void **state)
{
	static const char *const rows[] = { "", ".", ":", ":::", "1", "1.2.3", "1.2.3.", "1.2.3.4.",
		"1.2.3.4.5", "256.1.1.1", "1.1.1.1000", "01.2.3.4", "1.2.3.00", " 1.2.3.4",
		"1.2.3.4 ", "1..2.3", "+1.2.3.4", "-1.2.3.4", "0x1.2.3.4", "1:2:3:4:5:6:7",
		"1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2::3",
		"1:", ":1", "1:2:3:4:5:6:7:", ":2:3:4:5:6:7:8", "12345::", "::g", "::1%eth0",
		"::1.2.3", "::1.2.3.4.5", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4",
		"1.2.3.4::", "::1/64", "1:::2", "::ffff:1.2.3.256" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ip_addr a;

		if (parse(&a, rows[i]) != -EINVAL)
			fail_msg("\"%s\" was taken for an address", rows[i]);
	}
}

static void
any_address_reads_back_from_its_text(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 12);
	for (int i = 0; i < 20000; i++) {
		struct ip_addr a;
		struct ip_addr b;
		char buf[IP_ADDR_STRLEN];

		for (size_t group = 0; group < 8; group++) {
			uint32_t value = rng_below(&rng, 0x10000) >> rng_below(&rng, 16);

			store_be16(a.b + 2 * group, rng_below(&rng, 2) ? 0 : (uint16_t)value);
		}
		assert_true(ip_addr_format(&a, buf) < IP_ADDR_STRLEN);
		assert_int_equal(parse(&b, buf), 0);
		assert_true(ip_addr_equal(&a, &b));
	}
}

static void
an_ipv4_address_is_held_as_v4_mapped(void **state)
{
	static const uint8_t bytes[16] = { [10] = 0xff, 0xff, 192, 0, 2, 7 };
	struct ip_addr a = ip_addr_from_v4(0xc0000207);
	struct ip_addr six = addr("2001:db8::1");

	(void)state;
	assert_memory_equal(a.b, bytes, 16);
	assert_true(ip_addr_is_v4(&a));
	assert_int_equal(ip_addr_v4(&a), 0xc0000207);
	assert_false(ip_addr_is_v4(&six));
	for (size_t i = 0; i < 12; i++) {
		struct ip_addr other = a;

		other.b[i] ^= 1;
		assert_false(ip_addr_is_v4(&other));
	}
}

static void
addresses_differ_if_any_bit_differs(void **state)
{
	struct ip_addr a = addr("2001:db8::1");

	(void)state;
	assert_true(ip_addr_equal(&a, &a));
	for (size_t bit = 0; bit < 128; bit++) {
		struct ip_addr b = a;

		b.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(ip_addr_equal(&a, &b));
	}
}

enum class {
	UNSPECIFIED = 1,
	LOOPBACK = 2,
	MULTICAST = 4,
	LINK_LOCAL = 8,
	BROADCAST = 16,
	MARTIAN = 32,
};

static unsigned int
classes_of(const struct ip_addr *a)
{
	return (ip_addr_is_unspecified(a) ? UNSPECIFIED : 0u) |
	       (ip_addr_is_loopback(a) ? LOOPBACK : 0u) |
	       (ip_addr_is_multicast(a) ? MULTICAST : 0u) |
	       (ip_addr_is_link_local(a) ? LINK_LOCAL : 0u) |
	       (ip_addr_is_broadcast(a) ? BROADCAST : 0u) |
	       (ip_addr_is_martian_source(a) ? MARTIAN : 0u);
}

static void
addresses_fall_into_their_classes(void **state)
{
	static const struct {
		const char *text;
		unsigned int classes;
	} rows[] = {
		{ "0.0.0.0", UNSPECIFIED | MARTIAN },
		{ "0.0.0.1", MARTIAN },
		{ "0.255.255.255", MARTIAN },
		{ "1.0.0.0", 0 },
		{ "10.0.0.1", 0 },
		{ "126.255.255.255", 0 },
		{ "127.0.0.0", LOOPBACK | MARTIAN },
		{ "127.255.255.255", LOOPBACK | MARTIAN },
		{ "128.0.0.0", 0 },
		{ "169.253.255.255", 0 },
		{ "169.254.0.0", LINK_LOCAL },
		{ "169.254.255.255", LINK_LOCAL },
		{ "169.255.0.0", 0 },
		{ "223.255.255.255", 0 },
		{ "224.0.0.0", MULTICAST | MARTIAN },
		{ "239.255.255.255", MULTICAST | MARTIAN },
		{ "240.0.0.0", MARTIAN },
		{ "255.255.255.254", MARTIAN },
		{ "255.255.255.255", BROADCAST | MARTIAN },
		{ "::", UNSPECIFIED | MARTIAN },
		{ "::1", LOOPBACK | MARTIAN },
		{ "::2", MARTIAN },
		{ "::1:0:0:1", 0 },
		{ "2001:db8::1", 0 },
		{ "fe7f::1", 0 },
		{ "fe80::1", LINK_LOCAL },
		{ "febf::1", LINK_LOCAL },
		{ "fec0::1", 0 },
		{ "feff::1", 0 },
		{ "ff02::1", MULTICAST | MARTIAN },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ip_addr a = addr(rows[i].text);

		if (classes_of(&a) != rows[i].classes)
			fail_msg("%s: classes %#x", rows[i].text, classes_of(&a));
	}
}

static void
prefixes_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		int error;
	} rows[] = {
		{ "10.0.0.1/24", 0 },
		{ "0.0.0.0/0", 0 },
		{ "10.0.0.1/32", 0 },
		{ "2001:db8::1/64", 0 },
		{ "::/0", 0 },
		{ "::1/128", 0 },
		{ "10.0.0.1", -EINVAL },
		{ "10.0.0.1/", -EINVAL },
		{ "/24", -EINVAL },
		{ "10.0.0.1/33", -EINVAL },
		{ "10.0.0.1/024", -EINVAL },
		{ "10.0.0.1/24 ", -EINVAL },
		{ "10.0.0.1/24/8", -EINVAL },
		{ "10.0.0.1/-1", -EINVAL },
		{ "2001:db8::/129", -EINVAL },
		{ "2001:db8::/1000", -EINVAL },
		{ "::ffff:10.0.0.1/120", -EINVAL },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t len = strlen(rows[i].text);
		uint8_t *exact = exact_copy(rows[i].text, len);
		struct ip_prefix p;
		char buf[IP_PREFIX_STRLEN];

		if (ip_prefix_parse(&p, (const char *)exact, len) != rows[i].error)
			fail_msg("%s", rows[i].text);
		free(exact);
		if (rows[i].error != 0)
			continue;
		assert_int_equal(ip_prefix_format(&p, buf), len);
		assert_string_equal(buf, rows[i].text);
	}
}

static struct ip_prefix
prefix(const char *text)
{
	struct ip_prefix p;

	assert_int_equal(ip_prefix_parse(&p, text, strlen(text)), 0);
	return p;
}

static void
a_prefix_matches_exactly_its_addresses(void **state)
{
	static const struct {
		const char *prefix;
		const char *addr;
		bool match;
	} rows[] = {
		{ "10.1.2.3/24", "10.1.2.255", true },
		{ "10.1.2.3/24", "10.1.3.0", false },
		{ "10.1.2.3/31", "10.1.2.2", true },
		{ "10.1.2.3/31", "10.1.2.4", false },
		{ "10.1.2.3/32", "10.1.2.3", true },
		{ "10.1.2.3/32", "10.1.2.2", false },
		{ "0.0.0.0/0", "255.1.2.3", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "::/0", "2001:db8::1", true },
		{ "::/0", "10.0.0.1", false },
		{ "128.0.0.0/1", "200.0.0.1", true },
		{ "128.0.0.0/1", "127.0.0.1", false },
		{ "2001:db8::/33", "2001:db8:7fff::1", true },
		{ "2001:db8::/33", "2001:db8:8000::1", false },
		{ "2001:db8::1/128", "2001:db8::1", true },
		{ "2001:db8::1/128", "2001:db8::", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ip_prefix p = prefix(rows[i].prefix);
		struct ip_addr a = addr(rows[i].addr);

		if (ip_prefix_match(&p, &a) != rows[i].match)
			fail_msg("%s in %s", rows[i].addr, rows[i].prefix);
	}
}

static void
only_the_last_address_of_an_ipv4_subnet_is_its_broadcast(void **state)
{
	static const struct {
		const char *prefix;
		const char *addr;
		bool is;
	} rows[] = {
		{ "10.1.2.3/24", "10.1.2.255", true },
		{ "10.1.2.3/24", "10.1.2.254", false },
		{ "10.1.2.3/24", "10.1.3.255", false },
		{ "10.1.2.3/30", "10.1.2.3", true },
		{ "10.1.2.3/31", "10.1.2.3", false },
		{ "10.1.2.3/32", "10.1.2.3", false },
		{ "0.0.0.0/0", "255.255.255.255", true },
		{ "2001:db8::/120", "2001:db8::ff", false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct ip_prefix p = prefix(rows[i].prefix);
		struct ip_addr a = addr(rows[i].addr);

		if (ip_prefix_is_broadcast(&p, &a) != rows[i].is)
			fail_msg("%s of %s", rows[i].addr, rows[i].prefix);
	}
}

static void
mac_addresses_are_read_and_written(void **state)
{
	static const char *const bad[] = { "", "02:00:00:00:00:0", "02:00:00:00:00:011",
		"02-00-00-00-00-01", "02:00:00:00:00;01", "0g:00:00:00:00:01", "02:00:00:00:00:0 ",
		"2:0:0:0:0:1" };
	struct mac_addr mac;
	char buf[MAC_ADDR_STRLEN];

	(void)state;
	assert_int_equal(mac_addr_parse(&mac, "02:1A:ff:00:9c:01", 17), 0);
	assert_int_equal(mac_addr_format(&mac, buf), 17);
	assert_string_equal(buf, "02:1a:ff:00:9c:01");
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		if (mac_addr_parse(&mac, bad[i], strlen(bad[i])) != -EINVAL)
			fail_msg("\"%s\" was taken for an address", bad[i]);
	}
}

static void
mac_addresses_fall_into_their_classes(void **state)
{
	static const struct mac_addr zero = { { 0 } };
	static const struct mac_addr one = { { 0x02, 0, 0, 0, 0, 1 } };
	static const struct mac_addr group = { { 0x01, 0, 0x5e, 0, 0, 1 } };
	static const struct mac_addr all = { { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff } };

	(void)state;
	assert_true(mac_addr_is_zero(&zero));
	assert_false(mac_addr_is_zero(&one));
	assert_false(mac_addr_is_multicast(&one));
	assert_true(mac_addr_is_multicast(&group));
	assert_true(mac_addr_is_multicast(&all));
	assert_true(mac_addr_is_broadcast(&all));
	assert_false(mac_addr_is_broadcast(&group));
	for (size_t bit = 0; bit < 48; bit++) {
		struct mac_addr other = one;

		assert_true(mac_addr_equal(&one, &other));
		other.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(mac_addr_equal(&one, &other));
		other = all;
		other.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(mac_addr_is_broadcast(&other));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_written_as_rfc_5952_says),
		cmocka_unit_test(text_that_is_no_address_is_refused),
		cmocka_unit_test(any_address_reads_back_from_its_text),
		cmocka_unit_test(an_ipv4_address_is_held_as_v4_mapped),
		cmocka_unit_test(addresses_differ_if_any_bit_differs),
		cmocka_unit_test(addresses_fall_into_their_classes),
		cmocka_unit_test(prefixes_are_read_and_written),
		cmocka_unit_test(a_prefix_matches_exactly_its_addresses),
		cmocka_unit_test(only_the_last_address_of_an_ipv4_subnet_is_its_broadcast),
		cmocka_unit_test(mac_addresses_are_read_and_written),
		cmocka_unit_test(mac_addresses_fall_into_their_classes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
