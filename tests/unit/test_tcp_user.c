/* SPDX-License-Identifier: BSD-3-Clause */
/* SEND, RECEIVE, SHUTDOWN and ABORT as an owner sees them: results, limits, dead handles. */
#include <string.h>

#include "unit/tcp_unit.h"

static void
calls_in_each_state_give_what_rfc9293_says(void **state)
{
	static const struct {
		enum tcp_state at;
		ptrdiff_t recv, send;
		int shut;
	} rows[] = {
		{ TCPS_SYN_SENT, -ENOTCONN, -ENOTCONN, -ENOTCONN },
		{ TCPS_ESTABLISHED, -EAGAIN, 1, 0 },
		{ TCPS_FIN_WAIT_1, -EAGAIN, -EPIPE, 0 },
		{ TCPS_FIN_WAIT_2, -EAGAIN, -EPIPE, 0 },
		{ TCPS_CLOSE_WAIT, 0, 1, 0 },
		{ TCPS_CLOSING, 0, -EPIPE, 0 },
		{ TCPS_LAST_ACK, 0, -EPIPE, 0 },
		{ TCPS_TIME_WAIT, 0, -EPIPE, -ENOTCONN },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		struct pkt *pkt;
		uint8_t b;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, rows[i].at);
		assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, &b, 1), rows[i].recv);
		assert_int_equal(tcp_recv_pkt(bed->stack, &bed->env, p.h, &pkt), rows[i].recv);
		assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, "x", 1, 0), rows[i].send);
		assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, "x", 0, 0),
			rows[i].send < 0 ? rows[i].send : 0);
		assert_int_equal(
			tcp_shutdown(bed->stack, &bed->env, p.h, TCP_SHUT_WR), rows[i].shut);
		tcp_bed_flush(bed);
		tcp_bed_discard(bed);
	}
}

static void
a_handle_that_is_gone_is_ebadf_everywhere_even_when_its_slot_lives_again(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, q;
	struct flow_key key;
	struct pkt *pkt;
	uint8_t b;
	int v;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_abort(bed->stack, &bed->env, p.h);
	tcp_bed_events(bed, p.h, NULL);
	bed_peer_init(&q, bed);
	bed_peer_reach(&q, TCPS_ESTABLISHED);
	assert_int_equal((uint32_t)p.h, (uint32_t)q.h);
	assert_int_not_equal(p.h, q.h);
	pkt = pkt_alloc(bed->env.pool);
	pkt_set_len(pkt, 1);
	for (unsigned int i = 0; i < 3; i++) {
		tcp_handle h = i == 0 ? p.h : i == 1 ? 0 : UINT64_MAX;

		assert_int_equal(tcp_recv(bed->stack, &bed->env, h, &b, 1), -EBADF);
		assert_int_equal(tcp_recv_pkt(bed->stack, &bed->env, h, &pkt), -EBADF);
		assert_int_equal(tcp_recv_queued(bed->stack, h), -EBADF);
		assert_int_equal(tcp_send(bed->stack, &bed->env, h, "x", 1, 0), -EBADF);
		assert_int_equal(tcp_send_pkt(bed->stack, &bed->env, h, pkt, 0), -EBADF);
		assert_int_equal(tcp_send_space(bed->stack, &bed->env, h), -EBADF);
		assert_int_equal(tcp_shutdown(bed->stack, &bed->env, h, TCP_SHUT_RD), -EBADF);
		assert_int_equal(tcp_close(bed->stack, &bed->env, h), -EBADF);
		assert_int_equal(tcp_abort(bed->stack, &bed->env, h), -EBADF);
		assert_int_equal(tcp_set_owner(bed->stack, h, NULL, NULL), -EBADF);
		assert_int_equal(tcp_set_app_timer(bed->stack, &bed->env, h, 1), -EBADF);
		assert_int_equal(tcp_get_key(bed->stack, h, &key), -EBADF);
		assert_int_equal(
			tcp_setopt(bed->stack, &bed->env, h, TCP_SO_NODELAY, 1), -EBADF);
		assert_int_equal(
			tcp_getopt(bed->stack, &bed->env, h, TCP_SO_NODELAY, &v), -EBADF);
	}
	pkt_free(bed->env.pool, pkt);
	tcp_bed_discard(bed);
	assert_int_equal(tcp_send(bed->stack, &bed->env, q.h, "x", 1, 0), 1);
}

