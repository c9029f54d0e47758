/* SPDX-License-Identifier: BSD-3-Clause */
/* The public API in memory: what the stack promises to services, without the stack. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fake_int.h"

/* --- listeners -------------------------------------------------------------------------------- */

int
sluice_listen(struct sluice *s, const struct sluice_listen_params *params, sluice_listener *out)
{
	struct fake_listener *l;

	if (s->params.listen_error != 0)
		return s->params.listen_error;
	assert(s->listener_count < FAKE_MAX_LISTENERS);
	assert(params->ops != NULL && params->ops->acceptable != NULL);
	l = &s->listeners[s->listener_count++];
	l->params = *params;
	l->open = true;
	*out = s->listener_count;
	return 0;
}

int
sluice_listener_close(struct sluice *s, sluice_listener l)
{
	if (l < 1 || l > s->listener_count || !s->listeners[l - 1].open)
		return -EBADF;
	s->listeners[l - 1].open = false;
	for (size_t i = 0; i < s->conn_count; i++) {
		struct fake_conn *conn = s->conns[i];

		if (conn->listener == &s->listeners[l - 1] && !conn->accepted) {
			fake_conn_reset(conn, -ECONNRESET);
			conn->dead = true;
		}
	}
	return 0;
}

int
sluice_accept(struct sluice *s, sluice_listener l, sluice_conn *out)
{
	if (l < 1 || l > s->listener_count || !s->listeners[l - 1].open)
		return -EBADF;
	for (size_t i = 0; i < s->conn_count; i++) {
		struct fake_conn *conn = s->conns[i];

		if (conn->listener != &s->listeners[l - 1] || conn->accepted || conn->dead)
			continue;
		conn->accepted = true;
		/* What came before is the acceptor's to look at: no callback is owed for it. */
		conn->readable = false;
		*out = conn->handle;
		return 0;
	}
	return -EAGAIN;
}

int
sluice_connect(struct sluice *s, const struct sluice_addr *local, const struct sluice_addr *remote,
	const struct sluice_ops *ops, void *data, sluice_conn *out)
{
	struct fake_conn *conn;

	assert(local == NULL && remote->port != 0 && ops != NULL);
	if (s->params.connect_error != 0)
		return s->params.connect_error;
	conn = fake_conn_new(s, ops);
	conn->remote = *remote;
	conn->data = data;
	conn->accepted = true;
	conn->opening = true;
	*out = conn->handle;
	return 0;
}

/* The peer gets it with its answer at the latest. */
ptrdiff_t
sluice_connect_early(struct sluice *s, const struct sluice_early *early, sluice_conn *out)
{
	size_t n = early->len < s->params.mss_bytes ? early->len : s->params.mss_bytes;
	int err = sluice_connect(s, NULL, early->remote, early->ops, early->data, out);

	if (err != 0)
		return err;
	if (n > 0)
		fake_bytes_add(&fake_live_conn(s, *out)->queued, early->src, n);
	return (ptrdiff_t)n;
}

/* --- connections ------------------------------------------------------------------------------ */

int
sluice_set_data(struct sluice *s, sluice_conn c, void *data, const struct sluice_ops *ops)
{
	struct fake_conn *conn = fake_live_conn(s, c);

	if (conn == NULL)
		return -EBADF;
	conn->data = data;
	if (ops != NULL)
		conn->ops = ops;
	return 0;
}

int
sluice_set_timeout(struct sluice *s, sluice_conn c, uint32_t delay_ms)
{
	struct fake_conn *conn = fake_live_conn(s, c);

	if (conn == NULL)
		return -EBADF;
	conn->timer_us = delay_ms == 0 ? 0 : s->now_us + 1000 * (uint64_t)delay_ms;
	return 0;
}

