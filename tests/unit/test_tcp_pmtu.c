/* SPDX-License-Identifier: BSD-3-Clause */
/* Path MTU: lowered by what can be true, sent again without a sign of congestion, tried anew. */
#include "unit/recovery.h"

#include "tcp/tcp_int.h"

static void
report(struct bed_peer *p, uint16_t mtu, uint16_t quoted_len)
{
	struct tcp_bed *bed = p->bed;
	const struct icmp_report r = {
		.key = p->key,
		.seq = bed_peer_conn(p)->snd_una,
		.err = EMSGSIZE,
		.mtu = mtu,
		.quoted_len = quoted_len,
		.kind = ICMP_REPORT_TOO_BIG,
	};

	tcp_icmp_input(bed->stack, &bed->env, &r);
	tcp_bed_flush(bed);
}

static void
open_and_send(struct bed_peer *p, struct tcp_bed *bed, size_t len)
{
	static const uint8_t data[20000];

	bed_peer_init(p, bed);
	bed_peer_reach(p, TCPS_ESTABLISHED);
	assert_int_equal(tcp_send(bed->stack, &bed->env, p->h, data, len, 0), (ptrdiff_t)len);
	tcp_bed_flush(bed);
}

static void
what_was_too_big_goes_again_in_pieces_with_the_same_window(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint32_t cwnd, ssthresh;

	open_and_send(&p, bed, 2920);
	assert_sent(&p, "A 1+1460 ack 1");
	assert_sent(&p, "PA 1461+1460 ack 1");
	cwnd = bed_peer_conn(&p)->cwnd;
	ssthresh = tcp_cold(bed->stack, bed_peer_conn(&p))->ssthresh;
	report(&p, 1400, 1500);
	assert_sent(&p, "A 1+1360 ack 1");
	assert_sent(&p, "A 1361+100 ack 1");
	assert_sent(&p, "A 1461+1360 ack 1");
	assert_sent(&p, "PA 2821+100 ack 1");
	assert_sent(&p, "");
	assert_int_equal(bed_peer_conn(&p)->cwnd, cwnd);
	assert_int_equal(tcp_cold(bed->stack, bed_peer_conn(&p))->ssthresh, ssthresh);
	/* The report about the second one changes nothing more. */
	report(&p, 1400, 1500);
	assert_sent(&p, "");
	assert_int_equal(bed->ctr.PmtuLowered, 1);
	bed_peer_send_at(&p, 0, 2920, TCP_ACK, 0);
	bed_peer_saw(&p, 2920);
	assert_int_equal(bed->ctr.TCPTimeouts, 0);
	tcp_bed_discard(bed);
}

/* below the floor, or not below what was sent. */
static void
a26_impossible_mtu_is_refused(void **state)
{
	static const struct {
		uint16_t mtu, quoted_len;
	} rows[] = { { 1, 1500 }, { 68, 1500 }, { 551, 1500 }, { 1500, 1500 }, { 1400, 1400 },
		{ 1400, 40 }, { 65535, 1500 } };
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_and_send(&p, bed, 1460);
	tcp_bed_discard(bed);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		report(&p, rows[i].mtu, rows[i].quoted_len);
		assert_int_equal(bed_peer_conn(&p)->mss, 1460);
		assert_int_equal(bed->ctr.PmtuRefused, i + 1);
		assert_sent(&p, "");
	}
	report(&p, 552, 1500);
	assert_int_equal(bed_peer_conn(&p)->mss, 512);
	/* The floor is the operator's. */
	bed->tun.min_pmtu = 400;
	report(&p, 400, 552);
	assert_int_equal(bed_peer_conn(&p)->mss, 360);
	tcp_bed_discard(bed);
}

static void
router_that_does_not_say_means_the_next_plateau(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_and_send(&p, bed, 1460);
	tcp_bed_discard(bed);
	report(&p, 0, 1500);
	assert_int_equal(bed_peer_conn(&p)->mss, 1492 - 40);
	report(&p, 0, 1492);
	assert_int_equal(bed_peer_conn(&p)->mss, 1006 - 40);
	report(&p, 0, 1006);
	assert_int_equal(bed_peer_conn(&p)->mss, 552 - 40);
	report(&p, 0, 552);
	assert_int_equal(bed_peer_conn(&p)->mss, 552 - 40);
	tcp_bed_discard(bed);
}

