/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers without a connection: RST by RFC 9293 s3.10.7.1, its budget, where it is written. */
#include "unit/tcp_unit.h"

static void
a_reset_has_the_numbers_of_rfc9293(void **state)
{
	static const struct {
		uint16_t flags, len;
		enum outcome want;
		uint16_t rst_flags;
		uint32_t ack_add;	/* to SEG.SEQ, without ACK */
	} rows[] = {
		{ TCP_SYN, 0, OUT_NO_LISTENER, TCP_RST | TCP_ACK, 1 },
		{ TCP_SYN, 100, OUT_NO_LISTENER, TCP_RST | TCP_ACK, 101 },
		{ TCP_SYN | TCP_FIN, 0, OUT_NO_LISTENER, TCP_RST | TCP_ACK, 2 },
		{ TCP_FIN, 10, OUT_NO_CONN, TCP_RST | TCP_ACK, 11 },
		{ 0, 0, OUT_NO_CONN, TCP_RST | TCP_ACK, 0 },
		{ TCP_ACK, 0, OUT_NO_CONN, TCP_RST, 0 },
		{ TCP_ACK, 1000, OUT_NO_CONN, TCP_RST, 0 },
		{ TCP_SYN | TCP_ACK, 0, OUT_NO_CONN, TCP_RST, 0 },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		bool has_ack = (rows[i].flags & TCP_ACK) != 0;
		struct tcp_seg seg;
		struct bed_peer p;

		bed_peer_init(&p, bed);
		p.ack = 0x12345678;
		seg = bed_peer_seg(&p, rows[i].flags, rows[i].len);
		assert_int_equal(bed_peer_send_seg(&p, &seg), rows[i].want);
		assert_true(bed->tx.pkts[0]->app.flags & PKT_F_REPLY_L2);
		assert_true(tcp_bed_take(bed));
		assert_int_equal(bed->sent.flags, rows[i].rst_flags);
		assert_int_equal(bed->sent.seq, has_ack ? p.ack : 0);
		assert_int_equal(bed->sent.ack, has_ack ? 0 : seg.seq + rows[i].ack_add);
		assert_int_equal(bed->sent.wnd, 0);
		assert_int_equal(bed->sent.opts.present, 0);
	}
	assert_int_equal(bed->ctr.OutRsts, ARRAY_SIZE(rows));
}

static void
a_reset_is_never_answered(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	assert_int_equal(bed_peer_send(&p, TCP_RST | TCP_ACK, 0), OUT_NO_CONN_RST);
	assert_int_equal(bed_peer_send(&p, TCP_RST, 10), OUT_NO_CONN_RST);
	assert_sent(&p, "");
}

static void
resets_are_budgeted_per_second(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_rst_ratelimit = 3;
	bed_peer_init(&p, bed);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(bed_peer_send(&p, TCP_ACK, 0),
			i < 3 ? OUT_NO_CONN : OUT_RST_RATE);
	assert_int_equal(tcp_bed_discard(bed), 3);
	assert_int_equal(bed->ctr.TcpRstRateLimited, 2);
	tcp_bed_advance(bed, 999);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 0), OUT_RST_RATE);
	tcp_bed_advance(bed, 1);
	for (unsigned int i = 0; i < 4; i++)
		bed_peer_send(&p, TCP_ACK, 0);
	assert_int_equal(tcp_bed_discard(bed), 3);
}

static void
a_lower_budget_counts_at_once(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_send(&p, TCP_ACK, 0);
	bed->tun.tcp_rst_ratelimit = 2;
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(bed_peer_send(&p, TCP_ACK, 0),
			i < 2 ? OUT_NO_CONN : OUT_RST_RATE);
	bed->tun.tcp_rst_ratelimit = 0;
	tcp_bed_advance(bed, 2000);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 0), OUT_RST_RATE);
	assert_int_equal(tcp_bed_discard(bed), 3);
}

static void
a_budget_of_zero_is_silence(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_rst_ratelimit = 0;
	bed_peer_init(&p, bed);
	assert_int_equal(bed_peer_send(&p, TCP_SYN, 0), OUT_RST_RATE);
	assert_sent(&p, "");
}

static void
answers_need_no_packet_of_the_pool(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	unsigned int allocs;

	tcp_bed_listen(bed, 0);
	allocs = bed->pkts.allocs;
	bed_peer_init(&p, bed);
	bed_peer_send(&p, TCP_ACK, 0);
	assert_sent(&p, "R 0+0");
	bed_peer_syn(&p);
	bed_peer_send_at(&p, -1, 0, TCP_ACK, 0);
	assert_sent(&p, "A 1+0 ack 1");
	assert_int_equal(bed->pkts.allocs, allocs);
}

/* A buffer of exact size has no room for more options than came: another packet is taken. */
static void
an_answer_longer_than_the_buffer_takes_a_packet_of_the_pool(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_seg syn;

	tcp_bed_listen(bed, 0);
	bed_peer_init(&p, bed);
	p.offer = TCP_OPT_TS | TCP_OPT_SACK_OK | TCP_OPT_WSCALE;
	syn = bed_peer_seg(&p, TCP_SYN, 0);
	syn.payload_off = 54;
	assert_int_equal(bed_peer_send_seg(&p, &syn), OUT_SYN_QUEUED);
	assert_true(tcp_bed_take(bed));
	assert_int_equal(bed->sent.opts.present, TCP_OPTS_SYN);
	bed_peer_init(&p, bed);
	p.offer = TCP_OPT_TS;
	syn = bed_peer_seg(&p, TCP_SYN, 0);
	syn.payload_off = 54;
	bed->pkts.fail_nth = 1;
	assert_int_equal(bed_peer_send_seg(&p, &syn), OUT_SYN_QUEUED);
	assert_sent(&p, "");
}

