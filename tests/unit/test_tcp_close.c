/* SPDX-License-Identifier: BSD-3-Clause */
/* How connections end: FIN in every state, orphans, linger, FIN-WAIT-2, resets. */
#include "unit/tcp_unit.h"

static void
close_it(struct bed_peer *p)
{
	assert_int_equal(tcp_close(p->bed->stack, &p->bed->env, p->h), 0);
	tcp_bed_flush(p->bed);
}

static void
a_fin_moves_each_state_on_and_is_acknowledged(void **state)
{
	static const struct {
		enum tcp_state at, then;
		const char *sent;
	} rows[] = {
		{ TCPS_ESTABLISHED, TCPS_CLOSE_WAIT, "A 1+0 ack 2" },
		{ TCPS_FIN_WAIT_1, TCPS_CLOSING, "A 2+0 ack 2" },
		{ TCPS_FIN_WAIT_2, TCPS_TIME_WAIT, "A 2+0 ack 2" },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, rows[i].at);
		bed_peer_send(&p, TCP_FIN | TCP_ACK, 0);
		/* One that we might answer waits a moment for the answer. */
		if (rows[i].at == TCPS_ESTABLISHED) {
			assert_sent(&p, "");
			tcp_bed_advance(bed, 1);
		}
		assert_sent(&p, rows[i].sent);
		assert_sent(&p, "");
		assert_int_equal(bed_peer_state(&p), rows[i].then);
	}
}

static void
an_acknowledged_fin_moves_each_state_on(void **state)
{
	static const struct {
		enum tcp_state at, then;
	} rows[] = {
		{ TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2 },
		{ TCPS_CLOSING, TCPS_TIME_WAIT },
		{ TCPS_LAST_ACK, TCPS_CLOSED },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, rows[i].at);
		bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
		assert_int_equal(bed_peer_state(&p), rows[i].at);
		bed_peer_send_at(&p, 0, 1, TCP_ACK, 0);
		assert_int_equal(bed_peer_state(&p), rows[i].then);
		assert_sent(&p, "");
	}
}

static void
fin_and_ack_in_one_segment_go_straight_to_time_wait(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_FIN_WAIT_1);
	bed_peer_send_at(&p, 0, 1, TCP_FIN | TCP_ACK, 0);
	assert_sent(&p, "A 2+0 ack 2");
	assert_sent(&p, "");
	assert_int_equal(bed_peer_state(&p), TCPS_TIME_WAIT);
}

static void
what_was_received_stays_readable_until_the_owner_closes(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint8_t buf[20];
	int err = 1;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_send(&p, TCP_FIN | TCP_ACK, 10);
	tcp_shutdown(bed->stack, &bed->env, p.h, TCP_SHUT_WR);
	tcp_bed_flush(bed);
	assert_sent(&p, "FA 1+0 ack 12");
	bed_peer_send_at(&p, 0, 1, TCP_ACK, 0);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	assert_int_equal(tcp_bed_events(bed, p.h, NULL) & TCP_EV_CLOSED, 0);
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, 4), 4);
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, 20), 6);
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, 20), 0);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, buf, 1, 0), -EPIPE);
	close_it(&p);
	assert_int_equal(tcp_bed_events(bed, p.h, &err), TCP_EV_CLOSED);
	assert_int_equal(err, 0);
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, 20), -EBADF);
	assert_int_equal(tcp_close(bed->stack, &bed->env, p.h), -EBADF);
}

static void
an_orphan_in_fin_wait_2_ends_after_tcp_fin_timeout(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	int err = 1;

	bed->tun.tcp_fin_timeout = 20;
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	close_it(&p);
	assert_sent(&p, "FA 1+0 ack 1");
	assert_int_equal(bed->ctr.Orphans, 1);
	assert_int_equal(tcp_close(bed->stack, &bed->env, p.h), -EBADF);
	bed_peer_send_at(&p, 0, 1, TCP_ACK, 0);
	tcp_bed_advance(bed, 19999);
	assert_int_equal(bed_peer_state(&p), TCPS_FIN_WAIT_2);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	assert_sent(&p, "");
	assert_int_equal(bed->ctr.Orphans, 0);
	assert_true(tcp_bed_events(bed, p.h, &err) & TCP_EV_CLOSED);
	assert_int_equal(err, 0);
}

