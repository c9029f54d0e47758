/* SPDX-License-Identifier: BSD-3-Clause */
/* The neighbour cache: states, times, bounds and who is evicted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "conf/counters.h"
#include "lib/test_pkt.h"
#include "net/neigh.h"

#define MAX 64u

static const struct mac_addr mac_a = { { 2, 0, 0, 0, 0, 0xa } };

struct bed {
	struct test_pkts pkts;
	struct counters ctr;
	struct env env;
	struct neigh_table t;
};

static int
setup(void **state)
{
	static struct bed bed;
	const struct siphash_key key = { { 3, 4 } };

	memset(&bed, 0, sizeof(bed));
	test_pkts_init(&bed.pkts, 1000, 100);
	bed.env.now_us = 5000000;
	bed.env.ctr = &bed.ctr;
	bed.env.pool = &bed.pkts.pool;
	assert_int_equal(neigh_init(&bed.t, MAX, &key), 0);
	*state = &bed;
	return 0;
}

static int
teardown(void **state)
{
	struct bed *bed = *state;
	uint32_t sum = 0;

	for (unsigned int i = 0; i < NEIGH_STATES; i++)
		sum += bed->t.lists[i].count;
	assert_int_equal(sum, MAX);
	neigh_fini(&bed->t, &bed->env);
	assert_int_equal(bed->pkts.pool.held, 0);
	test_pkts_check_none(&bed->pkts);
	return 0;
}

/* The nth address: every other one IPv6. */
static struct ip_addr
addr(uint32_t n)
{
	struct ip_addr a = ip_addr_from_v4(0x0a000000 + n);

	if (n % 2 == 1)
		a.b[0] = 0x20;
	return a;
}

static struct neigh *
add(struct bed *bed, uint32_t n, enum neigh_state state)
{
	struct ip_addr a = addr(n);

	return neigh_add(&bed->t, &bed->env, &a, state, state == NEIGH_INCOMPLETE ? NULL : &mac_a);
}

static struct neigh *
add_reachable(struct bed *bed, uint32_t n)
{
	struct neigh *e = add(bed, n, NEIGH_INCOMPLETE);

	assert_non_null(e);
	e->mac = mac_a;
	neigh_set_reachable(&bed->t, &bed->env, e);
	return e;
}

static struct neigh *
find(struct bed *bed, uint32_t n)
{
	struct ip_addr a = addr(n);

	return neigh_find(&bed->t, &a);
}

static void
init_refuses_sizes_out_of_range(void **state)
{
	static const unsigned int rows[] = { 0, NEIGH_MIN - 1, NEIGH_MAX + 1, UINT32_MAX };
	const struct siphash_key key = { { 0, 0 } };
	struct neigh_table t;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(neigh_init(&t, rows[i], &key), -EINVAL);
}

static void
every_entry_is_found_and_no_other(void **state)
{
	struct bed *bed = *state;

	for (uint32_t n = 0; n < MAX; n++) {
		struct neigh *e = add_reachable(bed, n);

		assert_ptr_equal(find(bed, n), e);
	}
	for (uint32_t round = 0; round < 2; round++)
		for (uint32_t n = 0; n < MAX; n++) {
			struct ip_addr a = addr(n);

			assert_true(ip_addr_equal(&find(bed, n)->addr, &a));
			assert_null(find(bed, n + MAX));
		}
}

static void
removed_entry_is_not_found_though_its_slot_was_hot(void **state)
{
	struct bed *bed = *state;
	struct neigh *e = add(bed, 7, NEIGH_STALE);

	assert_ptr_equal(find(bed, 7), e);
	neigh_remove(&bed->t, &bed->env, e);
	assert_null(find(bed, 7));
	assert_int_equal(e->valid_until_us, 0);
}

static void
empty_table_finds_neither_zero_nor_ones(void **state)
{
	struct bed *bed = *state;
	struct ip_addr a = { { 0 } };

	assert_null(neigh_find(&bed->t, &a));
	memset(a.b, 0xff, sizeof(a.b));
	/* All ones marks free entries; net_output never asks for it, being multicast. */
	a.b[15] = 0xfe;
	assert_null(neigh_find(&bed->t, &a));
}

static void
states_say_how_long_the_mac_may_be_used(void **state)
{
	struct bed *bed = *state;
	uint64_t now = bed->env.now_us;
	struct neigh *e = add(bed, 1, NEIGH_INCOMPLETE);

	assert_int_equal(e->valid_until_us, 0);
	neigh_set_reachable(&bed->t, &bed->env, e);
	assert_int_equal(e->valid_until_us, now + NEIGH_REACHABLE_US);
	neigh_set_probe(&bed->t, &bed->env, e, 3);
	assert_true(e->valid_until_us == UINT64_MAX);
	assert_true(add(bed, 2, NEIGH_PERMANENT)->valid_until_us == UINT64_MAX);
	assert_int_equal(add(bed, 3, NEIGH_STALE)->valid_until_us, 0);
}

