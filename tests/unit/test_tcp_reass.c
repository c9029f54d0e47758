/* SPDX-License-Identifier: BSD-3-Clause */
/* Data behind a gap: a naive model beside it, its limits, SACK blocks, FINs. */
#include <string.h>

#include "unit/tcp_unit.h"

#define SPAN 3000u

/* Read all and compare with the pattern from *seq on. */
static void
read_all(struct bed_peer *p, uint32_t *seq)
{
	uint8_t buf[4096];
	ptrdiff_t n;

	while ((n = tcp_recv(p->bed->stack, &p->bed->env, p->h, buf, sizeof(buf))) > 0)
		for (ptrdiff_t i = 0; i < n; i++)
			assert_int_equal(buf[i], bed_pattern((*seq)++));
}

/*
 * Random segments of a stream, overlapping as they like. The engine may drop what it must, but what
 * it delivers is the stream, and it never claims to hold a byte that was not sent.
 */
static void
random_segments_are_put_together_as_a_map_of_bytes_would(void **state)
{
	struct tcp_bed *bed = *state;
	struct rng rng;

	rng_seed(&rng, 42);
	for (unsigned int round = 0; round < 60; round++) {
		static bool have[SPAN];
		uint32_t next = 0, max_len = 1 + rng_below(&rng, 200);
		struct bed_peer p;
		uint32_t read_seq;

		memset(have, 0, sizeof(have));
		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		read_seq = p.irs + 1;
		while (next < SPAN) {
			uint32_t at = next + rng_below(&rng, 400);
			uint32_t len = 1 + rng_below(&rng, max_len);

			if (rng_below(&rng, 8) == 0)
				at = next;
			at = min_u32(at, SPAN - 1);
			len = min_u32(len, SPAN - at);
			memset(have + at, true, len);
			bed_peer_send_at(&p, (int32_t)at, 0, TCP_ACK, (uint16_t)len);
			tcp_bed_discard(bed);
			while (next < SPAN && have[next])
				next++;
			/* It may have less than the map, never more. */
			assert_in_range(bed_peer_conn(&p)->rcv_nxt - p.irs - 1, 0, next);
			next = bed_peer_conn(&p)->rcv_nxt - p.irs - 1;
			for (struct tcp_range *r = tcp_cold(bed->stack, bed_peer_conn(&p))->ooo;
				r != NULL; r = r->next)
				for (uint32_t s = r->start; s != r->end; s++)
					assert_true(have[s - p.irs - 1]);
		}
		read_all(&p, &read_seq);
		assert_int_equal(read_seq, p.irs + 1 + SPAN);
		assert_int_equal(bed->stack->ranges_used, 0);
		bed_peer_send_at(&p, SPAN, 0, TCP_RST, 0);
		tcp_bed_events(bed, p.h, NULL);
	}
	assert_int_equal(bed->pkts.pool.held, 0);
}

static void
a_connection_holds_256_runs_and_a_worker_as_many_as_it_was_given(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p[3];

	for (unsigned int i = 0; i < 3; i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], TCPS_ESTABLISHED);
		/* Each byte costs a buffer: place for all of them. */
		tcp_setopt(bed->stack, &bed->env, p[i].h, TCP_SO_RCVBUF, 1 << 20);
	}
	/* 600 for all: 256, 256, 88. */
	for (unsigned int i = 0; i < 3; i++) {
		unsigned int room = i < 2 ? 256 : 88;

		for (unsigned int j = 0; j < 300; j++)
			assert_int_equal(bed_peer_send_at(&p[i], (int32_t)(2 * j + 1), 0, TCP_ACK,
				1), j < room ? OUT_OOO_QUEUED : OUT_OOO_LIMIT);
		tcp_bed_discard(bed);
	}
	assert_int_equal(bed->stack->ranges_used, 600);
	assert_int_equal(bed->ctr.TCPOFODrop, 44 + 44 + 212);
	/* What joins two runs needs none. */
	assert_int_equal(bed_peer_send_at(&p[2], 2, 0, TCP_ACK, 1), OUT_OOO_QUEUED);
	assert_int_equal(bed->stack->ranges_used, 599);
	/* Everything comes back at the end of a connection. */
	bed_peer_send(&p[0], TCP_RST, 0);
	assert_int_equal(bed->stack->ranges_used, 599 - 256);
	tcp_bed_discard(bed);
}

