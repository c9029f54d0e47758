/* SPDX-License-Identifier: BSD-3-Clause */
/* Sequence, RST and SYN checks of RFC 9293 s3.10.7.4, RFC 5961 and RFC 7323 s5. */
#include "unit/tcp_unit.h"

/* The whole window is offered; an owner that does not read closes it. */
static uint32_t
window(const struct bed_peer *p)
{
	return tcp_rcv_wnd(bed_peer_conn(p));
}

static void
segments_are_acceptable_as_the_table_of_rfc9293_says(void **state)
{
	/* edge: seq counts from the right edge of the window. */
	static const struct {
		bool edge;
		int32_t seq;
		uint16_t len;
		enum outcome want;
		const char *sent;
	} rows[] = {
		{ false, 0, 0, OUT_PURE_ACK, "" },
		{ false, 1, 0, OUT_PURE_ACK, "" },
		{ true, -1, 0, OUT_PURE_ACK, "" },
		{ true, 1, 0, OUT_OUT_OF_WINDOW, "A 1+0 ack 1" },
		{ false, -2, 0, OUT_OLD_DUPLICATE, "A 1+0 ack 1" },
		{ false, -1, 0, OUT_PROBE_ANSWERED, "A 1+0 ack 1" },
		{ false, -1, 1, OUT_PROBE_ANSWERED, "A 1+0 ack 1" },
		{ false, 0, 1, OUT_DELIVERED, "A 1+0 ack 2" },
		{ false, -1, 2, OUT_DELIVERED, "A 1+0 ack 2" },
		{ false, -10, 10, OUT_OLD_DUPLICATE, "A 1+0 ack 1" },
		{ false, -10, 11, OUT_DELIVERED, "A 1+0 ack 2" },
		{ true, -1, 1, OUT_OOO_QUEUED, "A 1+0 ack 1" },
		{ true, -1, 2, OUT_OOO_QUEUED, "A 1+0 ack 1" },
		{ true, 0, 1, OUT_OUT_OF_WINDOW, "A 1+0 ack 1" },
		{ false, INT32_MAX - 1, 1, OUT_OUT_OF_WINDOW, "A 1+0 ack 1" },
		{ false, INT32_MIN, 1, OUT_OLD_DUPLICATE, "A 1+0 ack 1" },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		int32_t seq = rows[i].seq;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		if (rows[i].edge)
			seq += (int32_t)window(&p);
		assert_int_equal(bed_peer_send_at(&p, seq, 0, TCP_ACK, rows[i].len), rows[i].want);
		assert_sent(&p, rows[i].sent);
		assert_sent(&p, "");
	}
}

static void
data_beyond_the_right_edge_is_cut_off_with_its_fin(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint8_t buf[8];

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_conn(&p)->rcv_adv = bed_peer_conn(&p)->rcv_nxt + 3;
	assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_ACK | TCP_FIN, 8), OUT_DELIVERED);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, sizeof(buf)), 3);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(buf[i], bed_pattern(p.irs + 1 + i));
}

/* The owner reads nothing until the window is closed. */
static void
close_window(struct bed_peer *p)
{
	while (window(p) > 0)
		bed_peer_send(p, TCP_ACK, (uint16_t)min_u32(1400, window(p)));
	tcp_bed_discard(p->bed);
}

static void
a_closed_window_takes_no_data_but_its_ack_and_rst(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_rmem[1] = 8192;
	bed->tun.tcp_moderate_rcvbuf = 0;
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	close_window(&p);
	assert_int_equal(tcp_recv_queued(bed->stack, p.h), 2920);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, "hello", 5, 0), 5);
	tcp_bed_flush(bed);
	assert_sent(&p, "PA 1+5 ack 2921");
	assert_int_equal(bed->sent.wnd, 0);
	/* A probe with one byte: the byte is refused, its acknowledgement counts (MUST-66). */
	assert_int_equal(bed_peer_send_at(&p, 0, 5, TCP_ACK, 1), OUT_ZERO_WINDOW);
	assert_sent(&p, "A 6+0 ack 2921");
	assert_int_equal(bed->sent.wnd, 0);
	assert_int_equal(bed_peer_conn(&p)->snd_una, p.iss + 6);
	assert_int_equal(bed->ctr.TCPZeroWindowDrop, 1);
	assert_int_equal(tcp_recv_queued(bed->stack, p.h), 2920);
	/* Not the next number: acknowledged again, nothing else. */
	assert_int_equal(bed_peer_send_at(&p, 1, 5, TCP_ACK, 0), OUT_OUT_OF_WINDOW);
	assert_int_equal(bed_peer_send_at(&p, 0, 5, TCP_RST, 0), OUT_RST_ACCEPTED);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
}