/* Who has closed has its handle until it hears of the end: options do not put that off for ever. */
static void
options_set_after_close_leave_its_end_alone(void **state)
{
	static const enum tcp_sockopt opts[] = { TCP_SO_KEEPALIVE, TCP_SO_KEEPIDLE };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(opts); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_KEEPALIVE, 1);
		close_it(&p);
		assert_sent(&p, "FA 1+0 ack 1");
		bed_peer_send_at(&p, 0, 1, TCP_ACK, 0);
		assert_int_equal(bed_peer_state(&p), TCPS_FIN_WAIT_2);
		tcp_setopt(bed->stack, &bed->env, p.h, opts[i], i == 0 ? 0 : 1000);
		tcp_bed_advance(bed, 60000);
		assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	}
}

static void
a_half_closed_connection_stays_as_long_as_its_owner_wants(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_FIN_WAIT_2);
	tcp_bed_advance(bed, 100000000);
	assert_int_equal(bed_peer_state(&p), TCPS_FIN_WAIT_2);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 10), OUT_DELIVERED);
	assert_sent(&p, "A 2+0 ack 11");
	/* The time of an orphan begins when it becomes one. */
	assert_int_equal(tcp_shutdown(bed->stack, &bed->env, p.h, TCP_SHUT_RD), 0);
	close_it(&p);
	tcp_bed_advance(bed, 59999);
	assert_int_equal(bed_peer_state(&p), TCPS_FIN_WAIT_2);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
}

static void
close_with_unread_data_resets(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_send(&p, TCP_ACK, 10);
	tcp_bed_discard(bed);
	tcp_bed_events(bed, p.h, NULL);
	close_it(&p);
	assert_sent(&p, "RA 1+0 ack 11");
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	assert_int_equal(bed->ctr.TCPAbortOnClose, 1);
	assert_int_equal(tcp_bed_events(bed, p.h, NULL), TCP_EV_CLOSED);
}

/* A readable that was not yet reported belongs to nobody once its owner has closed. */
static void
who_closed_hears_of_the_end_only(void **state)
{
	struct tcp_bed *bed = *state;

	for (unsigned int abort_it = 0; abort_it < 2; abort_it++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		tcp_bed_events(bed, p.h, NULL);
		bed_peer_send(&p, TCP_ACK, 10);
		if (abort_it)
			assert_int_equal(tcp_abort(bed->stack, &bed->env, p.h), 0);
		else
			close_it(&p);
		assert_int_equal(tcp_bed_events(bed, p.h, NULL), TCP_EV_CLOSED);
		tcp_bed_discard(bed);
	}
}

static void
data_after_close_resets(void **state)
{
	static const enum tcp_state rows[] = { TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2 };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		close_it(&p);
		tcp_bed_discard(bed);
		if (rows[i] == TCPS_FIN_WAIT_2)
			bed_peer_send_at(&p, 0, 1, TCP_ACK, 0);
		assert_int_equal(bed_peer_state(&p), rows[i]);
		bed_peer_saw(&p, 1);
		/* What was received before is no news. */
		bed_peer_send_at(&p, -1, 0, TCP_ACK, 1);
		tcp_bed_discard(bed);
		assert_int_equal(bed_peer_send(&p, TCP_ACK, 1), OUT_AFTER_CLOSE);
		assert_sent(&p, "R 2+0");
		assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	}
}

static void
linger_zero_resets_at_once_without_time_wait(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_LINGER, 0);
	tcp_send(bed->stack, &bed->env, p.h, "x", 1, 0);
	close_it(&p);
	assert_sent(&p, "RA 1+0 ack 1");
	assert_sent(&p, "");
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	assert_int_equal(bed->ctr.TCPAbortOnData, 1);
	assert_int_equal(bed->ctr.Orphans, 0);
}

static void
linger_n_waits_n_seconds_for_the_data(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_LINGER, 4);
	p.wnd = 0;
	bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	tcp_send(bed->stack, &bed->env, p.h, "x", 1, 0);
	close_it(&p);
	tcp_bed_advance(bed, 3999);
	tcp_bed_discard(bed);
	assert_int_equal(bed_peer_state(&p), TCPS_FIN_WAIT_1);
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "RA 1+0 ack 1");
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
}

static void
linger_ends_when_the_data_and_fin_are_acknowledged(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_LINGER, 3);
	close_it(&p);
	bed_peer_send_at(&p, 0, 1, TCP_ACK, 0);
	tcp_bed_discard(bed);
	tcp_bed_advance(bed, 10000);
	assert_int_equal(bed_peer_state(&p), TCPS_FIN_WAIT_2);
	assert_sent(&p, "");
}

static void
beyond_tcp_max_orphans_a_new_one_is_reset(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p[3];

	bed->tun.tcp_max_orphans = 2;
	for (unsigned int i = 0; i < 3; i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], TCPS_ESTABLISHED);
		close_it(&p[i]);
		assert_sent(&p[i], i < 2 ? "FA 1+0 ack 1" : "RA 1+0 ack 1");
	}
	assert_int_equal(bed->ctr.TCPAbortOnMemory, 1);
	assert_int_equal(bed->ctr.Orphans, 2);
	assert_int_equal(bed->ctr.TCPOrphanQueued, 3);
}

