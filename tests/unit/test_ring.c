/* SPDX-License-Identifier: BSD-3-Clause */
/* The ring: order, limits, the wrap of its positions, and two real threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>

#include "base/ring.h"
#include "base/rng.h"

static struct ring *
make_ring(uint32_t capacity)
{
	void *mem = aligned_alloc(CACHE_LINE, (ring_bytes(capacity) + 63) / 64 * 64);

	assert_non_null(mem);
	return ring_init(mem, capacity);
}

/* Number n as a pointer that a slot can hold. */
static void *
item(uintptr_t n)
{
	return (void *)n;
}

static void
only_a_power_of_two_is_a_capacity(void **state)
{
	(void)state;
	assert_true(ring_bytes(0) == 0);
	assert_true(ring_bytes(3) == 0);
	assert_true(ring_bytes(RING_CAPACITY_MAX * 2) == 0);
	assert_true(ring_bytes(1) > 0);
	assert_true(ring_bytes(1024) >= 1024 * sizeof(void *));
}

static void
a_full_ring_takes_only_what_fits(void **state)
{
	struct ring *r = make_ring(4);
	void *in[6] = { item(1), item(2), item(3), item(4), item(5), item(6) };
	void *out[6] = { NULL };

	(void)state;
	assert_int_equal(ring_capacity(r), 4);
	assert_int_equal(ring_get_burst(r, out, 6), 0);
	assert_int_equal(ring_put_burst(r, in, 6), 4);
	assert_int_equal(ring_put_burst(r, in, 1), 0);
	assert_int_equal(ring_count(r), 4);
	assert_int_equal(ring_get_burst(r, out, 1), 1);
	assert_ptr_equal(out[0], item(1));
	assert_int_equal(ring_put_burst(r, in + 4, 2), 1);
	assert_int_equal(ring_get_burst(r, out, 6), 4);
	for (uintptr_t i = 0; i < 4; i++)
		assert_ptr_equal(out[i], item(i + 2));
	assert_int_equal(ring_count(r), 0);
	free(r);
}

/* netdev_max_backlog may be lowered and raised while packets are inside. */
static void
a_depth_below_the_capacity_is_kept_while_it_changes(void **state)
{
	struct ring *r = make_ring(8);
	void *in[8] = { item(1), item(2), item(3), item(4), item(5), item(6), item(7), item(8) };
	void *out[8];

	(void)state;
	assert_int_equal(ring_put_burst_below(r, in, 8, 5), 5);
	assert_int_equal(ring_put_burst_below(r, in, 1, 5), 0);
	assert_int_equal(ring_put_burst_below(r, in, 8, 2), 0);
	assert_int_equal(ring_put_burst_below(r, in, 8, 6), 1);
	assert_int_equal(ring_put_burst_below(r, in, 8, UINT32_MAX), 2);
	assert_int_equal(ring_get_burst(r, out, 8), 8);
	assert_ptr_equal(out[5], item(1));
	assert_int_equal(ring_put_burst_below(r, in, 8, 2), 2);
	assert_int_equal(ring_put_burst_below(r, in, 8, 0), 0);
	assert_int_equal(ring_count(r), 2);
	free(r);
}

