/* SPDX-License-Identifier: BSD-3-Clause */
/* HyStart++: rounds, the delay threshold, conservative slow start and back (RFC 9406). */
#include "unit/tcp_unit.h"

#define MSS 1460u

static struct tcp_conn *
start(struct bed_peer *p, struct tcp_bed *bed)
{
	struct tcp_conn *c;

	bed_peer_init(p, bed);
	bed_peer_reach(p, TCPS_ESTABLISHED);
	c = bed_peer_conn(p);
	tcp_cold(bed->stack, c)->ccs = (union tcp_cc_state){ 0 };
	return c;
}

static void
stop(struct bed_peer *p)
{
	struct tcp_conn *c = bed_peer_conn(p);

	c->snd_una = c->snd_nxt = p->iss + 1;
}

/* A window of n segments goes out and is acknowledged one by one, each with that round trip. */
static void
round_of(struct tcp_bed *bed, struct tcp_conn *c, unsigned int n, uint32_t rtt_us)
{
	struct tcp_cold *cold = tcp_cold(bed->stack, c);

	c->snd_nxt = c->snd_una + max_u32(n * MSS, c->cwnd);
	for (unsigned int i = 0; i < n; i++) {
		c->snd_una += MSS;
		c->snd_nxt += MSS;
		tcp_hystart_on_rtt(bed->stack, c, rtt_us);
		if (cold->ssthresh == TCP_SSTHRESH_INFINITE)
			tcp_hystart_on_ack(bed->stack, c, MSS);
	}
	c->snd_una = c->snd_nxt;
}

static void
steady_round_trips_double_the_window(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c = start(&p, bed);

	for (unsigned int n = 10; n <= 640; n *= 2)
		round_of(bed, c, n, 50000);
	assert_int_equal(c->cwnd, 1280 * MSS);
	assert_int_equal(tcp_cold(bed->stack, c)->ssthresh, TCP_SSTHRESH_INFINITE);
	stop(&p);
}

/* s4.2: RttThresh is an eighth of the round trip, within 4 and 16 ms. */
static void
css_begins_when_the_round_trip_grew_by_the_threshold(void **state)
{
	static const struct {
		uint32_t before_us, after_us;
		bool css;
	} rows[] = {
		{ 50000, 56249, false },
		{ 50000, 56250, true },
		{ 1000, 4999, false },
		{ 1000, 5000, true },
		{ 400000, 415999, false },
		{ 400000, 416000, true },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		struct tcp_conn *c = start(&p, bed);

		round_of(bed, c, 10, rows[i].before_us);
		round_of(bed, c, 20, rows[i].after_us);
		assert_int_equal(tcp_cold(bed->stack, c)->ccs.hystart.css_rtt_us != 0,
			rows[i].css);
		stop(&p);
	}
}

static void
seven_samples_say_nothing(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c = start(&p, bed);

	round_of(bed, c, 10, 50000);
	round_of(bed, c, 7, 100000);
	assert_int_equal(tcp_cold(bed->stack, c)->ccs.hystart.css_rtt_us, 0);
	stop(&p);
}

/* s4.2: a quarter of the growth for five rounds, then congestion avoidance from there. */
static void
five_rounds_of_css_end_slow_start(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c = start(&p, bed);
	struct tcp_cold *cold = tcp_cold(bed->stack, c);
	uint32_t cwnd;

	round_of(bed, c, 10, 50000);
	round_of(bed, c, 20, 60000);
	cwnd = c->cwnd;
	round_of(bed, c, 40, 60000);
	assert_in_range(c->cwnd, cwnd + 9 * MSS, cwnd + 10 * MSS);
	for (unsigned int i = 0; i < 3; i++)
		round_of(bed, c, 40, 60000);
	assert_int_equal(cold->ssthresh, TCP_SSTHRESH_INFINITE);
	round_of(bed, c, 40, 60000);
	assert_int_equal(cold->ssthresh, c->cwnd);
	assert_int_equal(bed->ctr.TCPHystartDelayDetect, 1);
	assert_int_equal(bed->ctr.TCPHystartDelayCwnd, c->cwnd / MSS);
	stop(&p);
}

/* s4.2: the growth was a fluke. */
static void
a_round_trip_below_the_baseline_resumes_slow_start(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c = start(&p, bed);
	struct tcp_cold *cold = tcp_cold(bed->stack, c);

	round_of(bed, c, 10, 50000);
	round_of(bed, c, 20, 60000);
	assert_int_not_equal(cold->ccs.hystart.css_rtt_us, 0);
	round_of(bed, c, 40, 59999);
	assert_int_equal(cold->ccs.hystart.css_rtt_us, 0);
	stop(&p);
}

/* RFC 3465: an ACK of a lot lets no more than L = 8 segments out at once. */
static void
one_ack_grows_by_eight_segments_at_most(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c = start(&p, bed);

	tcp_hystart_on_ack(bed->stack, c, 10 * MSS);
	assert_int_equal(c->cwnd, 18 * MSS);
	stop(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(steady_round_trips_double_the_window),
		BED_TEST(css_begins_when_the_round_trip_grew_by_the_threshold),
		BED_TEST(seven_samples_say_nothing),
		BED_TEST(five_rounds_of_css_end_slow_start),
		BED_TEST(a_round_trip_below_the_baseline_resumes_slow_start),
		BED_TEST(one_ack_grows_by_eight_segments_at_most),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
