/* SPDX-License-Identifier: BSD-3-Clause */
/* Active open and the options of a connection. */
#include "unit/tcp_unit.h"

static void
what_cannot_be_connected_to_is_refused(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	tcp_handle h;

	bed_peer_init(&p, bed);
	p.key.rport = 0;
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h), -EINVAL);
	bed_peer_init(&p, bed);
	p.key.laddr_idx = 3;
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h), -EINVAL);
	bed_peer_init(&p, bed);
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h), 0);
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h), -EADDRINUSE);
	tcp_bed_discard(bed);
}

static void
without_a_slot_an_open_is_refused_and_leaves_nothing(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	tcp_handle h, first;

	bed->par.conns_max = 1;
	tcp_bed_start(bed);
	bed_peer_init(&p, bed);
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &first), 0);
	p.key.lport++;
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h), -ENOBUFS);
	assert_int_equal(tcp_bed_discard(bed), 1);
	assert_int_equal(bed->ctr.ConnAllocFails, 1);
	tcp_abort(bed->stack, &bed->env, first);
	tcp_bed_events(bed, first, NULL);
	assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &h), 0);
	tcp_bed_discard(bed);
}

static void
options_are_checked_kept_and_clamped(void **state)
{
	static const struct {
		enum tcp_sockopt opt;
		int value, err, want;
	} rows[] = {
		{ TCP_SO_NODELAY, 1, 0, 1 },
		{ TCP_SO_NODELAY, 7, 0, 1 },
		{ TCP_SO_NODELAY, 0, 0, 0 },
		{ TCP_SO_SNDBUF, 0, -EINVAL, 0 },
		{ TCP_SO_SNDBUF, -1, -EINVAL, 0 },
		{ TCP_SO_SNDBUF, 1, 0, 4096 },
		{ TCP_SO_SNDBUF, 100000, 0, 100000 },
		{ TCP_SO_SNDBUF, INT32_MAX, 0, 4194304 },
		{ TCP_SO_RCVBUF, 0, -EINVAL, 0 },
		{ TCP_SO_RCVBUF, 1, 0, 4096 },
		{ TCP_SO_RCVBUF, INT32_MAX, 0, 6291456 },
		{ TCP_SO_KEEPALIVE, 1, 0, 1 },
		{ TCP_SO_KEEPALIVE, 0, 0, 0 },
		{ TCP_SO_LINGER, -1, 0, -1 },
		{ TCP_SO_LINGER, 0, 0, 0 },
		{ TCP_SO_LINGER, 32767, 0, 32767 },
		{ TCP_SO_LINGER, 32768, -EINVAL, 0 },
		{ TCP_SO_LINGER, -2, -EINVAL, 0 },
		{ TCP_SO_USER_TIMEOUT, -1, -EINVAL, 0 },
		{ TCP_SO_USER_TIMEOUT, 5000, 0, 5000 },
		{ TCP_SO_MAXSEG, 1000, -EINVAL, 0 },
		{ TCP_SO_CONGESTION, TUN_CC_RENO, 0, TUN_CC_RENO },
		{ TCP_SO_CONGESTION, TUN_CC_CUBIC, 0, TUN_CC_CUBIC },
		{ TCP_SO_CONGESTION, TUN_CC_COUNT, -EINVAL, 0 },
		{ TCP_SO_CONGESTION, -1, -EINVAL, 0 },
		{ (enum tcp_sockopt)99, 1, -EINVAL, 0 },
	};
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	int value;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(tcp_setopt(bed->stack, &bed->env, p.h, rows[i].opt,
			rows[i].value), rows[i].err);
		if (rows[i].err != 0)
			continue;
		assert_int_equal(
			tcp_getopt(bed->stack, &bed->env, p.h, rows[i].opt, &value), 0);
		assert_int_equal(value, rows[i].want);
	}
	assert_int_equal(tcp_getopt(bed->stack, &bed->env, p.h, TCP_SO_MAXSEG, &value), 0);
	assert_int_equal(value, 1460);
}

static void
events_carry_what_the_owner_set(void **state)
{
	struct tcp_bed *bed = *state;
	struct tcp_event ev;
	struct bed_peer p;
	int one, two;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_bed_events(bed, p.h, NULL);
	assert_int_equal(tcp_set_owner(bed->stack, p.h, &one, &two), 0);
	bed_peer_send(&p, TCP_ACK, 1);
	assert_true(tcp_next_event(bed->stack, &ev));
	assert_ptr_equal(ev.data, &one);
	assert_ptr_equal(ev.ops, &two);
	assert_int_equal(tcp_set_owner(bed->stack, p.h, &two, NULL), 0);
	bed_peer_send(&p, TCP_ACK, 1);
	assert_true(tcp_next_event(bed->stack, &ev));
	assert_ptr_equal(ev.data, &two);
	assert_ptr_equal(ev.ops, &two);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(what_cannot_be_connected_to_is_refused),
		BED_TEST_PREPARED(without_a_slot_an_open_is_refused_and_leaves_nothing),
		BED_TEST(options_are_checked_kept_and_clamped),
		BED_TEST(events_carry_what_the_owner_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
