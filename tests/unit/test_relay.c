/* SPDX-License-Identifier: BSD-3-Clause */
/* What becomes of frames on the relay that both stacks are measured through. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/csum.h"
#include "lib/relay.h"

#define MS 1000000ull
#define LEN 1000u

static struct relay_way way;
static uint8_t frame[RELAY_FRAME_MAX + 1];

static int
fresh(void **state)
{
	(void)state;
	relay_init(&way);
	memset(frame, 0, sizeof(frame));
	store_be16(frame + 12, 0x0800);
	frame[14] = 0x45;
	frame[14 + 9] = 6;
	return 0;
}

static void
begin(struct relay_rules rules, uint64_t seed)
{
	relay_begin(&way, &rules, seed);
}

/* Numbers a frame, so that it is known when it comes out. */
static void
put(uint64_t now_ns, uint32_t number)
{
	store_be32(frame + 54, number);
	relay_put(&way, now_ns, frame, LEN);
}

static void
expect(uint64_t now_ns, uint32_t number)
{
	const struct relay_frame *f = relay_take(&way, now_ns);

	assert_non_null(f);
	assert_int_equal(f->len, LEN);
	assert_int_equal(load_be32(f->b + 54), number);
}

static void
frame_comes_out_after_the_delay_and_not_before(void **state)
{
	(void)state;
	begin((struct relay_rules){ .delay_ns = 5 * MS }, 1);
	assert_true(relay_due_ns(&way) == UINT64_MAX);
	put(7, 1);
	assert_true(relay_due_ns(&way) == 5 * MS + 7);
	assert_null(relay_take(&way, 5 * MS + 6));
	expect(5 * MS + 7, 1);
	assert_null(relay_take(&way, UINT64_MAX - 1));
	assert_int_equal(way.counts.passed, 1);
	assert_int_equal(way.counts.passed_bytes, LEN);
}

static void
wire_carries_one_frame_at_a_time(void **state)
{
	(void)state;
	/* A thousand bytes take a millisecond. */
	begin((struct relay_rules){ .rate_bps = 8000000, .delay_ns = MS }, 1);
	put(0, 1);
	put(0, 2);
	assert_true(relay_due_ns(&way) == 2 * MS);
	expect(2 * MS, 1);
	assert_null(relay_take(&way, 3 * MS - 1));
	expect(3 * MS, 2);
	/* An idle wire has saved nothing up. */
	put(10 * MS, 3);
	assert_true(relay_due_ns(&way) == 12 * MS);
}

static void
full_queue_takes_no_more_until_the_wire_has_carried_some(void **state)
{
	(void)state;
	begin((struct relay_rules){ .rate_bps = 8000000, .queue_bytes = 3 * LEN }, 1);
	for (uint32_t i = 0; i < 4; i++)
		put(0, i);
	assert_int_equal(way.counts.full, 1);
	put(MS - 2000, 4);
	assert_int_equal(way.counts.full, 2);
	put(MS, 5);
	assert_int_equal(way.counts.full, 2);
	assert_int_equal(way.held, 4);
}

static void
no_more_frames_are_held_than_there_are_places(void **state)
{
	(void)state;
	begin((struct relay_rules){ .delay_ns = MS }, 1);
	for (uint32_t i = 0; i < RELAY_FRAMES + 1; i++)
		put(i, i);
	assert_int_equal(way.counts.full, 1);
	for (uint32_t i = 0; i < RELAY_FRAMES; i++)
		expect(2 * MS, i);
	assert_null(relay_take(&way, 2 * MS));
}

/* Which of a hundred frames are lost, as bits. */
static void
fates(struct relay_rules rules, uint64_t seed, uint64_t step_ns, uint8_t lost[100])
{
	begin(rules, seed);
	for (uint32_t i = 0; i < 100; i++) {
		uint64_t before = way.counts.lost;

		put(i * step_ns, i);
		lost[i] = way.counts.lost > before;
	}
	while (relay_take(&way, UINT64_MAX - 1) != NULL)
		continue;
}

static void
the_same_seed_loses_the_same_frames_at_any_time_beside_any_rule(void **state)
{
	const struct relay_rules plain = { .loss_ppm = 200000 };
	const struct relay_rules more = { .loss_ppm = 200000, .reorder_ppm = 500000,
		.reorder_ns = 9 * MS, .mark_ppm = 500000, .delay_ns = MS };
	uint8_t a[100], b[100], c[100];

	(void)state;
	fates(plain, 5, 0, a);
	fates(more, 5, 12345, b);
	fates(plain, 6, 0, c);
	assert_memory_equal(a, b, sizeof(a));
	assert_memory_not_equal(a, c, sizeof(a));
	assert_in_range(way.counts.lost, 5, 40);
}

static void
losses_come_in_runs_of_the_length_asked_for(void **state)
{
	uint8_t lost[100];
	unsigned int run = 0, runs = 0;

	(void)state;
	fates((struct relay_rules){ .loss_ppm = 30000, .burst = 10 }, 3, 0, lost);
	for (unsigned int i = 0; i < 100; i++) {
		if (lost[i]) {
			run++;
			continue;
		}
		assert_int_equal(run % 10, 0);
		runs += run / 10;
		run = 0;
	}
	assert_true(runs > 0);
}

