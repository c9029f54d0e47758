/* SPDX-License-Identifier: BSD-3-Clause */
/* ACK processing: ranges, round trips, windows, duplicate ACKs and NewReno recovery. */
#include "unit/tcp_unit.h"

#define MSS 1460u

/* Queue n segments' worth of data and send what the windows allow. */
static void
send_segments(struct bed_peer *p, unsigned int n)
{
	static const uint8_t data[64 * MSS];
	struct tcp_bed *bed = p->bed;

	assert_int_equal(tcp_setopt(bed->stack, &bed->env, p->h, TCP_SO_SNDBUF, 1 << 20), 0);
	assert_int_equal(
		tcp_send(bed->stack, &bed->env, p->h, data, n * MSS, 0), (ptrdiff_t)(n * MSS));
	tcp_bed_flush(bed);
}

/* An established peer to whom n segments were sent, which are on the way. */
static void
in_flight(struct bed_peer *p, struct tcp_bed *bed, unsigned int n)
{
	bed_peer_init(p, bed);
	bed_peer_reach(p, TCPS_ESTABLISHED);
	send_segments(p, n);
	assert_int_equal(tcp_bed_discard(bed), min_u32(n, 10));
}

static void
acks_outside_what_may_be_acknowledged_are_challenged(void **state)
{
	/* Relative to SND.UNA; 1460 bytes in flight, the largest window was 65535. */
	static const struct {
		uint32_t acked; /* before */
		int32_t ack;
		enum outcome want;
		uint32_t una;
		const char *sent;
	} rows[] = {
		{ 0, 0, OUT_PURE_ACK, 1, "" },
		{ 0, 1, OUT_PURE_ACK, 2, "" },
		{ 0, 1460, OUT_PURE_ACK, 1461, "" },
		{ 0, 1461, OUT_BAD_ACK, 1, "A 1461+0 ack 1" },
		{ 0, INT32_MAX, OUT_BAD_ACK, 1, "A 1461+0 ack 1" },
		{ 0, -1, OUT_CHALLENGE_ACK, 1, "A 1461+0 ack 1" },
		{ 100, -100, OUT_PURE_ACK, 1, "" },
		{ 100, -101, OUT_CHALLENGE_ACK, 1, "A 1461+0 ack 1" },
		{ 65536, -65535, OUT_PURE_ACK, 1, "" },
		{ 65536, -65536, OUT_CHALLENGE_ACK, 1, "A 1461+0 ack 1" },
		{ 0, -2000000000, OUT_CHALLENGE_ACK, 1, "A 1461+0 ack 1" },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		in_flight(&p, bed, 1);
		tcp_cold(bed->stack, bed_peer_conn(&p))->iss -= rows[i].acked;
		assert_int_equal(bed_peer_send_at(&p, 0, rows[i].ack, TCP_ACK, 0), rows[i].want);
		assert_int_equal(bed_peer_conn(&p)->snd_una - p.iss, rows[i].una);
		assert_sent(&p, rows[i].sent);
	}
}

static void
data_of_a_segment_with_a_bad_ack_is_not_taken(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(bed_peer_send_at(&p, 0, 1, TCP_ACK, 10), OUT_BAD_ACK);
	assert_int_equal(bed_peer_send_at(&p, 0, 0, 0, 10), OUT_NO_ACK_FLAG);
	assert_int_equal(tcp_recv_queued(bed->stack, p.h), 0);
}

