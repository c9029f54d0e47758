/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection's life, from opening to the one line of the account it ends in. */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "client_int.h"

#define US_PER_MS 1000u
#define NS_PER_US 1000u
/* To the next try when the stack has no buffer to give. */
#define RETRY_MS 5u
/* Until the next connection, when there was no port or no room for one. */
#define HOLD_MS 1u

static const struct sluice_ops flow_ops;

static struct sluice *
sluice_of(const struct flow *f)
{
	return f->group->client->par.s;
}

static uint64_t
now_of(const struct flow *f)
{
	return sluice_now_us(sluice_of(f));
}

static const struct flow_app *
app_of(const struct flow *f)
{
	return flow_apps[f->group->conf->app];
}

static enum load_fail
fail_of(const struct flow *f, int err)
{
	switch (-err) {
	case ECONNREFUSED:
		return LOAD_FAIL_REFUSED;
	case EHOSTUNREACH:
	case ENETUNREACH:
		return LOAD_FAIL_UNREACHABLE;
	case ETIMEDOUT:
		return f->is_established ? LOAD_FAIL_TIMEOUT : LOAD_FAIL_NO_ANSWER;
	case ECONNRESET:
	case EPIPE:
		return LOAD_FAIL_RESET;
	case EADDRNOTAVAIL:
	case EADDRINUSE:
		return LOAD_FAIL_NO_PORT;
	case ENOBUFS:
		return LOAD_FAIL_NO_MEMORY;
	case ECONNABORTED:
		return LOAD_FAIL_BAD_DATA;
	default:
		return LOAD_FAIL_OTHER;
	}
}

/* Was it due in the time that is measured? */
static bool
is_measured(const struct client *cl, uint64_t due_us)
{
	return due_us >= cl->ramp_end_us && due_us < cl->end_us;
}

/* --- the end --------------------------------------------------------------------------------- */

/* Close the account of a connection, and give its place back. */
static void
account(struct flow *f)
{
	struct client_group *g = f->group;
	struct load_counts *total = &g->stats.total;

	switch ((enum flow_end)f->end) {
	case FLOW_END_NONE:
	case FLOW_END_CLOSED:
		total->conns_closed++;
		break;
	case FLOW_END_ABORTED:
		total->conns_aborted++;
		break;
	case FLOW_END_FAILED:
		total->conns_failed++;
		total->fail[f->fail]++;
		break;
	}
	if (f->has_request && f->end == FLOW_END_FAILED)
		total->requests_failed++;
	else if (f->has_request)
		total->requests_cancelled++;
	if (f->is_established)
		g->stats.open--;
	if (f->state == FLOW_READY)
		group_ready_remove(g, f);
	f->state = FLOW_FREE;
	f->next = g->free_head;
	g->free_head = (uint32_t)(f - g->flows);
	g->used--;
}

static void
set_state(struct flow *f, enum flow_state state)
{
	if (f->state == FLOW_READY)
		group_ready_remove(f->group, f);
	f->state = (uint8_t)state;
	f->since_us = now_of(f);
}

static void
reset(struct flow *f, enum flow_end end)
{
	set_state(f, FLOW_CLOSING);
	f->end = (uint8_t)end;
	(void)sluice_abort(sluice_of(f), f->conn);
}

static void
fail(struct flow *f, enum load_fail why)
{
	f->fail = (uint8_t)why;
	reset(f, FLOW_END_FAILED);
}

/* Call again when something of this connection is due: one timer does for all. */
static void
arm(struct flow *f)
{
	uint64_t due = UINT64_MAX, now = now_of(f);

	if (f->state == FLOW_OPENING || f->state == FLOW_BUSY || f->state == FLOW_LEFT)
		due = f->since_us + (uint64_t)f->group->conf->timeout_ms * US_PER_MS;
	else if (f->state == FLOW_RESTING)
		due = f->rest_until_us;
	if (f->state == FLOW_BUSY && f->send_after_us != 0)
		due = min_u64(due, f->send_after_us);
	if (f->state == FLOW_BUSY && f->read_after_us != 0)
		due = min_u64(due, f->read_after_us);
	/* One that comes too early is armed again then: cheaper than moving it each time. */
	if (due == UINT64_MAX || (f->timer_us != 0 && f->timer_us <= due))
		return;
	f->timer_us = due;
	due = due > now ? (due - now + US_PER_MS - 1) / US_PER_MS : 1;
	(void)sluice_set_timeout(sluice_of(f), f->conn, (uint32_t)min_u64(due, UINT32_MAX));
}

