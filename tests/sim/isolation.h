/* SPDX-License-Identifier: BSD-3-Clause */
/* I-15 as an experiment: the same world with and without others, and one connection compared. */
#ifndef SIM_ISOLATION_H
#define SIM_ISOLATION_H

#include "sim/sim.h"

/**
 * Play the seed's world without others, and once with each kind of them; ends the program if the
 * watched connection's segments differ in a byte or a microsecond. tamper NULL: none.
 */
void isolation_run(uint64_t seed, const struct sim_tamper *tamper);

#endif
