/* SPDX-License-Identifier: BSD-3-Clause */
/* The SYN queue: SYN-RECEIVED of passive opens, its times, its answers, its bounds. */
#include "unit/tcp_unit.h"

static void
a_syn_is_answered_and_takes_no_connection_and_no_packet(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	tcp_bed_listen(bed, 0);
	bed_peer_init(&p, bed);
	assert_int_equal(bed_peer_send(&p, TCP_SYN, 0), OUT_SYN_QUEUED);
	p.iss = bed_peer_conn(&p) == NULL ? bed->stack->synq[0].iss : 0;
	assert_sent(&p, "SA 0+0 ack 1");
	assert_int_equal(bed->sent.wnd, 64240);
	assert_int_equal(bed->sent.opts.present, TCP_OPT_MSS);
	assert_int_equal(bed->sent.opts.mss, 1460);
	assert_int_equal(bed->stack->conns_used, 0);
	assert_int_equal(bed->pkts.pool.held, 0);
	assert_int_equal(bed->ctr.HalfOpen, 1);
	assert_int_equal(bed->ctr.state_count[TCPS_SYN_RECEIVED], 1);
}

/* 1, 2, 4, 8, 16 s apart, dropped 32 s after the last. */
static void
the_synack_is_repeated_after_1_3_7_15_and_31_s_and_dropped_after_63(void **state)
{
	static const uint32_t rows_s[] = { 1, 2, 4, 8, 16 };
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_SYN_RECEIVED);
	for (size_t i = 0; i < ARRAY_SIZE(rows_s); i++) {
		tcp_bed_advance(bed, rows_s[i] * 1000 - 1);
		assert_sent(&p, "");
		tcp_bed_advance(bed, 1);
		assert_sent(&p, "SA 0+0 ack 1");
	}
	tcp_bed_advance(bed, 31999);
	assert_int_equal(bed_peer_state(&p), TCPS_SYN_RECEIVED);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	assert_sent(&p, "");
	assert_int_equal(bed->ctr.AttemptFails, 1);
	assert_int_equal(bed->ctr.TCPSynRetrans, 5);
	assert_int_equal(bed->stack->synq_used, 0);
	assert_int_equal(tcp_poll_at(bed->stack), UINT64_MAX);
}

static void
without_retries_the_entry_goes_after_one_second(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_synack_retries = 0;
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_SYN_RECEIVED);
	tcp_bed_advance(bed, 1000);
	assert_sent(&p, "");
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
}

static void
a_repeated_syn_is_answered_now_and_then_and_the_timer_begins_anew(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_seg syn;

	tcp_bed_listen(bed, 0);
	bed_peer_init(&p, bed);
	syn = bed_peer_seg(&p, TCP_SYN, 0);
	bed_peer_syn(&p);
	tcp_bed_advance(bed, 999);
	assert_int_equal(bed_peer_send_seg(&p, &syn), OUT_SYN_AGAIN);
	assert_sent(&p, "SA 0+0 ack 1");
	assert_sent(&p, "");
	tcp_bed_advance(bed, 499);
	assert_int_equal(bed_peer_send_seg(&p, &syn), OUT_SYN_AGAIN_RATE);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 500);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "SA 0+0 ack 1");
	tcp_bed_advance(bed, 1999);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "SA 0+0 ack 1");
}

static void
segments_in_syn_received_get_what_rfc9293_says(void **state)
{
	static const struct {
		int32_t seq, ack;
		uint16_t flags, len;
		enum outcome want;
		enum tcp_state then;
		const char *sent;
	} rows[] = {
		{ 0, 0, TCP_ACK, 0, OUT_HANDSHAKE_DONE, TCPS_ESTABLISHED, "" },
		{ 0, 0, TCP_ACK, 10, OUT_DELIVERED, TCPS_ESTABLISHED, "A 1+0 ack 11" },
		{ 0, 0, TCP_ACK | TCP_FIN, 0, OUT_FIN_CONSUMED, TCPS_CLOSE_WAIT, "A 1+0 ack 2" },
		{ 10, 0, TCP_ACK, 10, OUT_OOO_QUEUED, TCPS_ESTABLISHED, "A 1+0 ack 1" },
		{ 0, 1, TCP_ACK, 0, OUT_BAD_ACK, TCPS_SYN_RECEIVED, "R 2+0" },
		{ 0, -1, TCP_ACK, 0, OUT_BAD_ACK, TCPS_SYN_RECEIVED, "R 0+0" },
		{ 0, 0, 0, 1, OUT_NO_ACK_FLAG, TCPS_SYN_RECEIVED, "" },
		{ -1, 0, TCP_ACK, 0, OUT_OUT_OF_WINDOW, TCPS_SYN_RECEIVED, "A 1+0 ack 1" },
		{ 65536, 0, TCP_ACK, 0, OUT_OUT_OF_WINDOW, TCPS_SYN_RECEIVED, "A 1+0 ack 1" },
		{ 0, 0, TCP_RST, 0, OUT_SYN_RST, TCPS_CLOSED, "" },
		{ 1, 0, TCP_RST, 0, OUT_CHALLENGE_RST, TCPS_SYN_RECEIVED, "A 1+0 ack 1" },
		{ -1, 0, TCP_RST, 0, OUT_RST_IGNORED, TCPS_SYN_RECEIVED, "" },
		{ 5, 0, TCP_SYN, 0, OUT_CHALLENGE_SYN, TCPS_SYN_RECEIVED, "A 1+0 ack 1" },
		{ 0, 0, TCP_SYN | TCP_ACK, 0, OUT_CHALLENGE_SYN, TCPS_SYN_RECEIVED,
			"A 1+0 ack 1" },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_SYN_RECEIVED);
		assert_int_equal(bed_peer_send_at(&p, rows[i].seq, rows[i].ack, rows[i].flags,
			rows[i].len), rows[i].want);
		assert_int_equal(bed_peer_state(&p), rows[i].then);
		/* The ACK of a lone FIN waits for a moment. */
		tcp_bed_advance(bed, 1);
		assert_sent(&p, rows[i].sent);
		assert_sent(&p, "");
	}
}

