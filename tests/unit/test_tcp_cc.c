/* SPDX-License-Identifier: BSD-3-Clause */
/* What all congestion controls share: the one in use, and the window after an idle time. */
#include "unit/tcp_unit.h"

static void
a_new_connection_has_an_algorithm(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_string_equal(tcp_cc_of(bed->stack, bed_peer_conn(&p))->name, "cubic");
}

/* Who looks a number up by name must get what that name says. */
static void
algorithms_and_names_have_the_same_numbers(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	for (uint8_t i = 0; tunables_cc_names[i] != NULL; i++) {
		tcp_cold(bed->stack, bed_peer_conn(&p))->cc = i;
		assert_string_equal(tcp_cc_of(bed->stack, bed_peer_conn(&p))->name,
			tunables_cc_names[i]);
	}
}

/* A live change must not cost what the connection has learnt about the path. */
static void
another_algorithm_keeps_the_window_and_forgets_the_rest(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_cold *cold;
	struct tcp_conn *c;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	c = bed_peer_conn(&p);
	cold = tcp_cold(bed->stack, c);
	c->cwnd = 123456;
	cold->ssthresh = 100000;
	cold->cwnd_acked = 5;
	cold->ccs.cubic.w_max = 99;
	tcp_cc_change(bed->stack, c, TUN_CC_CUBIC);
	assert_int_equal(cold->ccs.cubic.w_max, 99);
	tcp_cc_change(bed->stack, c, TUN_CC_RENO);
	assert_string_equal(tcp_cc_of(bed->stack, c)->name, "reno");
	assert_int_equal(c->cwnd, 123456);
	assert_int_equal(cold->ssthresh, 100000);
	assert_int_equal(cold->cwnd_acked, 0);
	assert_int_equal(cold->ccs.cubic.w_max, 0);
}

/* RFC 5681 s4.1. */
static void
each_rto_of_idle_time_halves_the_window_down_to_the_first_one(void **state)
{
	static const struct {
		uint32_t on, idle_ms, cwnd, want;
	} rows[] = {
		{ 1, 1000, 100000, 100000 },
		{ 1, 1001, 100000, 50000 },
		{ 1, 2000, 100000, 50000 },
		{ 1, 2001, 100000, 25000 },
		{ 1, 9000000, 100000, 14600 },
		{ 1, 100000, 5000, 5000 },
		{ 0, 100000, 100000, 100000 },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tcp_conn *c;
		struct bed_peer p;

		bed->tun.tcp_slow_start_after_idle = rows[i].on;
		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		c = bed_peer_conn(&p);
		c->cwnd = rows[i].cwnd;
		tcp_cold(bed->stack, c)->rto_ms = 1000;
		tcp_bed_advance(bed, rows[i].idle_ms);
		tcp_cc_after_idle(bed->stack, c);
		assert_int_equal(c->cwnd, rows[i].want);
	}
}

static void
data_in_flight_is_no_idle_time(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_send(bed->stack, &bed->env, p.h, "x", 1, 0);
	tcp_bed_flush(bed);
	bed_peer_conn(&p)->cwnd = 100000;
	bed->env.now_ms += 5000;
	tcp_cc_after_idle(bed->stack, bed_peer_conn(&p));
	assert_int_equal(bed_peer_conn(&p)->cwnd, 100000);
	bed->env.now_ms -= 5000;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_new_connection_has_an_algorithm),
		BED_TEST(algorithms_and_names_have_the_same_numbers),
		BED_TEST(another_algorithm_keeps_the_window_and_forgets_the_rest),
		BED_TEST(each_rto_of_idle_time_halves_the_window_down_to_the_first_one),
		BED_TEST(data_in_flight_is_no_idle_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