static void
a_closed_window_takes_the_end_if_it_is_next_and_alone(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_rmem[1] = 8192;
	bed->tun.tcp_moderate_rcvbuf = 0;
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	close_window(&p);
	/* Behind a byte that does not fit, or with one: it comes again with it. */
	assert_int_equal(bed_peer_send_at(&p, 1, 0, TCP_ACK | TCP_FIN, 0), OUT_OUT_OF_WINDOW);
	assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_ACK | TCP_FIN, 1), OUT_ZERO_WINDOW);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_ACK | TCP_FIN, 0), OUT_FIN_CONSUMED);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSE_WAIT);
	assert_int_equal(tcp_recv_queued(bed->stack, p.h), 2920);
}

static void
only_the_exact_number_resets_and_the_rest_of_the_window_is_challenged(void **state)
{
	static const struct {
		bool edge;
		int32_t seq;
		enum outcome want;
		const char *sent;
	} rows[] = {
		{ false, 0, OUT_RST_ACCEPTED, "" },
		{ false, 1, OUT_CHALLENGE_RST, "A 1+0 ack 1" },
		{ true, -1, OUT_CHALLENGE_RST, "A 1+0 ack 1" },
		{ true, 1, OUT_RST_IGNORED, "" },
		{ false, -1, OUT_RST_IGNORED, "" },
		{ false, INT32_MIN, OUT_RST_IGNORED, "" },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		int32_t seq = rows[i].seq;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		seq += rows[i].edge ? (int32_t)window(&p) : 0;
		assert_int_equal(bed_peer_send_at(&p, seq, 0, TCP_RST, 0), rows[i].want);
		assert_sent(&p, rows[i].sent);
		assert_int_equal(bed_peer_state(&p),
			rows[i].want == OUT_RST_ACCEPTED ? TCPS_CLOSED : TCPS_ESTABLISHED);
	}
}

static void
a_reset_ends_each_state_with_the_error_its_owner_expects(void **state)
{
	static const struct {
		enum tcp_state at;
		int err;
		unsigned int estab_resets;
	} rows[] = {
		{ TCPS_ESTABLISHED, -ECONNRESET, 1 },
		{ TCPS_FIN_WAIT_1, -ECONNRESET, 0 },
		{ TCPS_FIN_WAIT_2, -ECONNRESET, 0 },
		{ TCPS_CLOSE_WAIT, -ECONNRESET, 1 },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t resets = bed->ctr.EstabResets;
		struct bed_peer p;
		int err = 0;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, rows[i].at);
		assert_int_equal(bed_peer_send(&p, TCP_RST, 0), OUT_RST_ACCEPTED);
		assert_sent(&p, "");
		assert_true(tcp_bed_events(bed, p.h, &err) & TCP_EV_CLOSED);
		assert_int_equal(err, rows[i].err);
		assert_int_equal(bed->ctr.EstabResets - resets, rows[i].estab_resets);
		assert_int_equal(tcp_recv_queued(bed->stack, p.h), -EBADF);
	}
}

/* Both ends had said all: the peer only forgot the connection. */
static void
a_reset_of_what_was_over_is_an_orderly_end(void **state)
{
	static const enum tcp_state rows[] = { TCPS_CLOSING, TCPS_LAST_ACK };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		int err = 1;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, rows[i]);
		assert_int_equal(bed_peer_send(&p, TCP_RST, 0), OUT_RST_ACCEPTED);
		assert_false(tcp_bed_events(bed, p.h, &err) & TCP_EV_CLOSED);
		assert_int_equal(tcp_close(bed->stack, &bed->env, p.h), 0);
		assert_true(tcp_bed_events(bed, p.h, &err) & TCP_EV_CLOSED);
		assert_int_equal(err, 0);
	}
}