/* netdev_max_backlog raised beyond what it was at start. */
static void
an_empty_ring_grows_for_a_depth_above_its_capacity(void **state)
{
	void *mem = aligned_alloc(CACHE_LINE, (ring_bytes(8) + 63) / 64 * 64);
	struct ring *r = ring_init_growing(mem, 2, 8);
	void *in[9] = { item(1), item(2), item(3), item(4), item(5), item(6), item(7), item(8) };
	void *out[9];

	(void)state;
	/* Positions that are no multiple of either capacity. */
	assert_int_equal(ring_put_burst_below(r, in, 1, 2), 1);
	assert_int_equal(ring_get_burst(r, out, 1), 1);
	assert_int_equal(ring_put_burst_below(r, in, 9, 2), 2);
	/* What is inside keeps its slots. */
	assert_int_equal(ring_put_burst_below(r, in + 2, 7, 5), 0);
	assert_int_equal(ring_capacity(r), 2);
	assert_int_equal(ring_get_burst(r, out, 9), 2);
	assert_ptr_equal(out[1], item(2));
	assert_int_equal(ring_put_burst_below(r, in, 9, 5), 5);
	assert_int_equal(ring_capacity(r), 8);
	assert_int_equal(ring_put_burst_below(r, in + 5, 4, UINT32_MAX), 3);
	assert_int_equal(ring_get_burst(r, out, 9), 8);
	for (uintptr_t i = 0; i < 8; i++)
		assert_ptr_equal(out[i], item(i + 1));
	/* No further than there is memory. */
	assert_int_equal(ring_put_burst_below(r, in, 9, UINT32_MAX), 8);
	free(r);
}

static void
order_survives_the_wrap_of_the_positions(void **state)
{
	struct ring *r = make_ring(8);
	struct rng rng;
	uintptr_t put = 1;
	uintptr_t got = 1;

	(void)state;
	/* Positions that 32 bits are about to run out of. */
	atomic_store(&r->head, UINT32_MAX - 20);
	atomic_store(&r->tail, UINT32_MAX - 20);
	r->head_seen = UINT32_MAX - 20;
	r->tail_seen = UINT32_MAX - 20;
	rng_seed(&rng, 11);
	for (int round = 0; round < 1000; round++) {
		void *items[8];
		uint32_t n = rng_below(&rng, 9);

		for (uint32_t i = 0; i < n; i++)
			items[i] = item(put + i);
		put += ring_put_burst(r, items, n);
		assert_int_equal(ring_count(r), put - got);
		n = ring_get_burst(r, items, rng_below(&rng, 9));
		for (uint32_t i = 0; i < n; i++)
			assert_ptr_equal(items[i], item(got++));
	}
	free(r);
}

#define THREAD_ITEMS 200000

/* The depth is raised on the way: the ring grows while the other thread takes from it. */
static void *
produce(void *arg)
{
	struct ring *r = arg;
	uintptr_t next = 1;

	while (next <= THREAD_ITEMS) {
		void *items[7];
		uint32_t n = 0;

		while (n < 7 && next + n <= THREAD_ITEMS) {
			items[n] = item(next + n);
			n++;
		}
		n = ring_put_burst_below(r, items, n, next < THREAD_ITEMS / 2 ? 64 : 1000);
		next += n;
		if (n == 0)
			sched_yield();
	}
	return NULL;
}

static void
two_threads_lose_nothing_and_keep_the_order(void **state)
{
	void *mem = aligned_alloc(CACHE_LINE, (ring_bytes(1024) + 63) / 64 * 64);
	struct ring *r = ring_init_growing(mem, 64, 1024);
	pthread_t producer;
	uintptr_t next = 1;

	(void)state;
	assert_int_equal(pthread_create(&producer, NULL, produce, r), 0);
	while (next <= THREAD_ITEMS) {
		void *items[5];
		uint32_t n = ring_get_burst(r, items, 5);

		for (uint32_t i = 0; i < n; i++)
			assert_ptr_equal(items[i], item(next++));
		if (n == 0)
			sched_yield();
	}
	assert_int_equal(pthread_join(producer, NULL), 0);
	assert_int_equal(ring_count(r), 0);
	free(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_power_of_two_is_a_capacity),
		cmocka_unit_test(a_full_ring_takes_only_what_fits),
		cmocka_unit_test(a_depth_below_the_capacity_is_kept_while_it_changes),
		cmocka_unit_test(an_empty_ring_grows_for_a_depth_above_its_capacity),
		cmocka_unit_test(order_survives_the_wrap_of_the_positions),
		cmocka_unit_test(two_threads_lose_nothing_and_keep_the_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
