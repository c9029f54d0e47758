/* SPDX-License-Identifier: BSD-3-Clause */
/* One HTTP connection: head, body, response, next request, and the ways it can end. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "services/http_int.h"

/*
 *            +------------------- next request --------------------+
 *            v                                                     |
 *          HEAD ---> BODY (only if there is one) ---> SEND --------+
 *            |         |                                |
 *            |         +-- 408, 413 --------+           +--> LINGER --> closed
 *            +-- 400, 408, 414, 431 ... ----+--> SEND, then LINGER
 *
 * A response is queued completely before the next request is looked at, so pipelined requests are
 * answered in order and a client that does not read stops us from reading.
 */

enum step {
	STEP_ON,	/* look at the phase again */
	STEP_WAIT,	/* until a callback */
	STEP_GONE,	/* the slot is free */
};

const struct sluice_ops http_gone_ops = { 0 };

/* --- the end ---------------------------------------------------------------------------------- */

void
http_conn_release(struct sluice *s, struct http_conn *conn)
{
	struct http *h = conn->http;

	sluice_buf_free(s, &conn->in);
	if (conn->partial != NULL)
		service_pool_put(&h->partials, conn->partial);
	http_reply_release(h, &conn->reply);
	conn->phase = HTTP_PHASE_FREE;
	service_pool_put(&h->conns, conn);
}

/*
 * The stack finishes what is queued; we need the connection no longer, and clients that take
 * minutes to acknowledge must not hold our slots.
 */
static enum step
conn_close(struct sluice *s, struct http_conn *conn)
{
	sluice_conn c = conn->handle;

	http_conn_release(s, conn);
	sluice_set_data(s, c, NULL, &http_gone_ops);
	sluice_close(s, c);
	return STEP_GONE;
}

static enum step
conn_abort(struct sluice *s, struct http_conn *conn)
{
	sluice_conn c = conn->handle;

	http_conn_release(s, conn);
	sluice_set_data(s, c, NULL, &http_gone_ops);
	sluice_abort(s, c);
	return STEP_GONE;
}

/* --- patience --------------------------------------------------------------------------------- */

static void
set_deadline(struct sluice *s, struct http_conn *conn, uint32_t delay_ms)
{
	conn->deadline_us = sluice_now_us(s) + 1000 * (uint64_t)delay_ms;
}

/*
 * Have the timer fire in time. It is left alone while it fires early enough: deadlines move away
 * with each request, and looking once per timeout is cheaper than setting it once per request.
 */
static void
arm_timer(struct sluice *s, struct http_conn *conn)
{
	uint64_t now_us = sluice_now_us(s);
	uint64_t due_us = conn->deadline_us;
	uint64_t delay_ms;

	if (conn->retry_ms != 0)
		due_us = now_us + 1000 * (uint64_t)conn->retry_ms;
	if (conn->timer_us != 0 && conn->timer_us <= due_us)
		return;
	delay_ms = due_us > now_us ? (due_us - now_us + 999) / 1000 : 1;
	if (sluice_set_timeout(s, conn->handle, (uint32_t)delay_ms) == 0)
		conn->timer_us = now_us + 1000 * delay_ms;
}

/* --- input ------------------------------------------------------------------------------------ */

/* Have unread bytes in conn->in: 1, 0 after the client's FIN, -EAGAIN or the connection's error. */
static ptrdiff_t
fill_input(struct sluice *s, struct http_conn *conn)
{
	ptrdiff_t n;

	if (conn->in.len > 0)
		return 1;
	sluice_buf_free(s, &conn->in);
	n = sluice_recv_buf(s, conn->handle, &conn->in);
	if (n > 0)
		return 1;
	conn->in = (struct sluice_buf){ 0 };
	return n;
}

static void
use_input(struct http_conn *conn, uint32_t n)
{
	assert(n <= conn->in.len);
	conn->in.data += n;
	conn->in.len -= n;
}

