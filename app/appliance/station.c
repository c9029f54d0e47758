/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's beginning, its messages and its end. */
#include <errno.h>
#include <string.h>

#include "appliance/station.h"

static int
set_neighbours(struct station *st)
{
	const struct config_neighbours *n = &st->appliance->conf->ports[0].neighbours;
	struct worker *w = st->worker;

	for (unsigned int i = 0; i < n->count; i++) {
		int rc = net_set_neighbour(&w->net, &w->env, &n->row[i].ip, &n->row[i].mac);
		char text[IP_ADDR_STRLEN];

		if (rc == 0)
			continue;
		(void)ip_addr_format(&n->row[i].ip, text);
		return io_fail(&st->error, rc, "neighbour %s: %s. Fix: %s", text, strerror(-rc),
			rc == -ENOSPC ? "raise memory.neighbours"
				      : "give the address of one station");
	}
	return 0;
}

static int
start(void *ctx, struct worker *w, uint64_t now_us)
{
	struct station *st = ctx;
	const struct appliance_app *app = st->appliance->app;
	int rc = set_neighbours(st);

	(void)w;
	(void)now_us;
	if (rc == 0)
		rc = app->start(app->ctx, st);
	return rc;
}

static int
wanted_phase(const struct station *st)
{
	return atomic_load_explicit(&st->appliance->phase, memory_order_acquire);
}

static bool
has_mail(const void *ctx)
{
	const struct station *st = ctx;

	return wanted_phase(st) != atomic_load_explicit(&st->phase, memory_order_relaxed) ||
		ring_count(st->mailbox->requests) > 0;
}

static void
drain(struct station *st)
{
	const struct appliance_app *app = st->appliance->app;

	st->worker->draining = true;
	if (app->drain != NULL)
		app->drain(app->ctx, st);
}

/* Do what the control server asks, and answer in the message. */
static void
serve(struct station *st, struct ctl_msg *msg)
{
	struct worker *w = st->worker;

	switch (msg->op) {
	case CTL_SET_TUNABLES:
		worker_set_tunables(w, &msg->tunables);
		break;
	case CTL_LIST_CONNS:
		msg->rows = tcp_list_conns(
			w->tcp, &w->env, &msg->cursor, msg->conns, msg->rows_max);
		break;
	case CTL_LIST_LISTENERS:
		msg->rows = tcp_list_listeners(w->tcp, &w->env, msg->listeners, msg->rows_max);
		break;
	case CTL_TAP:
		worker_set_tap(w, msg->tap);
		break;
	case CTL_DRAIN:
		drain(st);
		break;
	case CTL_STOP:
		tcp_abort_all(w->tcp, &w->env);
		break;
	}
}

/* Listeners first; a worker that aborts has drained before. */
static void
follow(struct station *st, int phase)
{
	struct worker *w = st->worker;

	drain(st);
	if (phase == APPLIANCE_ABORTING)
		tcp_abort_all(w->tcp, &w->env);
	atomic_store_explicit(&st->phase, phase, memory_order_release);
}

static unsigned int
mail(void *ctx, struct worker *w, uint64_t now_us)
{
	struct station *st = ctx;
	const struct appliance_app *app = st->appliance->app;
	unsigned int done = 0;

	if (wanted_phase(st) != atomic_load_explicit(&st->phase, memory_order_relaxed)) {
		follow(st, wanted_phase(st));
		done++;
	}
	for (unsigned int i = 0; i < MAILBOX_PER_LOOP; i++) {
		struct ctl_msg *msg = mailbox_next(st->mailbox);

		if (msg == NULL)
			break;
		serve(st, msg);
		mailbox_answer(st->mailbox, msg);
		done++;
	}
	if (app->run != NULL) {
		worker_set_now(w, now_us);
		done += app->run(app->ctx, st, now_us);
	}
	return done;
}

static uint64_t
mail_at(const void *ctx)
{
	const struct station *st = ctx;
	const struct appliance_app *app = st->appliance->app;

	return app->run_at(app->ctx, st);
}

static void
stop(void *ctx, struct worker *w, uint64_t now_us)
{
	struct station *st = ctx;
	const struct appliance_app *app = st->appliance->app;

	/* Owners learn of the end of what is left before their state goes. */
	tcp_abort_all(w->tcp, &w->env);
	worker_poll(w, now_us);
	if (app->stop != NULL)
		app->stop(app->ctx, st);
}

struct lcore_hooks
station_hooks(struct station *st)
{
	return (struct lcore_hooks){
		.ctx = st,
		.start = start,
		.mail = mail,
		.has_mail = has_mail,
		.mail_at = st->appliance->app->run_at != NULL ? mail_at : NULL,
		.stop = stop,
	};
}
