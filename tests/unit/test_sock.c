/* SPDX-License-Identifier: BSD-3-Clause */
/* The public API over the engine: addresses, callbacks, options, buffers. */
#include <string.h>

#include "unit/tcp_unit.h"

#include "sock/sock.h"

/* What a service heard, as letters: a c r w t x for the callbacks of struct sluice_ops. */
struct heard {
	char text[32];
	size_t n;
	sluice_conn conn;
	void *data;
	int err;
	bool close_on_readable;
};

static struct heard heard;

static void
note(char what, sluice_conn c, void *data, int err)
{
	if (heard.n < sizeof(heard.text) - 1)
		heard.text[heard.n++] = what;
	heard.text[heard.n] = 0;
	heard.conn = c;
	heard.data = data;
	heard.err = err;
}

static void
on_acceptable(struct sluice *s, sluice_listener l, void *ctx)
{
	(void)s;
	note('a', l, ctx, 0);
}

static void
on_connected(struct sluice *s, sluice_conn c, void *data, int err)
{
	(void)s;
	note('c', c, data, err);
}

static void
on_readable(struct sluice *s, sluice_conn c, void *data)
{
	note('r', c, data, 0);
	if (heard.close_on_readable)
		assert_int_equal(sluice_close(s, c), 0);
}

static void
on_writable(struct sluice *s, sluice_conn c, void *data)
{
	(void)s;
	note('w', c, data, 0);
}

static void
on_timeout(struct sluice *s, sluice_conn c, void *data)
{
	(void)s;
	note('t', c, data, 0);
}

static void
on_closed(struct sluice *s, sluice_conn c, void *data, int err)
{
	(void)s;
	note('x', c, data, err);
}

static const struct sluice_ops ops = {
	.acceptable = on_acceptable,
	.connected = on_connected,
	.readable = on_readable,
	.writable = on_writable,
	.timeout = on_timeout,
	.closed = on_closed,
};

static struct sluice s;

static void
start(struct tcp_bed *bed)
{
	memset(&heard, 0, sizeof(heard));
	sock_init(&s, bed->stack, &bed->env, &bed->local, 0, 1);
}

static struct sluice_addr
addr(const char *text, uint16_t port)
{
	struct sluice_addr a = { .port = port };
	struct ip_addr ip;

	assert_int_equal(ip_addr_parse(&ip, text, strlen(text)), 0);
	memcpy(a.ip, ip.b, 16);
	return a;
}

/* A peer whose connection was accepted through the API with data and ops. */
static sluice_conn
open_peer(struct bed_peer *p, struct tcp_bed *bed, void *data)
{
	struct sluice_listen_params par = { .addr = { .port = BED_PORT }, .ops = &ops };
	sluice_conn c = 0;

	assert_int_equal(sluice_listen(&s, &par, &bed->listener), 0);
	bed_peer_init(p, bed);
	bed_peer_syn(p);
	bed_peer_ack_syn(p);
	sock_dispatch(&s);
	assert_string_equal(heard.text, "a");
	assert_int_equal(sluice_accept(&s, bed->listener, &c), 0);
	assert_int_equal(sluice_set_data(&s, c, data, NULL), 0);
	p->h = c;
	heard.n = 0;
	heard.text[0] = 0;
	return c;
}