static void
a_syn_in_a_connection_gets_a_challenge_wherever_it_lies(void **state)
{
	static const struct {
		int32_t seq;
		uint16_t flags;
	} rows[] = {
		{ 0, TCP_SYN }, { 0, TCP_SYN | TCP_ACK }, { 1, TCP_SYN }, { -1, TCP_SYN },
		{ 1000000, TCP_SYN }, { -1000000, TCP_SYN }, { 5, TCP_SYN | TCP_ACK },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		assert_int_equal(bed_peer_send_at(&p, rows[i].seq, 0, rows[i].flags, 0),
			OUT_CHALLENGE_SYN);
		assert_sent(&p, "A 1+0 ack 1");
		assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	}
	assert_int_equal(bed->ctr.TCPSYNChallenge, ARRAY_SIZE(rows));
}

static void
challenges_are_limited_per_connection_and_second(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, q;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_init(&q, bed);
	bed_peer_reach(&q, TCPS_ESTABLISHED);
	bed->tun.tcp_invalid_ratelimit = 0;
	tcp_bed_advance(bed, 1000);
	for (unsigned int i = 0; i < 8; i++)
		assert_int_equal(bed_peer_send_at(&p, 1, 0, TCP_RST, 0), OUT_CHALLENGE_RST);
	assert_int_equal(tcp_bed_discard(bed), 5);
	assert_int_equal(bed->ctr.TCPChallengeACK, 5);
	assert_int_equal(bed->ctr.TCPACKSkippedChallenge, 3);
	/* Nobody can see from another connection that the limit was reached. */
	bed_peer_send_at(&q, 1, 0, TCP_RST, 0);
	assert_sent(&q, "A 1+0 ack 1");
	tcp_bed_advance(bed, 999);
	bed_peer_send_at(&p, 1, 0, TCP_RST, 0);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	bed_peer_send_at(&p, 1, 0, TCP_RST, 0);
	assert_sent(&p, "A 1+0 ack 1");
}

static void
a_challenge_limit_of_zero_sends_none(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_challenge_ack_limit = 0;
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_send_at(&p, 1, 0, TCP_RST, 0);
	assert_sent(&p, "");
}

static void
the_largest_challenge_limit_is_what_is_sent(void **state)
{
	const uint32_t most = tunables_find("tcp_challenge_ack_limit")->max;
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_challenge_ack_limit = most;
	bed->tun.tcp_invalid_ratelimit = 0;
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_bed_advance(bed, 1000);
	for (unsigned int i = 0; i <= most; i++) {
		bed_peer_send_at(&p, 1, 0, TCP_RST, 0);
		assert_int_equal(tcp_bed_discard(bed), i < most);
	}
	assert_int_equal(bed->ctr.TCPACKSkippedChallenge, 1);
}

static void
acks_of_empty_unacceptable_segments_are_rationed_those_of_data_are_not(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_send(&p, TCP_ACK, 100);
	tcp_bed_discard(bed);
	bed_peer_send_at(&p, -1, 0, TCP_ACK, 0);
	assert_sent(&p, "A 1+0 ack 101");
	tcp_bed_advance(bed, 499);
	bed_peer_send_at(&p, -1, 0, TCP_ACK, 0);
	assert_sent(&p, "");
	assert_int_equal(bed->ctr.TCPACKSkippedSeq, 1);
	tcp_bed_advance(bed, 1);
	bed_peer_send_at(&p, -1, 0, TCP_ACK, 0);
	assert_sent(&p, "A 1+0 ack 101");
	/* A retransmission: our ACK was lost. */
	for (unsigned int i = 0; i < 3; i++) {
		bed_peer_send_at(&p, -100, 0, TCP_ACK, 100);
		assert_sent(&p, "A 1+0 ack 101");
	}
	assert_int_equal(bed->ctr.DelayedACKLost, 3);
}

