/* SPDX-License-Identifier: BSD-3-Clause */
/* DCTCP: the share of marks, what it does to the window, and the receiver's half (RFC 8257). */
#include "unit/tcp_unit.h"

#define MSS 1460u
#define ONE (1u << 20)

static struct tcp_conn *
start(struct bed_peer *p, struct tcp_bed *bed, uint32_t cwnd)
{
	struct tcp_conn *c;

	bed->tun.tcp_congestion_control = TUN_CC_DCTCP;
	bed_peer_init(p, bed);
	p->syn_flags = TCP_ECE | TCP_CWR;
	bed_peer_reach(p, TCPS_ESTABLISHED);
	c = bed_peer_conn(p);
	c->cwnd = cwnd;
	tcp_cold(bed->stack, c)->ssthresh = cwnd;
	c->snd_nxt = c->snd_una + cwnd;
	return c;
}

static void
stop(struct bed_peer *p)
{
	struct tcp_conn *c = bed_peer_conn(p);

	c->snd_una = c->snd_nxt = p->iss + 1;
}

/* A window of ten segments, the first n of which were marked, and one byte of the next. */
static void
window_of(struct tcp_bed *bed, struct tcp_conn *c, unsigned int n)
{
	for (unsigned int i = 0; i < 10; i++) {
		if (i < n)
			tcp_cc_dctcp.on_ce(bed->stack, c, MSS);
		c->snd_una += MSS;
		tcp_cc_dctcp.on_ack(bed->stack, c, MSS);
	}
	c->snd_nxt = c->snd_una + 10 * MSS;
}

/* s3.3: alpha follows the share of marks by a sixteenth of the difference a window. */
static void
alpha_follows_the_share_of_marked_bytes(void **state)
{
	static const unsigned int rows[] = { 0, 3, 10 };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		struct tcp_conn *c = start(&p, bed, 10 * MSS);
		const struct tcp_dctcp *d = &tcp_cold(bed->stack, c)->ccs.dctcp;

		window_of(bed, c, 0);
		assert_int_equal(d->alpha, ONE);
		for (unsigned int w = 0; w < 200; w++)
			window_of(bed, c, rows[i]);
		assert_in_range(d->alpha + ONE / 50, rows[i] * (ONE / 10),
			rows[i] * (ONE / 10) + ONE / 20);
		stop(&p);
	}
}

static void
marks_shrink_by_half_of_alpha_and_a_loss_by_half(void **state)
{
	static const struct {
		uint32_t alpha, want;
	} rows[] = {
		{ ONE, 50 * MSS },
		{ ONE / 2, 75 * MSS },
		{ ONE / 10, 95 * MSS },
		{ 0, 100 * MSS },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		struct tcp_conn *c = start(&p, bed, 100 * MSS);

		tcp_cold(bed->stack, c)->ccs.dctcp.alpha = rows[i].alpha;
		assert_in_range(tcp_cc_dctcp.ssthresh_ce(bed->stack, c), rows[i].want,
			rows[i].want + 1);
		assert_int_equal(tcp_cc_dctcp.ssthresh(bed->stack, c), 50 * MSS);
		stop(&p);
	}
}

/* Without marks to hear of it would be blind, so it asks whatever tcp_ecn says. */
static void
it_has_ecn_with_the_tunable_off(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_ecn = 0;
	start(&p, bed, 10 * MSS);
	assert_int_not_equal(bed_peer_conn(&p)->flags & TF_ECN, 0);
	stop(&p);
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_SYN_SENT);
	assert_int_not_equal(bed_peer_conn(&p)->flags & TF_ECN, 0);
	tcp_bed_discard(bed);
}

static void
receive(struct bed_peer *p, uint8_t ecn)
{
	struct tcp_seg seg = bed_peer_seg(p, TCP_ACK, 100);

	seg.ecn = ecn;
	bed_peer_send_seg(p, &seg);
	p->seq += 100;
}

/* s3.2: an ACK never covers marked and unmarked segments together. */
static void
a_change_of_marks_acknowledges_what_came_before_it(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	start(&p, bed, 10 * MSS);
	stop(&p);
	bed_peer_conn(&p)->quickacks = 0;
	receive(&p, IP_ECN_ECT0);
	assert_sent(&p, "");
	receive(&p, IP_ECN_CE);
	assert_sent(&p, "A 1+0 ack 101");
	assert_sent(&p, "AE 1+0 ack 201");
	/* Of the same kind: delayed as ever. */
	receive(&p, IP_ECN_CE);
	assert_sent(&p, "");
	receive(&p, IP_ECN_ECT0);
	assert_sent(&p, "AE 1+0 ack 301");
	assert_sent(&p, "A 1+0 ack 401");
	receive(&p, IP_ECN_ECT0);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 100);
	assert_sent(&p, "A 1+0 ack 501");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(alpha_follows_the_share_of_marked_bytes),
		BED_TEST(marks_shrink_by_half_of_alpha_and_a_loss_by_half),
		BED_TEST(it_has_ecn_with_the_tunable_off),
		BED_TEST(a_change_of_marks_acknowledges_what_came_before_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
