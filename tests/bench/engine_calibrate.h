/* SPDX-License-Identifier: BSD-3-Clause */
/* Two loops that no change of the engine touches: figures are compared by their ratio to them. */
#ifndef BENCH_ENGINE_CALIBRATE_H
#define BENCH_ENGINE_CALIBRATE_H

/** One computes in cache; the other fetches lines from memory, some at a time. */
void engine_calibrate(unsigned int runs, unsigned int bursts);

#endif