static void
every_retransmitted_fin_is_acknowledged(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_CLOSE_WAIT);
	for (unsigned int i = 0; i < 3; i++) {
		tcp_bed_advance(bed, 200);
		bed_peer_send_at(&p, -1, 0, TCP_FIN | TCP_ACK, 0);
		assert_sent(&p, "A 1+0 ack 2");
	}
}

/* --- timestamps ------------------------------------------------------------------------------ */

static void
open_with_timestamps(struct bed_peer *p, struct tcp_bed *bed)
{
	bed_peer_init(p, bed);
	p->offer = TCP_OPT_TS;
	bed_peer_reach(p, TCPS_ESTABLISHED);
}

static void
an_older_timestamp_is_rejected_unless_the_clock_stood_still_for_24_days(void **state)
{
	const uint64_t days_24_ms = 24ULL * 24 * 3600 * 1000;
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_with_timestamps(&p, bed);
	bed_peer_send(&p, TCP_ACK, 10);
	assert_sent(&p, "A 1+0 ack 11");
	p.tsval--;
	assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_ACK, 10), OUT_PAWS);
	assert_sent(&p, "A 1+0 ack 11");
	assert_int_equal(bed->ctr.PAWSEstab, 1);
	tcp_bed_advance(bed, days_24_ms);
	assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_ACK, 10), OUT_PAWS);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_ACK, 10), OUT_DELIVERED);
}

static void
acks_of_paws_failures_without_data_are_rationed(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_with_timestamps(&p, bed);
	p.tsval -= 5000;
	bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_sent(&p, "A 1+0 ack 1");
	bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_sent(&p, "");
	assert_int_equal(bed->ctr.TCPACKSkippedPAWS, 1);
}

/* What the path reordered, and no more. */
static void
late_acks_without_data_are_not_answered(void **state)
{
	static const struct {
		int32_t seq;
		uint32_t age_ms; /* the timeout is 1 s */
		uint16_t wnd;
		enum outcome want;
		const char *sent;
	} rows[] = {
		{ 0, 1, 65535, OUT_PURE_ACK, "" },
		{ 0, 1200, 65535, OUT_PURE_ACK, "" },
		{ 0, 1201, 65535, OUT_PAWS, "A 1+0 ack 1" },
		{ 0, 1, 0, OUT_PAWS, "A 1+0 ack 1" },
		{ -1, 1, 65535, OUT_PAWS, "" },
		{ -1, 1000000, 0, OUT_PAWS, "" },
		{ 1, 1, 65535, OUT_PAWS, "A 1+0 ack 1" },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		struct tcp_seg seg;
		uint32_t recent;

		open_with_timestamps(&p, bed);
		tcp_cold(bed->stack, bed_peer_conn(&p))->rto_ms = 1000;
		recent = bed_peer_conn(&p)->ts_recent;
		p.tsval = recent - rows[i].age_ms;
		seg = bed_peer_seg(&p, TCP_ACK, 0);
		seg.seq += (uint32_t)rows[i].seq;
		seg.wnd = rows[i].wnd;
		assert_int_equal(bed_peer_send_seg(&p, &seg), rows[i].want);
		assert_sent(&p, rows[i].sent);
		assert_int_equal(bed_peer_conn(&p)->ts_recent, recent);
	}
	assert_int_equal(bed->ctr.PAWSOldAck, 2);
	assert_int_equal(bed->ctr.PAWSEstab, 3);
}

static void
a_segment_whose_ack_is_old_does_not_move_the_echo(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint32_t recent;

	open_with_timestamps(&p, bed);
	tcp_cold(bed->stack, bed_peer_conn(&p))->iss -= 1000;
	recent = p.tsval;
	p.tsval += 1000;
	assert_int_equal(bed_peer_send_at(&p, 0, -1, TCP_ACK, 10), OUT_DELIVERED);
	assert_int_equal(bed_peer_conn(&p)->ts_recent, recent);
	assert_int_equal(bed_peer_send_at(&p, 10, 0, TCP_ACK, 10), OUT_DELIVERED);
	assert_int_equal(bed_peer_conn(&p)->ts_recent, p.tsval);
}

static void
timestamps_wrap(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_with_timestamps(&p, bed);
	p.tsval = UINT32_MAX;
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 1), OUT_DELIVERED);
	p.tsval = 1;
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 1), OUT_DELIVERED);
	p.tsval = UINT32_MAX;
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 1), OUT_PAWS);
}

