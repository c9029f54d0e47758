/* SPDX-License-Identifier: BSD-3-Clause */
/* Addresses as text: what is read is written and read back the same. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/exact.h"
#include "wire/addr.h"

static void
check_addr(const char *text, size_t size)
{
	struct ip_addr a;
	struct ip_addr b;
	char buf[IP_ADDR_STRLEN];
	char buf2[IP_ADDR_STRLEN];
	size_t len;

	if (ip_addr_parse(&a, text, size) != 0)
		return;
	len = ip_addr_format(&a, buf);
	FUZZ_CHECK(len < sizeof(buf) && strlen(buf) == len);
	FUZZ_CHECK(ip_addr_parse(&b, buf, len) == 0);
	FUZZ_CHECK(ip_addr_equal(&a, &b));
	FUZZ_CHECK(ip_addr_format(&b, buf2) == len && memcmp(buf, buf2, len) == 0);
}

static void
check_prefix(const char *text, size_t size)
{
	struct ip_prefix a;
	struct ip_prefix b;
	char buf[IP_PREFIX_STRLEN];
	size_t len;

	if (ip_prefix_parse(&a, text, size) != 0)
		return;
	FUZZ_CHECK(a.len <= (ip_addr_is_v4(&a.addr) ? 32 : 128));
	FUZZ_CHECK(ip_prefix_match(&a, &a.addr));
	len = ip_prefix_format(&a, buf);
	FUZZ_CHECK(len < sizeof(buf) && strlen(buf) == len);
	FUZZ_CHECK(ip_prefix_parse(&b, buf, len) == 0);
	FUZZ_CHECK(ip_addr_equal(&a.addr, &b.addr) && a.len == b.len);
}

static void
check_mac(const char *text, size_t size)
{
	struct mac_addr a;
	struct mac_addr b;
	char buf[MAC_ADDR_STRLEN];

	if (mac_addr_parse(&a, text, size) != 0)
		return;
	FUZZ_CHECK(mac_addr_format(&a, buf) == sizeof(buf) - 1);
	FUZZ_CHECK(mac_addr_parse(&b, buf, sizeof(buf) - 1) == 0);
	FUZZ_CHECK(mac_addr_equal(&a, &b));
}

/* The first 16 bytes of any input are an address, too. */
static void
check_bytes(const uint8_t *data, size_t size)
{
	struct ip_addr a;
	struct ip_addr b;
	char buf[IP_ADDR_STRLEN];

	if (size < sizeof(a.b))
		return;
	memcpy(a.b, data, sizeof(a.b));
	FUZZ_CHECK(ip_addr_parse(&b, buf, ip_addr_format(&a, buf)) == 0);
	FUZZ_CHECK(ip_addr_equal(&a, &b));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *exact = exact_copy(data, size);

	check_addr((const char *)exact, size);
	check_prefix((const char *)exact, size);
	check_mac((const char *)exact, size);
	check_bytes(exact, size);
	free(exact);
	return 0;
}