/* Nothing to read, or no connection any more: close after a FIN, else wait for what comes. */
static enum step
input_ended(struct sluice *s, struct http_conn *conn, ptrdiff_t n)
{
	return n == 0 ? conn_close(s, conn) : STEP_WAIT;
}

/* --- request ---------------------------------------------------------------------------------- */

static enum step
begin_send(struct sluice *s, struct http_conn *conn)
{
	struct http_reply *reply = &conn->reply;

	/* A waiting client must not hold a buffer that nobody will look at. */
	if (conn->in.len == 0)
		sluice_buf_free(s, &conn->in);
	if (reply->head.close || reply->head.keep_alive)
		reply->page = NULL;
	conn->phase = HTTP_PHASE_SEND;
	conn->send_space = 0;
	set_deadline(s, conn, conn->http->config.send_timeout_ms);
	return STEP_ON;
}

/* The last response of this connection, because something is wrong. */
static enum step
begin_error(struct sluice *s, struct http_conn *conn, uint16_t status, bool head_only)
{
	http_reply_release(conn->http, &conn->reply);
	http_reply_status(&conn->reply, status, head_only);
	conn->reply.head.close = true;
	conn->client_closes = false;
	return begin_send(s, conn);
}

/* A request is there: decide on the response, and on what to do with the body first. */
static enum step
begin_request(struct sluice *s, struct http_conn *conn, const struct http_request *r,
	const uint8_t *head)
{
	struct http *h = conn->http;
	struct http_reply *reply = &conn->reply;
	bool has_body = r->chunked || r->content_length > 0;
	bool allowed = r->method == HTTP_GET || r->method == HTTP_HEAD;
	bool too_large = r->content_length > h->config.max_body_bytes;

	conn->requests++;
	if (too_large && allowed)
		return begin_error(s, conn, 413, r->method == HTTP_HEAD);
	http_reply_plan(h, r, head, reply);
	conn->client_closes = http_request_closes(r);
	reply->head.close = conn->client_closes || h->draining ||
		conn->requests >= h->config.max_requests;
	if (!has_body) {
		reply->head.keep_alive = r->minor == 0 && !reply->head.close;
		return begin_send(s, conn);
	}
	/*
	 * With Expect the client may wait, send the body, or leave it out (RFC 9110 s10.1.1): after
	 * a final answer only the end of the connection is clear to both.
	 */
	if (too_large || r->expect_continue) {
		reply->head.close = true;
		conn->client_closes = false;
		return begin_send(s, conn);
	}
	reply->head.keep_alive = r->minor == 0 && !reply->head.close;
	if (r->chunked)
		http_body_init_chunked(&conn->body, h->config.max_body_bytes);
	else
		http_body_init_length(&conn->body, r->content_length);
	conn->phase = HTTP_PHASE_BODY;
	set_deadline(s, conn, h->config.header_timeout_ms);
	return STEP_ON;
}

/* The usual case: a head in one piece, parsed where it lies. */
static enum step
parse_whole(struct sluice *s, struct http_conn *conn)
{
	struct http *h = conn->http;
	const uint8_t *head = conn->in.data;
	struct http_partial *partial;
	enum http_verdict verdict;

	http_parser_init(&h->parser, h->config.max_header_bytes);
	verdict = http_parse(&h->parser, head, conn->in.len);
	if (verdict == HTTP_PARSE_DONE) {
		use_input(conn, h->parser.request.head_bytes);
		return begin_request(s, conn, &h->parser.request, head);
	}
	if (verdict != HTTP_PARSE_MORE)
		return begin_error(s, conn, (uint16_t)verdict, false);
	partial = service_pool_get(&h->partials);
	if (partial == NULL)
		return begin_error(s, conn, 503, false);
	/* The parser wants more, so this is less than max_header_bytes. */
	partial->parser = h->parser;
	partial->len = conn->in.len;
	memcpy(partial->bytes, head, conn->in.len);
	use_input(conn, conn->in.len);
	conn->partial = partial;
	set_deadline(s, conn, h->config.header_timeout_ms);
	return STEP_ON;
}

