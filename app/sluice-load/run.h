/* SPDX-License-Identifier: BSD-3-Clause */
/* One run: the machine, a client on each worker, the clock, and what came of it. */
#ifndef SLUICE_LOAD_RUN_H
#define SLUICE_LOAD_RUN_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "options.h"
#include "stats.h"

/** Sums over the workers of what the stack counts. */
struct load_stack {
	uint64_t rx_packets, tx_packets;
	uint64_t retransmitted; /* segments */
	uint64_t rx_drops; /* packets that ended in a drop, for whatever reason */
	uint64_t busy_us, idle_us; /* of all workers' loops */
};

/** What came of a run. Large: on the heap. */
struct load_result {
	unsigned int workers, group_count;
	bool is_interrupted; /* by a signal */
	struct load_stats groups[LOAD_GROUPS_MAX], total;
	struct load_stack stack;
};

/**
 * Run as the options say; blocks each second go to live, NULL: nowhere. 0, or -errno after a
 * message on standard error: it could not start or not reach a target.
 */
int load_run(const struct load_options *options, FILE *live, struct load_result *out);

/** One value for each metric. */
void load_metrics(const struct load_stats *s, uint64_t values[METRIC_COUNT]);

#endif
