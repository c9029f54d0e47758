/* SPDX-License-Identifier: BSD-3-Clause */
/* Mailboxes over single-producer single-consumer rings, and the pool of messages behind them. */
#include <errno.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "ctl/capture.h"
#include "ctl/mailbox.h"
#include "tcp/tcp.h"

/*
 * At most MAIL_LISTINGS_MAX listings, MAIL_ORDERS_MAX orders and one message of the capture are
 * away to one worker, and a worker answers only what it was sent: neither ring ever overflows.
 */
#define RING_CAPACITY 32u

_Static_assert(RING_CAPACITY >= MAIL_LISTINGS_MAX + MAIL_ORDERS_MAX + 1, "a message always fits");

static struct ring *
ring_create(void)
{
	size_t bytes = (ring_bytes(RING_CAPACITY) + CACHE_LINE - 1) / CACHE_LINE * CACHE_LINE;
	void *mem = aligned_alloc(CACHE_LINE, bytes);

	return mem != NULL ? ring_init(mem, RING_CAPACITY) : NULL;
}

static int
listing_create(struct mail *mail)
{
	mail->msg.conns = calloc(CTL_ROWS_MAX, sizeof(*mail->msg.conns));
	mail->msg.listeners = calloc(CTL_ROWS_MAX, sizeof(*mail->msg.listeners));
	return mail->msg.conns != NULL && mail->msg.listeners != NULL ? 0 : -ENOMEM;
}

int
mail_hub_create(unsigned int workers, mail_wake_fn *wake, void *wake_ctx, struct mail_hub *out)
{
	unsigned int i;
	int err = 0;

	ASSERT(workers > 0);
	out->workers = workers;
	out->wake = wake;
	out->wake_ctx = wake_ctx;
	out->boxes = calloc(workers, sizeof(*out->boxes));
	out->listings = calloc(MAIL_LISTINGS_MAX, sizeof(*out->listings));
	out->orders = calloc((size_t)workers * MAIL_ORDERS_MAX, sizeof(*out->orders));
	out->capture = capture_create(workers);
	if (out->boxes == NULL || out->listings == NULL || out->orders == NULL ||
		out->capture == NULL)
		err = -ENOMEM;
	for (i = 0; err == 0 && i < workers; i++) {
		out->boxes[i].requests = ring_create();
		out->boxes[i].replies = ring_create();
		if (out->boxes[i].requests == NULL || out->boxes[i].replies == NULL)
			err = -ENOMEM;
	}
	for (i = 0; err == 0 && i < MAIL_LISTINGS_MAX; i++)
		err = listing_create(&out->listings[i]);
	if (err != 0)
		mail_hub_destroy(out);
	return err;
}

void
mail_hub_destroy(struct mail_hub *hub)
{
	unsigned int i;

	for (i = 0; hub->boxes != NULL && i < hub->workers; i++) {
		free(hub->boxes[i].requests);
		free(hub->boxes[i].replies);
	}
	for (i = 0; hub->listings != NULL && i < MAIL_LISTINGS_MAX; i++) {
		free(hub->listings[i].msg.conns);
		free(hub->listings[i].msg.listeners);
	}
	capture_destroy(hub->capture);
	free(hub->boxes);
	free(hub->listings);
	free(hub->orders);
	*hub = (struct mail_hub){ 0 };
}

struct mail *
mail_take(struct mail_hub *hub)
{
	unsigned int i;

	for (i = 0; i < MAIL_LISTINGS_MAX; i++) {
		struct mail *mail = &hub->listings[i];

		if (!mail->is_used) {
			mail->is_used = true;
			mail->is_dropped = false;
			return mail;
		}
	}
	return NULL;
}

void
mail_drop(struct mail *mail)
{
	ASSERT(mail->is_used);
	mail->is_dropped = true;
	if (!mail->is_away)
		mail->is_used = false;
}

void
mail_send(struct mail_hub *hub, struct mail *mail)
{
	void *item = &mail->msg;
	uint32_t put;

	ASSERT(mail->is_used && !mail->is_away);
	ASSERT(mail->msg.worker < hub->workers);
	mail->is_away = true;
	put = ring_put_burst(hub->boxes[mail->msg.worker].requests, &item, 1);
	ASSERT(put == 1);
	if (hub->wake != NULL)
		hub->wake(hub->wake_ctx, mail->msg.worker);
}

static void
mail_return(struct mail *mail)
{
	ASSERT(mail->is_away);
	mail->is_away = false;
	if (mail->is_dropped)
		mail->is_used = false;
}

void
mail_collect(struct mail_hub *hub)
{
	unsigned int i;

	for (i = 0; i < hub->workers; i++) {
		void *item;

		while (ring_get_burst(hub->boxes[i].replies, &item, 1) == 1)
			mail_return(container_of(item, struct mail, msg));
	}
}

/* A free order of a worker, or NULL. */
static struct mail *
order_find(struct mail_hub *hub, unsigned int worker)
{
	unsigned int i;

	for (i = 0; i < MAIL_ORDERS_MAX; i++) {
		struct mail *mail = &hub->orders[worker * MAIL_ORDERS_MAX + i];

		if (!mail->is_used)
			return mail;
	}
	return NULL;
}

int
mail_order_all(struct mail_hub *hub, enum ctl_op op, const struct tunables *tun)
{
	unsigned int i;

	mail_collect(hub);
	for (i = 0; i < hub->workers; i++) {
		if (order_find(hub, i) == NULL)
			return -EAGAIN;
	}
	for (i = 0; i < hub->workers; i++) {
		struct mail *mail = order_find(hub, i);

		mail->msg.op = op;
		mail->msg.worker = i;
		if (tun != NULL)
			mail->msg.tunables = *tun;
		mail->is_used = true;
		mail->is_dropped = true;
		mail_send(hub, mail);
	}
	hub->ordered++;
	return 0;
}

bool
mail_has_orders(const struct mail_hub *hub)
{
	unsigned int i;

	for (i = 0; i < hub->workers * MAIL_ORDERS_MAX; i++) {
		if (hub->orders[i].is_away)
			return true;
	}
	return false;
}

struct ctl_msg *
mailbox_next(struct mailbox *box)
{
	void *item;

	return ring_get_burst(box->requests, &item, 1) == 1 ? item : NULL;
}

void
mailbox_answer(struct mailbox *box, struct ctl_msg *msg)
{
	void *item = msg;
	uint32_t put = ring_put_burst(box->replies, &item, 1);

	ASSERT(put == 1);
}
