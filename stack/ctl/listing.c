/* SPDX-License-Identifier: BSD-3-Clause */
/* Listings that need the workers: asked for one slice at a time, sent as they come. */
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "ctl/conn_filter.h"
#include "ctl/session_int.h"
#include "tcp/tcp.h"

/*
 * A listing visits the workers one after the other. A worker fills at most CTL_ROWS_MAX rows per
 * message and stops after a bounded number of slots, so that it never notices; the next message
 * goes out when the client has taken the rows (server.c), so that no reader makes us grow.
 */

/* A row with all there is takes twice the room of the line. */
#define INFO_ROWS_MAX (CTL_ROWS_MAX / 2)

struct ctl_listing {
	enum ctl_op op;
	struct mail *mail; /* at the worker, or back from it; NULL: nothing was asked */
	json_t *id; /* of the request */
	unsigned int worker; /* being visited */
	uint64_t cursor; /* where to go on in it */
	uint64_t limit; /* rows still wanted */
	struct ctl_conn_filter filter;
	bool with_info; /* rows with all there is */
	json_t *rows; /* of the next line */
	bool by_core; /* a row for each worker, not their sum */
	uint32_t listener_count;
	struct tcp_listener_info listeners[CTL_ROWS_MAX]; /* summed over the workers */
};

static int
listing_begin(struct ctl_request *r, enum ctl_op op)
{
	struct ctl_listing *l = calloc(1, sizeof(*l));

	if (l == NULL)
		return ctl_fail(r, CTL_E_INTERNAL, NULL, "out of memory");
	l->op = op;
	l->id = r->id != NULL ? json_deep_copy(r->id) : NULL;
	l->limit = UINT64_MAX;
	l->rows = json_array();
	r->s->listing = l;
	return 0;
}

void
ctl_listing_end(struct ctl_session *s)
{
	struct ctl_listing *l = s->listing;

	if (l->mail != NULL)
		mail_drop(l->mail);
	json_decref(l->id);
	json_decref(l->rows);
	free(l);
	s->listing = NULL;
}

int
ctl_do_show_listeners(struct ctl_request *r)
{
	if (listing_begin(r, CTL_LIST_LISTENERS) != 0)
		return -1;
	r->s->listing->by_core = ctl_arg_flag(r, "cores");
	return 0;
}

/* The filter, how many rows, and how much of each. */
static int
conns_parse(struct ctl_request *r, struct ctl_listing *l)
{
	char buf[32];
	const char *text = ctl_arg_text(r, "limit", buf);
	uint64_t value;

	if (text != NULL) {
		if (quantity_parse(text, UNIT_COUNT, &value) != 0 || value < 1)
			return ctl_fail(r, CTL_E_BAD_ARGUMENT, NULL,
				"limit '%.40s' is not a number from 1 on", text);
		l->limit = value;
	}
	l->with_info = ctl_arg_flag(r, "info");
	return ctl_conn_filter_parse(r, &l->filter);
}

int
ctl_do_show_connections(struct ctl_request *r)
{
	if (listing_begin(r, CTL_LIST_CONNS) != 0)
		return -1;
	if (conns_parse(r, r->s->listing) == 0)
		return 0;
	ctl_listing_end(r->s);
	return -1;
}

/* --- rows ----------------------------------------------------------------------------------- */

static void
conns_take(struct ctl_listing *l, const struct local_addrs *local)
{
	const struct ctl_msg *msg = &l->mail->msg;
	uint32_t i;

	for (i = 0; i < msg->rows && l->limit > 0; i++) {
		json_t *row;

		if (!ctl_conn_filter_match(&l->filter, &msg->conns[i], local))
			continue;
		row = ctl_conn_json(l->worker, &msg->conns[i], local);
		if (l->with_info) {
			ctl_conn_info_json(row, &msg->conns[i]);
			ctl_conn_notes_json(row, &msg->conns[i]);
		}
		json_array_append_new(l->rows, row);
		l->limit--;
	}
}

/* A listener lives on every worker: what is shown are sums. */
static void
listener_add(struct tcp_listener_info *sum, const struct tcp_listener_info *info)
{
	sum->acceptq += info->acceptq;
	sum->acceptq_limit += info->acceptq_limit;
	sum->synq += info->synq;
	sum->synq_limit += info->synq_limit;
	sum->accepted += info->accepted;
	sum->cookies_sent += info->cookies_sent;
	sum->cookies_valid += info->cookies_valid;
	sum->cookies_invalid += info->cookies_invalid;
	sum->acceptq_overflows += info->acceptq_overflows;
	sum->synq_overflows += info->synq_overflows;
	sum->syn_drops_full += info->syn_drops_full;
	sum->syn_drops_early += info->syn_drops_early;
	sum->syn_drops_accept += info->syn_drops_accept;
	sum->fastopen_pending += info->fastopen_pending;
	sum->fastopen_limit += info->fastopen_limit;
	sum->fastopen_opened += info->fastopen_opened;
	sum->fastopen_failed += info->fastopen_failed;
	sum->syn_drops_source += info->syn_drops_source;
}