static void
listen_checks_its_parameters(void **state)
{
	struct sluice_listen_params par = { .addr = { .port = 80 }, .ops = &ops };
	struct tcp_bed *bed = *state;
	sluice_listener l;

	start(bed);
	par.ops = NULL;
	assert_int_equal(sluice_listen(&s, &par, &l), -EINVAL);
	par.ops = &ops;
	par.addr = addr("10.0.0.99", 80);
	assert_int_equal(sluice_listen(&s, &par, &l), -EADDRNOTAVAIL);
	par.addr = addr("10.0.0.1", 0);
	assert_int_equal(sluice_listen(&s, &par, &l), -EINVAL);
	par.addr = addr("10.0.0.1", 80);
	par.syncookies = -1;
	assert_int_equal(sluice_listen(&s, &par, &l), 0);
	par.syncookies_set = true;
	par.addr.port = 81;
	assert_int_equal(sluice_listen(&s, &par, &l), -EINVAL);
	par.syncookies = 3;
	assert_int_equal(sluice_listen(&s, &par, &l), -EINVAL);
	par.syncookies = 2;
	assert_int_equal(sluice_listen(&s, &par, &l), 0);
	assert_int_equal(sluice_listen(&s, &par, &l), -EADDRINUSE);
	assert_int_equal(sluice_listener_close(&s, l), 0);
	assert_int_equal(sluice_listener_close(&s, l), -EBADF);
	par.addr.port = 82;
	par.blackhole = 2;
	assert_int_equal(sluice_listen(&s, &par, &l), -EINVAL);
	par.blackhole = -1;
	assert_int_equal(sluice_listen(&s, &par, &l), 0);
	par.addr.port = 83;
	par.congestion_control = "renon";
	assert_int_equal(sluice_listen(&s, &par, &l), -ENOENT);
	par.congestion_control = "reno";
	assert_int_equal(sluice_listen(&s, &par, &l), 0);
}

/* A service of its own algorithm beside others. */
static void
accepted_connections_have_the_algorithm_of_their_listener(void **state)
{
	static const char *const names[] = { NULL, "reno", "cubic" };
	struct sluice_listen_params par = { .addr = { .port = BED_PORT }, .ops = &ops };
	struct tcp_bed *bed = *state;

	start(bed);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		struct bed_peer p;
		sluice_conn c;
		int number;

		par.congestion_control = names[i];
		assert_int_equal(sluice_listen(&s, &par, &bed->listener), 0);
		bed_peer_init(&p, bed);
		bed_peer_syn(&p);
		bed_peer_ack_syn(&p);
		assert_int_equal(sluice_accept(&s, bed->listener, &c), 0);
		assert_int_equal(sluice_getopt(&s, c, SLUICE_TCP_CONGESTION, &number), 0);
		assert_string_equal(sluice_congestion_name(number),
			names[i] != NULL ? names[i] : "cubic");
		assert_int_equal(sluice_listener_close(&s, bed->listener), 0);
	}
	bed->listener = 0;
	assert_int_equal(sluice_congestion_find("reno"), TUN_CC_RENO);
	assert_int_equal(sluice_congestion_find(""), -ENOENT);
	assert_null(sluice_congestion_name(-1));
	assert_null(sluice_congestion_name(TUN_CC_COUNT));
}

/* The least a window is clamped to, as setsockopt() has it, too. */
static void
a_listeners_window_clamp_is_that_of_its_connections(void **state)
{
	static const struct {
		unsigned int wish;
		int want;
	} rows[] = { { 100, 1152 }, { 1152, 1152 }, { 5000, 5000 } };
	struct sluice_listen_params par = { .addr = { .port = BED_PORT }, .ops = &ops };
	struct tcp_bed *bed = *state;

	start(bed);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bed_peer p;
		sluice_conn c;
		int clamp;

		par.wishes.window_clamp = rows[i].wish;
		assert_int_equal(sluice_listen(&s, &par, &bed->listener), 0);
		bed_peer_init(&p, bed);
		bed_peer_syn(&p);
		bed_peer_ack_syn(&p);
		assert_int_equal(sluice_accept(&s, bed->listener, &c), 0);
		assert_int_equal(sluice_getopt(&s, c, SLUICE_TCP_WINDOW_CLAMP, &clamp), 0);
		assert_int_equal(clamp, rows[i].want);
		assert_int_equal(sluice_listener_close(&s, bed->listener), 0);
	}
	bed->listener = 0;
}

