/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the generator share. */
#ifndef PACKETDRILL_RD_GEN_H
#define PACKETDRILL_RD_GEN_H

#include "packetdrill/rd.h"

#include "base/rng.h"

struct rd_choice {
	uint32_t weight;
	int32_t value;
};

#define CHOOSE(rng, table) rd_choose(rng, table, sizeof(table) / sizeof((table)[0]))

/** One of n values, by their weights. */
int32_t rd_choose(struct rng *rng, const struct rd_choice *c, size_t n);
bool rd_chance(struct rng *rng, uint32_t percent);
struct rd_step *rd_add_call(
	struct rd_script *s, struct rng *rng, enum rd_call call, uint32_t arg);

/** rd_rare.c: a few steps that few sequences have. */
void rd_add_rare(struct rd_script *s, struct rng *rng);
/** ... before the connection is open. */
void rd_add_rare_opening(struct rd_script *s, struct rng *rng);

#endif