/* More of a head that came in parts. */
static enum step
parse_partial(struct sluice *s, struct http_conn *conn)
{
	struct http *h = conn->http;
	struct http_partial *partial = conn->partial;
	uint32_t room = h->config.max_header_bytes - partial->len;
	uint32_t n = conn->in.len < room ? conn->in.len : room;
	enum http_verdict verdict;
	enum step step;

	memcpy(partial->bytes + partial->len, conn->in.data, n);
	partial->len += n;
	verdict = http_parse(&partial->parser, partial->bytes, partial->len);
	if (verdict == HTTP_PARSE_MORE) {
		use_input(conn, n);
		return STEP_ON;
	}
	conn->partial = NULL;
	if (verdict == HTTP_PARSE_DONE) {
		/* What follows the head was copied too, but stays input. */
		use_input(conn, n - (partial->len - partial->parser.request.head_bytes));
		step = begin_request(s, conn, &partial->parser.request, partial->bytes);
	} else {
		step = begin_error(s, conn, (uint16_t)verdict, false);
	}
	service_pool_put(&h->partials, partial);
	return step;
}

static enum step
run_head(struct sluice *s, struct http_conn *conn)
{
	ptrdiff_t n = fill_input(s, conn);

	if (n <= 0)
		return input_ended(s, conn, n);
	return conn->partial == NULL ? parse_whole(s, conn) : parse_partial(s, conn);
}

static enum step
run_body(struct sluice *s, struct http_conn *conn)
{
	enum http_body_verdict verdict;
	ptrdiff_t n = fill_input(s, conn);
	size_t used;

	if (n <= 0)
		return input_ended(s, conn, n);
	verdict = http_body_skip(&conn->body, conn->in.data, conn->in.len, &used);
	use_input(conn, (uint32_t)used);
	switch (verdict) {
	case HTTP_BODY_MORE:
		return STEP_ON;
	case HTTP_BODY_DONE:
		return begin_send(s, conn);
	case HTTP_BODY_TOO_LARGE:
		return begin_error(s, conn, 413, conn->reply.head_only);
	case HTTP_BODY_BAD:
		break;
	}
	return begin_error(s, conn, 400, conn->reply.head_only);
}

/* --- response --------------------------------------------------------------------------------- */

/* The last response is queued. */
static enum step
end_responses(struct sluice *s, struct http_conn *conn)
{
	/*
	 * A client that asked for the end sends nothing more. Any other may be sending right now,
	 * and data that meets a closed socket makes a reset that can destroy the response on its
	 * way: shut our side, read for a while, then close (RFC 9112 s9.6).
	 */
	if (conn->client_closes && conn->in.len == 0 &&
		sluice_recv_queued(s, conn->handle) <= 0)
		return conn_close(s, conn);
	sluice_shutdown(s, conn->handle, SLUICE_SHUT_WR);
	conn->phase = HTTP_PHASE_LINGER;
	conn->lingered_bytes = 0;
	set_deadline(s, conn, HTTP_LINGER_MS);
	return STEP_ON;
}

/*
 * Whether the client acknowledged anything since we last waited. The stack may call a send buffer
 * writable only when much of it is free, which a slow client can take minutes for.
 */
static bool
client_took_more(struct sluice *s, const struct http_conn *conn)
{
	return sluice_send_space(s, conn->handle) > conn->send_space;
}

