/* SPDX-License-Identifier: BSD-3-Clause */
/* How simulation, scripts and fuzzers end when something is wrong: say what, and how to repeat it.
 */
#ifndef LIB_FAIL_H
#define LIB_FAIL_H

#include <stdio.h>

#include "base/compiler.h"

/**
 * What to print behind a failure: where the run is and the one command that repeats it. One per
 * process; NULL: nothing. An assertion of the stack that fails prints it too.
 */
void fail_set_context(void (*print)(void *ctx, FILE *to), void *ctx);

/** Print the message and the context, then abort(). */
SLUICE_NORETURN SLUICE_PRINTF(1, 2) void fail(const char *fmt, ...);

/** fail() unless cond; the text of the condition is part of the message. */
#define CHECK(cond, ...) ((cond) ? (void)0 : fail_check(#cond, __VA_ARGS__))
SLUICE_NORETURN SLUICE_PRINTF(2, 3) void fail_check(const char *cond, const char *fmt, ...);

#endif