static void
an_older_timestamp_in_syn_received_is_acknowledged_and_dropped(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	p.offer = TCP_OPT_TS;
	bed_peer_reach(&p, TCPS_SYN_RECEIVED);
	p.tsval--;
	assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_ACK, 0), OUT_PAWS);
	assert_sent(&p, "A 1+0 ack 1");
	p.tsval++;
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 0), OUT_HANDSHAKE_DONE);
}

/* what could be an answer to our answer gets one in tcp_invalid_ratelimit, data always. */
static void
answers_to_bare_unacceptable_segments_are_rationed(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_SYN_RECEIVED);
	bed_peer_send_at(&p, -1, 0, TCP_ACK, 0);
	assert_sent(&p, "A 1+0 ack 1");
	tcp_bed_advance(bed, 499);
	assert_int_equal(bed_peer_send_at(&p, -1, 0, TCP_ACK, 0), OUT_OUT_OF_WINDOW);
	assert_sent(&p, "");
	assert_int_equal(bed_peer_send_at(&p, 1, 0, TCP_RST, 0), OUT_CHALLENGE_RST);
	assert_int_equal(bed_peer_send_at(&p, 5, 0, TCP_SYN, 0), OUT_CHALLENGE_SYN);
	assert_sent(&p, "");
	assert_int_equal(bed->ctr.TCPACKSkippedSynRecv, 3);
	assert_int_equal(bed->ctr.TCPChallengeACK, 0);
	bed_peer_send_at(&p, -20, 0, TCP_ACK, 10);
	assert_sent(&p, "A 1+0 ack 1");
	tcp_bed_advance(bed, 1);
	bed_peer_send_at(&p, -1, 0, TCP_ACK, 0);
	assert_sent(&p, "A 1+0 ack 1");
}

/* Another half-open connection is not quieter for it: the limit is never shared. */
static void
the_ration_of_one_entry_is_not_that_of_another(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p[2];

	for (unsigned int i = 0; i < 2; i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], TCPS_SYN_RECEIVED);
	}
	for (unsigned int i = 0; i < 2; i++) {
		bed_peer_send_at(&p[i], -1, 0, TCP_ACK, 0);
		assert_sent(&p[i], "A 1+0 ack 1");
	}
}

static void
a_connection_takes_over_what_the_syn_offered(void **state)
{
	static const struct {
		uint8_t offer;
		uint16_t mss, mss_want;
		uint32_t wnd_want;
		uint32_t flags_want;
	} rows[] = {
		{ 0, 1460, 1460, 5000, 0 },
		{ 0, 0, 536, 5000, 0 },
		{ 0, 10, 88, 5000, 0 },
		{ 0, 9000, 1460, 5000, 0 },
		{ TCP_OPT_WSCALE, 1460, 1460, 40000, 0 },
		{ TCP_OPT_SACK_OK, 1460, 1460, 5000, TF_SACK },
		{ TCP_OPT_TS, 1460, 1448, 5000, TF_TS },
		{ TCP_OPT_TS | TCP_OPT_SACK_OK | TCP_OPT_WSCALE, 1000, 988, 40000,
			TF_TS | TF_SACK },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tcp_conn *c;
		struct bed_peer p;

		bed_peer_init(&p, bed);
		p.offer = rows[i].offer;
		p.mss = rows[i].mss;
		p.wscale = 3;
		p.wnd = 5000;
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		c = bed_peer_conn(&p);
		assert_int_equal(c->mss, rows[i].mss_want);
		assert_int_equal(c->snd_wnd, rows[i].wnd_want);
		assert_int_equal(c->flags & (TF_TS | TF_SACK), rows[i].flags_want);
		assert_int_equal(c->rcv_wscale, rows[i].offer & TCP_OPT_WSCALE ? 7 : 0);
		assert_int_equal(c->cwnd, 10 * rows[i].mss_want);
	}
}

