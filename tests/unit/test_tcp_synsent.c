/* SPDX-License-Identifier: BSD-3-Clause */
/* SYN-SENT: our SYN, its times, what answers it, simultaneous open. */
#include "unit/tcp_unit.h"

static void
start(struct bed_peer *p, struct tcp_bed *bed)
{
	bed_peer_init(p, bed);
	p->active = true;
	bed_peer_reach(p, TCPS_SYN_SENT);
}

static void
the_syn_is_repeated_after_1_3_7_15_and_31_s_and_given_up_after_63(void **state)
{
	static const uint32_t rows_s[] = { 1, 2, 4, 8, 16 };
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	int err = 0;

	start(&p, bed);
	for (size_t i = 0; i < ARRAY_SIZE(rows_s); i++) {
		tcp_bed_advance(bed, rows_s[i] * 1000 - 1);
		assert_sent(&p, "");
		tcp_bed_advance(bed, 1);
		assert_sent(&p, "S 0+0");
	}
	tcp_bed_advance(bed, 31999);
	assert_int_equal(bed_peer_state(&p), TCPS_SYN_SENT);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	assert_int_equal(tcp_bed_events(bed, p.h, &err), TCP_EV_CONNECTED | TCP_EV_CLOSED);
	assert_int_equal(err, -ETIMEDOUT);
	assert_int_equal(bed->ctr.AttemptFails, 1);
}

/* RFC 9293 s3.10.7.3, in its order. */
static void
answers_to_the_syn_get_what_rfc9293_says(void **state)
{
	static const struct {
		int32_t ack;
		uint16_t flags;
		enum outcome want;
		enum tcp_state then;
		const char *sent;
	} rows[] = {
		{ 0, TCP_SYN | TCP_ACK, OUT_SYN_SENT_DONE, TCPS_ESTABLISHED, "A 1+0 ack 1" },
		{ 1, TCP_SYN | TCP_ACK, OUT_SYN_SENT_BAD_ACK, TCPS_SYN_SENT, "R 2+0" },
		{ -1, TCP_SYN | TCP_ACK, OUT_SYN_SENT_BAD_ACK, TCPS_SYN_SENT, "R 0+0" },
		{ 0, TCP_ACK, OUT_SYN_SENT_BAD_ACK, TCPS_SYN_SENT, "" },
		{ 5, TCP_ACK, OUT_SYN_SENT_BAD_ACK, TCPS_SYN_SENT, "R 6+0" },
		{ 0, TCP_RST | TCP_ACK, OUT_RST_ACCEPTED, TCPS_CLOSED, "" },
		{ 1, TCP_RST | TCP_ACK, OUT_SYN_SENT_BAD_ACK, TCPS_SYN_SENT, "" },
		{ 0, TCP_RST, OUT_RST_IGNORED, TCPS_SYN_SENT, "" },
		{ 0, TCP_SYN, OUT_SYN_SENT_DONE, TCPS_SYN_RECEIVED, "SA 0+0 ack 1" },
		{ 0, TCP_FIN, OUT_NO_ACK_FLAG, TCPS_SYN_SENT, "" },
		{ 0, 0, OUT_NO_ACK_FLAG, TCPS_SYN_SENT, "" },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		start(&p, bed);
		assert_int_equal(bed_peer_send_at(&p, 0, rows[i].ack, rows[i].flags, 0),
			rows[i].want);
		assert_sent(&p, rows[i].sent);
		assert_sent(&p, "");
		assert_int_equal(bed_peer_state(&p), rows[i].then);
		if (rows[i].then != TCPS_CLOSED)
			tcp_abort(bed->stack, &bed->env, p.h);
		tcp_bed_events(bed, p.h, NULL);
	}
}

static void
the_owner_hears_how_it_went(void **state)
{
	static const struct {
		uint16_t flags;
		uint32_t what;
		int err;
	} rows[] = {
		{ TCP_SYN | TCP_ACK, TCP_EV_CONNECTED, 0 },
		{ TCP_RST | TCP_ACK, TCP_EV_CONNECTED | TCP_EV_CLOSED, -ECONNREFUSED },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		int err = 1;

		start(&p, bed);
		bed_peer_send(&p, rows[i].flags, 0);
		assert_int_equal(tcp_bed_events(bed, p.h, &err), rows[i].what);
		assert_int_equal(err, rows[i].err);
		tcp_bed_discard(bed);
	}
}

