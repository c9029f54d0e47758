/* SPDX-License-Identifier: BSD-3-Clause */
/* What an owner sets on its connection: what is taken, kept, and given up with the slot. */
#include "unit/tcp_unit.h"

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
		{ TCP_SO_CORK, 1, 0, 1 },
		{ TCP_SO_CORK, 0, 0, 0 },
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
		{ TCP_SO_WINDOW_CLAMP, 0, -EINVAL, 0 },
		{ TCP_SO_WINDOW_CLAMP, 1, 0, 1152 },
		{ TCP_SO_WINDOW_CLAMP, 5000, 0, 5000 },
		{ TCP_SO_KEEPIDLE, 0, -EINVAL, 0 },
		{ TCP_SO_KEEPIDLE, 32768, -EINVAL, 0 },
		{ TCP_SO_KEEPIDLE, 32767, 0, 32767 },
		{ TCP_SO_KEEPINTVL, 3, 0, 3 },
		{ TCP_SO_KEEPCNT, 128, -EINVAL, 0 },
		{ TCP_SO_KEEPCNT, 127, 0, 127 },
		{ TCP_SO_LINGER2, -7, 0, -1 },
		{ TCP_SO_LINGER2, 121, 0, 120 },
		{ TCP_SO_LINGER2, 0, 0, 60 },
		{ TCP_SO_QUICKACK, 0, 0, 0 },
		{ TCP_SO_QUICKACK, 1, 0, 1 },
		{ (enum tcp_sockopt)99, 1, -EINVAL, 0 },
	};
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	int value;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(tcp_getopt(bed->stack, &bed->env, p.h, TCP_SO_WINDOW_CLAMP, &value), 0);
	assert_int_equal(value, 65536);
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


/* A slot's next connection knows nothing of what was set on the one before. */
static void
what_few_set_ends_with_the_connection(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	int value;

	bed->par.conns_max = 1;
	tcp_bed_start(bed);
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_KEEPCNT, 2), 0);
	assert_int_equal(tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_LINGER2, -1), 0);
	tcp_abort(bed->stack, &bed->env, p.h);
	tcp_bed_events(bed, p.h, NULL);
	tcp_bed_discard(bed);
	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	tcp_getopt(bed->stack, &bed->env, p.h, TCP_SO_KEEPCNT, &value);
	assert_int_equal(value, 9);
	tcp_getopt(bed->stack, &bed->env, p.h, TCP_SO_LINGER2, &value);
	assert_int_equal(value, 60);
}

static void
a_clamp_bounds_the_window_and_can_be_widened(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	int value;

	bed_peer_init(&p, bed);
	bed_peer_reach(&p, TCPS_ESTABLISHED);
	assert_int_equal(tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_WINDOW_CLAMP, 3000), 0);
	assert_int_equal(tcp_rcv_space(bed->stack, tcp_conn_get(bed->stack, p.h)), 3000);
	/* The owner's buffer is as large as it was. */
	assert_int_equal(tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_RCVBUF, 50000), 0);
	assert_int_equal(tcp_rcv_space(bed->stack, tcp_conn_get(bed->stack, p.h)), 3000);
	tcp_getopt(bed->stack, &bed->env, p.h, TCP_SO_RCVBUF, &value);
	assert_int_equal(value, 50000);
	assert_int_equal(tcp_setopt(bed->stack, &bed->env, p.h, TCP_SO_WINDOW_CLAMP, 40000), 0);
	assert_int_equal(tcp_rcv_space(bed->stack, tcp_conn_get(bed->stack, p.h)), 25000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(options_are_checked_kept_and_clamped),
		BED_TEST_PREPARED(what_few_set_ends_with_the_connection),
		BED_TEST(a_clamp_bounds_the_window_and_can_be_widened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
