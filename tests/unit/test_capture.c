/* SPDX-License-Identifier: BSD-3-Clause */
/* The one capture: workers have a tap until they say they have none; frames in order of time. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ctl/capture.h"
#include "lib/fake_backend.h"

static const struct tap_filter any = { .outcome = -1 };
static struct fake_backend fake;
static uint8_t data[TAP_SNAP_MAX];

static int
begin(void **state)
{
	(void)state;
	fake_backend_init(&fake);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	fake_backend_fini(&fake);
	return 0;
}

static void
turn(void)
{
	fake_backend_turn(&fake);
	mail_collect(&fake.hub);
	capture_poll(&fake.hub);
}

static void
it_is_on_once_every_worker_has_its_tap(void **state)
{
	(void)state;
	assert_int_equal(capture_begin(&fake.hub, &any, 100, 1), 0);
	assert_false(capture_is_on(&fake.hub));
	turn();
	assert_true(capture_is_on(&fake.hub));
	assert_non_null(fake.taps[0]);
	assert_non_null(fake.taps[1]);
	assert_ptr_not_equal(fake.taps[0], fake.taps[1]);
	assert_true(fake.taps[0]->size > TAP_SNAP_MAX);
}

/* The second would write to memory that a worker still writes to. */
static void
there_is_one_at_a_time_until_the_last_worker_is_done(void **state)
{
	(void)state;
	assert_int_equal(capture_begin(&fake.hub, &any, 100, 1), 0);
	assert_int_equal(capture_begin(&fake.hub, &any, 100, 1), -EBUSY);
	/* Even an end before the workers have heard of the beginning. */
	capture_end(&fake.hub);
	assert_int_equal(capture_begin(&fake.hub, &any, 100, 1), -EBUSY);
	turn();
	assert_non_null(fake.taps[0]);
	assert_int_equal(capture_begin(&fake.hub, &any, 100, 1), -EBUSY);
	turn();
	assert_null(fake.taps[0]);
	assert_null(fake.taps[1]);
	assert_int_equal(capture_begin(&fake.hub, &any, 100, 1 << 20), 0);
	turn();
	assert_int_equal(fake.taps[0]->size, 1 << 20);
}

static void
frames_of_all_workers_come_in_the_order_of_time(void **state)
{
	struct tap_record r;
	uint64_t last = 0;
	unsigned int i;

	(void)state;
	assert_int_equal(capture_begin(&fake.hub, &any, 100, 1), 0);
	fake.tick_us = 7;
	for (i = 0; i < 5; i++)
		turn();
	for (i = 0; i < 5 * 2 * FAKE_WORKERS; i++) {
		int worker = capture_peek(&fake.hub, &r);

		assert_true(worker >= 0);
		capture_take(&fake.hub, (unsigned int)worker, &r, data);
		assert_true(r.at_us > last);
		last = r.at_us;
	}
	assert_int_equal(capture_peek(&fake.hub, &r), -1);
	assert_int_equal(capture_lost(&fake.hub), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(it_is_on_once_every_worker_has_its_tap),
		TEST(there_is_one_at_a_time_until_the_last_worker_is_done),
		TEST(frames_of_all_workers_come_in_the_order_of_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