int
sluice_addrs(struct sluice *s, sluice_conn c, struct sluice_addr *local, struct sluice_addr *remote)
{
	struct fake_conn *conn = fake_live_conn(s, c);

	if (conn == NULL)
		return -EBADF;
	if (local != NULL)
		*local = conn->listener != NULL ? conn->listener->params.addr
						: (struct sluice_addr){ .port = 50000 };
	if (remote != NULL)
		*remote = conn->remote;
	return 0;
}

int
sluice_setopt(struct sluice *s, sluice_conn c, enum sluice_opt opt, int value)
{
	(void)opt;
	(void)value;
	return fake_live_conn(s, c) == NULL ? -EBADF : 0;
}

int
sluice_getopt(struct sluice *s, sluice_conn c, enum sluice_opt opt, int *value)
{
	if (fake_live_conn(s, c) == NULL)
		return -EBADF;
	if (opt != SLUICE_TCP_MAXSEG)
		return -EINVAL;
	*value = (int)s->params.mss_bytes;
	return 0;
}

/* --- data ------------------------------------------------------------------------------------- */

/* What a read gives before looking at the input: 1 go on, else the answer. */
static int
recv_check(struct fake_conn *conn)
{
	if (conn == NULL)
		return -EBADF;
	if (conn->closing)
		return conn->closed_err != 0 ? conn->closed_err : -EPIPE;
	if (conn->opening)
		return -ENOTCONN;
	if (conn->service_closed || conn->shut_rd)
		return 0;
	if (conn->in_head != NULL)
		return 1;
	if (!conn->peer_fin)
		return -EAGAIN;
	return 0;
}

ptrdiff_t
sluice_recv(struct sluice *s, sluice_conn c, void *dst, size_t len)
{
	struct fake_conn *conn = fake_live_conn(s, c);
	int state = recv_check(conn);
	uint8_t *out = dst;
	size_t done = 0;

	if (state != 1)
		return state;
	while (done < len && conn->in_head != NULL) {
		struct fake_buf *b = conn->in_head;
		size_t n = b->cap - b->off;

		if (n > len - done)
			n = len - done;
		memcpy(out + done, b->mem + b->off, n);
		b->off += (uint32_t)n;
		done += n;
		if (b->off == b->cap)
			fake_buf_delete(fake_input_pop(conn));
	}
	return (ptrdiff_t)done;
}

ptrdiff_t
sluice_recv_buf(struct sluice *s, sluice_conn c, struct sluice_buf *out)
{
	struct fake_conn *conn = fake_live_conn(s, c);
	int state = recv_check(conn);
	struct fake_buf *b;

	if (state != 1)
		return state;
	b = fake_input_pop(conn);
	b->lent = true;
	s->lent++;
	*out = (struct sluice_buf){ .data = b->mem + b->off, .len = b->cap - b->off, .priv = b };
	return (ptrdiff_t)out->len;
}

ptrdiff_t
sluice_recv_queued(struct sluice *s, sluice_conn c)
{
	if (fake_live_conn(s, c) == NULL)
		return -EBADF;
	return (ptrdiff_t)fake_peer_unread(s, c);
}

/* Space in the send buffer, or why nothing can be sent. */
static ptrdiff_t
send_check(struct sluice *s, struct fake_conn *conn)
{
	if (conn == NULL)
		return -EBADF;
	if (conn->closing)
		return conn->closed_err != 0 ? conn->closed_err : -EPIPE;
	if (conn->opening)
		return -ENOTCONN;
	if (conn->shut_wr)
		return -EPIPE;
	if (conn->queued.len >= s->params.sndbuf_bytes)
		return 0;
	return (ptrdiff_t)(s->params.sndbuf_bytes - conn->queued.len);
}

ptrdiff_t
sluice_send_space(struct sluice *s, sluice_conn c)
{
	return send_check(s, fake_live_conn(s, c));
}

