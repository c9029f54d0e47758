/* SPDX-License-Identifier: BSD-3-Clause */
/* The attacks of the catalogue on our sending side: a receiver that lies about what it got. */
#include "unit/recovery.h"

#define ROUND_MS 20u

static const uint8_t zeros[1u << 20];

/* Keep the queue ahead of the window. */
static void
feed(struct bed_peer *p)
{
	struct tcp_conn *c = bed_peer_conn(p);
	uint32_t queued = c->write_seq - c->snd_una;
	uint32_t wanted = 3 * c->cwnd;

	/* More than the window grows by until the next time. */
	while (queued < wanted)
		queued += (uint32_t)tcp_send(p->bed->stack, &p->bed->env, p->h, zeros,
			min_u32(sizeof(zeros), wanted - queued), 0);
	tcp_bed_flush(p->bed);
}

static void
open_towards(struct bed_peer *p, struct tcp_bed *bed, uint8_t offer, uint16_t mss)
{
	bed_peer_init(p, bed);
	p->offer = offer | TCP_OPT_WSCALE;
	p->wscale = 10;
	p->mss = mss;
	bed_peer_reach(p, TCPS_ESTABLISHED);
	tcp_cold(bed->stack, bed_peer_conn(p))->sndbuf = 1u << 29;
	bed_peer_conn(p)->flags |= TF_SNDBUF_FIXED;
}

static unsigned int
runs_of(const struct bed_peer *p)
{
	return score_of(p) == NULL ? 0 : score_of(p)->runs;
}

/* --- SACK --- */

/* Payload of a full segment, timestamps taken off. */
static void
a13_no_mss_option_makes_segments_smaller_than_the_floor(void **state)
{
	static const uint32_t floors[] = { 88, 216, 48 };
	struct tcp_bed *bed = *state;

	bed->par.conns_max = 2000;
	tcp_bed_start(bed);
	for (size_t f = 0; f < ARRAY_SIZE(floors); f++)
		for (uint16_t mss = 0; mss <= 220; mss++) {
			struct tcp_seg syn;
			struct bed_peer p;

			bed->tun.tcp_min_snd_mss = floors[f];
			if (bed->listener == 0)
				tcp_bed_listen(bed, 0);
			bed_peer_init(&p, bed);
			p.offer = mss % 2 ? TCP_OPT_TS : 0;
			syn = bed_peer_seg(&p, TCP_SYN, 0);
			syn.opts.present |= TCP_OPT_MSS;
			syn.opts.mss = mss;
			p.seq++;
			bed_peer_send_seg(&p, &syn);
			assert_true(tcp_bed_take(bed));
			p.ack = bed->sent.seq + 1;
			p.tsecr = bed->sent.opts.tsval;
			bed_peer_ack_syn(&p);
			assert_int_equal(bed_peer_conn(&p)->mss,
				max_u32(mss, floors[f]) - (mss % 2 ? TCP_TS_LEN : 0));
			bed_peer_send(&p, TCP_RST | TCP_ACK, 0);
		}
	assert_int_equal(bed->ctr.MssRaised, 88 + 216 + 48);
}

/* Blocks of any begin and length within what is in flight, and beyond. */
static void
send_storm(struct bed_peer *p, struct rng *rng)
{
	struct tcp_conn *c = bed_peer_conn(p);
	struct tcp_seg seg = bed_peer_seg(p, TCP_ACK, 0);
	uint32_t flight = c->snd_nxt - c->snd_una;

	seg.ack = c->snd_una;
	seg.opts.present |= TCP_OPT_SACK;
	seg.opts.nsack = (uint8_t)(1 + rng_below(rng, 4));
	for (unsigned int i = 0; i < seg.opts.nsack; i++) {
		uint32_t start = c->snd_una + rng_below(rng, flight + 1000) - 500;

		seg.opts.sack[i][0] = start;
		seg.opts.sack[i][1] = start + rng_below(rng, 200);
	}
	bed_peer_send_seg(p, &seg);
}

