/* SPDX-License-Identifier: BSD-3-Clause */
/* MTUs that change, ports that stand still, machines that start again, applications that die. */
#include "sim/mishaps.h"

#include <string.h>

#include "lib/fail.h"

/* Somewhere in the double mean, at least 1. */
static uint64_t
spread_us(struct sim *sim, uint32_t mean_ms)
{
	return 1000 * (1 + (uint64_t)sim_below(sim, 2 * mean_ms));
}

static struct sim_node *
pick_machine(struct sim *sim)
{
	struct sim_node *node = sim->nodes[sim_below(sim, sim->node_count)];

	return node->leader;
}

static void
change_mtu(struct mishap *m)
{
	struct sim *sim = m->all->sim;
	const struct draw *d = m->all->draw;
	unsigned int n = sim_below(sim, sim->node_count + 2 * d->switches);
	struct sim_link *link;

	if (n < sim->node_count)
		link = &sim->nodes[n]->leader->link;
	else if (n < sim->node_count + d->switches)
		link = &sim->switches[n - sim->node_count].up;
	else
		link = &sim->switches[n - sim->node_count - d->switches].down;
	link->par.mtu = draw_mtu(d, &sim->rng);
}

static void
end_stall(struct sim *sim, void *ctx)
{
	struct mishap *m = ctx;

	/* Who has started again in between does not stand still any more. */
	sim_stall_port(sim, m->victim, false);
	m->victim = NULL;
}

static void
stall(struct mishap *m)
{
	struct sim *sim = m->all->sim;

	if (m->victim != NULL)
		return;
	m->victim = pick_machine(sim);
	sim_stall_port(sim, m->victim, true);
	sim_call_at(sim, sim->now_us + spread_us(sim, m->par.for_ms), end_stall, m);
}

static void
start_again(struct sim *sim, void *ctx)
{
	struct mishap *m = ctx;

	sim_start_host(sim, m->victim);
	app_machine_started(m->all->world, m->victim);
	m->victim = NULL;
}

static void
restart(struct mishap *m)
{
	struct sim *sim = m->all->sim;

	if (m->victim != NULL)
		return;
	m->victim = pick_machine(sim);
	app_machine_lost(m->all->world, m->victim);
	sim_stop_host(sim, m->victim);
	/* Longer than frames are on their way: nothing of before arrives afterwards. */
	sim_call_at(sim, sim->now_us + 2000000 + spread_us(sim, m->par.for_ms), start_again, m);
}

static void
crash(struct mishap *m)
{
	struct sim *sim = m->all->sim;
	struct sim_node *node = sim->nodes[sim_below(sim, sim->node_count)];

	if (!node->down)
		app_abort_all(m->all->world, node);
}

static void
on_time(struct sim *sim, void *ctx)
{
	struct mishap *m = ctx;

	if (sim->now_us >= m->all->world->stop_us)
		return;
	m->count++;
	m->strike(m);
	sim_call_at(sim, sim->now_us + spread_us(sim, m->par.every_ms), on_time, m);
}

void
mishaps_start(struct mishaps *m, struct sim *sim, struct app_world *world, const struct draw *draw)
{
	memset(m, 0, sizeof(*m));
	m->sim = sim;
	m->world = world;
	m->draw = draw;
	m->kind[MISHAP_MTU] = (struct mishap){ .par = draw->mtu, .strike = change_mtu };
	m->kind[MISHAP_STALL] = (struct mishap){ .par = draw->stall, .strike = stall };
	m->kind[MISHAP_RESTART] = (struct mishap){ .par = draw->restart, .strike = restart };
	m->kind[MISHAP_CRASH] = (struct mishap){ .par = draw->crash, .strike = crash };
	for (unsigned int i = 0; i < MISHAP_COUNT; i++) {
		struct mishap *kind = &m->kind[i];

		kind->all = m;
		if (kind->par.every_ms != 0)
			sim_call_at(sim, sim->now_us + spread_us(sim, kind->par.every_ms), on_time,
				kind);
	}
}
