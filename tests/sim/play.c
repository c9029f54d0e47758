/* SPDX-License-Identifier: BSD-3-Clause */
/* One scenario from its first event to its last check. */
#include <string.h>

#include "lib/fail.h"
#include "sim/invariants.h"
#include "sim/mishaps.h"
#include "sim/scenarios.h"

/* After the last connection was opened, everything must be over within this time (I-9). */
#define GRACE_US (4ull * 3600 * 1000000)

/* A run in progress, for the message of a failure. */
struct run {
	const struct scenario *sc;
	const struct run_opts *opts;
	struct sim sim;
	struct app_world world;
	struct flood *flood;
	struct draw draw; /* of a drawn scenario; sc is within */
	struct mishaps mishaps;
	struct sim_node *servers[SIM_NODES_MAX];
	struct sim_node *first_client;
	uint64_t start_us;
};

static void
print_context(void *ctx, FILE *to)
{
	const struct run *run = ctx;

	if (run->sim.pcap != NULL)
		fflush(run->sim.pcap);
	fprintf(to, "scenario %s, seed 0x%llx, event %llu, %.6f s after the start", run->sc->name,
		(unsigned long long)run->opts->seed, (unsigned long long)run->sim.events,
		(double)(run->sim.now_us - run->sim.start_us) / 1e6);
	if (run->sim.busy != NULL)
		fprintf(to, ", node %u", run->sim.busy->idx);
	fprintf(to, "\n");
	fprintf(to, "repeat: build/tests/sim/sim --scenario %s --seed 0x%llx", run->sc->name,
		(unsigned long long)run->opts->seed);
	if (run->opts->seconds > 0)
		fprintf(to, " --until %g", run->opts->seconds);
	for (unsigned int i = 0, n = 0; draw_feature_name(i) != NULL; i++)
		if (run->opts->without & 1u << i)
			fprintf(to, "%s%s", n++ == 0 ? " --without " : ",", draw_feature_name(i));
	fprintf(to, "\n");
	if (run->sc->drawn)
		draw_print(&run->draw, to);
}

/* Connections are parked at once, in the middle of things, hardly ever, and never. */
static const uint32_t park_after_ms[] = { 1, 50, TCP_PARK_AFTER_MS, 0 };

static void
make_params(const struct run *run, struct host_params *par)
{
	const struct scenario *sc = run->sc;
	char err[TUNABLE_ERR_LEN];

	host_params_default(par);
	par->park_after_ms = park_after_ms[run->opts->seed % ARRAY_SIZE(park_after_ms)];
	par->conns_max = sc->conns_max != 0 ? sc->conns_max : 512;
	par->synq_max = sc->synq_max != 0 ? sc->synq_max : 512;
	par->timewait_max = 65536;
	par->pkts = sc->pkts != 0 ? sc->pkts : 32768;
	par->tx_caps = sc->tx_caps;
	par->tx_hold_us = sc->tx_hold_us;
	par->rx_exact = !sc->rx_pooled;
	if (run->flood != NULL)
		par->gateway4 = ip_addr_from_v4(flood_gateway_ip4(run->flood));
	for (unsigned int i = 0; sc->tunables[i][0] != NULL; i++)
		CHECK(tunables_set(&par->tun, sc->tunables[i][0], sc->tunables[i][1], err,
			      sizeof(err)) == 0,
			"%s", err);
}

static void
set_node(const struct run *run, struct sim_node *node)
{
	const struct scenario *sc = run->sc;

	node->coalesce_us = sc->coalesce_us;
	/* With cookies for all no SYN is queued. */
	if (sc->mix.syncookies != 2)
		node->synacks_again_max = node->par.tun.tcp_synack_retries;
	node->alloc_fail_ppm = sc->alloc_fail_ppm;
}

static struct sim_node *
add_host(struct run *run)
{
	const struct scenario *sc = run->sc;
	unsigned int idx = run->sim.node_count;
	struct link_params link = sc->link;
	struct host_params par;
	struct sim_node *node;

	make_params(run, &par);
	if (sc->drawn) {
		draw_host(&run->draw, idx, &par);
		link = draw_link(&run->draw, idx, false);
	}
	node = sim_add_host(&run->sim, &par, &link);
	if (sc->drawn)
		node->at = draw_place(&run->draw, idx);
	set_node(run, node);
	for (unsigned int i = 1; i < par.workers; i++)
		set_node(run, sim_add_worker(&run->sim, node));
	return node;
}

static void
add_switches(struct run *run)
{
	for (unsigned int i = 0; i < run->draw.switches; i++) {
		struct sim_switch *s = &run->sim.switches[i];

		s->parent = draw_parent(&run->draw, i);
		s->up.par = draw_link(&run->draw, 2 * i, true);
		s->down.par = draw_link(&run->draw, 2 * i + 1, true);
	}
}

static void
add_hosts(struct run *run)
{
	const struct scenario *sc = run->sc;
	struct sim_node *node;

	for (unsigned int i = 0; i < sc->servers; i++) {
		run->servers[i] = add_host(run);
		for (unsigned int w = 0; w < run->servers[i]->par.workers; w++)
			app_serve(&run->world, run->sim.nodes[run->servers[i]->idx + w]);
	}
	for (unsigned int i = 0; i < sc->clients; i++) {
		node = add_host(run);
		if (i == 0)
			run->first_client = node;
		for (unsigned int w = 0; w < node->par.workers; w++)
			app_start_clients(&run->world, run->sim.nodes[node->idx + w]);
	}
}