static void
a13_a_storm_of_sacks_over_segments_of_48_bytes_breaks_no_count(void **state)
{
	struct tcp_bed *bed = *state;
	unsigned int queued;
	struct bed_peer p;
	struct rng rng;

	rng_seed(&rng, 13);
	bed->tun.tcp_min_snd_mss = 48;
	open_towards(&p, bed, TCP_OPT_SACK_OK, 48);
	bed_peer_conn(&p)->cwnd = 3000 * 48;
	tcp_send(bed->stack, &bed->env, p.h, zeros, 3000 * 48, 0);
	/* A moment after each other, or the last of them would wait for an ACK to make a chunk. */
	for (unsigned int i = 0; i < 20; i++) {
		tcp_bed_advance(bed, 2);
		tcp_bed_discard(bed);
	}
	assert_int_equal(bed_peer_conn(&p)->snd_nxt - bed_peer_conn(&p)->snd_una, 3000 * 48);
	queued = bed->pkts.outstanding;
	for (unsigned int i = 0; i < 1500; i++) {
		/* The invariants are checked with each: sacked, lost, retransmitted, pending. */
		send_storm(&p, &rng);
		tcp_bed_discard(bed);
		assert_in_range(runs_of(&p), 0, TCP_RANGES_PER_CONN);
		/* A block inside a segment cuts nothing: no packet is added. */
		assert_in_range(bed->pkts.outstanding, queued, queued + 1);
		if (i % 100 == 99)
			tcp_bed_advance(bed, 50);
		tcp_bed_discard(bed);
	}
	/* All of it acknowledged: nothing is left of it. */
	p.ack = bed_peer_conn(&p)->snd_nxt;
	bed_peer_send(&p, TCP_ACK, 0);
	assert_int_equal(bed->stack->ranges_used, 0);
	assert_int_equal(bed->pkts.outstanding, 0);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
}

static void
a14_sack_of_every_other_segment_costs_a_bounded_list_and_no_packet(void **state)
{
	struct tcp_bed *bed = *state;
	unsigned int allocs;
	struct bed_peer p;

	open_towards(&p, bed, TCP_OPT_SACK_OK, 88);
	bed_peer_conn(&p)->cwnd = 2000 * 88;
	tcp_send(bed->stack, &bed->env, p.h, zeros, 2000 * 88, 0);
	for (unsigned int i = 0; i < 10; i++) {
		tcp_bed_flush(bed);
		tcp_bed_discard(bed);
	}
	allocs = bed->pkts.allocs;
	for (uint32_t i = 2; i <= 2000; i += 2) {
		send_sack(&p, 0, i, i);
		tcp_bed_discard(bed);
		assert_in_range(runs_of(&p), 1, TCP_RANGES_PER_CONN);
	}
	assert_int_equal(bed->stack->ranges_used, TCP_RANGES_PER_CONN);
	assert_int_equal(bed->pkts.allocs, allocs);
	/* The begin of a block is sought over 256 packets an ACK, so far away it is not found. */
	assert_in_range(score_of(&p)->sacked_pkts, TCP_RANGES_PER_CONN, 3 * TCP_RANGES_PER_CONN);
	send_sack(&p, 2000, 0, 0);
	assert_int_equal(bed->stack->ranges_used, 0);
	tcp_bed_discard(bed);
}

#define TINY 600u		/* segments of a byte in flight */
#define TINY_ACKS 512u

/* After a long download, from a service that answers in single bytes. */
static void
open_with_tiny_segments(struct bed_peer *p, struct tcp_bed *bed)
{
	struct tcp_conn *c;

	open_towards(p, bed, TCP_OPT_SACK_OK, 1460);
	c = bed_peer_conn(p);
	c->flags |= TF_NODELAY;
	c->cwnd = 100 * 1460;
	for (uint32_t i = 0; i < TINY; i++) {
		assert_int_equal(tcp_send(bed->stack, &bed->env, p->h, zeros, 1, 0), 1);
		tcp_bed_flush(bed);
		tcp_bed_discard(bed);
	}
	assert_int_equal(c->snd_nxt - c->snd_una, TINY);
	/* A round trip goes by. */
	tcp_bed_advance(bed, ROUND_MS);
	tcp_bed_discard(bed);
}

/* Three blocks of a byte, elsewhere each time; of the others some come to be thought lost. */
static void
sack_three_bytes(struct bed_peer *p, struct rng *rng)
{
	struct tcp_seg seg = bed_peer_seg(p, TCP_ACK, 0);

	seg.ack = bed_peer_conn(p)->snd_una;
	seg.opts.present |= TCP_OPT_SACK;
	seg.opts.nsack = 3;
	for (unsigned int i = 0; i < 3; i++) {
		seg.opts.sack[i][0] = seg.ack + 1 + 2 * rng_below(rng, TINY / 2);
		seg.opts.sack[i][1] = seg.opts.sack[i][0] + 1;
	}
	bed_peer_send_seg(p, &seg);
}

