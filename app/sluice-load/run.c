/* SPDX-License-Identifier: BSD-3-Clause */
/* Starts the machine with a client on each worker, watches the time, adds up. */
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "appliance/appliance.h"
#include "appliance/signals.h"
#include "base/compiler.h"
#include "client.h"
#include "report.h"
#include "run.h"

#define RUN_US_PER_S 1000000u
/* How often a worker looks at the phase, and the main thread at the workers. */
#define PHASE_POLL_US 20000u
#define POLL_NS 10000000
/* From the order to start until the start, so that all workers have heard of it. */
#define START_DELAY_US 100000u
/* A target that has not answered by then is not there. */
#define PROBE_LIMIT_US 8000000u
/* What the stack may take to close connections behind the grace time. */
#define CLOSE_LIMIT_US 2000000u

enum run_phase {
	RUN_PROBE,
	RUN_GO,
	RUN_STOP,
	RUN_ABORT,
};

/* One worker's part. */
struct run_worker {
	struct client *client;
	int phase; /* enum run_phase it has reached */
	unsigned int probe_group; /* with probe, after a failure */
	int probe_err;
	_Atomic int probe; /* enum client_probe */
	_Atomic bool is_done;
};

struct run {
	const struct load_options *options;
	struct appliance *appliance;
	_Atomic int phase; /* enum run_phase wanted */
	uint64_t start_us; /* valid from RUN_GO on */
	struct run_worker workers[EAL_WORKERS_MAX];
	/* the live view's memory */
	struct load_stats before, now;
	struct load_stack stack_before, stack_now;
};

/* --- on the workers -------------------------------------------------------------------------- */

static int
run_start(void *ctx, struct station *st)
{
	struct run *run = ctx;
	struct worker *w = st->worker;
	struct run_worker *rw = &run->workers[w->id];
	const struct local_addrs *local = &st->appliance->local;
	struct client_params par = {
		.s = &w->sluice,
		.profile = &run->options->profile,
		.worker = w->id,
		.workers = w->workers,
	};
	int rc;

	if (getrandom(&par.seed, sizeof(par.seed), 0) != (ssize_t)sizeof(par.seed))
		return io_fail(&st->error, -EIO, "the system gives no random numbers");
	par.source_count = min_u32(local->count, CLIENT_SOURCES_MAX);
	for (unsigned int i = 0; i < par.source_count; i++)
		memcpy(par.sources[i].ip, local->addr[i].b, sizeof(par.sources[i].ip));
	rc = client_create(&par, &rw->client);
	if (rc != 0)
		return io_fail(&st->error, rc,
			"worker %u: no memory for its connections. Fix: lower 'connections'",
			w->id);
	st->state = rw;
	client_probe(rw->client);
	return 0;
}

/* Follow the main thread. */
static void
follow(struct run *run, struct run_worker *rw)
{
	int wanted = atomic_load_explicit(&run->phase, memory_order_acquire);

	if (rw->phase == wanted)
		return;
	if (rw->phase == RUN_PROBE)
		client_start(rw->client, run->start_us);
	if (wanted == RUN_STOP)
		client_stop(rw->client);
	if (wanted == RUN_ABORT)
		client_abort(rw->client);
	rw->phase = wanted;
}

static void
publish_probe(struct run_worker *rw)
{
	enum client_probe is;

	if (atomic_load_explicit(&rw->probe, memory_order_relaxed) != CLIENT_PROBE_WAITS)
		return;
	is = client_probe_state(rw->client, &rw->probe_group, &rw->probe_err);
	if (is != CLIENT_PROBE_WAITS)
		atomic_store_explicit(&rw->probe, (int)is, memory_order_release);
}

static unsigned int
run_round(void *ctx, struct station *st, uint64_t now_us)
{
	struct run_worker *rw = st->state;
	unsigned int work;

	(void)now_us;
	follow(ctx, rw);
	if (rw->phase == RUN_PROBE) {
		publish_probe(rw);
		return 0;
	}
	work = client_run(rw->client);
	if (work == 0 && client_is_done(rw->client))
		atomic_store_explicit(&rw->is_done, true, memory_order_release);
	return work;
}

static uint64_t
run_round_at(void *ctx, const struct station *st)
{
	const struct run_worker *rw = st->state;
	uint64_t look_us = st->worker->env.now_us + PHASE_POLL_US;

	(void)ctx;
	return rw->phase == RUN_PROBE ? look_us : min_u64(look_us, client_run_at(rw->client));
}

/* --- the main thread ------------------------------------------------------------------------- */

static uint64_t
now_of(const struct run *run)
{
	return tsc_clock_now(&run->appliance->clock);
}

static void
nap(void)
{
	const struct timespec ts = { .tv_nsec = POLL_NS };

	(void)nanosleep(&ts, NULL);
}

