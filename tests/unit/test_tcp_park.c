/* SPDX-License-Identifier: BSD-3-Clause */
/* Idle connections: when they are packed, what wakes them, and what they still know. */
#include "unit/recovery.h"

#define AFTER_MS 1000u

static int
start(void **state)
{
	struct tcp_bed *bed;

	tcp_unit_prepare(state);
	bed = *state;
	bed->par.park_after_ms = AFTER_MS;
	tcp_bed_start(bed);
	return 0;
}

#define PARK_TEST(name) cmocka_unit_test_setup_teardown(name, start, tcp_unit_end)

static bool
is_parked(const struct bed_peer *p)
{
	return p->bed->stack->conns[(uint32_t)p->h].cold == TCP_NONE;
}

/* Until each tcp_cold was looked at, after the time has passed. */
static void
idle(struct tcp_bed *bed)
{
	for (unsigned int i = 0; i < 3 * AFTER_MS / 100; i++)
		tcp_bed_advance(bed, 100);
}

static void
open_one(struct tcp_bed *bed, struct bed_peer *p)
{
	bed_peer_init(p, bed);
	p->offer = TCP_OPT_TS;
	bed_peer_reach(p, TCPS_ESTABLISHED);
	tcp_bed_events(bed, p->h, NULL);
}

static void
an_idle_connection_is_parked_and_a_segment_wakes_it(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint8_t buf[100];

	open_one(bed, &p);
	tcp_bed_advance(bed, AFTER_MS / 2);
	assert_false(is_parked(&p));
	idle(bed);
	assert_true(is_parked(&p));
	assert_int_equal(bed->ctr.ConnsParked, 1);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 100), OUT_DELIVERED);
	assert_false(is_parked(&p));
	assert_int_equal(bed->ctr.ConnsParked, 0);
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, sizeof(buf)), 100);
	tcp_bed_discard(bed);
}

/* The timestamps go on from where they were: their offset is a secret of the flow. */
static void
what_a_peer_can_see_does_not_change(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint32_t tsval;

	open_one(bed, &p);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 10), OUT_DELIVERED);
	assert_sent(&p, "A 1+0 ack 11");
	tsval = bed->sent.opts.tsval - bed->env.now_ms;
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, (uint8_t[10]){ 0 }, 10), 10);
	idle(bed);
	assert_true(is_parked(&p));
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, "x", 1, 0), 1);
	tcp_bed_flush(bed);
	assert_sent(&p, "PA 1+1 ack 11");
	assert_int_equal(bed->sent.opts.tsval - bed->env.now_ms, tsval);
	assert_false(is_parked(&p));
}

static void
round_trip_limits_and_options_are_remembered(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_conn_info before, after;
	struct bed_peer p;
	int value = 0;

	open_one(bed, &p);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_USER_TIMEOUT, 7000);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_LINGER, 3);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_RCVBUF, 50000);
	tcp_fill_row(bed->stack, &bed->env, bed_peer_conn(&p), &before);
	idle(bed);
	assert_true(is_parked(&p));
	/* Who lists connections wakes none. */
	tcp_fill_row(bed->stack, &bed->env, &bed->stack->conns[(uint32_t)p.h], &after);
	assert_true(is_parked(&p));
	assert_int_equal(after.srtt_us, before.srtt_us);
	assert_int_equal(after.rttvar_us, before.rttvar_us);
	assert_int_equal(after.rto_ms, before.rto_ms);
	assert_int_equal(after.rcvbuf_bytes, before.rcvbuf_bytes);
	assert_int_equal(after.received_bytes, before.received_bytes);
	assert_string_equal(after.cc, before.cc);
	assert_int_equal(tcp_getopt(bed->stack, &bed->env, p.h, TCP_SO_USER_TIMEOUT, &value), 0);
	assert_int_equal(value, 7000);
	assert_int_equal(tcp_getopt(bed->stack, &bed->env, p.h, TCP_SO_LINGER, &value), 0);
	assert_int_equal(value, 3);
	assert_false(is_parked(&p));
}

/* When one is parked depends on how many others there are, and must not be told on the wire. */
static void
what_decides_when_something_is_sent_is_remembered(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_conn *c;
	struct bed_peer p;

	open_one(bed, &p);
	c = bed_peer_conn(&p);
	tcp_cold(bed->stack, c)->ato_ms = 500;
	tcp_cold(bed->stack, c)->backoff = 20;
	tcp_cold(bed->stack, c)->last_sent_ms = bed->env.now_ms - 12345;
	tcp_cold(bed->stack, c)->total_retrans = 1u << 20;
	idle(bed);
	assert_true(is_parked(&p));
	tcp_unpark(bed->stack, c);
	assert_int_equal(tcp_cold(bed->stack, c)->ato_ms, 500);
	assert_int_equal(tcp_cold(bed->stack, c)->backoff, 20);
	assert_int_equal(bed->env.now_ms - tcp_cold(bed->stack, c)->last_sent_ms,
		12345 + 3 * AFTER_MS);
	/* As many as there is room for. */
	assert_int_equal(tcp_cold(bed->stack, c)->total_retrans, (1u << 18) - 1);
}

