/* SPDX-License-Identifier: BSD-3-Clause */
/* Two engines at once, for the benchmark of the engine. */
#ifndef BENCH_ENGINE_SCALING_H
#define BENCH_ENGINE_SCALING_H

#include <stdint.h>

/** Axis (g): requests on conns connections of each of two engines, alone and both at once. */
void engine_scaling(uint32_t conns, unsigned int runs, unsigned int bursts);

#endif
