/* SPDX-License-Identifier: BSD-3-Clause */
/* Flows through one bottleneck: how much gets through, and how evenly. */
#ifndef SIM_GOLDEN_H
#define SIM_GOLDEN_H

#include <stdint.h>

#define GOLDEN_FLOWS_MAX 64u

/** A path, and who shares it. */
struct golden_path {
	const char *cc[2]; /* of flows with even and odd numbers */
	unsigned int flows;
	uint64_t rate_bps;
	uint32_t rtt_us; /* without queueing */
	uint32_t queue_bytes;
	uint32_t mark_bytes; /* queue above which ECT is marked; 0: never */
	uint32_t loss_ppm; /* of data segments */
	uint32_t warm_ms; /* not measured */
	uint32_t measured_ms;
};

struct golden_result {
	uint64_t bytes[GOLDEN_FLOWS_MAX]; /* that applications received while measured */
	uint64_t marks, timeouts;
};

/** Play it; the same every time. */
void golden_run(const struct golden_path *path, struct golden_result *res);

#endif