static void
each_segment_behind_a_gap_is_acknowledged_at_once(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_conn(&p)->quickacks = 0;
	for (int32_t i = 1; i < 4; i++) {
		bed_peer_send_at(&p, i * 10, 0, TCP_ACK, 10);
		assert_sent(&p, "A 1+0 ack 1");
		assert_sent(&p, "");
	}
	bed_peer_send(&p, TCP_ACK, 10);
	assert_sent(&p, "A 1+0 ack 41");
	assert_int_equal(tcp_recv_queued(bed->stack, p.h), 40);
}

/* RFC 2018 s4: the latest first, then those before it; at most 4, 3 beside timestamps. */
static void
sack_blocks_name_the_latest_run_first(void **state)
{
	struct tcp_bed *bed = *state;

	for (unsigned int ts = 0; ts < 2; ts++) {
		static const int32_t at[] = { 100, 300, 500, 700, 900, 200 };
		struct bed_peer p;

		bed_peer_init(&p, bed);
		p.offer = TCP_OPT_SACK_OK | (ts ? TCP_OPT_TS : 0);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		for (unsigned int i = 0; i < ARRAY_SIZE(at); i++)
			bed_peer_send_at(&p, at[i], 0, TCP_ACK, 100);
		for (unsigned int i = 0; i < ARRAY_SIZE(at) - 1; i++) {
			assert_sent(&p, "A 1+0 ack 1");
			assert_int_equal(bed->sent.opts.nsack, min_u32(i + 1, ts ? 3 : 4));
			assert_int_equal(bed->sent.opts.sack[0][0] - p.irs, at[i] + 1);
			assert_int_equal(bed->sent.opts.sack[0][1] - p.irs, at[i] + 101);
		}
		/* 200 joined 100 and 300: one block, and the latest. */
		assert_sent(&p, "A 1+0 ack 1");
		assert_int_equal(bed->sent.opts.sack[0][0] - p.irs, 101);
		assert_int_equal(bed->sent.opts.sack[0][1] - p.irs, 401);
		assert_int_equal(bed->sent.opts.sack[1][0] - p.irs, 901);
		assert_int_equal(bed->sent.opts.sack[2][0] - p.irs, 701);
		bed_peer_send(&p, TCP_ACK, 100);
		assert_sent(&p, "A 1+0 ack 401");
		assert_int_equal(bed->sent.opts.nsack, 3);
	}
}

static void
without_sack_permitted_no_block_is_sent(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_send_at(&p, 100, 0, TCP_ACK, 100);
	assert_sent(&p, "A 1+0 ack 1");
	assert_int_equal(bed->sent.opts.present, 0);
}

static void
a_fin_behind_a_gap_waits_for_the_data_before_it(void **state)
{
	static const struct {
		int32_t fin_at;
		uint16_t fin_len;
	} rows[] = { { 10, 0 }, { 5, 5 }, { 9, 1 } };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		assert_int_equal(bed_peer_send_at(&p, rows[i].fin_at, 0, TCP_ACK | TCP_FIN,
			rows[i].fin_len), OUT_OOO_QUEUED);
		assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
		tcp_bed_discard(bed);
		bed_peer_send(&p, TCP_ACK, (uint16_t)rows[i].fin_at);
		assert_sent(&p, "A 1+0 ack 12");
		assert_int_equal(bed_peer_state(&p), TCPS_CLOSE_WAIT);
		assert_int_equal(tcp_recv_queued(bed->stack, p.h), 10);
	}
}

/* A peer that contradicts itself: no run may overlap another, nothing follows a FIN. */
static void
a_fin_inside_held_data_and_data_behind_a_fin_do_no_harm(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_send_at(&p, 100, 0, TCP_ACK, 100);
	bed_peer_send_at(&p, 150, 0, TCP_ACK | TCP_FIN, 0);
	bed_peer_send_at(&p, 120, 0, TCP_ACK | TCP_FIN, 10);
	bed_peer_send_at(&p, 200, 0, TCP_ACK | TCP_FIN, 10);
	bed_peer_send_at(&p, 210, 0, TCP_ACK, 10);
	bed_peer_send_at(&p, 211, 0, TCP_ACK, 10);
	bed_peer_send_at(&p, 300, 0, TCP_ACK, 10);
	tcp_bed_discard(bed);
	bed_peer_send(&p, TCP_ACK, 100);
	assert_sent(&p, "A 1+0 ack 212");
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSE_WAIT);
	assert_int_equal(tcp_recv_queued(bed->stack, p.h), 210);
	assert_int_equal(bed->stack->ranges_used, 0);
}

