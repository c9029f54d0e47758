/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of how long a connection may be silent; scripts have the plain cases. */
#include "unit/tcp_unit.h"

/* The event of the end: its owner hears it once, and why. */
static void
assert_ended(struct bed_peer *p, int why)
{
	int err = 0;

	assert_true(tcp_bed_events(p->bed, p->h, &err) & TCP_EV_CLOSED);
	assert_int_equal(err, why);
	assert_int_equal(bed_peer_state(p), TCPS_CLOSED);
}

static void
only_established_connections_are_limited(void **state)
{
	static const enum tcp_state states[] = { TCPS_FIN_WAIT_2, TCPS_CLOSE_WAIT };
	struct tcp_bed *bed = *state;
	struct bed_peer p[ARRAY_SIZE(states)], open;

	bed->tun.tcp_idle_timeout = 5;
	bed->tun.tcp_first_byte_timeout = 5;
	for (size_t i = 0; i < ARRAY_SIZE(states); i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], states[i]);
	}
	bed_peer_init(&open, bed);
	bed_peer_reach(&open, TCPS_ESTABLISHED);
	tcp_bed_advance(bed, 100000);
	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		assert_int_equal(bed_peer_state(&p[i]), states[i]);
	assert_ended(&open, -ETIMEDOUT);
	assert_int_equal(bed->ctr.FirstByteTimeouts, 1);
	tcp_bed_discard(bed);
}

/* A peer that holds its window closed keeps our data from moving, however often it answers. */
static void
a_closed_window_is_idle(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_idle_timeout = 30;
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	p.wnd = 0;
	bed_peer_send(&p, TCP_ACK | TCP_PSH, 1);
	tcp_send(bed->stack, &bed->env, p.h, "stuck", 5, 0);
	tcp_bed_flush(bed);
	for (unsigned int s = 0; s < 30; s++) {
		assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
		tcp_bed_advance(bed, 1000);
		bed_peer_send(&p, TCP_ACK, 0);
		tcp_bed_discard(bed);
	}
	tcp_bed_advance(bed, 1024);
	assert_ended(&p, -ETIMEDOUT);
	tcp_bed_discard(bed);
}

/* Never early, a second late at most: at every place within the unit of the clock that counts. */
static void
idle_ends_within_a_second_after_its_time(void **state)
{
	struct tcp_bed *bed = *state;

	bed->tun.tcp_idle_timeout = 3;
	for (unsigned int i = 0; i < 64; i++) {
		struct bed_peer p;

		tcp_bed_advance(bed, 17);
		bed_peer_init(&p, bed);
		bed_peer_reach(&p, TCPS_ESTABLISHED);
		tcp_bed_advance(bed, 500 + i);
		tcp_send(bed->stack, &bed->env, p.h, "x", 1, 0);
		tcp_bed_flush(bed);
		p.ack++;
		bed_peer_send(&p, TCP_ACK, 0);
		tcp_bed_advance(bed, 2999);
		assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
		tcp_bed_advance(bed, 1024);
		assert_ended(&p, -ETIMEDOUT);
		tcp_bed_discard(bed);
	}
}

/* One timer for all: keepalive probes come when they should, and the rest is watched as well. */
static void
keepalive_and_idle_share_the_timer(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	bed->tun.tcp_keepalive_time = 4;
	bed->tun.tcp_keepalive_intvl = 3;
	bed->tun.tcp_idle_timeout = 20;
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_KEEPALIVE, 1);
	for (unsigned int round = 0; round < 2; round++) {
		tcp_bed_advance(bed, 3999);
		assert_sent(&p, "");
		tcp_bed_advance(bed, 1);
		assert_sent(&p, "A 0+0 ack 1");
		tcp_bed_advance(bed, 2999);
		assert_sent(&p, "");
		tcp_bed_advance(bed, 1);
		assert_sent(&p, "A 0+0 ack 1");
		/* The answer puts the probes off, but is no data. */
		bed_peer_send(&p, TCP_ACK, 0);
	}
	/* 14 s by now. Off: only idle is left. */
	tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_KEEPALIVE, 0);
	tcp_bed_advance(bed, 5999);
	assert_sent(&p, "");
	tcp_bed_advance(bed, 1024);
	assert_sent(&p, "RA 1+0 ack 1");
	assert_ended(&p, -ETIMEDOUT);
	assert_int_equal(bed->ctr.TCPKeepAlive, 4);
}

static void
a_listener_may_have_timeouts_of_its_own(void **state)
{
	const struct tcp_listen_params par = {
		.laddr_idx = -1,
		.port = BED_PORT,
		.syncookies = -1,
		.first_byte_s = 2,
		.idle_s = 9,
	};
	struct tcp_bed *bed = *state;
	struct bed_peer mute, idle, orphaned;

	bed->tun.tcp_first_byte_timeout = 5;
	bed->tun.tcp_idle_timeout = 7;
	assert_int_equal(tcp_listen(bed->stack, &bed->env, &par, &bed->listener), 0);
	bed_peer_init(&mute, bed);
	bed_peer_reach(&mute, TCPS_ESTABLISHED);
	bed_peer_init(&idle, bed);
	bed_peer_reach(&idle, TCPS_ESTABLISHED);
	bed_peer_send(&idle, TCP_ACK, 10);
	bed_peer_init(&orphaned, bed);
	bed_peer_reach(&orphaned, TCPS_ESTABLISHED);
	bed_peer_send(&orphaned, TCP_ACK, 10);
	tcp_bed_advance(bed, 2000);
	assert_ended(&mute, -ETIMEDOUT);
	tcp_bed_advance(bed, 6999);
	assert_int_equal(bed_peer_state(&idle), TCPS_ESTABLISHED);
	/* Without its listener a connection is under the tunables. */
	bed_peer_send(&orphaned, TCP_ACK, 10);
	tcp_listener_close(bed->stack, &bed->env, bed->listener);
	tcp_bed_advance(bed, 1025);
	assert_ended(&idle, -ETIMEDOUT);
	tcp_bed_advance(bed, 7000);
	tcp_bed_advance(bed, 2000);
	assert_ended(&orphaned, -ETIMEDOUT);
	tcp_bed_discard(bed);
}

