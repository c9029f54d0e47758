/* SPDX-License-Identifier: BSD-3-Clause */
/* Initial sequence numbers (RFC 6528). */
#include "unit/tcp_unit.h"

static void
the_number_of_a_flow_ticks_every_4_us(void **state)
{
	static const struct {
		uint64_t after_us;
		uint32_t want;
	} rows[] = { { 0, 0 }, { 3, 0 }, { 4, 1 }, { 1000, 250 }, { 4ULL << 32, 0 },
		{ (4ULL << 32) - 4, UINT32_MAX } };
	struct tcp_bed *bed = *state;
	uint64_t start = bed->env.now_us;
	struct bed_peer p;
	uint32_t first;

	bed_peer_init(&p, bed);
	bed->stack->env = &bed->env;
	first = tcp_isn(bed->stack, &p.key);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bed->env.now_us = start + rows[i].after_us;
		assert_int_equal(tcp_isn(bed->stack, &p.key) - first, rows[i].want);
	}
	bed->env.now_us = start;
}

/* From the numbers of one flow nothing follows for another, nor for another start. */
static void
numbers_differ_by_every_part_of_the_flow_and_by_the_secret(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint32_t isn[6];

	bed_peer_init(&p, bed);
	bed->stack->env = &bed->env;
	for (unsigned int i = 0; i < ARRAY_SIZE(isn); i++) {
		struct flow_key key = p.key;

		key.rport ^= i == 1;
		key.lport ^= i == 2;
		key.raddr.b[15] ^= i == 3;
		key.laddr_idx ^= i == 4;
		bed->stack->par.isn_key.k[1] ^= i == 5;
		isn[i] = tcp_isn(bed->stack, &key);
		bed->stack->par.isn_key.k[1] ^= i == 5;
		for (unsigned int j = 0; j < i; j++)
			assert_true(isn[i] - isn[j] > 1000 && isn[j] - isn[i] > 1000);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(the_number_of_a_flow_ticks_every_4_us),
		BED_TEST(numbers_differ_by_every_part_of_the_flow_and_by_the_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
