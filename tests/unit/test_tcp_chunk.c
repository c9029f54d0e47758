/* SPDX-License-Identifier: BSD-3-Clause */
/* Chunks of new data: how long, what waits for an ACK, and how far cwnd was used. */
#include "unit/tcp_unit.h"

#define MSS 1460u

static struct tcp_conn *
start(struct bed_peer *p, struct tcp_bed *bed, uint32_t cwnd, uint32_t srtt_us)
{
	struct tcp_conn *c;

	bed_peer_init(p, bed);
	bed_peer_reach(p, TCPS_ESTABLISHED);
	c = bed_peer_conn(p);
	c->cwnd = cwnd;
	tcp_cold(bed->stack, c)->srtt_us = srtt_us;
	return c;
}

/* What the pacing rate sends in 1/1024 s: 2 cwnd / rtt below ssthresh / 2, then 1.2 times. */
static void
a_chunk_is_what_is_paced_in_a_millisecond(void **state)
{
	static const struct {
		uint32_t cwnd, srtt_us, ssthresh, want;
	} rows[] = {
		{ 10 * MSS, 100000, TCP_SSTHRESH_INFINITE, 2 },
		{ 10 * MSS, 6600, TCP_SSTHRESH_INFINITE, 2 },
		{ 10 * MSS, 6500, TCP_SSTHRESH_INFINITE, 3 },
		{ 10 * MSS, 1953, TCP_SSTHRESH_INFINITE, 10 },
		{ 100 * MSS, 10000, 100 * MSS, 11 },
		{ 1000 * MSS, 1, TCP_SSTHRESH_INFINITE, 44 },
		{ 10 * MSS, 0, TCP_SSTHRESH_INFINITE, 44 },
		{ 1u << 30, 1, TCP_SSTHRESH_INFINITE, 44 },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		struct tcp_conn *c = start(&p, bed, rows[i].cwnd, rows[i].srtt_us);

		tcp_cold(bed->stack, c)->ssthresh = rows[i].ssthresh;
		assert_int_equal(tcp_chunk_segs(bed->stack, c), rows[i].want);
	}
}

/* The first window, one segment acknowledged after a round trip: the cut chunk's case. */
static void
a_chunk_cut_short_waits_only_if_an_ack_is_near(void **state)
{
	static const uint8_t data[20 * MSS];
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c = start(&p, bed, 10 * MSS, 100000);

	tcp_send(bed->stack, &bed->env, p.h, data, sizeof(data), 0);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	/* Something left just now, but the oldest is young: the ACK is far. */
	assert_false(tcp_chunk_waits(bed->stack, c, 2, MSS, 65535));
	tcp_bed_advance(bed, 98);
	tcp_cold(bed->stack, c)->last_sent_ms = bed->env.now_ms;
	assert_false(tcp_chunk_waits(bed->stack, c, 2, MSS, 65535));
	tcp_bed_advance(bed, 1);
	tcp_cold(bed->stack, c)->last_sent_ms = bed->env.now_ms;
	assert_true(tcp_chunk_waits(bed->stack, c, 2, MSS, 65535));
	/* A whole chunk, a third of the window, and a recovery do not wait. */
	assert_false(tcp_chunk_waits(bed->stack, c, 2, 2 * MSS, 65535));
	assert_false(tcp_chunk_waits(bed->stack, c, 9, 10 * MSS / 3, 65535));
	c->flags |= TF_FIN_QUEUED;
	assert_false(tcp_chunk_waits(bed->stack, c, 2, MSS, 65535));
	c->flags &= ~TF_FIN_QUEUED;
	/* Nothing left for a millisecond. */
	tcp_bed_advance(bed, 1);
	assert_false(tcp_chunk_waits(bed->stack, c, 2, MSS, 65535));
}

static void
the_strongest_sign_of_a_round_trip_counts(void **state)
{
	static const uint8_t data[20 * MSS];
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c = start(&p, bed, 10 * MSS, 100000);
	const struct tcp_cold *cold = tcp_cold(bed->stack, c);

	tcp_send(bed->stack, &bed->env, p.h, data, 3 * MSS, 0);
	tcp_bed_flush(bed);
	assert_false(cold->is_cwnd_limited);
	assert_int_equal(cold->max_out, 3 * MSS);
	tcp_send(bed->stack, &bed->env, p.h, data, 8 * MSS, 0);
	tcp_bed_flush(bed);
	assert_true(cold->is_cwnd_limited);
	assert_int_equal(cold->usage_seq, p.iss + 1 + 10 * MSS);
	/* Of the same round trip: less in flight takes nothing back. */
	bed_peer_send_at(&p, 0, 5 * MSS, TCP_ACK, 0);
	assert_true(cold->is_cwnd_limited);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_chunk_is_what_is_paced_in_a_millisecond),
		BED_TEST(a_chunk_cut_short_waits_only_if_an_ack_is_near),
		BED_TEST(the_strongest_sign_of_a_round_trip_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
