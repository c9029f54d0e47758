/* SPDX-License-Identifier: BSD-3-Clause */
/* What may be sent when: windows, Nagle, silly windows, FIN, delayed ACKs, the window we offer. */
#include "unit/tcp_unit.h"

static ptrdiff_t
queue(struct bed_peer *p, size_t len, unsigned int flags)
{
	static const uint8_t data[100000];

	return tcp_send(p->bed->stack, &p->bed->env, p->h, data, len, flags);
}

static void
send_bytes(struct bed_peer *p, size_t len)
{
	assert_int_equal(queue(p, len, 0), len);
	tcp_bed_flush(p->bed);
}

static void
open_peer(struct bed_peer *p, struct tcp_bed *bed)
{
	bed_peer_init(p, bed);
	bed_peer_reach(p, TCPS_ESTABLISHED);
}

static void
writes_before_a_flush_share_segments(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_peer(&p, bed);
	queue(&p, 1000, 0);
	queue(&p, 1000, 0);
	queue(&p, 10, 0);
	tcp_bed_flush(bed);
	assert_sent(&p, "A 1+1460 ack 1");
	assert_sent(&p, "PA 1461+550 ack 1");
	assert_sent(&p, "");
}

static void
the_congestion_window_and_the_peers_window_bound_the_flight(void **state)
{
	static const struct {
		uint16_t wnd;
		unsigned int segs;
		const char *last;
	} rows[] = {
		{ 65535, 10, "PA 13141+1460 ack 1" },
		{ 14600, 10, "PA 13141+1460 ack 1" },
		{ 5000, 4, "PA 4381+620 ack 1" },
		{ 2920, 2, "PA 1461+1460 ack 1" },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		const char *text = "";

		bed_peer_init(&p, bed);
		p.wnd = rows[i].wnd;
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		/* So that a rest of the window is worth sending. */
		tcp_cold(bed->stack, bed_peer_conn(&p))->max_snd_wnd = 1000;
		send_bytes(&p, 16000);
		assert_int_equal(bed->tx.count, rows[i].segs);
		while (bed->tx.count > 0)
			text = bed_peer_sent(&p);
		assert_string_equal(text, rows[i].last);
	}
}

static void
nagle_holds_a_short_segment_while_a_short_one_is_in_flight(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_peer(&p, bed);
	send_bytes(&p, 10);
	assert_sent(&p, "PA 1+10 ack 1");
	send_bytes(&p, 10);
	send_bytes(&p, 10);
	assert_sent(&p, "");
	bed_peer_send_at(&p, 0, 10, TCP_ACK, 0);
	assert_sent(&p, "PA 11+20 ack 1");
	send_bytes(&p, 1459);
	assert_sent(&p, "");
	send_bytes(&p, 1);
	assert_sent(&p, "PA 31+1460 ack 1");
}

static void
without_nagle_every_write_goes_at_once(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_peer(&p, bed);
	send_bytes(&p, 10);
	send_bytes(&p, 10);
	assert_sent(&p, "PA 1+10 ack 1");
	assert_sent(&p, "");
	assert_int_equal(tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_NODELAY, 1), 0);
	tcp_bed_flush(bed);
	assert_sent(&p, "PA 11+10 ack 1");
	send_bytes(&p, 10);
	assert_sent(&p, "PA 21+10 ack 1");
}

static void
the_fin_rides_on_the_last_data_or_goes_alone(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, q;

	open_peer(&p, bed);
	queue(&p, 2000, 0);
	assert_int_equal(tcp_shutdown(bed->stack, &bed->env, p.h, TCP_SHUT_WR), 0);
	tcp_bed_flush(bed);
	assert_sent(&p, "A 1+1460 ack 1");
	assert_sent(&p, "FPA 1461+540 ack 1");
	assert_sent(&p, "");
	open_peer(&q, bed);
	send_bytes(&q, 10);
	assert_sent(&q, "PA 1+10 ack 1");
	tcp_shutdown(bed->stack, &bed->env, q.h, TCP_SHUT_WR);
	tcp_bed_flush(bed);
	assert_sent(&q, "FA 11+0 ack 1");
	assert_int_equal(queue(&q, 1, 0), -EPIPE);
}

static void
a_fin_waits_for_data_that_waits_for_the_window(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_peer(&p, bed);
	p.wnd = 0;
	bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	queue(&p, 100, 0);
	tcp_shutdown(bed->stack, &bed->env, p.h, TCP_SHUT_WR);
	tcp_bed_flush(bed);
	assert_sent(&p, "");
	p.wnd = 1000;
	bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_sent(&p, "FPA 1+100 ack 1");
}

/* RFC 9293 s3.8.6.3: within 500 ms, for every second full segment. */
static void
acks_are_delayed_40_ms_or_to_the_second_full_segment(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_peer(&p, bed);
	bed_peer_conn(&p)->quickacks = 0;
	bed_peer_send(&p, TCP_ACK, 1460);
	tcp_bed_advance(bed, 39);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "A 1+0 ack 1461");
	assert_int_equal(bed->ctr.DelayedACKs, 1);
	bed_peer_send(&p, TCP_ACK, 1460);
	assert_sent(&p, "");
	bed_peer_send(&p, TCP_ACK, 1460);
	assert_sent(&p, "A 1+0 ack 4381");
	tcp_bed_advance(bed, 1000);
	assert_sent(&p, "");
}

