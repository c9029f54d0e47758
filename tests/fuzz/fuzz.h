/* SPDX-License-Identifier: BSD-3-Clause */
/* What every fuzz target has in common: its entry and how it says that something is wrong. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

#include "base/assert.h"

/*
 * A target is one file fuzz_<name>.c with this function. It copies what it needs with
 * exact_copy(), so that a read of one byte too many is seen, lets the code under test have
 * it, and checks what must hold of any input. It returns 0 and keeps nothing: the same
 * input must always do the same.
 */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A property that must hold whatever the input. */
#define FUZZ_CHECK(cond) ASSERT(cond)

#endif
