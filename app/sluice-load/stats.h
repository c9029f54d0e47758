/* SPDX-License-Identifier: BSD-3-Clause */
/* What a worker counts of a group of connections. */
#ifndef SLUICE_LOAD_STATS_H
#define SLUICE_LOAD_STATS_H

#include <stdbool.h>
#include <stdint.h>

#include "hist.h"

enum load_fail {
#define FAIL(id, name, help) LOAD_FAIL_##id,
#include "fails.def"
#undef FAIL
	LOAD_FAIL_COUNT
};

/** Plain cells, written by the worker, read by the main thread at any time. */
struct load_counts {
#define STAT(name, help) uint64_t name;
#include "stats.def"
#undef STAT
	uint64_t fail[LOAD_FAIL_COUNT];
};

struct load_stats {
	struct load_counts total; /* since the start */
	struct load_counts at_ramp_end; /* as total was then, and at the end of the time */
	struct load_counts at_end;
	uint64_t measured_us; /* between the two */
	uint64_t open; /* connections that are established now */
	uint64_t open_max;
	struct hist connect; /* times to open a connection, and from when a request was due to */
	struct hist request; /* its answer; of those due in the measured time */
};

/** a += b, a -= b, cell by cell. */
void load_counts_add(struct load_counts *a, const struct load_counts *b);
void load_counts_sub(struct load_counts *a, const struct load_counts *b);

/** Add the stats of another worker or group. */
void load_stats_add(struct load_stats *to, const struct load_stats *from);

/** Has every connection and every request that was begun found exactly one end? */
bool load_counts_are_complete(const struct load_counts *c);

const char *load_fail_name(enum load_fail fail);
const char *load_fail_help(enum load_fail fail);

#endif
