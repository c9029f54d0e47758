/* SPDX-License-Identifier: BSD-3-Clause */
/* NewReno: slow start, congestion avoidance, the threshold (RFC 5681, RFC 3465). */
#include "unit/tcp_unit.h"

#define MSS 1460u

static void
start(struct bed_peer *p, struct tcp_bed *bed, uint32_t cwnd, uint32_t flight)
{
	struct tcp_conn *c;

	bed_peer_init(p, bed);
	bed_peer_reach(p, TCPS_ESTABLISHED);
	c = bed_peer_conn(p);
	c->cwnd = cwnd;
	/* As if so much were in flight; taken back before the invariants are looked at. */
	c->snd_nxt = c->snd_una + flight;
}

static void
stop(struct bed_peer *p)
{
	struct tcp_conn *c = bed_peer_conn(p);

	c->snd_nxt = c->snd_una;
}

static void
the_first_window_is_tcp_initial_cwnd_segments(void **state)
{
	static const uint32_t rows[] = { 1, 10, 100 };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed->tun.tcp_initial_cwnd = rows[i];
		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		assert_int_equal(bed_peer_conn(&p)->cwnd, rows[i] * MSS);
	}
}

static void
slow_start_grows_by_what_is_acknowledged_up_to_two_segments(void **state)
{
	static const struct {
		uint32_t flight, acked, want;
	} rows[] = {
		{ 10 * MSS, MSS, 11 * MSS },
		{ 10 * MSS, 2 * MSS, 12 * MSS },
		{ 10 * MSS, 10 * MSS, 12 * MSS },
		{ 10 * MSS, 1, 10 * MSS + 1 },
		{ 5 * MSS, MSS, 11 * MSS },
		{ 4 * MSS, MSS, 10 * MSS },	/* the window is not what limits */
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		start(&p, bed, 10 * MSS, rows[i].flight);
		tcp_cc_reno.on_ack(bed->stack, bed_peer_conn(&p), rows[i].acked);
		assert_int_equal(bed_peer_conn(&p)->cwnd, rows[i].want);
		stop(&p);
	}
}

static void
congestion_avoidance_grows_by_one_segment_a_window(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c;

	start(&p, bed, 10 * MSS, 10 * MSS);
	c = bed_peer_conn(&p);
	tcp_cold(bed->stack, c)->ssthresh = 10 * MSS;
	for (unsigned int i = 0; i < 9; i++)
		tcp_cc_reno.on_ack(bed->stack, c, MSS);
	assert_int_equal(c->cwnd, 10 * MSS);
	tcp_cc_reno.on_ack(bed->stack, c, MSS);
	assert_int_equal(c->cwnd, 11 * MSS);
	for (unsigned int i = 0; i < 11; i++)
		tcp_cc_reno.on_ack(bed->stack, c, MSS);
	assert_int_equal(c->cwnd, 12 * MSS);
	stop(&p);
}

static void
the_threshold_is_half_the_window_and_two_segments_at_least(void **state)
{
	static const struct {
		uint32_t flight, cwnd, want;
	} rows[] = {
		{ 20 * MSS, 20 * MSS, 10 * MSS },
		{ 5 * MSS, 5 * MSS, 2 * MSS },
		{ 3 * MSS, 10 * MSS, 5 * MSS },
		{ 0, 3 * MSS, 2 * MSS },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		start(&p, bed, rows[i].cwnd, rows[i].flight);
		assert_int_equal(tcp_cc_reno.ssthresh(bed->stack, bed_peer_conn(&p)),
			rows[i].want);
		stop(&p);
	}
}

static void
a_window_that_grew_to_a_gigabyte_stays_there(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	start(&p, bed, 1u << 30, 1u << 30);
	tcp_cc_reno.on_ack(bed->stack, bed_peer_conn(&p), MSS);
	assert_int_equal(bed_peer_conn(&p)->cwnd, 1u << 30);
	stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(the_first_window_is_tcp_initial_cwnd_segments),
		BED_TEST(slow_start_grows_by_what_is_acknowledged_up_to_two_segments),
		BED_TEST(congestion_avoidance_grows_by_one_segment_a_window),
		BED_TEST(the_threshold_is_half_the_window_and_two_segments_at_least),
		BED_TEST(a_window_that_grew_to_a_gigabyte_stays_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
