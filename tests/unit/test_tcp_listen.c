/* SPDX-License-Identifier: BSD-3-Clause */
/* Listeners: which one a SYN reaches, the limits operators know, and what is refused. */
#include "unit/tcp_unit.h"

static int
listen_at(struct tcp_bed *bed, int laddr_idx, uint16_t port, tcp_handle *h)
{
	const struct tcp_listen_params par = {
		.laddr_idx = laddr_idx,
		.port = port,
		.syncookies = -1,
		.name = "test",
	};

	return tcp_listen(bed->stack, &bed->env, &par, h);
}

static void
the_limits_follow_backlog_somaxconn_and_tcp_max_syn_backlog(void **state)
{
	static const struct {
		unsigned int backlog;
		uint32_t somaxconn, max_syn;
		uint32_t accept, synq;
	} rows[] = {
		{ 128, 4096, 4096, 128, 256 },
		{ 0, 4096, 4096, 4096, 8192 },
		{ 10000, 4096, 4096, 4096, 8192 },
		{ 10000, 100, 4096, 100, 200 },
		{ 1000, 4096, 10, 1000, 20 },
		{ 1000, 4096, 1000, 1000, 2000 },
		{ 1000, 4096, 1000000, 1000, 2000 },
		{ 1, 4096, 4096, 1, 2 },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tcp_listener_info info;

		bed->tun.somaxconn = rows[i].somaxconn;
		bed->tun.tcp_max_syn_backlog = rows[i].max_syn;
		tcp_bed_listen(bed, rows[i].backlog);
		assert_int_equal(tcp_list_listeners(bed->stack, &bed->env, &info, 1), 1);
		assert_int_equal(info.acceptq_limit, rows[i].accept);
		assert_int_equal(info.synq_limit, rows[i].synq);
		tcp_listener_close(bed->stack, &bed->env, bed->listener);
	}
}

/* The shares of all workers sum to the limit, whatever the division leaves over. */
static void
workers_share_a_limit(void **state)
{
	static const struct {
		uint32_t backlog;
		unsigned int workers;
	} rows[] = { { 128, 3 }, { 127, 4 }, { 4, 4 }, { 7, 1 }, { 4096, 7 }, { 1, 4 } };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t accept = 0, synq = 0;

		tcp_bed_listen(bed, rows[i].backlog);
		bed->stack->par.workers = rows[i].workers;
		for (unsigned int w = 0; w < rows[i].workers; w++) {
			bed->stack->par.worker = w;
			accept += tcp_listener_backlog(bed->stack, bed->stack->listeners);
			synq += tcp_listener_synq_limit(bed->stack, bed->stack->listeners);
		}
		assert_int_equal(accept, rows[i].backlog);
		assert_int_equal(synq, 2 * rows[i].backlog);
		tcp_listener_close(bed->stack, &bed->env, bed->listener);
	}
	bed->stack->par.workers = 1;
	bed->stack->par.worker = 0;
}

static void
a_syn_reaches_the_listener_of_its_address_before_that_of_any(void **state)
{
	struct tcp_bed *bed = *state;
	struct flow_key key = { 0 };
	tcp_handle any, one, other;

	assert_int_equal(listen_at(bed, 0, 80, &one), 0);
	assert_int_equal(listen_at(bed, -1, 80, &any), 0);
	assert_int_equal(listen_at(bed, 2, 81, &other), 0);
	key.lport = 80;
	assert_ptr_equal(tcp_listener_find(bed->stack, &key), &bed->stack->listeners[one & 1023]);
	key.laddr_idx = 1;
	assert_ptr_equal(tcp_listener_find(bed->stack, &key), &bed->stack->listeners[any & 1023]);
	key.lport = 81;
	assert_null(tcp_listener_find(bed->stack, &key));
	assert_int_equal(tcp_listener_close(bed->stack, &bed->env, any), 0);
	key.lport = 80;
	assert_null(tcp_listener_find(bed->stack, &key));
	key.laddr_idx = 0;
	assert_non_null(tcp_listener_find(bed->stack, &key));
	/* The older of two goes, and the younger stays. */
	assert_int_equal(listen_at(bed, -1, 80, &any), 0);
	assert_int_equal(tcp_listener_close(bed->stack, &bed->env, one), 0);
	assert_ptr_equal(tcp_listener_find(bed->stack, &key), &bed->stack->listeners[any & 1023]);
}

static void
what_cannot_be_listened_on_is_refused(void **state)
{
	struct tcp_bed *bed = *state;
	tcp_handle h, again;
	unsigned int n;

	assert_int_equal(listen_at(bed, -1, 0, &h), -EINVAL);
	assert_int_equal(listen_at(bed, 3, 80, &h), -EINVAL);
	assert_int_equal(listen_at(bed, -1, 80, &h), 0);
	assert_int_equal(listen_at(bed, -1, 80, &again), -EADDRINUSE);
	assert_int_equal(tcp_listener_close(bed->stack, &bed->env, h), 0);
	assert_int_equal(listen_at(bed, -1, 80, &again), 0);
	assert_int_not_equal(h, again);
	assert_int_equal(tcp_listener_close(bed->stack, &bed->env, h), -EBADF);
	for (n = 1; listen_at(bed, -1, (uint16_t)(1000 + n), &h) == 0; n++)
		;
	assert_int_equal(n, TCP_LISTENERS_MAX);
	assert_int_equal(listen_at(bed, -1, 9, &h), -ENOBUFS);
}

