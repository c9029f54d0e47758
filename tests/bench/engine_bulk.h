/* SPDX-License-Identifier: BSD-3-Clause */
/* Bulk both ways, for the benchmark of the engine. */
#ifndef BENCH_ENGINE_BULK_H
#define BENCH_ENGINE_BULK_H

#include <stdint.h>

/** Axis (d): full segments in and out, on conns connections (a multiple of four), by turns. */
void engine_bulk(uint32_t conns, unsigned int runs, unsigned int bursts);

#endif
