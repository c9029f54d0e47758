/* SPDX-License-Identifier: BSD-3-Clause */
/* Messages between the control thread and the workers: two rings for each worker, one pool. */
#ifndef CTL_MAILBOX_H
#define CTL_MAILBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/ring.h"
#include "conf/ctl_msg.h"

/** Messages that a worker should answer per turn of its loop. */
#define MAILBOX_PER_LOOP 4u

/** Listings that run at the same time. */
#define MAIL_LISTINGS_MAX 8u

/** Orders that can be under way to one worker. */
#define MAIL_ORDERS_MAX 16u

/** One worker's end points. The control thread owns the memory. */
struct mailbox {
	struct ring *requests; /* control thread to worker */
	struct ring *replies; /* worker to control thread */
};

/** A message with its life in the control thread. */
struct mail {
	struct ctl_msg msg; /* must be first: a reply is a pointer to it */
	bool is_used; /* taken from the pool */
	bool is_away; /* at the worker */
	bool is_dropped; /* nobody waits for the answer any more */
};

/** Tells a worker that sleeps to look into its mailbox; NULL where none sleeps. */
typedef void mail_wake_fn(void *ctx, unsigned int worker);

/** All mailboxes; control thread only, but for mailbox_next() and mailbox_answer(). */
struct mail_hub {
	unsigned int workers;
	struct mailbox *boxes; /* one for each worker */
	mail_wake_fn *wake;
	void *wake_ctx;
	struct mail *listings; /* MAIL_LISTINGS_MAX with room for rows */
	struct mail *orders; /* MAIL_ORDERS_MAX for each worker, without rows */
	uint64_t ordered; /* calls of mail_order_all() that were carried out */
	struct capture *capture; /* the one that may be under way; capture.h */
};

/** -ENOMEM: nothing was taken. */
int mail_hub_create(unsigned int workers, mail_wake_fn *wake, void *wake_ctx, struct mail_hub *out);

/** No worker may be running. */
void mail_hub_destroy(struct mail_hub *hub);

/** A message with room for rows; NULL: all are in use, try again later. */
struct mail *mail_take(struct mail_hub *hub);

/** Give it back; if it is away, its room is free again once the worker has answered. */
void mail_drop(struct mail *mail);

/** Send to mail->msg.worker; mail->is_away until mail_collect() finds the answer. */
void mail_send(struct mail_hub *hub, struct mail *mail);

/** Collect answers: clears is_away of what came back. */
void mail_collect(struct mail_hub *hub);

/**
 * Send an order without rows to every worker or, with -EAGAIN, to none: too many are under way.
 * tun: of CTL_SET_TUNABLES.
 */
int mail_order_all(struct mail_hub *hub, enum ctl_op op, const struct tunables *tun);

/** Is an order still with a worker, as far as mail_collect() knows? Anybody's. */
bool mail_has_orders(const struct mail_hub *hub);

/** Worker: the next message, or NULL. */
struct ctl_msg *mailbox_next(struct mailbox *box);

/** Worker: done with the message mailbox_next() gave. */
void mailbox_answer(struct mailbox *box, struct ctl_msg *msg);

#endif
