/* SPDX-License-Identifier: BSD-3-Clause */
/* The forward service: each connection is joined to one of our own to the configured target. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "services/service_pool.h"
#include "services/services.h"

/*
 * What a client can cost us: one struct forward_pair, two connections, one lent buffer each way,
 * and what the send buffers hold. When a send buffer is full nothing more is read from the other
 * side, so that its receive window closes. A short buffer is copied behind what is queued already:
 * a side that sends single bytes would otherwise tie up a packet for each. A side that vanishes
 * without a word is found by keepalive. When all max_conns pairs are taken, connections stay in the
 * accept queue, whose limits then apply.
 */
#define COPY_MAX_BYTES 256u

enum {
	CLIENT,
	TARGET,
	SIDES,
};

struct forward {
	struct sluice_addr to;
	sluice_listener listener;
	bool listening;		/* the listener above is open */
	bool fastopen;		/* a client's first data may ride with our SYN */
	struct service_pool pairs;
};

struct forward_side {
	struct forward_pair *pair;
	sluice_conn c;		/* 0: gone, or not yet there */
	struct sluice_buf pending; /* read here, not yet taken by the other side */
	bool finished;		/* its FIN was passed on */
};

struct forward_pair {
	struct forward *forward;
	bool connected;		/* the target has answered */
	struct forward_side side[SIDES];
};

static struct forward_side *
other_side(struct forward_side *side)
{
	struct forward_pair *pair = side->pair;

	return &pair->side[side == &pair->side[CLIENT] ? TARGET : CLIENT];
}

static bool
both_finished(const struct forward_pair *pair)
{
	return pair->side[CLIENT].finished && pair->side[TARGET].finished;
}

/* 0: all of it was taken; -EAGAIN: some of it is left, writable will come; or the error. */
static int
pass_on(struct sluice *s, sluice_conn to, struct sluice_buf *buf)
{
	ptrdiff_t n;

	if (buf->len > COPY_MAX_BYTES) {
		n = sluice_send_buf(s, to, buf, 0);
		if (n < 0)
			return (int)n;
		*buf = (struct sluice_buf){ 0 };
		return 0;
	}
	n = sluice_send(s, to, buf->data, buf->len, 0);
	if (n < 0)
		return (int)n;
	buf->data += n;
	buf->len -= (uint32_t)n;
	if (buf->len > 0)
		return -EAGAIN;
	sluice_buf_free(s, buf);
	return 0;
}

/* No more comes from here: say so over there. After both have finished the pair may go. */
static void
finish(struct sluice *s, struct forward_side *from)
{
	from->finished = true;
	sluice_shutdown(s, other_side(from)->c, SLUICE_SHUT_WR);
	if (!both_finished(from->pair))
		return;
	for (unsigned int i = 0; i < SIDES; i++)
		sluice_close(s, from->pair->side[i].c);
}

/* Move data one way until there is no more or the other side takes no more. */
static void
pump(struct sluice *s, struct forward_side *from)
{
	struct forward_side *to = other_side(from);
	ptrdiff_t n;
	int err;

	if (!from->pair->connected || from->finished || to->c == 0)
		return;
	do {
		if (from->pending.priv != NULL) {
			err = pass_on(s, to->c, &from->pending);
			/* After any other error nothing can be sent: closed does the rest. */
			if (err != 0 && err != -EAGAIN)
				sluice_abort(s, to->c);
			if (err != 0)
				return;
		}
		n = sluice_recv_buf(s, from->c, &from->pending);
	} while (n > 0);
	from->pending = (struct sluice_buf){ 0 };
	if (n == 0)
		finish(s, from);
}

static void
forward_readable(struct sluice *s, sluice_conn c, void *data)
{
	(void)c;
	pump(s, data);
}

static void
forward_writable(struct sluice *s, sluice_conn c, void *data)
{
	(void)c;
	pump(s, other_side(data));
}

/* After an error closed comes, too. */
static void
forward_connected(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct forward_pair *pair = ((struct forward_side *)data)->pair;

	(void)c;
	if (err != 0)
		return;
	pair->connected = true;
	for (unsigned int i = 0; i < SIDES; i++)
		pump(s, &pair->side[i]);
}

static const struct sluice_ops forward_ops;

/* What waits in a sender's buffers has waited there: no Nagle here. */
static void
set_options(struct sluice *s, sluice_conn c)
{
	sluice_setopt(s, c, SLUICE_TCP_NODELAY, 1);
	sluice_setopt(s, c, SLUICE_SO_KEEPALIVE, 1);
}

/*
 * RFC 7413 on both sides: what the client has sent by now goes out with our SYN, if the target gave
 * us a cookie, and a cookie is asked for if not. That it may come twice was said in the config.
 */