static void
connect_checks_both_ends(void **state)
{
	static const struct {
		const char *local, *remote;
		uint16_t port;
		int want;
	} rows[] = {
		{ NULL, "10.0.0.2", 80, 0 },
		{ NULL, "2001:db8::2", 80, 0 },
		{ "10.0.0.1", "10.0.0.2", 81, 0 },
		{ NULL, "10.0.0.2", 0, -EINVAL },
		{ NULL, "0.0.0.0", 80, -EINVAL },
		{ NULL, "::", 80, -EINVAL },
		{ NULL, "224.0.0.1", 80, -EINVAL },
		{ NULL, "ff02::1", 80, -EINVAL },
		{ NULL, "255.255.255.255", 80, -EINVAL },
		{ "10.0.0.1", "2001:db8::2", 80, -EINVAL },
		{ "10.0.0.99", "10.0.0.2", 80, -EADDRNOTAVAIL },
	};
	struct tcp_bed *bed = *state;
	sluice_conn c;

	start(bed);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct sluice_addr remote = addr(rows[i].remote, rows[i].port);
		struct sluice_addr local = { .port = 0 };

		if (rows[i].local != NULL)
			local = addr(rows[i].local, 0);
		assert_int_equal(sluice_connect(&s, rows[i].local != NULL ? &local : NULL,
			&remote, &ops, NULL, &c), rows[i].want);
	}
	assert_int_equal(tcp_bed_discard(bed), 3);
}

static void
callbacks_come_with_the_owners_data_and_in_order(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	sluice_conn c;
	int data;

	start(bed);
	c = open_peer(&p, bed, &data);
	bed_peer_send(&p, TCP_ACK, 10);
	assert_int_equal(sluice_set_timeout(&s, c, 5), 0);
	sock_dispatch(&s);
	tcp_poll(bed->stack, &bed->env);
	bed->env.now_us += 5000;
	bed->env.now_ms += 5;
	tcp_poll(bed->stack, &bed->env);
	sock_dispatch(&s);
	bed_peer_send(&p, TCP_RST, 0);
	sock_dispatch(&s);
	assert_string_equal(heard.text, "rtx");
	assert_int_equal(heard.conn, c);
	assert_ptr_equal(heard.data, &data);
	assert_int_equal(heard.err, -ECONNRESET);
	assert_int_equal(sluice_recv(&s, c, &data, 1), -EBADF);
	tcp_bed_discard(bed);
}

static void
a_callback_may_close_its_own_connection(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;

	start(bed);
	open_peer(&p, bed, NULL);
	heard.close_on_readable = true;
	bed_peer_send(&p, TCP_ACK, 10);
	tcp_bed_discard(bed);
	sock_dispatch(&s);
	/* Unread data: a reset, and closed comes in the same round. */
	assert_string_equal(heard.text, "rx");
	assert_sent(&p, "RA 1+0 ack 11");
}

static void
members_of_ops_may_be_null(void **state)
{
	static const struct sluice_ops none;
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	sluice_conn c;

	start(bed);
	c = open_peer(&p, bed, NULL);
	assert_int_equal(sluice_set_data(&s, c, NULL, &none), 0);
	bed_peer_send(&p, TCP_ACK, 10);
	bed_peer_send(&p, TCP_RST, 0);
	sock_dispatch(&s);
	assert_string_equal(heard.text, "");
	assert_int_equal(tcp_conn_count(bed->stack), 0);
	tcp_bed_discard(bed);
}

static void
the_listeners_context_is_not_the_connections_data(void **state)
{
	int ctx;
	struct sluice_listen_params par = { .addr = { .port = 80 }, .ops = &ops, .ctx = &ctx };
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	sluice_conn c;

	start(bed);
	assert_int_equal(sluice_listen(&s, &par, &bed->listener), 0);
	bed_peer_init(&p, bed);
	bed_peer_syn(&p);
	bed_peer_ack_syn(&p);
	sock_dispatch(&s);
	assert_ptr_equal(heard.data, &ctx);
	assert_int_equal(sluice_accept(&s, bed->listener, &c), 0);
	assert_int_equal(sluice_accept(&s, bed->listener, &c), -EAGAIN);
	bed_peer_send(&p, TCP_ACK, 1);
	sock_dispatch(&s);
	assert_string_equal(heard.text, "ar");
	assert_null(heard.data);
	tcp_bed_discard(bed);
}

