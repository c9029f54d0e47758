/* SPDX-License-Identifier: BSD-3-Clause */
/* The scoreboard: which packets a block marks, and what that may cost. */
#include "unit/recovery.h"

static void
blocks_mark_whole_segments_and_join_to_runs(void **state)
{
	/* Segments SACKed by each ACK; runs and segments marked after it. */
	static const struct {
		uint32_t from, to, runs, sacked;
	} rows[] = {
		{ 3, 4, 1, 2 }, { 3, 4, 1, 2 }, { 8, 8, 2, 3 }, { 5, 6, 2, 5 }, { 3, 6, 2, 5 },
		{ 7, 7, 1, 6 }, { 2, 9, 1, 8 }, { 12, 20, 2, 17 }, { 3, 15, 1, 19 },
	};
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	/* Nothing is sent meanwhile, and nothing is lost. */
	bed->tun.tcp_recovery = 4 | 1;
	open_with_flight(&p, bed, TCP_OPT_SACK_OK, 20);
	tcp_cold(bed->stack, bed_peer_conn(&p))->reo_seen = 1;
	tcp_cold(bed->stack, bed_peer_conn(&p))->reo_mult = 16;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		send_sack(&p, 0, rows[i].from, rows[i].to);
		assert_int_equal(score_of(&p)->runs, rows[i].runs);
		assert_int_equal(score_of(&p)->sacked, rows[i].sacked * SEG);
		assert_int_equal(score_of(&p)->sacked_pkts, rows[i].sacked);
		assert_int_equal(bed->stack->ranges_used, rows[i].runs);
	}
	assert_int_equal(tcp_pipe(bed->stack, bed_peer_conn(&p)), SEG);
	/* All acknowledged: no scoreboard, no run. */
	send_sack(&p, 20, 0, 0);
	assert_null(score_of(&p));
	assert_int_equal(bed->stack->ranges_used, 0);
	tcp_bed_discard(bed);
}

static void
an_acknowledgement_inside_a_run_cuts_it(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_with_flight(&p, bed, TCP_OPT_SACK_OK, 10);
	send_sack(&p, 0, 2, 6);
	send_sack(&p, 4, 0, 0);
	assert_int_equal(score_of(&p)->sacked, 2 * SEG);
	bed_peer_send_at(&p, 0, 5 * SEG + 100, TCP_ACK, 0);
	assert_int_equal(score_of(&p)->sacked, SEG - 100);
	tcp_bed_discard(bed);
}

/* SACK of every other segment. More gaps than that are not remembered. */
static void
the_number_of_runs_is_limited(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->par.ranges_max = 300;
	tcp_bed_start(bed);
	open_with_flight(&p, bed, TCP_OPT_SACK_OK, 400);
	for (uint32_t i = 2; i <= 400; i += 2)
		send_sack(&p, 0, i, i);
	assert_in_range(score_of(&p)->runs, 1, TCP_RANGES_PER_CONN);
	assert_int_equal(bed->ctr.TCPSACKDiscard, 0);
	tcp_bed_discard(bed);
}

static void
a_block_without_a_run_left_is_counted(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->par.ranges_max = 3;
	tcp_bed_start(bed);
	open_with_flight(&p, bed, TCP_OPT_SACK_OK, 20);
	for (uint32_t i = 2; i <= 10; i += 2)
		send_sack(&p, 0, i, i);
	assert_int_equal(score_of(&p)->runs, 3);
	assert_int_equal(bed->ctr.TCPSACKDiscard, 2);
	/* One of them that grows needs none. */
	send_sack(&p, 0, 6, 9);
	assert_int_equal(score_of(&p)->sacked, (2 + 4) * SEG);
	send_sack(&p, 20, 0, 0);
	assert_int_equal(bed->stack->ranges_used, 0);
	tcp_bed_discard(bed);
}

