/* SPDX-License-Identifier: BSD-3-Clause */
/* The pseudo header against the layouts of the RFCs, written out byte by byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "base/rng.h"
#include "wire/pseudo.h"

static void
ipv4_sums_equal_the_layout_of_rfc_9293(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 15);
	for (int i = 0; i < 10000; i++) {
		uint8_t proto = (uint8_t)(1 + rng_below(&rng, 255));
		uint16_t len = (uint16_t)rng_u32(&rng);
		uint32_t src = rng_u32(&rng);
		uint32_t dst = rng_u32(&rng);
		struct ip_addr a = ip_addr_from_v4(src);
		struct ip_addr b = ip_addr_from_v4(dst);
		uint8_t bytes[12] = { 0 };
		uint16_t expected;

		store_be32(bytes, src);
		store_be32(bytes + 4, dst);
		bytes[9] = proto;
		store_be16(bytes + 10, len);
		expected = csum_fold(csum_partial(bytes, sizeof(bytes), 0));
		assert_int_equal(csum_fold(pseudo_csum4(src, dst, proto, len)), expected);
		assert_int_equal(csum_fold(pseudo_csum(&a, &b, proto, len)), expected);
		assert_int_equal(csum_fold(pseudo_csum_mapped(&a, &b, proto, len)), expected);
	}
}

static void
ipv6_sums_equal_the_layout_of_rfc_8200(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 16);
	for (int i = 0; i < 10000; i++) {
		uint8_t proto = (uint8_t)rng_u32(&rng);
		uint32_t len = rng_u32(&rng);
		struct ip_addr a;
		struct ip_addr b;
		uint8_t bytes[40] = { 0 };

		for (size_t j = 0; j < 16; j++) {
			a.b[j] = (uint8_t)rng_u32(&rng);
			b.b[j] = (uint8_t)rng_u32(&rng);
		}
		memcpy(bytes, a.b, 16);
		memcpy(bytes + 16, b.b, 16);
		store_be32(bytes + 32, len);
		bytes[39] = proto;
		assert_int_equal(csum_fold(pseudo_csum(&a, &b, proto, len)),
			csum_fold(csum_partial(bytes, sizeof(bytes), 0)));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_sums_equal_the_layout_of_rfc_9293),
		cmocka_unit_test(ipv6_sums_equal_the_layout_of_rfc_8200),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
