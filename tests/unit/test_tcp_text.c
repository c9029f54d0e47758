/* SPDX-License-Identifier: BSD-3-Clause */
/* Data in order: delivery, after shutdown, after FIN, and how the receive buffer grows. */
#include "unit/tcp_unit.h"

static void
data_is_delivered_in_the_states_that_take_it(void **state)
{
	static const struct {
		enum tcp_state at;
		enum outcome want;
	} rows[] = {
		{ TCPS_ESTABLISHED, OUT_DELIVERED },
		{ TCPS_FIN_WAIT_1, OUT_DELIVERED },
		{ TCPS_FIN_WAIT_2, OUT_DELIVERED },
		{ TCPS_CLOSE_WAIT, OUT_AFTER_FIN },
		{ TCPS_CLOSING, OUT_AFTER_FIN },
		{ TCPS_LAST_ACK, OUT_AFTER_FIN },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool taken = rows[i].want == OUT_DELIVERED;
		struct bed_peer p;
		uint8_t buf[10];

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, rows[i].at);
		tcp_bed_events(bed, p.h, NULL);
		assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_ACK, 10), rows[i].want);
		assert_int_equal(tcp_bed_discard(bed), taken);
		assert_int_equal(tcp_bed_events(bed, p.h, NULL), taken ? TCP_EV_READABLE : 0);
		assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, 10), taken ? 10 : 0);
		for (uint32_t j = 0; taken && j < 10; j++)
			assert_int_equal(buf[j], bed_pattern(p.seq + j));
	}
}

static void
data_in_order_is_acknowledged_and_thrown_away_after_shut_rd(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint8_t buf[10];

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_send(&p, TCP_ACK, 10);
	assert_int_equal(tcp_shutdown(bed->stack, &bed->env, p.h, TCP_SHUT_RD), 0);
	assert_int_equal(tcp_recv_queued(bed->stack, p.h), 0);
	tcp_bed_discard(bed);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 10), OUT_AFTER_SHUT_RD);
	assert_sent(&p, "A 1+0 ack 21");
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, 10), 0);
	assert_int_equal(bed->pkts.pool.held, 0);
	/* The window stays open: a peer may send for ever. */
	for (unsigned int i = 0; i < 200; i++)
		assert_int_equal(bed_peer_send(&p, TCP_ACK, 1460), OUT_AFTER_SHUT_RD);
	tcp_bed_discard(bed);
}

static void
psh_and_urg_make_no_difference_to_data(void **state)
{
	static const uint16_t rows[] = { 0, TCP_PSH, TCP_URG, TCP_PSH | TCP_URG };
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(bed_peer_send(&p, TCP_ACK | rows[i], 10), OUT_DELIVERED);
	assert_int_equal(tcp_recv_queued(bed->stack, p.h), 40);
	tcp_bed_discard(bed);
}

/* Full segments, each read, wait for a second one or the delay, whatever numbers the peer has. */
static void
reading_full_segments_acknowledges_nothing(void **state)
{
	static const uint32_t irs[] = { 0, 1000, 0x7fffffff, 0x80000001, 0xf0000000 };
	struct tcp_bed *bed = *state;
	uint8_t buf[1460];

	for (size_t i = 0; i < ARRAY_SIZE(irs); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		p.irs = p.seq = irs[i];
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		/* Those of a new connection are acknowledged at once. */
		for (unsigned int n = 0; n < TCP_QUICKACKS; n++) {
			bed_peer_send(&p, TCP_ACK, 1460);
			assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, 1460), 1460);
		}
		assert_true(tcp_bed_discard(bed) > 0);
		bed_peer_send(&p, TCP_ACK, 1460);
		assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, 1460), 1460);
		tcp_bed_flush(bed);
		assert_int_equal(tcp_bed_discard(bed), 0);
		tcp_abort(bed->stack, &bed->env, p.h);
		tcp_bed_discard(bed);
	}
}

/* As Linux: its sender may have no room in cwnd for more. A reader that answers sends it then. */
static void
reading_a_full_segment_with_psh_acknowledges_it_once_all_is_read(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint8_t buf[1460];

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	/* Which makes known what a full segment is. */
	bed_peer_send(&p, TCP_ACK, 1460);
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, 1460), 1460);
	tcp_bed_discard(bed);
	bed_peer_conn(&p)->quickacks = 0;
	bed_peer_send(&p, TCP_ACK | TCP_PSH, 1460);
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, 1000), 1000);
	tcp_bed_flush(bed);
	assert_sent(&p, "");
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, 460), 460);
	tcp_bed_flush(bed);
	assert_sent(&p, "A 1+0 ack 2921");
	bed_peer_conn(&p)->flags |= TF_PINGPONG;
	bed_peer_send(&p, TCP_ACK | TCP_PSH, 1460);
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, 1460), 1460);
	tcp_bed_flush(bed);
	assert_sent(&p, "");
}

/* Two full windows a round trip, all read: the buffer grows up to tcp_rmem[2]. */
static uint32_t
run_reader(struct bed_peer *p, bool reads)
{
	static uint8_t buf[1 << 20];
	struct tcp_bed *bed = p->bed;

	for (unsigned int rtt = 0; rtt < 60; rtt++) {
		uint32_t room = tcp_rcv_wnd(bed_peer_conn(p));

		for (; room > 0 && reads; room = tcp_rcv_wnd(bed_peer_conn(p))) {
			uint32_t len = min_u32(1460, room);

			bed_peer_send(p, TCP_ACK, (uint16_t)len);
			tcp_bed_discard(bed);
			if (len < 1460 || rng_below(&bed->rng, 100) == 0)
				break;
		}
		tcp_recv(bed->stack, &bed->env, p->h, buf, sizeof(buf));
		tcp_bed_advance(bed, 20);
		tcp_bed_discard(bed);
	}
	return tcp_cold(bed->stack, bed_peer_conn(p))->rcvbuf;
}

static void
tcp_moderate_rcvbuf_lets_the_buffer_grow_with_a_reader_that_keeps_up(void **state)
{
	static const struct {
		bool reads;
		uint32_t moderate;
		int fixed;
		uint32_t least, most;
	} rows[] = {
		{ true, 1, 0, 262144, 6291456 },
		{ false, 1, 0, 131072, 131072 },
		{ true, 0, 0, 131072, 131072 },
		{ true, 1, 65536, 65536, 65536 },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed->tun.tcp_moderate_rcvbuf = rows[i].moderate;
		bed_peer_init(&p, bed);
		p.offer = TCP_OPT_WSCALE;
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		if (rows[i].fixed != 0)
			tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_RCVBUF, rows[i].fixed);
		assert_in_range(run_reader(&p, rows[i].reads), rows[i].least, rows[i].most);
		tcp_abort(bed->stack, &bed->env, p.h);
		tcp_bed_discard(bed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(data_is_delivered_in_the_states_that_take_it),
		BED_TEST(data_in_order_is_acknowledged_and_thrown_away_after_shut_rd),
		BED_TEST(psh_and_urg_make_no_difference_to_data),
		BED_TEST(reading_full_segments_acknowledges_nothing),
		BED_TEST(reading_a_full_segment_with_psh_acknowledges_it_once_all_is_read),
		BED_TEST(tcp_moderate_rcvbuf_lets_the_buffer_grow_with_a_reader_that_keeps_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
