/* SPDX-License-Identifier: BSD-3-Clause */
/* The attacks of the catalogue from off the path: who guesses, forges and listens for answers. */
#include <string.h>

#include "unit/tcp_unit.h"

#define STEPS 65536u

/* --- blind RST, SYN and data --- */

/* A connection that offers so much; the SYN's window is at most 64 KiB, the rest comes after it. */
static void
open_with_window(struct bed_peer *p, struct tcp_bed *bed, uint32_t wnd)
{
	bed->tun.tcp_rmem[1] = bed->tun.tcp_rmem[2] = 2 * wnd;
	tcp_bed_start(bed);
	bed_peer_init(p, bed);
	p->offer = TCP_OPT_WSCALE;
	bed_peer_reach(p, TCPS_ESTABLISHED);
	for (unsigned int i = 0; i < 4; i++) {
		bed_peer_send(p, TCP_ACK, 1000);
		tcp_recv(bed->stack, &bed->env, p->h, (uint8_t[1000]){ 0 }, 1000);
		tcp_bed_flush(bed);
		tcp_bed_discard(bed);
	}
	assert_in_range(tcp_rcv_wnd(bed_peer_conn(p)), wnd - wnd / 8, wnd);
}

/* Every 2^16th number all round, in bursts, none of them exact; returns the answers. */
static unsigned int
sweep(struct bed_peer *p, struct rng *rng, uint16_t flags, uint16_t len)
{
	struct tcp_seg segs[TCP_BURST_MAX];
	unsigned int answers = 0;

	for (uint32_t i = 0; i < STEPS; i += TCP_BURST_MAX) {
		for (uint32_t j = 0; j < TCP_BURST_MAX; j++) {
			segs[j] = bed_peer_seg(p, flags, len);
			segs[j].seq += ((i + j) << 16) + 1 + rng_below(rng, 65535);
			segs[j].ack = (flags & TCP_ACK) ? rng_u32(rng) : 0;
		}
		tcp_bed_input(p->bed, segs, TCP_BURST_MAX);
		tcp_bed_flush(p->bed);
		answers += tcp_bed_discard(p->bed);
	}
	return answers;
}

/* G-16: 2^16 guesses of each kind; a window of 16 MiB is met by 256 of each. */
static void
blind_sweep(struct tcp_bed *bed, uint32_t wnd)
{
	static const uint16_t flags[] = { TCP_RST, TCP_RST | TCP_ACK, TCP_SYN, TCP_SYN | TCP_ACK };
	struct rng rng;
	struct bed_peer p;

	rng_seed(&rng, 21);
	open_with_window(&p, bed, wnd);
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		uint64_t before = bed->ctr.TCPChallengeACK;

		assert_in_range(sweep(&p, &rng, flags[i], 0), 1, 5);
		assert_in_range(bed->ctr.TCPChallengeACK - before, 1, 5);
		assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
		tcp_bed_advance(bed, 1000);
	}
	/* Data: nothing is taken, and what an answer says goes to the peer, one for one at most. */
	assert_in_range(sweep(&p, &rng, TCP_ACK, 100), 1, STEPS);
	assert_int_equal(tcp_recv_queued(bed->stack, p.h), 0);
	assert_null(tcp_cold(bed->stack, bed_peer_conn(&p))->ooo);
	/* The connection goes on, and only the exact number ends it. */
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 100), OUT_DELIVERED);
	assert_int_equal(bed_peer_send_at(&p, 1, 0, TCP_RST, 0), OUT_CHALLENGE_RST);
	assert_int_equal(bed_peer_send_at(&p, -1, 0, TCP_RST, 0), OUT_RST_IGNORED);
	assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_RST, 0), OUT_RST_ACCEPTED);
	assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
	tcp_bed_discard(bed);
}

static void
a21_65536_blind_resets_syns_and_data_into_64_kib_end_nothing(void **state)
{
	blind_sweep(*state, 60000);
}

static void
a21_65536_blind_resets_syns_and_data_into_16_mib_end_nothing(void **state)
{
	blind_sweep(*state, 16u << 20);
}

/* --- limits that can be watched from another connection --- */

