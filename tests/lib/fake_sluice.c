/* SPDX-License-Identifier: BSD-3-Clause */
/* The public API in memory: the world behind it, and the peers' side. */
#include "lib/fake_sluice.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fake_int.h"

#define FAKE_MAX_ROUNDS 100000u	/* callback rounds in one fake_run(): more is a livelock */

/* --- inside ----------------------------------------------------------------------------------- */

static struct fake_conn *
peer_conn(struct sluice *s, sluice_conn c)
{
	assert(c >= 1 && c <= s->conn_count);
	return s->conns[c - 1];
}

struct fake_conn *
fake_live_conn(struct sluice *s, sluice_conn c)
{
	struct fake_conn *conn;

	if (c < 1 || c > s->conn_count)
		return NULL;
	conn = s->conns[c - 1];
	return conn->dead || !conn->accepted ? NULL : conn;
}

struct fake_conn *
fake_conn_new(struct sluice *s, const struct sluice_ops *ops)
{
	struct fake_conn *conn = calloc(1, sizeof(*conn));

	s->conns = realloc(s->conns, (s->conn_count + 1) * sizeof(struct fake_conn *));
	assert(conn != NULL && s->conns != NULL);
	s->conns[s->conn_count++] = conn;
	conn->handle = s->conn_count;
	conn->ops = ops;
	conn->greedy = true;
	return conn;
}

void
fake_bytes_add(struct fake_bytes *b, const uint8_t *src, size_t len)
{
	if (b->len + len + 1 > b->cap) {
		b->cap = 2 * (b->len + len) + 64;
		b->data = realloc(b->data, b->cap);
		assert(b->data != NULL);
	}
	if (len > 0)
		memcpy(b->data + b->len, src, len);
	b->len += len;
	b->data[b->len] = '\0';
}

static void
bytes_drop(struct fake_bytes *b, size_t n)
{
	assert(n <= b->len);
	b->len -= n;
	if (b->len > 0)
		memmove(b->data, b->data + n, b->len);
}

struct fake_buf *
fake_buf_new(const uint8_t *data, uint32_t len)
{
	struct fake_buf *b = calloc(1, sizeof(*b));

	assert(b != NULL);
	b->mem = malloc(len);
	assert(b->mem != NULL);
	b->cap = len;
	if (data != NULL)
		memcpy(b->mem, data, len);
	return b;
}

void
fake_buf_delete(struct fake_buf *b)
{
	free(b->mem);
	free(b);
}

struct fake_buf *
fake_input_pop(struct fake_conn *conn)
{
	struct fake_buf *b = conn->in_head;

	conn->in_head = b->next;
	if (conn->in_head == NULL)
		conn->in_tail = NULL;
	b->next = NULL;
	return b;
}

void
fake_input_clear(struct fake_conn *conn)
{
	while (conn->in_head != NULL)
		fake_buf_delete(fake_input_pop(conn));
}

void
fake_conn_reset(struct fake_conn *conn, int err)
{
	if (conn->closing || conn->dead)
		return;
	conn->reset = true;
	conn->opening = false;
	conn->queued.len = 0;
	conn->closing = true;
	conn->closed_err = err;
	fake_input_clear(conn);
}

void
fake_conn_check_end(struct fake_conn *conn)
{
	if (conn->service_closed && conn->queued.len == 0)
		conn->closing = true;
}

static size_t
take(struct fake_conn *conn, size_t max)
{
	size_t n = conn->queued.len < max ? conn->queued.len : max;

	if (n > 0) {
		fake_bytes_add(&conn->taken, conn->queued.data, n);
		bytes_drop(&conn->queued, n);
		if (conn->blocked) {
			conn->blocked = false;
			conn->writable = true;
		}
	}
	fake_conn_check_end(conn);
	return n;
}