static void
a_fast_open_child_has_sent_its_first_byte(void **state)
{
	const struct tcp_listen_params par = {
		.laddr_idx = -1,
		.port = BED_PORT,
		.syncookies = -1,
		.fastopen = true,
	};
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_seg syn;

	bed->tun.tcp_fastopen = 3;
	bed->tun.tcp_first_byte_timeout = 2;
	assert_int_equal(tcp_listen(bed->stack, &bed->env, &par, &bed->listener), 0);
	bed_peer_init(&p, bed);
	syn = bed_peer_seg(&p, TCP_SYN, 0);
	syn.opts.present |= TCP_OPT_FASTOPEN;
	syn.payload_off += 12;
	bed_peer_send_seg(&p, &syn);
	assert_true(tcp_bed_take(bed));
	syn = bed_peer_seg(&p, TCP_SYN, 20);
	syn.key.rport++;
	syn.opts.present |= TCP_OPT_FASTOPEN;
	syn.opts.fastopen_len = bed->sent.opts.fastopen_len;
	memcpy(syn.opts.fastopen, bed->sent.opts.fastopen, syn.opts.fastopen_len);
	syn.payload_off += 12;
	p.key = syn.key;
	assert_int_equal(bed_peer_send_seg(&p, &syn), OUT_SYN_FASTOPEN);
	assert_true(tcp_bed_take(bed));
	p.seq += 21;
	p.ack = bed->sent.seq + 1;
	bed_peer_send(&p, TCP_ACK, 0);
	tcp_bed_advance(bed, 60000);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	tcp_bed_discard(bed);
}

/* Both ways: what waits is told of a shorter time, and of none. */
static void
a_change_reaches_connections_that_wait(void **state)
{
	struct tcp_bed *bed = *state;
	static struct bed_peer p[2500];

	bed->par.conns_max = ARRAY_SIZE(p);
	tcp_bed_start(bed);
	for (unsigned int i = 0; i < ARRAY_SIZE(p); i++) {
		bed_peer_init(&p[i], bed);
		bed_peer_reach(&p[i], TCPS_ESTABLISHED);
		assert_int_equal(bed_peer_conn(&p[i])->timers & TT_KEEP, 0);
	}
	bed->tun.tcp_idle_timeout = 5000;
	tcp_poll(bed->stack, &bed->env);
	/* Some with each call. */
	assert_int_equal(tcp_poll_at(bed->stack), 0);
	assert_int_equal(bed_peer_conn(&p[0])->timers & TT_KEEP, TT_KEEP);
	assert_int_equal(bed_peer_conn(&p[2499])->timers & TT_KEEP, 0);
	tcp_bed_advance(bed, 10);
	assert_int_equal(bed_peer_conn(&p[2499])->timers & TT_KEEP, TT_KEEP);
	bed->tun.tcp_idle_timeout = 0;
	tcp_bed_advance(bed, 1);
	tcp_bed_advance(bed, 10);
	assert_int_equal(bed_peer_conn(&p[2499])->timers & TT_KEEP, 0);
	assert_int_equal(bed->ctr.IdleTimeouts, 0);
}

/* A change reaches who is parked, who stays so, and its deadline is kept. */
static void
a_parked_connection_is_idle_too(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	struct tcp_conn *c;

	bed->par.park_after_ms = 8000;
	tcp_bed_start(bed);
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	bed_peer_send(&p, TCP_ACK | TCP_PSH, 1);
	tcp_recv(bed->stack, &bed->env, p.h, bed->text, 1);
	for (unsigned int s = 0; s < 30; s++) {
		tcp_poll(bed->stack, &bed->env);
		tcp_bed_advance(bed, 1000);
	}
	tcp_bed_discard(bed);
	c = bed_peer_conn(&p);
	assert_int_equal(c->cold, TCP_NONE);
	bed->tun.tcp_idle_timeout = 60;
	tcp_poll(bed->stack, &bed->env);
	assert_int_equal(c->cold, TCP_NONE);
	assert_int_equal(c->timers & TT_KEEP, TT_KEEP);
	tcp_bed_advance(bed, 29999);
	assert_int_equal(bed_peer_state(&p), TCPS_ESTABLISHED);
	tcp_bed_advance(bed, 1025);
	assert_ended(&p, -ETIMEDOUT);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(only_established_connections_are_limited),
		BED_TEST(a_closed_window_is_idle),
		BED_TEST(idle_ends_within_a_second_after_its_time),
		BED_TEST(keepalive_and_idle_share_the_timer),
		BED_TEST(a_listener_may_have_timeouts_of_its_own),
		BED_TEST(a_fast_open_child_has_sent_its_first_byte),
		BED_TEST_PREPARED(a_change_reaches_connections_that_wait),
		BED_TEST_PREPARED(a_parked_connection_is_idle_too),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
