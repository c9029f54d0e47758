/* SPDX-License-Identifier: BSD-3-Clause */
/* The application's half of a script: calls of the public API, and what its callbacks say. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "script/runner.h"

static struct app_conn *
conn_of(struct runner *r, sluice_conn c, void *data)
{
	struct app_conn *conn = data;

	/* Before sluice_connect() has returned nobody knows the handle but the stack. */
	if (conn == NULL)
		runner_fail(r, "callback without the data that belongs to the connection");
	if (conn->handle != 0 && conn->handle != c)
		runner_fail(r, "callback for handle 0x%llx with the data of 0x%llx",
			(unsigned long long)c, (unsigned long long)conn->handle);
	if (conn->gone)
		runner_fail(r, "callback after closed");
	return conn;
}

static void
on_acceptable(struct sluice *s, sluice_listener l, void *ctx)
{
	struct runner *r = ctx;

	(void)s;
	if (l != r->listener)
		runner_fail(r, "acceptable for another listener");
	r->acceptable = true;
}

static struct runner *
runner_of(struct sluice *s)
{
	return container_of(container_of(s, struct worker, sluice), struct runner, host.w);
}

static void
on_connected(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct app_conn *conn = conn_of(runner_of(s), c, data);

	conn->connected = true;
	conn->connect_err = err;
}

static void
on_readable(struct sluice *s, sluice_conn c, void *data)
{
	conn_of(runner_of(s), c, data)->readable = true;
}

static void
on_writable(struct sluice *s, sluice_conn c, void *data)
{
	conn_of(runner_of(s), c, data)->writable = true;
}

static void
on_closed(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct app_conn *conn = data;

	/* Never accepted: the application does not know it. */
	if (conn == NULL)
		runner_fail(runner_of(s), "closed for a connection that was never handed over");
	conn = conn_of(runner_of(s), c, data);
	conn->gone = true;
	conn->close_err = err;
}

static const struct sluice_ops ops = {
	.acceptable = on_acceptable,
	.connected = on_connected,
	.readable = on_readable,
	.writable = on_writable,
	.closed = on_closed,
};

static struct app_conn *
new_conn(struct runner *r)
{
	for (unsigned int i = 0; i < RUNNER_CONNS_MAX; i++) {
		struct app_conn *c = &r->conns[i];

		if (c->in_use)
			continue;
		memset(c, 0, sizeof(*c));
		c->in_use = true;
		c->r = r;
		return c;
	}
	runner_fail(r, "more than %u connections", RUNNER_CONNS_MAX);
}

static long
do_listen(struct runner *r, const struct stmt *st)
{
	struct sluice_listen_params par = {
		.backlog = (unsigned int)st->backlog,
		.syncookies = st->syncookies < 0 ? 0 : (int)st->syncookies,
		.syncookies_set = st->syncookies >= 0,
		.nodelay = st->nodelay,
		.fastopen = st->fastopen,
		.source_conns = (unsigned int)st->source_conns,
		.first_byte_s = (unsigned int)st->first_byte,
		.blackhole = st->blackhole,
		.wishes = { .max_pacing_rate = (unsigned int)st->max_pacing_rate },
		.ops = &ops,
		.ctx = r,
		.name = "script",
	};
	sluice_listener l;
	int rc;

	par.addr.port = (uint16_t)st->port;
	rc = sluice_listen(&r->host.w.sluice, &par, &l);
	if (rc == 0)
		r->listener = l;
	return rc;
}

static long
do_accept(struct runner *r, struct flow *f)
{
	struct sluice *s = &r->host.w.sluice;
	struct sluice_addr local, peer, want_local, want_peer;
	struct app_conn *conn;
	sluice_conn c;
	int rc = sluice_accept(s, r->listener, &c);

	if (rc != 0)
		return rc;
	conn = new_conn(r);
	conn->handle = c;
	rc = sluice_set_data(s, c, conn, NULL);
	if (rc != 0)
		runner_fail(r, "sluice_set_data: %s", script_errno_name(rc));
	rc = sluice_addrs(s, c, &local, &peer);
	if (rc != 0)
		runner_fail(r, "sluice_addrs: %s", script_errno_name(rc));
	runner_addrs(r, &want_local, &want_peer);
	if (peer.port != f->rport || memcmp(peer.ip, want_peer.ip, 16) != 0 ||
		local.port != f->lport || memcmp(local.ip, want_local.ip, 16) != 0)
		runner_fail(r, "accepted a connection from port %u to %u, expected %u to %u",
			peer.port, local.port, f->rport, f->lport);
	f->conn = conn;
	f->sent = f->received = 0;
	return 0;
}

