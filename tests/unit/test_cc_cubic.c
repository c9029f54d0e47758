/* SPDX-License-Identifier: BSD-3-Clause */
/* CUBIC: the curve, the Reno-friendly region, reductions, and what time counts (RFC 9438). */
#include "unit/tcp_unit.h"

#define MSS 1460u

/* A flow whose window is always full, as the engine sees it. */
struct flow {
	struct bed_peer p;
	struct tcp_bed *bed;
	struct tcp_conn *c;
	struct tcp_cold *cold;
};

static void
fill(struct flow *f, uint32_t flight)
{
	f->c->snd_nxt = f->c->snd_una + flight;
}

static void
start(struct flow *f, struct tcp_bed *bed, uint32_t cwnd, uint32_t rtt_ms)
{
	bed_peer_init(&f->p, bed);
	bed_peer_reach(&f->p, TCPS_ESTABLISHED);
	f->bed = bed;
	f->c = bed_peer_conn(&f->p);
	f->cold = tcp_cold(bed->stack, f->c);
	f->c->cwnd = cwnd;
	f->cold->srtt_us = rtt_ms * 1000;
	f->cold->rttvar_us = 0;
	fill(f, cwnd);
}

static void
stop(struct flow *f)
{
	fill(f, 0);
}

static void
lose(struct flow *f)
{
	f->cold->ssthresh = tcp_cc_cubic.ssthresh(f->bed->stack, f->c);
	f->c->cwnd = f->cold->ssthresh;
	fill(f, f->c->cwnd);
}

/* One window is acknowledged, two segments an ACK, spread over a round trip. */
static void
round_trip(struct flow *f)
{
	uint32_t acks = max_u32(f->c->cwnd / (2 * f->c->mss), 1);
	uint32_t begin_ms = f->bed->env.now_ms;

	for (uint32_t i = 0; i < acks; i++) {
		f->bed->env.now_ms = begin_ms + f->cold->srtt_us / 1000 * (i + 1) / acks;
		fill(f, f->c->cwnd);
		tcp_cc_cubic.on_ack(f->bed->stack, f->c, 2u * f->c->mss);
	}
}

/* Time moves only as the test says: timers must not see it. */
static void
give_back(struct flow *f, uint32_t start_ms)
{
	f->bed->env.now_ms = start_ms;
	stop(f);
}

static void
the_cube_root_is_exact(void **state)
{
	(void)state;
	for (uint64_t x = 0, root = 0; x < 300000; x++) {
		if ((root + 1) * (root + 1) * (root + 1) <= x)
			root++;
		assert_int_equal(tcp_cubic_root(x), root);
	}
	for (uint64_t r = 2; r < 1660000; r += 1 + r / 500) {
		assert_int_equal(tcp_cubic_root(r * r * r - 1), r - 1);
		assert_int_equal(tcp_cubic_root(r * r * r), r);
		assert_int_equal(tcp_cubic_root(r * r * r + 1), r);
	}
	assert_int_equal(tcp_cubic_root((1ULL << 62) - 1), 1664510);
}

static void
a_loss_leaves_seven_tenths_and_two_segments_at_least(void **state)
{
	static const struct {
		uint32_t flight, cwnd, want;
	} rows[] = {
		{ 100 * MSS, 100 * MSS, 70 * MSS },
		{ 50 * MSS, 100 * MSS, 70 * MSS },
		{ 2 * MSS, 2 * MSS, 2 * MSS },
		{ 1u << 30, 1u << 30, 751827000 },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct flow f;

		start(&f, bed, rows[i].cwnd, 100);
		fill(&f, rows[i].flight);
		assert_int_equal(tcp_cc_cubic.ssthresh(bed->stack, f.c), rows[i].want);
		stop(&f);
	}
}

/* s4.7: a window that did not get back to where it was makes room. */
static void
fast_convergence_remembers_less_than_the_window(void **state)
{
	struct tcp_bed *bed = *state;
	struct flow f;

	start(&f, bed, 100 * MSS, 100);
	lose(&f);
	assert_int_equal(f.cold->ccs.cubic.w_max, 100 * MSS);
	f.c->cwnd = 80 * MSS;
	lose(&f);
	assert_int_equal(f.cold->ccs.cubic.w_max, 68 * MSS);
	f.c->cwnd = 90 * MSS;
	lose(&f);
	assert_int_equal(f.cold->ccs.cubic.w_max, 90 * MSS);
	stop(&f);
}