/* filler: young entries in the SYN queue; accepted: connections that wait to be accepted. */
static void
syns_are_dropped_for_the_reasons_operators_know(void **state)
{
	static const struct {
		unsigned int filler, accepted;
		uint32_t cookies, max_syn;
		bool old;	/* the entries' SYN-ACKs were sent again */
		enum outcome want;
	} rows[] = {
		{ 0, 0, 0, 4096, false, OUT_SYN_QUEUED },
		{ 3, 0, 0, 4096, false, OUT_SYN_QUEUED },
		{ 4, 0, 0, 4096, false, OUT_SYN_QUEUE_FULL },
		{ 4, 0, 1, 4096, false, OUT_SYN_COOKIE_SENT },
		{ 0, 2, 1, 4096, false, OUT_SYN_QUEUED },
		{ 1, 2, 1, 4096, false, OUT_SYN_QUEUED },
		{ 2, 2, 1, 4096, false, OUT_SYN_ACCEPT_FULL },
		{ 2, 2, 1, 4096, true, OUT_SYN_QUEUED },
		{ 2, 0, 0, 4, false, OUT_SYN_QUEUED },
		{ 3, 0, 0, 4, false, OUT_SYN_QUEUED },
		{ 3, 0, 0, 3, false, OUT_SYN_EARLY_DROP },
		{ 2, 0, 1, 3, false, OUT_SYN_QUEUED },
	};
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t drops = bed->ctr.ListenDrops;
		struct tcp_listener_info info;
		struct bed_peer p;

		bed->tun.tcp_syncookies = rows[i].cookies;
		bed->tun.tcp_max_syn_backlog = rows[i].max_syn;
		tcp_bed_listen(bed, 2);
		for (unsigned int j = 0; j < rows[i].accepted; j++) {
			bed_peer_init(&p, bed);
			bed_peer_syn(&p);
			bed_peer_ack_syn(&p);
		}
		for (unsigned int j = 0; j < rows[i].filler; j++) {
			bed_peer_init(&p, bed);
			assert_int_equal(bed_peer_syn(&p), OUT_SYN_QUEUED);
		}
		if (rows[i].old)
			tcp_bed_advance(bed, 1000);
		tcp_bed_discard(bed);
		bed_peer_init(&p, bed);
		assert_int_equal(bed_peer_syn(&p), rows[i].want);
		assert_int_equal(bed->ctr.ListenDrops - drops,
			rows[i].want != OUT_SYN_QUEUED && rows[i].want != OUT_SYN_COOKIE_SENT);
		assert_int_equal(tcp_list_listeners(bed->stack, &bed->env, &info, 1), 1);
		assert_int_equal(info.syn_drops_full, rows[i].want == OUT_SYN_QUEUE_FULL);
		assert_int_equal(info.syn_drops_early, rows[i].want == OUT_SYN_EARLY_DROP);
		assert_int_equal(info.syn_drops_accept, rows[i].want == OUT_SYN_ACCEPT_FULL);
		tcp_listener_close(bed->stack, &bed->env, bed->listener);
		tcp_bed_discard(bed);
	}
}

static void
a_listener_may_have_its_own_cookie_mode(void **state)
{
	struct tcp_bed *bed = *state;

	for (int mode = -1; mode <= 3; mode++) {
		const struct tcp_listen_params par = {
			.laddr_idx = -1, .port = 80, .syncookies = mode,
		};
		int err = tcp_listen(bed->stack, &bed->env, &par, &bed->listener);

		assert_int_equal(err, mode <= 2 ? 0 : -EINVAL);
		if (err != 0)
			continue;
		assert_int_equal(tcp_listener_cookie_mode(bed->stack, bed->stack->listeners),
			mode < 0 ? 1 : mode);
		tcp_listener_close(bed->stack, &bed->env, bed->listener);
	}
}

static void
what_is_no_syn_does_not_open(void **state)
{
	static const struct {
		uint16_t flags;
		enum outcome want;
		const char *sent;
	} rows[] = {
		{ TCP_RST, OUT_NO_CONN_RST, "" },
		{ TCP_RST | TCP_ACK, OUT_NO_CONN_RST, "" },
		{ TCP_ACK, OUT_NO_CONN, "R 0+0" },
		{ TCP_SYN | TCP_ACK, OUT_NO_CONN, "R 0+0" },
		{ TCP_FIN, OUT_TCP_BAD_FLAGS, "" },
		{ TCP_SYN | TCP_FIN, OUT_TCP_BAD_FLAGS, "" },
		{ 0, OUT_TCP_BAD_FLAGS, "" },
	};
	struct tcp_bed *bed = *state;

	tcp_bed_listen(bed, 0);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;

		bed_peer_init(&p, bed);
		assert_int_equal(bed_peer_send(&p, rows[i].flags, 0), rows[i].want);
		assert_sent(&p, rows[i].sent);
		assert_int_equal(tcp_conn_count(bed->stack), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(the_limits_follow_backlog_somaxconn_and_tcp_max_syn_backlog),
		BED_TEST(workers_share_a_limit),
		BED_TEST(a_syn_reaches_the_listener_of_its_address_before_that_of_any),
		BED_TEST(what_cannot_be_listened_on_is_refused),
		BED_TEST(syns_are_dropped_for_the_reasons_operators_know),
		BED_TEST(a_listener_may_have_its_own_cookie_mode),
		BED_TEST(what_is_no_syn_does_not_open),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
