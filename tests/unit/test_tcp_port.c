/* SPDX-License-Identifier: BSD-3-Clause */
/* Local ports of active opens (RFC 6056): in the range, spread, found while one is free. */
#include "unit/tcp_unit.h"

static int
choose(struct tcp_bed *bed, struct flow_key *key)
{
	uint64_t hash;
	int err;

	bed->stack->env = &bed->env;
	key->lport = 0;
	err = tcp_port_choose(bed->stack, key, &hash);
	if (err == 0)
		assert_true(hash == tcp_flow_hash(bed->stack, key));
	return err;
}

static void
ports_lie_in_the_range_and_do_not_count_up(void **state)
{
	static const uint32_t rows[][2] = { { 32768, 60999 }, { 1, 65535 }, { 500, 501 },
		{ 65535, 65535 } };
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		unsigned int next = 0;
		uint16_t last = 0;

		bed->tun.ip_local_port_range[0] = rows[i][0];
		bed->tun.ip_local_port_range[1] = rows[i][1];
		for (unsigned int j = 0; j < 1000; j++) {
			assert_int_equal(choose(bed, &p.key), 0);
			assert_in_range(p.key.lport, rows[i][0], rows[i][1]);
			next += p.key.lport == last + 1;
			last = p.key.lport;
		}
		if (i < 2)
			assert_in_range(next, 0, 300);
	}
}

/* Every port of a small range is used before the range counts as used up. */
static void
a_free_port_is_found_as_long_as_there_is_one(void **state)
{
	static const uint32_t rows[] = { 1, 2, 8, 9, 60 };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tcp_handle h[64];
		struct bed_peer p;

		bed_peer_init(&p, bed);
		p.key.lport = 0;
		bed->tun.ip_local_port_range[0] = 40000;
		bed->tun.ip_local_port_range[1] = 40000 + rows[i] - 1;
		for (uint32_t j = 0; j < rows[i]; j++)
			assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h[j]), 0);
		assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h[63]),
			-EADDRNOTAVAIL);
		/* To another peer the same ports are free. */
		p.key.rport++;
		assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h[63]), 0);
		tcp_abort(bed->stack, &bed->env, h[63]);
		for (uint32_t j = 0; j < rows[i]; j++)
			tcp_abort(bed->stack, &bed->env, h[j]);
		tcp_bed_events(bed, 0, NULL);
		tcp_bed_discard(bed);
	}
}

static void
two_peers_and_two_starts_get_different_ports(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint16_t port[3];

	for (unsigned int i = 0; i < 3; i++) {
		bed_peer_init(&p, bed);
		p.key.raddr.b[14] ^= i == 1;
		bed->stack->par.port_key.k[0] ^= i == 2;
		bed->stack->port_hint = 0;
		rng_seed(&bed->rng, 1);
		assert_int_equal(choose(bed, &p.key), 0);
		port[i] = p.key.lport;
	}
	assert_int_not_equal(port[0], port[1]);
	assert_int_not_equal(port[0], port[2]);
}

static bool
odd_ports(const void *ctx, const struct flow_key *key)
{
	(void)ctx;
	return key->lport % 2 == 1;
}

static void
only_ports_whose_replies_come_to_this_worker_are_chosen(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->par.is_mine = odd_ports;
	tcp_bed_start(bed);
	bed_peer_init(&p, bed);
	for (unsigned int i = 0; i < 100; i++) {
		assert_int_equal(choose(bed, &p.key), 0);
		assert_int_equal(p.key.lport % 2, 1);
	}
	bed->tun.ip_local_port_range[0] = bed->tun.ip_local_port_range[1] = 40000;
	assert_int_equal(choose(bed, &p.key), -EADDRNOTAVAIL);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(ports_lie_in_the_range_and_do_not_count_up),
		BED_TEST(a_free_port_is_found_as_long_as_there_is_one),
		BED_TEST(two_peers_and_two_starts_get_different_ports),
		BED_TEST_PREPARED(only_ports_whose_replies_come_to_this_worker_are_chosen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
