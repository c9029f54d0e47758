/* SPDX-License-Identifier: BSD-3-Clause */
/* One connection on the wire behind an adapter's slots, with the numbers of each side's own. */
#ifndef PACKETDRILL_FLOW_H
#define PACKETDRILL_FLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "lib/view.h"
#include "packetdrill/adapter.h"

#define FLOW_ETH_LEN 14u
#define FLOW_LOCAL_IP4 "192.168.0.1"
#define FLOW_LOCAL_IP6 "fd3d:fa7b:d17d::1"

/** Ports, and what the stack's and our numbers count from. */
struct flow {
	uint16_t rport, lport; /* lport 0: not known yet */
	uint32_t isn, iss, ts_base, ts_last;
	bool ts_known;
};

/** The stack's numbers from what it sent. */
void flow_learn(struct flow *f, const struct view *v);

/** As view_text, numbers counted from where each side began. */
const char *flow_text(const struct flow *f, const struct view *v, char *out, size_t cap);

/** Hand a packet to the stack. 0 or -1. */
int flow_send(const struct packetdrill_interface *pd, const struct view *v);

/**
 * The next packet that left; false: none came. bytes holds VIEW_BUF_MAX, and v points into it.
 * v->kind says whether it was good.
 */
bool flow_receive(const struct packetdrill_interface *pd, uint8_t *bytes, struct view *v,
	uint64_t *at_us);

#endif