/* RFC 6298 s2: SRTT, RTTVAR and RTO, with the floor of 200 ms on the variance term. */
static void
round_trips_make_the_timeout_of_rfc6298(void **state)
{
	static const struct {
		uint32_t rtt_us;
		uint32_t srtt_us, rttvar_us, rto_ms;
	} rows[] = {
		{ 100000, 100000, 50000, 300 },
		{ 100000, 100000, 37500, 300 },
		{ 500000, 150000, 128125, 663 },
		{ 150000, 150000, 96094, 663 },
		{ 1, 131251, 97779, 645 },
	};
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_cold *cold;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	cold = tcp_cold(bed->stack, bed_peer_conn(&p));
	cold->srtt_us = 0;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		tcp_rtt_sample(
			bed->stack, bed_peer_conn(&p), rows[i].rtt_us, rows[i].rtt_us);
		assert_in_range(cold->srtt_us, rows[i].srtt_us - 1, rows[i].srtt_us + 1);
		assert_in_range(cold->rttvar_us, rows[i].rttvar_us - 2, rows[i].rttvar_us + 2);
		assert_int_equal(cold->rto_ms, rows[i].rto_ms);
	}
}

/* As Linux: what the path has shown once is not forgotten with the next sample. */
static void
the_variance_of_the_timeout_falls_by_a_quarter_in_a_round_trip(void **state)
{
	static const uint32_t rto_ms[] = { 900, 900, 835, 765, 699 };
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_cold *cold;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	cold = tcp_cold(bed->stack, bed_peer_conn(&p));
	cold->srtt_us = 0;
	for (size_t i = 0; i < ARRAY_SIZE(rto_ms); i++) {
		send_segments(&p, 1);
		tcp_bed_advance(bed, 300);
		tcp_bed_discard(bed);
		bed_peer_saw(&p, MSS);
		bed_peer_send(&p, TCP_ACK, 0);
		assert_int_equal(cold->rto_ms, rto_ms[i]);
	}
}

static void
the_timeout_stays_between_its_limits(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_cold *cold;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	cold = tcp_cold(bed->stack, bed_peer_conn(&p));
	for (unsigned int i = 0; i < 100; i++)
		tcp_rtt_sample(bed->stack, bed_peer_conn(&p), 1, 1);
	assert_int_equal(cold->rto_ms, 201);
	tcp_rtt_sample(bed->stack, bed_peer_conn(&p), UINT32_MAX / 8, UINT32_MAX / 8);
	assert_int_equal(cold->rto_ms, bed->tun.tcp_rto_max);
}

/* RFC 6298 s3: what was sent twice tells nothing, unless an echo does (RFC 7323 s4.1). */
static void
an_echo_measures_what_was_sent_again(void **state)
{
	struct tcp_bed *bed = *state;

	for (unsigned int with = 0; with < 2; with++) {
		struct tcp_cold *cold;
		struct bed_peer p;
		uint32_t before;

		bed_peer_init(&p, bed);
		p.offer = with ? TCP_OPT_TS : 0;
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		cold = tcp_cold(bed->stack, bed_peer_conn(&p));
		before = cold->srtt_us;
		tcp_send(bed->stack, &bed->env, p.h, "x", 1, 0);
		tcp_bed_flush(bed);
		assert_true(tcp_bed_take(bed));
		tcp_bed_advance(bed, cold->rto_ms);
		assert_true(tcp_bed_take(bed));
		p.tsecr = bed->sent.opts.tsval;
		assert_int_equal(cold->backoff, 1);
		tcp_bed_advance(bed, 100);
		p.ack = bed->sent.seq + bed->sent.len;
		bed_peer_send(&p, TCP_ACK, 0);
		assert_int_equal(bed_peer_conn(&p)->snd_una, bed_peer_conn(&p)->snd_nxt);
		/* The doubled timeout stays until there is a round trip. */
		assert_int_equal(cold->backoff, !with);
		assert_true(with ? cold->srtt_us > before : cold->srtt_us == before);
	}
}

static void
the_handshake_is_the_first_round_trip_unless_it_was_repeated(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, q;

	tcp_bed_listen(bed, 0);
	bed_peer_init(&p, bed);
	bed_peer_syn(&p);
	tcp_bed_advance(bed, 300);
	bed_peer_ack_syn(&p);
	assert_int_equal(tcp_cold(bed->stack, bed_peer_conn(&p))->srtt_us, 300000);
	bed_peer_init(&q, bed);
	bed_peer_syn(&q);
	tcp_bed_advance(bed, 1100);
	tcp_bed_discard(bed);
	bed_peer_ack_syn(&q);
	assert_int_equal(tcp_cold(bed->stack, bed_peer_conn(&q))->srtt_us, 0);
}