static void
settled_lasts_a_second(void **state)
{
	struct bed *bed = *state;
	uint64_t now = bed->env.now_us;
	struct neigh *e = add_reachable(bed, 1);

	assert_true(neigh_is_settled(e, now));
	assert_true(neigh_is_settled(e, now + NEIGH_SETTLED_US - 1));
	assert_false(neigh_is_settled(e, now + NEIGH_SETTLED_US));
	assert_true(neigh_is_settled(add(bed, 2, NEIGH_PERMANENT), now));
	assert_false(neigh_is_settled(add(bed, 3, NEIGH_STALE), now));
	assert_false(neigh_is_settled(add(bed, 4, NEIGH_INCOMPLETE), now));
}

static void
due_comes_a_second_after_the_question_and_in_order(void **state)
{
	struct bed *bed = *state;
	struct neigh *first = add(bed, 1, NEIGH_INCOMPLETE);
	struct neigh *second;

	assert_ptr_equal(neigh_due(&bed->t, bed->env.now_us), first);
	neigh_asked(&bed->t, &bed->env, first);
	assert_int_equal(first->tries, NEIGH_TRIES - 1);
	bed->env.now_us += 1;
	second = add_reachable(bed, 2);
	neigh_set_probe(&bed->t, &bed->env, second, 1);
	assert_ptr_equal(neigh_due(&bed->t, bed->env.now_us), second);
	neigh_asked(&bed->t, &bed->env, second);
	assert_int_equal(second->tries, 0);
	assert_int_equal(neigh_due_at(&bed->t), bed->env.now_us - 1 + NEIGH_RETRY_US);
	assert_null(neigh_due(&bed->t, neigh_due_at(&bed->t) - 1));
	assert_ptr_equal(neigh_due(&bed->t, neigh_due_at(&bed->t)), first);
	neigh_remove(&bed->t, &bed->env, first);
	assert_int_equal(neigh_due_at(&bed->t), second->due_us);
	neigh_remove(&bed->t, &bed->env, second);
	assert_true(neigh_due_at(&bed->t) == UINT64_MAX);
}

static void
fourth_waiting_packet_displaces_the_oldest(void **state)
{
	struct bed *bed = *state;
	struct neigh *e = add(bed, 1, NEIGH_INCOMPLETE);
	struct pkt *pkts[4];
	struct pkt *out[NEIGH_WAITING_MAX];

	for (unsigned int i = 0; i < 4; i++) {
		pkts[i] = pkt_alloc(bed->env.pool);
		neigh_wait(&bed->t, &bed->env, e, pkts[i]);
	}
	assert_int_equal(bed->ctr.NeighQueueDrops, 1);
	assert_int_equal(neigh_take_waiting(&bed->t, e, out), 3);
	for (unsigned int i = 0; i < 3; i++) {
		assert_ptr_equal(out[i], pkts[i + 1]);
		pkt_free(bed->env.pool, out[i]);
	}
	assert_int_equal(neigh_take_waiting(&bed->t, e, out), 0);
	assert_int_equal(bed->t.waiting, 0);
}

static void
waiting_packets_have_a_limit_in_all(void **state)
{
	struct bed *bed = *state;
	struct neigh *e = add(bed, 0, NEIGH_INCOMPLETE);

	bed->t.waiting = NEIGH_WAITING_TOTAL_MAX - 1;
	neigh_wait(&bed->t, &bed->env, e, pkt_alloc(bed->env.pool));
	assert_int_equal(bed->ctr.NeighQueueDrops, 0);
	neigh_wait(&bed->t, &bed->env, e, pkt_alloc(bed->env.pool));
	assert_int_equal(bed->ctr.NeighQueueDrops, 1);
	assert_int_equal(e->waiting_count, 1);
	bed->t.waiting = 1;
}

static void
removal_and_end_free_what_waits(void **state)
{
	struct bed *bed = *state;
	struct neigh *e = add(bed, 1, NEIGH_INCOMPLETE);

	neigh_wait(&bed->t, &bed->env, e, pkt_alloc(bed->env.pool));
	neigh_wait(&bed->t, &bed->env, e, pkt_alloc(bed->env.pool));
	neigh_remove(&bed->t, &bed->env, e);
	assert_int_equal(bed->ctr.NeighQueueDrops, 2);
	assert_int_equal(bed->pkts.outstanding, 0);
	e = add(bed, 1, NEIGH_INCOMPLETE);
	neigh_wait(&bed->t, &bed->env, e, pkt_alloc(bed->env.pool));
	/* The rest is checked by teardown. */
}

