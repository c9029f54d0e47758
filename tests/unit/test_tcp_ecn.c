/* SPDX-License-Identifier: BSD-3-Clause */
/* ECN: who has it, marks in and out, and one reduction per round trip (RFC 3168). */
#include "unit/tcp_unit.h"

#define MSS 1460u

static void
start(struct bed_peer *p, struct tcp_bed *bed, unsigned int segments)
{
	static const uint8_t bytes[MSS];

	bed_peer_init(p, bed);
	p->syn_flags = TCP_ECE | TCP_CWR;
	bed_peer_reach(p, TCPS_ESTABLISHED);
	for (unsigned int i = 0; i < segments; i++)
		tcp_send(bed->stack, &bed->env, p->h, bytes, MSS, 0);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
}

static void
marked(struct bed_peer *p, uint16_t flags, uint16_t len, int32_t seq)
{
	struct tcp_seg seg = bed_peer_seg(p, flags, len);

	seg.seq += (uint32_t)seq;
	seg.ecn = IP_ECN_CE;
	bed_peer_send_seg(p, &seg);
}

static void
a_syn_gets_ecn_if_it_asks_and_the_tunable_allows(void **state)
{
	static const struct {
		uint32_t tun;
		uint16_t flags;
		uint8_t ecn;
		bool want;
	} rows[] = {
		{ 2, TCP_ECE | TCP_CWR, IP_ECN_NOT_ECT, true },
		{ 1, TCP_ECE | TCP_CWR, IP_ECN_NOT_ECT, true },
		{ 0, TCP_ECE | TCP_CWR, IP_ECN_NOT_ECT, false },
		{ 2, TCP_ECE, IP_ECN_NOT_ECT, false },
		{ 2, TCP_CWR, IP_ECN_NOT_ECT, false },
		{ 2, 0, IP_ECN_NOT_ECT, false },
		{ 2, TCP_ECE | TCP_CWR, IP_ECN_ECT0, false },
		{ 2, TCP_ECE | TCP_CWR, IP_ECN_ECT1, false },
		{ 2, TCP_ECE | TCP_CWR, IP_ECN_CE, false },
		/* Accurate ECN falls back to this (RFC 9768 s3.1.1). */
		{ 2, TCP_AE | TCP_ECE | TCP_CWR, IP_ECN_NOT_ECT, true },
	};
	struct tcp_bed *bed = *state;

	tcp_bed_listen(bed, 100);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tcp_seg seg;
		struct bed_peer p;

		bed->tun.tcp_ecn = rows[i].tun;
		bed_peer_init(&p, bed);
		seg = bed_peer_seg(&p, TCP_SYN | rows[i].flags, 0);
		seg.ecn = rows[i].ecn;
		bed_peer_send_seg(&p, &seg);
		assert_true(tcp_bed_take(bed));
		assert_int_equal((bed->sent.flags & TCP_ECE) != 0, rows[i].want);
		assert_int_equal(bed->sent.flags & TCP_CWR, 0);
		assert_int_equal(bed->sent.ecn, IP_ECN_NOT_ECT);
	}
}

/* The cookie has to say as much as the queue entry would. */
static void
a_cookie_keeps_ecn_with_timestamps_only(void **state)
{
	static const bool rows[] = { true, false };
	struct tcp_bed *bed = *state;

	bed->tun.tcp_syncookies = 2;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		p.syn_flags = TCP_ECE | TCP_CWR;
		p.offer = rows[i] ? TCP_OPT_TS : 0;
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		assert_int_equal((bed_peer_conn(&p)->flags & TF_ECN) != 0, rows[i]);
	}
}

/* s6.1.5: somebody beside the path must not slow us down. */
static void
a_mark_out_of_the_window_is_not_echoed(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	start(&p, bed, 0);
	marked(&p, TCP_ACK, 100, -1000);
	marked(&p, TCP_ACK, 100, 10 * 65536);
	assert_int_equal(bed_peer_conn(&p)->flags & TF_ECN_ECE, 0);
	marked(&p, TCP_ACK, 0, 0);
	assert_int_equal(bed_peer_conn(&p)->flags & TF_ECN_ECE, 0);
	marked(&p, TCP_ACK, 100, 0);
	assert_int_not_equal(bed_peer_conn(&p)->flags & TF_ECN_ECE, 0);
	tcp_bed_discard(bed);
}

/* Each of these would be taken on the fast path but for what it says. */
static void
the_fast_path_takes_no_segment_that_speaks_of_congestion(void **state)
{
	static const struct {
		uint16_t flags;
		uint8_t ecn;
		unsigned int fast;
	} rows[] = {
		{ TCP_ACK, IP_ECN_NOT_ECT, 1 },
		{ TCP_ACK, IP_ECN_ECT0, 1 },
		{ TCP_ACK, IP_ECN_ECT1, 1 },
		{ TCP_ACK, IP_ECN_CE, 0 },
		{ TCP_ACK | TCP_ECE, IP_ECN_ECT0, 0 },
		{ TCP_ACK | TCP_CWR, IP_ECN_ECT0, 0 },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t before = bed->ctr.TCPHPHits;
		struct tcp_seg seg;
		struct bed_peer p;

		start(&p, bed, 0);
		seg = bed_peer_seg(&p, rows[i].flags, 100);
		seg.ecn = rows[i].ecn;
		bed_peer_send_seg(&p, &seg);
		assert_int_equal(bed_peer_conn(&p)->recvq_bytes, 100);
#if !defined(SLUICE_FORCE_SLOW_PATH)
		assert_int_equal(bed->ctr.TCPHPHits - before, rows[i].fast);
#else
		assert_int_equal(bed->ctr.TCPHPHits, before);
#endif
		tcp_bed_discard(bed);
	}
}

