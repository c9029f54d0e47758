/* SPDX-License-Identifier: BSD-3-Clause */
/* What a loss does to the congestion window, and how that is taken back. */
#include "unit/recovery.h"

static uint32_t
ssthresh_of(const struct bed_peer *p)
{
	return tcp_cold(p->bed->stack, bed_peer_conn(p))->ssthresh;
}

/* 20 segments in flight, the first lost: recovery began, the head was sent again. */
static void
lose_the_first(struct bed_peer *p, struct tcp_bed *bed, uint8_t offer)
{
	open_with_flight(p, bed, offer, 20);
	tcp_bed_advance(bed, RTT_MS);
	send_sack(p, 0, 2, 4);
	assert_true(bed_peer_conn(p)->flags & TF_RECOVERY);
	assert_sent_count(p, 1);
}

/* RFC 9937: what is in flight comes down to ssthresh with what is delivered, and stays there. */
static void
what_is_in_flight_comes_down_to_half(void **state)
{
	static const uint8_t data[40 * SEG];
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c;
	uint32_t sent = 1;

	lose_the_first(&p, bed, TCP_OPT_SACK_OK);
	c = bed_peer_conn(&p);
	assert_int_equal(ssthresh_of(&p), 10 * SEG);
	assert_true(tcp_send(bed->stack, &bed->env, p.h, data, sizeof(data), 0) > 0);
	for (uint32_t i = 5; i <= 20; i++) {
		send_sack(&p, 0, 2, i);
		sent += tcp_bed_discard(bed);
		/* Never more out than is due. */
		assert_true(sent * SEG <= (i - 1) * SEG * 10 / 20 + 2 * SEG ||
			tcp_pipe(bed->stack, c) <= 10 * SEG);
	}
	assert_int_equal(tcp_pipe(bed->stack, c), 10 * SEG);
	send_sack(&p, 20, 0, 0);
	assert_int_equal(c->cwnd, 10 * SEG);
	assert_false(c->flags & TF_RECOVERY);
	assert_int_equal(bed->ctr.TCPSackRecovery, 1);
	tcp_bed_discard(bed);
}

/* Sixteen of twenty lost: each ACK lets out one more than it delivers, whenever output is due. */
static void
acks_taken_in_together_let_out_as_much_as_one_by_one(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_seg both[2];

	open_with_flight(&p, bed, TCP_OPT_SACK_OK, 20);
	tcp_bed_advance(bed, RTT_MS);
	send_sack(&p, 0, 17, 20);
	assert_sent_count(&p, 4);
	tcp_bed_advance(bed, RTT_MS);
	send_sack(&p, 1, 17, 20);
	assert_sent_count(&p, 2);
	tcp_bed_advance(bed, RTT_MS);
	both[0] = sack_seg(&p, 2, 17, 20);
	both[1] = sack_seg(&p, 3, 17, 20);
	tcp_bed_input(bed, both, 2);
	tcp_bed_flush(bed);
	assert_sent_count(&p, 4);
}

static void
further_losses_of_the_same_flight_reduce_nothing(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	lose_the_first(&p, bed, TCP_OPT_SACK_OK);
	send_sack(&p, 4, 6, 20);
	assert_int_equal(ssthresh_of(&p), 10 * SEG);
	assert_true(bed_peer_conn(&p)->flags & TF_RECOVERY);
	assert_int_equal(bed->ctr.TCPSackRecovery, 1);
	assert_sent(&p, "A 5841+1460 ack 1");
	tcp_bed_discard(bed);
}

/* a forged report gives back what was taken, once, and never more. */
static void
dsack_of_all_retransmissions_undoes_once(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c;

	lose_the_first(&p, bed, TCP_OPT_SACK_OK);
	c = bed_peer_conn(&p);
	send_sack(&p, 4, 1, 1);
	assert_int_equal(bed->ctr.TCPDSACKUndo, 1);
	/* All of it, and what any ACK of one new segment adds. */
	assert_int_equal(c->cwnd, 21 * SEG);
	assert_false(c->flags & TF_RECOVERY);
	for (unsigned int i = 0; i < 20; i++)
		send_sack(&p, 4, 1, 1);
	assert_int_equal(bed->ctr.TCPDSACKUndo, 1);
	assert_int_equal(c->cwnd, 21 * SEG);
	assert_int_equal(bed->ctr.TCPDSACKIgnoredNoUndo, 20);
	tcp_bed_discard(bed);
}

/* Of two retransmissions one report is not enough. */
static void
dsack_of_some_retransmissions_undoes_nothing(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	lose_the_first(&p, bed, TCP_OPT_SACK_OK);
	send_sack(&p, 4, 6, 20);
	assert_sent_count(&p, 1);
	send_sack(&p, 20, 1, 1);
	assert_int_equal(bed->ctr.TCPDSACKRecv, 1);
	assert_int_equal(bed->ctr.TCPDSACKUndo, 0);
	assert_int_equal(bed_peer_conn(&p)->cwnd, 10 * SEG);
}

