/* SPDX-License-Identifier: BSD-3-Clause */
/* The attacks of the catalogue on connection state, each under its number, each with its bound. */
#include <string.h>

#include "unit/tcp_unit.h"

/* One of 2^32 peers that never existed. */
static void
stranger(struct bed_peer *p, struct tcp_bed *bed, struct rng *rng)
{
	struct ip_addr addr = ip_addr_from_v4(0x14000000u + (rng_u32(rng) >> 6));

	bed_peer_init(p, bed);
	p->key = flow_key_make(&addr, (uint16_t)(rng_u32(rng) | 1), 0, BED_PORT);
	p->seq = rng_u32(rng);
	p->ack = rng_u32(rng);
}

static void
a01_a_syn_flood_takes_the_syn_queue_and_nothing_else(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer honest, p;
	struct rng rng;

	rng_seed(&rng, 1);
	tcp_bed_listen(bed, 16);
	for (unsigned int i = 0; i < 20000; i++) {
		stranger(&p, bed, &rng);
		assert_true(bed_peer_send(&p, TCP_SYN, 0) != OUT_SYN_QUEUE_FULL);
		/* One answer for each, and the packet of the question carries it. */
		assert_int_equal(tcp_bed_discard(bed), 1);
		assert_in_range(bed->stack->synq_used, 1, 32);
		assert_int_equal(bed->stack->conns_used, 0);
		assert_int_equal(bed->pkts.outstanding, 0);
		if (i % 100 != 99)
			continue;
		/* Every client that means it gets in at once. */
		bed_peer_init(&honest, bed);
		bed_peer_reach(&honest, TCPS_ESTABLISHED);
		bed_peer_send(&honest, TCP_RST | TCP_ACK, 0);
		tcp_bed_events(bed, honest.h, NULL);
	}
}

static void
a02_an_ack_flood_allocates_nothing(void **state)
{
	struct tcp_bed *bed = *state;
	unsigned int allocs = bed->pkts.allocs;
	struct bed_peer p;
	struct rng rng;

	rng_seed(&rng, 2);
	bed->tun.tcp_syncookies = 2;
	tcp_bed_listen(bed, 0);
	stranger(&p, bed, &rng);
	bed_peer_send(&p, TCP_SYN, 0);
	for (unsigned int i = 0; i < 20000; i++) {
		stranger(&p, bed, &rng);
		assert_int_equal(bed_peer_send(&p, TCP_ACK, 0),
			i < 10000 ? OUT_COOKIE_INVALID : OUT_RST_RATE);
		tcp_bed_discard(bed);
	}
	assert_int_equal(bed->pkts.allocs, allocs);
	assert_int_equal(tcp_conn_count(bed->stack), 0);
	assert_int_equal(bed->ctr.SyncookiesFailed, 20000);
	assert_int_equal(bed->ctr.OutRsts, 10000);
}

/* 28 bits of MAC: of 2^22 guesses 1/64 passes, three with probability 10^-6. */
static void
a03_guessed_cookies_do_not_pass(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_cookie_info infos[TCP_BURST_MAX];
	const struct tcp_seg *segs[TCP_BURST_MAX];
	struct tcp_seg seg[TCP_BURST_MAX];
	bool valid[TCP_BURST_MAX];
	unsigned int passed = 0;
	struct bed_peer p;
	struct rng rng;

	rng_seed(&rng, 3);
	bed->tun.tcp_syncookies = 2;
	tcp_bed_listen(bed, 0);
	stranger(&p, bed, &rng);
	bed_peer_send(&p, TCP_SYN, 0);
	tcp_bed_discard(bed);
	for (unsigned int i = 0; i < TCP_BURST_MAX; i++) {
		stranger(&p, bed, &rng);
		seg[i] = bed_peer_seg(&p, TCP_ACK, 0);
		segs[i] = &seg[i];
	}
	for (unsigned int i = 0; i < (1u << 22); i += TCP_BURST_MAX) {
		for (unsigned int j = 0; j < TCP_BURST_MAX; j++)
			seg[j].ack = rng_u32(&rng);
		tcp_cookie_check(bed->stack, segs, TCP_BURST_MAX, valid, infos);
		for (unsigned int j = 0; j < TCP_BURST_MAX; j++)
			passed += valid[j];
	}
	assert_in_range(passed, 0, 2);
}

