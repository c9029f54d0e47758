/* SPDX-License-Identifier: BSD-3-Clause */
/* The HTTP service (RFC 9110, RFC 9112): start and stop, accepting, clock and built-in pages. */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "services/http_int.h"

/*
 * Threat model. Per connection a client can hold: one slot (struct http_conn), one lent buffer,
 * for header_timeout_ms one partial head of max_header_bytes, and one file entry while a response
 * goes out. Slots, partial heads and entries are pools of fixed size per worker; whoever finds one
 * empty gets 503. Every phase has a deadline. Work per callback is bounded by the send buffer
 * and by HTTP_REQUESTS_PER_TURN. No request allocates memory.
 */

/* Who was turned away reads the answer within this time. */
#define HTTP_REFUSED_MS 2000u

static int64_t
system_clock_s(void)
{
	return time(NULL);
}

/* --- clock and pages -------------------------------------------------------------------------- */

static void
page_build(struct http_page *page, uint16_t status, const char *type, const char *body)
{
	struct http_head head = {
		.status = status,
		.type = type,
		.has_length = true,
		.length = strlen(body),
		.close = status == 503,
	};
	const char date[HTTP_DATE_BYTES] = { 0 };
	char text[HTTP_HEAD_MAX];

	page->type = type;
	page->head_bytes = http_response_head(text, &head, date);
	page->body_bytes = strlen(body);
	page->date_at = http_response_date_at(status);
	assert(page->head_bytes + page->body_bytes <= sizeof(page->text));
	memcpy(page->text, text, page->head_bytes);
	memcpy(page->text + page->head_bytes, body, page->body_bytes);
}

static void
pages_build(struct http *h)
{
	static const char body[] =
		"<!doctype html>\n<html lang=\"en\">\n<head><title>Sluice</title></head>\n<body>\n"
		"<h1>Sluice is serving</h1>\n"
		"<p>This page comes from a TCP stack in user space.</p>\n"
		"<p>Set <code>root</code> of the http service to serve a directory here; "
		"its <code>index.html</code> takes the place of this page.</p>\n"
		"<p><a href=\"/healthz\">/healthz</a> answers ok.</p>\n</body>\n</html>\n";

	page_build(&h->root_page, 200, "text/html; charset=utf-8", body);
	page_build(&h->health_page, 200, "text/plain; charset=utf-8", "ok\n");
	page_build(&h->busy_page, 503, "text/plain; charset=utf-8", http_status_body(503));
}

/* Look at the wall clock now and then, and write its date where it is needed. */
static void
clock_update(struct http *h, const struct sluice *s)
{
	uint64_t now_us = sluice_now_us(s);
	int64_t wall_s;

	if (now_us < h->clock_due_us)
		return;
	h->clock_due_us = now_us + HTTP_CLOCK_US;
	wall_s = h->config.wall_clock_s();
	if (wall_s == h->wall_s)
		return;
	h->wall_s = wall_s;
	http_date_format(h->date, wall_s);
	memcpy(h->root_page.text + h->root_page.date_at, h->date, HTTP_DATE_BYTES);
	memcpy(h->health_page.text + h->health_page.date_at, h->date, HTTP_DATE_BYTES);
	memcpy(h->busy_page.text + h->busy_page.date_at, h->date, HTTP_DATE_BYTES);
}

/* --- connections that find no slot ------------------------------------------------------------ */

/* Read on until the client has seen the answer: closing over unread data would reset. */
static void
refused_readable(struct sluice *s, sluice_conn c, void *data)
{
	struct sluice_buf buf;
	ptrdiff_t n;

	(void)data;
	while ((n = sluice_recv_buf(s, c, &buf)) > 0)
		sluice_buf_free(s, &buf);
	if (n == 0)
		sluice_close(s, c);
}

static void
refused_timeout(struct sluice *s, sluice_conn c, void *data)
{
	(void)data;
	sluice_close(s, c);
}

static const struct sluice_ops refused_ops = {
	.readable = refused_readable,
	.timeout = refused_timeout,
};