/* The begin of a block is sought over so many packets an ACK; the next goes on from there. */
static void
a_far_block_is_found_with_the_second_ack(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_with_flight(&p, bed, TCP_OPT_SACK_OK, 400);
	send_sack(&p, 0, 398, 400);
	assert_int_equal(score_of(&p)->sacked, 0);
	send_sack(&p, 0, 398, 400);
	assert_int_equal(score_of(&p)->sacked, 3 * SEG);
	tcp_bed_discard(bed);
}

/* An ACK of nothing with count blocks. */
static void
send_blocks(struct bed_peer *p, const uint32_t blocks[][2], uint8_t count)
{
	struct tcp_seg seg = sack_seg(p, 0, 1, 1);

	seg.opts.nsack = count;
	for (unsigned int i = 0; i < count; i++) {
		seg.opts.sack[i][0] = seq_of(p, blocks[i][0]);
		seg.opts.sack[i][1] = seq_of(p, blocks[i][1] + 1);
	}
	bed_peer_send_seg(p, &seg);
}

/* The newest comes first (RFC 2018 s4), wherever it lies: one walk finds all. */
static void
blocks_of_one_ack_may_come_in_any_order(void **state)
{
	/* Segments SACKed; runs and segments marked afterwards, whatever their order. */
	static const struct {
		uint32_t blocks[3][2], runs, sacked;
	} rows[] = {
		{ { { 2, 2 }, { 4, 4 }, { 6, 6 } }, 3, 3 },	/* apart */
		{ { { 2, 2 }, { 3, 3 }, { 4, 4 } }, 1, 3 },	/* they touch */
		{ { { 2, 5 }, { 4, 7 }, { 9, 9 } }, 2, 7 },	/* they overlap */
		{ { { 8, 8 }, { 10, 10 }, { 9, 9 } }, 1, 3 },	/* one joins two */
		{ { { 2, 9 }, { 3, 4 }, { 6, 7 } }, 1, 8 },	/* one has the others */
		{ { { 5, 5 }, { 5, 5 }, { 5, 6 } }, 1, 2 },	/* the same */
	};
	static const uint8_t orders[][3] = {
		{ 0, 1, 2 }, { 0, 2, 1 }, { 1, 0, 2 }, { 1, 2, 0 }, { 2, 0, 1 }, { 2, 1, 0 },
	};
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	for (size_t i = 0; i < ARRAY_SIZE(rows) * ARRAY_SIZE(orders); i++) {
		const uint32_t (*blocks)[2] = rows[i / ARRAY_SIZE(orders)].blocks;
		const uint8_t *order = orders[i % ARRAY_SIZE(orders)];
		uint32_t shuffled[3][2];

		for (unsigned int j = 0; j < 3; j++)
			memcpy(shuffled[j], blocks[order[j]], sizeof(shuffled[j]));
		/* No block within the second: that would tell of duplicates (RFC 2883 s4). */
		if (shuffled[0][0] >= shuffled[1][0] && shuffled[0][1] <= shuffled[1][1])
			continue;
		open_with_flight(&p, bed, TCP_OPT_SACK_OK, 12);
		send_blocks(&p, (const uint32_t (*)[2])shuffled, 3);
		assert_int_equal(score_of(&p)->runs, rows[i / ARRAY_SIZE(orders)].runs);
		assert_int_equal(score_of(&p)->sacked_pkts, rows[i / ARRAY_SIZE(orders)].sacked);
		bed_peer_send_at(&p, 0, 12 * SEG, TCP_ACK, 0);
		assert_null(score_of(&p));
		assert_int_equal(bed->stack->ranges_used, 0);
		bed_peer_send(&p, TCP_RST, 0);
		tcp_bed_discard(bed);
	}
}

/* Two blocks, each behind a gap of more than an ACK may search. */
static void
far_blocks_of_one_ack_are_found_one_after_the_other(void **state)
{
	static const uint32_t blocks[2][2] = { { 300, 300 }, { 690, 690 } };
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_with_flight(&p, bed, TCP_OPT_SACK_OK, FLIGHT_MAX);
	send_sack(&p, 0, 350, 350);
	send_sack(&p, 0, 350, 350);
	assert_int_equal(score_of(&p)->sacked, SEG);
	for (unsigned int i = 0; i < 3; i++)
		send_blocks(&p, blocks, 2);
	assert_int_equal(score_of(&p)->runs, 3);
	tcp_bed_discard(bed);
}

