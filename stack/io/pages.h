/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory for the large arrays of an engine, on huge pages where the kernel has some. */
#ifndef IO_PAGES_H
#define IO_PAGES_H

#include "base/mem.h"

/** A source for worker_params; it has no state. */
struct mem_source pages_source(void);

#endif
