/* SPDX-License-Identifier: BSD-3-Clause */
/* One end of a connection: reads, writes, pauses, breaks off, and compares what it reads. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "lib/fail.h"
#include "sim/apps.h"
#include "sim/invariants.h"

#define HEADER_MAGIC 0x21214d53u
#define SERVER_STREAM 0x5eedf00d5eedf00dULL

/* --- the streams ---------------------------------------------------------------------------- */

static uint64_t
stream_word(uint64_t seed, uint64_t i)
{
	uint64_t z = seed + (i + 1) * 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

void
app_fill(uint64_t seed, uint64_t off, uint8_t *buf, size_t len)
{
	size_t done = 0;

	while (done < len) {
		uint64_t w = stream_word(seed, (off + done) / 8);
		unsigned int at = (unsigned int)((off + done) % 8);
		size_t n = min_size(8 - at, len - done);

		memcpy(buf + done, (const uint8_t *)&w + at, n);
		done += n;
	}
}

bool
app_matches(uint64_t seed, uint64_t off, const uint8_t *buf, size_t len)
{
	uint8_t want[512];

	for (size_t done = 0; done < len;) {
		size_t n = min_size(sizeof(want), len - done);

		app_fill(seed, off + done, want, n);
		if (memcmp(want, buf + done, n) != 0)
			return false;
		done += n;
	}
	return true;
}

/* Side 0 is what the client sends, side 1 what the server sends. */
static uint64_t
stream_seed(const struct app_rec *rec, bool by_client)
{
	return by_client || rec->echo ? rec->seed : rec->seed ^ SERVER_STREAM;
}

/* --- what every end knows ------------------------------------------------------------------- */

static struct sluice *
stack_of(const struct app_end *e)
{
	return &e->node->host->w.sluice;
}

static const struct app_style *
style_of(const struct app_end *e)
{
	static const struct app_style plain = { .chunk = 4096,
		.stall_at = UINT64_MAX,
		.abort_at = UINT64_MAX,
		.close_at = UINT64_MAX,
		.cc = -1 };

	return e->rec != NULL ? &e->rec->style[e->is_client ? 0 : 1] : &plain;
}

static struct app_end *
peer_of(const struct app_end *e)
{
	return e->rec != NULL ? e->rec->end[e->is_client ? 1 : 0] : NULL;
}

SLUICE_NORETURN static void
lost(const struct app_end *e, const char *what)
{
	fail("I-1: %s at the %s of connection %u on node %u: %llu sent, %llu received", what,
		e->is_client ? "client" : "server", e->rec != NULL ? e->rec->id : UINT32_MAX,
		e->node->idx, (unsigned long long)e->sent, (unsigned long long)e->received);
}

/* Past one of its limits the end stops being a good citizen; true if it is gone. */
static bool
pass_limits(struct app_end *e, uint64_t now_us)
{
	const struct app_style *st = style_of(e);
	uint64_t bytes = e->sent + e->received;

	if (bytes >= st->abort_at || bytes >= st->close_at) {
		e->aborted = true;
		e->closed_self = true;
		e->fin_sent = true;
		if (bytes >= st->abort_at)
			sluice_abort(stack_of(e), e->conn);
		else
			sluice_close(stack_of(e), e->conn);
		return true;
	}
	if (bytes >= st->stall_at && !e->stalled) {
		uint64_t until_us = now_us + (uint64_t)st->stall_ms * 1000;

		/* A pause that lasts longer goes on, or nobody would wake it up. */
		e->stalled = true;
		e->read_at_us = max_u64(e->read_at_us, until_us);
		e->write_at_us = max_u64(e->write_at_us, until_us);
	}
	return false;
}

/* What the scenario does with options that all connections may have. */
static void
set_options(struct app_end *e)
{
	const struct app_style *st = style_of(e);
	struct sluice *s = stack_of(e);

	if (st->cc >= 0) {
		int rc = sluice_setopt(s, e->conn, SLUICE_TCP_CONGESTION, st->cc);

		/* The connection may be over, which nobody has been told yet. */
		CHECK(rc == 0 || rc == -EBADF, "congestion control %d: %d", st->cc, rc);
	}
	if (st->sndbuf > 0)
		sluice_setopt(s, e->conn, SLUICE_SO_SNDBUF, (int)st->sndbuf);
	if (st->keepalive)
		sluice_setopt(s, e->conn, SLUICE_SO_KEEPALIVE, 1);
	if (st->cork)
		sluice_setopt(s, e->conn, SLUICE_TCP_CORK, 1);
}

/* --- reading -------------------------------------------------------------------------------- */

/*
 * RFC 4987 s3.6: a cookie is good for as long as its key, not once. But only when nothing is left
 * of the first connection: its application may not have read to the end of it yet.
 */
static bool
may_come_again(const struct app_end *first)
{
	return first->world->mix->may_come_again &&
	       (!first->open || watch_is_over(first->node->watch, &first->id));
}

/* The server learns from the first bytes whose connection it has. */
static size_t
take_header(struct app_end *e, const uint8_t *buf, size_t len)
{
	size_t n = min_size(len, APP_HEADER_LEN - e->header_done);
	uint32_t id, magic;
	uint64_t seed;

	memcpy(e->header + e->header_done, buf, n);
	e->header_done += (unsigned int)n;
	if (e->header_done < APP_HEADER_LEN)
		return n;
	memcpy(&id, e->header, 4);
	memcpy(&magic, e->header + 4, 4);
	memcpy(&seed, e->header + 8, 8);
	if (magic != HEADER_MAGIC || id >= e->world->rec_count || e->world->recs[id]->seed != seed)
		lost(e, "the header is not what any client sent");
	e->rec = e->world->recs[id];
	if (e->rec->end[1] != NULL) {
		if (!may_come_again(e->rec->end[1]))
			lost(e, "a second connection carries the same header");
		e->rec = NULL;
		e->aborted = e->closed_self = e->fin_sent = true;
		sluice_abort(stack_of(e), e->conn);
		return len;
	}
	e->rec->end[1] = e;
	if (e->rec->style[1].nodelay)
		sluice_setopt(stack_of(e), e->conn, SLUICE_TCP_NODELAY, 1);
	set_options(e);
	return n;
}

static void
take_bytes(struct app_end *e, const uint8_t *buf, size_t len)
{
	if (!e->is_client && e->header_done < APP_HEADER_LEN) {
		size_t n = take_header(e, buf, len);

		buf += n;
		len -= n;
	}
	if (len == 0)
		return;
	if (!app_matches(stream_seed(e->rec, !e->is_client), e->received, buf, len))
		lost(e, "wrong bytes");
	e->received += len;
	e->world->stats.bytes += len;
	if (peer_of(e) == NULL || e->received > peer_of(e)->sent)
		lost(e, "more bytes than were sent");
}

static void
take_eof(struct app_end *e)
{
	const struct app_end *peer = peer_of(e);

	e->eof_read = true;
	if (peer == NULL)
		return;
	if (!peer->fin_sent)
		lost(e, "an end that the other side has not made");
	if (e->received != peer->sent)
		lost(e, "the end comes before the last byte");
}

static ptrdiff_t
read_some(struct app_end *e, size_t max)
{
	struct sluice *s = stack_of(e);
	uint8_t buf[65536];
	struct sluice_buf lent;
	ptrdiff_t n;

	if (style_of(e)->zero_copy) {
		n = sluice_recv_buf(s, e->conn, &lent);
		if (n > 0) {
			if ((uint32_t)n != lent.len)
				lost(e, "a buffer of another length than said");
			take_bytes(e, lent.data, lent.len);
			sluice_buf_free(s, &lent);
		}
		return n;
	}
	n = sluice_recv(s, e->conn, buf, min_size(max, sizeof(buf)));
	if (n > 0)
		take_bytes(e, buf, (size_t)n);
	return n;
}

/* True while the end may go on. */
static bool
do_read(struct app_end *e, uint64_t now_us)
{
	while (!e->eof_read && e->read_at_us <= now_us) {
		const struct app_style *st = style_of(e);
		ptrdiff_t n = read_some(e, st->chunk);

		if (n == 0)
			take_eof(e);
		if (n <= 0)
			return n == 0 || n == -EAGAIN;
		if (e->closed_self)
			return false;
		e->progress_us = now_us;
		if (st->read_gap_ms > 0)
			e->read_at_us = now_us + (uint64_t)st->read_gap_ms * 1000;
		if (pass_limits(e, now_us))
			return false;
	}
	return true;
}

/* --- writing -------------------------------------------------------------------------------- */

static uint64_t
left_to_send(const struct app_end *e)
{
	if (e->rec == NULL || e->fin_sent)
		return 0;
	if (e->is_client)
		return e->rec->want[0] - e->sent;
	return e->rec->echo ? e->received - e->sent : e->rec->want[1] - e->sent;
}

static ptrdiff_t
write_copy(struct app_end *e, size_t len)
{
	uint8_t buf[65536];

	len = min_size(len, sizeof(buf));
	app_fill(stream_seed(e->rec, e->is_client), e->sent, buf, len);
	return sluice_send(stack_of(e), e->conn, buf, len, 0);
}

static ptrdiff_t
write_lent(struct app_end *e, size_t len)
{
	struct sluice *s = stack_of(e);
	struct sluice_buf buf;
	ptrdiff_t n;

	/* A refused buffer is nobody's: only a refused send is told when to come again. */
	if (sluice_buf_alloc(s, &buf) != 0)
		return write_copy(e, len);
	buf.len = min_u32(buf.len, (uint32_t)len);
	app_fill(stream_seed(e->rec, e->is_client), e->sent, buf.data, buf.len);
	n = sluice_send_buf(s, e->conn, &buf, 0);
	/* A segment may be smaller than a buffer. */
	if (n == -EMSGSIZE) {
		n = sluice_send(s, e->conn, buf.data, buf.len, 0);
		sluice_buf_free(s, &buf);
	} else if (n < 0) {
		sluice_buf_free(s, &buf);
	}
	return n;
}

static ptrdiff_t
write_some(struct app_end *e, size_t len)
{
	return style_of(e)->zero_copy ? write_lent(e, len) : write_copy(e, len);
}

static bool
write_header(struct app_end *e)
{
	while (e->header_done < APP_HEADER_LEN) {
		ptrdiff_t n = sluice_send(stack_of(e), e->conn, e->header + e->header_done,
			APP_HEADER_LEN - e->header_done, SLUICE_MSG_MORE);

		if (n <= 0)
			return false;
		e->header_done += (unsigned int)n;
	}
	return true;
}

static bool
do_write(struct app_end *e, uint64_t now_us)
{
	const struct app_style *st = style_of(e);

	if (e->is_client && !write_header(e))
		return true;
	while (left_to_send(e) > 0 && e->write_at_us <= now_us) {
		size_t len = (size_t)min_u64(left_to_send(e), st->chunk);
		ptrdiff_t n = write_some(e, len);

		if (n <= 0)
			return n == 0 || n == -EAGAIN;
		e->sent += (uint64_t)n;
		e->progress_us = now_us;
		if (st->write_gap_ms > 0)
			e->write_at_us = now_us + (uint64_t)st->write_gap_ms * 1000;
		if (pass_limits(e, now_us))
			return false;
	}
	return true;
}

/* --- the end of an end ---------------------------------------------------------------------- */

static bool
has_sent_all(const struct app_end *e)
{
	if (e->rec == NULL)
		return e->eof_read;
	if (e->is_client)
		return e->header_done == APP_HEADER_LEN && e->sent == e->rec->want[0];
	if (e->rec->echo)
		return e->eof_read && e->sent == e->received;
	return e->sent == e->rec->want[1];
}

static bool
has_read_all(const struct app_end *e)
{
	if (e->eof_read || e->rec == NULL)
		return e->eof_read;
	return e->is_client && e->received == (e->rec->echo ? e->rec->want[0] : e->rec->want[1]);
}

static void
do_finish(struct app_end *e)
{
	struct sluice *s = stack_of(e);

	if (!has_sent_all(e) || e->closed_self)
		return;
	if (has_read_all(e)) {
		e->fin_sent = true;
		e->closed_self = true;
		/* Everything was read, but the peer's FIN may not be here yet. */
		sluice_close(s, e->conn);
		return;
	}
	if (style_of(e)->half_close && !e->fin_sent) {
		e->fin_sent = true;
		sluice_shutdown(s, e->conn, SLUICE_SHUT_WR);
	}
}

static uint32_t
ms_until(uint64_t at_us, uint64_t now_us)
{
	return at_us <= now_us ? 1 : (uint32_t)((at_us - now_us + 999) / 1000);
}

/* One timer per connection: the next pause that ends, or the end of patience. */
static void
arm(struct app_end *e, uint64_t now_us)
{
	uint64_t at = e->progress_us + (uint64_t)e->world->mix->idle_ms * 1000;

	if (e->closed_self)
		return;
	if (e->read_at_us > now_us && !e->eof_read)
		at = min_u64(at, e->read_at_us);
	if (e->write_at_us > now_us && left_to_send(e) > 0)
		at = min_u64(at, e->write_at_us);
	sluice_set_timeout(stack_of(e), e->conn, ms_until(at, now_us));
}

static void
pump(struct app_end *e)
{
	uint64_t now_us = sluice_now_us(stack_of(e));

	if (!e->open || e->closed_self)
		return;
	if (!do_read(e, now_us) || !do_write(e, now_us))
		return;
	do_finish(e);
	arm(e, now_us);
}

/* Which segments in a capture are this connection's. */
static void
note_port(struct app_end *e)
{
	struct sluice_addr local, remote;

	if (sluice_addrs(stack_of(e), e->conn, &local, &remote) != 0)
		return;
	e->port = e->is_client ? local.port : remote.port;
	e->id = (struct flow_id){ .lport = local.port, .rport = remote.port };
	memcpy(e->id.lip, local.ip, 16);
	memcpy(e->id.rip, remote.ip, 16);
}

/* --- callbacks ------------------------------------------------------------------------------ */

static struct app_end *
end_of(void *data, sluice_conn c)
{
	struct app_end *e = data;

	CHECK(e != NULL, "a callback without its data");
	CHECK(e->open, "a callback after closed");
	CHECK(e->conn == 0 || e->conn == c, "a callback with another connection's data");
	return e;
}

static void
on_connected(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct app_end *e = end_of(data, c);
	const struct app_style *st = style_of(e);

	note_port(e);
	if (err != 0)
		return;
	e->progress_us = sluice_now_us(s);
	if (st->nodelay)
		sluice_setopt(s, c, SLUICE_TCP_NODELAY, 1);
	if (st->rcvbuf > 0)
		sluice_setopt(s, c, SLUICE_SO_RCVBUF, (int)st->rcvbuf);
	set_options(e);
	pump(e);
}

static void
on_ready(struct sluice *s, sluice_conn c, void *data)
{
	(void)s;
	pump(end_of(data, c));
}

static void
on_timeout(struct sluice *s, sluice_conn c, void *data)
{
	struct app_end *e = end_of(data, c);
	uint64_t now_us = sluice_now_us(s);

	if (e->closed_self)
		return;
	if (now_us >= e->progress_us + (uint64_t)e->world->mix->idle_ms * 1000) {
		e->gave_up = true;
		e->closed_self = true;
		sluice_abort(s, c);
		return;
	}
	pump(e);
}

static void
on_closed(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct app_end *e = end_of(data, c);

	e->open = false;
	e->err = err;
	e->end_us = sluice_now_us(s);
	e->is_stuck = e->id.lport != 0 && watch_is_stuck(e->node->watch, &e->id);
	e->is_swallowed = e->id.lport != 0 && watch_is_swallowed(e->node->watch, &e->id);
	e->has_waited = e->closed_self && err == 0 && e->id.lport != 0 &&
			watch_has_waited_for_fin(
				e->node->watch, &e->id, e->node->host->w.tun.tcp_fin_timeout);
	e->world->open_ends--;
	app_on_closed(e);
}

static void
on_acceptable(struct sluice *s, sluice_listener l, void *ctx)
{
	struct app_slot *server = ctx;
	sluice_conn c;

	while (sluice_accept(s, l, &c) == 0) {
		struct app_end *e = app_end_new(server->world, server->node, false);

		e->conn = c;
		CHECK(sluice_set_data(s, c, e, NULL) == 0, "sluice_set_data");
		note_port(e);
		pump(e);
	}
}

const struct sluice_ops app_ops = {
	.acceptable = on_acceptable,
	.connected = on_connected,
	.readable = on_ready,
	.writable = on_ready,
	.timeout = on_timeout,
	.closed = on_closed,
};

struct app_end *
app_end_new(struct app_world *w, struct sim_node *node, bool is_client)
{
	struct app_end *e = calloc(1, sizeof(*e));

	CHECK(e != NULL, "out of memory");
	if (w->end_count == w->end_cap) {
		w->end_cap = w->end_cap * 2 + 256;
		w->ends = realloc(w->ends, w->end_cap * sizeof(*w->ends));
		CHECK(w->ends != NULL, "out of memory");
	}
	w->ends[w->end_count++] = e;
	w->open_ends++;
	e->world = w;
	e->node = node;
	e->is_client = is_client;
	e->open = true;
	e->progress_us = e->begin_us = w->sim->now_us;
	return e;
}
