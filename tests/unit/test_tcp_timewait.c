/* SPDX-License-Identifier: BSD-3-Clause */
/* TIME-WAIT: its length, its answers, who may take it over, its ring and its cap. */
#include "unit/tcp_unit.h"

static void
an_entry_ends_after_tcp_timewait_len_to_the_millisecond(void **state)
{
	static const uint32_t rows_s[] = { 1, 60, 600 };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows_s); i++) {
		struct bed_peer p;

		bed->tun.tcp_timewait_len = rows_s[i];
		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_TIME_WAIT);
		tcp_bed_advance(bed, rows_s[i] * 1000 - 1);
		assert_int_equal(bed_peer_state(&p), TCPS_TIME_WAIT);
		assert_int_equal(bed->ctr.TimeWaits, 1);
		tcp_bed_advance(bed, 1);
		assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
		assert_int_equal(bed->ctr.TimeWaits, 0);
		assert_int_equal(bed->ctr.TW, i + 1);
		assert_int_equal(bed->ctr.state_count[TCPS_TIME_WAIT], 0);
	}
}

static void
the_connection_is_given_back_when_time_wait_begins(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_FIN_WAIT_2);
	bed_peer_send(&p, TCP_FIN | TCP_ACK, 0);
	assert_sent(&p, "A 2+0 ack 2");
	assert_int_equal(bed_peer_state(&p), TCPS_TIME_WAIT);
	assert_int_equal(tcp_close(bed->stack, &bed->env, p.h), 0);
	assert_true(tcp_bed_events(bed, p.h, NULL) & TCP_EV_CLOSED);
	assert_int_equal(bed->stack->conns_used, 0);
}

/* Numbers relative to the next the peer would send, and to our next. */
static void
segments_in_time_wait_get_what_rfc9293_and_rfc1337_say(void **state)
{
	static const struct {
		int32_t seq;
		uint16_t flags, len;
		enum outcome want;
		const char *sent;
		enum tcp_state then;
	} rows[] = {
		{ 0, TCP_ACK, 0, OUT_TW_ACK, "", TCPS_TIME_WAIT },
		{ -1, TCP_FIN | TCP_ACK, 0, OUT_TW_ACK, "A 2+0 ack 2", TCPS_TIME_WAIT },
		{ -11, TCP_FIN | TCP_ACK, 10, OUT_TW_ACK, "A 2+0 ack 2", TCPS_TIME_WAIT },
		{ -1, TCP_ACK, 1, OUT_TW_OLD, "A 2+0 ack 2", TCPS_TIME_WAIT },
		{ 0, TCP_ACK, 100, OUT_TW_OLD, "A 2+0 ack 2", TCPS_TIME_WAIT },
		{ 100000, TCP_ACK, 0, OUT_TW_OLD, "A 2+0 ack 2", TCPS_TIME_WAIT },
		{ 0, TCP_RST, 0, OUT_TW_RST, "", TCPS_TIME_WAIT },
		{ 5, TCP_RST, 0, OUT_TW_RST, "", TCPS_TIME_WAIT },
		{ 0, TCP_SYN, 0, OUT_TW_OLD, "A 2+0 ack 2", TCPS_TIME_WAIT },
		{ -1000, TCP_SYN, 0, OUT_TW_OLD, "A 2+0 ack 2", TCPS_TIME_WAIT },
		{ 1, TCP_SYN | TCP_ACK, 0, OUT_TW_OLD, "A 2+0 ack 2", TCPS_TIME_WAIT },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_TIME_WAIT);
		assert_int_equal(bed_peer_send_at(&p, rows[i].seq, 0, rows[i].flags, rows[i].len),
			rows[i].want);
		assert_sent(&p, rows[i].sent);
		assert_sent(&p, "");
		assert_int_equal(bed_peer_state(&p), rows[i].then);
	}
}

static void
with_rfc1337_off_the_exact_reset_ends_it(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_rfc1337 = 0;
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_TIME_WAIT);
	bed_peer_send_at(&p, 1, 0, TCP_RST, 0);
	assert_int_equal(bed_peer_state(&p), TCPS_TIME_WAIT);
	assert_int_equal(bed->ctr.TCPRfc1337Ignored, 1);
	assert_int_equal(bed_peer_send(&p, TCP_RST, 0), OUT_TW_RST);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	assert_int_equal(bed->ctr.TWKilled, 1);
}

