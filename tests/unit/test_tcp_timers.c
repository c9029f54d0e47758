/* SPDX-License-Identifier: BSD-3-Clause */
/* Deadlines of connections: when they are due, one node for five, and what a poll may do. */
#include "unit/tcp_unit.h"

static void
the_owners_timer_fires_once_at_its_millisecond(void **state)
{
	static const uint32_t rows_ms[] = { 1, 2, 63, 64, 65, 4095, 4096, 100000, 86400000 };
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_bed_events(bed, p.h, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows_ms); i++) {
		assert_int_equal(tcp_set_app_timer(bed->stack, &bed->env, p.h, rows_ms[i]), 0);
		assert_in_range(tcp_poll_at(bed->stack), bed->env.now_us + 1,
			bed->env.now_us + rows_ms[i] * 1000ULL);
		tcp_bed_advance(bed, rows_ms[i] - 1);
		assert_int_equal(tcp_bed_events(bed, p.h, NULL), 0);
		tcp_bed_advance(bed, 1);
		assert_int_equal(tcp_bed_events(bed, p.h, NULL), TCP_EV_TIMEOUT);
	}
	assert_int_equal(tcp_poll_at(bed->stack), UINT64_MAX);
}

static void
a_timer_set_again_or_to_zero_forgets_the_old_time(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_bed_events(bed, p.h, NULL);
	tcp_set_app_timer(bed->stack, &bed->env, p.h, 10);
	tcp_set_app_timer(bed->stack, &bed->env, p.h, 100);
	tcp_bed_advance(bed, 99);
	assert_int_equal(tcp_bed_events(bed, p.h, NULL), 0);
	tcp_set_app_timer(bed->stack, &bed->env, p.h, 0);
	tcp_bed_advance(bed, 1000);
	assert_int_equal(tcp_bed_events(bed, p.h, NULL), 0);
	assert_int_equal(tcp_set_app_timer(bed->stack, &bed->env, p.h ^ 1ULL << 40, 1), -EBADF);
}

static void
deadlines_of_one_connection_do_not_disturb_each_other(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_keepalive_time = 3;
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_conn(&p)->quickacks = 0;
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_KEEPALIVE, 1);
	tcp_set_app_timer(bed->stack, &bed->env, p.h, 500);
	bed_peer_send(&p, TCP_ACK, 10);
	tcp_bed_events(bed, p.h, NULL);
	tcp_bed_advance(bed, 39);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "A 1+0 ack 11");
	tcp_bed_advance(bed, 459);
	assert_int_equal(tcp_bed_events(bed, p.h, NULL), 0);
	tcp_bed_advance(bed, 1);
	assert_int_equal(tcp_bed_events(bed, p.h, NULL), TCP_EV_TIMEOUT);
	tcp_bed_advance(bed, 2499);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "A 0+0 ack 11");
}

static void
nothing_is_due_on_an_idle_connection(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_bed_events(bed, p.h, NULL);
	assert_int_equal(tcp_poll_at(bed->stack), UINT64_MAX);
	tcp_send(bed->stack, &bed->env, p.h, "x", 1, 0);
	assert_int_equal(tcp_poll_at(bed->stack), 0);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	bed_peer_send_at(&p, 0, 1, TCP_ACK, 0);
	tcp_bed_events(bed, p.h, NULL);
	tcp_bed_advance(bed, 100000);
	assert_int_equal(tcp_poll_at(bed->stack), UINT64_MAX);
	assert_sent(&p, "");
}

static void
events_and_output_that_wait_are_due_now(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(tcp_poll_at(bed->stack), 0);
	tcp_bed_events(bed, p.h, NULL);
	assert_int_equal(tcp_poll_at(bed->stack), UINT64_MAX);
	bed_peer_send(&p, TCP_ACK, 1);
	tcp_bed_discard(bed);
	assert_int_equal(tcp_poll_at(bed->stack), 0);
}