static void
handshake_is_spared_where_that_is_the_rule(void **state)
{
	(void)state;
	begin((struct relay_rules){ .loss_ppm = 1000000, .burst = 2, .spare_syns = 1 }, 1);
	frame[14 + 20 + 13] = 0x12;
	put(0, 1);
	expect(0, 1);
	frame[14 + 20 + 13] = 0x10;
	put(0, 2);
	assert_int_equal(way.counts.lost, 1);
	frame[14 + 20 + 13] = 0x02;
	put(0, 3);
	expect(0, 3);
	store_be16(frame + 12, 0x86dd);
	frame[14 + 6] = 6;
	frame[14 + 40 + 13] = 0x02;
	relay_put(&way, 0, frame, LEN);
	assert_non_null(relay_take(&way, 0));
	assert_int_equal(way.counts.lost, 1);
	/* Without the rule, and where the flags are cut off, it has the fate of others. */
	relay_put(&way, 0, frame, 14 + 40 + 13);
	assert_int_equal(way.counts.lost, 2);
	begin((struct relay_rules){ .loss_ppm = 1000000 }, 1);
	relay_put(&way, 0, frame, LEN);
	assert_int_equal(way.counts.lost, 1);
}

static void
what_is_not_tcp_is_neither_lost_nor_marked(void **state)
{
	(void)state;
	begin((struct relay_rules){ .loss_ppm = 1000000, .mark_ppm = 1000000 }, 1);
	store_be16(frame + 12, 0x0806);
	put(0, 1);
	expect(0, 1);
	store_be16(frame + 12, 0x86dd);
	frame[14 + 6] = 58;
	put(0, 2);
	expect(0, 2);
	frame[14 + 6] = 6;
	put(0, 3);
	assert_null(relay_take(&way, 0));
	/* Neither is what is too short to tell. */
	relay_put(&way, 0, frame, 14 + 39);
	assert_int_equal(way.counts.lost, 1);
}

static void
late_frame_is_overtaken(void **state)
{
	(void)state;
	begin((struct relay_rules){ .reorder_ppm = 1000000, .reorder_ns = MS }, 1);
	put(0, 1);
	begin((struct relay_rules){ 0 }, 1);
	put(1, 2);
	expect(1, 2);
	assert_null(relay_take(&way, MS - 1));
	expect(MS, 1);
}

static void
mark_is_set_for_those_who_understand_it_and_the_checksum_follows(void **state)
{
	const struct relay_frame *f;

	(void)state;
	begin((struct relay_rules){ .mark_ppm = 1000000 }, 1);
	put(0, 1);
	f = relay_take(&way, 0);
	assert_int_equal(f->b[15], 0);
	assert_int_equal(way.counts.marked, 0);
	frame[15] = 2;
	put(0, 2);
	f = relay_take(&way, 0);
	assert_int_equal(f->b[15], 3);
	assert_int_equal(csum_finish(csum_partial(f->b + 14, 20, 0)), 0);
	store_be16(frame + 12, 0x86dd);
	frame[14] = 0x60;
	frame[14 + 6] = 6;
	frame[15] = 0x10;
	put(0, 3);
	assert_int_equal(relay_take(&way, 0)->b[15], 0x30);
	assert_int_equal(way.counts.marked, 2);
}

static void
frame_longer_than_a_frame_may_be_is_counted_and_thrown_away(void **state)
{
	(void)state;
	relay_put(&way, 0, frame, RELAY_FRAME_MAX);
	relay_put(&way, 0, frame, RELAY_FRAME_MAX + 1);
	assert_int_equal(way.counts.oversized, 1);
	assert_int_equal(way.held, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(frame_comes_out_after_the_delay_and_not_before, fresh),
		cmocka_unit_test_setup(wire_carries_one_frame_at_a_time, fresh),
		cmocka_unit_test_setup(
			full_queue_takes_no_more_until_the_wire_has_carried_some, fresh),
		cmocka_unit_test_setup(no_more_frames_are_held_than_there_are_places, fresh),
		cmocka_unit_test_setup(
			the_same_seed_loses_the_same_frames_at_any_time_beside_any_rule, fresh),
		cmocka_unit_test_setup(losses_come_in_runs_of_the_length_asked_for, fresh),
		cmocka_unit_test_setup(handshake_is_spared_where_that_is_the_rule, fresh),
		cmocka_unit_test_setup(what_is_not_tcp_is_neither_lost_nor_marked, fresh),
		cmocka_unit_test_setup(late_frame_is_overtaken, fresh),
		cmocka_unit_test_setup(
			mark_is_set_for_those_who_understand_it_and_the_checksum_follows, fresh),
		cmocka_unit_test_setup(
			frame_longer_than_a_frame_may_be_is_counted_and_thrown_away, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
