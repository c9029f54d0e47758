/* SPDX-License-Identifier: BSD-3-Clause */
/* Listings of connections: complete, bounded per call, and true. */
#include "unit/tcp_unit.h"

static void
each_state_is_listed_once_however_small_the_slices(void **state)
{
	static const enum tcp_state rows[] = { TCPS_SYN_SENT, TCPS_SYN_RECEIVED, TCPS_ESTABLISHED,
		TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2, TCPS_CLOSE_WAIT, TCPS_CLOSING, TCPS_LAST_ACK,
		TCPS_TIME_WAIT };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, rows[i]);
	}
	for (unsigned int max = 1; max < 20; max++) {
		unsigned int seen[TCP_STATE_COUNT] = { 0 };
		struct tcp_conn_info info[20];
		uint64_t cursor = 0;

		while (cursor != UINT64_MAX) {
			unsigned int n =
				tcp_list_conns(bed->stack, &bed->env, &cursor, info, max);

			assert_in_range(n, 0, max);
			while (n > 0)
				seen[info[--n].state]++;
		}
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
			assert_int_equal(seen[rows[i]], 1);
	}
}

static void
a_call_visits_at_most_1024_slots(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_conn_info info[8];
	uint64_t cursor = 0;
	unsigned int calls = 0;

	bed->par.conns_max = 4000;
	tcp_bed_start(bed);
	while (cursor != UINT64_MAX) {
		uint64_t before = cursor;

		assert_int_equal(
			tcp_list_conns(bed->stack, &bed->env, &cursor, info, 8), 0);
		assert_true(cursor == UINT64_MAX || cursor - before <= 1024);
		calls++;
	}
	assert_int_equal(calls, 4);
}

static void
a_row_says_what_is_queued_and_when_the_next_timer_is(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_conn_info info;
	uint64_t cursor = 0;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_send(&p, TCP_ACK, 123);
	assert_int_equal(tcp_list_conns(bed->stack, &bed->env, &cursor, &info, 1), 1);
	assert_int_equal(info.timer_ms, UINT32_MAX);
	tcp_send(bed->stack, &bed->env, p.h, "12345", 5, 0);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	cursor = 0;
	assert_int_equal(tcp_list_conns(bed->stack, &bed->env, &cursor, &info, 1), 1);
	assert_true(flow_key_equal(&info.key, &p.key));
	assert_int_equal(info.recvq_bytes, 123);
	assert_int_equal(info.sendq_bytes, 5);
	assert_int_equal(info.snd_wnd, 65535);
	assert_int_equal(info.mss, 1460);
	assert_int_equal(info.cwnd_bytes, 14600);
	assert_in_range(info.timer_ms, 1, info.rto_ms);
	assert_string_equal(info.cc, "cubic");
	assert_false(info.orphan);
	tcp_recv(bed->stack, &bed->env, p.h, bed->sent.data, 200);
	tcp_close(bed->stack, &bed->env, p.h);
	cursor = 0;
	assert_int_equal(tcp_list_conns(bed->stack, &bed->env, &cursor, &info, 1), 1);
	assert_true(info.orphan);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	/* The peer acknowledges data and FIN: nothing waits. */
	bed_peer_saw(&p, 5 + 1);
	bed_peer_send(&p, TCP_ACK, 0);
	assert_int_equal(bed_peer_state(&p), TCPS_FIN_WAIT_2);
	cursor = 0;
	assert_int_equal(tcp_list_conns(bed->stack, &bed->env, &cursor, &info, 1), 1);
	assert_int_equal(info.sendq_bytes, 0);
}

static void
time_wait_shows_what_is_left_of_it(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_conn_info info;
	uint64_t cursor = 0;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_TIME_WAIT);
	tcp_close(bed->stack, &bed->env, p.h);
	tcp_bed_advance(bed, 12345);
	assert_int_equal(tcp_list_conns(bed->stack, &bed->env, &cursor, &info, 1), 1);
	assert_int_equal(info.state, TCPS_TIME_WAIT);
	assert_int_equal(info.timer_ms, 60000 - 12345);
}

static void
info_counts_bytes_and_knows_what_was_negotiated(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_conn_info info;
	uint64_t cursor = 0;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(tcp_list_conns(bed->stack, &bed->env, &cursor, &info, 1), 1);
	assert_int_equal(info.received_bytes, 0);
	assert_int_equal(info.data_idle_ms, UINT32_MAX);
	assert_int_equal(info.sent_idle_ms, UINT32_MAX);
	assert_int_equal(info.ato_ms, 0);
	assert_non_null(info.cc);
	bed_peer_send(&p, TCP_ACK, 123);
	tcp_send(bed->stack, &bed->env, p.h, "12345", 5, 0);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	tcp_bed_advance(bed, 30);
	cursor = 0;
	assert_int_equal(tcp_list_conns(bed->stack, &bed->env, &cursor, &info, 1), 1);
	assert_int_equal(info.received_bytes, 123);
	assert_int_equal(info.acked_bytes, 0);
	assert_int_equal(info.flight_bytes, 5);
	assert_int_equal(info.idle_ms, 30);
	assert_int_equal(info.data_idle_ms, 30);
	assert_int_equal(info.sent_idle_ms, 30);
	assert_in_range(info.ato_ms, 1, 200);
	tcp_recv(bed->stack, &bed->env, p.h, bed->sent.data, 200);
}