/* --- keepalive -------------------------------------------------------------------------------- */

static void
keepalive_probes_come_when_they_should_and_end_the_silent(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	int err = 0;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_KEEPALIVE, 1);
	tcp_bed_advance(bed, 7199999);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "A 0+0 ack 1");
	for (unsigned int i = 1; i < 9; i++) {
		tcp_bed_advance(bed, 74999);
		assert_sent(&p, "");
		tcp_bed_advance(bed, 1);
		assert_sent(&p, "A 0+0 ack 1");
	}
	tcp_bed_advance(bed, 74999);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	assert_int_equal(bed->ctr.TCPKeepAlive, 9);
	tcp_bed_discard(bed);
	assert_true(tcp_bed_events(bed, p.h, &err) & TCP_EV_CLOSED);
	assert_int_equal(err, -ETIMEDOUT);
}

static void
a_peer_that_answers_keepalive_probes_stays(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_KEEPALIVE, 1);
	for (unsigned int i = 0; i < 20; i++) {
		tcp_bed_advance(bed, 7199999);
		assert_sent(&p, "");
		tcp_bed_advance(bed, 1);
		assert_sent(&p, "A 0+0 ack 1");
		bed_peer_send(&p, TCP_ACK, 0);
	}
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
}

static void
any_segment_of_the_peer_puts_keepalive_off(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_KEEPALIVE, 1);
	tcp_bed_advance(bed, 7000000);
	bed_peer_send(&p, TCP_ACK, 1);
	tcp_bed_discard(bed);
	tcp_bed_advance(bed, 7199999);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "A 0+0 ack 2");
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_KEEPALIVE, 0);
	tcp_bed_advance(bed, 100000000);
	assert_sent(&p, "");
}

/* --- polling ------------------------------------------------------------------------------ */

static void
a_poll_does_bounded_work_and_says_that_more_is_due(void **state)
{
	struct tcp_bed *bed = *state;
	unsigned int polls = 0, sent = 0;

	bed->par.synq_max = 2000;
	tcp_bed_start(bed);
	tcp_bed_listen(bed, 0);
	for (unsigned int i = 0; i < 1600; i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_send(&p, TCP_SYN, 0);
		tcp_bed_discard(bed);
	}
	bed->env.now_us += 1000000;
	bed->env.now_ms += 1000;
	while (tcp_poll_at(bed->stack) <= bed->env.now_us) {
		tcp_poll(bed->stack, &bed->env);
		assert_in_range(bed->tx.count, 0, 8 * 64);
		sent += tcp_bed_discard(bed);
		polls++;
	}
	assert_int_equal(sent, 1600);
	assert_in_range(polls, 4, 16);
}

static void
a_poll_without_room_to_send_leaves_what_is_due(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_SYN_RECEIVED);
	while (tcp_tx_has_room(bed->stack))
		pkt_txq_put(&bed->tx, pkt_alloc(bed->env.pool));
	tcp_bed_advance(bed, 5000);
	tcp_bed_discard(bed);
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "SA 0+0 ack 1");
	assert_sent(&p, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(the_owners_timer_fires_once_at_its_millisecond),
		BED_TEST(a_timer_set_again_or_to_zero_forgets_the_old_time),
		BED_TEST(deadlines_of_one_connection_do_not_disturb_each_other),
		BED_TEST(nothing_is_due_on_an_idle_connection),
		BED_TEST(events_and_output_that_wait_are_due_now),
		BED_TEST(keepalive_probes_come_when_they_should_and_end_the_silent),
		BED_TEST(a_peer_that_answers_keepalive_probes_stays),
		BED_TEST(any_segment_of_the_peer_puts_keepalive_off),
		BED_TEST_PREPARED(a_poll_does_bounded_work_and_says_that_more_is_due),
		BED_TEST(a_poll_without_room_to_send_leaves_what_is_due),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