static bool
run_conn(struct sluice *s, struct fake_conn *conn)
{
	const struct sluice_ops *ops = conn->ops;

	if (conn->greedy)
		take(conn, SIZE_MAX);
	if (!conn->accepted || conn->dead)
		return false;
	if (conn->connected) {
		conn->connected = false;
		if (ops != NULL && ops->connected != NULL)
			ops->connected(s, conn->handle, conn->data, conn->connect_err);
		return true;
	}
	if (conn->closing) {
		/* The handle is gone before the callback: it must not be used in there. */
		conn->dead = true;
		conn->timer_us = 0;
		if (ops != NULL && ops->closed != NULL)
			ops->closed(s, conn->handle, conn->data, conn->closed_err);
		fake_input_clear(conn);
		return true;
	}
	if (conn->service_closed)
		return false;
	if (conn->readable) {
		conn->readable = false;
		if (ops != NULL && ops->readable != NULL)
			ops->readable(s, conn->handle, conn->data);
		return true;
	}
	if (conn->writable) {
		conn->writable = false;
		if (ops != NULL && ops->writable != NULL)
			ops->writable(s, conn->handle, conn->data);
		return true;
	}
	return false;
}

static bool
run_once(struct sluice *s)
{
	bool any = false;

	for (unsigned int i = 0; i < s->listener_count; i++) {
		struct fake_listener *l = &s->listeners[i];

		if (!l->open || !l->acceptable)
			continue;
		l->acceptable = false;
		l->params.ops->acceptable(s, i + 1, l->params.ctx);
		any = true;
	}
	for (size_t i = 0; i < s->conn_count; i++)
		any = run_conn(s, s->conns[i]) || any;
	return any;
}

/* --- the test's side -------------------------------------------------------------------------- */

struct sluice *
fake_create(const struct fake_params *params)
{
	struct sluice *s = calloc(1, sizeof(*s));

	assert(s != NULL);
	if (params != NULL)
		s->params = *params;
	if (s->params.buf_bytes == 0)
		s->params.buf_bytes = 2048;
	if (s->params.bufs_max == 0)
		s->params.bufs_max = UINT32_MAX;
	if (s->params.sndbuf_bytes == 0)
		s->params.sndbuf_bytes = 65536;
	if (s->params.mss_bytes == 0)
		s->params.mss_bytes = 1448;
	s->now_us = 1000000;
	return s;
}

void
fake_destroy(struct sluice *s)
{
	for (size_t i = 0; i < s->conn_count; i++) {
		fake_input_clear(s->conns[i]);
		free(s->conns[i]->queued.data);
		free(s->conns[i]->taken.data);
		free(s->conns[i]);
	}
	free(s->conns);
	free(s);
}

void
fake_set_bufs_max(struct sluice *s, uint32_t bufs_max)
{
	s->params.bufs_max = bufs_max;
}

void
fake_run(struct sluice *s)
{
	unsigned int rounds = 0;

	while (run_once(s))
		assert(++rounds < FAKE_MAX_ROUNDS);
}

/* The connection whose timer is first due by limit_us, or NULL. */
static struct fake_conn *
first_timer(struct sluice *s, uint64_t limit_us)
{
	struct fake_conn *first = NULL;

	for (size_t i = 0; i < s->conn_count; i++) {
		struct fake_conn *conn = s->conns[i];

		if (conn->timer_us == 0 || conn->timer_us > limit_us || conn->service_closed)
			continue;
		if (first == NULL || conn->timer_us < first->timer_us)
			first = conn;
	}
	return first;
}

void
fake_advance_ms(struct sluice *s, uint64_t ms)
{
	uint64_t end_us = s->now_us + 1000 * ms;
	struct fake_conn *conn;

	fake_run(s);
	while ((conn = first_timer(s, end_us)) != NULL) {
		s->now_us = conn->timer_us;
		conn->timer_us = 0;
		if (conn->ops != NULL && conn->ops->timeout != NULL)
			conn->ops->timeout(s, conn->handle, conn->data);
		fake_run(s);
	}
	s->now_us = end_us;
}

uint32_t
fake_bufs_lent(const struct sluice *s)
{
	return s->lent;
}

uint32_t
fake_conns_open(const struct sluice *s)
{
	uint32_t n = 0;

	for (size_t i = 0; i < s->conn_count; i++)
		n += !s->conns[i]->dead;
	return n;
}