static long
do_connect(struct runner *r, struct flow *f, const struct stmt *st)
{
	struct sluice_addr local, peer;
	struct app_conn *conn = new_conn(r);
	uint8_t bytes[2048];
	const struct sluice_early early = {
		.remote = &peer,
		.ops = &ops,
		.data = conn,
		.src = bytes,
		.len = st->early > 0 ? (size_t)st->early : 0,
	};
	long rc;

	for (uint32_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = runner_app_byte(i);
	runner_addrs(r, &local, &peer);
	f->is_active = true;
	/* The peer listens; the appliance chooses its port. */
	f->rport = (uint16_t)(8000 + st->flow);
	f->lport = 0;
	f->iss_known = false;
	peer.port = f->rport;
	if (st->early >= 0)
		rc = sluice_connect_early(&r->host.w.sluice, &early, &conn->handle);
	else
		rc = sluice_connect(
			&r->host.w.sluice, NULL, &peer, &ops, conn, &conn->handle);
	if (rc < 0) {
		conn->in_use = false;
		return rc;
	}
	f->conn = conn;
	f->sent = (uint32_t)rc;
	f->received = 0;
	return rc;
}

static long
do_send(struct runner *r, struct flow *f, const struct stmt *st)
{
	size_t len = (size_t)st->value;
	uint8_t *buf = malloc(len + 1);
	ptrdiff_t n;

	if (buf == NULL)
		abort();
	for (size_t i = 0; i < len; i++)
		buf[i] = runner_app_byte(f->sent + (uint32_t)i);
	n = sluice_send(
		&r->host.w.sluice, f->conn->handle, buf, len, st->more ? SLUICE_MSG_MORE : 0);
	if (n > 0)
		f->sent += (uint32_t)n;
	free(buf);
	return (long)n;
}

static long
do_recv(struct runner *r, struct flow *f, const struct stmt *st)
{
	size_t len = (size_t)st->value, got = 0;
	uint8_t *buf = malloc(len + 1);
	ptrdiff_t n = 0;

	if (buf == NULL)
		abort();
	/* What the buffers hold may come in pieces. */
	while (got < len) {
		n = sluice_recv(&r->host.w.sluice, f->conn->handle, buf + got, len - got);
		if (n <= 0)
			break;
		got += (size_t)n;
	}
	if (len == 0)
		n = sluice_recv(&r->host.w.sluice, f->conn->handle, buf, 0);
	for (size_t i = 0; i < got; i++)
		if (buf[i] != runner_peer_byte(f->received + (uint32_t)i))
			runner_fail(r, "byte %zu read is 0x%02x, not 0x%02x", f->received + i,
				buf[i], runner_peer_byte(f->received + (uint32_t)i));
	f->received += (uint32_t)got;
	free(buf);
	return got > 0 ? (long)got : (long)n;
}

static long
do_shutdown(struct runner *r, struct flow *f, const struct stmt *st)
{
	enum sluice_shut how = SLUICE_SHUT_RDWR;

	if (strcmp(st->word, "rd") == 0)
		how = SLUICE_SHUT_RD;
	else if (strcmp(st->word, "wr") == 0)
		how = SLUICE_SHUT_WR;
	else if (strcmp(st->word, "rdwr") != 0)
		runner_fail(r, "shutdown rd, wr or rdwr");
	return sluice_shutdown(&r->host.w.sluice, f->conn->handle, how);
}

static long
do_setopt(struct runner *r, struct flow *f, const struct stmt *st)
{
	static const char *const names[] = {
		[SLUICE_TCP_NODELAY] = "TCP_NODELAY",
		[SLUICE_SO_SNDBUF] = "SO_SNDBUF",
		[SLUICE_SO_RCVBUF] = "SO_RCVBUF",
		[SLUICE_SO_KEEPALIVE] = "SO_KEEPALIVE",
		[SLUICE_SO_LINGER] = "SO_LINGER",
		[SLUICE_TCP_USER_TIMEOUT] = "TCP_USER_TIMEOUT",
		[SLUICE_TCP_MAXSEG] = "TCP_MAXSEG",
		[SLUICE_TCP_CONGESTION] = "TCP_CONGESTION",
		[SLUICE_TCP_CORK] = "TCP_CORK",
		[SLUICE_SO_MAX_PACING_RATE] = "SO_MAX_PACING_RATE",
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i] != NULL && strcmp(st->word, names[i]) == 0)
			return sluice_setopt(&r->host.w.sluice, f->conn->handle, (enum sluice_opt)i,
				(int)st->value);
	runner_fail(r, "no option is called %s", st->word);
}

static long
call(struct runner *r, const struct stmt *st)
{
	struct flow *f = &r->flows[st->flow];
	struct sluice *s = &r->host.w.sluice;

	if (st->kind == ST_LISTEN)
		return do_listen(r, st);
	if (st->kind == ST_UNLISTEN)
		return sluice_listener_close(s, r->listener);
	if (st->kind == ST_ACCEPT)
		return do_accept(r, f);
	if (st->kind == ST_CONNECT)
		return do_connect(r, f, st);
	if (f->conn == NULL)
		runner_fail(r, "#%u was neither accepted nor connected", st->flow);
	if (st->kind == ST_SEND)
		return do_send(r, f, st);
	if (st->kind == ST_RECV)
		return do_recv(r, f, st);
	if (st->kind == ST_SHUTDOWN)
		return do_shutdown(r, f, st);
	if (st->kind == ST_SETOPT)
		return do_setopt(r, f, st);
	if (st->kind == ST_CLOSE)
		return sluice_close(s, f->conn->handle);
	return sluice_abort(s, f->conn->handle);
}

/* Without a result in the script, sending and receiving mean all of it, the rest success. */
void
runner_call(struct runner *r, const struct stmt *st)
{
	long want = st->has_result ? st->result : 0;
	long got = call(r, st);
	char text[SCRIPT_WORD_MAX];

	if (!st->has_result && (st->kind == ST_SEND || st->kind == ST_RECV))
		want = st->value;
	if (!st->has_result && st->kind == ST_CONNECT && st->early > 0)
		want = st->early;
	/* One at a time: numbers share a buffer. */
	snprintf(text, sizeof(text), "%s", script_errno_name(want));
	if (got != want)
		runner_fail(r, "expected %s, got %s", text, script_errno_name(got));
}

/* End what the script left open, as an application that dies would. */
void
runner_abort_all(struct runner *r)
{
	struct sluice *s = &r->host.w.sluice;

	for (unsigned int i = 0; i < RUNNER_CONNS_MAX; i++)
		if (r->conns[i].in_use && !r->conns[i].gone)
			sluice_abort(s, r->conns[i].handle);
	if (r->listener != 0)
		sluice_listener_close(s, r->listener);
	tcp_abort_all(r->host.w.tcp, &r->host.w.env);
}
