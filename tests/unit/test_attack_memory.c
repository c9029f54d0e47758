/* SPDX-License-Identifier: BSD-3-Clause */
/* The attacks of the catalogue on queues and packets, each under its number. */
#include <string.h>

#include "unit/tcp_unit.h"

#define CHARGE (sizeof(struct pkt) + PKT_HEADROOM + 2048)
#define POOL 1000u
#define RESERVE 200u
#define PEERS 60u

/* A worker with few packets, so that attackers can try for all of them. */
static void
start_small(struct tcp_bed *bed)
{
	bed->pkts.size = POOL;
	bed->pkts.pool.size = POOL;
	bed->pkts.pool.reserve = RESERVE;
	tcp_bed_start(bed);
}

/* Seven eighths of what is above the reserve, and what one burst adds before it is looked at. */
static void
assert_bounded(struct tcp_bed *bed)
{
	uint64_t high = (POOL - RESERVE) * CHARGE / 8 * 7;

	assert_in_range(bed->stack->mem.held, 0, high + CHARGE);
	assert_true(bed->pkts.outstanding <= POOL - RESERVE);
}

static struct tcp_cold *
cold_of(const struct bed_peer *p)
{
	return tcp_cold(p->bed->stack, bed_peer_conn(p));
}

static void
send_all_the_window(struct bed_peer *p)
{
	while (bed_peer_conn(p) != NULL && tcp_rcv_wnd(bed_peer_conn(p)) >= 1460) {
		enum outcome out = bed_peer_send(p, TCP_ACK, 1460);

		tcp_bed_discard(p->bed);
		assert_bounded(p->bed);
		if (out != OUT_DELIVERED)
			return;
	}
}

/* An honest client and a service that reads: a request is taken and answered at any time. */
static void
assert_served(struct bed_peer *honest)
{
	struct tcp_bed *bed = honest->bed;
	uint8_t buf[200];

	assert_int_equal(bed_peer_send(honest, TCP_ACK, 100), OUT_DELIVERED);
	assert_int_equal(tcp_recv(bed->stack, &bed->env, honest->h, buf, sizeof(buf)), 100);
	assert_int_equal(tcp_send(bed->stack, &bed->env, honest->h, buf, 100, 0), 100);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
	honest->ack += 100;
	bed_peer_send(honest, TCP_ACK, 0);
	tcp_bed_discard(bed);
}

static void
a05_peers_that_never_read_or_never_let_us_read_lose_what_they_hold(void **state)
{
	struct tcp_bed *bed = *state;
	static struct bed_peer p[PEERS], honest, late;
	static uint8_t buf[16384];

	start_small(bed);
	bed_peer_init(&honest, bed);
	bed_peer_reach(&honest, TCPS_ESTABLISHED);
	for (unsigned int i = 0; i < PEERS; i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_syn(&p[i]);
		bed_peer_ack_syn(&p[i]);
		tcp_bed_discard(bed);
		/* Refused once memory is short: the flood of connections ends here. */
		if (bed_peer_state(&p[i]) != TCPS_ESTABLISHED)
			continue;
		bed_peer_accept(&p[i]);
		if (i % 2 == 0) {
			send_all_the_window(&p[i]);
		} else {
			p[i].wnd = 0;
			bed_peer_send(&p[i], TCP_ACK, 0);
			tcp_send(bed->stack, &bed->env, p[i].h, buf, sizeof(buf), 0);
			tcp_bed_flush(bed);
			tcp_bed_discard(bed);
		}
		assert_bounded(bed);
		assert_served(&honest);
	}
	assert_true(bed->stack->mem.over);
	assert_true(bed->ctr.ConnMemRefused > 0);
	for (unsigned int i = 0; i < 100 && bed->stack->mem.over; i++) {
		tcp_bed_advance(bed, 100);
		tcp_bed_discard(bed);
		assert_served(&honest);
	}
	assert_false(bed->stack->mem.over);
	assert_true(bed->ctr.TCPAbortOnMemory > 0);
	assert_int_equal(bed_peer_state(&honest), TCPS_ESTABLISHED);
	/* Who was not served in the meantime is now. */
	bed_peer_init(&late, bed);
	bed_peer_reach(&late, TCPS_ESTABLISHED);
	assert_served(&late);
}

/* One byte at every other number over a window; returns the most runs looked at for one. */
static uint64_t
smack(struct bed_peer *p, uint32_t window, unsigned int runs_max)
{
	struct tcp_bed *bed = p->bed;
	uint64_t most = 0;

	for (uint32_t at = 1; at < window; at += 2) {
		uint64_t before = bed->ctr.OfoRunsVisited;

		bed_peer_send_at(p, (int32_t)at, 0, TCP_ACK, 1);
		tcp_bed_discard(bed);
		assert_in_range(bed->stack->ranges_used, 1, runs_max);
		most = max_u64(most, bed->ctr.OfoRunsVisited - before);
	}
	return most;
}

static void
a10_tiny_segments_at_every_other_number_cost_a_bounded_walk(void **state)
{
	struct tcp_bed *bed = *state;
	unsigned int held = (unsigned int)(131072 / CHARGE + 1);
	struct bed_peer p, big;

	bed_peer_init(&p, bed);
	p.offer = TCP_OPT_SACK_OK;
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	/* Placed in one walk, acknowledged with another. */
	assert_in_range(smack(&p, 20000, held), held, 2 * held);
	assert_in_range(cold_of(&p)->rmem, 131072, 131072 + CHARGE);
	/* The largest buffer: the limit of runs holds. */
	bed_peer_init(&big, bed);
	big.offer = TCP_OPT_SACK_OK;
	bed_peer_reach(&big, TCPS_ESTABLISHED);
	tcp_setopt(bed->stack, &bed->env, big.h, TCP_SO_RCVBUF, 6291456);
	assert_in_range(smack(&big, 20000, held + 256), 256, 2 * 256);
	assert_int_equal(bed->stack->ranges_used, held + 256);
	/* In order it costs none, and the first hole filled is delivered. */
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 1), OUT_DELIVERED);
	tcp_bed_discard(bed);
}