/* An entry's slot is used again, and nothing of its last life shows. */
static void
entries_come_back_to_the_pool_whatever_ends_them(void **state)
{
	struct tcp_bed *bed = *state;

	for (unsigned int round = 0; round < 300; round++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_SYN_RECEIVED);
		assert_int_equal(bed->stack->synq_used, 1);
		if (round % 3 == 0) {
			bed_peer_send(&p, TCP_RST, 0);
		} else if (round % 3 == 1) {
			tcp_bed_advance(bed, 63000);
			tcp_bed_discard(bed);
		} else {
			bed_peer_ack_syn(&p);
			bed_peer_accept(&p);
			bed_peer_send(&p, TCP_RST, 0);
			tcp_bed_events(bed, p.h, NULL);
		}
		assert_int_equal(bed->stack->synq_used, 0);
		assert_int_equal(bed->stack->listeners[0].synq, 0);
		assert_int_equal(bed->stack->listeners[0].synq_young, 0);
		assert_int_equal(bed->ctr.HalfOpen, 0);
	}
}

static void
without_a_packet_the_synack_waits_for_the_next_time(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_SYN_RECEIVED);
	bed->pkts.fail_nth = 1;
	tcp_bed_advance(bed, 1000);
	assert_sent(&p, "");
	assert_int_equal(bed->ctr.TCPRetransFail, 1);
	tcp_bed_advance(bed, 2000);
	assert_sent(&p, "SA 0+0 ack 1");
}

static void
a_syn_of_one_burst_may_be_finished_in_the_same_burst(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_seg segs[3];
	struct bed_peer p;

	tcp_bed_listen(bed, 0);
	bed_peer_init(&p, bed);
	segs[0] = bed_peer_seg(&p, TCP_SYN, 0);
	bed->stack->env = &bed->env;
	p.ack = tcp_isn(bed->stack, &p.key) + 1;
	p.seq++;
	segs[1] = bed_peer_seg(&p, TCP_ACK, 0);
	segs[2] = bed_peer_seg(&p, TCP_ACK, 100);
	tcp_bed_input(bed, segs, 3);
	tcp_bed_flush(bed);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	assert_int_equal(bed->ctr.outcome[OUT_DELIVERED], 1);
	tcp_bed_discard(bed);
}

/* The queue was full, and had room when the SYN came again: the first answer may arrive first. */
static void
the_answer_to_a_cookie_counts_though_the_syn_was_queued_since(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, bad;

	bed->tun.tcp_syncookies = 2;
	tcp_bed_listen(bed, 0);
	bed_peer_init(&p, bed);
	bed_peer_init(&bad, bed);
	bed_peer_syn(&p);
	bed_peer_syn(&bad);
	bed->tun.tcp_syncookies = 1;
	tcp_bed_advance(bed, 1000);
	assert_int_equal(bed_peer_send_at(&p, -1, 0, TCP_SYN, 0), OUT_SYN_QUEUED);
	assert_int_equal(bed_peer_send_at(&bad, -1, 0, TCP_SYN, 0), OUT_SYN_QUEUED);
	tcp_bed_discard(bed);
	assert_int_equal(bed->ctr.HalfOpen, 2);
	assert_int_equal(bed_peer_ack_syn(&p), OUT_COOKIE_ACCEPTED);
	assert_int_equal(bed->ctr.HalfOpen, 1);
	bed_peer_accept(&p);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 10), OUT_DELIVERED);
	tcp_bed_discard(bed);
	/* What is neither ends as ever. */
	assert_int_equal(bed_peer_send_at(&bad, 0, 12345, TCP_ACK, 0), OUT_BAD_ACK);
	assert_int_equal(bed->ctr.HalfOpen, 1);
	assert_int_equal(bed->ctr.SyncookiesFailed, 1);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(the_answer_to_a_cookie_counts_though_the_syn_was_queued_since),
		BED_TEST(a_syn_is_answered_and_takes_no_connection_and_no_packet),
		BED_TEST(the_synack_is_repeated_after_1_3_7_15_and_31_s_and_dropped_after_63),
		BED_TEST(without_retries_the_entry_goes_after_one_second),
		BED_TEST(a_repeated_syn_is_answered_now_and_then_and_the_timer_begins_anew),
		BED_TEST(segments_in_syn_received_get_what_rfc9293_says),
		BED_TEST(an_older_timestamp_in_syn_received_is_acknowledged_and_dropped),
		BED_TEST(answers_to_bare_unacceptable_segments_are_rationed),
		BED_TEST(the_ration_of_one_entry_is_not_that_of_another),
		BED_TEST(a_connection_takes_over_what_the_syn_offered),
		BED_TEST(entries_come_back_to_the_pool_whatever_ends_them),
		BED_TEST(without_a_packet_the_synack_waits_for_the_next_time),
		BED_TEST(a_syn_of_one_burst_may_be_finished_in_the_same_burst),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