/* K = cbrt(300 / 0.4) = 9.086 s; concave until then, flat there, convex after. */
static void
the_window_follows_the_curve(void **state)
{
	static const struct {
		unsigned int rounds;	/* of 100 ms, from the one before */
		uint32_t want;		/* segments: 0.4 (t - K)^3 + 1000 */
	} rows[] = {
		{ 20, 858 },	/* t = 2 */
		{ 30, 973 },	/* 5 */
		{ 41, 1000 },	/* 9.1 */
		{ 30, 1011 },	/* 12.1 */
		{ 60, 1293 },	/* 18.1 */
	};
	struct tcp_bed *bed = *state;
	uint32_t start_ms = bed->env.now_ms;
	struct flow f;

	start(&f, bed, 1000 * MSS, 100);
	lose(&f);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		for (unsigned int j = 0; j < rows[i].rounds; j++)
			round_trip(&f);
		assert_in_range(f.c->cwnd / MSS, rows[i].want - 3, rows[i].want + 8);
	}
	give_back(&f, start_ms);
}

/* s4.3: on a short path the curve would be slower than Reno, so it is Reno with alpha. */
static void
on_a_short_path_it_grows_like_reno(void **state)
{
	struct tcp_bed *bed = *state;
	uint32_t start_ms = bed->env.now_ms;
	unsigned int rounds = 0;
	struct flow f;

	start(&f, bed, 20 * MSS, 1);
	lose(&f);
	assert_int_equal(f.c->cwnd, 14 * MSS);
	/* 6 segments at 9 / 17 a round trip are 11.3 round trips, the way of Reno from beta up. */
	while (f.c->cwnd < 20 * MSS) {
		round_trip(&f);
		rounds++;
	}
	assert_in_range(rounds, 10, 13);
	/* Then one a round trip. */
	for (rounds = 0; f.c->cwnd < 30 * MSS; rounds++)
		round_trip(&f);
	assert_in_range(rounds, 9, 12);
	give_back(&f, start_ms);
}

/* s4.2: the curve must not run ahead while nothing is sent. */
static void
idle_time_is_not_credited(void **state)
{
	struct tcp_bed *bed = *state;
	uint32_t start_ms = bed->env.now_ms, cwnd, t_ms;
	struct flow f;

	start(&f, bed, 1000 * MSS, 100);
	lose(&f);
	for (unsigned int i = 0; i < 20; i++)
		round_trip(&f);
	cwnd = f.c->cwnd;
	t_ms = f.cold->ccs.cubic.t_ms;
	bed->env.now_ms += 60000;
	tcp_cc_cubic.on_ack(bed->stack, f.c, 2 * MSS);
	assert_in_range(f.cold->ccs.cubic.t_ms, t_ms + 1, t_ms + 101);
	for (unsigned int i = 0; i < 10; i++)
		round_trip(&f);
	/* A second later by the curve, not a minute: 10 segments a round trip at most here. */
	assert_in_range(f.c->cwnd / MSS, cwnd / MSS + 10, cwnd / MSS + 80);
	give_back(&f, start_ms);
}

static void
a_window_that_does_not_limit_neither_grows_nor_ages(void **state)
{
	struct tcp_bed *bed = *state;
	uint32_t start_ms = bed->env.now_ms, cwnd;
	struct flow f;

	start(&f, bed, 1000 * MSS, 100);
	lose(&f);
	round_trip(&f);
	cwnd = f.c->cwnd;
	for (unsigned int i = 0; i < 50; i++) {
		bed->env.now_ms += 100;
		fill(&f, 10 * MSS);
		tcp_cc_cubic.on_ack(bed->stack, f.c, 2 * MSS);
	}
	assert_int_equal(f.c->cwnd, cwnd);
	assert_in_range(f.cold->ccs.cubic.t_ms, 90, 101);
	give_back(&f, start_ms);
}

