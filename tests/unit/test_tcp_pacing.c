/* SPDX-License-Identifier: BSD-3-Clause */
/* A paced connection: how much leaves in a time, and what it does not wait for. */
#include "unit/tcp_unit.h"

#define MSS 1460u
#define SECONDS 4u

static void
open_one(struct bed_peer *p, struct tcp_bed *bed)
{
	bed_peer_init(p, bed);
	bed_peer_reach(p, TCPS_ESTABLISHED);
	tcp_bed_events(bed, p->h, NULL);
}

/* The peer acknowledges all that was sent each ms, as if it were next door. Returns the bytes. */
static uint32_t
send_for(struct bed_peer *p, unsigned int ms)
{
	static const uint8_t data[65536];
	struct tcp_bed *bed = p->bed;
	struct tcp_conn *c = bed_peer_conn(p);
	uint32_t before = c->snd_nxt;

	for (unsigned int i = 0; i < ms; i++) {
		tcp_send(bed->stack, &bed->env, p->h, data, sizeof(data), 0);
		tcp_bed_flush(bed);
		tcp_bed_advance(bed, 1);
		tcp_bed_discard(bed);
		bed_peer_send_at(p, 0, (int32_t)(c->snd_nxt - p->iss - 1), TCP_ACK, 0);
	}
	return c->snd_nxt - before;
}

static void
an_owners_rate_is_kept_whatever_the_window_lets_go(void **state)
{
	static const uint32_t rates[] = { 20000, 1000000, 12500000 };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rates); i++) {
		struct bed_peer p;
		uint32_t bytes;

		open_one(&p, bed);
		assert_int_equal(tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_MAX_PACING_RATE,
					 (int)rates[i]),
			0);
		bytes = send_for(&p, SECONDS * 1000);
		/* The first ten segments are not paced, and two may leave together. */
		assert_in_range(bytes, SECONDS * rates[i] - 2 * MSS,
			SECONDS * rates[i] + 13 * MSS + rates[i] / 1000);
		tcp_abort(bed->stack, &bed->env, p.h);
		tcp_bed_discard(bed);
	}
	assert_true(bed->ctr.TcpPacingWaits > 0);
}

/* A second without data is no reason for a burst of all that could have gone meanwhile. */
static void
a_pause_saves_nothing_up(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_one(&p, bed);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_MAX_PACING_RATE, 1000000);
	send_for(&p, 1000);
	/* What is queued still goes, and then nothing. */
	for (unsigned int i = 0; i < 1000; i++) {
		tcp_bed_advance(bed, 1);
		tcp_bed_discard(bed);
		bed_peer_send_at(&p, 0, (int32_t)(bed_peer_conn(&p)->snd_nxt - p.iss - 1), TCP_ACK,
			0);
	}
	assert_true(bed_peer_conn(&p)->snd_nxt == bed_peer_conn(&p)->write_seq);
	tcp_bed_advance(bed, 1000);
	assert_in_range(send_for(&p, 1), MSS, 4 * MSS);
	tcp_bed_discard(bed);
}

static void
what_waits_says_so_and_a_parked_one_keeps_its_rate(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_conn_info row;
	struct bed_peer p;
	int value = 0;

	bed->par.park_after_ms = 1000;
	tcp_bed_start(bed);
	open_one(&p, bed);
	assert_int_equal(tcp_getopt(bed->stack, &bed->env, p.h, TCP_SO_MAX_PACING_RATE, &value), 0);
	assert_int_equal(value, -1);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_MAX_PACING_RATE, 10000);
	send_for(&p, 100);
	tcp_fill_row(bed->stack, &bed->env, bed_peer_conn(&p), &row);
	assert_int_equal(row.limit, TCP_LIMIT_PACING);
	assert_int_equal(row.pacing_rate, 10000);
	assert_int_equal(row.max_pacing_rate, 10000);
	/* Without a rate all goes at once; then it is idle. */
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_MAX_PACING_RATE, -1);
	send_for(&p, 1);
	for (unsigned int i = 0; bed_peer_conn(&p)->snd_una != bed_peer_conn(&p)->write_seq; i++) {
		assert_true(i < 1000);
		bed_peer_send_at(&p, 0, (int32_t)(bed_peer_conn(&p)->snd_nxt - p.iss - 1), TCP_ACK,
			0);
		tcp_bed_flush(bed);
		tcp_bed_discard(bed);
	}
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_MAX_PACING_RATE, 10000);
	tcp_bed_events(bed, p.h, NULL);
	for (unsigned int i = 0; i < 60; i++)
		tcp_bed_advance(bed, 100);
	assert_int_equal(bed->ctr.ConnsParked, 1);
	tcp_fill_row(bed->stack, &bed->env, &bed->stack->conns[(uint32_t)p.h], &row);
	assert_int_equal(row.max_pacing_rate, 10000);
	assert_int_equal(row.limit, TCP_LIMIT_OWNER);
	assert_int_equal(bed->ctr.ConnsParked, 1);
	assert_in_range(send_for(&p, 1000), 10000 - 2 * MSS, 10000 + 4 * MSS);
	tcp_bed_discard(bed);
}

/* All that was written has gone, and its time is not over: a window that closes is probed for. */
static void
a_closed_window_is_probed_while_its_turn_is_far(void **state)
{
	static const uint8_t data[12 * MSS];
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	open_one(&p, bed);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_MAX_PACING_RATE, 100);
	for (unsigned int i = 0; i < 2; i++) {
		tcp_send(bed->stack, &bed->env, p.h, data, i == 0 ? 10 * MSS : 2 * MSS, 0);
		tcp_bed_flush(bed);
		tcp_bed_discard(bed);
		p.wnd = i == 0 ? 65535 : 0;
		bed_peer_send_at(&p, 0, (int32_t)(bed_peer_conn(&p)->snd_nxt - p.iss - 1), TCP_ACK,
			0);
	}
	assert_int_equal(bed_peer_conn(&p)->snd_una, p.iss + 1 + 12 * MSS);
	tcp_send(bed->stack, &bed->env, p.h, data, MSS, 0);
	tcp_bed_flush(bed);
	assert_int_equal(tcp_bed_discard(bed), 0);
	tcp_bed_advance(bed, 5000);
	assert_true(tcp_bed_discard(bed) > 1);
}

/* A rate of 0 % is none, as in Linux: nobody would get anything. */
static void
a_ratio_of_nothing_paces_nothing(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_pacing = 1;
	bed->tun.tcp_pacing_ss_ratio = 0;
	open_one(&p, bed);
	tcp_cold(bed->stack, bed_peer_conn(&p))->srtt_us = 100000;
	send_for(&p, 10);
	assert_int_equal(bed->ctr.TcpPacingWaits, 0);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(an_owners_rate_is_kept_whatever_the_window_lets_go),
		BED_TEST(a_pause_saves_nothing_up),
		BED_TEST_PREPARED(what_waits_says_so_and_a_parked_one_keeps_its_rate),
		BED_TEST(a_closed_window_is_probed_while_its_turn_is_far),
		BED_TEST(a_ratio_of_nothing_paces_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