/* Nothing more to ask: end it as the profile wants. */
static void
finish(struct flow *f)
{
	const struct load_group *conf = f->group->conf;
	bool server_ends = conf->app == LOAD_APP_HTTP && f->http.state == HTTP_ANSWER_DONE &&
		(f->is_last || !http_answer_keeps(&f->http));

	if (server_ends && !f->peer_ended) {
		set_state(f, FLOW_LEFT);
		arm(f);
		return;
	}
	if (conf->close == LOAD_CLOSE_RESET && !f->peer_ended) {
		reset(f, FLOW_END_ABORTED);
		return;
	}
	set_state(f, FLOW_CLOSING);
	f->end = FLOW_END_CLOSED;
	(void)sluice_close(sluice_of(f), f->conn);
}

/* --- requests -------------------------------------------------------------------------------- */

static void
rest(struct flow *f, uint64_t ms)
{
	set_state(f, FLOW_RESTING);
	f->rest_until_us = f->since_us + ms * US_PER_MS;
	arm(f);
}

static uint64_t
think_ms(const struct flow *f)
{
	const struct load_group *conf = f->group->conf;

	if (conf->think_max_ms <= conf->think_ms)
		return conf->think_ms;
	return conf->think_ms + rng_below(&f->group->client->rng,
		conf->think_max_ms - conf->think_ms + 1);
}

/* The connection has nothing to do: what next? */
static void
go_on(struct flow *f)
{
	struct client_group *g = f->group;
	uint64_t due_us;

	if (f->peer_ended || g->is_stopping)
		finish(f);
	else if (f->requests_left == 0 && g->conf->hold_ms > 0 && f->rest_until_us == UINT64_MAX)
		rest(f, g->conf->hold_ms);
	else if (f->requests_left == 0)
		finish(f);
	else if (group_take(g, now_of(f), &due_us))
		flow_begin(f, due_us);
	else if (g->conf->rate > 0 && g->left > 0) {
		set_state(f, FLOW_READY);
		group_ready_add(g, f);
	} else {
		finish(f);
	}
}

static void
done(struct flow *f)
{
	struct client_group *g = f->group;
	uint64_t now = now_of(f);

	g->stats.total.requests_done++;
	if (is_measured(g->client, f->due_us))
		hist_record(&g->stats.request, (now - f->due_us) * NS_PER_US);
	f->has_request = false;
	f->rest_until_us = UINT64_MAX;
	if (app_of(f)->is_stream ||
		(g->conf->app == LOAD_APP_HTTP && !http_answer_keeps(&f->http)))
		finish(f);
	else if (f->requests_left > 0 && !g->is_stopping && think_ms(f) > 0)
		rest(f, think_ms(f));
	else
		go_on(f);
}

static void
end_sending(struct flow *f)
{
	f->to_send = 0;
	f->fin_sent = true;
	f->since_us = now_of(f);
	(void)sluice_shutdown(sluice_of(f), f->conn, SLUICE_SHUT_WR);
}

/* Hand a piece to the stack; false: it takes no more now. */
static bool
push_piece(struct flow *f)
{
	const struct load_group *conf = f->group->conf;
	const uint8_t *from;
	ptrdiff_t n;
	size_t len;

	from = app_of(f)->source(f, &len);
	if (conf->send_chunk != 0)
		len = min_size(len, conf->send_chunk);
	n = sluice_send(sluice_of(f), f->conn, from, len, 0);
	if (n <= 0) {
		/* With room and yet nothing taken, no event would come: packets are short. */
		if (sluice_send_space(sluice_of(f), f->conn) > 0)
			f->send_after_us = now_of(f) + RETRY_MS * US_PER_MS;
		return false;
	}
	f->sent += (uint64_t)n;
	if (f->to_send != NO_END)
		f->to_send -= (uint64_t)n;
	f->group->stats.total.bytes_out += (uint64_t)n;
	if (app_of(f)->is_stream)
		f->since_us = now_of(f);
	if (conf->send_chunk != 0 && f->to_send > 0)
		f->send_after_us = now_of(f) + (uint64_t)conf->send_pause_ms * US_PER_MS;
	return (size_t)n == len && conf->send_chunk == 0;
}

static void
push(struct flow *f)
{
	bool is_upload = f->group->conf->app == LOAD_APP_DISCARD;

	if (f->state != FLOW_BUSY || f->to_send == 0 || f->send_after_us > now_of(f))
		return;
	f->send_after_us = 0;
	while (f->to_send > 0 && push_piece(f))
		;
	if (is_upload && f->will_abort && f->sent > 0)
		reset(f, FLOW_END_ABORTED);
	else if (is_upload && f->to_send == 0)
		end_sending(f);
	else
		arm(f);
}

