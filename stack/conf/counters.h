/* SPDX-License-Identifier: BSD-3-Clause */
/* A worker's counters and the outcomes of received packets, with their names and explanations. */
#ifndef CONF_COUNTERS_H
#define CONF_COUNTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "conf/tcp_state.h"

/** How a received packet ended; each is counted in exactly one of them. */
enum outcome {
#define OUTCOME(name, kind, meaning, hint) OUT_##name,
#include "conf/outcomes.def"
#undef OUTCOME
};

enum {
#define OUTCOME(name, kind, meaning, hint) +1
	OUTCOME_MAX = 0
#include "conf/outcomes.def"
#undef OUTCOME
};

/**
 * Plain 64-bit cells, written by their worker only and read by the control thread at any time.
 * Nothing resets them. Gauges can be negative on one worker for an instant; their sum is exact.
 */
struct counters {
#define COUNTER(name, prefix, help) uint64_t name;
#define GAUGE(name, prefix, help) uint64_t name;
#include "conf/counters.def"
#undef COUNTER
#undef GAUGE
	uint64_t outcome[OUTCOME_MAX];		/* received packets by how they ended */
	uint64_t state_count[TCP_STATE_COUNT];	/* gauge: connections in each state */
};

/** One row of counters.def. */
struct counter_desc {
	const char *name;	/* as nstat prints it: "TcpExtListenDrops" */
	const char *help;	/* one line */
	size_t offset;		/* of the cell in struct counters */
	bool is_gauge;
};

/** One row of outcomes.def. */
struct outcome_desc {
	const char *meaning;	/* in plain words */
	const char *hint;	/* what an operator can do; "" if nothing */
	bool is_drop;
};

enum {
#define COUNTER(name, prefix, help) +1
#define GAUGE(name, prefix, help) +1
	COUNTER_COUNT = 0
#include "conf/counters.def"
#undef COUNTER
#undef GAUGE
};

/** Row i of the table, i < COUNTER_COUNT. */
const struct counter_desc *counters_desc(unsigned int i);

/** Value of row i. */
uint64_t counters_get(const struct counters *c, unsigned int i);

/** Bytes of the longest outcome name, with its end. */
#define OUTCOME_NAME_LEN 32

/** The name shown to operators, "no-listener", written to name; returns name. */
const char *outcome_name(enum outcome out, char name[OUTCOME_NAME_LEN]);

/** Description of an outcome. */
const struct outcome_desc *outcome_desc(enum outcome out);

/** Add a worker's cells to sum; the worker may be counting meanwhile. */
void counters_add(struct counters *sum, const struct counters *worker);

/** Received packets by class: the outcomes that are, or are not, drops. */
uint64_t counters_drops(const struct counters *c);
uint64_t counters_ok(const struct counters *c);

#endif
