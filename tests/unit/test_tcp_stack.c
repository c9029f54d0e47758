/* SPDX-License-Identifier: BSD-3-Clause */
/* The stack's memory and lists: what creation refuses, handles, event order, flush in turns. */
#include "unit/tcp_unit.h"

static void
creation_refuses_sizes_that_make_no_sense(void **state)
{
	struct tcp_bed *bed = *state;

	for (unsigned int i = 0; i < 13; i++) {
		struct tcp_params par = bed->par;
		struct tcp_stack *stack = NULL;

		par.conns_max = i == 0 ? 0 : i == 1 ? TCP_REF_SYNQ : par.conns_max;
		par.synq_max = i == 2 ? 0 : i == 3 ? TCP_REF_SYNQ : par.synq_max;
		par.timewait_max = i == 4 ? TCP_REF_SYNQ : par.timewait_max;
		par.workers = i == 5 ? 0 : par.workers;
		par.worker = i == 6 ? 1 : i == 7 ? UINT32_MAX : par.worker;
		par.local = i == 8 ? NULL : par.local;
		par.mtu = i == 9 ? 575 : i == 10 ? 0 : par.mtu;
		par.ranges_max = i == 11 ? 0 : par.ranges_max;
		assert_int_equal(tcp_stack_create(&par, 0, &stack), i < 12 ? -EINVAL : 0);
		if (i < 12)
			assert_null(stack);
		else
			tcp_stack_destroy(stack, &bed->env);
	}
}

static void
destruction_frees_connections_in_every_state_with_their_packets(void **state)
{
	static const enum tcp_state rows[] = { TCPS_SYN_SENT, TCPS_SYN_RECEIVED, TCPS_ESTABLISHED,
		TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2, TCPS_CLOSE_WAIT, TCPS_CLOSING, TCPS_LAST_ACK,
		TCPS_TIME_WAIT };
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bed_peer_init(&p, bed);
		bed_peer_reach(&p, rows[i]);
		if (rows[i] == TCPS_ESTABLISHED) {
			bed_peer_send(&p, TCP_ACK, 10);
			bed_peer_send_at(&p, 10, 0, TCP_ACK, 10);
			tcp_send(bed->stack, &bed->env, p.h, "x", 1, 0);
		}
	}
	/* The bed asserts the rest when it ends. */
	assert_int_not_equal(bed->pkts.pool.held, 0);
}

static void
a_slot_has_another_handle_in_each_life_even_when_the_count_wraps(void **state)
{
	struct tcp_bed *bed = *state;
	tcp_handle last = 0;

	bed->par.conns_max = 1;
	tcp_bed_start(bed);
	for (unsigned int i = 0; i < 6; i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		assert_int_not_equal(p.h, last);
		assert_int_not_equal(p.h >> 32, 0);
		last = p.h;
		tcp_abort(bed->stack, &bed->env, p.h);
		tcp_bed_events(bed, p.h, NULL);
		tcp_bed_discard(bed);
		if (i == 2)
			bed->stack->park[0].gen = UINT32_MAX - 1;
	}
}

static void
events_come_oldest_first_and_closed_last(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_event ev;
	struct bed_peer p[3];

	for (unsigned int i = 0; i < 3; i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], TCPS_ESTABLISHED);
	}
	while (tcp_next_event(bed->stack, &ev))
		;
	bed_peer_send(&p[2], TCP_ACK, 1);
	bed_peer_send(&p[0], TCP_ACK, 1);
	bed_peer_send(&p[2], TCP_RST, 0);
	tcp_bed_discard(bed);
	assert_true(tcp_next_event(bed->stack, &ev));
	assert_true(ev.handle == p[2].h && ev.what == TCP_EV_READABLE);
	/* What came before the reset can still be read. */
	assert_int_equal(tcp_recv_queued(bed->stack, p[2].h), 1);
	assert_true(tcp_next_event(bed->stack, &ev));
	assert_true(ev.handle == p[0].h && ev.what == TCP_EV_READABLE);
	assert_true(tcp_next_event(bed->stack, &ev));
	assert_true(ev.handle == p[2].h && ev.what == TCP_EV_CLOSED && ev.err == -ECONNRESET);
	assert_int_equal(tcp_recv_queued(bed->stack, p[2].h), -EBADF);
	assert_false(tcp_next_event(bed->stack, &ev));
}

static void
every_listener_gets_its_turn(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_event ev;
	tcp_handle l[3];

	for (uint16_t i = 0; i < 3; i++) {
		const struct tcp_listen_params par = {
			.laddr_idx = -1, .port = (uint16_t)(1000 + i), .syncookies = -1,
		};
		struct bed_peer p;

		assert_int_equal(tcp_listen(bed->stack, &bed->env, &par, &l[i]), 0);
		bed_peer_init(&p, bed);
		p.key.lport = par.port;
		bed_peer_syn(&p);
		bed_peer_ack_syn(&p);
	}
	for (unsigned int i = 0; i < 3; i++) {
		assert_true(tcp_next_event(bed->stack, &ev));
		assert_true(ev.handle == l[i] && ev.what == TCP_EV_ACCEPTABLE);
	}
	assert_false(tcp_next_event(bed->stack, &ev));
}

static void
a_flush_stops_when_there_is_no_room_and_goes_on_later(void **state)
{
	static const uint8_t data[14600];
	struct tcp_bed *bed = *state;
	struct bed_peer p[60];
	unsigned int sent;

	tcp_bed_listen(bed, 0);
	for (unsigned int i = 0; i < 60; i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], TCPS_ESTABLISHED);
	}
	for (unsigned int i = 0; i < 60; i++)
		assert_int_equal(tcp_send(bed->stack, &bed->env, p[i].h, data, 14600, 0), 14600);
	while (bed->tx.count < 600)
		pkt_txq_put(&bed->tx, pkt_alloc(bed->env.pool));
	tcp_bed_flush(bed);
	sent = bed->tx.count;
	assert_in_range(sent, PKT_TXQ_CAP - TCP_TX_LOW_WATER, PKT_TXQ_CAP);
	sent -= 600;
	for (unsigned int i = 0; i < 60 && sent < 600; i++) {
		tcp_bed_discard(bed);
		tcp_bed_flush(bed);
		sent += bed->tx.count;
	}
	assert_int_equal(sent, 600);
}

static void
the_count_is_of_connections_and_half_open_ones(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	assert_int_equal(tcp_conn_count(bed->stack), 0);
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_SYN_RECEIVED);
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(tcp_conn_count(bed->stack), 2);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(creation_refuses_sizes_that_make_no_sense),
		BED_TEST(destruction_frees_connections_in_every_state_with_their_packets),
		BED_TEST_PREPARED(a_slot_has_another_handle_in_each_life_even_when_the_count_wraps),
		BED_TEST(events_come_oldest_first_and_closed_last),
		BED_TEST(every_listener_gets_its_turn),
		BED_TEST(a_flush_stops_when_there_is_no_room_and_goes_on_later),
		BED_TEST(the_count_is_of_connections_and_half_open_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