static void
a11_one_byte_in_each_buffer_does_not_hold_the_buffers(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	start_small(bed);
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed->pkts.tail = 1900;
	for (unsigned int i = 0; i < 20000; i++) {
		assert_int_equal(bed_peer_send(&p, TCP_ACK, 1), OUT_DELIVERED);
		tcp_bed_discard(bed);
		/* A quarter of each two neighbours is data, and less than one is not full yet. */
		assert_in_range(bed->pkts.outstanding, 1, 1 + i / 1800 + 1);
	}
	assert_int_equal(tcp_recv_queued(bed->stack, p.h), 20000);
}

static void
a11_buffers_without_room_are_bounded_by_the_receive_buffer(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	for (unsigned int i = 0; i < 300; i++) {
		bed_peer_send_at(&p, (int32_t)(1 + 2 * i), 0, TCP_ACK, 1);
		tcp_bed_discard(bed);
	}
	assert_in_range(cold_of(&p)->rmem, 1, 131072 + CHARGE);
	bed_peer_send(&p, TCP_RST | TCP_ACK, 0);
	assert_int_equal(bed->pkts.outstanding, 0);
}

/* What would have been answered is not: for a limit, for want of room, for want of a packet. */
static void
a18_no_packet_is_lost_where_an_answer_is_suppressed(void **state)
{
	static const uint16_t flags[] = { TCP_SYN, TCP_RST | TCP_ACK, TCP_ACK, TCP_FIN | TCP_ACK,
		TCP_SYN | TCP_ACK, TCP_RST, 0, TCP_SYN | TCP_FIN };
	struct tcp_bed *bed = *state;

	bed->par.timewait_max = 1000;
	tcp_bed_start(bed);
	bed->tun.tcp_challenge_ack_limit = 0;
	bed->tun.tcp_invalid_ratelimit = 60000;
	bed->tun.tcp_rst_ratelimit = 0;
	for (enum tcp_state at = TCPS_LISTEN; at <= TCPS_TIME_WAIT; at++)
		for (size_t i = 0; i < 3 * ARRAY_SIZE(flags); i++) {
			struct bed_peer p;

			bed_peer_init(&p, bed);
			bed_peer_reach(&p, at);
			/* In front of the window, in it, far behind it. */
			p.seq += (uint32_t)(i / ARRAY_SIZE(flags)) * 70000u - 1;
			bed->pkts.fail_nth = i % 2;
			bed_peer_send_at(&p, 0, 1000, flags[i % ARRAY_SIZE(flags)], 10);
			bed->pkts.fail_nth = 0;
			tcp_bed_discard(bed);
			tcp_abort_all(bed->stack, &bed->env);
			tcp_bed_events(bed, p.h, NULL);
			tcp_bed_discard(bed);
			assert_int_equal(bed->pkts.outstanding, 0);
			assert_int_equal(bed->pkts.pool.held, 0);
			assert_int_equal(bed->stack->mem.held, 0);
		}
}

static void
a20_one_client_that_parks_all_it_can_leaves_the_reserve(void **state)
{
	struct tcp_bed *bed = *state;
	static struct bed_peer p[16], other;

	bed->tun.tcp_rmem[1] = 4u << 20;
	bed->tun.tcp_rmem[2] = 4u << 20;
	start_small(bed);
	tcp_bed_listen(bed, 0);
	for (unsigned int i = 0; i < 16; i++) {
		bed_peer_init(&p[i], bed);
		p[i].offer = TCP_OPT_WSCALE;
		bed_peer_syn(&p[i]);
		bed_peer_ack_syn(&p[i]);
		tcp_bed_discard(bed);
		if (bed_peer_state(&p[i]) != TCPS_ESTABLISHED)
			break;
		bed_peer_accept(&p[i]);
		/* In order, then with a gap. */
		send_all_the_window(&p[i]);
		for (int32_t j = 0; j < 40; j++) {
			bed_peer_send_at(&p[i], 1 + j, 0, TCP_ACK, 1460);
			tcp_bed_discard(bed);
			assert_bounded(bed);
		}
	}
	assert_true(bed->pkts.outstanding > POOL / 2);
	assert_true(pkt_pool_avail(&bed->pkts.pool) >= RESERVE);
	/* Who has nothing to do with it is answered. */
	bed_peer_init(&other, bed);
	other.key.lport = 81;
	assert_int_equal(bed_peer_send(&other, TCP_SYN, 0), OUT_NO_LISTENER);
	assert_int_equal(tcp_bed_discard(bed), 1);
	tcp_bed_advance(bed, 5000);
	tcp_bed_discard(bed);
	assert_false(bed->stack->mem.over);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ATTACK_TEST_PREPARED(
			a05_peers_that_never_read_or_never_let_us_read_lose_what_they_hold),
		ATTACK_TEST(a10_tiny_segments_at_every_other_number_cost_a_bounded_walk),
		ATTACK_TEST_PREPARED(a11_one_byte_in_each_buffer_does_not_hold_the_buffers),
		ATTACK_TEST(a11_buffers_without_room_are_bounded_by_the_receive_buffer),
		ATTACK_TEST_PREPARED(a18_no_packet_is_lost_where_an_answer_is_suppressed),
		ATTACK_TEST_PREPARED(a20_one_client_that_parks_all_it_can_leaves_the_reserve),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
