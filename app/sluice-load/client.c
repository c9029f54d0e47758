/* SPDX-License-Identifier: BSD-3-Clause */
/* Groups and their clocks: what is due, who gets it, and the way to the end. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "client.h"
#include "client_int.h"
#include "services/chargen_pattern.h"

#define US_PER_S 1000000u
#define US_PER_MS 1000u
/* Connections opened, requests begun and connections swept in one round, of each group. */
#define ROUND_MAX 64u
#define SWEEP_MAX 256u
/* A probe that is not answered for so long has failed. */
#define PROBE_MS 5000u
#define PROBE_PENDING 1

/* --- the ready list -------------------------------------------------------------------------- */

void
group_ready_add(struct client_group *g, struct flow *f)
{
	uint32_t i = (uint32_t)(f - g->flows);

	f->next = FLOW_NONE;
	f->prev = g->ready_tail;
	if (g->ready_tail != FLOW_NONE)
		g->flows[g->ready_tail].next = i;
	else
		g->ready_head = i;
	g->ready_tail = i;
}

void
group_ready_remove(struct client_group *g, struct flow *f)
{
	if (f->prev != FLOW_NONE)
		g->flows[f->prev].next = f->next;
	else
		g->ready_head = f->next;
	if (f->next != FLOW_NONE)
		g->flows[f->next].prev = f->prev;
	else
		g->ready_tail = f->prev;
	f->prev = f->next = FLOW_NONE;
}

/* --- what is due ----------------------------------------------------------------------------- */

uint64_t
group_next_due_us(const struct client_group *g)
{
	const struct client *cl = g->client;
	uint64_t due_us;

	if (g->left == 0 || cl->start_us == UINT64_MAX)
		return UINT64_MAX;
	due_us = cl->start_us + schedule_due_us(&g->schedule, g->next);
	return due_us < cl->end_us ? due_us : UINT64_MAX;
}

bool
group_take(struct client_group *g, uint64_t now_us, uint64_t *due_us)
{
	if (g->is_stopping || g->left == 0)
		return false;
	*due_us = now_us;
	if (g->conf->rate > 0) {
		*due_us = group_next_due_us(g);
		if (*due_us > now_us)
			return false;
		g->next += g->step;
	}
	if (g->left != NO_END)
		g->left--;
	return true;
}

/* Requests that are due go to connections that wait, or to new ones. */
static unsigned int
serve_schedule(struct client_group *g, uint64_t now)
{
	unsigned int work = 0;
	uint64_t due_us;

	while (work < ROUND_MAX) {
		bool can_open = g->is_lazy && g->used < g->conns && now >= g->hold_until_us;

		if (g->ready_head == FLOW_NONE && !can_open)
			break;
		if (!group_take(g, now, &due_us))
			break;
		work++;
		if (g->ready_head != FLOW_NONE)
			flow_begin(&g->flows[g->ready_head], due_us);
		else
			(void)flow_open(g, due_us);
	}
	return work;
}

/* Keep as many connections as the ramp allows. */
static unsigned int
keep_open(struct client_group *g, uint64_t now)
{
	const struct client *cl = g->client;
	uint32_t allowed = schedule_allowed(
		g->conns, cl->ramp_end_us - cl->start_us, now - cl->start_us);
	unsigned int work = 0;
	uint64_t due_us;

	while (work < ROUND_MAX && g->used < allowed && now >= g->hold_until_us) {
		due_us = 0;
		/* Where the opening is the request, it takes one. */
		if (g->left == 0 || (g->is_lazy && !group_take(g, now, &due_us)))
			break;
		work++;
		if (!flow_open(g, due_us))
			break;
	}
	return work;
}

/* Requests of the open loop that nobody could begin any more. */
static void
count_unsent(struct client_group *g)
{
	const struct client *cl = g->client;
	uint64_t until = min_u64(cl->end_us, sluice_now_us(cl->par.s)) - cl->start_us;
	uint64_t n, unsent;

	if (g->conf->rate == 0 || cl->start_us == UINT64_MAX)
		return;
	n = schedule_count_before(&g->schedule, until);
	unsent = n > g->next ? (n - g->next + g->step - 1) / g->step : 0;
	g->stats.total.requests_unsent += min_u64(unsent, g->left);
}