static void
without_room_to_send_answers_are_dropped_and_counted(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, q;

	tcp_bed_listen(bed, 0);
	bed_peer_init(&q, bed);
	bed_peer_syn(&q);
	while (tcp_tx_has_room(bed->stack))
		pkt_txq_put(&bed->tx, pkt_alloc(bed->env.pool));
	bed_peer_init(&p, bed);
	assert_int_equal(tcp_bed_input(bed, &(struct tcp_seg){ .key = p.key, .l3_off = 14,
		.l4_off = 34, .payload_off = 54, .flags = TCP_SYN }, 1), OUT_NO_BUFFER);
	assert_int_equal(bed_peer_send_at(&q, -1, 0, TCP_SYN, 0), OUT_NO_BUFFER);
	assert_int_equal(bed_peer_send_at(&q, 0, 7, TCP_ACK, 0), OUT_RST_RATE);
	tcp_bed_discard(bed);
}

static void
answers_to_ipv6_are_ipv6(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	int err;

	tcp_bed_listen(bed, 0);
	bed_peer_init(&p, bed);
	err = ip_addr_parse(&p.key.raddr, "2001:db8::2", 11);
	assert_int_equal(err, 0);
	p.key = flow_key_make(&p.key.raddr, 40000, 1, BED_PORT);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_send(&p, TCP_ACK, 10);
	assert_sent(&p, "A 1+0 ack 11");
	p.key.lport = 81;
	assert_int_equal(bed_peer_send(&p, TCP_SYN, 0), OUT_NO_LISTENER);
	assert_true(tcp_bed_take(bed));
	assert_int_equal(bed->sent.flags, TCP_RST | TCP_ACK);
}

/* Which of what comes without a connection still gets its RST, by the mode. */
static void
a_blackhole_is_as_deep_as_its_mode(void **state)
{
	static const struct {
		uint16_t port, flags;
		unsigned int silent_from; /* mode */
	} rows[] = {
		{ 81, TCP_SYN, 1 },
		{ 81, TCP_SYN | TCP_ACK, 1 },
		{ 81, TCP_ACK, 2 },
		{ 81, TCP_FIN | TCP_ACK, 2 },
		{ BED_PORT, TCP_SYN | TCP_ACK, 3 },
		{ BED_PORT, TCP_ACK, 3 },
	};
	struct tcp_bed *bed = *state;
	unsigned int silent = 0;

	tcp_bed_listen(bed, 0);
	for (unsigned int mode = 0; mode <= 3; mode++)
		for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
			bool quiet = mode >= rows[i].silent_from;
			struct bed_peer p;

			bed->tun.tcp_blackhole = mode;
			bed_peer_init(&p, bed);
			p.key.lport = rows[i].port;
			assert_int_equal(
				bed_peer_send(&p, rows[i].flags, 0) == OUT_BLACKHOLED, quiet);
			assert_int_equal(tcp_bed_discard(bed), !quiet);
			silent += quiet;
		}
	assert_int_equal(bed->ctr.TcpBlackholed, silent);
	assert_int_equal(bed->ctr.TcpRstRateLimited, 0);
}

/* -1: RST whatever the tunable says, 1: none; closed ports know only the tunable. */
static void
a_listener_may_have_a_blackhole_of_its_own(void **state)
{
	struct tcp_bed *bed = *state;

	for (int own = -1; own <= 1; own += 2) {
		const struct tcp_listen_params par = {
			.laddr_idx = -1,
			.port = BED_PORT,
			.syncookies = -1,
			.blackhole = own,
		};
		struct bed_peer p;

		assert_int_equal(tcp_listen(bed->stack, &bed->env, &par, &bed->listener), 0);
		bed->tun.tcp_blackhole = own < 0 ? 3 : 0;
		bed_peer_init(&p, bed);
		assert_int_equal(bed_peer_send(&p, TCP_ACK, 0),
			own < 0 ? OUT_NO_CONN : OUT_BLACKHOLED);
		p.key.lport = 81;
		assert_int_equal(bed_peer_send(&p, TCP_ACK, 0),
			own < 0 ? OUT_BLACKHOLED : OUT_NO_CONN);
		assert_int_equal(tcp_bed_discard(bed), 1);
		tcp_listener_close(bed->stack, &bed->env, bed->listener);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_reset_has_the_numbers_of_rfc9293),
		BED_TEST(a_reset_is_never_answered),
		BED_TEST(resets_are_budgeted_per_second),
		BED_TEST(a_lower_budget_counts_at_once),
		BED_TEST(a_budget_of_zero_is_silence),
		BED_TEST(answers_need_no_packet_of_the_pool),
		BED_TEST(an_answer_longer_than_the_buffer_takes_a_packet_of_the_pool),
		BED_TEST(without_room_to_send_answers_are_dropped_and_counted),
		BED_TEST(answers_to_ipv6_are_ipv6),
		BED_TEST(a_blackhole_is_as_deep_as_its_mode),
		BED_TEST(a_listener_may_have_a_blackhole_of_its_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