/* RFC 6298 s5.7. */
static void
after_a_lost_syn_or_synack_the_first_timeout_is_three_seconds(void **state)
{
	struct tcp_bed *bed = *state;

	for (int active = 0; active < 2; active++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		p.active = active;
		bed_peer_reach(&p, active ? TCPS_SYN_SENT : TCPS_SYN_RECEIVED);
		tcp_bed_advance(bed, 1000);
		assert_int_equal(tcp_bed_discard(bed), 1);
		bed_peer_send(&p, active ? TCP_SYN | TCP_ACK : TCP_ACK, 0);
		if (!active)
			bed_peer_accept(&p);
		tcp_bed_discard(bed);
		send_segments(&p, 1);
		assert_sent(&p, "PA 1+1460 ack 1");
		tcp_bed_advance(bed, 2999);
		assert_sent(&p, "");
		tcp_bed_advance(bed, 1);
		assert_sent(&p, "PA 1+1460 ack 1");
	}
}

static void
only_data_sent_once_is_measured(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_cold *cold;

	in_flight(&p, bed, 1);
	cold = tcp_cold(bed->stack, bed_peer_conn(&p));
	cold->srtt_us = 0;
	tcp_bed_advance(bed, cold->rto_ms);
	assert_int_equal(tcp_bed_discard(bed), 1);
	bed_peer_send_at(&p, 0, MSS, TCP_ACK, 0);
	assert_int_equal(cold->srtt_us, 0);
	bed_peer_saw(&p, MSS);
	send_segments(&p, 1);
	tcp_bed_advance(bed, 70);
	bed_peer_send_at(&p, 0, MSS, TCP_ACK, 0);
	assert_int_equal(cold->srtt_us, 70000);
}

static void
windows_are_taken_from_newer_segments_only(void **state)
{
	/* seq relative to the last segment that set the window, ack to SND.UNA of two in flight. */
	static const struct {
		int32_t seq, ack;
		uint16_t wnd;
		uint32_t want;
	} rows[] = {
		{ 0, 0, 5000, 5000 },	/* the same numbers: a larger window is news */
		{ 0, 0, 500, 1000 },	/* ... a smaller one may be an older segment */
		{ 0, 1, 500, 500 },	/* newly acknowledges */
		{ 1, 0, 500, 500 },	/* newer by sequence */
		{ 1, -1, 500, 1000 },	/* an old ACK */
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		in_flight(&p, bed, 2);
		p.wnd = 1000;
		bed_peer_send_at(&p, 0, 1, TCP_ACK, 0);
		bed_peer_saw(&p, 1);
		p.wnd = rows[i].wnd;
		bed_peer_send_at(&p, rows[i].seq, rows[i].ack, TCP_ACK, 0);
		assert_int_equal(bed_peer_conn(&p)->snd_wnd, rows[i].want);
	}
}

static void
scaled_windows_are_scaled_and_a_syn_is_not(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	p.offer = TCP_OPT_WSCALE;
	p.wscale = 14;
	p.wnd = 1000;
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(bed_peer_conn(&p)->snd_wnd, 1000 << 14);
	p.wnd = 65535;
	bed_peer_send_at(&p, 1, 0, TCP_ACK, 0);
	assert_int_equal(bed_peer_conn(&p)->snd_wnd, 65535 << 14);
}

/* --- duplicate ACKs -------------------------------------------------------------------------- */