void
flow_begin(struct flow *f, uint64_t due_us)
{
	struct client_group *g = f->group;

	/* One that the connection was opened for is counted already. */
	if (!f->has_request)
		g->stats.total.requests_started++;
	set_state(f, FLOW_BUSY);
	f->has_request = true;
	f->due_us = due_us;
	f->rest_until_us = UINT64_MAX;
	f->sent = f->got = 0;
	f->read_after_us = f->send_after_us = 0;
	if (f->requests_left != NO_END)
		f->requests_left--;
	f->will_abort = rng_below(&g->client->rng, 100) < g->conf->abort_percent;
	app_of(f)->begin(f);
	if (g->conf->app == LOAD_APP_CONNECT && f->will_abort)
		reset(f, FLOW_END_ABORTED);
	else if (g->conf->app == LOAD_APP_CONNECT)
		done(f);
	else if (f->to_send > 0)
		push(f);
	else
		arm(f);
}

/* --- receiving ------------------------------------------------------------------------------- */

static void
act_on(struct flow *f, enum flow_verdict verdict)
{
	if (verdict == FLOW_FAIL)
		fail(f, (enum load_fail)f->fail);
	else if (verdict == FLOW_DONE)
		done(f);
}

static void
take(struct flow *f, const uint8_t *data, size_t len)
{
	f->group->stats.total.bytes_in += len;
	if (f->state == FLOW_CLOSING)
		return;
	if (f->state != FLOW_BUSY)
		fail(f, LOAD_FAIL_BAD_DATA); /* nobody asked */
	else if (f->will_abort)
		reset(f, FLOW_END_ABORTED);
	else
		act_on(f, app_of(f)->take(f, data, len));
}

static void
take_end(struct flow *f)
{
	bool is_held = f->group->conf->app == LOAD_APP_CONNECT && f->state == FLOW_RESTING;

	f->peer_ended = true;
	if (is_held)
		fail(f, LOAD_FAIL_EARLY_END);
	else if (f->state == FLOW_BUSY)
		act_on(f, app_of(f)->end(f));
	else if (f->state == FLOW_READY || f->state == FLOW_RESTING || f->state == FLOW_LEFT)
		finish(f);
}

/* One buffer, or a slow reader's few bytes; false: nothing more now. */
static bool
read_piece(struct flow *f)
{
	const struct load_group *conf = f->group->conf;
	struct client *cl = f->group->client;
	struct sluice_buf buf = { 0 };
	ptrdiff_t n;

	if (conf->read_chunk != 0)
		n = sluice_recv(cl->par.s, f->conn, cl->scratch,
			min_size(conf->read_chunk, SCRATCH_BYTES));
	else
		n = sluice_recv_buf(cl->par.s, f->conn, &buf);
	if (n > 0 && app_of(f)->is_stream)
		f->since_us = now_of(f);
	if (n > 0)
		take(f, conf->read_chunk != 0 ? cl->scratch : buf.data, (size_t)n);
	else if (n == 0)
		take_end(f);
	sluice_buf_free(cl->par.s, &buf);
	if (n > 0 && conf->read_chunk != 0 && f->state == FLOW_BUSY)
		f->read_after_us = now_of(f) + (uint64_t)conf->read_pause_ms * US_PER_MS;
	return n > 0 && f->state != FLOW_CLOSING && f->read_after_us == 0;
}

static void
pull(struct flow *f)
{
	if (f->state == FLOW_CLOSING || f->read_after_us > now_of(f))
		return;
	f->read_after_us = 0;
	while (read_piece(f))
		;
	if (f->state != FLOW_CLOSING)
		arm(f);
}

/* --- events ---------------------------------------------------------------------------------- */

static void
flow_connected(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct flow *f = data;
	struct load_stats *stats = &f->group->stats;
	uint64_t now = sluice_now_us(s);

	if (f->state != FLOW_OPENING)
		return;
	if (err != 0) {
		/* closed comes as well, and is the place to count it. */
		f->fail = (uint8_t)fail_of(f, err);
		f->end = FLOW_END_FAILED;
		return;
	}
	f->is_established = true;
	(void)sluice_setopt(s, c, SLUICE_TCP_NODELAY, 1);
	stats->total.conns_established++;
	stats->open++;
	if (stats->open > stats->open_max)
		stats->open_max = stats->open;
	if (is_measured(f->group->client, f->begun_us))
		hist_record(&stats->connect, (now - f->begun_us) * NS_PER_US);
	if (f->has_request)
		flow_begin(f, f->due_us);
	else
		go_on(f);
}

static void
flow_readable(struct sluice *s, sluice_conn c, void *data)
{
	(void)s;
	(void)c;
	pull(data);
}

static void
flow_writable(struct sluice *s, sluice_conn c, void *data)
{
	(void)s;
	(void)c;
	push(data);
}

