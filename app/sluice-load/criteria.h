/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run must fulfil to pass: "errors == 0, p99 < 5ms, rps > 10k". */
#ifndef SLUICE_LOAD_CRITERIA_H
#define SLUICE_LOAD_CRITERIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CRITERIA_MAX 16u
#define CRITERION_TEXT_LEN 64
#define CRITERIA_ERR_LEN 240

/** What can be judged; times in nanoseconds. */
enum metric {
#define METRIC(id, name, unit, help) METRIC_##id,
#include "metrics.def"
#undef METRIC
};

enum {
#define METRIC(id, name, unit, help) +1
	METRIC_COUNT = 0
#include "metrics.def"
#undef METRIC
};

enum criterion_op {
	CRITERION_LT,
	CRITERION_LE,
	CRITERION_EQ,
	CRITERION_NE,
	CRITERION_GE,
	CRITERION_GT,
};

struct criterion {
	enum metric metric;
	enum criterion_op op;
	uint64_t value; /* nanoseconds where the metric is a time */
	char text[CRITERION_TEXT_LEN]; /* as written */
};

struct criteria {
	unsigned int count;
	struct criterion row[CRITERIA_MAX];
};

/** Add what text says, comparisons parted by commas. 0; -EINVAL: err says why. */
int criteria_parse(struct criteria *c, const char *text, char *err, size_t err_len);

/** Is it fulfilled by these values, one for each metric? */
bool criterion_holds(const struct criterion *c, const uint64_t values[METRIC_COUNT]);

const char *metric_name(enum metric metric);
const char *metric_help(enum metric metric);
bool metric_is_time(enum metric metric);

#endif