/* a bare ACK that is not the expected one gets an answer once in tcp_invalid_ratelimit. */
static void
answers_to_bare_segments_are_rationed(void **state)
{
	struct tcp_bed *bed = *state;
	unsigned int answers = 0;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_TIME_WAIT);
	for (unsigned int i = 0; i < 100; i++) {
		bed_peer_send_at(&p, -1, 0, TCP_ACK, 0);
		answers += tcp_bed_discard(bed);
		tcp_bed_advance(bed, 100);
	}
	assert_int_equal(answers, 20);
	assert_int_equal(bed->ctr.TCPACKSkippedTimeWait, 80);
	/* Data is repeated until it is answered. */
	for (unsigned int i = 0; i < 3; i++) {
		bed_peer_send_at(&p, -20, 0, TCP_ACK, 10);
		assert_int_equal(tcp_bed_discard(bed), 1);
	}
	bed->tun.tcp_invalid_ratelimit = 0;
	bed_peer_send_at(&p, -1, 0, TCP_ACK, 0);
	bed_peer_send_at(&p, -1, 0, TCP_ACK, 0);
	assert_int_equal(tcp_bed_discard(bed), 2);
}

static void
a_repeated_fin_starts_the_time_again(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, q;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_TIME_WAIT);
	bed_peer_init(&q, bed);
	bed_peer_reach(&q, TCPS_TIME_WAIT);
	tcp_bed_advance(bed, 30000);
	bed_peer_send_at(&p, -1, 0, TCP_FIN | TCP_ACK, 0);
	assert_sent(&p, "A 2+0 ack 2");
	tcp_bed_advance(bed, 30000);
	assert_int_equal(bed_peer_state(&p), TCPS_TIME_WAIT);
	assert_int_equal(bed_peer_state(&q), TCPS_CLOSED);
	tcp_bed_advance(bed, 29999);
	assert_int_equal(bed_peer_state(&p), TCPS_TIME_WAIT);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
}

/* RFC 6191. ts: of the SYN minus the last one seen; 0x7fff: the SYN has none. */
static void
a_syn_that_can_only_be_new_opens_again(void **state)
{
	static const struct {
		bool had_ts;
		int32_t ts, seq;
		bool want;
	} rows[] = {
		{ false, 0x7fff, 1, true },
		{ false, 0x7fff, 0, false },
		{ false, 0x7fff, -1, false },
		{ false, 0x7fff, INT32_MAX, true },
		{ true, 1, 1, true },
		{ true, 1, -5000, true },
		{ true, 0, 1, true },
		{ true, 0, 0, false },
		{ true, -1, 1, false },
		{ true, 0x7fff, 1, true },
		{ true, 0x7fff, -1, false },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		uint32_t old_nxt;

		bed_peer_init(&p, bed);
		p.offer = rows[i].had_ts ? TCP_OPT_TS : 0;
		bed_peer_reach(&p, TCPS_TIME_WAIT);
		old_nxt = p.iss + 2;
		p.offer = rows[i].ts == 0x7fff ? 0 : TCP_OPT_TS;
		p.tsval += (uint32_t)rows[i].ts;
		tcp_bed_advance(bed, 1);
		bed_peer_send_at(&p, rows[i].seq, 0, TCP_SYN, 0);
		assert_int_equal(bed_peer_state(&p),
			rows[i].want ? TCPS_SYN_RECEIVED : TCPS_TIME_WAIT);
		assert_true(tcp_bed_take(bed));
		assert_int_equal(bed->sent.flags, rows[i].want ? TCP_SYN | TCP_ACK : TCP_ACK);
		/* Our new numbers are above those of the last life. */
		if (rows[i].want)
			assert_true(seq32_gt(bed->sent.seq, old_nxt));
	}
}

static void
timestamps_older_than_the_last_are_stale_and_acknowledged(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	p.offer = TCP_OPT_TS;
	bed_peer_reach(&p, TCPS_TIME_WAIT);
	p.tsval--;
	assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_ACK, 0), OUT_PAWS);
	assert_sent(&p, "A 2+0 ack 2");
	/* The echo is of the last good one. */
	assert_int_equal(bed->sent.opts.tsecr, p.tsval + 1);
	assert_int_equal(bed->ctr.PAWSEstab, 1);
}

static void
beyond_the_cap_connections_close_at_once(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p[3];

	bed->tun.tcp_max_tw_buckets = 2;
	for (unsigned int i = 0; i < 3; i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], TCPS_FIN_WAIT_2);
		bed_peer_send(&p[i], TCP_FIN | TCP_ACK, 0);
		assert_sent(&p[i], "A 2+0 ack 2");
		assert_int_equal(bed_peer_state(&p[i]), i < 2 ? TCPS_TIME_WAIT : TCPS_CLOSED);
	}
	assert_int_equal(bed->ctr.TCPTimeWaitOverflow, 1);
	assert_int_equal(bed->ctr.TimeWaits, 2);
}

static void
the_cap_of_zero_keeps_none(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_max_tw_buckets = 0;
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_FIN_WAIT_2);
	bed_peer_send(&p, TCP_FIN | TCP_ACK, 0);
	assert_sent(&p, "A 2+0 ack 2");
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
}