/* An ACK makes as many be sent again as cwnd has room for full segments: one, seldom two. */
static void
a14_sack_of_single_bytes_makes_one_short_segment_go_again_for_each_ack(void **state)
{
	static const unsigned int apart_ms[] = { 0, 1, 30 };
	struct tcp_bed *bed = *state;

	/* With it they go again many in one, and hardly ever. */
	bed->tun.tcp_retrans_collapse = 0;
	for (size_t i = 0; i < ARRAY_SIZE(apart_ms); i++) {
		uint64_t before = bed->ctr.RetransSegs;
		struct bed_peer p;
		struct rng rng;

		rng_seed(&rng, 14);
		open_with_tiny_segments(&p, bed);
		for (unsigned int n = 0; n < TINY_ACKS; n++) {
			uint64_t was = bed->ctr.RetransSegs;

			sack_three_bytes(&p, &rng);
			tcp_bed_discard(bed);
			assert_in_range(bed->ctr.RetransSegs - was, 0, 2);
			tcp_bed_advance(bed, apart_ms[i]);
			tcp_bed_discard(bed);
		}
		/* Timeouts and RACK's timer send some, too; at once nothing can be late yet. */
		assert_in_range(bed->ctr.RetransSegs - before,
			apart_ms[i] > 0 ? TINY_ACKS / 8 : 0, 2 * TINY_ACKS);
		bed_peer_send(&p, TCP_RST | TCP_ACK, 0);
		tcp_bed_events(bed, p.h, NULL);
	}
}

/* --- ACKs of what was not received --- */

static void
a15_an_ack_of_what_was_not_sent_moves_nothing(void **state)
{
	struct tcp_bed *bed = *state;
	uint32_t una, nxt, cwnd;
	struct bed_peer p;

	open_towards(&p, bed, 0, 1460);
	feed(&p);
	tcp_bed_discard(bed);
	una = bed_peer_conn(&p)->snd_una;
	nxt = bed_peer_conn(&p)->snd_nxt;
	cwnd = bed_peer_conn(&p)->cwnd;
	assert_int_equal(nxt - una, 10 * 1460);
	/* From the next byte on to half of the number space, and what is older than a window. */
	for (uint32_t ahead = 1; ahead < 1u << 31; ahead += ahead / 16 + 1) {
		p.ack = nxt + ahead;
		assert_int_equal(bed_peer_send(&p, TCP_ACK, 0), OUT_BAD_ACK);
		assert_int_equal(bed_peer_conn(&p)->snd_una, una);
		assert_int_equal(bed_peer_conn(&p)->snd_nxt, nxt);
		assert_int_equal(bed_peer_conn(&p)->cwnd, cwnd);
	}
	/* One answer in tcp_invalid_ratelimit, without data. */
	while (tcp_bed_take(bed))
		assert_int_equal(bed->sent.len, 0);
	assert_int_equal(bed->ctr.TCPChallengeACK, 1);
}

/* Everything is acknowledged the moment it leaves. */
static void
a15_optimistic_acks_gain_no_more_than_what_was_sent(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_towards(&p, bed, 0, 1460);
	for (unsigned int i = 0; i < 200; i++) {
		struct tcp_conn *c = bed_peer_conn(&p);
		uint32_t cwnd = c->cwnd, sent;

		if (i % 10 == 0)
			feed(&p);
		tcp_bed_discard(bed);
		sent = c->snd_nxt - c->snd_una;
		assert_in_range(sent, 0, cwnd);
		p.ack = c->snd_nxt;
		bed_peer_send(&p, TCP_ACK, 0);
		tcp_bed_discard(bed);
		/* RFC 3465, RFC 9406: by what was sent, and by 8 segments an ACK at most. */
		assert_in_range(bed_peer_conn(&p)->cwnd, cwnd, cwnd + min_u32(sent, 8 * 1460));
	}
}

/* --- ACKs that say more than happened --- */

enum lie {
	HONEST,
	SPLIT, /* ten ACKs for each segment */
	DUPLICATES, /* four duplicates behind each ACK */
	DSACKS, /* each ACK reports a duplicate; now and then a segment is "lost" */
	BONUS, /* each ACK acknowledges the next segment, too */
	LIES,
};

