/* SPDX-License-Identifier: BSD-3-Clause */
/* Time in the worker, for the benchmark of the engine. */
#ifndef BENCH_ENGINE_RESIDENCE_H
#define BENCH_ENGINE_RESIDENCE_H

#include <stdint.h>

/** Axis (e): how long requests on conns connections stay, at half of what the worker can do. */
void engine_residence(uint32_t conns, unsigned int bursts);

#endif
