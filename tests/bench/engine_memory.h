/* SPDX-License-Identifier: BSD-3-Clause */
/* What a connection costs in memory, in each of its three lifetimes. */
#ifndef BENCH_ENGINE_MEMORY_H
#define BENCH_ENGINE_MEMORY_H

#include <stdbool.h>

/** Print the lines; quick: with few of each, for a test. */
void engine_memory(bool quick);

#endif