/* What each kind of client keeps through a cookie, and what it can still move. */
static void
a04_a_cookie_with_timestamps_forgets_nothing(void **state)
{
	static const uint16_t sizes[] = { 88, 536, 1220, 1360, 1400, 1440, 1460 };
	const uint8_t all = TCP_OPT_TS | TCP_OPT_WSCALE | TCP_OPT_SACK_OK;
	struct tcp_bed *bed = *state;

	bed->tun.tcp_syncookies = 2;
	tcp_bed_listen(bed, 0);
	for (unsigned int ts = 0; ts < 2; ts++)
		for (uint16_t mss = 88; mss <= 1460; mss++) {
			uint32_t flags = ts ? TF_TS | TF_SACK | TF_ECN : 0;
			struct tcp_conn *c;
			struct bed_peer p;
			size_t i = ARRAY_SIZE(sizes) - 1;

			bed_peer_init(&p, bed);
			p.offer = ts ? all : TCP_OPT_WSCALE | TCP_OPT_SACK_OK;
			p.wscale = 9;
			p.mss = mss;
			p.syn_flags = TCP_ECE | TCP_CWR;
			assert_int_equal(bed_peer_syn(&p), OUT_SYN_COOKIE_SENT);
			bed_peer_ack_syn(&p);
			c = bed_peer_conn(&p);
			assert_non_null(c);
			assert_int_equal(c->flags & (TF_TS | TF_SACK | TF_ECN), flags);
			assert_int_equal(c->snd_wscale, ts ? 9 : 0);
			/* Without: 64 KiB in a round trip, 5 Mbit/s at 100 ms, each way. */
			assert_int_equal(c->snd_wnd, 65535u << (ts ? 9 : 0));
			assert_int_equal(c->rcv_wscale > 0, ts);
			while (sizes[i] > mss)
				i--;
			assert_int_equal(c->mss, sizes[i] - (ts ? TCP_TS_LEN : 0));
			bed_peer_send(&p, TCP_RST | TCP_ACK, 0);
			tcp_bed_discard(bed);
		}
}

/* As many as there is room for open, and send nothing: with the first-byte time they are gone. */
static void
a06_connections_that_say_nothing_give_their_places_back(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p[64], honest;

	bed->tun.tcp_first_byte_timeout = 10;
	tcp_bed_listen(bed, 0);
	for (unsigned int round = 0; round < 20; round++) {
		for (unsigned int i = 0; i < ARRAY_SIZE(p); i++) {
			bed_peer_init(&p[i], bed);
			bed_peer_syn(&p[i]);
			bed_peer_ack_syn(&p[i]);
			tcp_bed_discard(bed);
		}
		assert_int_equal(bed->stack->conns_used, 64);
		bed_peer_init(&honest, bed);
		bed_peer_syn(&honest);
		assert_int_equal(bed_peer_ack_syn(&honest), OUT_TABLE_FULL);
		tcp_bed_advance(bed, 10000);
		tcp_bed_discard(bed);
		assert_int_equal(bed->stack->conns_used, 0);
		/* Its next segment finds a place, and so does whoever comes later. */
		assert_int_equal(bed_peer_send(&honest, TCP_ACK | TCP_PSH, 10), OUT_DELIVERED);
		bed_peer_send(&honest, TCP_RST, 0);
		tcp_bed_discard(bed);
		assert_int_equal(tcp_conn_count(bed->stack), 0);
	}
	assert_int_equal(bed->ctr.FirstByteTimeouts, 20 * 64);
	assert_int_equal(bed->ctr.AcceptQueued, 0);
}

/* A byte now and then outlives the first-byte time; it does not fill the place of others. */
static void
a06_one_network_does_not_take_the_places_of_all(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p, honest;
	unsigned int opened = 0;

	bed->tun.tcp_source_conns = 16;
	bed->tun.tcp_syncookies = 2;
	tcp_bed_listen(bed, 0);
	tcp_bed_advance(bed, 1);
	for (unsigned int i = 0; i < 500; i++) {
		struct ip_addr addr = ip_addr_from_v4(0xc0000200u + i % 256);

		bed_peer_init(&p, bed);
		p.key = flow_key_make(&addr, p.key.rport, 0, BED_PORT);
		bed_peer_syn(&p);
		opened += bed_peer_send(&p, TCP_ACK | TCP_PSH, 1) == OUT_DELIVERED;
		tcp_bed_discard(bed);
	}
	assert_int_equal(opened, 16);
	assert_int_equal(bed->stack->conns_used, 16);
	bed_peer_init(&honest, bed);
	bed_peer_syn(&honest);
	assert_int_equal(bed_peer_ack_syn(&honest), OUT_COOKIE_ACCEPTED);
	tcp_bed_discard(bed);
}

static void
a06_who_goes_silent_is_reset_and_who_works_is_not(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer silent[20], busy;

	bed->tun.tcp_idle_timeout = 30;
	for (unsigned int i = 0; i < ARRAY_SIZE(silent); i++) {
		bed_peer_init(&silent[i], bed);
		bed_peer_reach(&silent[i], TCPS_ESTABLISHED);
		bed_peer_send(&silent[i], TCP_ACK | TCP_PSH, 100);
	}
	bed_peer_init(&busy, bed);
	bed_peer_reach(&busy, TCPS_ESTABLISHED);
	for (unsigned int s = 0; s < 40; s++) {
		bed_peer_send(&busy, TCP_ACK | TCP_PSH, 10);
		/* The others are not gone: they answer, they just have nothing to say. */
		if (s < 30)
			for (unsigned int i = 0; i < ARRAY_SIZE(silent); i++)
				bed_peer_send(&silent[i], TCP_ACK, 0);
		tcp_bed_advance(bed, 1000);
		tcp_bed_discard(bed);
	}
	for (unsigned int i = 0; i < ARRAY_SIZE(silent); i++)
		tcp_bed_events(bed, silent[i].h, NULL);
	assert_int_equal(bed->ctr.IdleTimeouts, ARRAY_SIZE(silent));
	assert_int_equal(bed->stack->conns_used, 1);
	assert_int_equal(bed_peer_state(&busy), TCPS_ESTABLISHED);
}