static void
ack_to(struct bed_peer *p, uint32_t ack, enum lie lie)
{
	struct tcp_seg seg;

	p->ack = ack;
	seg = bed_peer_seg(p, TCP_ACK, 0);
	if (lie == DSACKS) {
		seg.opts.present |= TCP_OPT_SACK;
		seg.opts.nsack = 1;
		seg.opts.sack[0][0] = ack - 1460;
		seg.opts.sack[0][1] = ack;
	}
	tcp_bed_input(p->bed, &seg, 1);
}

/* What one round trip's segments are answered with. */
static void
answer_round(struct bed_peer *p, uint32_t end, enum lie lie)
{
	uint32_t at = p->ack;
	unsigned int n = 0;

	while (seq32_lt(at, end)) {
		uint32_t len = min_u32(1460, end - at);

		for (unsigned int i = 1; lie == SPLIT && i < 10; i++)
			ack_to(p, at + len * i / 10, lie);
		at += len;
		n++;
		if (lie == HONEST && n % 2 == 1 && at != end)
			continue;
		ack_to(p, lie == BONUS ? at + 1460 : at, lie);
		for (unsigned int i = 0; lie == DUPLICATES && i < 4; i++)
			ack_to(p, at, lie);
	}
	p->ack = end;
}

/* Bytes sent in so many round trips; slow: from the start in congestion avoidance. */
static uint32_t
sent_in(struct tcp_bed *bed, enum lie lie, uint8_t cc, unsigned int rounds)
{
	struct tcp_conn *c;
	struct bed_peer p;
	uint32_t sent;

	open_towards(&p, bed, lie == DSACKS ? TCP_OPT_SACK_OK : 0, 1460);
	c = bed_peer_conn(&p);
	tcp_cc_change(bed->stack, c, cc);
	if (rounds > 8)
		tcp_cold(bed->stack, c)->ssthresh = 10 * 1460;
	for (unsigned int i = 0; i < rounds; i++) {
		uint32_t end;

		feed(&p);
		while (tcp_bed_discard(bed) > 0)
			tcp_bed_flush(bed);
		end = c->snd_nxt;
		tcp_bed_advance(bed, ROUND_MS);
		tcp_bed_discard(bed);
		answer_round(&p, end, lie);
	}
	tcp_bed_flush(bed);
	sent = c->snd_nxt - p.iss;
	bed_peer_send(&p, TCP_RST | TCP_ACK, 0);
	tcp_bed_events(bed, p.h, NULL);
	tcp_bed_discard(bed);
	return sent;
}

static void
a16_no_lie_of_acks_gets_a_tenth_more_than_the_truth(void **state)
{
	static const uint8_t ccs[] = { TUN_CC_RENO, TUN_CC_CUBIC };
	static const unsigned int rounds[] = { 7, 30 };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(ccs); i++)
		for (size_t j = 0; j < ARRAY_SIZE(rounds); j++) {
			uint32_t honest = sent_in(bed, HONEST, ccs[i], rounds[j]);

			assert_in_range(honest, 100000, 10000000);
			for (enum lie lie = SPLIT; lie < LIES; lie++)
				assert_in_range(sent_in(bed, lie, ccs[i], rounds[j]), 1,
					honest / 10 * 11);
		}
}

static void
a16_duplicates_do_not_count_beyond_what_is_in_flight(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_towards(&p, bed, 0, 1460);
	tcp_cc_change(bed->stack, bed_peer_conn(&p), TUN_CC_RENO);
	tcp_send(bed->stack, &bed->env, p.h, zeros, sizeof(zeros), 0);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	for (unsigned int i = 0; i < 2000; i++) {
		struct tcp_conn *c = bed_peer_conn(&p);

		bed_peer_send(&p, TCP_ACK, 0);
		tcp_bed_discard(bed);
		/* Half the flight, and no more than went out of it: 10 segments at first. */
		/* ssthresh, and what was in flight then, limited transmit included. */
		assert_in_range(c->snd_nxt - c->snd_una, 10 * 1460, (5 + 12) * 1460);
	}
	assert_int_equal(bed->ctr.TCPRenoRecovery, 1);
}

/* --- windows --- */