uint64_t
fake_sends(const struct sluice *s)
{
	return s->sends;
}

sluice_conn
fake_peer_connect(struct sluice *s, uint16_t port)
{
	struct fake_listener *l = NULL;
	struct fake_conn *conn;

	for (unsigned int i = 0; i < s->listener_count; i++)
		if (s->listeners[i].open && s->listeners[i].params.addr.port == port)
			l = &s->listeners[i];
	if (l == NULL)
		return 0;
	conn = fake_conn_new(s, l->params.ops);
	conn->listener = l;
	conn->remote.port = 40000;
	l->acceptable = true;
	return conn->handle;
}

sluice_conn
fake_target(struct sluice *s, unsigned int n, struct sluice_addr *to)
{
	for (size_t i = 0; i < s->conn_count; i++) {
		if (s->conns[i]->listener != NULL || n-- > 0)
			continue;
		if (to != NULL)
			*to = s->conns[i]->remote;
		return s->conns[i]->handle;
	}
	return 0;
}

void
fake_target_answer(struct sluice *s, sluice_conn c, int err)
{
	struct fake_conn *conn = peer_conn(s, c);

	assert(conn->listener == NULL);
	if (!conn->opening)
		return;
	conn->opening = false;
	conn->connected = true;
	conn->connect_err = err;
	if (err != 0)
		fake_conn_reset(conn, err);
}

void
fake_peer_send(struct sluice *s, sluice_conn c, const void *data, size_t len)
{
	struct fake_conn *conn = peer_conn(s, c);
	const uint8_t *src = data;

	assert(!conn->peer_fin);
	if (conn->dead || conn->closing)
		return;
	/* Nobody will read it any more: the stack answers with a reset. */
	if (conn->service_closed && len > 0) {
		fake_conn_reset(conn, -ECONNRESET);
		return;
	}
	while (len > 0) {
		size_t n = len < s->params.buf_bytes ? len : s->params.buf_bytes;
		struct fake_buf *b = fake_buf_new(src, (uint32_t)n);

		if (conn->in_tail != NULL)
			conn->in_tail->next = b;
		else
			conn->in_head = b;
		conn->in_tail = b;
		conn->readable = true;
		src += n;
		len -= n;
	}
}

void
fake_peer_finish(struct sluice *s, sluice_conn c)
{
	struct fake_conn *conn = peer_conn(s, c);

	conn->peer_fin = true;
	conn->readable = true;
}

void
fake_peer_reset(struct sluice *s, sluice_conn c)
{
	fake_conn_reset(peer_conn(s, c), -ECONNRESET);
}

void
fake_peer_set_greedy(struct sluice *s, sluice_conn c, bool greedy)
{
	peer_conn(s, c)->greedy = greedy;
}

size_t
fake_peer_take(struct sluice *s, sluice_conn c, size_t max)
{
	return take(peer_conn(s, c), max);
}

const char *
fake_peer_data(struct sluice *s, sluice_conn c, size_t *len)
{
	struct fake_conn *conn = peer_conn(s, c);

	if (len != NULL)
		*len = conn->taken.len;
	return conn->taken.data != NULL ? (const char *)conn->taken.data : "";
}

uint64_t
fake_fulls(const struct sluice *s)
{
	return s->full_count;
}

void
fake_peer_forget(struct sluice *s, sluice_conn c)
{
	struct fake_conn *conn = peer_conn(s, c);

	bytes_drop(&conn->taken, conn->taken.len);
	fake_bytes_add(&conn->taken, NULL, 0);
}

enum fake_end
fake_peer_end(struct sluice *s, sluice_conn c)
{
	struct fake_conn *conn = peer_conn(s, c);

	if (conn->reset)
		return FAKE_RESET;
	return conn->shut_wr && conn->queued.len == 0 ? FAKE_FIN : FAKE_OPEN;
}

size_t
fake_peer_unread(struct sluice *s, sluice_conn c)
{
	size_t n = 0;

	for (struct fake_buf *b = peer_conn(s, c)->in_head; b != NULL; b = b->next)
		n += b->cap - b->off;
	return n;
}
