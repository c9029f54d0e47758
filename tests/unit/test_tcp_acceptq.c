/* SPDX-License-Identifier: BSD-3-Clause */
/* The accept queue: its order, its limit, what a full one does, and what leaves it otherwise. */
#include "unit/tcp_unit.h"

static tcp_handle
accept_one(struct tcp_bed *bed)
{
	tcp_handle h = 0;

	assert_int_equal(tcp_accept(bed->stack, &bed->env, bed->listener, &h), 0);
	return h;
}

static enum outcome
open_peer(struct bed_peer *p, struct tcp_bed *bed)
{
	bed_peer_init(p, bed);
	bed_peer_syn(p);
	return bed_peer_ack_syn(p);
}

static void
connections_are_accepted_in_the_order_they_were_finished(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p[5];
	struct flow_key key;
	tcp_handle h;

	tcp_bed_listen(bed, 0);
	for (unsigned int i = 0; i < 5; i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_syn(&p[i]);
	}
	for (unsigned int i = 5; i-- > 0;)
		assert_int_equal(bed_peer_ack_syn(&p[i]), OUT_HANDSHAKE_DONE);
	assert_int_equal(bed->ctr.AcceptQueued, 5);
	assert_int_equal(tcp_bed_events(bed, bed->listener, NULL), TCP_EV_ACCEPTABLE);
	for (unsigned int i = 5; i-- > 0;) {
		h = accept_one(bed);
		assert_int_equal(tcp_get_key(bed->stack, h, &key), 0);
		assert_true(flow_key_equal(&key, &p[i].key));
	}
	assert_int_equal(tcp_accept(bed->stack, &bed->env, bed->listener, &h), -EAGAIN);
	assert_int_equal(bed->ctr.AcceptQueued, 0);
	assert_int_equal(bed->ctr.PassiveOpens, 5);
}

static void
a_connection_that_waits_takes_data_and_says_so_when_accepted(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	tcp_bed_listen(bed, 0);
	open_peer(&p, bed);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 10), OUT_DELIVERED);
	assert_sent(&p, "A 1+0 ack 11");
	p.h = tcp_conn_handle(bed->stack, bed_peer_conn(&p));
	assert_false(tcp_bed_events(bed, p.h, NULL) & TCP_EV_READABLE);
	assert_int_equal(accept_one(bed), p.h);
	assert_int_equal(tcp_bed_events(bed, p.h, NULL), TCP_EV_READABLE);
}

static void
one_that_was_reset_while_it_waited_is_never_accepted(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, q;
	tcp_handle h;

	tcp_bed_listen(bed, 0);
	open_peer(&p, bed);
	open_peer(&q, bed);
	bed_peer_send(&p, TCP_ACK, 10);
	bed_peer_send(&p, TCP_RST, 0);
	/* Its place, its slot and its data are free at once. */
	assert_int_equal(bed->stack->listeners[0].acceptq, 1);
	assert_int_equal(bed->ctr.AcceptQueued, 1);
	assert_int_equal(bed->stack->conns_used, 1);
	tcp_bed_discard(bed);
	assert_int_equal(bed->pkts.pool.held, 0);
	q.h = tcp_conn_handle(bed->stack, bed_peer_conn(&q));
	assert_int_equal(accept_one(bed), q.h);
	assert_int_equal(tcp_accept(bed->stack, &bed->env, bed->listener, &h), -EAGAIN);
	assert_int_equal(tcp_conn_count(bed->stack), 1);
	assert_int_equal(bed->pkts.pool.held, 0);
}

/* First, middle and last of the queue leave it; the others keep their order. */
static void
a_reset_at_any_place_of_the_queue_makes_room_for_another(void **state)
{
	struct tcp_bed *bed = *state;

	for (unsigned int gone = 0; gone < 3; gone++) {
		struct bed_peer p[4];

		tcp_bed_listen(bed, 3);
		for (unsigned int i = 0; i < 3; i++)
			assert_int_equal(open_peer(&p[i], bed), OUT_HANDSHAKE_DONE);
		assert_int_equal(open_peer(&p[3], bed), OUT_ACCEPT_QUEUE_FULL);
		bed_peer_send(&p[gone], TCP_RST, 0);
		assert_int_equal(bed_peer_send_at(&p[3], 0, 0, TCP_ACK, 0), OUT_HANDSHAKE_DONE);
		for (unsigned int i = 0; i < 4; i++) {
			if (i == gone)
				continue;
			p[i].h = tcp_conn_handle(bed->stack, bed_peer_conn(&p[i]));
			assert_int_equal(accept_one(bed), p[i].h);
			tcp_abort(bed->stack, &bed->env, p[i].h);
		}
		tcp_bed_discard(bed);
		tcp_listener_close(bed->stack, &bed->env, bed->listener);
	}
}