ptrdiff_t
sluice_send(struct sluice *s, sluice_conn c, const void *src, size_t len, unsigned int flags)
{
	struct fake_conn *conn = fake_live_conn(s, c);
	ptrdiff_t space = send_check(s, conn);
	size_t n;

	(void)flags;
	assert(len > 0);
	if (space < 0)
		return space;
	n = len < (size_t)space ? len : (size_t)space;
	if (n < len)
		conn->blocked = true;
	if (n == 0)
		return -EAGAIN;
	fake_bytes_add(&conn->queued, src, n);
	s->sends++;
	return (ptrdiff_t)n;
}

int
sluice_buf_alloc(struct sluice *s, struct sluice_buf *out)
{
	struct fake_buf *b;

	if (s->allocated >= s->params.bufs_max)
		return -ENOBUFS;
	b = fake_buf_new(NULL, s->params.buf_bytes);
	b->lent = true;
	b->allocated = true;
	s->lent++;
	s->allocated++;
	*out = (struct sluice_buf){ .data = b->mem, .len = b->cap, .priv = b };
	return 0;
}

ptrdiff_t
sluice_send_buf(struct sluice *s, sluice_conn c, struct sluice_buf *buf, unsigned int flags)
{
	struct fake_conn *conn = fake_live_conn(s, c);
	ptrdiff_t space = send_check(s, conn);
	struct fake_buf *b = buf->priv;
	uint32_t len = buf->len;

	(void)flags;
	assert(b != NULL && b->lent && len > 0);
	assert(buf->data >= b->mem && buf->data + len <= b->mem + b->cap);
	if (space < 0)
		return space;
	/* All or nothing; an empty send buffer takes any one buffer. */
	if (len > (size_t)space && conn->queued.len > 0) {
		conn->blocked = true;
		return -EAGAIN;
	}
	fake_bytes_add(&conn->queued, buf->data, len);
	sluice_buf_free(s, buf);
	s->sends++;
	return (ptrdiff_t)len;
}

void
sluice_buf_free(struct sluice *s, struct sluice_buf *buf)
{
	struct fake_buf *b = buf->priv;

	if (b == NULL)
		return;
	assert(b->lent && s->lent > 0);
	s->lent--;
	if (b->allocated)
		s->allocated--;
	fake_buf_delete(b);
	*buf = (struct sluice_buf){ 0 };
}

/* --- end, time -------------------------------------------------------------------------------- */

int
sluice_shutdown(struct sluice *s, sluice_conn c, enum sluice_shut how)
{
	struct fake_conn *conn = fake_live_conn(s, c);

	if (conn == NULL)
		return -EBADF;
	if (conn->opening)
		return -ENOTCONN;
	if (how != SLUICE_SHUT_RD)
		conn->shut_wr = true;
	if (how != SLUICE_SHUT_WR) {
		conn->shut_rd = true;
		fake_input_clear(conn);
	}
	fake_conn_check_end(conn);
	return 0;
}

int
sluice_close(struct sluice *s, sluice_conn c)
{
	struct fake_conn *conn = fake_live_conn(s, c);

	if (conn == NULL)
		return -EBADF;
	assert(!conn->service_closed);
	if (conn->in_head != NULL) {
		conn->service_closed = true;
		fake_conn_reset(conn, 0);
		return 0;
	}
	conn->service_closed = true;
	conn->shut_wr = true;
	fake_conn_check_end(conn);
	return 0;
}

int
sluice_abort(struct sluice *s, sluice_conn c)
{
	struct fake_conn *conn = fake_live_conn(s, c);

	if (conn == NULL)
		return -EBADF;
	conn->service_closed = true;
	fake_conn_reset(conn, -ECONNABORTED);
	return 0;
}

uint64_t
sluice_now_us(const struct sluice *s)
{
	return s->now_us;
}

unsigned int
sluice_worker_id(const struct sluice *s)
{
	(void)s;
	return 0;
}

void
sluice_count_full(struct sluice *s)
{
	s->full_count++;
}

unsigned int
sluice_worker_count(const struct sluice *s)
{
	(void)s;
	return 1;
}