/* s4.8: K = 0 from the window that congestion avoidance begins with; not up to the old maximum. */
static void
after_a_timeout_the_curve_begins_anew(void **state)
{
	struct tcp_bed *bed = *state;
	uint32_t start_ms = bed->env.now_ms;
	struct flow f;

	start(&f, bed, 1000 * MSS, 100);
	lose(&f);
	tcp_cc_cubic.on_timeout(bed->stack, f.c);
	/* Slow start is over. */
	round_trip(&f);
	assert_int_equal(f.cold->ccs.cubic.k_ms, 0);
	assert_int_equal(f.cold->ccs.cubic.w_max, 700 * MSS);
	for (unsigned int i = 0; i < 19; i++)
		round_trip(&f);
	/* 0.4 (2 s)^3 = 3.2; by the curve before it would be 158. */
	assert_in_range(f.c->cwnd / MSS, 702, 712);
	give_back(&f, start_ms);
}

static void
undo_brings_the_old_maximum_back(void **state)
{
	struct tcp_bed *bed = *state;
	struct flow f;

	start(&f, bed, 100 * MSS, 100);
	lose(&f);
	f.c->cwnd = 80 * MSS;
	lose(&f);
	tcp_cc_cubic.undo(bed->stack, f.c);
	assert_int_equal(f.cold->ccs.cubic.w_max, 100 * MSS);
	assert_int_equal(f.cold->ccs.cubic.w_est, 0);
	/* Of the first loss: back into slow start as if nothing had been. */
	f.cold->ssthresh = TCP_SSTHRESH_INFINITE;
	tcp_cc_cubic.undo(bed->stack, f.c);
	assert_int_equal(f.cold->ccs.cubic.w_max, 0);
	stop(&f);
}

/* The corners of the ranges the arithmetic is argued for. */
static void
extreme_windows_and_times_stay_in_range(void **state)
{
	static const struct {
		uint32_t mss, w_max, cwnd, srtt_us;
	} rows[] = {
		{ 36, 1u << 30, 72, 1000 },
		{ 36, 1u << 30, 1u << 29, UINT32_MAX },
		{ 16383, 1u << 30, 2 * 16383, 1000 },
		{ 16383, 1u << 30, (1u << 30) - 16383, UINT32_MAX },
		{ 9000, 0, 2 * 9000, UINT32_MAX },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t start_ms = bed->env.now_ms;
		struct flow f;

		start(&f, bed, rows[i].cwnd, 1);
		f.c->mss = (uint16_t)rows[i].mss;
		f.cold->ssthresh = rows[i].cwnd;
		f.cold->srtt_us = f.cold->rttvar_us = rows[i].srtt_us;
		f.cold->ccs.cubic.w_max = rows[i].w_max;
		for (unsigned int j = 0; j < 3000; j++) {
			uint32_t before = f.c->cwnd;

			bed->env.now_ms += 1000;
			fill(&f, before);
			tcp_cc_cubic.on_ack(bed->stack, f.c, 2 * rows[i].mss);
			assert_in_range(f.c->cwnd, before, before + 2 * rows[i].mss);
			assert_true(f.c->cwnd <= TCP_CWND_MAX + rows[i].mss);
			assert_true(f.cold->ccs.cubic.k_ms < 1u << 19);
			assert_true(f.cold->ccs.cubic.t_ms < 1u << 19);
		}
		give_back(&f, start_ms);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_cube_root_is_exact),
		BED_TEST(a_loss_leaves_seven_tenths_and_two_segments_at_least),
		BED_TEST(fast_convergence_remembers_less_than_the_window),
		BED_TEST(the_window_follows_the_curve),
		BED_TEST(on_a_short_path_it_grows_like_reno),
		BED_TEST(idle_time_is_not_credited),
		BED_TEST(a_window_that_does_not_limit_neither_grows_nor_ages),
		BED_TEST(after_a_timeout_the_curve_begins_anew),
		BED_TEST(undo_brings_the_old_maximum_back),
		BED_TEST(extreme_windows_and_times_stay_in_range),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