static void
build(struct run *run)
{
	const struct scenario *sc = run->sc;
	struct sim *sim = &run->sim;

	sim_init(sim, run->opts->seed, run->start_us);
	sim->tamper = run->opts->tamper;
	if (sc->deep_every != 0)
		sim->deep_every = sc->deep_every;
	if (run->opts->pcap != NULL) {
		sim->pcap = pcap_open(run->opts->pcap);
		CHECK(sim->pcap != NULL, "cannot write %s", run->opts->pcap);
	}
	app_world_init(&run->world, sim, &sc->mix);
	if (sc->flood.per_second > 0)
		run->flood = flood_start(sim, &sc->flood, APP_PORT);
	if (sc->drawn)
		add_switches(run);
	add_hosts(run);
	if (sc->drawn)
		mishaps_start(&run->mishaps, sim, &run->world, &run->draw);
	if (run->flood != NULL)
		flood_aim(run->flood, run->servers[0]);
}

static void
check_flood(const struct run *run)
{
	struct flood_counts c = flood_counts(run->flood);

	if (!run->sc->flood.bounded)
		return;
	CHECK(c.back <= c.sent, "I-10: %llu frames came back for %llu", (unsigned long long)c.back,
		(unsigned long long)c.sent);
	CHECK(c.back_bytes <= c.sent_bytes, "I-10: %llu bytes came back for %llu",
		(unsigned long long)c.back_bytes, (unsigned long long)c.sent_bytes);
}

/* The last segment of a connection may outlive it: it waits for a neighbour, or for the port. */
static bool
hosts_are_idle(const struct run *run)
{
	for (unsigned int i = 0; i < run->sim.node_count; i++) {
		const struct host *h = run->sim.nodes[i]->host;

		if (h != NULL && (h->w.pool.held > 0 ||
					 tcp_conn_count(h->w.tcp) + h->w.ctr.TimeWaits > 0))
			return false;
	}
	return true;
}

/* Let what was begun come to its end, without further mishaps but with the same delays. */
static void
wind_down(struct run *run)
{
	struct sim *sim = &run->sim;
	uint64_t end_us = sim->now_us + GRACE_US, step_us;

	if (run->flood != NULL)
		flood_stop(run->flood);
	sim->quiet_links = true;
	for (unsigned int i = 0; i < sim->node_count; i++)
		sim->nodes[i]->alloc_fail_ppm = 0;
	while (sim->now_us < end_us && !(app_is_quiet(&run->world) && hosts_are_idle(run))) {
		step_us = sim->now_us + 1000000;
		while (sim_step(sim, step_us))
			;
	}
	app_check_records(&run->world);
	for (unsigned int i = 0; i < sim->node_count; i++) {
		sim->busy = sim->nodes[i];
		if (sim->nodes[i]->host != NULL)
			host_check_idle(sim->nodes[i]->host);
	}
}

static void
report(const struct run *run, struct run_result *res)
{
	const struct sim *sim = &run->sim;

	memset(res, 0, sizeof(*res));
	res->hash = sim->hash;
	res->events = sim->events;
	for (unsigned int i = 0; i < sim->node_count; i++)
		res->frames += sim->nodes[i]->link.frames;
	res->started = run->world.stats.started;
	res->refused = run->world.stats.refused;
	res->exact = run->world.stats.exact;
	res->excused = run->world.stats.excused;
	res->bytes = run->world.stats.bytes;
	res->seconds = (double)(sim->now_us - sim->start_us) / 1e6;
}

static void
tear_down(struct run *run)
{
	sim_fini(&run->sim);
	if (run->flood != NULL)
		flood_free(run->flood);
	run->flood = NULL;
	app_world_fini(&run->world);
}

/*
 * When to start so that the first connection's numbers wrap soon: a server's with even seeds, a
 * client's with odd ones. Numbers follow a clock of 4 us (RFC 6528), all else follows the seed, so
 * a run that only gets to the first SYN tells.
 */
static uint64_t
start_near_wrap(struct run *run)
{
	const struct sim_node *node;
	uint32_t iss, ticks;

	build(run);
	node = run->opts->seed % 2 == 0 ? run->sim.nodes[0] : run->first_client;
	while (!watch_first_iss(node->watch, &iss))
		CHECK(sim_step(&run->sim, UINT64_MAX), "nobody ever opened a connection");
	tear_down(run);
	ticks = UINT32_MAX - 20000 - iss;
	/* Whole milliseconds, or timers would be rounded in another way. */
	return run->start_us + (uint64_t)(ticks / 250) * 1000;
}

void
scenario_run(const struct scenario *sc, const struct run_opts *opts, struct run_result *res)
{
	struct run run = { .sc = sc, .opts = opts };
	double seconds = opts->seconds > 0 ? opts->seconds : sc->seconds;
	uint64_t end_us;

	if (sc->drawn) {
		draw_begin(&run.draw, sc, opts->seed, opts->without);
		run.sc = sc = &run.draw.sc;
	}
	fail_set_context(print_context, &run);
	run.start_us = sc->start_us != 0 ? sc->start_us : 1000000;
	if (sc->near_seq_wrap)
		run.start_us = start_near_wrap(&run);
	build(&run);
	end_us = run.sim.start_us + (uint64_t)(seconds * 1e6);
	run.world.stop_us = end_us;
	while (sim_step(&run.sim, end_us))
		;
	wind_down(&run);
	if (run.flood != NULL)
		check_flood(&run);
	report(&run, res);
	tear_down(&run);
	fail_set_context(NULL, NULL);
}
