/* SPDX-License-Identifier: BSD-3-Clause */
/* A situation drawn from a seed: the scenario "random". */
#ifndef SIM_DRAW_H
#define SIM_DRAW_H

#include "sim/scenarios.h"

/*
 * Each feature draws from numbers of its own, so that a run without one of them is the same in all
 * others: that is how a failure is made smaller.
 */
#define DRAW_FEATURES(X)                                                                           \
	X(TOPOLOGY, "topology") /* nodes, switches, delays and rates of each link */               \
	X(IP6, "ip6")                                                                              \
	X(LOSS, "loss")                                                                            \
	X(REORDER, "reorder")                                                                      \
	X(DUP, "dup")                                                                              \
	X(CORRUPT, "corrupt")                                                                      \
	X(MARK, "mark") /* ECN */                                                                  \
	X(PARTITION, "partition")                                                                  \
	X(MTU, "mtu") /* of nodes and links, and its changes */                                    \
	X(STALL, "stall") /* ports that stand still */                                             \
	X(RESTART, "restart") /* machines that lose their memory */                                \
	X(CRASH, "crash") /* applications that die: their connections are reset */                 \
	X(ALLOC, "alloc") /* allocations that fail, few buffers */                                 \
	X(WORKERS, "workers") /* several of them on a machine */                                   \
	X(WRAP, "wrap") /* sequence numbers and clocks near their end */                           \
	X(CC, "cc") /* congestion control of each connection */                                    \
	X(TUNABLES, "tunables")                                                                    \
	X(APPS, "apps") /* what applications do with their connections */                          \
	X(PORT, "port") /* offloads, bursts, buffers that the port holds */

enum draw_feature {
#define X(name, text) DRAW_##name,
	DRAW_FEATURES(X)
#undef X
	DRAW_FEATURE_COUNT,
};

/** How often something happens to somebody, and for how long; means. 0: never. */
struct draw_mishap {
	uint32_t every_ms, for_ms;
};

struct draw {
	uint64_t seed;
	uint32_t without; /* bits of enum draw_feature */
	struct scenario sc;
	unsigned int switches;
	bool gentle; /* nothing that could make a connection time out */
	bool only_ip4; /* smaller MTUs are possible */
	uint32_t loss_ppm;
	struct draw_mishap mtu, stall, restart, crash;
};

/** The name of feature i, or NULL behind the last. */
const char *draw_feature_name(unsigned int i);
/** Bits of the features in a list with commas; false: one of them is unknown, *bad says which. */
bool draw_features_parse(const char *list, uint32_t *out, const char **bad);

void draw_begin(struct draw *d, const struct scenario *base, uint64_t seed, uint32_t without);

/** The link of node i, or of switch i: from there on anything may be spoilt. */
struct link_params draw_link(const struct draw *d, unsigned int i, bool of_switch);

/** Changes to what the host of node i is made with. */
void draw_host(const struct draw *d, unsigned int i, struct host_params *par);

/** The switch of node i, and the switch above switch i. */
unsigned int draw_place(const struct draw *d, unsigned int i);
unsigned int draw_parent(const struct draw *d, unsigned int i);

/** An MTU for a link, now; 0: any packet passes. */
uint32_t draw_mtu(const struct draw *d, struct rng *rng);

/** One line of what was drawn. */
void draw_print(const struct draw *d, FILE *to);

#endif
