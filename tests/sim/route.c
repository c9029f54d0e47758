/* SPDX-License-Identifier: BSD-3-Clause */
/* The tree of switches: which link a frame takes next. */
#include "sim/sim.h"

void
route_forward(struct sim *sim, struct sim_node *to, struct sim_frame *frame)
{
	unsigned int at = frame->at;

	if (at == to->at) {
		frame->last_hop = true;
		link_send(sim, &to->link, to, frame);
		return;
	}
	/* Down, if the way from the node's switch to the root comes by here. */
	for (unsigned int s = to->at; sim->switches[s].parent != s; s = sim->switches[s].parent) {
		if (sim->switches[s].parent != at)
			continue;
		frame->at = (uint8_t)s;
		link_send(sim, &sim->switches[s].down, to, frame);
		return;
	}
	frame->at = (uint8_t)sim->switches[at].parent;
	link_send(sim, &sim->switches[at].up, to, frame);
}
