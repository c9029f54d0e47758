/* SPDX-License-Identifier: BSD-3-Clause */
/* An attacker behind the gateway: floods from forged addresses, and counts what comes back. */
#ifndef SIM_FLOOD_H
#define SIM_FLOOD_H

#include "sim/sim.h"

enum flood_kind {
	FLOOD_SYN, /* SYNs */
	FLOOD_ACK, /* ACKs, as if for cookies */
	FLOOD_MIX, /* any flags, any numbers, at the port served */
};

struct flood_params {
	enum flood_kind kind;
	uint32_t per_second; /* 0: no flood */
	bool bounded; /* no more may come back than went in (I-10) */
};

struct flood;

/** Attack victim's port from then on, from addresses of 198.51.100.0/24 and beyond. */
struct flood *flood_start(struct sim *sim, const struct flood_params *par, uint16_t port);
/** Every worker that is a victim is told the attacker's node is its gateway: that node's address.
 */
uint32_t flood_gateway_ip4(const struct flood *f);
void flood_aim(struct flood *f, struct sim_node *victim);
void flood_stop(struct flood *f);

/** Frames and bytes sent, and those that came back. */
struct flood_counts {
	uint64_t sent, sent_bytes, back, back_bytes;
};

struct flood_counts flood_counts(const struct flood *f);
void flood_free(struct flood *f);

#endif
