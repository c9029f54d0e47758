/* SPDX-License-Identifier: BSD-3-Clause */
/* Full segments through the kernel, for the benchmark beside the engine's. */
#ifndef BENCH_LINUX_BULK_H
#define BENCH_LINUX_BULK_H

#include <stdint.h>

/** Axis (d): what a segment costs the kernel and a server that reads, or writes, on conns. */
void linux_bulk(uint32_t conns, unsigned int runs, unsigned int bursts);

#endif
