/* SPDX-License-Identifier: BSD-3-Clause */
/* What a connection costs in memory, in each of its three lifetimes. */
#ifndef BENCH_ENGINE_MEMORY_H
#define BENCH_ENGINE_MEMORY_H

#include <stdbool.h>
#include <stdint.h>

/** Print the lines; quick: with few of each, for a test. */
void engine_memory(bool quick);

/** The line of n entries in TIME_WAIT. */
void engine_memory_time_waits(uint32_t n);

/** What of this process is resident. */
uint64_t engine_resident_bytes(void);

#endif
