/* SPDX-License-Identifier: BSD-3-Clause */
/* Millions of idle connections held live: what they take, and what one costs that speaks up. */
#ifndef BENCH_ENGINE_IDLE_H
#define BENCH_ENGINE_IDLE_H

#include <stdint.h>

/** Open conns connections, and let some of them ask and send keepalives while the rest is idle. */
void engine_idle(uint32_t conns, unsigned int runs, unsigned int bursts);

#endif