static void
a07_a_full_accept_queue_takes_no_memory_for_more(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p[40];

	tcp_bed_listen(bed, 8);
	for (unsigned int i = 0; i < 40; i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_syn(&p[i]);
		bed_peer_ack_syn(&p[i]);
		bed_peer_send(&p[i], TCP_ACK, 1000);
		tcp_bed_discard(bed);
		assert_in_range(bed->stack->conns_used, 1, 8);
		assert_in_range(bed->stack->synq_used, 0, 16);
		assert_in_range(bed->pkts.outstanding, 1, 8);
	}
	assert_true(bed->ctr.ListenDrops > 0);
	assert_int_equal(bed->ctr.AcceptQueued, 8);
}

static void
a08_time_waits_are_small_and_as_many_as_there_is_room_for(void **state)
{
	struct tcp_bed *bed = *state;

	assert_in_range(sizeof(struct tcp_tw), 1, 64);
	for (unsigned int i = 0; i < 2000; i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_FIN_WAIT_2);
		bed_peer_send(&p, TCP_FIN | TCP_ACK, 0);
		tcp_close(bed->stack, &bed->env, p.h);
		tcp_bed_events(bed, p.h, NULL);
		tcp_bed_discard(bed);
		assert_in_range(bed->stack->tw_live, 1, 16);
		assert_int_equal(bed->stack->conns_used, 0);
	}
	assert_int_equal(bed->ctr.TCPTimeWaitOverflow, 2000 - 16);
	assert_int_equal(bed->pkts.outstanding, 0);
	tcp_bed_advance(bed, 60000);
	assert_int_equal(bed->stack->tw_live, 0);
}

static void
a09_what_its_owner_has_closed_ends_though_the_peer_is_silent(void **state)
{
	static const enum tcp_state states[] = { TCPS_SYN_SENT, TCPS_SYN_RECEIVED,
		TCPS_ESTABLISHED, TCPS_FIN_WAIT_1, TCPS_FIN_WAIT_2, TCPS_CLOSE_WAIT, TCPS_CLOSING,
		TCPS_LAST_ACK };
	struct tcp_bed *bed = *state;

	for (unsigned int zero_window = 0; zero_window < 2; zero_window++)
		for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
			struct bed_peer p;

			bed_peer_init(&p, bed);
			/* Our FIN needs a window, or it is never acknowledged. */
			p.wnd = zero_window && states[i] != TCPS_FIN_WAIT_2 ? 0 : 65535;
			bed_peer_reach(&p, states[i]);
			tcp_send(bed->stack, &bed->env, p.h, "data", 4, 0);
			tcp_close(bed->stack, &bed->env, p.h);
			tcp_bed_flush(bed);
			/* A second and minutes of retransmissions; 20 minutes end all of them. */
			for (unsigned int s = 0; s < 1200 && tcp_conn_count(bed->stack) > 0; s++) {
				assert_true(tcp_poll_at(bed->stack) != UINT64_MAX);
				tcp_bed_advance(bed, 1000);
				tcp_bed_discard(bed);
				tcp_bed_events(bed, p.h, NULL);
			}
			assert_int_equal(tcp_conn_count(bed->stack), 0);
			assert_int_equal(bed->pkts.outstanding, 0);
		}
}

static void
a09_orphans_are_limited(void **state)
{
	struct tcp_bed *bed = *state;

	bed->tun.tcp_max_orphans = 4;
	for (unsigned int i = 0; i < 30; i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		tcp_close(bed->stack, &bed->env, p.h);
		tcp_bed_flush(bed);
		tcp_bed_events(bed, p.h, NULL);
		assert_in_range(bed->stack->orphans, 1, 4);
		assert_in_range(bed->stack->conns_used, 1, 4);
	}
	assert_int_equal(bed->ctr.TCPAbortOnMemory, 26);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ATTACK_TEST(a01_a_syn_flood_takes_the_syn_queue_and_nothing_else),
		ATTACK_TEST(a02_an_ack_flood_allocates_nothing),
		ATTACK_TEST(a03_guessed_cookies_do_not_pass),
		ATTACK_TEST(a04_a_cookie_with_timestamps_forgets_nothing),
		ATTACK_TEST(a06_connections_that_say_nothing_give_their_places_back),
		ATTACK_TEST(a06_one_network_does_not_take_the_places_of_all),
		ATTACK_TEST(a06_who_goes_silent_is_reset_and_who_works_is_not),
		ATTACK_TEST(a07_a_full_accept_queue_takes_no_memory_for_more),
		ATTACK_TEST(a08_time_waits_are_small_and_as_many_as_there_is_room_for),
		ATTACK_TEST(a09_what_its_owner_has_closed_ends_though_the_peer_is_silent),
		ATTACK_TEST(a09_orphans_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