/* Which of 20 resets in p's window get an answer, a bit each; 100 ms apart. */
static uint32_t
answers_of(struct bed_peer *p, struct bed_peer *other)
{
	struct tcp_bed *bed = p->bed;
	uint32_t answered = 0;

	for (unsigned int i = 0; i < 20; i++) {
		for (unsigned int j = 0; other != NULL && j < 20; j++) {
			bed_peer_send_at(other, 10, 0, j % 2 ? TCP_RST : TCP_SYN, 0);
			tcp_bed_discard(bed);
		}
		bed_peer_send_at(p, 10, 0, TCP_RST, 0);
		answered |= (tcp_bed_discard(bed) > 0 ? 1u : 0u) << i;
		tcp_bed_advance(bed, 100);
	}
	return answered;
}

static void
a22_the_limit_of_one_connection_does_not_show_on_another(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer a, b;
	uint32_t alone;

	bed_peer_init(&a, bed);
	bed_peer_reach(&a, TCPS_ESTABLISHED);
	bed_peer_init(&b, bed);
	bed_peer_reach(&b, TCPS_ESTABLISHED);
	alone = answers_of(&a, NULL);
	assert_int_equal(__builtin_popcount(alone), 4); /* one in 500 ms */
	tcp_bed_advance(bed, 2000);
	assert_int_equal(answers_of(&a, &b), alone);
	/* Nor the other way round. */
	tcp_bed_advance(bed, 2000);
	assert_int_equal(answers_of(&b, &a), alone);
	assert_int_equal(bed_peer_state(&a), TCPS_ESTABLISHED);
	assert_int_equal(bed_peer_state(&b), TCPS_ESTABLISHED);
}

/* --- a time of the future, forged --- */

static void
a25_a_time_of_the_future_is_not_remembered_from_a_blind_segment(void **state)
{
	/* Numbers relative to what is expected; moves: both are right. */
	static const struct {
		int32_t seq, ack;
		uint16_t flags, len;
		bool moves;
	} rows[] = {
		{ 5, 0, TCP_ACK, 1, false }, { -5, 0, TCP_ACK, 1, false },
		{ 100000, 0, TCP_ACK, 10, false }, { 0, 1, TCP_ACK, 10, false },
		{ 0, 1 << 30, TCP_ACK, 10, false }, { 0, -(1 << 30), TCP_ACK, 10, false },
		{ 0, 1, TCP_ACK, 0, false }, { 0, 0, 0, 10, false }, { 0, 0, TCP_SYN, 0, false },
		{ 1, 0, TCP_RST, 0, false }, { 0, 0, TCP_SYN | TCP_ACK, 0, false },
		{ 0, 0, TCP_ACK, 0, true },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		uint32_t before;

		bed_peer_init(&p, bed);
		p.offer = TCP_OPT_TS;
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		before = bed_peer_conn(&p)->ts_recent;
		p.tsval += 1u << 30;
		bed_peer_send_at(&p, rows[i].seq, rows[i].ack, rows[i].flags, rows[i].len);
		assert_int_equal(bed_peer_conn(&p)->ts_recent == before, !rows[i].moves);
		tcp_bed_discard(bed);
		p.tsval -= 1u << 30;
		/* What the peer sends next is taken unless it was right about both. */
		assert_int_equal(bed_peer_send(&p, TCP_ACK, 10),
			rows[i].moves ? OUT_PAWS : OUT_DELIVERED);
		tcp_bed_discard(bed);
	}
}

/* --- forged ICMP --- */

static void
a26_a_million_forged_reports_change_nothing(void **state)
{
	static const uint8_t data[2920];
	struct tcp_bed *bed = *state;
	struct tcp_conn before;
	struct bed_peer p;
	struct rng rng;

	rng_seed(&rng, 26);
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_send(bed->stack, &bed->env, p.h, data, sizeof(data), 0);
	tcp_bed_flush(bed);
	assert_int_equal(tcp_bed_discard(bed), 2);
	before = *bed_peer_conn(&p);
	for (unsigned int i = 0; i < 1000000; i++) {
		/* Any number but those in flight, of which a million guesses would find one. */
		const struct icmp_report r = {
			.key = p.key,
			.seq = before.snd_nxt + rng_below(&rng, UINT32_MAX - sizeof(data)),
			.err = ECONNREFUSED,
			.mtu = (uint16_t)rng_u32(&rng),
			.quoted_len = 1500,
			.kind = (uint8_t)rng_below(&rng, 3),
		};

		tcp_icmp_input(bed->stack, &bed->env, &r);
	}
	tcp_bed_flush(bed);
	assert_memory_equal(&before, bed_peer_conn(&p), sizeof(before));
	assert_int_equal(bed->ctr.OutOfWindowIcmps, 1000000);
	assert_int_equal(tcp_bed_discard(bed), 0);
	bed_peer_send_at(&p, 0, sizeof(data), TCP_ACK, 0);
	assert_int_equal(bed->ctr.RetransSegs, 0);
}

