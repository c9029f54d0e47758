/* SPDX-License-Identifier: BSD-3-Clause */
/* What a run says: a block each second, the table at its end, JSON. */
#ifndef SLUICE_LOAD_REPORT_H
#define SLUICE_LOAD_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "run.h"

#define LOAD_SCHEMA_VERSION 1

/** Two looks at the same run, and the time between them. */
struct load_interval {
	const struct load_stats *before, *now;
	const struct load_stack *stack_before, *stack_now;
	uint64_t at_s; /* since the start */
	uint64_t of_s; /* ramp and measured time */
	uint64_t length_us;
};

void load_report_interval(const struct load_interval *iv, FILE *out);

/** The table at the end, criteria included. */
void load_report_table(
	const struct load_options *options, const struct load_result *result, FILE *out);

/** The result as one JSON object; 0, or -errno of writing. */
int load_report_json(
	const struct load_options *options, const struct load_result *result, FILE *out);

/** Are all criteria fulfilled? */
bool load_result_passes(
	const struct load_profile *profile, const struct load_result *result);

#endif