static void
a_full_queue_drops_the_final_ack_and_a_later_one_tries_again(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, q;

	tcp_bed_listen(bed, 1);
	assert_int_equal(open_peer(&p, bed), OUT_HANDSHAKE_DONE);
	assert_int_equal(open_peer(&q, bed), OUT_ACCEPT_QUEUE_FULL);
	assert_sent(&q, "");
	assert_int_equal(bed_peer_state(&q), TCPS_SYN_RECEIVED);
	assert_int_equal(bed->ctr.ListenOverflows, 1);
	assert_int_equal(bed->ctr.ListenDrops, 1);
	/* Data of the peer, or our SYN-ACK again, meets the same. */
	assert_int_equal(bed_peer_send_at(&q, 0, 0, TCP_ACK, 10), OUT_ACCEPT_QUEUE_FULL);
	tcp_bed_advance(bed, 1000);
	assert_sent(&q, "SA 0+0 ack 1");
	bed_peer_accept(&p);
	assert_int_equal(bed_peer_send(&q, TCP_ACK, 10), OUT_DELIVERED);
	assert_sent(&q, "A 1+0 ack 11");
	assert_int_equal(bed_peer_state(&q), TCPS_ESTABLISHED);
}

static void
a_full_queue_resets_with_tcp_abort_on_overflow(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, q;

	bed->tun.tcp_abort_on_overflow = 1;
	tcp_bed_listen(bed, 1);
	open_peer(&p, bed);
	assert_int_equal(open_peer(&q, bed), OUT_ACCEPT_QUEUE_FULL);
	assert_sent(&q, "R 1+0");
	assert_int_equal(bed_peer_state(&q), TCPS_CLOSED);
	assert_int_equal(bed->ctr.HalfOpen, 0);
}

static void
a_full_connection_table_keeps_the_handshake_waiting(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, q;

	bed->par.conns_max = 1;
	tcp_bed_start(bed);
	tcp_bed_listen(bed, 0);
	assert_int_equal(open_peer(&p, bed), OUT_HANDSHAKE_DONE);
	bed_peer_accept(&p);
	assert_int_equal(open_peer(&q, bed), OUT_TABLE_FULL);
	assert_sent(&q, "");
	assert_int_equal(bed->ctr.ConnAllocFails, 1);
	assert_int_equal(bed_peer_state(&q), TCPS_SYN_RECEIVED);
	bed_peer_send(&p, TCP_RST, 0);
	tcp_bed_events(bed, p.h, NULL);
	assert_int_equal(bed_peer_send_at(&q, -1, 0, TCP_ACK, 0), OUT_OUT_OF_WINDOW);
	assert_sent(&q, "A 1+0 ack 1");
	assert_int_equal(bed_peer_send_at(&q, 0, 0, TCP_ACK, 0), OUT_HANDSHAKE_DONE);
}

static void
closing_the_listener_resets_who_waits_and_forgets_who_knocks(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, q, r;

	tcp_bed_listen(bed, 0);
	open_peer(&p, bed);
	open_peer(&r, bed);
	bed_peer_accept(&p);
	bed_peer_init(&q, bed);
	bed_peer_syn(&q);
	tcp_bed_discard(bed);
	assert_int_equal(tcp_listener_close(bed->stack, &bed->env, bed->listener), 0);
	assert_sent(&r, "RA 1+0 ack 1");
	assert_sent(&q, "");
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	assert_int_equal(bed_peer_state(&q), TCPS_CLOSED);
	assert_int_equal(bed_peer_state(&r), TCPS_CLOSED);
	assert_int_equal(tcp_conn_count(bed->stack), 1);
	assert_int_equal(tcp_listener_close(bed->stack, &bed->env, bed->listener), -EBADF);
	assert_int_equal(tcp_accept(bed->stack, &bed->env, bed->listener, &p.h), -EBADF);
	assert_int_equal(bed_peer_syn(&q), OUT_NO_LISTENER);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(connections_are_accepted_in_the_order_they_were_finished),
		BED_TEST(a_connection_that_waits_takes_data_and_says_so_when_accepted),
		BED_TEST(one_that_was_reset_while_it_waited_is_never_accepted),
		BED_TEST(a_reset_at_any_place_of_the_queue_makes_room_for_another),
		BED_TEST(a_full_queue_drops_the_final_ack_and_a_later_one_tries_again),
		BED_TEST(a_full_queue_resets_with_tcp_abort_on_overflow),
		BED_TEST_PREPARED(a_full_connection_table_keeps_the_handshake_waiting),
		BED_TEST(closing_the_listener_resets_who_waits_and_forgets_who_knocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
