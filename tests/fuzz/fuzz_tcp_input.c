/* SPDX-License-Identifier: BSD-3-Clause */
/* Segments, calls, time and failures, in any order: life.c, a short one for each input. */
#include "fuzz/fuzz.h"
#include "fuzz/life.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct life_params par = { .steps_max = 64, .deep_every = 1 };

	(void)life_run(data, size, &par);
	return 0;
}