static void
a_segment_without_the_agreed_timestamp_is_dropped_unless_it_resets(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_with_timestamps(&p, bed);
	p.offer = 0;
	assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_ACK, 10), OUT_NO_TIMESTAMP);
	assert_sent(&p, "");
	assert_int_equal(bed_peer_send(&p, TCP_RST, 0), OUT_RST_ACCEPTED);
}

static void
a_reset_with_an_old_timestamp_counts(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_with_timestamps(&p, bed);
	p.tsval -= 1000;
	assert_int_equal(bed_peer_send(&p, TCP_RST, 0), OUT_RST_ACCEPTED);
}

/* RFC 7323 s4.3: what spans the last ACK sent. */
static void
the_echo_is_of_the_oldest_segment_not_yet_acknowledged(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint32_t first;

	open_with_timestamps(&p, bed);
	bed_peer_conn(&p)->quickacks = 0;
	first = ++p.tsval;
	bed_peer_send(&p, TCP_ACK, 10);
	p.tsval++;
	bed_peer_send(&p, TCP_ACK, 10);
	tcp_bed_advance(bed, 40);
	assert_sent(&p, "A 1+0 ack 21");
	assert_int_equal(bed->sent.opts.tsecr, first);
	/* Behind a gap: not echoed, or the peer would measure the loss. */
	p.tsval++;
	bed_peer_send_at(&p, 100, 0, TCP_ACK, 10);
	assert_sent(&p, "A 1+0 ack 21");
	assert_int_equal(bed->sent.opts.tsecr, first);
	p.tsval++;
	bed_peer_send(&p, TCP_ACK, 10);
	assert_sent(&p, "A 1+0 ack 31");
	assert_int_equal(bed->sent.opts.tsecr, p.tsval);
}

static void
an_unacceptable_segment_does_not_move_the_echo(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint32_t before;

	open_with_timestamps(&p, bed);
	before = bed_peer_conn(&p)->ts_recent;
	p.tsval += 1000;
	bed_peer_send_at(&p, -5, 0, TCP_ACK, 1);
	bed_peer_send_at(&p, 0, 0, TCP_SYN, 0);
	assert_int_equal(bed_peer_conn(&p)->ts_recent, before);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(segments_are_acceptable_as_the_table_of_rfc9293_says),
		BED_TEST(data_beyond_the_right_edge_is_cut_off_with_its_fin),
		BED_TEST(a_closed_window_takes_no_data_but_its_ack_and_rst),
		BED_TEST(a_closed_window_takes_the_end_if_it_is_next_and_alone),
		BED_TEST(only_the_exact_number_resets_and_the_rest_of_the_window_is_challenged),
		BED_TEST(a_reset_ends_each_state_with_the_error_its_owner_expects),
		BED_TEST(a_reset_of_what_was_over_is_an_orderly_end),
		BED_TEST(a_syn_in_a_connection_gets_a_challenge_wherever_it_lies),
		BED_TEST(challenges_are_limited_per_connection_and_second),
		BED_TEST(a_challenge_limit_of_zero_sends_none),
		BED_TEST(the_largest_challenge_limit_is_what_is_sent),
		BED_TEST(acks_of_empty_unacceptable_segments_are_rationed_those_of_data_are_not),
		BED_TEST(every_retransmitted_fin_is_acknowledged),
		BED_TEST(an_older_timestamp_is_rejected_unless_the_clock_stood_still_for_24_days),
		BED_TEST(acks_of_paws_failures_without_data_are_rationed),
		BED_TEST(late_acks_without_data_are_not_answered),
		BED_TEST(a_segment_whose_ack_is_old_does_not_move_the_echo),
		BED_TEST(timestamps_wrap),
		BED_TEST(a_segment_without_the_agreed_timestamp_is_dropped_unless_it_resets),
		BED_TEST(a_reset_with_an_old_timestamp_counts),
		BED_TEST(the_echo_is_of_the_oldest_segment_not_yet_acknowledged),
		BED_TEST(an_unacceptable_segment_does_not_move_the_echo),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
