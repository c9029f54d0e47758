/* SPDX-License-Identifier: BSD-3-Clause */
/* Two loops that no change of the engine touches: figures are compared by their ratio to them. */
#ifndef BENCH_ENGINE_CALIBRATE_H
#define BENCH_ENGINE_CALIBRATE_H

#include <stdint.h>

/** One computes in cache; the other fetches lines from memory, some at a time. */
void engine_calibrate(unsigned int runs, unsigned int bursts);

/** A burst of the first; returns what to go on with. */
uint64_t engine_calibrate_compute(uint64_t x);

#endif
