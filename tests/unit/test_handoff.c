/* SPDX-License-Identifier: BSD-3-Clause */
/* The rings between workers, and waking a worker that sleeps. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <time.h>

#include "conf/tunables.h"
#include "io/handoff.h"
#include "io/idle.h"

static uint64_t
now_us(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000u + (uint64_t)ts.tv_nsec / 1000u;
}

/* The depth of a running appliance, from one end of its range to the other. */
static void
netdev_max_backlog_is_what_a_ring_holds_also_after_it_was_raised(void **state)
{
	static void *items[HANDOFF_DEPTH_MAX + 1];
	static struct handoff h;
	const struct tunable_desc *row = tunables_find("netdev_max_backlog");
	struct ring *r;

	(void)state;
	assert_int_equal(row->max, HANDOFF_DEPTH_MAX);
	assert_int_equal(handoff_init(&h, 2, 2, row->min), 0);
	r = h.rx[0][1];
	assert_int_equal(ring_put_burst_below(r, items, ARRAY_SIZE(items), row->min), row->min);
	assert_int_equal(ring_get_burst(r, items, ARRAY_SIZE(items)), row->min);
	assert_int_equal(ring_put_burst_below(r, items, ARRAY_SIZE(items), row->max), row->max);
	handoff_fini(&h);
}

static void
every_owner_reaches_every_other_worker_and_the_rest_reach_a_sender(void **state)
{
	static const struct {
		unsigned int workers, owners;
	} rows[] = { { 1, 1 }, { 2, 2 }, { 2, 1 }, { 5, 2 }, { 16, 16 } };
	static struct handoff h;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(handoff_init(&h, rows[i].workers, rows[i].owners, 100), 0);
		for (unsigned int from = 0; from < rows[i].workers; from++) {
			bool owner = from < rows[i].owners;

			for (unsigned int to = 0; to < rows[i].workers; to++)
				assert_int_equal(h.rx[from][to] != NULL, owner && from != to);
			assert_int_equal(h.tx[from] != NULL, !owner);
			assert_true(handoff_sender_of(&h, from) < rows[i].owners);
			if (owner)
				assert_int_equal(handoff_sender_of(&h, from), from);
			else
				assert_int_equal(ring_capacity(h.tx[from]), 256);
		}
		handoff_fini(&h);
	}
}

static bool
nothing(const void *ctx)
{
	(void)ctx;
	return false;
}

static bool
something(const void *ctx)
{
	(void)ctx;
	return true;
}

static void
a_worker_sleeps_as_long_as_it_may_and_no_longer(void **state)
{
	struct idle idle;
	uint64_t start;

	(void)state;
	assert_int_equal(idle_init(&idle, -1, false, false, 0), 0);
	start = now_us();
	idle_wait(&idle, start, 3000, nothing, NULL);
	assert_in_range(now_us() - start, 3000, 500000);
	assert_int_equal(idle.sleeps, 1);
	idle_fini(&idle);
}

static void
nobody_sleeps_with_work_in_the_rings_or_when_told_to_spin(void **state)
{
	struct idle idle;

	(void)state;
	assert_int_equal(idle_init(&idle, -1, false, false, 0), 0);
	idle_wait(&idle, now_us(), IDLE_SLEEP_MAX_US, something, NULL);
	idle_wait(&idle, now_us(), 0, nothing, NULL);
	assert_int_equal(idle.sleeps, 0);
	idle_fini(&idle);
	assert_int_equal(idle_init(&idle, -1, true, true, 0), 0);
	idle_wait(&idle, now_us(), IDLE_SLEEP_MAX_US, nothing, NULL);
	assert_int_equal(idle.sleeps, 0);
	idle_fini(&idle);
	assert_int_equal(idle_init(&idle, -1, true, false, 1000000), 0);
	idle_reset(&idle, now_us());
	idle_wait(&idle, now_us(), IDLE_SLEEP_MAX_US, nothing, NULL);
	assert_int_equal(idle.sleeps, 0);
	idle_fini(&idle);
}

static void
a_worker_that_must_look_naps_longer_the_longer_it_is_idle(void **state)
{
	static const struct {
		uint64_t idle_us, min_us;
	} rows[] = { { 0, IDLE_NAP_MIN_US }, { 1600, 100 }, { 160000, IDLE_NAP_MAX_US } };
	struct idle idle;

	(void)state;
	assert_int_equal(idle_init(&idle, -1, true, false, 0), 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t start = now_us();

		idle_reset(&idle, start - rows[i].idle_us);
		idle_wait(&idle, start, UINT64_MAX, nothing, NULL);
		assert_in_range(now_us() - start, rows[i].min_us, 500000);
	}
	idle_fini(&idle);
}

struct sleeper {
	struct idle idle;
	_Atomic unsigned int put, seen;
	unsigned int slept_out; /* waits that nobody ended */
};

static bool
has_more(const void *ctx)
{
	const struct sleeper *s = ctx;

	return atomic_load(&s->put) != atomic_load(&s->seen);
}

static void *
sleep_and_take(void *arg)
{
	struct sleeper *s = arg;

	for (;;) {
		uint64_t start = now_us();

		atomic_store(&s->seen, atomic_load(&s->put));
		if (atomic_load(&s->seen) == 1000)
			return NULL;
		idle_wait(&s->idle, start, IDLE_SLEEP_MAX_US, has_more, s);
		s->slept_out += now_us() - start >= IDLE_SLEEP_MAX_US;
	}
}

static void
no_wake_up_is_lost(void **state)
{
	static struct sleeper s;
	pthread_t thread;

	(void)state;
	assert_int_equal(idle_init(&s.idle, -1, false, false, 0), 0);
	assert_int_equal(pthread_create(&thread, NULL, sleep_and_take, &s), 0);
	for (unsigned int i = 1; i <= 1000; i++) {
		atomic_store(&s.put, i);
		idle_wake(&s.idle);
		while (atomic_load(&s.seen) != i)
			sched_yield();
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(s.slept_out, 0);
	idle_fini(&s.idle);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(netdev_max_backlog_is_what_a_ring_holds_also_after_it_was_raised),
		cmocka_unit_test(
			every_owner_reaches_every_other_worker_and_the_rest_reach_a_sender),
		cmocka_unit_test(a_worker_sleeps_as_long_as_it_may_and_no_longer),
		cmocka_unit_test(nobody_sleeps_with_work_in_the_rings_or_when_told_to_spin),
		cmocka_unit_test(a_worker_that_must_look_naps_longer_the_longer_it_is_idle),
		cmocka_unit_test(no_wake_up_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