static void
enter(struct run *run, enum run_phase phase)
{
	atomic_store_explicit(&run->phase, (int)phase, memory_order_release);
	for (unsigned int i = 0; i < run->appliance->workers; i++)
		lcore_wake(&run->appliance->lcores, i);
}

static int
say_unreachable(const struct run *run, unsigned int group, int err)
{
	const struct load_group *g = &run->options->profile.groups[group];
	char ip[IP_ADDR_STRLEN];

	(void)ip_addr_format(&g->target.ip, ip);
	fprintf(stderr, "sluice-load: %s port %u (group %s) does not answer: %s. Fix: %s\n", ip,
		g->target.port, g->name, strerror(-err),
		err == -ECONNREFUSED ? "start the server, or give its port in --target"
				     : "check the address, --gateway, the cable and the VLAN");
	return err;
}

/* A target that is ourselves would only be waited for. */
static int
refuse_own_targets(const struct run *run)
{
	for (unsigned int i = 0; i < run->options->profile.group_count; i++) {
		const struct load_group *g = &run->options->profile.groups[i];

		if (local_addrs_find(&run->appliance->local, &g->target.ip) < 0)
			continue;
		fprintf(stderr,
			"sluice-load: the target of group %s is our own --address. Fix: give the "
			"server's in --target\n",
			g->name);
		return -EINVAL;
	}
	return 0;
}

/* Wait until every worker has reached every target. */
static int
wait_reached(const struct run *run)
{
	uint64_t limit_us = now_of(run) + PROBE_LIMIT_US;
	unsigned int i = 0;

	while (i < run->appliance->workers) {
		const struct run_worker *rw = &run->workers[i];
		int is = atomic_load_explicit(&rw->probe, memory_order_acquire);

		if (is == CLIENT_PROBE_GOOD)
			i++;
		else if (is == CLIENT_PROBE_FAILED)
			return say_unreachable(run, rw->probe_group, rw->probe_err);
		else if (signals_stops() > 0)
			return -EINTR;
		else if (now_of(run) > limit_us)
			return say_unreachable(run, 0, -ETIMEDOUT);
		else
			nap();
	}
	return 0;
}

/* Read while they are written: each cell is right, and all are once the workers have ended. */
static void
add_up(const struct run *run, struct load_stats *groups, struct load_stats *total)
{
	memset(total, 0, sizeof(*total));
	for (unsigned int g = 0; g < run->options->profile.group_count; g++) {
		if (groups != NULL)
			memset(&groups[g], 0, sizeof(groups[g]));
		for (unsigned int i = 0; i < run->appliance->workers; i++) {
			const struct load_stats *s = client_stats(run->workers[i].client, g);

			load_stats_add(total, s);
			if (groups != NULL)
				load_stats_add(&groups[g], s);
		}
	}
}

static void
read_stack(const struct run *run, struct load_stack *out)
{
	const struct appliance *a = run->appliance;

	memset(out, 0, sizeof(*out));
	for (unsigned int i = 0; i < a->workers; i++) {
		const struct counters *ctr = &a->stations[i].worker->ctr;
		const struct lcore_stats *stats = &a->lcores.each[i]->stats;

		out->rx_packets += ctr->RxPackets;
		out->tx_packets += ctr->TxPackets;
		out->retransmitted += ctr->RetransSegs;
		out->busy_us += tsc_clock_span(&a->clock, stats->busy_ticks);
		out->idle_us += tsc_clock_span(&a->clock, stats->idle_ticks);
		for (unsigned int o = 0; o < OUTCOME_MAX; o++) {
			const struct outcome_desc *desc = outcome_desc((enum outcome)o);

			if (desc != NULL && desc->is_drop)
				out->rx_drops += ctr->outcome[o];
		}
	}
}

static void
show(struct run *run, FILE *live, uint64_t length_us)
{
	const struct load_profile *p = &run->options->profile;
	struct load_interval iv = {
		.before = &run->before,
		.now = &run->now,
		.stack_before = &run->stack_before,
		.stack_now = &run->stack_now,
		.at_s = (now_of(run) - run->start_us + RUN_US_PER_S / 2) / RUN_US_PER_S,
		.of_s = p->ramp_s + p->duration_s,
		.length_us = length_us,
	};

	add_up(run, NULL, &run->now);
	read_stack(run, &run->stack_now);
	load_report_interval(&iv, live);
	run->before = run->now;
	run->stack_before = run->stack_now;
}

static bool
is_done(const struct run *run)
{
	for (unsigned int i = 0; i < run->appliance->workers; i++)
		if (!atomic_load_explicit(&run->workers[i].is_done, memory_order_acquire))
			return false;
	return true;
}

/* A first signal ends the run in order, a second one at once. */
static void
heed_signals(struct run *run)
{
	if (signals_stops() > 0 && run->phase == RUN_GO)
		enter(run, RUN_STOP);
	if (signals_stops() > 1 && run->phase == RUN_STOP)
		enter(run, RUN_ABORT);
}

