/* SPDX-License-Identifier: BSD-3-Clause */
/* Keys in ten bytes: what goes in comes out, for both families; IPv6 places are given back. */
#include "unit/tcp_unit.h"

#define MANY 64u

static struct flow_key
key_of(bool ip6, uint32_t i)
{
	struct ip_addr addr = ip_addr_from_v4(0x0a000001 + i * 0x01010101);

	if (ip6) {
		for (unsigned int b = 0; b < sizeof(addr.b); b++)
			addr.b[b] = (uint8_t)(0x20 + b + i);
	}
	return flow_key_make(
		&addr, (uint16_t)(65535 - i), (uint8_t)(i % 64), (uint16_t)(BED_PORT + i));
}

static void
a_key_comes_back_as_it_was(void **state)
{
	struct tcp_bed *bed = *state;

	for (uint32_t i = 0; i < MANY; i++) {
		struct flow_key key = key_of(i % 2 == 1, i), again;
		struct tcp_brief brief;

		tcp_brief_take(bed->stack, &key, &brief);
		again = tcp_brief_key(bed->stack, &brief);
		assert_memory_equal(&again, &key, sizeof(key));
		assert_true(tcp_brief_is(bed->stack, &brief, &key));
		tcp_brief_give(bed->stack, &brief);
		assert_int_equal(brief.local, 0);
	}
	assert_int_equal(bed->stack->ip6.used, 0);
}

static void
no_other_key_is_taken_for_it(void **state)
{
	struct tcp_bed *bed = *state;

	for (unsigned int ip6 = 0; ip6 < 2; ip6++) {
		struct flow_key key = key_of(ip6 == 1, 5);
		struct tcp_brief brief;

		tcp_brief_take(bed->stack, &key, &brief);
		for (unsigned int bit = 0; bit < 48; bit++) {
			struct flow_key other = key;

			other.w[2] ^= 1ULL << bit;
			assert_false(tcp_brief_is(bed->stack, &brief, &other));
		}
		for (unsigned int bit = 0; bit < 128; bit++) {
			struct flow_key other = key;

			/* Of IPv4 only the last four bytes vary. */
			if (ip6 == 0 && bit < 96)
				continue;
			other.w[bit / 64] ^= 1ULL << bit % 64;
			assert_false(tcp_brief_is(bed->stack, &brief, &other));
		}
		tcp_brief_give(bed->stack, &brief);
		assert_false(tcp_brief_is(bed->stack, &brief, &key));
	}
}

static void
ip6_places_are_used_again_before_new_ones(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_ip6_pool *pool = &bed->stack->ip6;
	struct tcp_brief briefs[MANY];
	struct flow_key key;

	for (unsigned int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < MANY; i++) {
			key = key_of(true, i);
			tcp_brief_take(bed->stack, &key, &briefs[i]);
		}
		assert_int_equal(pool->used, MANY);
		for (uint32_t i = 0; i < MANY; i++) {
			key = key_of(true, i);
			assert_true(tcp_brief_is(bed->stack, &briefs[i], &key));
			tcp_brief_give(bed->stack, &briefs[i]);
		}
	}
	assert_int_equal(pool->used, 0);
	assert_int_equal(pool->fresh, MANY);
	/* IPv4 needs none. */
	key = key_of(false, 1);
	tcp_brief_take(bed->stack, &key, &briefs[0]);
	assert_int_equal(pool->used, 0);
	tcp_brief_give(bed->stack, &briefs[0]);
}

/* A life over IPv6: it has a place where it has no connection, and is listed by its address. */
static void
an_ip6_flow_has_a_place_before_and_after_its_connection(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_ip6_pool *pool = &bed->stack->ip6;
	struct tcp_conn_info row;
	uint64_t cursor = 0;
	struct bed_peer p;

	tcp_bed_listen(bed, 8);
	bed_peer_init(&p, bed);
	p.key = key_of(true, 0);
	p.key.laddr_idx = 1;
	bed_peer_syn(&p);
	assert_int_equal(pool->used, 1);
	assert_int_equal(bed_peer_state(&p), TCPS_SYN_RECEIVED);
	bed_peer_ack_syn(&p);
	assert_int_equal(pool->used, 0);
	bed_peer_accept(&p);
	assert_int_equal(tcp_close(bed->stack, &bed->env, p.h), 0);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	bed_peer_saw(&p, 1);
	bed_peer_send(&p, TCP_FIN | TCP_ACK, 0);
	assert_int_equal(bed_peer_state(&p), TCPS_TIME_WAIT);
	assert_int_equal(pool->used, 1);
	while (cursor != UINT64_MAX)
		if (tcp_list_conns(bed->stack, &bed->env, &cursor, &row, 1) == 1)
			assert_memory_equal(&row.key, &p.key, sizeof(p.key));
	tcp_bed_discard(bed);
	tcp_bed_advance(bed, 61000);
	assert_int_equal(pool->used, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_key_comes_back_as_it_was),
		BED_TEST(no_other_key_is_taken_for_it),
		BED_TEST(ip6_places_are_used_again_before_new_ones),
		BED_TEST(an_ip6_flow_has_a_place_before_and_after_its_connection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