/* --- the urgent pointer --- */

static void
a30_the_urgent_pointer_moves_no_byte_in_any_state(void **state)
{
	static const uint16_t pointers[] = { 0, 1, 9, 10, 11, 1000, 32767, 32768, 65535 };
	struct tcp_bed *bed = *state;

	bed->par.timewait_max = 1000;
	tcp_bed_start(bed);
	for (enum tcp_state at = TCPS_LISTEN; at <= TCPS_TIME_WAIT; at++)
		for (size_t i = 0; i < ARRAY_SIZE(pointers); i++) {
			enum outcome out[2];

			for (unsigned int urg = 0; urg < 2; urg++) {
				struct bed_peer p;
				struct tcp_seg seg;

				bed_peer_init(&p, bed);
				bed_peer_reach(&p, at);
				seg = bed_peer_seg(&p, TCP_ACK | (urg ? TCP_URG : 0), 10);
				seg.urg = urg ? pointers[i] : 0;
				out[urg] = bed_peer_send_seg(&p, &seg);
				if (out[urg] == OUT_DELIVERED && at == TCPS_ESTABLISHED)
					assert_int_equal(tcp_recv_queued(bed->stack, p.h), 10);
				tcp_abort_all(bed->stack, &bed->env);
				tcp_bed_events(bed, p.h, NULL);
				tcp_bed_discard(bed);
			}
			assert_int_equal(out[0], out[1]);
		}
}

/* --- a SYN where a SYN-ACK was expected --- */

static void
a33_a_split_handshake_opens_the_connection_that_was_asked_for(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	tcp_handle h;
	int err = -1;

	/* There is a listener on the same port: it must not get the connection. */
	tcp_bed_listen(bed, 0);
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_SYN_SENT);
	/* RFC 9293 figure 7, driven by the "server": SYN, then ACK, each a segment of its own. */
	assert_int_equal(bed_peer_send(&p, TCP_SYN, 0), OUT_SYN_SENT_DONE);
	assert_int_equal(bed_peer_state(&p), TCPS_SYN_RECEIVED);
	assert_sent(&p, "SA 0+0 ack 1");
	assert_int_equal(tcp_bed_events(bed, p.h, &err) & TCP_EV_CONNECTED, 0);
	assert_int_equal(bed_peer_send_at(&p, 0, 1, TCP_ACK, 0), OUT_BAD_ACK);
	tcp_bed_discard(bed);
	bed_peer_send(&p, TCP_ACK, 0);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	assert_true(tcp_bed_events(bed, p.h, &err) & TCP_EV_CONNECTED);
	assert_int_equal(err, 0);
	/* MUST-11: it remembers who opened. */
	assert_true(bed_peer_conn(&p)->flags & TF_ACTIVE);
	assert_int_equal(tcp_accept(bed->stack, &bed->env, bed->listener, &h), -EAGAIN);
	assert_int_equal(bed->ctr.PassiveOpens, 0);
	tcp_bed_discard(bed);
}

/* --- every combination of flags --- */

static bool
may_change(enum tcp_state from, uint16_t flags)
{
	switch (from) {
	case TCPS_LISTEN: /* where the flow is CLOSED: a SYN queues it */
		return (flags & TCP_SYN) != 0;
	case TCPS_SYN_SENT:
		return (flags & (TCP_SYN | TCP_RST)) != 0;
	case TCPS_SYN_RECEIVED:
		return (flags & (TCP_ACK | TCP_RST | TCP_FIN)) != 0;
	case TCPS_TIME_WAIT:
		return (flags & TCP_SYN) != 0;
	case TCPS_CLOSED:
	case TCPS_ESTABLISHED:
	case TCPS_FIN_WAIT_1:
	case TCPS_FIN_WAIT_2:
	case TCPS_CLOSE_WAIT:
	case TCPS_CLOSING:
	case TCPS_LAST_ACK:
		return (flags & (TCP_FIN | TCP_RST)) != 0;
	}
	return false;
}