static void
a17_a_window_that_shrinks_stops_new_data_and_ends_nothing(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	uint32_t nxt;

	open_towards(&p, bed, 0, 1460);
	feed(&p);
	tcp_bed_discard(bed);
	nxt = bed_peer_conn(&p)->snd_nxt;
	/* MUST-34: the right edge moves left of what was sent. */
	p.wnd = 1;
	bed_peer_send_at(&p, 0, 1460, TCP_ACK, 0);
	assert_int_equal(bed_peer_conn(&p)->snd_nxt, nxt);
	assert_int_equal(tcp_bed_discard(bed), 0);
	for (unsigned int i = 0; i < 20; i++) {
		tcp_bed_advance(bed, 1000);
		while (tcp_bed_take(bed))
			assert_true(seq32_leq(bed->sent.seq + bed->sent.len, nxt));
		assert_int_equal(bed_peer_conn(&p)->snd_nxt, nxt);
	}
	/* It opens again, and all goes on from there. */
	p.wnd = 65535;
	bed_peer_send_at(&p, 0, 14600, TCP_ACK, 0);
	assert_true(tcp_bed_discard(bed) > 0);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
}

/* MUST-38: no segment for a window that is not worth one, however often it moves. */
static void
a17_a_window_of_no_or_one_byte_gets_no_segment_each_time(void **state)
{
	struct tcp_bed *bed = *state;
	unsigned int segs = 0, bytes = 0;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	p.wnd = 0;
	bed_peer_send(&p, TCP_ACK, 0);
	tcp_send(bed->stack, &bed->env, p.h, zeros, 10000, 0);
	tcp_bed_flush(bed);
	for (unsigned int ms = 0; ms < 60000; ms++) {
		p.wnd = ms % 2;
		bed_peer_send(&p, TCP_ACK, 0);
		while (tcp_bed_take(bed)) {
			segs++;
			bytes += bed->sent.len;
			if (bed->sent.len > 0 && bed->sent.seq == p.ack)
				p.ack += bed->sent.len;
		}
		tcp_bed_advance(bed, 1);
	}
	/* One for each override or probe timeout, 200 ms at least, of one byte. */
	assert_in_range(segs, 1, 300);
	assert_in_range(bytes, 0, 300);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	tcp_bed_discard(bed);
}

static void
a17_a_window_scale_above_14_is_14(void **state)
{
	struct tcp_bed *bed = *state;
	uint64_t clamped = 0;

	for (unsigned int shift = 13; shift < 256; shift++) {
		uint8_t option[4] = { 3, 3, (uint8_t)shift, 0 };
		struct tcp_seg syn;
		struct bed_peer p;

		bed_peer_init(&p, bed);
		if (bed->listener == 0)
			tcp_bed_listen(bed, 0);
		syn = bed_peer_seg(&p, TCP_SYN, 0);
		tcp_parse_options(option, sizeof(option), true, &syn.opts);
		p.seq++;
		bed_peer_send_seg(&p, &syn);
		assert_true(tcp_bed_take(bed));
		p.ack = bed->sent.seq + 1;
		bed_peer_ack_syn(&p);
		clamped += shift > 14;
		assert_int_equal(bed_peer_conn(&p)->snd_wscale, min_u32(shift, 14));
		assert_int_equal(bed_peer_conn(&p)->snd_wnd, 65535u << min_u32(shift, 14));
		assert_int_equal(bed->ctr.WindowScaleClamped, clamped);
		bed_peer_send(&p, TCP_RST | TCP_ACK, 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ATTACK_TEST_PREPARED(a13_no_mss_option_makes_segments_smaller_than_the_floor),
		ATTACK_TEST(a13_a_storm_of_sacks_over_segments_of_48_bytes_breaks_no_count),
		ATTACK_TEST(a14_sack_of_every_other_segment_costs_a_bounded_list_and_no_packet),
		ATTACK_TEST(a14_sack_of_single_bytes_makes_one_short_segment_go_again_for_each_ack),
		ATTACK_TEST(a15_an_ack_of_what_was_not_sent_moves_nothing),
		ATTACK_TEST(a15_optimistic_acks_gain_no_more_than_what_was_sent),
		ATTACK_TEST(a16_no_lie_of_acks_gets_a_tenth_more_than_the_truth),
		ATTACK_TEST(a16_duplicates_do_not_count_beyond_what_is_in_flight),
		ATTACK_TEST(a17_a_window_that_shrinks_stops_new_data_and_ends_nothing),
		ATTACK_TEST(a17_a_window_of_no_or_one_byte_gets_no_segment_each_time),
		ATTACK_TEST(a17_a_window_scale_above_14_is_14),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