static void
the_third_duplicate_ack_sends_the_first_segment_again(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	in_flight(&p, bed, 10);
	bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_sent(&p, "");
	bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_sent(&p, "A 1+1460 ack 1");
	assert_sent(&p, "");
	assert_int_equal(bed->ctr.TCPRenoRecovery, 1);
	assert_int_equal(bed->ctr.TCPFastRetrans, 1);
	assert_int_equal(tcp_cold(bed->stack, bed_peer_conn(&p))->ssthresh, 7 * MSS);
	/* Ten in flight, three arrived, one is lost and went again: ssthresh is in flight. */
	assert_int_equal(bed_peer_conn(&p)->cwnd, 7 * MSS);
	bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_sent(&p, "");
	assert_int_equal(bed_peer_conn(&p)->cwnd, 7 * MSS);
}

static void
what_is_not_a_duplicate_does_not_count_as_one(void **state)
{
	static const struct {
		const char *why;
		uint16_t flags, len, wnd;
		int32_t ack;
	} rows[] = {
		{ "data", TCP_ACK, 1, 65535, 0 },
		{ "a larger window", TCP_ACK, 0, 60000, 0 },
		{ "an old ACK", TCP_ACK, 0, 65535, -1 },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		in_flight(&p, bed, 10);
		bed_peer_conn(&p)->snd_wnd = rows[i].wnd;
		for (unsigned int j = 0; j < 5; j++) {
			p.wnd = (uint16_t)(rows[i].wnd + (rows[i].wnd < 65535 ? j + 1 : 0));
			bed_peer_send_at(&p, 0, rows[i].ack, rows[i].flags, rows[i].len);
			p.seq += rows[i].len;
		}
		if (bed_peer_conn(&p)->flags & TF_RECOVERY)
			fail_msg("%s", rows[i].why);
		tcp_bed_discard(bed);
	}
}

static void
acks_with_nothing_in_flight_are_not_duplicates(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	for (unsigned int i = 0; i < 10; i++)
		bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_false(bed_peer_conn(&p)->flags & TF_SCORE);
}

/* RFC 3042. */
static void
the_first_two_duplicate_acks_let_new_segments_go(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	in_flight(&p, bed, 20);
	tcp_bed_advance(bed, 2);
	bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_sent(&p, "A 14601+1460 ack 1");
	assert_sent(&p, "");
	/* A moment later, or it would wait to leave with a second one. */
	tcp_bed_advance(bed, 2);
	bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_sent(&p, "A 16061+1460 ack 1");
	assert_sent(&p, "");
	bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_sent(&p, "A 1+1460 ack 1");
	assert_sent(&p, "");
}

/* RFC 6582: segments 1 and 4 of 10 are lost. */
static void
a_partial_ack_sends_the_next_hole_and_a_full_one_ends_recovery(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c;

	in_flight(&p, bed, 10);
	c = bed_peer_conn(&p);
	for (unsigned int i = 0; i < 8; i++)
		bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_sent(&p, "A 1+1460 ack 1");
	assert_sent(&p, "");
	bed_peer_send_at(&p, 0, 3 * MSS, TCP_ACK, 0);
	assert_sent(&p, "A 4381+1460 ack 1");
	assert_sent(&p, "");
	assert_true(c->flags & TF_RECOVERY);
	/* Until more is acknowledged duplicates may be of what was sent again (s3.2 step 2). */
	bed_peer_send_at(&p, 0, 10 * MSS, TCP_ACK, 0);
	assert_sent(&p, "");
	assert_true(c->flags & TF_RECOVERY);
	assert_int_equal(c->timers & TT_REXMIT, 0);
	send_segments(&p, 2);
	bed_peer_send_at(&p, 0, 11 * MSS, TCP_ACK, 0);
	assert_false(c->flags & TF_RECOVERY);
	assert_in_range(c->cwnd, MSS, 7 * MSS);
	assert_int_equal(bed->ctr.TCPFastRetrans, 2);
	tcp_bed_discard(bed);
}

static void
after_a_timeout_duplicate_acks_start_no_recovery(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c;

	in_flight(&p, bed, 10);
	c = bed_peer_conn(&p);
	tcp_bed_advance(bed, tcp_cold(bed->stack, c)->rto_ms);
	assert_sent(&p, "A 1+1460 ack 1");
	assert_int_equal(c->cwnd, MSS);
	for (unsigned int i = 0; i < 5; i++)
		bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_false(c->flags & TF_RECOVERY);
	tcp_bed_discard(bed);
}