static void
watch(struct run *run, FILE *live)
{
	const struct load_profile *p = &run->options->profile;
	uint64_t shown_us, limit_us;

	run->start_us = now_of(run) + START_DELAY_US;
	shown_us = run->start_us;
	limit_us = run->start_us + (uint64_t)(p->ramp_s + p->duration_s) * RUN_US_PER_S +
		(uint64_t)p->grace_ms * 1000 + CLOSE_LIMIT_US;
	enter(run, RUN_GO);
	while (!is_done(run) && now_of(run) < limit_us) {
		uint64_t now_us = now_of(run);

		heed_signals(run);
		if (live != NULL && now_us >= shown_us + RUN_US_PER_S) {
			show(run, live, now_us - shown_us);
			shown_us = now_us;
		}
		nap();
	}
}

/* The same from one start to the next, until the machine itself starts again; 0: not known. */
static uint64_t
boot_seed(void)
{
	FILE *file = fopen("/proc/sys/kernel/random/boot_id", "re");
	uint64_t seed = 0;
	int c;

	if (file == NULL)
		return 0;
	while ((c = fgetc(file)) != EOF)
		seed = (seed ^ (uint64_t)c) * UINT64_C(0x100000001b3);
	(void)fclose(file);
	return seed;
}

static int
run_all(struct run *run, FILE *live, struct load_result *out)
{
	static const struct appliance_app app = {
		.start = run_start,
		.run = run_round,
		.run_at = run_round_at,
	};
	struct appliance_app mine = app;
	struct io_error err;
	int rc;

	mine.ctx = run;
	mine.keys_from = boot_seed();
	signals_catch(false);
	signals_hold();
	rc = appliance_start(&run->options->config, &mine, &run->appliance, &err);
	signals_release();
	if (rc != 0) {
		fprintf(stderr, "sluice-load: %s\n", err.text);
		return rc;
	}
	rc = refuse_own_targets(run);
	if (rc == 0)
		rc = wait_reached(run);
	if (rc == 0)
		watch(run, live);
	/* Once the workers have ended, what was left is reset and accounted for. */
	appliance_halt(run->appliance);
	read_stack(run, &out->stack);
	add_up(run, out->groups, &out->total);
	out->workers = run->appliance->workers;
	out->group_count = run->options->profile.group_count;
	out->is_interrupted = signals_stops() > 0;
	appliance_stop(run->appliance);
	return rc;
}

int
load_run(const struct load_options *options, FILE *live, struct load_result *out)
{
	struct run *run = calloc(1, sizeof(*run));
	int rc;

	if (run == NULL) {
		fprintf(stderr, "sluice-load: out of memory\n");
		return -ENOMEM;
	}
	run->options = options;
	rc = run_all(run, live, out);
	for (unsigned int i = 0; i < EAL_WORKERS_MAX; i++)
		if (run->workers[i].client != NULL)
			client_destroy(run->workers[i].client);
	free(run);
	return rc;
}

static uint64_t
per_s(uint64_t count, uint64_t us)
{
	return us > 0 ? (uint64_t)((double)count * RUN_US_PER_S / (double)us) : 0;
}

void
load_metrics(const struct load_stats *s, uint64_t values[METRIC_COUNT])
{
	struct load_counts measured = s->at_end;

	load_counts_sub(&measured, &s->at_ramp_end);
	values[METRIC_ERRORS] = s->total.conns_failed;
	values[METRIC_FAILED] = s->total.requests_failed;
	values[METRIC_OPENED] = s->total.conns_established;
	values[METRIC_OPEN_MAX] = s->open_max;
	values[METRIC_REQUESTS] = s->total.requests_done;
	values[METRIC_UNSENT] = s->total.requests_unsent;
	values[METRIC_RPS] = per_s(measured.requests_done, s->measured_us);
	values[METRIC_CPS] = per_s(measured.conns_established, s->measured_us);
	values[METRIC_BPS_IN] = per_s(measured.bytes_in * 8, s->measured_us);
	values[METRIC_BPS_OUT] = per_s(measured.bytes_out * 8, s->measured_us);
	values[METRIC_MEAN] = hist_mean(&s->request);
	values[METRIC_P50] = hist_quantile(&s->request, 500000);
	values[METRIC_P90] = hist_quantile(&s->request, 900000);
	values[METRIC_P99] = hist_quantile(&s->request, 990000);
	values[METRIC_P999] = hist_quantile(&s->request, 999000);
	values[METRIC_MAX] = s->request.max_ns;
	values[METRIC_OPEN_P50] = hist_quantile(&s->connect, 500000);
	values[METRIC_OPEN_P99] = hist_quantile(&s->connect, 990000);
	values[METRIC_OPEN_MAX_T] = s->connect.max_ns;
}
