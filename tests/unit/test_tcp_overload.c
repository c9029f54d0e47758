/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of what SYNs get while frames come faster than they can be answered. */
#include "unit/tcp_unit.h"

/* Answers that the worker of these tests has time for in a millisecond. */
#define CAPACITY 40u

/* A SYN from somewhere new. */
static struct tcp_seg
stranger(struct tcp_bed *bed)
{
	struct bed_peer p;
	struct ip_addr addr = { .b = { [10] = 0xff, [11] = 0xff, [12] = 20 } };

	memset(&p, 0, sizeof(p));
	p.bed = bed;
	p.mss = 1460;
	p.wnd = 65535;
	p.irs = p.seq = rng_u32(&bed->rng);
	store_be32(addr.b + 12, 20u << 24 | rng_u32(&bed->rng) >> 8);
	p.key = flow_key_make(&addr, (uint16_t)(1024 + rng_below(&bed->rng, 60000)), 0, BED_PORT);
	return bed_peer_seg(&p, TCP_SYN, 0);
}

/* How many of these are answered. */
static unsigned int
answered(struct tcp_bed *bed, const struct tcp_seg *segs, unsigned int n)
{
	uint64_t before = bed->ctr.SyncookiesSent;

	for (unsigned int i = 0; i < n; i += TCP_BURST_MAX) {
		(void)tcp_bed_input(bed, segs + i, min_u32(n - i, TCP_BURST_MAX));
		(void)tcp_bed_discard(bed);
	}
	return (unsigned int)(bed->ctr.SyncookiesSent - before);
}

/* One millisecond of a worker that can answer CAPACITY SYNs in it; how many of n were answered. */
static unsigned int
millisecond(struct tcp_bed *bed, const struct tcp_seg *segs, unsigned int n)
{
	unsigned int got = answered(bed, segs, n);

	tcp_bed_advance(bed, 1);
	tcp_overload_note(bed->stack, &bed->env, got > CAPACITY);
	return got;
}

/* The same with strangers only, for so long; how many were answered in the last one. */
static unsigned int
flood(struct tcp_bed *bed, unsigned int per_ms, unsigned int ms)
{
	struct tcp_seg segs[4 * CAPACITY];
	unsigned int got = 0;

	ASSERT(per_ms <= ARRAY_SIZE(segs));
	while (ms-- > 0) {
		for (unsigned int i = 0; i < per_ms; i++)
			segs[i] = stranger(bed);
		got = millisecond(bed, segs, per_ms);
	}
	return got;
}

static struct tcp_bed *
listening(void **state)
{
	struct tcp_bed *bed = *state;

	/* As the daemon has it: what is remembered of SYNs goes with it. */
	bed->par.synq_max = 65536;
	tcp_bed_start(bed);
	bed->tun.tcp_syncookies = 2;
	bed->tun.tcp_overload_delay = 20;
	tcp_bed_listen(bed, 0);
	return bed;
}

static void
nothing_is_refused_before_tcp_overload_delay_has_passed(void **state)
{
	struct tcp_bed *bed = listening(state);
	uint64_t full_us = bed->env.now_us;

	bed->tun.tcp_overload_delay = 30;
	tcp_overload_note(bed->stack, &bed->env, false);
	bed->env.now_us = full_us + 29999;
	tcp_overload_note(bed->stack, &bed->env, true);
	assert_int_equal(bed->ctr.SynOverloads, 0);
	/* Empty once, and the time begins again. */
	tcp_overload_note(bed->stack, &bed->env, false);
	bed->env.now_us = full_us + 29999 + 29999;
	tcp_overload_note(bed->stack, &bed->env, true);
	assert_int_equal(bed->ctr.SynOverloads, 0);
	bed->env.now_us++;
	tcp_overload_note(bed->stack, &bed->env, true);
	assert_int_equal(bed->ctr.SynOverloads, 1);
}

static void
what_can_be_answered_is_answered_and_the_rest_dropped(void **state)
{
	struct tcp_bed *bed = listening(state);
	struct tcp_listener_info row;
	unsigned int sum = 0, full = 0;

	assert_int_equal(flood(bed, 2 * CAPACITY, 20), 2 * CAPACITY);
	(void)flood(bed, 2 * CAPACITY, 100);
	for (unsigned int ms = 0; ms < 400; ms++) {
		unsigned int got = flood(bed, 2 * CAPACITY, 1);

		sum += got;
		full += got > CAPACITY;
	}
	/* Close to what there is time for, and above it only to find out. */
	assert_in_range(sum, 400 * CAPACITY * 8 / 10, 400 * CAPACITY);
	assert_in_range(full, 1, 400 / 3);
	assert_int_equal(tcp_list_listeners(bed->stack, &bed->env, &row, 1), 1);
	assert_int_equal(row.syn_drops_overload, bed->ctr.outcome[OUT_SYN_OVERLOAD]);
	assert_int_equal(bed->ctr.ListenDrops, bed->ctr.outcome[OUT_SYN_OVERLOAD]);
	assert_int_equal(bed->ctr.SynOverloads, 1);
}