static void
info_tells_how_a_loss_is_repaired(void **state)
{
	static const uint8_t data[30000];
	struct tcp_bed *bed = *state;
	struct tcp_conn_info info;
	uint64_t cursor = 0;
	struct bed_peer p;
	uint32_t rto_ms;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_send(bed->stack, &bed->env, p.h, data, sizeof(data), 0);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	assert_int_equal(tcp_list_conns(bed->stack, &bed->env, &cursor, &info, 1), 1);
	assert_int_equal(info.ca, TCP_CA_OPEN);
	assert_int_equal(info.pmtu, 1500);
	assert_int_equal(info.adv_mss, 1460);
	assert_int_equal(info.flight_bytes + info.notsent_bytes, info.sendq_bytes);
	assert_true(info.notsent_bytes > 0);
	assert_int_equal(info.limit, TCP_LIMIT_CWND);
	assert_int_equal(info.lost_bytes, 0);
	rto_ms = info.rto_ms;
	tcp_bed_advance(bed, 1000);
	tcp_bed_discard(bed);
	cursor = 0;
	assert_int_equal(tcp_list_conns(bed->stack, &bed->env, &cursor, &info, 1), 1);
	assert_int_equal(info.ca, TCP_CA_LOSS);
	assert_int_equal(info.rexmits, 1);
	/* The core that tests use takes notes. */
	assert_true(info.has_notes);
	assert_int_equal(info.notes.bytes_retrans, 1460);
	assert_int_equal(info.notes.busy_us, 1000000);
	assert_true(info.notes.segs_out > 10 && info.notes.segs_in > 0);
	assert_int_equal(info.backoff, 1);
	assert_int_equal(info.rto_ms, 2 * rto_ms);
	assert_true(info.lost_bytes > 0);
	assert_int_equal(info.again_bytes, 1460);
}

static void
info_tells_what_a_sender_waits_for(void **state)
{
	static const uint8_t data[30000];
	struct tcp_bed *bed = *state;
	struct tcp_conn_info info;
	uint64_t cursor = 0;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(tcp_list_conns(bed->stack, &bed->env, &cursor, &info, 1), 1);
	assert_int_equal(info.limit, TCP_LIMIT_OWNER);
	/* A smaller window counts with new data only. */
	bed_peer_send(&p, TCP_ACK, 1);
	p.wnd = 3000;
	bed_peer_send(&p, TCP_ACK, 1);
	tcp_send(bed->stack, &bed->env, p.h, data, sizeof(data), 0);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	cursor = 0;
	assert_int_equal(tcp_list_conns(bed->stack, &bed->env, &cursor, &info, 1), 1);
	assert_int_equal(info.limit, TCP_LIMIT_PEER);
	tcp_recv(bed->stack, &bed->env, p.h, bed->sent.data, 2);
}

/* The numbers of SYN and FIN are no data. */
static void
info_of_no_state_counts_bytes_that_were_not_there(void **state)
{
	static const enum tcp_state rows[] = { TCPS_SYN_SENT, TCPS_SYN_RECEIVED, TCPS_ESTABLISHED,
		TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2, TCPS_CLOSE_WAIT, TCPS_CLOSING, TCPS_LAST_ACK,
		TCPS_TIME_WAIT };
	struct tcp_bed *bed = *state;

	struct tcp_conn_info info[ARRAY_SIZE(rows)];
	uint64_t cursor = 0;
	unsigned int n;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, rows[i]);
	}
	n = tcp_list_conns(bed->stack, &bed->env, &cursor, info, ARRAY_SIZE(rows));
	assert_int_equal(n, ARRAY_SIZE(rows));
	while (n-- > 0) {
		assert_int_equal(info[n].acked_bytes, 0);
		assert_int_equal(info[n].received_bytes, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(each_state_is_listed_once_however_small_the_slices),
		BED_TEST_PREPARED(a_call_visits_at_most_1024_slots),
		BED_TEST(a_row_says_what_is_queued_and_when_the_next_timer_is),
		BED_TEST(info_counts_bytes_and_knows_what_was_negotiated),
		BED_TEST(info_tells_how_a_loss_is_repaired),
		BED_TEST(info_tells_what_a_sender_waits_for),
		BED_TEST(info_of_no_state_counts_bytes_that_were_not_there),
		BED_TEST(time_wait_shows_what_is_left_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