static void
incomplete_and_hearsay_hold_a_quarter_each_at_most(void **state)
{
	struct bed *bed = *state;

	for (uint32_t n = 0; n < MAX; n++)
		assert_non_null(add(bed, n, NEIGH_INCOMPLETE));
	assert_int_equal(bed->t.lists[NEIGH_INCOMPLETE].count, MAX / 4);
	assert_null(find(bed, 0));
	assert_non_null(find(bed, MAX - 1));
	for (uint32_t n = MAX; n < 3 * MAX; n++)
		assert_non_null(add(bed, n, NEIGH_STALE));
	assert_int_equal(bed->t.lists[NEIGH_STALE].count, MAX / 4);
	assert_int_equal(bed->ctr.NeighTableFulls, MAX - MAX / 4 + 2 * MAX - MAX / 4);
}

static void
hearsay_never_displaces_a_neighbour(void **state)
{
	struct bed *bed = *state;

	for (uint32_t n = 0; n < MAX; n++)
		add_reachable(bed, n);
	bed->env.now_us += NEIGH_REACHABLE_US;
	assert_null(add(bed, MAX, NEIGH_STALE));
	assert_int_equal(bed->ctr.NeighTableFulls, 1);
	for (uint32_t n = 0; n < MAX; n++)
		assert_non_null(find(bed, n));
}

static void
configured_neighbours_hold_half_and_stay(void **state)
{
	struct bed *bed = *state;

	for (uint32_t n = 0; n < MAX / 2; n++)
		assert_non_null(add(bed, n, NEIGH_PERMANENT));
	assert_null(add(bed, MAX, NEIGH_PERMANENT));
	for (uint32_t n = 2 * MAX; n < 5 * MAX; n++)
		add_reachable(bed, n);
	for (uint32_t n = 0; n < MAX / 2; n++)
		assert_int_equal(find(bed, n)->state, NEIGH_PERMANENT);
}

/* Who leaves a full table: rows fill it up, the last one is the newcomer. */
static void
eviction_prefers_what_is_worth_least(void **state)
{
	struct bed *bed = *state;
	const uint32_t fresh = 10, probe = 20, incomplete = 30, expired = 40, stale = 50;

	/* Each group is two, the rest is configured or fresh. */
	add_reachable(bed, expired);
	add_reachable(bed, expired + 1);
	bed->env.now_us += NEIGH_REACHABLE_US;
	for (uint32_t i = 0; i < 2; i++) {
		add(bed, stale + i, NEIGH_STALE);
		add(bed, incomplete + i, NEIGH_INCOMPLETE);
		neigh_set_probe(&bed->t, &bed->env, add_reachable(bed, probe + i), 3);
		add_reachable(bed, fresh + i);
	}
	for (uint32_t n = 0; bed->t.lists[NEIGH_FREE].count > 0; n++)
		add_reachable(bed, 100 + n);
	{
		const uint32_t order[] = { stale, stale + 1, expired, expired + 1, incomplete,
			incomplete + 1, probe, probe + 1, fresh, fresh + 1, 100, 101 };

		for (uint32_t i = 0; i < ARRAY_SIZE(order); i++) {
			assert_non_null(find(bed, order[i]));
			add_reachable(bed, 1000 + i);
			assert_null(find(bed, order[i]));
		}
	}
}

static void
confirmed_neighbour_goes_to_the_end_of_the_queue(void **state)
{
	struct bed *bed = *state;

	for (uint32_t n = 0; n < MAX; n++)
		add_reachable(bed, n);
	neigh_set_reachable(&bed->t, &bed->env, find(bed, 0));
	add_reachable(bed, 1000);
	assert_non_null(find(bed, 0));
	assert_null(find(bed, 1));
}

int
main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(init_refuses_sizes_out_of_range),
		T(every_entry_is_found_and_no_other),
		T(removed_entry_is_not_found_though_its_slot_was_hot),
		T(empty_table_finds_neither_zero_nor_ones),
		T(states_say_how_long_the_mac_may_be_used),
		T(settled_lasts_a_second),
		T(due_comes_a_second_after_the_question_and_in_order),
		T(fourth_waiting_packet_displaces_the_oldest),
		T(waiting_packets_have_a_limit_in_all),
		T(removal_and_end_free_what_waits),
		T(incomplete_and_hearsay_hold_a_quarter_each_at_most),
		T(hearsay_never_displaces_a_neighbour),
		T(configured_neighbours_hold_half_and_stay),
		T(eviction_prefers_what_is_worth_least),
		T(confirmed_neighbour_goes_to_the_end_of_the_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
