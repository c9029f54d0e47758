/* SPDX-License-Identifier: BSD-3-Clause */
/* Header prediction decides as the general path does. */
#include "unit/tcp_unit.h"

/* What a segment left behind, but for counters. */
struct outcome_of {
	uint32_t rcv_nxt, snd_una, snd_wnd, ts_recent, cwnd, recvq, sent;
	enum tcp_state state;
	enum outcome out;
};

static struct outcome_of
run(struct tcp_bed *bed, unsigned int seed, bool slow)
{
	struct outcome_of o = { 0 };
	struct bed_peer p;
	struct rng rng;
	struct tcp_conn *c;

	rng_seed(&rng, seed);
	bed->npeers = 0;
	bed_peer_init(&p, bed);
	p.offer = rng_below(&rng, 2) ? TCP_OPT_TS : 0;
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	c = bed_peer_conn(&p);
	tcp_send(bed->stack, &bed->env, p.h, "0123456789", 10, 0);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	for (unsigned int i = 0; i < 6; i++) {
		struct tcp_seg seg = bed_peer_seg(&p, TCP_ACK, (uint16_t)rng_below(&rng, 3));
		uint32_t what = rng_below(&rng, 8);

		seg.ack += rng_below(&rng, 3) == 0 ? 5 : 0;
		seg.seq += what == 0 ? 1 : what == 1 ? UINT32_MAX : 0;
		seg.wnd = (uint16_t)(seg.wnd - (what == 2));
		seg.flags |= what == 3 ? TCP_PSH : what == 4 ? TCP_URG : 0;
		seg.opts.tsval -= what == 5;
		/* The same answers by the general path: a flag the prediction does not accept. */
		if (slow)
			c->flags |= TF_WND_SENT_0;
		o.out = bed_peer_send_seg(&p, &seg);
		p.seq += what > 1 && what != 5 ? seg.len : 0;
		p.tsval++;
	}
	o.rcv_nxt = c->rcv_nxt - p.irs;
	o.snd_una = c->snd_una - p.iss;
	o.snd_wnd = c->snd_wnd;
	o.ts_recent = c->ts_recent;
	o.cwnd = c->cwnd;
	o.recvq = c->recvq_bytes;
	o.state = (enum tcp_state)c->state;
	o.sent = tcp_bed_discard(bed);
	tcp_abort(bed->stack, &bed->env, p.h);
	tcp_bed_events(bed, p.h, NULL);
	tcp_bed_discard(bed);
	return o;
}

static void
both_paths_leave_the_same_behind(void **state)
{
	struct tcp_bed *bed = *state;

	for (unsigned int seed = 0; seed < 2000; seed++) {
		struct outcome_of fast = run(bed, seed, false);
		struct outcome_of slow = run(bed, seed, true);

		assert_int_equal(fast.out, slow.out);
		assert_int_equal(fast.rcv_nxt, slow.rcv_nxt);
		assert_int_equal(fast.snd_una, slow.snd_una);
		assert_int_equal(fast.snd_wnd, slow.snd_wnd);
		assert_int_equal(fast.ts_recent, slow.ts_recent);
		assert_int_equal(fast.cwnd, slow.cwnd);
		assert_int_equal(fast.recvq, slow.recvq);
		assert_int_equal(fast.state, slow.state);
		assert_int_equal(fast.sent, slow.sent);
	}
}

static void
the_fast_path_is_taken_unless_the_build_forbids_it(void **state)
{
#if defined(SLUICE_FORCE_SLOW_PATH)
	const unsigned int want = 0;
#else
	const unsigned int want = 1;
#endif
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_send(&p, TCP_ACK, 10);
	tcp_send(bed->stack, &bed->env, p.h, "x", 1, 0);
	tcp_bed_flush(bed);
	bed_peer_send_at(&p, 0, 1, TCP_ACK, 0);
	assert_int_equal(bed->ctr.TCPHPHits, want);
	assert_int_equal(bed->ctr.TCPHPAcks, want);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(both_paths_leave_the_same_behind),
		BED_TEST(the_fast_path_is_taken_unless_the_build_forbids_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