static void
stop_group(struct client_group *g)
{
	if (g->is_stopping)
		return;
	count_unsent(g);
	g->is_stopping = true;
	g->swept = 0;
}

/* End connections a few at a time; all over again, with force, once the grace time is over. */
static unsigned int
sweep(struct client_group *g, bool force)
{
	unsigned int work = 0;

	while (work < SWEEP_MAX && g->swept < g->fresh) {
		flow_sweep(&g->flows[g->swept++], force);
		work++;
	}
	return work;
}

/* The parts of the run that are measured begin and end here. */
static void
mark_time(struct client_group *g, uint64_t now)
{
	const struct client *cl = g->client;

	if (!g->has_ramped && now >= cl->ramp_end_us) {
		g->has_ramped = true;
		g->stats.at_ramp_end = g->stats.total;
	}
	if (!g->has_ended && (now >= cl->end_us || g->is_stopping)) {
		g->has_ended = true;
		g->stats.at_end = g->stats.total;
		if (g->has_ramped)
			g->stats.measured_us = min_u64(now, cl->end_us) - cl->ramp_end_us;
		else
			g->stats.at_ramp_end = g->stats.total;
	}
}

static unsigned int
run_group(struct client_group *g, uint64_t now)
{
	const struct client *cl = g->client;

	if (now >= cl->end_us || cl->is_stopping || g->left == 0)
		stop_group(g);
	if (g->left != 0 || now >= cl->end_us || cl->is_stopping || g->used == 0)
		mark_time(g, now);
	if (g->is_stopping)
		return sweep(g, cl->is_aborting);
	if (g->conf->rate > 0 && g->is_lazy)
		return serve_schedule(g, now);
	if (g->conf->rate > 0)
		return keep_open(g, now) + serve_schedule(g, now);
	return keep_open(g, now);
}

static void
force_end(struct client *cl)
{
	cl->is_aborting = true;
	for (unsigned int i = 0; i < cl->group_count; i++)
		cl->groups[i].swept = 0;
}

unsigned int
client_run(struct client *cl)
{
	uint64_t now = sluice_now_us(cl->par.s);
	unsigned int work = 0;

	if (now < cl->start_us)
		return 0;
	if (now >= cl->grace_end_us && !cl->is_aborting)
		force_end(cl);
	for (unsigned int i = 0; i < cl->group_count; i++)
		work += run_group(&cl->groups[i], now);
	return work;
}

/* When a group that is not stopping has to be looked at. */
static uint64_t
group_run_at(const struct client_group *g)
{
	const struct client *cl = g->client;
	uint64_t at = g->has_ramped ? cl->end_us : cl->ramp_end_us;
	bool keeps = g->conf->rate == 0 || !g->is_lazy;

	if (g->conf->rate > 0 && (g->ready_head != FLOW_NONE || (g->is_lazy && g->used < g->conns)))
		at = min_u64(at, group_next_due_us(g));
	if (keeps && g->used < g->conns)
		at = min_u64(at, cl->start_us + schedule_allowed_at_us(g->conns,
			cl->ramp_end_us - cl->start_us, g->used));
	return max_u64(at, g->used < g->conns ? g->hold_until_us : 0);
}

uint64_t
client_run_at(const struct client *cl)
{
	uint64_t now = sluice_now_us(cl->par.s);
	uint64_t at = cl->is_aborting ? UINT64_MAX : cl->grace_end_us;

	if (cl->start_us == UINT64_MAX || now < cl->start_us)
		return cl->start_us;
	for (unsigned int i = 0; i < cl->group_count; i++) {
		const struct client_group *g = &cl->groups[i];

		if (!g->is_stopping)
			at = min_u64(at, group_run_at(g));
		else if (g->swept < g->fresh)
			return now;
	}
	return at;
}