static void
close_in_syn_sent_says_nothing_to_the_peer(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_SYN_SENT);
	close_it(&p);
	assert_sent(&p, "");
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	assert_int_equal(tcp_bed_events(bed, p.h, NULL), TCP_EV_CLOSED);
}

/* A simultaneous open that its owner no longer wants: the FIN goes when the SYN is acknowledged. */
static void
close_in_syn_received_of_an_active_open_ends_orderly(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	p.active = true;
	bed_peer_reach(&p, TCPS_SYN_RECEIVED);
	close_it(&p);
	tcp_bed_advance(bed, 10);
	tcp_bed_discard(bed);
	bed_peer_send(&p, TCP_ACK, 0);
	bed_peer_send_at(&p, 0, 1, TCP_ACK, 0);
	bed_peer_send_at(&p, 0, 1, TCP_FIN | TCP_ACK, 0);
	tcp_bed_discard(bed);
	assert_true(bed_peer_state(&p) == TCPS_TIME_WAIT || bed_peer_state(&p) == TCPS_CLOSED);
	assert_true(tcp_bed_events(bed, p.h, NULL) & TCP_EV_CLOSED);
	assert_int_equal(tcp_recv_queued(bed->stack, p.h), -EBADF);
}

static void
abort_resets_where_the_peer_knows_of_us(void **state)
{
	static const struct {
		enum tcp_state at;
		const char *sent;
	} rows[] = {
		{ TCPS_SYN_SENT, "" },
		{ TCPS_ESTABLISHED, "RA 1+0 ack 1" },
		{ TCPS_FIN_WAIT_1, "RA 2+0 ack 1" },
		{ TCPS_FIN_WAIT_2, "RA 2+0 ack 1" },
		{ TCPS_CLOSE_WAIT, "RA 1+0 ack 2" },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		int err = 0;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, rows[i].at);
		assert_int_equal(tcp_abort(bed->stack, &bed->env, p.h), 0);
		assert_sent(&p, rows[i].sent);
		assert_true(tcp_bed_events(bed, p.h, &err) & TCP_EV_CLOSED);
		assert_int_equal(err, -ECONNABORTED);
		assert_int_equal(tcp_abort(bed->stack, &bed->env, p.h), -EBADF);
	}
}

/* As Linux with TCP_LINGER2 below zero: nobody waits in FIN-WAIT-2, and the peer is told. */
static void
without_a_fin_timeout_an_orphan_does_not_wait(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_LINGER2, -1), 0);
	close_it(&p);
	assert_sent(&p, "FA 1+0 ack 1");
	bed_peer_send_at(&p, 0, 1, TCP_ACK, 0);
	assert_sent(&p, "R 2+0");
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_FIN_WAIT_2);
	assert_int_equal(tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_LINGER2, -1), 0);
	close_it(&p);
	assert_sent(&p, "RA 2+0 ack 1");
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	assert_int_equal(bed->ctr.TCPAbortOnLinger, 1);
	assert_int_equal(bed->ctr.Orphans, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_fin_moves_each_state_on_and_is_acknowledged),
		BED_TEST(an_acknowledged_fin_moves_each_state_on),
		BED_TEST(fin_and_ack_in_one_segment_go_straight_to_time_wait),
		BED_TEST(what_was_received_stays_readable_until_the_owner_closes),
		BED_TEST(an_orphan_in_fin_wait_2_ends_after_tcp_fin_timeout),
		BED_TEST(options_set_after_close_leave_its_end_alone),
		BED_TEST(a_half_closed_connection_stays_as_long_as_its_owner_wants),
		BED_TEST(close_with_unread_data_resets),
		BED_TEST(who_closed_hears_of_the_end_only),
		BED_TEST(data_after_close_resets),
		BED_TEST(linger_zero_resets_at_once_without_time_wait),
		BED_TEST(linger_n_waits_n_seconds_for_the_data),
		BED_TEST(linger_ends_when_the_data_and_fin_are_acknowledged),
		BED_TEST(beyond_tcp_max_orphans_a_new_one_is_reset),
		BED_TEST(close_in_syn_sent_says_nothing_to_the_peer),
		BED_TEST(close_in_syn_received_of_an_active_open_ends_orderly),
		BED_TEST(abort_resets_where_the_peer_knows_of_us),
		BED_TEST(without_a_fin_timeout_an_orphan_does_not_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