static void
refuse(struct http *h, struct sluice *s, sluice_conn c)
{
	const struct http_page *page = &h->busy_page;

	sluice_set_data(s, c, NULL, &refused_ops);
	/* An empty send buffer takes it all; if not, the client sees a broken answer. */
	sluice_send(s, c, page->text, page->head_bytes + page->body_bytes, 0);
	sluice_shutdown(s, c, SLUICE_SHUT_WR);
	sluice_set_timeout(s, c, HTTP_REFUSED_MS);
	refused_readable(s, c, NULL);
}

/* --- callbacks -------------------------------------------------------------------------------- */

static void
http_ready(struct sluice *s, sluice_conn c, void *data)
{
	struct http_conn *conn = data;

	(void)c;
	clock_update(conn->http, s);
	http_conn_run(s, conn);
}

static void
http_timeout(struct sluice *s, sluice_conn c, void *data)
{
	struct http_conn *conn = data;

	(void)c;
	clock_update(conn->http, s);
	http_conn_timeout(s, conn);
}

static void
http_closed(struct sluice *s, sluice_conn c, void *data, int err)
{
	(void)c;
	(void)err;
	http_conn_release(s, data);
}

static const struct sluice_ops http_ops = {
	.readable = http_ready,
	.writable = http_ready,
	.timeout = http_timeout,
	.closed = http_closed,
};

static void
http_acceptable(struct sluice *s, sluice_listener l, void *ctx)
{
	struct http *h = ctx;
	sluice_conn c;

	clock_update(h, s);
	while (sluice_accept(s, l, &c) == 0) {
		struct http_conn *conn = service_pool_get(&h->conns);

		if (conn == NULL) {
			sluice_count_full(s);
			refuse(h, s, c);
			continue;
		}
		*conn = (struct http_conn){ .http = h, .handle = c };
		if (sluice_set_data(s, c, conn, &http_ops) == 0)
			http_conn_start(s, conn);
		else
			http_conn_release(s, conn);
	}
}

/* --- life ------------------------------------------------------------------------------------- */

static const struct sluice_ops http_listener_ops = {
	.acceptable = http_acceptable,
};

static void
http_free(struct http *h)
{
	service_pool_destroy(&h->conns);
	service_pool_destroy(&h->partials);
	http_files_destroy(&h->files);
	free(h);
}

static int
http_create(struct http *h, const struct service_config *config)
{
	int err;

	h->config = *config;
	h->config.root = NULL;
	if (h->config.wall_clock_s == NULL)
		h->config.wall_clock_s = system_clock_s;
	h->wall_s = INT64_MIN;
	h->no_index_s = INT64_MIN;
	err = http_files_init(&h->files, config->root, config->file_entries);
	if (err == 0)
		err = service_pool_init(&h->conns, sizeof(struct http_conn), config->max_conns);
	if (err == 0)
		err = service_pool_init(&h->partials,
			sizeof(struct http_partial) + config->max_header_bytes,
			config->partial_heads);
	return err;
}

static int
http_start(struct sluice *s, struct sluice_listen_params *params, const void *config, void **state)
{
	struct service_config defaults;
	struct http *h;
	int err;

	if (config == NULL) {
		service_config_default(&defaults);
		config = &defaults;
	}
	err = service_config_check(config, NULL);
	if (err != 0)
		return err;
	h = calloc(1, sizeof(*h));
	if (h == NULL)
		return -ENOMEM;
	/* The files come first: their destructor must know that there are none. */
	h->files.root_fd = -1;
	err = http_create(h, config);
	if (err == 0) {
		pages_build(h);
		clock_update(h, s);
		params->ops = &http_listener_ops;
		params->ctx = h;
		err = sluice_listen(s, params, &h->listener);
	}
	if (err != 0) {
		http_free(h);
		return err;
	}
	*state = h;
	return 0;
}

static void
http_drain(struct sluice *s, void *state)
{
	struct http *h = state;

	h->draining = true;
	sluice_listener_close(s, h->listener);
	for (uint32_t i = 0; i < h->conns.fresh; i++)
		http_conn_close_idle(s, service_pool_at(&h->conns, i));
}

static void
http_stop(struct sluice *s, void *state)
{
	struct http *h = state;

	if (!h->draining)
		sluice_listener_close(s, h->listener);
	http_free(h);
}

const struct sluice_service service_http = {
	.name = "http",
	.default_port = 80,
	.start = http_start,
	.drain = http_drain,
	.stop = http_stop,
};