/* --- the run --------------------------------------------------------------------------------- */

void
client_start(struct client *cl, uint64_t at_us)
{
	const struct load_profile *p = cl->par.profile;

	cl->start_us = at_us;
	cl->ramp_end_us = at_us + (uint64_t)p->ramp_s * US_PER_S;
	cl->end_us = cl->ramp_end_us + (uint64_t)p->duration_s * US_PER_S;
	cl->grace_end_us = cl->end_us + (uint64_t)p->grace_ms * US_PER_MS;
}

void
client_stop(struct client *cl)
{
	if (cl->is_stopping)
		return;
	cl->is_stopping = true;
	cl->grace_end_us = min_u64(cl->grace_end_us,
		sluice_now_us(cl->par.s) + (uint64_t)cl->par.profile->grace_ms * US_PER_MS);
}

void
client_abort(struct client *cl)
{
	client_stop(cl);
	if (!cl->is_aborting)
		force_end(cl);
}

bool
client_is_done(const struct client *cl)
{
	for (unsigned int i = 0; i < cl->group_count; i++) {
		const struct client_group *g = &cl->groups[i];

		if (!g->is_stopping || g->used > 0 || !g->has_ended)
			return false;
	}
	return true;
}

const struct load_stats *
client_stats(const struct client *cl, unsigned int group)
{
	ASSERT(group < cl->group_count);
	return &cl->groups[group].stats;
}

/* --- the probe ------------------------------------------------------------------------------- */

static void
probe_connected(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct client_group *g = data;

	if (g->probe_err != PROBE_PENDING)
		return;
	g->probe_err = err;
	if (err == 0)
		(void)sluice_close(s, c);
}

static void
probe_timeout(struct sluice *s, sluice_conn c, void *data)
{
	struct client_group *g = data;

	if (g->probe_err == PROBE_PENDING)
		g->probe_err = -ETIMEDOUT;
	(void)sluice_abort(s, c);
}

static void
probe_closed(struct sluice *s, sluice_conn c, void *data, int err)
{
	struct client_group *g = data;

	(void)s;
	(void)c;
	if (g->probe_err == PROBE_PENDING)
		g->probe_err = err != 0 ? err : -ECONNRESET;
}

static const struct sluice_ops probe_ops = {
	.connected = probe_connected,
	.timeout = probe_timeout,
	.closed = probe_closed,
};

void
client_probe(struct client *cl)
{
	for (unsigned int i = 0; i < cl->group_count; i++) {
		struct client_group *g = &cl->groups[i];
		int err;

		if (g->conns == 0) {
			g->probe_err = 0;
			continue;
		}
		g->probe_err = PROBE_PENDING;
		err = sluice_connect(cl->par.s, NULL, &g->target, &probe_ops, g, &g->probe);
		if (err != 0)
			g->probe_err = err;
		else
			(void)sluice_set_timeout(cl->par.s, g->probe, PROBE_MS);
	}
}

enum client_probe
client_probe_state(const struct client *cl, unsigned int *group, int *err)
{
	enum client_probe state = CLIENT_PROBE_GOOD;

	for (unsigned int i = 0; i < cl->group_count; i++) {
		int is = cl->groups[i].probe_err;

		if (is == PROBE_PENDING) {
			state = CLIENT_PROBE_WAITS;
		} else if (is != 0) {
			*group = i;
			*err = is;
			return CLIENT_PROBE_FAILED;
		}
	}
	return state;
}

/* --- creation -------------------------------------------------------------------------------- */