static void
our_syn_offers_what_the_tunables_allow(void **state)
{
	static const struct {
		uint32_t ts, sack, wscale;
		uint8_t want;
	} rows[] = {
		{ 1, 1, 1, TCP_OPT_MSS | TCP_OPT_TS | TCP_OPT_SACK_OK | TCP_OPT_WSCALE },
		{ 0, 1, 1, TCP_OPT_MSS | TCP_OPT_SACK_OK | TCP_OPT_WSCALE },
		{ 1, 0, 1, TCP_OPT_MSS | TCP_OPT_TS | TCP_OPT_WSCALE },
		{ 1, 1, 0, TCP_OPT_MSS | TCP_OPT_TS | TCP_OPT_SACK_OK },
		{ 0, 0, 0, TCP_OPT_MSS },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		tcp_handle h;

		bed->tun.tcp_timestamps = rows[i].ts;
		bed->tun.tcp_sack = rows[i].sack;
		bed->tun.tcp_window_scaling = rows[i].wscale;
		bed_peer_init(&p, bed);
		assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h), 0);
		assert_true(tcp_bed_take(bed));
		assert_int_equal(bed->sent.opts.present, rows[i].want);
		assert_int_equal(bed->sent.opts.tsecr, 0);
		assert_int_equal(bed->sent.wnd, 64240);
	}
}

static void
the_connection_uses_what_both_offered(void **state)
{
	static const uint8_t rows[] = { 0, TCP_OPT_TS, TCP_OPT_SACK_OK, TCP_OPT_WSCALE,
		TCP_OPT_TS | TCP_OPT_SACK_OK | TCP_OPT_WSCALE };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tcp_conn *c;
		struct bed_peer p;

		bed_peer_init(&p, bed);
		p.active = true;
		p.offer = rows[i];
		p.wscale = 5;
		p.wnd = 1000;
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		c = bed_peer_conn(&p);
		assert_int_equal((c->flags & TF_TS) != 0, (rows[i] & TCP_OPT_TS) != 0);
		assert_int_equal((c->flags & TF_SACK) != 0, (rows[i] & TCP_OPT_SACK_OK) != 0);
		assert_int_equal(c->rcv_wscale, rows[i] & TCP_OPT_WSCALE ? 7 : 0);
		/* The window of a SYN is never scaled. */
		assert_int_equal(c->snd_wnd, 1000);
		bed_peer_send(&p, TCP_ACK, 1);
		assert_int_equal(c->snd_wnd, rows[i] & TCP_OPT_WSCALE ? 32000 : 1000);
		tcp_bed_discard(bed);
	}
}

static void
an_echo_of_what_was_never_sent_is_refused(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	start(&p, bed);
	p.offer = TCP_OPT_TS;
	p.tsecr++;
	assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_SYN | TCP_ACK, 0), OUT_SYN_SENT_BAD_ACK);
	assert_int_equal(bed->ctr.PAWSActive, 1);
	p.tsecr--;
	assert_int_equal(bed_peer_send(&p, TCP_SYN | TCP_ACK, 0), OUT_SYN_SENT_DONE);
	tcp_bed_discard(bed);
}

static void
syns_that_cross_open_one_connection(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	int err = 1;

	bed_peer_init(&p, bed);
	p.active = true;
	bed_peer_reach(&p, TCPS_SYN_RECEIVED);
	/* Its SYN-ACK repeats the SYN that crossed ours. */
	assert_int_equal(bed_peer_send_at(&p, -1, 0, TCP_SYN | TCP_ACK, 0), OUT_PURE_ACK);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	assert_int_equal(tcp_bed_events(bed, p.h, &err), TCP_EV_CONNECTED);
	assert_int_equal(err, 0);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 10), OUT_DELIVERED);
	tcp_bed_discard(bed);
}

static void
without_a_packet_the_syn_is_sent_by_the_timer(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed->pkts.fail_nth = 1;
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &p.h), 0);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1000);
	assert_true(tcp_bed_take(bed));
	assert_int_equal(bed->sent.flags, TCP_SYN);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(the_syn_is_repeated_after_1_3_7_15_and_31_s_and_given_up_after_63),
		BED_TEST(answers_to_the_syn_get_what_rfc9293_says),
		BED_TEST(the_owner_hears_how_it_went),
		BED_TEST(our_syn_offers_what_the_tunables_allow),
		BED_TEST(the_connection_uses_what_both_offered),
		BED_TEST(an_echo_of_what_was_never_sent_is_refused),
		BED_TEST(syns_that_cross_open_one_connection),
		BED_TEST(without_a_packet_the_syn_is_sent_by_the_timer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