static void
both_addresses_are_told(void **state)
{
	struct tcp_bed *bed = *state;
	struct sluice_addr local, remote, want;
	struct bed_peer p;
	sluice_conn c;

	start(bed);
	c = open_peer(&p, bed, NULL);
	assert_int_equal(sluice_addrs(&s, c, &local, &remote), 0);
	want = addr("10.0.0.1", BED_PORT);
	assert_memory_equal(local.ip, want.ip, 16);
	assert_int_equal(local.port, BED_PORT);
	want = addr("10.0.0.2", 0);
	assert_memory_equal(remote.ip, want.ip, 16);
	assert_int_equal(remote.port, p.key.rport);
	assert_int_equal(sluice_addrs(&s, c, NULL, NULL), 0);
	assert_int_equal(sluice_addrs(&s, c + 1, NULL, NULL), -EBADF);
}

static void
each_option_is_the_one_of_its_name(void **state)
{
	static const struct {
		enum sluice_opt opt;
		enum tcp_sockopt engine;
		int value;
	} rows[] = {
		{ SLUICE_TCP_NODELAY, TCP_SO_NODELAY, 1 },
		{ SLUICE_SO_SNDBUF, TCP_SO_SNDBUF, 50000 },
		{ SLUICE_SO_RCVBUF, TCP_SO_RCVBUF, 60000 },
		{ SLUICE_SO_KEEPALIVE, TCP_SO_KEEPALIVE, 1 },
		{ SLUICE_SO_LINGER, TCP_SO_LINGER, 7 },
		{ SLUICE_TCP_USER_TIMEOUT, TCP_SO_USER_TIMEOUT, 8000 },
		{ SLUICE_TCP_CONGESTION, TCP_SO_CONGESTION, TUN_CC_RENO },
	};
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	sluice_conn c;
	int value;

	start(bed);
	c = open_peer(&p, bed, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(sluice_setopt(&s, c, rows[i].opt, rows[i].value), 0);
		assert_int_equal(
			tcp_getopt(bed->stack, &bed->env, c, rows[i].engine, &value), 0);
		assert_int_equal(value, rows[i].value);
		assert_int_equal(sluice_getopt(&s, c, rows[i].opt, &value), 0);
		assert_int_equal(value, rows[i].value);
	}
	assert_int_equal(sluice_getopt(&s, c, SLUICE_TCP_MAXSEG, &value), 0);
	assert_int_equal(value, 1460);
	assert_int_equal(sluice_setopt(&s, c, (enum sluice_opt)99, 1), -EINVAL);
	assert_int_equal(sluice_getopt(&s, c, (enum sluice_opt)99, &value), -EINVAL);
}

static void
a_received_buffer_can_be_sent_back_without_a_copy(void **state)
{
	struct tcp_bed *bed = *state;
	struct sluice_buf buf;
	struct bed_peer p;
	sluice_conn c;

	start(bed);
	c = open_peer(&p, bed, NULL);
	bed_peer_send(&p, TCP_ACK, 100);
	tcp_bed_discard(bed);
	assert_int_equal(sluice_recv_buf(&s, c, &buf), 100);
	assert_int_equal(sluice_recv_buf(&s, c, &(struct sluice_buf){ 0 }), -EAGAIN);
	/* The first and the last ten bytes are not wanted. */
	buf.data += 10;
	buf.len = 80;
	assert_int_equal(sluice_send_buf(&s, c, &buf, 0), 80);
	assert_null(buf.priv);
	tcp_bed_flush(bed);
	assert_sent(&p, "PA 1+80 ack 101");
	for (uint32_t i = 0; i < 80; i++)
		assert_int_equal(bed->sent.data[i], bed_pattern(p.irs + 11 + i));
}