/* RFC 3522: the echo of a timestamp from before the retransmission. */
static void
a_timestamp_of_the_original_undoes(void **state)
{
	/* Milliseconds the echo is older than the retransmission; does it undo? */
	static const struct {
		uint32_t older_ms;
		bool undoes;
	} rows[] = { { 0, false }, { 1, true }, { RTT_MS, true } };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		struct tcp_conn *c;
		uint64_t before = bed->ctr.TCPFullUndo;

		lose_the_first(&p, bed, TCP_OPT_SACK_OK | TCP_OPT_TS);
		c = bed_peer_conn(&p);
		p.tsecr = tcp_ts_now(bed->stack, tcp_cold(bed->stack, c)->ts_off);
		p.tsecr -= rows[i].older_ms;
		tcp_bed_advance(bed, 10);
		send_sack(&p, 20, 0, 0);
		assert_int_equal(bed->ctr.TCPFullUndo - before, rows[i].undoes);
		assert_int_equal(c->cwnd >= 20u * c->mss, rows[i].undoes);
		tcp_bed_discard(bed);
	}
}

/* RFC 3168 s6.1.2: as for a loss, but nothing is sent again, and there is nothing to undo. */
static void
a_congestion_signal_reduces_without_retransmission(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c;

	for (unsigned int sack = 0; sack < 2; sack++) {
		open_with_flight(&p, bed, sack ? TCP_OPT_SACK_OK : 0, 20);
		c = bed_peer_conn(&p);
		tcp_bed_advance(bed, RTT_MS);
		tcp_recovery_enter(bed->stack, c, TCP_RECOVERY_ECE);
		/* Once for all of the flight. */
		tcp_recovery_enter(bed->stack, c, TCP_RECOVERY_ECE);
		assert_int_equal(ssthresh_of(&p), 10 * SEG);
		for (uint32_t i = 1; i < 20; i++)
			send_sack(&p, i, 0, 0);
		assert_true(c->flags & TF_RECOVERY);
		send_sack(&p, 20, 0, 0);
		assert_int_equal(c->cwnd, 10 * SEG);
		assert_sent_count(&p, 0);
		/* CWR must have reached the peer. */
		assert_true(c->flags & TF_RECOVERY);
		send_one_more(&p);
		send_sack(&p, 21, 0, 0);
		assert_false(c->flags & TF_RECOVERY);
		assert_int_equal(c->cwnd, 10 * SEG);
		assert_null(score_of(&p));
	}
	assert_int_equal(bed->ctr.TCPSackRecovery + bed->ctr.TCPRenoRecovery, 0);
}

static void
a_timeout_reduces_once_for_a_flight_and_keeps_what_is_sacked(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c;

	bed->tun.tcp_recovery = 0;
	bed->tun.tcp_frto = 0;
	open_with_flight(&p, bed, TCP_OPT_SACK_OK, 6);
	c = bed_peer_conn(&p);
	send_sack(&p, 0, 3, 4);
	tcp_bed_advance(bed, RTT_MS + 200);
	assert_sent(&p, "A 1+1460 ack 1");
	assert_int_equal(c->cwnd, SEG);
	assert_int_equal(ssthresh_of(&p), 3 * SEG);
	assert_int_equal(score_of(&p)->lost, 4 * SEG);
	send_sack(&p, 1, 3, 4);
	assert_sent(&p, "A 1461+1460 ack 1");
	/* Over what is SACKed. */
	assert_sent(&p, "A 5841+1460 ack 1");
	assert_sent(&p, "");
	send_sack(&p, 6, 0, 0);
	assert_int_equal(ssthresh_of(&p), 3 * SEG);
}

/* RFC 6582: without SACK one hole for each partial ACK. */
static void
without_sack_a_partial_ack_sends_the_next_hole(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_with_flight(&p, bed, 0, 10);
	for (unsigned int i = 0; i < 3; i++)
		send_sack(&p, 0, 0, 0);
	assert_sent(&p, "A 1+1460 ack 1");
	send_sack(&p, 3, 0, 0);
	assert_sent(&p, "A 4381+1460 ack 1");
	assert_sent(&p, "");
	send_sack(&p, 10, 0, 0);
	assert_sent_count(&p, 0);
	/* Duplicates of what went again begin no recovery (s3.2 step 2). */
	for (unsigned int i = 0; i < 4; i++)
		send_sack(&p, 10, 0, 0);
	send_one_more(&p);
	send_sack(&p, 11, 0, 0);
	assert_null(score_of(&p));
	assert_int_equal(bed->ctr.TCPRenoRecovery, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(what_is_in_flight_comes_down_to_half),
		BED_TEST(acks_taken_in_together_let_out_as_much_as_one_by_one),
		BED_TEST(further_losses_of_the_same_flight_reduce_nothing),
		BED_TEST(dsack_of_all_retransmissions_undoes_once),
		BED_TEST(dsack_of_some_retransmissions_undoes_nothing),
		BED_TEST(a_timestamp_of_the_original_undoes),
		BED_TEST(a_congestion_signal_reduces_without_retransmission),
		BED_TEST(a_timeout_reduces_once_for_a_flight_and_keeps_what_is_sacked),
		BED_TEST(without_sack_a_partial_ack_sends_the_next_hole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