/* Where the run begins: at the FIN's number, behind it, and behind a gap from there. */
static void
a_fin_that_comes_in_order_ends_what_is_held_behind_it(void **state)
{
	struct tcp_bed *bed = *state;
	uint32_t seq;

	for (int32_t at = 10; at <= 12; at++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		seq = p.seq;
		assert_int_equal(bed_peer_send_at(&p, at, 0, TCP_ACK, 20), OUT_OOO_QUEUED);
		assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_FIN | TCP_ACK, 10), OUT_DELIVERED);
		tcp_bed_discard(bed);
		tcp_check_invariants(bed->stack, &bed->env);
		assert_int_equal(bed_peer_state(&p), TCPS_CLOSE_WAIT);
		assert_int_equal(bed_peer_conn(&p)->rcv_nxt, seq + 11);
		assert_int_equal(bed_peer_conn(&p)->flags & TF_OOO, 0);
		read_all(&p, &seq);
		assert_int_equal(bed->pkts.pool.held, 0);
	}
}

static void
a_run_does_not_take_the_packets_that_receiving_lives_on(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed->pkts.pool.reserve = bed->pkts.size;
	bed->pkts.pool.source_avail = 0;
	assert_int_equal(bed_peer_send_at(&p, 10, 0, TCP_ACK, 10), OUT_OOO_LIMIT);
	bed->pkts.pool.reserve = 0;
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 10), OUT_DELIVERED);
	tcp_bed_discard(bed);
}

static void
after_shutdown_of_reading_runs_are_acknowledged_and_thrown_away(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_send_at(&p, 10, 0, TCP_ACK, 10);
	assert_int_equal(tcp_shutdown(bed->stack, &bed->env, p.h, TCP_SHUT_RD), 0);
	tcp_bed_discard(bed);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 10), OUT_AFTER_SHUT_RD);
	assert_sent(&p, "A 1+0 ack 21");
	assert_int_equal(bed->pkts.pool.held, 0);
	assert_int_equal(tcp_recv_queued(bed->stack, p.h), 0);
}

/* A peer that cuts anew what it repeats: one segment fills the gap and covers a packet behind. */
static void
data_in_order_covers_whole_packets_that_were_held(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint32_t seq;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	seq = p.irs + 1;
	assert_int_equal(bed_peer_send_at(&p, 100, 0, TCP_ACK, 1200), OUT_OOO_QUEUED);
	assert_int_equal(bed_peer_send_at(&p, 1300, 0, TCP_ACK, 1200), OUT_OOO_QUEUED);
	tcp_bed_discard(bed);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 1460), OUT_DELIVERED);
	assert_sent(&p, "A 1+0 ack 2501");
	read_all(&p, &seq);
	assert_int_equal(seq, p.irs + 2501);
	assert_int_equal(bed->pkts.pool.held, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(random_segments_are_put_together_as_a_map_of_bytes_would),
		BED_TEST(a_connection_holds_256_runs_and_a_worker_as_many_as_it_was_given),
		BED_TEST(each_segment_behind_a_gap_is_acknowledged_at_once),
		BED_TEST(sack_blocks_name_the_latest_run_first),
		BED_TEST(without_sack_permitted_no_block_is_sent),
		BED_TEST(a_fin_behind_a_gap_waits_for_the_data_before_it),
		BED_TEST(a_fin_inside_held_data_and_data_behind_a_fin_do_no_harm),
		BED_TEST(a_fin_that_comes_in_order_ends_what_is_held_behind_it),
		BED_TEST(a_run_does_not_take_the_packets_that_receiving_lives_on),
		BED_TEST(after_shutdown_of_reading_runs_are_acknowledged_and_thrown_away),
		BED_TEST(data_in_order_covers_whole_packets_that_were_held),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