static void
a_buffer_that_points_outside_itself_is_refused(void **state)
{
	struct tcp_bed *bed = *state;
	struct sluice_buf buf, bad;
	struct bed_peer p;
	sluice_conn c;

	start(bed);
	c = open_peer(&p, bed, NULL);
	assert_int_equal(sluice_buf_alloc(&s, &buf), 0);
	assert_int_equal(buf.len, bed->pkts.pool.payload_max);
	for (unsigned int i = 0; i < 6; i++) {
		bad = buf;
		bad.data -= i == 0 ? 1000 : 0;
		bad.data += i == 1 ? buf.len + 1 : 0;
		bad.len = i == 2 ? buf.len + 1 : i == 3 ? UINT32_MAX : i == 4 ? 0 : 1;
		bad.priv = i == 5 ? NULL : bad.priv;
		assert_int_equal(sluice_send_buf(&s, c, &bad, 0), -EINVAL);
	}
	sluice_buf_free(&s, &buf);
	assert_null(buf.priv);
	sluice_buf_free(&s, &buf);
	bed->pkts.fail_nth = 1;
	assert_int_equal(sluice_buf_alloc(&s, &buf), -ENOBUFS);
}

static void
shutdown_knows_three_ways(void **state)
{
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	sluice_conn c;
	uint8_t b;

	start(bed);
	c = open_peer(&p, bed, NULL);
	assert_int_equal(sluice_shutdown(&s, c, (enum sluice_shut)9), -EINVAL);
	assert_int_equal(sluice_shutdown(&s, c, SLUICE_SHUT_RD), 0);
	assert_int_equal(sluice_recv(&s, c, &b, 1), 0);
	assert_int_equal(sluice_send(&s, c, "x", 1, 0), 1);
	assert_int_equal(sluice_shutdown(&s, c, SLUICE_SHUT_RDWR), 0);
	assert_int_equal(sluice_send(&s, c, "x", 1, 0), -EPIPE);
	tcp_bed_flush(bed);
	assert_sent(&p, "FPA 1+1 ack 1");
}

static void
a_service_that_is_full_is_counted(void **state)
{
	struct tcp_bed *bed = *state;

	start(bed);
	sluice_count_full(&s);
	assert_int_equal(bed->ctr.ServiceFull, 1);
}

static void
time_and_place_are_the_workers(void **state)
{
	struct tcp_bed *bed = *state;

	sock_init(&s, bed->stack, &bed->env, &bed->local, 3, 8);
	assert_int_equal(sluice_worker_id(&s), 3);
	assert_int_equal(sluice_worker_count(&s), 8);
	assert_true(sluice_now_us(&s) == bed->env.now_us);
}

/* What send takes now; a service asks before it makes an answer. */
static void
send_space_is_what_send_takes(void **state)
{
	static const uint8_t data[5000];
	struct tcp_bed *bed = *state;
	struct bed_peer p;
	sluice_conn c;

	start(bed);
	c = open_peer(&p, bed, NULL);
	assert_int_equal(sluice_setopt(&s, c, SLUICE_SO_SNDBUF, 6000), 0);
	assert_int_equal(sluice_send_space(&s, c), 6000);
	assert_int_equal(sluice_send(&s, c, data, 5000, 0), 5000);
	assert_int_equal(sluice_send_space(&s, c), 1000);
	assert_int_equal(sluice_send(&s, c, data, 5000, 0), 1000);
	assert_int_equal(sluice_send_space(&s, c), 0);
	assert_int_equal(sluice_send_space(&s, c + 1), -EBADF);
	tcp_bed_flush(bed);
	tcp_bed_discard(bed);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(listen_checks_its_parameters),
		BED_TEST(accepted_connections_have_the_algorithm_of_their_listener),
		BED_TEST(a_listeners_window_clamp_is_that_of_its_connections),
		BED_TEST(connect_checks_both_ends),
		BED_TEST(callbacks_come_with_the_owners_data_and_in_order),
		BED_TEST(a_callback_may_close_its_own_connection),
		BED_TEST(members_of_ops_may_be_null),
		BED_TEST(the_listeners_context_is_not_the_connections_data),
		BED_TEST(both_addresses_are_told),
		BED_TEST(each_option_is_the_one_of_its_name),
		BED_TEST(a_received_buffer_can_be_sent_back_without_a_copy),
		BED_TEST(a_buffer_that_points_outside_itself_is_refused),
		BED_TEST(shutdown_knows_three_ways),
		BED_TEST(a_service_that_is_full_is_counted),
		BED_TEST(time_and_place_are_the_workers),
		BED_TEST(send_space_is_what_send_takes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
