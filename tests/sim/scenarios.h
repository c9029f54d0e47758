/* SPDX-License-Identifier: BSD-3-Clause */
/* The situations that are simulated: one row each. */
#ifndef SIM_SCENARIOS_H
#define SIM_SCENARIOS_H

#include "sim/apps.h"
#include "sim/flood.h"

struct scenario {
	const char *name;
	const char *help;
	unsigned int clients, servers; /* nodes */
	uint32_t seconds; /* simulated, unless the command line says otherwise */
	struct link_params link; /* of every node */
	struct app_mix mix;
	struct flood_params flood; /* rate 0: no attacker */
	/* "name value" pairs for every worker, NULL at the end. */
	const char *tunables[12][2];
	/* Changes to the workers; 0: as host_params_default() has them. */
	uint32_t conns_max, synq_max;
	unsigned int pkts;
	uint32_t tx_caps;
	uint32_t coalesce_us; /* frames are received in bursts */
	uint32_t tx_hold_us; /* the port keeps what it sends for so long */
	bool rx_pooled; /* frames arrive in buffers of the pool, not of exact size */
	uint32_t alloc_fail_ppm;
	uint64_t start_us; /* of the clock; 0: a second */
	/* The clock starts when the first initial sequence number is about to wrap. */
	bool near_seq_wrap;
	uint32_t deep_every; /* 0: 64 */
	bool drawn; /* all else comes from the seed: draw.c */
};

/** The row of that name, or NULL. */
const struct scenario *scenario_find(const char *name);
/** Row i, or NULL behind the last. */
const struct scenario *scenario_row(unsigned int i);

struct run_opts {
	uint64_t seed;
	double seconds; /* 0: the scenario's */
	const char *pcap;
	uint32_t without; /* features of a drawn scenario that are left out */
	const struct sim_tamper *tamper; /* NULL: as it should be */
};

struct run_result {
	uint64_t hash, events, frames;
	uint64_t started, refused, exact, excused, bytes;
	double seconds; /* simulated */
};

/** Play it; does not return on a failure. */
void scenario_run(const struct scenario *sc, const struct run_opts *opts, struct run_result *res);

#endif
