/* SPDX-License-Identifier: BSD-3-Clause */
/* What happens to whole machines and links in the middle of a random run. */
#ifndef SIM_MISHAPS_H
#define SIM_MISHAPS_H

#include "sim/draw.h"

struct mishap;

/** One kind of mishap, waiting for its time. */
struct mishap {
	struct mishaps *all;
	struct draw_mishap par;
	void (*strike)(struct mishap *m);
	struct sim_node *victim; /* while it lasts */
	uint64_t count;
};

enum {
	MISHAP_MTU,
	MISHAP_STALL,
	MISHAP_RESTART,
	MISHAP_CRASH,
	MISHAP_COUNT,
};

struct mishaps {
	struct sim *sim;
	struct app_world *world;
	const struct draw *draw;
	struct mishap kind[MISHAP_COUNT];
};

/** From now until the world stops opening connections; m lives as long as the simulation. */
void mishaps_start(
	struct mishaps *m, struct sim *sim, struct app_world *world, const struct draw *draw);

#endif