static int
connect_early(struct sluice *s, struct forward_pair *pair)
{
	struct forward_side *target = &pair->side[TARGET];
	struct sluice_buf *first = &pair->side[CLIENT].pending;
	struct sluice_early early = {
		.remote = &pair->forward->to,
		.ops = &forward_ops,
		.data = target,
	};
	ptrdiff_t n = sluice_recv_buf(s, pair->side[CLIENT].c, first);

	if (n <= 0)
		*first = (struct sluice_buf){ 0 };
	early.src = first->data;
	early.len = first->len;
	n = sluice_connect_early(s, &early, &target->c);
	if (n > 0 && (first->len -= (uint32_t)n) == 0)
		sluice_buf_free(s, first);
	else if (n > 0)
		first->data += n;
	return n < 0 ? (int)n : 0;
}

static int
connect_target(struct sluice *s, struct forward_pair *pair)
{
	struct forward_side *target = &pair->side[TARGET];

	if (pair->forward->fastopen)
		return connect_early(s, pair);
	return sluice_connect(s, NULL, &pair->forward->to, &forward_ops, target, &target->c);
}

/* The client hears of a failure by a reset, at once or when the stack has given up. */
static void
join(struct sluice *s, struct forward_pair *pair)
{
	struct forward_side *target = &pair->side[TARGET];
	sluice_conn client = pair->side[CLIENT].c;

	set_options(s, client);
	if (connect_target(s, pair) == 0) {
		set_options(s, target->c);
		return;
	}
	target->c = 0;
	sluice_abort(s, client);
}

static void
forward_accept(struct sluice *s, struct forward *forward)
{
	while (forward->listening && forward->pairs.in_use < forward->pairs.capacity) {
		struct forward_pair *pair;
		sluice_conn c;

		if (sluice_accept(s, forward->listener, &c) != 0)
			return;
		pair = service_pool_get(&forward->pairs);
		*pair = (struct forward_pair){ .forward = forward };
		for (unsigned int i = 0; i < SIDES; i++)
			pair->side[i].pair = pair;
		pair->side[CLIENT].c = c;
		if (sluice_set_data(s, c, &pair->side[CLIENT], &forward_ops) != 0) {
			service_pool_put(&forward->pairs, pair);
			continue;
		}
		join(s, pair);
	}
}

static void
forward_acceptable(struct sluice *s, sluice_listener l, void *ctx)
{
	struct forward *forward = ctx;

	(void)l;
	forward_accept(s, forward);
	if (forward->pairs.in_use == forward->pairs.capacity)
		sluice_count_full(s);
}

/* In order only after both have finished; anything else ends the other side in the same way. */
static void
forward_closed(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct forward_side *side = data;
	struct forward_side *other = other_side(side);
	struct forward_pair *pair = side->pair;
	struct forward *forward = pair->forward;

	(void)c;
	(void)err;
	sluice_buf_free(s, &side->pending);
	side->c = 0;
	if (other->c != 0) {
		if (!both_finished(pair))
			sluice_abort(s, other->c);
		return;
	}
	service_pool_put(&forward->pairs, pair);
	/* A slot is free: take what waited for one. */
	forward_accept(s, forward);
}

static const struct sluice_ops forward_ops = {
	.acceptable = forward_acceptable,
	.connected = forward_connected,
	.readable = forward_readable,
	.writable = forward_writable,
	.closed = forward_closed,
};

/* There is no default: a configuration with a target is needed. */
static int
forward_start(
	struct sluice *s, struct sluice_listen_params *params, const void *config, void **state)
{
	const struct service_config *cfg = config;
	struct forward *forward;
	int err;

	if (cfg == NULL || cfg->to.port == 0)
		return -EDESTADDRREQ;
	err = service_config_check(cfg, NULL);
	if (err != 0)
		return err;
	forward = calloc(1, sizeof(*forward));
	if (forward == NULL)
		return -ENOMEM;
	forward->to = cfg->to;
	forward->fastopen = params->fastopen;
	err = service_pool_init(&forward->pairs, sizeof(struct forward_pair), cfg->max_conns);
	if (err == 0) {
		params->ops = &forward_ops;
		params->ctx = forward;
		err = sluice_listen(s, params, &forward->listener);
	}
	if (err != 0) {
		service_pool_destroy(&forward->pairs);
		free(forward);
		return err;
	}
	forward->listening = true;
	*state = forward;
	return 0;
}

static void
forward_drain(struct sluice *s, void *state)
{
	struct forward *forward = state;

	forward->listening = false;
	sluice_listener_close(s, forward->listener);
}

static void
forward_stop(struct sluice *s, void *state)
{
	struct forward *forward = state;

	if (forward->listening)
		sluice_listener_close(s, forward->listener);
	service_pool_destroy(&forward->pairs);
	free(forward);
}

const struct sluice_service service_forward = {
	.name = "forward",
	.default_port = 0,
	.start = forward_start,
	.drain = forward_drain,
	.stop = forward_stop,
};