static void
blocks_of_nothing_in_flight_are_ignored_and_counted(void **state)
{
	/* Relative to the first byte in flight, 10 segments. */
	static const struct {
		int32_t start, end;
		bool counted;
	} rows[] = {
		{ SEG, SEG, true }, { 2 * SEG, SEG, true }, { SEG, 10 * SEG + 1, true },
		{ 11 * SEG, 12 * SEG, true }, { -70000000, -69999000, true },
		{ SEG + 1, 2 * SEG, false }, { SEG, 2 * SEG - 1, false }, { -1000, 0, false },
	};
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint64_t counted = 0;

	open_with_flight(&p, bed, TCP_OPT_SACK_OK, 10);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tcp_seg seg = bed_peer_seg(&p, TCP_ACK, 0);

		seg.opts.present |= TCP_OPT_SACK;
		seg.opts.nsack = 1;
		seg.opts.sack[0][0] = p.iss + 1 + (uint32_t)rows[i].start;
		seg.opts.sack[0][1] = p.iss + 1 + (uint32_t)rows[i].end;
		bed_peer_send_seg(&p, &seg);
		counted += rows[i].counted;
		assert_int_equal(bed->ctr.TCPSACKDiscard, counted);
		assert_int_equal(score_of(&p) == NULL ? 0 : score_of(&p)->sacked, 0);
	}
	assert_sent_count(&p, 0);
}

/* RFC 2018 s8: what was SACKed is kept until it is acknowledged, for the peer may forget it. */
static void
after_reneging_everything_is_sent_again(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_with_flight(&p, bed, TCP_OPT_SACK_OK, 6);
	send_sack(&p, 0, 2, 5);
	send_sack(&p, 1, 0, 0);
	tcp_bed_discard(bed);
	tcp_bed_advance(bed, 1000);
	assert_int_equal(bed->ctr.TCPSACKReneging, 1);
	assert_int_equal(score_of(&p)->sacked, 0);
	assert_int_equal(bed->stack->ranges_used, 0);
	assert_sent(&p, "A 1461+1460 ack 1");
	tcp_bed_discard(bed);
}

/* RFC 6298 s3: once, of the first that is new, and of nothing that was sent again. */
static void
what_is_sacked_measures_the_path(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_cold *cold;

	open_with_flight(&p, bed, TCP_OPT_SACK_OK, 6);
	cold = tcp_cold(bed->stack, bed_peer_conn(&p));
	cold->backoff = 1;
	tcp_bed_advance(bed, 60);
	send_sack(&p, 0, 3, 3);
	assert_int_equal(cold->srtt_us, 95000);
	assert_int_equal(cold->min_rtt_us, 60000);
	assert_int_equal(cold->backoff, 0);
	tcp_bed_advance(bed, 11);
	send_sack(&p, 0, 3, 3);
	assert_int_equal(cold->srtt_us, 95000);
	/* What fills the gap says how long it took itself, not what was SACKed behind it. */
	send_sack(&p, 3, 0, 0);
	assert_int_equal(cold->srtt_us, 92000);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(blocks_mark_whole_segments_and_join_to_runs),
		BED_TEST(an_acknowledgement_inside_a_run_cuts_it),
		BED_TEST_PREPARED(the_number_of_runs_is_limited),
		BED_TEST_PREPARED(a_block_without_a_run_left_is_counted),
		BED_TEST(a_far_block_is_found_with_the_second_ack),
		BED_TEST(blocks_of_one_ack_may_come_in_any_order),
		BED_TEST(far_blocks_of_one_ack_are_found_one_after_the_other),
		BED_TEST(blocks_of_nothing_in_flight_are_ignored_and_counted),
		BED_TEST(after_reneging_everything_is_sent_again),
		BED_TEST(what_is_sacked_measures_the_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
