/* SPDX-License-Identifier: BSD-3-Clause */
/* The echo service (RFC 862): every received buffer goes back as it is, without a copy. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "services/service_pool.h"
#include "services/services.h"

/*
 * What a peer can cost us: one struct echo_conn and one lent buffer. When the send buffer is full
 * nothing more is read, so that the receive window closes and the peer has to wait. When all
 * max_conns slots are taken, connections stay in the accept queue, whose limits then apply.
 */
struct echo {
	sluice_listener listener;
	bool listening;		/* the listener above is open */
	struct service_pool conns;
};

struct echo_conn {
	struct echo *echo;
	struct sluice_buf pending; /* read but not yet taken by the send buffer */
};

/* Move data until one side has nothing more, then wait for its callback. */
static void
echo_pump(struct sluice *s, sluice_conn c, struct echo_conn *conn)
{
	for (;;) {
		ptrdiff_t n;

		if (conn->pending.priv != NULL) {
			n = sluice_send_buf(s, c, &conn->pending, 0);
			/* Writable will come. After any other error nothing can be sent again. */
			if (n < 0 && n != -EAGAIN)
				sluice_abort(s, c);
			if (n < 0)
				return;
			conn->pending = (struct sluice_buf){ 0 };
		}
		n = sluice_recv_buf(s, c, &conn->pending);
		if (n > 0)
			continue;
		conn->pending = (struct sluice_buf){ 0 };
		/* The peer has finished and has all of its data back, or on its way. */
		if (n == 0)
			sluice_close(s, c);
		return;
	}
}

static void
echo_ready(struct sluice *s, sluice_conn c, void *data)
{
	struct echo_conn *conn = data;

	echo_pump(s, c, conn);
}

static const struct sluice_ops echo_ops;

static void
echo_accept(struct sluice *s, struct echo *echo)
{
	while (echo->listening && echo->conns.in_use < echo->conns.capacity) {
		struct echo_conn *conn;
		sluice_conn c;

		if (sluice_accept(s, echo->listener, &c) != 0)
			return;
		conn = service_pool_get(&echo->conns);
		*conn = (struct echo_conn){ .echo = echo };
		if (sluice_set_data(s, c, conn, &echo_ops) != 0) {
			service_pool_put(&echo->conns, conn);
			continue;
		}
		echo_pump(s, c, conn);
	}
}

static void
echo_acceptable(struct sluice *s, sluice_listener l, void *ctx)
{
	struct echo *echo = ctx;

	(void)l;
	echo_accept(s, echo);
	if (echo->conns.in_use == echo->conns.capacity)
		sluice_count_full(s);
}

static void
echo_closed(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct echo_conn *conn = data;
	struct echo *echo = conn->echo;

	(void)c;
	(void)err;
	sluice_buf_free(s, &conn->pending);
	service_pool_put(&echo->conns, conn);
	/* A slot is free: take what waited for one. */
	echo_accept(s, echo);
}

static const struct sluice_ops echo_ops = {
	.acceptable = echo_acceptable,
	.readable = echo_ready,
	.writable = echo_ready,
	.closed = echo_closed,
};

static int
echo_start(struct sluice *s, struct sluice_listen_params *params, const void *config, void **state)
{
	struct service_config defaults;
	const struct service_config *cfg = config;
	struct echo *echo;
	int err;

	if (cfg == NULL) {
		service_config_default(&defaults);
		cfg = &defaults;
	}
	err = service_config_check(cfg, NULL);
	if (err != 0)
		return err;
	echo = calloc(1, sizeof(*echo));
	if (echo == NULL)
		return -ENOMEM;
	err = service_pool_init(&echo->conns, sizeof(struct echo_conn), cfg->max_conns);
	if (err == 0) {
		params->ops = &echo_ops;
		params->ctx = echo;
		err = sluice_listen(s, params, &echo->listener);
	}
	if (err != 0) {
		service_pool_destroy(&echo->conns);
		free(echo);
		return err;
	}
	echo->listening = true;
	*state = echo;
	return 0;
}

static void
echo_drain(struct sluice *s, void *state)
{
	struct echo *echo = state;

	echo->listening = false;
	sluice_listener_close(s, echo->listener);
}

static void
echo_stop(struct sluice *s, void *state)
{
	struct echo *echo = state;

	if (echo->listening)
		sluice_listener_close(s, echo->listener);
	service_pool_destroy(&echo->conns);
	free(echo);
}

const struct sluice_service service_echo = {
	.name = "echo",
	.default_port = 7,
	.start = echo_start,
	.drain = echo_drain,
	.stop = echo_stop,
};