static void
listeners_append(struct ctl_listing *l, const struct local_addrs *local)
{
	const struct ctl_msg *msg = &l->mail->msg;
	uint32_t i;

	for (i = 0; i < msg->rows; i++) {
		json_t *row = ctl_listener_json(&msg->listeners[i], local);

		json_object_set_new(row, "worker", json_integer(l->worker));
		json_array_append_new(l->rows, row);
	}
}

static void
listeners_sum(struct ctl_listing *l)
{
	const struct ctl_msg *msg = &l->mail->msg;
	uint32_t i, j;

	for (i = 0; i < msg->rows; i++) {
		const struct tcp_listener_info *info = &msg->listeners[i];

		for (j = 0; j < l->listener_count; j++) {
			if (l->listeners[j].port == info->port &&
				l->listeners[j].laddr_idx == info->laddr_idx)
				break;
		}
		if (j < l->listener_count)
			listener_add(&l->listeners[j], info);
		else if (j < CTL_ROWS_MAX)
			l->listeners[l->listener_count++] = *info;
	}
}

/* --- steps ---------------------------------------------------------------------------------- */

/* Queue what has been gathered. */
static void
rows_send(struct ctl_session *s, bool is_last, struct ctl_buf *out)
{
	struct ctl_listing *l = s->listing;
	json_t *reply = ctl_reply_new(s, l->id);

	json_object_set_new(reply, l->op == CTL_LIST_CONNS ? "connections" : "listeners", l->rows);
	if (l->op == CTL_LIST_CONNS || l->by_core)
		json_object_set_new(reply, "more", json_boolean(!is_last));
	l->rows = json_array();
	ctl_reply_send(s, reply, out);
}

static enum ctl_step
finish(struct ctl_session *s, struct ctl_buf *out)
{
	struct ctl_listing *l = s->listing;
	uint32_t i;

	for (i = 0; i < l->listener_count; i++)
		json_array_append_new(
			l->rows, ctl_listener_json(&l->listeners[i], s->backend->local));
	rows_send(s, true, out);
	ctl_listing_end(s);
	return CTL_STEP_DONE;
}

/* Messages are few and shared by all listings: one is held only while a worker has it. */
static void
ask(struct ctl_session *s)
{
	struct ctl_listing *l = s->listing;
	struct ctl_msg *msg;

	l->mail = mail_take(s->backend->hub);
	if (l->mail == NULL)
		return;
	msg = &l->mail->msg;
	msg->op = l->op;
	msg->worker = l->worker;
	msg->cursor = l->cursor;
	msg->rows_max = l->with_info ? INFO_ROWS_MAX : CTL_ROWS_MAX;
	msg->rows = 0;
	mail_send(s->backend->hub, l->mail);
}

/* An answer has come: take its rows and see where to go on. */
static void
take(struct ctl_session *s)
{
	struct ctl_listing *l = s->listing;

	ASSERT(l->mail->msg.rows <= CTL_ROWS_MAX);
	l->cursor = l->mail->msg.cursor;
	if (l->op == CTL_LIST_CONNS) {
		conns_take(l, s->backend->local);
	} else {
		if (l->by_core)
			listeners_append(l, s->backend->local);
		else
			listeners_sum(l);
		l->cursor = CTL_CURSOR_END;
	}
	mail_drop(l->mail);
	l->mail = NULL;
	if (l->cursor == CTL_CURSOR_END) {
		l->cursor = 0;
		l->worker++;
	}
}

enum ctl_step
ctl_listing_step(struct ctl_session *s, bool can_send, struct ctl_buf *out)
{
	struct ctl_listing *l = s->listing;

	if (l->mail != NULL && l->mail->is_away)
		return CTL_STEP_WAIT;
	if (l->mail != NULL)
		take(s);
	if (!can_send)
		return CTL_STEP_WAIT;
	if (l->worker == s->backend->hub->workers || l->limit == 0)
		return finish(s, out);
	if (json_array_size(l->rows) > 0)
		rows_send(s, false, out);
	ask(s);
	return CTL_STEP_WAIT;
}