static void
recv_takes_any_number_of_bytes_across_packets(void **state)
{
	static const size_t rows[] = { 1, 7, 99, 100, 101, 250, 1000 };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		uint8_t buf[1000];
		uint32_t seq;
		ptrdiff_t n;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		seq = p.seq;
		for (unsigned int j = 0; j < 3; j++)
			bed_peer_send(&p, TCP_ACK, 100);
		while ((n = tcp_recv(bed->stack, &bed->env, p.h, buf, rows[i])) > 0) {
			assert_in_range(n, 1, rows[i]);
			for (ptrdiff_t j = 0; j < n; j++)
				assert_int_equal(buf[j], bed_pattern(seq++));
		}
		assert_int_equal(seq, p.seq);
		tcp_bed_discard(bed);
	}
}

static void
peek_leaves_what_recv_then_gives(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint8_t a[150], b[150];

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(tcp_peek(bed->stack, p.h, a, sizeof(a)), -EAGAIN);
	bed_peer_send(&p, TCP_ACK, 100);
	bed_peer_send(&p, TCP_ACK, 100);
	assert_int_equal(tcp_peek(bed->stack, p.h, a, 150), 150);
	assert_int_equal(tcp_recv_queued(bed->stack, p.h), 200);
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, b, 150), 150);
	assert_memory_equal(a, b, 150);
	assert_int_equal(tcp_peek(bed->stack, p.h, a, 150), 50);
	assert_int_equal(a[0], bed_pattern(p.irs + 151));
	assert_int_equal(tcp_peek(bed->stack, p.h + 1, a, 150), -EBADF);
	tcp_bed_discard(bed);
}

static void
recv_pkt_gives_the_packet_without_its_headers(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct pkt *pkt;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_send(&p, TCP_ACK, 100);
	bed_peer_send_at(&p, -50, 0, TCP_ACK, 60);
	assert_int_equal(tcp_recv_pkt(bed->stack, &bed->env, p.h, &pkt), 100);
	assert_int_equal(pkt_data(pkt)[0], bed_pattern(p.irs + 1));
	pkt_free(bed->env.pool, pkt);
	assert_int_equal(tcp_recv_pkt(bed->stack, &bed->env, p.h, &pkt), 10);
	assert_int_equal(pkt_data(pkt)[0], bed_pattern(p.irs + 101));
	assert_int_equal(pkt_data(pkt)[9], bed_pattern(p.irs + 110));
	pkt_free(bed->env.pool, pkt);
	assert_int_equal(tcp_recv_pkt(bed->stack, &bed->env, p.h, &pkt), -EAGAIN);
}

static void
send_takes_what_fits_the_send_buffer_and_refuses_the_rest(void **state)
{
	static const uint8_t data[20000];
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_SNDBUF, 10000);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, data, 4000, 0), 4000);
	assert_int_equal(tcp_send_space(bed->stack, &bed->env, p.h), 6000);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, data, 20000, 0), 6000);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, data, 1, 0), -EAGAIN);
	assert_int_equal(tcp_send_space(bed->stack, &bed->env, p.h), 0);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
}

/* Out of packets: less is taken, and the writer is called again though nothing was acknowledged. */
static void
send_without_packets_takes_less_and_the_writer_is_called_10_ms_later(void **state)
{
	static const uint8_t data[8000];
	struct tcp_bed *bed = *state;

	for (unsigned int nth = 1; nth <= 4; nth++) {
		struct bed_peer p;
		ptrdiff_t want = nth == 1 ? -EAGAIN : (ptrdiff_t)(nth - 1) * 1460;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		tcp_bed_events(bed, p.h, NULL);
		bed->pkts.fail_nth = nth;
		assert_int_equal(
			tcp_send(bed->stack, &bed->env, p.h, data, sizeof(data), 0), want);
		tcp_bed_flush(bed);
		tcp_bed_discard(bed);
		tcp_bed_advance(bed, 9);
		assert_int_equal(tcp_bed_events(bed, p.h, NULL), 0);
		tcp_bed_advance(bed, 1);
		assert_int_equal(tcp_bed_events(bed, p.h, NULL), TCP_EV_WRITABLE);
	}
}

static void
send_leaves_the_reserve_of_packets_alone(void **state)
{
	static const uint8_t data[8000];
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed->pkts.pool.reserve = bed->pkts.size;
	bed->pkts.pool.source_avail = 0;
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, data, 100, 0), -EAGAIN);
	assert_int_equal(bed->pkts.pool.held, 0);
}