/* s6.1.2: once in a round trip; RFC 9937 spreads the reduction over it. */
static void
ece_reduces_once_and_in_proportion_to_what_is_acknowledged(void **state)
{
	static const uint8_t bytes[MSS];
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c;

	start(&p, bed, 10);
	c = bed_peer_conn(&p);
	bed_peer_send_at(&p, 0, MSS, TCP_ACK | TCP_ECE, 0);
	assert_int_equal(tcp_cold(bed->stack, c)->ssthresh, 7 * MSS);
	bed_peer_send_at(&p, 0, 3 * MSS, TCP_ACK, 0);
	/* What is in flight is ssthresh by now; one may go in any case. */
	assert_int_equal(c->cwnd, (7 + 1) * MSS);
	bed_peer_send_at(&p, 0, 5 * MSS, TCP_ACK | TCP_ECE, 0);
	assert_int_equal(c->cwnd, 7 * MSS);
	assert_int_not_equal(c->flags & TF_RECOVERY, 0);
	/* Until CWR can have reached the peer its ECE is of the same mark. */
	bed_peer_send_at(&p, 0, 10 * MSS, TCP_ACK | TCP_ECE, 0);
	assert_int_equal(c->cwnd, 7 * MSS);
	assert_int_not_equal(c->flags & TF_RECOVERY, 0);
	assert_int_equal(bed->ctr.EcnReductions, 1);
	assert_int_equal(bed->ctr.TCPDeliveredCE, 1 + 2 + 5);
	tcp_send(bed->stack, &bed->env, p.h, bytes, MSS, 0);
	tcp_bed_flush(bed);
	bed_peer_send_at(&p, 0, 11 * MSS, TCP_ACK | TCP_ECE, 0);
	assert_int_equal(bed->ctr.EcnReductions, 2);
	assert_int_equal(tcp_cold(bed->stack, c)->ssthresh, 4 * MSS);
	tcp_bed_discard(bed);
}

/* A window is at least two segments, however often the peer complains. */
static void
ece_for_nothing_or_for_what_was_never_sent_is_ignored(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	start(&p, bed, 10);
	bed_peer_send_at(&p, 0, 20 * MSS, TCP_ACK | TCP_ECE, 0);
	bed_peer_send_at(&p, 0, -100, TCP_ACK | TCP_ECE, 0);
	assert_int_equal(bed_peer_conn(&p)->cwnd, 10 * MSS);
	bed_peer_send_at(&p, 0, 10 * MSS, TCP_ACK, 0);
	bed_peer_send_at(&p, 0, 10 * MSS, TCP_ACK | TCP_ECE, 0);
	assert_int_equal(bed->ctr.EcnReductions, 0);
	tcp_bed_discard(bed);
}

/* Behind a gap: what the mark was on is SACKed, and no ACK moves on to tell of it. */
static void
ece_that_repeats_an_ack_counts_while_something_is_in_flight(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	start(&p, bed, 10);
	bed_peer_send_at(&p, 0, 0, TCP_ACK | TCP_ECE, 0);
	assert_int_equal(bed->ctr.EcnReductions, 1);
	bed_peer_send_at(&p, 0, 0, TCP_ACK | TCP_ECE, 0);
	assert_int_equal(bed->ctr.EcnReductions, 1);
	tcp_bed_discard(bed);
}

/* s6.1.2: CWR is for every reduction, or the peer would go on with ECE for ever. */
static void
a_loss_sends_cwr_too(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	start(&p, bed, 10);
	for (unsigned int i = 0; i < 3; i++)
		bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_int_not_equal(bed_peer_conn(&p)->flags & TF_ECN_CWR, 0);
	/* ECE in recovery asks for what has been done. */
	bed_peer_send_at(&p, 0, 2 * MSS, TCP_ACK | TCP_ECE, 0);
	assert_int_equal(bed->ctr.EcnReductions, 0);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_syn_gets_ecn_if_it_asks_and_the_tunable_allows),
		BED_TEST(a_cookie_keeps_ecn_with_timestamps_only),
		BED_TEST(a_mark_out_of_the_window_is_not_echoed),
		BED_TEST(the_fast_path_takes_no_segment_that_speaks_of_congestion),
		BED_TEST(ece_reduces_once_and_in_proportion_to_what_is_acknowledged),
		BED_TEST(ece_for_nothing_or_for_what_was_never_sent_is_ignored),
		BED_TEST(ece_that_repeats_an_ack_counts_while_something_is_in_flight),
		BED_TEST(a_loss_sends_cwr_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