static void
flow_timeout(struct sluice *s, sluice_conn c, void *data)
{
	struct flow *f = data;
	uint64_t now = sluice_now_us(s);
	uint64_t patience = (uint64_t)f->group->conf->timeout_ms * US_PER_MS;

	(void)c;
	f->timer_us = 0;
	if (f->state == FLOW_RESTING && now >= f->rest_until_us)
		go_on(f);
	if (f->state == FLOW_BUSY && f->send_after_us != 0 && now >= f->send_after_us)
		push(f);
	if (f->state == FLOW_BUSY && f->read_after_us != 0 && now >= f->read_after_us)
		pull(f);
	if (now >= f->since_us + patience && f->state == FLOW_OPENING)
		fail(f, LOAD_FAIL_NO_ANSWER);
	else if (now >= f->since_us + patience &&
		(f->state == FLOW_BUSY || f->state == FLOW_LEFT))
		fail(f, LOAD_FAIL_TIMEOUT);
	else
		arm(f);
}

static void
flow_closed(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct flow *f = data;

	(void)s;
	(void)c;
	/*
	 * Closed with something unread, which makes it a reset: as the run ended, the answer was on
	 * its way; else nobody had asked for it.
	 */
	if (err == -ECONNABORTED && f->end == FLOW_END_CLOSED && f->group->is_stopping)
		f->end = FLOW_END_ABORTED;
	if (err != 0 && (f->end == FLOW_END_NONE || f->end == FLOW_END_CLOSED)) {
		f->fail = (uint8_t)fail_of(f, err);
		f->end = FLOW_END_FAILED;
	}
	account(f);
}

static const struct sluice_ops flow_ops = {
	.connected = flow_connected,
	.readable = flow_readable,
	.writable = flow_writable,
	.timeout = flow_timeout,
	.closed = flow_closed,
};

/* --- opening --------------------------------------------------------------------------------- */

static struct flow *
flow_new(struct client_group *g)
{
	struct flow *f;

	if (g->free_head != FLOW_NONE) {
		f = &g->flows[g->free_head];
		g->free_head = f->next;
	} else if (g->fresh < g->conns) {
		f = &g->flows[g->fresh++];
	} else {
		return NULL;
	}
	memset(f, 0, sizeof(*f));
	f->group = g;
	f->prev = f->next = FLOW_NONE;
	f->rest_until_us = UINT64_MAX;
	g->used++;
	return f;
}

/* Our next address of the target's version, its port free. */
static const struct sluice_addr *
next_source(struct client *cl, const struct sluice_addr *target)
{
	static const uint8_t v4[12] = { [10] = 0xff, [11] = 0xff };
	bool is_v4 = memcmp(target->ip, v4, sizeof(v4)) == 0;

	for (unsigned int i = 0; i < cl->par.source_count; i++) {
		const struct sluice_addr *a = &cl->par.sources[cl->source_next];

		cl->source_next = (cl->source_next + 1) % cl->par.source_count;
		if ((memcmp(a->ip, v4, sizeof(v4)) == 0) == is_v4)
			return a;
	}
	return NULL;
}

bool
flow_open(struct client_group *g, uint64_t due_us)
{
	struct client *cl = g->client;
	struct load_counts *total = &g->stats.total;
	uint32_t requests = g->conf->requests;
	struct flow *f = flow_new(g);
	int err;

	if (f == NULL)
		return false;
	if (g->conf->app != LOAD_APP_HTTP && g->conf->app != LOAD_APP_ECHO)
		requests = 1;
	f->requests_left = requests != 0 ? requests : NO_END;
	f->begun_us = f->since_us = sluice_now_us(cl->par.s);
	f->has_request = due_us != 0;
	f->due_us = due_us;
	f->state = FLOW_OPENING;
	total->conns_started++;
	if (f->has_request)
		total->requests_started++;
	err = sluice_connect(cl->par.s, next_source(cl, &g->target), &g->target, &flow_ops, f,
		&f->conn);
	if (err != 0) {
		f->end = FLOW_END_FAILED;
		f->fail = (uint8_t)fail_of(f, err);
		g->hold_until_us = f->begun_us + HOLD_MS * US_PER_MS;
		account(f);
		return false;
	}
	arm(f);
	return true;
}

void
flow_sweep(struct flow *f, bool force)
{
	if (f->state == FLOW_FREE)
		return;
	if (force) {
		reset(f, f->end == FLOW_END_FAILED ? FLOW_END_FAILED : FLOW_END_ABORTED);
		return;
	}
	if (f->state == FLOW_READY || f->state == FLOW_RESTING)
		finish(f);
	else if (f->state == FLOW_BUSY && app_of(f)->is_stream && !f->fin_sent &&
		f->group->conf->size_bytes == 0)
		end_sending(f);
}