static enum step
run_send(struct sluice *s, struct http_conn *conn)
{
	struct http *h = conn->http;
	uint64_t sent = conn->reply.sent;
	int err = http_reply_send(h, s, conn->handle, &conn->reply);

	if (err == 1) {
		http_reply_release(h, &conn->reply);
		if (conn->reply.head.close)
			return end_responses(s, conn);
		conn->phase = HTTP_PHASE_HEAD;
		set_deadline(s, conn, h->config.idle_timeout_ms);
		return STEP_ON;
	}
	if (conn->reply.sent > sent || client_took_more(s, conn))
		set_deadline(s, conn, h->config.send_timeout_ms);
	conn->send_space = sluice_send_space(s, conn->handle);
	if (err == -ENOBUFS)
		conn->retry_ms = HTTP_NOBUFS_MS;
	else if (err != -EAGAIN)
		return conn_abort(s, conn);
	return STEP_WAIT;
}

static enum step
run_linger(struct sluice *s, struct http_conn *conn)
{
	ptrdiff_t n = fill_input(s, conn);

	if (n <= 0)
		return input_ended(s, conn, n);
	conn->lingered_bytes += conn->in.len;
	use_input(conn, conn->in.len);
	if (conn->lingered_bytes > HTTP_LINGER_BYTES)
		return conn_close(s, conn);
	return STEP_ON;
}

/* --- events ----------------------------------------------------------------------------------- */

static enum step
run_phase(struct sluice *s, struct http_conn *conn)
{
	switch (conn->phase) {
	case HTTP_PHASE_HEAD:
		return run_head(s, conn);
	case HTTP_PHASE_BODY:
		return run_body(s, conn);
	case HTTP_PHASE_SEND:
		return run_send(s, conn);
	case HTTP_PHASE_LINGER:
		return run_linger(s, conn);
	case HTTP_PHASE_FREE:
		break;
	}
	/* A free slot has no events. */
	abort();
}

void
http_conn_run(struct sluice *s, struct http_conn *conn)
{
	uint64_t last = (uint64_t)conn->requests + HTTP_REQUESTS_PER_TURN;
	enum step step;

	conn->retry_ms = 0;
	do {
		step = run_phase(s, conn);
		if (step == STEP_GONE)
			return;
		if (conn->phase == HTTP_PHASE_HEAD && conn->requests >= last)
			conn->retry_ms = HTTP_TURN_MS;
	} while (step == STEP_ON && conn->retry_ms == 0);
	arm_timer(s, conn);
}

void
http_conn_start(struct sluice *s, struct http_conn *conn)
{
	conn->phase = HTTP_PHASE_HEAD;
	set_deadline(s, conn, conn->http->config.header_timeout_ms);
	http_conn_run(s, conn);
}

/* Patience is over. */
static enum step
expire(struct sluice *s, struct http_conn *conn)
{
	switch (conn->phase) {
	case HTTP_PHASE_HEAD:
		/* Without a byte of a request there is nothing to answer. */
		if (conn->partial == NULL)
			return conn_close(s, conn);
		service_pool_put(&conn->http->partials, conn->partial);
		conn->partial = NULL;
		return begin_error(s, conn, 408, false);
	case HTTP_PHASE_BODY:
		return begin_error(s, conn, 408, conn->reply.head_only);
	case HTTP_PHASE_LINGER:
		return conn_close(s, conn);
	case HTTP_PHASE_SEND:
		if (client_took_more(s, conn))
			return STEP_ON;
		break;
	case HTTP_PHASE_FREE:
		break;
	}
	return conn_abort(s, conn);
}

void
http_conn_timeout(struct sluice *s, struct http_conn *conn)
{
	conn->timer_us = 0;
	/* A connection that was held up by us is not late. */
	if (conn->retry_ms == 0 && sluice_now_us(s) >= conn->deadline_us)
		if (expire(s, conn) == STEP_GONE)
			return;
	http_conn_run(s, conn);
}

void
http_conn_close_idle(struct sluice *s, struct http_conn *conn)
{
	if (conn->phase == HTTP_PHASE_HEAD && conn->partial == NULL && conn->in.len == 0 &&
		sluice_recv_queued(s, conn->handle) <= 0)
		conn_close(s, conn);
}