static void
a34_each_of_256_flag_values_in_each_state_has_one_lawful_end(void **state)
{
	struct tcp_bed *bed = *state;

	bed->par.timewait_max = 8192;
	tcp_bed_start(bed);
	for (enum tcp_state at = TCPS_LISTEN; at <= TCPS_TIME_WAIT; at++)
		for (unsigned int v = 0; v < 2 * 256; v++) {
			uint16_t flags = (uint16_t)(v & 255);
			struct bed_peer p;
			enum tcp_state was;

			bed_peer_init(&p, bed);
			bed_peer_reach(&p, at);
			was = bed_peer_state(&p);
			/* That each has one outcome, and the invariants, the bed checks. */
			bed_peer_send_at(&p, 0, 0, flags, v < 256 ? 0 : 10);
			if (!may_change(at, flags))
				assert_int_equal(bed_peer_state(&p), was);
			/* Nobody is told anything before a handshake is done. */
			if (at == TCPS_LISTEN || at == TCPS_SYN_SENT)
				assert_int_equal(bed->ctr.AcceptQueued, 0);
			if ((flags & (TCP_SYN | TCP_FIN)) == (TCP_SYN | TCP_FIN) &&
				at == TCPS_LISTEN)
				assert_int_equal(bed_peer_state(&p), TCPS_CLOSED);
			/* Two at most: an answer, and what was owed. */
			assert_in_range(tcp_bed_discard(bed), 0, 2);
			tcp_close(bed->stack, &bed->env, p.h);
			tcp_abort_all(bed->stack, &bed->env);
			tcp_bed_events(bed, p.h, NULL);
			tcp_bed_discard(bed);
		}
}

static void
a34_data_of_a_syn_is_not_delivered_before_the_handshake(void **state)
{
	struct tcp_bed *bed = *state;

	for (unsigned int cookies = 1; cookies <= 2; cookies++) {
		struct bed_peer p;
		struct tcp_seg syn;

		bed->tun.tcp_syncookies = cookies;
		if (cookies == 1)
			tcp_bed_listen(bed, 0);
		bed_peer_init(&p, bed);
		syn = bed_peer_seg(&p, TCP_SYN, 100);
		bed_peer_send_seg(&p, &syn);
		/* Its data is not acknowledged, so the peer sends it again. */
		assert_true(tcp_bed_take(bed));
		assert_int_equal(bed->sent.ack, p.irs + 1);
		p.iss = bed->sent.seq;
		p.ack = p.iss + 1;
		p.seq++;
		assert_int_equal(bed->ctr.AcceptQueued, 0);
		bed_peer_send(&p, TCP_ACK, 0);
		bed_peer_accept(&p);
		assert_int_equal(tcp_recv_queued(bed->stack, p.h), 0);
		assert_int_equal(bed_peer_send(&p, TCP_ACK, 100), OUT_DELIVERED);
		tcp_bed_discard(bed);
	}
}

/* --- ACKs of what was never sent --- */

static void
a36_only_the_exact_ack_finishes_a_handshake(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_seg segs[TCP_BURST_MAX];
	struct bed_peer p;

	bed->tun.tcp_rst_ratelimit = 100;
	tcp_bed_listen(bed, 0);
	bed_peer_init(&p, bed);
	bed_peer_syn(&p);
	for (uint32_t i = 0; i < STEPS; i += TCP_BURST_MAX) {
		for (uint32_t j = 0; j < TCP_BURST_MAX; j++) {
			segs[j] = bed_peer_seg(&p, TCP_ACK, 100);
			/* All round, and from the numbers next to the right one on. */
			segs[j].ack += i % 128 ? ((i + j) << 16) + 7 : 1 + i + j;
		}
		tcp_bed_input(bed, segs, TCP_BURST_MAX);
		tcp_bed_discard(bed);
	}
	assert_int_equal(bed->ctr.PassiveOpens, 0);
	assert_int_equal(bed->ctr.OutRsts, 100);
	assert_int_equal(bed->ctr.outcome[OUT_BAD_ACK] + bed->ctr.outcome[OUT_RST_RATE], STEPS);
	assert_int_equal(bed_peer_state(&p), TCPS_SYN_RECEIVED);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 100), OUT_DELIVERED);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
}