static void
write_request(char *out, uint32_t *len, const struct load_group *conf, const char *more)
{
	bool is_v4 = ip_addr_is_v4(&conf->target.ip);
	char ip[IP_ADDR_STRLEN], host[IP_ADDR_STRLEN + 16];
	int n;

	(void)ip_addr_format(&conf->target.ip, ip);
	snprintf(host, sizeof(host), is_v4 ? "%s:%u" : "[%s]:%u", ip, conf->target.port);
	n = snprintf(out, REQUEST_BYTES_MAX,
		"GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: sluice-load\r\n%s\r\n", conf->path,
		conf->host[0] != '\0' ? conf->host : host, more);
	ASSERT(n > 0 && (unsigned int)n < REQUEST_BYTES_MAX);
	*len = (uint32_t)n;
}

static int
group_create(struct client *cl, unsigned int i)
{
	struct client_group *g = &cl->groups[i];
	const struct load_group *conf = &cl->par.profile->groups[i];
	uint32_t most = conf->count != 0 ? min_u32(conf->connections, conf->count)
					 : conf->connections;
	/* A worker without a connection has no part in the schedule. */
	unsigned int sharers = min_u32(most, cl->par.workers);

	g->client = cl;
	g->conf = conf;
	g->target.port = (uint16_t)conf->target.port;
	memcpy(g->target.ip, conf->target.ip.b, sizeof(g->target.ip));
	g->free_head = g->ready_head = g->ready_tail = FLOW_NONE;
	g->body_len = NO_END;
	g->schedule = (struct schedule){ max_u32(conf->rate, 1),
		(uint64_t)cl->par.profile->ramp_s * US_PER_S };
	g->next = cl->par.worker;
	g->step = sharers;
	g->left = conf->count != 0 ? 0 : NO_END;
	g->is_lazy = conf->app == LOAD_APP_CONNECT || (conf->rate > 0 && conf->requests != 0) ||
		(conf->rate > 0 && flow_apps[conf->app]->is_stream);
	if (cl->par.worker >= sharers) {
		g->left = 0;
		return 0;
	}
	if (conf->count != 0)
		g->left = schedule_share(conf->count, cl->par.worker, sharers);
	g->conns = (uint32_t)schedule_share(most, cl->par.worker, sharers);
	write_request(g->request, &g->request_len, conf, "");
	write_request(g->last_request, &g->last_request_len, conf, "Connection: close\r\n");
	/* Pages that are never used are never touched. */
	g->flows = calloc(g->conns, sizeof(*g->flows));
	g->body = conf->app == LOAD_APP_HTTP ? calloc(1, VERIFY_BYTES) : NULL;
	return g->flows == NULL || (conf->app == LOAD_APP_HTTP && g->body == NULL) ? -ENOMEM : 0;
}

int
client_create(const struct client_params *par, struct client **out)
{
	struct client *cl = calloc(1, sizeof(*cl));
	int rc = 0;

	if (cl == NULL)
		return -ENOMEM;
	cl->par = *par;
	cl->start_us = cl->ramp_end_us = cl->end_us = cl->grace_end_us = UINT64_MAX;
	rng_seed(&cl->rng, par->seed);
	cl->pattern = malloc(PATTERN_BYTES);
	cl->chargen = malloc(CHARGEN_PERIOD_BYTES);
	cl->scratch = malloc(SCRATCH_BYTES);
	if (cl->pattern == NULL || cl->chargen == NULL || cl->scratch == NULL)
		rc = -ENOMEM;
	for (unsigned int i = 0; rc == 0 && i < par->profile->group_count; i++) {
		cl->group_count++;
		rc = group_create(cl, i);
	}
	if (rc != 0) {
		client_destroy(cl);
		return rc;
	}
	for (unsigned int i = 0; i < PATTERN_BYTES; i++)
		cl->pattern[i] = (uint8_t)rng_u32(&cl->rng);
	(void)chargen_fill(cl->chargen, CHARGEN_PERIOD_BYTES, 0);
	*out = cl;
	return 0;
}

void
client_destroy(struct client *cl)
{
	for (unsigned int i = 0; i < cl->group_count; i++) {
		free(cl->groups[i].flows);
		free(cl->groups[i].body);
	}
	free(cl->pattern);
	free(cl->chargen);
	free(cl->scratch);
	free(cl);
}