static void
a_client_that_was_refused_is_answered_when_it_comes_again(void **state)
{
	struct tcp_bed *bed = listening(state);
	struct tcp_seg clients[200], segs[2 * CAPACITY];
	unsigned int refused = 0;

	(void)flood(bed, 2 * CAPACITY, 100);
	for (unsigned int i = 0; i < ARRAY_SIZE(clients); i++) {
		/* Last of its millisecond, where nothing is left. */
		for (unsigned int j = 0; j < ARRAY_SIZE(segs); j++)
			segs[j] = stranger(bed);
		(void)answered(bed, segs, ARRAY_SIZE(segs));
		clients[refused] = stranger(bed);
		refused += answered(bed, &clients[refused], 1) == 0;
		tcp_bed_advance(bed, 1);
		tcp_overload_note(bed->stack, &bed->env, true);
	}
	assert_in_range(refused, 150, 200);
	(void)flood(bed, 2 * CAPACITY, 1001 - ARRAY_SIZE(clients));
	for (unsigned int i = 0; i < refused; i++) {
		for (unsigned int j = 0; j < ARRAY_SIZE(segs); j++)
			segs[j] = stranger(bed);
		(void)answered(bed, segs, ARRAY_SIZE(segs));
		assert_int_equal(answered(bed, &clients[i], 1), 1);
		tcp_bed_advance(bed, 1);
		tcp_overload_note(bed->stack, &bed->env, true);
	}
}

static void
a_flood_that_repeats_itself_leaves_half_to_others(void **state)
{
	struct tcp_bed *bed = listening(state);
	static struct tcp_seg again[1000][CAPACITY];
	unsigned int sum = 0;

	for (unsigned int ms = 0; ms < 1000; ms++)
		for (unsigned int i = 0; i < CAPACITY; i++)
			again[ms][i] = stranger(bed);
	/* Each of these comes once a second. */
	for (unsigned int round = 0; round < 3; round++)
		for (unsigned int ms = 0; ms < 1000; ms++) {
			struct tcp_seg segs[2 * CAPACITY];
			unsigned int got = answered(bed, again[ms], CAPACITY);
			unsigned int others;

			for (unsigned int i = 0; i < ARRAY_SIZE(segs); i++)
				segs[i] = stranger(bed);
			others = answered(bed, segs, ARRAY_SIZE(segs));
			sum += round == 2 ? others : 0;
			tcp_bed_advance(bed, 1);
			tcp_overload_note(bed->stack, &bed->env, got + others > CAPACITY);
		}
	assert_in_range(sum, 1000 * CAPACITY / 3, 1000 * CAPACITY * 2 / 3);
}

static void
what_is_not_a_syn_is_never_refused(void **state)
{
	struct tcp_bed *bed = listening(state);
	struct tcp_seg ack;
	struct bed_peer p;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	(void)flood(bed, 2 * CAPACITY, 60);
	bed->stack->overload.budget = 0;
	ack = stranger(bed);
	assert_int_equal(tcp_bed_input(bed, &ack, 1), OUT_SYN_OVERLOAD);
	assert_int_equal(bed_peer_send(&p, TCP_ACK, 100), OUT_DELIVERED);
	ack.flags = TCP_ACK;
	ack.ack = 1;
	assert_int_equal(tcp_bed_input(bed, &ack, 1), OUT_COOKIE_INVALID);
	ack.flags = TCP_RST;
	assert_int_equal(tcp_bed_input(bed, &ack, 1), OUT_NO_CONN_RST);
	(void)tcp_bed_discard(bed);
}

static void
it_ends_after_a_second_without_a_drop(void **state)
{
	struct tcp_bed *bed = listening(state);

	(void)flood(bed, 2 * CAPACITY, 100);
	assert_true(bed->stack->overload.is_on);
	assert_int_equal(flood(bed, 1, 999), 1);
	assert_true(bed->stack->overload.is_on);
	(void)flood(bed, 1, 1);
	assert_false(bed->stack->overload.is_on);
	assert_int_equal(flood(bed, 2 * CAPACITY, 1), 2 * CAPACITY);
}

static void
tcp_overload_delay_0_switches_it_off_at_once(void **state)
{
	struct tcp_bed *bed = listening(state);

	(void)flood(bed, 2 * CAPACITY, 100);
	bed->tun.tcp_overload_delay = 0;
	(void)flood(bed, 2 * CAPACITY, 1);
	assert_int_equal(flood(bed, 2 * CAPACITY, 100), 2 * CAPACITY);
	assert_int_equal(bed->ctr.SynOverloads, 1);
}

static void
a_listener_that_is_opened_meanwhile_is_limited_too(void **state)
{
	struct tcp_bed *bed = listening(state);
	struct tcp_listen_params par = { .laddr_idx = -1, .port = 81, .blackhole = 0 };
	struct tcp_seg syn;
	tcp_handle h;

	(void)flood(bed, 2 * CAPACITY, 100);
	bed->stack->overload.budget = 0;
	assert_int_equal(tcp_listen(bed->stack, &bed->env, &par, &h), 0);
	syn = stranger(bed);
	syn.key.lport = 81;
	assert_int_equal(tcp_bed_input(bed, &syn, 1), OUT_SYN_OVERLOAD);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST_PREPARED(nothing_is_refused_before_tcp_overload_delay_has_passed),
		BED_TEST_PREPARED(what_can_be_answered_is_answered_and_the_rest_dropped),
		BED_TEST_PREPARED(a_client_that_was_refused_is_answered_when_it_comes_again),
		BED_TEST_PREPARED(a_flood_that_repeats_itself_leaves_half_to_others),
		BED_TEST_PREPARED(what_is_not_a_syn_is_never_refused),
		BED_TEST_PREPARED(it_ends_after_a_second_without_a_drop),
		BED_TEST_PREPARED(tcp_overload_delay_0_switches_it_off_at_once),
		BED_TEST_PREPARED(a_listener_that_is_opened_meanwhile_is_limited_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