/* The peer had most of it: what is acknowledged is not sent a second time. */
static void
an_ack_beyond_what_was_sent_again_after_a_timeout_moves_on(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	in_flight(&p, bed, 10);
	tcp_bed_advance(bed, tcp_cold(bed->stack, bed_peer_conn(&p))->rto_ms);
	assert_sent(&p, "A 1+1460 ack 1");
	bed_peer_send_at(&p, 0, 9 * MSS, TCP_ACK, 0);
	assert_sent(&p, "PA 13141+1460 ack 1");
	assert_sent(&p, "");
	bed_peer_send_at(&p, 0, 10 * MSS, TCP_ACK, 0);
	assert_null(bed_peer_conn(&p)->sendq_head);
	/* Duplicates of what was sent twice prove nothing until more is acknowledged. */
	assert_true(bed_peer_conn(&p)->flags & TF_RTO_DONE);
	send_segments(&p, 1);
	tcp_bed_discard(bed);
	bed_peer_send_at(&p, 0, 11 * MSS, TCP_ACK, 0);
	assert_false(bed_peer_conn(&p)->flags & TF_RTO_DONE);
}

static void
the_writer_hears_of_space_it_was_refused(void **state)
{
	static const uint8_t data[40000];
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	ptrdiff_t n;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_SNDBUF, 9000);
	n = tcp_send(bed->stack, &bed->env, p.h, data, sizeof(data), 0);
	assert_int_equal(n, 9000);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, data, 1, 0), -EAGAIN);
	tcp_bed_flush(bed);
	tcp_bed_events(bed, p.h, NULL);
	bed_peer_send_at(&p, 0, 2999, TCP_ACK, 0);
	assert_false(tcp_bed_events(bed, p.h, NULL) & TCP_EV_WRITABLE);
	bed_peer_send_at(&p, 0, 3000, TCP_ACK, 0);
	assert_true(tcp_bed_events(bed, p.h, NULL) & TCP_EV_WRITABLE);
	bed_peer_send_at(&p, 0, 9000, TCP_ACK, 0);
	assert_false(tcp_bed_events(bed, p.h, NULL) & TCP_EV_WRITABLE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(acks_outside_what_may_be_acknowledged_are_challenged),
		BED_TEST(data_of_a_segment_with_a_bad_ack_is_not_taken),
		BED_TEST(round_trips_make_the_timeout_of_rfc6298),
		BED_TEST(the_variance_of_the_timeout_falls_by_a_quarter_in_a_round_trip),
		BED_TEST(the_timeout_stays_between_its_limits),
		BED_TEST(an_echo_measures_what_was_sent_again),
		BED_TEST(the_handshake_is_the_first_round_trip_unless_it_was_repeated),
		BED_TEST(after_a_lost_syn_or_synack_the_first_timeout_is_three_seconds),
		BED_TEST(only_data_sent_once_is_measured),
		BED_TEST(windows_are_taken_from_newer_segments_only),
		BED_TEST(scaled_windows_are_scaled_and_a_syn_is_not),
		BED_TEST(the_third_duplicate_ack_sends_the_first_segment_again),
		BED_TEST(what_is_not_a_duplicate_does_not_count_as_one),
		BED_TEST(acks_with_nothing_in_flight_are_not_duplicates),
		BED_TEST(the_first_two_duplicate_acks_let_new_segments_go),
		BED_TEST(a_partial_ack_sends_the_next_hole_and_a_full_one_ends_recovery),
		BED_TEST(after_a_timeout_duplicate_acks_start_no_recovery),
		BED_TEST(an_ack_beyond_what_was_sent_again_after_a_timeout_moves_on),
		BED_TEST(the_writer_hears_of_space_it_was_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
