/* SPDX-License-Identifier: BSD-3-Clause */
/* Loss by time and the tail loss probe, to the millisecond. */
#include "unit/recovery.h"

/* RFC 8985 s6.2: the head is lost a reordering window after a round trip. */
static void
the_reordering_window_is_a_multiple_of_a_quarter_round_trip(void **state)
{
	static const struct {
		uint8_t mult;
		uint32_t wait_ms;
	} rows[] = { { 1, 25 }, { 2, 50 }, { 3, 75 }, { 4, 100 }, { 8, 100 } };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		open_with_flight(&p, bed, TCP_OPT_SACK_OK, 3);
		tcp_cold(bed->stack, bed_peer_conn(&p))->reo_mult = rows[i].mult;
		tcp_bed_advance(bed, RTT_MS);
		send_sack(&p, 0, 3, 3);
		tcp_bed_advance(bed, rows[i].wait_ms - 1);
		assert_sent_count(&p, 0);
		tcp_bed_advance(bed, 1);
		assert_sent(&p, "A 1+1460 ack 1");
		assert_true(bed_peer_conn(&p)->flags & TF_RECOVERY);
		send_sack(&p, 3, 0, 0);
		tcp_bed_discard(bed);
	}
}

static void
so_many_segments_sacked_need_no_window_unless_reordering_was_seen(void **state)
{
	/* The tunables; segments SACKed; does it begin at once? */
	static const struct {
		uint32_t recovery, reordering, sacked;
		bool seen, at_once;
	} rows[] = {
		{ 1, 3, 2, false, false }, { 1, 3, 3, false, true }, { 1, 5, 4, false, false },
		{ 1, 5, 5, false, true }, { 1, 3, 3, true, false }, { 5, 3, 6, false, false },
		{ 0, 3, 2, false, false }, { 0, 3, 3, false, true }, { 0, 3, 3, true, true },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed->tun.tcp_recovery = rows[i].recovery;
		bed->tun.tcp_reordering = rows[i].reordering;
		open_with_flight(&p, bed, TCP_OPT_SACK_OK, 10);
		tcp_cold(bed->stack, bed_peer_conn(&p))->reo_seen = rows[i].seen;
		tcp_bed_advance(bed, RTT_MS);
		send_sack(&p, 0, 2, 1 + rows[i].sacked);
		assert_int_equal((bed_peer_conn(&p)->flags & TF_RECOVERY) != 0, rows[i].at_once);
		send_sack(&p, 10, 0, 0);
		tcp_bed_discard(bed);
	}
}

static void
dsack_once_a_round_widens_the_window_until_enough_recoveries_without(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_cold *cold;

	open_with_flight(&p, bed, TCP_OPT_SACK_OK, 10);
	cold = tcp_cold(bed->stack, bed_peer_conn(&p));
	assert_int_equal(cold->reo_mult, 1);
	/* Nothing was sent twice: it was not ours that came twice. */
	send_sack(&p, 1, 0, 0);
	send_sack(&p, 1, 0, 1);
	assert_int_equal(cold->reo_mult, 1);
	cold->total_retrans = 1;
	send_sack(&p, 2, 1, 1);
	assert_int_equal(cold->reo_mult, 2);
	send_sack(&p, 3, 2, 2);
	assert_int_equal(cold->reo_mult, 2);
	assert_int_equal(cold->reo_persist, 16);
	/* The last recovery it lasts for. */
	cold->reo_persist = 1;
	send_sack(&p, 3, 5, 8);
	tcp_bed_advance(bed, 2 * RTT_MS);
	send_sack(&p, 10, 0, 0);
	assert_int_equal(cold->reo_mult, 1);
	tcp_bed_discard(bed);
}

static void
a_probe_goes_after_two_round_trips_and_the_timeout_counts_from_it(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_with_flight(&p, bed, TCP_OPT_SACK_OK, 3);
	tcp_bed_advance(bed, 2 * RTT_MS + 1);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "PA 2921+1460 ack 1");
	assert_int_equal(bed->ctr.TCPLossProbes, 1);
	/* One for a flight; then the timeout, for the head. */
	tcp_bed_advance(bed, RTT_MS + 199);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "A 1+1460 ack 1");
	assert_int_equal(bed->ctr.TCPLossProbes, 1);
	assert_int_equal(bed->ctr.TCPTimeouts, 1);
	tcp_bed_discard(bed);
}

static void
there_is_no_probe_where_it_cannot_help(void **state)
{
	/* The tunable, what was negotiated; probes? */
	static const struct {
		uint32_t tunable;
		uint8_t offer;
		bool probes;
	} rows[] = {
		{ 0, TCP_OPT_SACK_OK, false }, { 2, TCP_OPT_SACK_OK, false }, { 3, 0, false },
		{ 3, TCP_OPT_SACK_OK, true }, { 4, TCP_OPT_SACK_OK, true },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		uint64_t before = bed->ctr.TCPLossProbes;

		bed->tun.tcp_early_retrans = rows[i].tunable;
		open_with_flight(&p, bed, rows[i].offer, 3);
		tcp_bed_advance(bed, 2 * RTT_MS + 50);
		assert_int_equal(bed->ctr.TCPLossProbes - before, rows[i].probes);
		send_sack(&p, 3, 0, 0);
		tcp_bed_discard(bed);
	}
}

/* Data written long after the timer was set has two round trips of its own. */
static void
a_probe_waits_for_the_last_segment(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_with_flight(&p, bed, TCP_OPT_SACK_OK, 2);
	bed_peer_conn(&p)->cwnd = 10 * SEG;
	tcp_bed_advance(bed, RTT_MS + 50);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, "x", 1, 0), 1);
	tcp_bed_flush(bed);
	assert_sent(&p, "PA 2921+1 ack 1");
	/* But it is not later than the timeout of the first. */
	tcp_bed_advance(bed, RTT_MS + 49);
	assert_sent(&p, "");
	tcp_bed_advance(bed, RTT_MS);
	assert_sent(&p, "PA 2921+1 ack 1");
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(the_reordering_window_is_a_multiple_of_a_quarter_round_trip),
		BED_TEST(so_many_segments_sacked_need_no_window_unless_reordering_was_seen),
		BED_TEST(dsack_once_a_round_widens_the_window_until_enough_recoveries_without),
		BED_TEST(a_probe_goes_after_two_round_trips_and_the_timeout_counts_from_it),
		BED_TEST(there_is_no_probe_where_it_cannot_help),
		BED_TEST(a_probe_waits_for_the_last_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
