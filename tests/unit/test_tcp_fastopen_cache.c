/* SPDX-License-Identifier: BSD-3-Clause */
/* What is known of the peers of active opens: learnt, used, forgotten. Behaviour is in scripts. */
#include "unit/tcp_unit.h"

static struct tcp_conn
conn_to(uint8_t last)
{
	struct tcp_conn c = { .flags = TF_FASTOPEN | TF_ACTIVE };

	c.key.family = FLOW_FAMILY_V4;
	c.key.raddr.b[10] = c.key.raddr.b[11] = 0xff;
	c.key.raddr.b[15] = last;
	return c;
}

static void
a_cookie_is_kept_for_its_address_alone(void **state)
{
	const struct tcp_opts granted = {
		.present = TCP_OPT_FASTOPEN,
		.fastopen_len = 8,
		.fastopen = { 1, 2, 3, 4, 5, 6, 7, 8 },
	};
	struct tcp_bed *bed = *state;
	struct tcp_opts opts = { 0 };
	struct tcp_conn *c, *other;

	bed->stack->env = &bed->env;
	c = &bed->stack->conns[0];
	other = &bed->stack->conns[1];
	*other = conn_to(9);
	c->key = conn_to(1).key;
	c->flags = TF_FASTOPEN | TF_ACTIVE;
	assert_int_equal(tcp_fastopen_mss(bed->stack, c), 496);
	tcp_cold(bed->stack, c)->peer_mss = 1460;
	assert_false(tcp_fastopen_ask(bed->stack, c, &opts));
	assert_int_equal(opts.fastopen_len, 0);
	tcp_fastopen_learn(bed->stack, c, &granted);
	assert_true(tcp_fastopen_ask(bed->stack, c, &opts));
	assert_memory_equal(opts.fastopen, granted.fastopen, 8);
	assert_int_equal(tcp_fastopen_mss(bed->stack, c), 1420);
	assert_false(tcp_fastopen_ask(bed->stack, other, &opts));
	/* What comes unasked for, after a plain repetition of the SYN, is not believed. */
	c->key = conn_to(2).key;
	c->flags |= TF_SYN_RTX;
	tcp_fastopen_learn(bed->stack, c, &granted);
	assert_false(tcp_fastopen_ask(bed->stack, c, &opts));
	c->key = (struct flow_key){ 0 };
	c->flags = 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_cookie_is_kept_for_its_address_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