/* A path that reorders: three segments SACKed are no proof, the window of RACK is. */
static void
what_rack_knows_of_the_path_is_remembered(void **state)
{
	static const uint8_t data[5 * SEG];
	struct tcp_bed *bed = *state;

	for (unsigned int twin = 0; twin < 2; twin++) {
		struct tcp_cold *cold;
		struct bed_peer p;

		bed->par.park_after_ms = bed->stack->par.park_after_ms = twin == 0 ? AFTER_MS : 0;
		open_with_flight(&p, bed, TCP_OPT_SACK_OK, 5);
		send_sack(&p, 5, 0, 0);
		tcp_bed_events(bed, p.h, NULL);
		cold = tcp_cold(bed->stack, bed_peer_conn(&p));
		cold->reo_seen = 1;
		cold->reo_mult = 3;
		cold->reo_persist = 13;
		cold->srtt_us = cold->min_rtt_us = 100000;
		idle(bed);
		assert_int_equal(is_parked(&p), twin == 0);
		assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, data, 5 * SEG, 0), 5 * SEG);
		tcp_bed_flush(bed);
		tcp_bed_discard(bed);
		cold = tcp_cold(bed->stack, bed_peer_conn(&p));
		assert_int_equal(cold->reo_mult, 3);
		assert_in_range(cold->reo_persist, 13, 18);
		tcp_bed_advance(bed, 100);
		send_sack(&p, 5, 7, 10);
		assert_sent_count(&p, 0);
		/* Three quarters of the round trip of 100 ms. */
		tcp_bed_advance(bed, 74);
		assert_sent_count(&p, 0);
		tcp_bed_advance(bed, 2);
		assert_sent_count(&p, 1);
	}
}

/* However often it pauses: a path that became longer is known after five minutes. */
static void
the_least_round_trip_grows_old_while_parked(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_conn *c;
	struct bed_peer p;
	uint32_t measured_ms, pauses = 0;

	open_one(bed, &p);
	c = bed_peer_conn(&p);
	measured_ms = bed->env.now_ms;
	tcp_cold(bed->stack, c)->min_rtt_us = 1000;
	tcp_cold(bed->stack, c)->min_rtt_at_ms = measured_ms;
	for (; bed->env.now_ms - measured_ms <= 310000; pauses++) {
		uint32_t age_ms;

		for (unsigned int i = 0; i < 10; i++)
			idle(bed);
		assert_true(is_parked(&p));
		bed_peer_send(&p, TCP_ACK, 0);
		tcp_wake(bed->stack, c);
		age_ms = bed->env.now_ms - tcp_cold(bed->stack, c)->min_rtt_at_ms;
		assert_in_range(age_ms, bed->env.now_ms - measured_ms,
			bed->env.now_ms - measured_ms + (pauses + 1) * 20000);
		if (age_ms > TCP_MIN_RTT_MS)
			break;
	}
	assert_in_range(bed->env.now_ms - measured_ms, 150000, 320000);
}

static void
keepalive_and_the_owners_timer_go_on(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_keepalive_time = 10;
	open_one(bed, &p);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_KEEPALIVE, 1);
	tcp_set_app_timer(bed->stack, &bed->env, p.h, 6000);
	idle(bed);
	assert_true(is_parked(&p));
	tcp_bed_advance(bed, 3000);
	assert_int_equal(tcp_bed_events(bed, p.h, NULL), TCP_EV_TIMEOUT);
	assert_false(is_parked(&p));
	idle(bed);
	assert_true(is_parked(&p));
	tcp_bed_advance(bed, 4000);
	assert_sent(&p, "A 0+0 ack 1");
	/* It waits for the answer, awake. */
	idle(bed);
	assert_false(is_parked(&p));
}

static void
who_holds_or_owes_something_stays_awake(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer unread, unacked, corked, unaccepted;

	open_one(bed, &unread);
	bed_peer_send(&unread, TCP_ACK, 1);
	open_one(bed, &unacked);
	tcp_send(bed->stack, &bed->env, unacked.h, "x", 1, 0);
	open_one(bed, &corked);
	tcp_setopt(bed->stack, &bed->env, corked.h, TCP_SO_CORK, 1);
	bed_peer_init(&unaccepted, bed);
	bed_peer_syn(&unaccepted);
	bed_peer_ack_syn(&unaccepted);
	idle(bed);
	assert_int_equal(bed->ctr.ConnsParked, 0);
	tcp_bed_discard(bed);
}

static void
a_stale_handle_finds_nothing(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_one(bed, &p);
	idle(bed);
	assert_true(is_parked(&p));
	assert_null(tcp_conn_get(bed->stack, p.h + (1ull << 32)));
	assert_true(is_parked(&p));
	assert_int_equal(tcp_abort(bed->stack, &bed->env, p.h), 0);
	assert_int_equal(tcp_bed_events(bed, p.h, NULL), TCP_EV_CLOSED);
	assert_null(tcp_conn_get(bed->stack, p.h));
	tcp_bed_discard(bed);
}

/* What is given back is used again: a thousand connections one after the other need few. */
static void
memory_follows_those_awake(void **state)
{
	struct tcp_bed *bed = *state;

	for (unsigned int i = 0; i < 60; i++) {
		struct bed_peer p;

		open_one(bed, &p);
		idle(bed);
	}
	assert_int_equal(bed->ctr.ConnsParked, 60);
	assert_in_range(bed->stack->cold_fresh, 1, 4);
	tcp_abort_all(bed->stack, &bed->env);
	assert_int_equal(bed->ctr.ConnsParked, 0);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		PARK_TEST(an_idle_connection_is_parked_and_a_segment_wakes_it),
		PARK_TEST(what_a_peer_can_see_does_not_change),
		PARK_TEST(round_trip_limits_and_options_are_remembered),
		PARK_TEST(what_decides_when_something_is_sent_is_remembered),
		PARK_TEST(what_rack_knows_of_the_path_is_remembered),
		PARK_TEST(the_least_round_trip_grows_old_while_parked),
		PARK_TEST(keepalive_and_the_owners_timer_go_on),
		PARK_TEST(who_holds_or_owes_something_stays_awake),
		PARK_TEST(a_stale_handle_finds_nothing),
		PARK_TEST(memory_follows_those_awake),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
