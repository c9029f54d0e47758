/* SPDX-License-Identifier: BSD-3-Clause */
/* Assertions that stay on in release, and costly ones that only tests and simulation run. */
#ifndef BASE_ASSERT_H
#define BASE_ASSERT_H

#include "base/compiler.h"

/*
 * Called when an assertion fails; never returns. The one in assert.c is weak and only
 * traps, because the pure layers cannot print: a program defines its own to say where.
 */
SLUICE_NORETURN SLUICE_COLD void base_assert_fail(const char *file, int line, const char *expr);

/*
 * A condition that only a bug in this program can break; nothing a peer sends may reach
 * it (RFC-bad input is counted and dropped instead).
 */
#define ASSERT(cond) (SLUICE_LIKELY(cond) ? (void)0 : base_assert_fail(__FILE__, __LINE__, #cond))

/* The same for checks that walk a structure; compiled but not run where they are off. */
#if defined(SLUICE_ASSERT_SLOW)
#define ASSERT_SLOW(cond) ASSERT(cond)
#else
#define ASSERT_SLOW(cond) ((void)sizeof((cond) ? 1 : 0))
#endif

#endif