static void
full_size_is_tried_again_after_mtu_expires(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.mtu_expires = 60;
	open_and_send(&p, bed, 1460);
	report(&p, 1400, 1500);
	tcp_bed_discard(bed);
	bed_peer_send_at(&p, 0, 1460, TCP_ACK, 0);
	bed_peer_saw(&p, 1460);
	tcp_bed_advance(bed, 60000 - 1);
	assert_int_equal(bed_peer_conn(&p)->mss, 1360);
	tcp_bed_advance(bed, 1);
	assert_int_equal(bed_peer_conn(&p)->mss, 1460);
	assert_int_equal(bed->ctr.PmtuRaised, 1);
}

static void
black_hole_is_escaped_only_if_asked_for(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_and_send(&p, bed, 1460);
	tcp_bed_advance(bed, 15000);
	assert_int_equal(bed_peer_conn(&p)->mss, 1460);
	bed->tun.tcp_mtu_probing = 1;
	tcp_bed_advance(bed, 30000);
	assert_int_equal(bed_peer_conn(&p)->mss, bed->tun.tcp_base_mss);
	assert_true(bed->ctr.TCPMTUPFail > 0);
	tcp_bed_discard(bed);
	tcp_bed_advance(bed, 600000);
	assert_true(bed_peer_conn(&p)->mss >= bed->tun.tcp_min_snd_mss);
	tcp_bed_discard(bed);
}

/* The repair of a loss ends, and with it the way down to the window that it leaves. */
static void
a_report_in_recovery_leaves_the_reduced_window(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c;

	open_with_flight(&p, bed, 0, 40);
	c = bed_peer_conn(&p);
	for (unsigned int i = 0; i < TCP_DUPACK_THRESHOLD; i++)
		bed_peer_send_at(&p, 0, 0, TCP_ACK, 0);
	assert_true(c->flags & TF_RECOVERY);
	assert_true(c->cwnd > tcp_cold(bed->stack, c)->ssthresh);
	tcp_bed_discard(bed);
	report(&p, 1400, 1500);
	assert_false(c->flags & TF_RECOVERY);
	assert_int_equal(c->cwnd, tcp_cold(bed->stack, c)->ssthresh);
	assert_sent(&p, "A 1+1360 ack 1");
	tcp_bed_discard(bed);
}

/* A recovery that ends sets cwnd to ssthresh, which must be worth a segment (I-7). */
static void
a_threshold_of_small_segments_is_two_of_the_larger_ones(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_cold *cold;
	struct bed_peer p;

	open_and_send(&p, bed, 10 * 1460);
	tcp_bed_discard(bed);
	report(&p, 600, 1500);
	tcp_bed_discard(bed);
	cold = tcp_cold(bed->stack, bed_peer_conn(&p));
	cold->ssthresh = 2 * bed_peer_conn(&p)->mss;
	assert_int_equal(cold->ssthresh, 2 * 560);
	bed_peer_saw(&p, 10 * 1460);
	bed_peer_send(&p, TCP_ACK, 0);
	tcp_bed_advance(bed, 1000 * bed->tun.mtu_expires);
	assert_int_equal(bed_peer_conn(&p)->mss, 1460);
	assert_int_equal(cold->ssthresh, 2 * 1460);
	assert_true(bed_peer_conn(&p)->cwnd >= 1460);
	tcp_bed_discard(bed);
}

/* A peer that begins with a small window: no segment is larger than half of it (as Linux). */
static void
a_larger_window_makes_larger_segments_and_as_many_of_them(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_cold *cold;
	struct tcp_conn *c;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	p.wnd = 1000;
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	c = bed_peer_conn(&p);
	cold = tcp_cold(bed->stack, c);
	assert_int_equal(c->mss, 500);
	c->cwnd = 8 * 500;
	cold->ssthresh = 6 * 500;
	p.wnd = 65535;
	bed_peer_send(&p, TCP_ACK, 0);
	assert_int_equal(c->mss, 1460);
	assert_int_equal(c->cwnd, 8 * 1460);
	assert_int_equal(cold->ssthresh, 6 * 1460);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(what_was_too_big_goes_again_in_pieces_with_the_same_window),
		BED_TEST(a26_impossible_mtu_is_refused),
		BED_TEST(router_that_does_not_say_means_the_next_plateau),
		BED_TEST(full_size_is_tried_again_after_mtu_expires),
		BED_TEST(black_hole_is_escaped_only_if_asked_for),
		BED_TEST(a_report_in_recovery_leaves_the_reduced_window),
		BED_TEST(a_threshold_of_small_segments_is_two_of_the_larger_ones),
		BED_TEST(a_larger_window_makes_larger_segments_and_as_many_of_them),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