/* 16 places: filled, emptied and filled again across the end of the ring, one holding 1 place. */
static void
the_ring_wraps(void **state)
{
	struct tcp_bed *bed = *state;

	for (unsigned int round = 0; round < 20; round++) {
		struct bed_peer p[16];

		for (unsigned int i = 0; i < 16; i++) {
			bed_peer_init(&p[i], bed);
			bed_peer_reach(&p[i], TCPS_TIME_WAIT);
			tcp_close(bed->stack, &bed->env, p[i].h);
			tcp_bed_events(bed, p[i].h, NULL);
			if (i == 7)
				tcp_bed_advance(bed, 100);
		}
		assert_int_equal(bed->ctr.TCPTimeWaitOverflow, 0);
		assert_int_equal(bed->ctr.TimeWaits, 16);
		tcp_bed_advance(bed, 59900);
		assert_int_equal(bed->ctr.TimeWaits, 8);
		tcp_bed_advance(bed, 99);
		assert_int_equal(bed->ctr.TimeWaits, 8);
		tcp_bed_advance(bed, 1);
		assert_int_equal(bed->ctr.TimeWaits, 0);
	}
}

static void
an_entry_whose_place_is_a_hole_does_not_hold_the_others_up(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p[3];

	bed->tun.tcp_rfc1337 = 0;
	for (unsigned int i = 0; i < 3; i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], TCPS_TIME_WAIT);
	}
	bed_peer_send(&p[0], TCP_RST, 0);
	bed_peer_send(&p[1], TCP_RST, 0);
	tcp_bed_advance(bed, 59999);
	assert_int_equal(bed_peer_state(&p[2]), TCPS_TIME_WAIT);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed_peer_state(&p[2]), TCPS_CLOSED);
	assert_int_equal(tcp_poll_at(bed->stack), UINT64_MAX);
}

/* A peer that repeats its FIN as often as it likes must not take the places of others. */
static void
repeated_fins_do_not_use_the_ring_up(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, q;

	bed_peer_init(&q, bed);
	bed_peer_reach(&q, TCPS_TIME_WAIT);
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_TIME_WAIT);
	for (unsigned int i = 0; i < 100; i++) {
		tcp_bed_advance(bed, 1);
		bed_peer_send_at(&p, -1, 0, TCP_FIN | TCP_ACK, 0);
	}
	tcp_bed_discard(bed);
	bed_peer_init(&q, bed);
	bed_peer_reach(&q, TCPS_TIME_WAIT);
	assert_int_equal(bed->ctr.TCPTimeWaitOverflow, 0);
}

static void
an_active_open_takes_over_as_tcp_tw_reuse_says(void **state)
{
	static const struct {
		uint32_t mode;
		bool loopback, has_ts;
		uint32_t age_ms;
		int want;
	} rows[] = {
		{ 0, true, true, 5000, -EADDRINUSE },
		{ 1, false, true, 1000, -EADDRINUSE },
		{ 1, false, true, 1001, 0 },
		{ 1, false, false, 5000, -EADDRINUSE },
		{ 2, false, true, 5000, -EADDRINUSE },
		{ 2, true, true, 1000, -EADDRINUSE },
		{ 2, true, true, 1001, 0 },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		tcp_handle h;

		bed->tun.tcp_tw_reuse = rows[i].mode;
		bed_peer_init(&p, bed);
		p.offer = rows[i].has_ts ? TCP_OPT_TS : 0;
		p.active = true;
		if (rows[i].loopback) {
			p.key.raddr = ip_addr_from_v4(0x7f000001);
			p.key.laddr_idx = 2;
		}
		bed_peer_reach(&p, TCPS_TIME_WAIT);
		tcp_bed_advance(bed, rows[i].age_ms);
		assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h), rows[i].want);
		tcp_bed_discard(bed);
	}
	assert_int_equal(bed->ctr.TWRecycled, 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(an_entry_ends_after_tcp_timewait_len_to_the_millisecond),
		BED_TEST(the_connection_is_given_back_when_time_wait_begins),
		BED_TEST(segments_in_time_wait_get_what_rfc9293_and_rfc1337_say),
		BED_TEST(with_rfc1337_off_the_exact_reset_ends_it),
		BED_TEST(answers_to_bare_segments_are_rationed),
		BED_TEST(a_repeated_fin_starts_the_time_again),
		BED_TEST(a_syn_that_can_only_be_new_opens_again),
		BED_TEST(timestamps_older_than_the_last_are_stale_and_acknowledged),
		BED_TEST(beyond_the_cap_connections_close_at_once),
		BED_TEST(the_cap_of_zero_keeps_none),
		BED_TEST(the_ring_wraps),
		BED_TEST(an_entry_whose_place_is_a_hole_does_not_hold_the_others_up),
		BED_TEST(repeated_fins_do_not_use_the_ring_up),
		BED_TEST(an_active_open_takes_over_as_tcp_tw_reuse_says),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
