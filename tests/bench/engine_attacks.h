/* SPDX-License-Identifier: BSD-3-Clause */
/* What a packet of an attack costs, beside a request. */
#ifndef BENCH_ENGINE_ATTACKS_H
#define BENCH_ENGINE_ATTACKS_H

/** Print a line for a request on one of a thousand connections, and one for each attack. */
void engine_attacks(unsigned int runs, unsigned int bursts);

#endif