static void
send_pkt_takes_the_packet_over_only_on_success(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct pkt *pkt;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	pkt = pkt_alloc(bed->env.pool);
	assert_int_equal(tcp_send_pkt(bed->stack, &bed->env, p.h, pkt, 0), -EINVAL);
	memcpy(pkt_data(pkt), "hello", 5);
	pkt_set_len(pkt, 5);
	pkt->data_off -= 60;
	assert_int_equal(tcp_send_pkt(bed->stack, &bed->env, p.h, pkt, 0), -EINVAL);
	pkt->data_off += 60;
	assert_int_equal(tcp_send_pkt(bed->stack, &bed->env, p.h, pkt, 0), 5);
	tcp_bed_flush(bed);
	assert_sent(&p, "PA 1+5 ack 1");
	assert_memory_equal(bed->sent.data, "hello", 5);
}

/* With TCP_SEND_MORE a short last segment waits for what follows, or for the timer. */
static void
send_more_marks_no_end_of_a_write(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(
		tcp_send(bed->stack, &bed->env, p.h, "head", 4, TCP_SEND_MORE), 4);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, "body", 4, 0), 4);
	tcp_bed_flush(bed);
	assert_sent(&p, "PA 1+8 ack 1");
	assert_memory_equal(bed->sent.data, "headbody", 8);
}

static void
a_cork_holds_a_short_segment_for_one_timeout_to_the_millisecond(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_details d;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_CORK, 1), 0);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p.h, "held", 4, 0), 4);
	tcp_bed_flush(bed);
	tcp_get_details(bed->stack, &bed->env, p.h, &d);
	tcp_bed_advance(bed, d.row.rto_ms - 1);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1);
	assert_sent(&p, "PA 1+4 ack 1");
}

static void
abort_all_ends_everything(void **state)
{
	static const enum tcp_state rows[] = { TCPS_ESTABLISHED, TCPS_SYN_SENT, TCPS_FIN_WAIT_1,
		TCPS_CLOSE_WAIT, TCPS_SYN_RECEIVED };
	struct tcp_bed *bed = *state;
	struct bed_peer p[ARRAY_SIZE(rows)];

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], rows[i]);
	}
	tcp_abort_all(bed->stack, &bed->env);
	assert_int_equal(tcp_bed_discard(bed), 3);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(bed_peer_state(&p[i]), TCPS_CLOSED);
		tcp_bed_events(bed, p[i].h, NULL);
	}
	assert_int_equal(tcp_conn_count(bed->stack), 0);
}

/* Data and FIN wait to be read when the connection is reset: that is no orderly end. */
static void
a_reset_that_takes_unread_data_is_not_read_as_the_end(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint8_t buf[10];

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_send(&p, TCP_ACK | TCP_FIN, 100);
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, sizeof(buf)), 10);
	bed_peer_send(&p, TCP_RST, 0);
	while (tcp_recv(bed->stack, &bed->env, p.h, buf, sizeof(buf)) > 0)
		;
	assert_int_equal(tcp_recv(bed->stack, &bed->env, p.h, buf, sizeof(buf)), -ECONNRESET);
	tcp_bed_discard(bed);
	tcp_close(bed->stack, &bed->env, p.h);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(calls_in_each_state_give_what_rfc9293_says),
		BED_TEST(a_handle_that_is_gone_is_ebadf_everywhere_even_when_its_slot_lives_again),
		BED_TEST(recv_takes_any_number_of_bytes_across_packets),
		BED_TEST(peek_leaves_what_recv_then_gives),
		BED_TEST(recv_pkt_gives_the_packet_without_its_headers),
		BED_TEST(send_takes_what_fits_the_send_buffer_and_refuses_the_rest),
		BED_TEST(send_without_packets_takes_less_and_the_writer_is_called_10_ms_later),
		BED_TEST(send_leaves_the_reserve_of_packets_alone),
		BED_TEST(send_pkt_takes_the_packet_over_only_on_success),
		BED_TEST(send_more_marks_no_end_of_a_write),
		BED_TEST(a_cork_holds_a_short_segment_for_one_timeout_to_the_millisecond),
		BED_TEST(abort_all_ends_everything),
		BED_TEST(a_reset_that_takes_unread_data_is_not_read_as_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