static void
the_first_sixteen_acks_are_not_delayed(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_peer(&p, bed);
	for (unsigned int i = 0; i < TCP_QUICKACKS; i++) {
		bed_peer_send(&p, TCP_ACK, 10);
		assert_int_equal(tcp_bed_discard(bed), 1);
	}
	bed_peer_send(&p, TCP_ACK, 10);
	assert_sent(&p, "");
}

static void
an_ack_rides_with_the_answer(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_seg seg;
	struct bed_peer p;

	open_peer(&p, bed);
	seg = bed_peer_seg(&p, TCP_ACK, 10);
	tcp_bed_input(bed, &seg, 1);
	queue(&p, 5, 0);
	tcp_bed_flush(bed);
	assert_sent(&p, "PA 1+5 ack 11");
	assert_sent(&p, "");
	tcp_bed_advance(bed, 100);
	assert_sent(&p, "");
}

/* --- the window we offer ------------------------------------------------------------------ */

static void
the_right_edge_never_moves_back(void **state)
{
	static uint8_t buf[1 << 20];
	struct tcp_bed *bed = *state;
	struct rng rng;

	rng_seed(&rng, 7);
	for (uint8_t scale = 0; scale <= 1; scale++) {
		struct bed_peer p;
		uint32_t edge;

		bed_peer_init(&p, bed);
		p.offer = scale ? TCP_OPT_WSCALE : 0;
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		edge = bed_peer_conn(&p)->rcv_adv;
		for (unsigned int i = 0; i < 3000; i++) {
			uint32_t len = min_u32(1 + rng_below(&rng, 1460), edge - p.seq);

			if (len > 0)
				bed_peer_send(&p, TCP_ACK, (uint16_t)len);
			if (rng_below(&rng, 3) == 0)
				tcp_recv(bed->stack, &bed->env, p.h, buf, rng_below(&rng, 9000));
			tcp_bed_advance(bed, rng_below(&rng, 3));
			tcp_bed_flush(bed);
			while (tcp_bed_take(bed)) {
				uint32_t now = bed->sent.ack +
					((uint32_t)bed->sent.wnd << (scale ? 7 : 0));

				assert_true(seq32_geq(now, edge));
				edge = now;
			}
		}
		tcp_abort(bed->stack, &bed->env, p.h);
		tcp_bed_discard(bed);
	}
}

/* RFC 9293 s3.8.6.2.2: not by a few bytes at a time. */
static void
a_closed_window_opens_only_by_a_useful_amount_and_says_so_at_once(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint8_t buf[4096];
	uint32_t wnd;

	bed->tun.tcp_rmem[1] = 8192;
	bed->tun.tcp_moderate_rcvbuf = 0;
	open_peer(&p, bed);
	while ((wnd = tcp_rcv_wnd(bed_peer_conn(&p))) > 0)
		bed_peer_send(&p, TCP_ACK, (uint16_t)min_u32(1460, wnd));
	tcp_bed_advance(bed, 100);
	tcp_bed_discard(bed);
	for (unsigned int i = 0; i < 30; i++) {
		tcp_recv(bed->stack, &bed->env, p.h, buf, 100);
		tcp_bed_flush(bed);
		if (bed->tx.count > 0)
			break;
	}
	assert_sent(&p, "A 1+0 ack 2921");
	assert_in_range(bed->sent.wnd, 1460, 3000);
	assert_sent(&p, "");
	assert_int_equal(bed->ctr.TCPToZeroWindowAdv, 1);
	assert_int_equal(bed->ctr.TCPFromZeroWindowAdv, 1);
}

static void
without_room_to_send_output_waits_for_the_next_flush(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	unsigned int filler = 0;

	open_peer(&p, bed);
	for (; tcp_tx_has_room(bed->stack); filler++)
		pkt_txq_put(&bed->tx, pkt_alloc(bed->env.pool));
	send_bytes(&p, 100);
	assert_int_equal(bed->tx.count, filler);
	assert_int_equal(tcp_poll_at(bed->stack), 0);
	tcp_bed_discard(bed);
	tcp_bed_flush(bed);
	assert_sent(&p, "PA 1+100 ack 1");
}

static void
an_ack_that_found_no_packet_is_sent_later(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_peer(&p, bed);
	bed->pkts.fail_nth = 1;
	bed_peer_send(&p, TCP_ACK, 10);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 40);
	assert_sent(&p, "A 1+0 ack 11");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(writes_before_a_flush_share_segments),
		BED_TEST(the_congestion_window_and_the_peers_window_bound_the_flight),
		BED_TEST(nagle_holds_a_short_segment_while_a_short_one_is_in_flight),
		BED_TEST(without_nagle_every_write_goes_at_once),
		BED_TEST(the_fin_rides_on_the_last_data_or_goes_alone),
		BED_TEST(a_fin_waits_for_data_that_waits_for_the_window),
		BED_TEST(acks_are_delayed_40_ms_or_to_the_second_full_segment),
		BED_TEST(the_first_sixteen_acks_are_not_delayed),
		BED_TEST(an_ack_rides_with_the_answer),
		BED_TEST(the_right_edge_never_moves_back),
		BED_TEST(a_closed_window_opens_only_by_a_useful_amount_and_says_so_at_once),
		BED_TEST(without_room_to_send_output_waits_for_the_next_flush),
		BED_TEST(an_ack_that_found_no_packet_is_sent_later),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