static void
a36_data_with_a_guessed_ack_is_not_taken_from_the_first_segment_on(void **state)
{
	struct tcp_bed *bed = *state;
	uint64_t challenges;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	challenges = bed->ctr.TCPChallengeACK;
	/* Nothing was sent yet: nothing can be acknowledged. */
	for (uint32_t i = 1; i < STEPS; i++) {
		struct tcp_seg seg = bed_peer_seg(&p, TCP_ACK, 100);

		seg.ack += i << 16;
		bed_peer_send_seg(&p, &seg);
		assert_int_equal(tcp_recv_queued(bed->stack, p.h), 0);
	}
	tcp_bed_discard(bed);
	assert_int_equal(bed->ctr.TCPChallengeACK - challenges, 1);
	assert_int_equal(bed_peer_send_at(&p, 0, -65535, TCP_ACK, 100), OUT_CHALLENGE_ACK);
	assert_int_equal(bed_peer_send_at(&p, 0, -1, TCP_ACK, 100), OUT_CHALLENGE_ACK);
	assert_int_equal(bed_peer_send_at(&p, 0, 0, TCP_ACK, 100), OUT_DELIVERED);
	tcp_bed_discard(bed);
}

/* --- two ends that answer each other --- */

/* What each of our segments gets at once: three ACKs that are not acceptable. Returns how many of
 * ours there were in 10 s. */
static unsigned int
argue(struct bed_peer *p, int32_t seq, int32_t ack)
{
	struct tcp_bed *bed = p->bed;
	unsigned int sent = 0;

	for (unsigned int ms = 0; ms < 10000; ms++) {
		unsigned int now = 0;

		/* The peer begins it, again and again, then only answers. */
		if (ms % 100 == 0)
			bed_peer_send_at(p, seq, ack, TCP_ACK, 0);
		while (now <= 5 && tcp_bed_take(bed)) {
			assert_false(bed->sent.flags & TCP_RST);
			now++;
			for (unsigned int i = 0; i < 3; i++)
				bed_peer_send_at(p, seq, ack, TCP_ACK, 0);
		}
		assert_in_range(now, 0, 5);
		sent += now;
		tcp_bed_advance(bed, 1);
	}
	return sent;
}

static void
a37_acks_that_answer_acks_die_out(void **state)
{
	static const enum tcp_state states[] = { TCPS_SYN_RECEIVED, TCPS_ESTABLISHED,
		TCPS_FIN_WAIT_2, TCPS_CLOSE_WAIT, TCPS_TIME_WAIT };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, states[i]);
		/* One in each 500 ms (tcp_invalid_ratelimit) of 10 s; SYN-ACKs sent again. */
		assert_in_range(argue(&p, -100000, 0), 15,
			states[i] == TCPS_SYN_RECEIVED ? 21 + 3 : 21);
		/* An ACK of the future is challenged, which is rationed with the others. */
		if (states[i] == TCPS_ESTABLISHED)
			assert_in_range(argue(&p, 0, 100000), 15, 21);
		tcp_abort_all(bed->stack, &bed->env);
		tcp_bed_events(bed, p.h, NULL);
		tcp_bed_discard(bed);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ATTACK_TEST_PREPARED(a21_65536_blind_resets_syns_and_data_into_64_kib_end_nothing),
		ATTACK_TEST_PREPARED(a21_65536_blind_resets_syns_and_data_into_16_mib_end_nothing),
		ATTACK_TEST(a22_the_limit_of_one_connection_does_not_show_on_another),
		ATTACK_TEST(a25_a_time_of_the_future_is_not_remembered_from_a_blind_segment),
		ATTACK_TEST(a26_a_million_forged_reports_change_nothing),
		ATTACK_TEST_PREPARED(a30_the_urgent_pointer_moves_no_byte_in_any_state),
		ATTACK_TEST(a33_a_split_handshake_opens_the_connection_that_was_asked_for),
		ATTACK_TEST_PREPARED(a34_each_of_256_flag_values_in_each_state_has_one_lawful_end),
		ATTACK_TEST(a34_data_of_a_syn_is_not_delivered_before_the_handshake),
		ATTACK_TEST(a36_only_the_exact_ack_finishes_a_handshake),
		ATTACK_TEST(a36_data_with_a_guessed_ack_is_not_taken_from_the_first_segment_on),
		ATTACK_TEST(a37_acks_that_answer_acks_die_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
