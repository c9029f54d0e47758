/* SPDX-License-Identifier: BSD-3-Clause */
/* Demultiplexing: bursts in order, flows that change within one, and rubbish in every state. */
#include "unit/tcp_unit.h"

static void
a_burst_is_processed_in_order(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_seg segs[TCP_BURST_MAX];
	struct bed_peer p[4];

	for (unsigned int i = 0; i < 4; i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], TCPS_ESTABLISHED);
	}
	for (unsigned int i = 0; i < TCP_BURST_MAX; i++) {
		segs[i] = bed_peer_seg(&p[i % 4], TCP_ACK, 10);
		p[i % 4].seq += 10;
	}
	tcp_bed_input(bed, segs, TCP_BURST_MAX);
	assert_int_equal(bed->ctr.outcome[OUT_DELIVERED], TCP_BURST_MAX);
	assert_int_equal(bed->ctr.outcome[OUT_OOO_QUEUED], 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(tcp_recv_queued(bed->stack, p[i].h), 10 * TCP_BURST_MAX / 4);
}

/* RFC 9293 MUST-58, MUST-59: all that has arrived is processed before an ACK is sent. */
static void
a_burst_of_data_gets_one_acknowledgement(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_seg segs[8];
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	for (unsigned int i = 0; i < 8; i++) {
		segs[i] = bed_peer_seg(&p, TCP_ACK, 1460);
		p.seq += 1460;
	}
	tcp_bed_input(bed, segs, 8);
	tcp_bed_flush(bed);
	assert_sent(&p, "A 1+0 ack 11681");
	assert_sent(&p, "");
}

static void
an_empty_burst_changes_nothing(void **state)
{
	struct tcp_bed *bed = *state;

	tcp_input_burst(bed->stack, &bed->env, NULL, NULL, 0);
	assert_int_equal(bed->ctr.InSegs, 0);
}

/* What the second pass found is looked at again in the third. */
static void
a_flow_that_ends_in_a_burst_is_gone_for_the_rest_of_it(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_seg segs[4];
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	segs[0] = bed_peer_seg(&p, TCP_RST, 0);
	segs[1] = bed_peer_seg(&p, TCP_ACK, 10);
	p.seq += 100000;
	segs[2] = bed_peer_seg(&p, TCP_SYN, 0);
	segs[3] = segs[2];
	tcp_bed_input(bed, segs, 4);
	assert_int_equal(bed->ctr.outcome[OUT_RST_ACCEPTED], 1);
	assert_int_equal(bed->ctr.outcome[OUT_NO_CONN], 1);
	assert_int_equal(bed->ctr.outcome[OUT_SYN_AGAIN], 1);
	assert_int_equal(bed_peer_state(&p), TCPS_SYN_RECEIVED);
}

static void
a_fin_and_a_new_syn_in_one_burst_reopen_over_time_wait(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_seg segs[2];
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_FIN_WAIT_2);
	segs[0] = bed_peer_seg(&p, TCP_FIN | TCP_ACK, 0);
	p.seq += 1000;
	segs[1] = bed_peer_seg(&p, TCP_SYN, 0);
	tcp_bed_input(bed, segs, 2);
	assert_int_equal(bed_peer_state(&p), TCPS_SYN_RECEIVED);
	assert_int_equal(bed->ctr.TWRecycled, 1);
}

/*
 * Anything a peer can say, in every state: one outcome each, invariants hold, and at the end all
 * packets are accounted for (the bed asserts these).
 */
static void
random_segments_in_every_state_break_nothing(void **state)
{
	static const enum tcp_state rows[] = { TCPS_SYN_SENT, TCPS_SYN_RECEIVED, TCPS_ESTABLISHED,
		TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2, TCPS_CLOSE_WAIT, TCPS_CLOSING, TCPS_LAST_ACK,
		TCPS_TIME_WAIT };
	struct tcp_bed *bed = *state;
	uint64_t segs = 0;
	struct rng rng;

	rng_seed(&rng, 99);
	for (unsigned int round = 0; round < 1500; round++) {
		struct bed_peer p;
		uint8_t buf[100];

		bed->tun.tcp_syncookies = rng_below(&rng, 3);
		bed->npeers = rng_below(&rng, 1000);
		bed_peer_init(&p, bed);
		if (bed_peer_state(&p) != TCPS_CLOSED)
			continue;
		p.offer = (uint8_t)(rng_below(&rng, 8) << 1);
		p.active = rng_below(&rng, 4) == 0;
		if (bed->tun.tcp_syncookies == 2)
			p.active = true;
		bed_peer_reach(&p, rows[rng_below(&rng, ARRAY_SIZE(rows))]);
		for (unsigned int i = 0; i < 20; i++, segs++) {
			struct tcp_seg seg = bed_peer_seg(&p, (uint16_t)rng_below(&rng, 64),
				(uint16_t)(rng_below(&rng, 2) * rng_below(&rng, 1400)));

			if (rng_below(&rng, 4) == 0)
				seg.flags = TCP_ACK;
			seg.seq += rng_below(&rng, 3) == 0 ? rng_below(&rng, 3000) - 1500 : 0;
			seg.ack += rng_below(&rng, 3) == 0 ? rng_below(&rng, 30) - 15 : 0;
			seg.seq = rng_below(&rng, 30) == 0 ? rng_u32(&rng) : seg.seq;
			seg.wnd = rng_below(&rng, 5) == 0 ? 0 : seg.wnd;
			seg.opts.tsval += rng_below(&rng, 3) - 1;
			bed_peer_send_seg(&p, &seg);
			if (rng_below(&rng, 3) == 0)
				tcp_send(bed->stack, &bed->env, p.h, "0123456789", 10, 0);
			if (rng_below(&rng, 3) == 0)
				tcp_recv(bed->stack, &bed->env, p.h, buf, sizeof(buf));
			if (rng_below(&rng, 40) == 0)
				tcp_shutdown(bed->stack, &bed->env, p.h, 1 + rng_below(&rng, 3));
			if (rng_below(&rng, 4) == 0)
				tcp_bed_advance(bed, rng_below(&rng, 300));
			if (rng_below(&rng, 50) == 0)
				bed->pkts.fail_nth = 1 + rng_below(&rng, 3);
			tcp_bed_discard(bed);
		}
		bed->pkts.fail_nth = 0;
		tcp_close(bed->stack, &bed->env, p.h);
		if (rng_below(&rng, 2))
			tcp_abort(bed->stack, &bed->env, p.h);
		tcp_bed_advance(bed, 4000);
		tcp_bed_events(bed, p.h, NULL);
		while (tcp_accept(bed->stack, &bed->env, bed->listener, &p.h) == 0)
			tcp_abort(bed->stack, &bed->env, p.h);
		tcp_bed_events(bed, p.h, NULL);
		tcp_bed_discard(bed);
	}
	assert_in_range(segs, 20000, 30000);
	assert_int_equal(bed->ctr.InSegs > segs, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(a_burst_is_processed_in_order),
		BED_TEST(a_burst_of_data_gets_one_acknowledgement),
		BED_TEST(an_empty_burst_changes_nothing),
		BED_TEST(a_flow_that_ends_in_a_burst_is_gone_for_the_rest_of_it),
		BED_TEST(a_fin_and_a_new_syn_in_one_burst_reopen_over_time_wait),
		BED_TEST(random_segments_in_every_state_break_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
