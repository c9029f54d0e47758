/* SPDX-License-Identifier: BSD-3-Clause */
/* How a target ends when something is wrong, under libFuzzer and under replay alike. */
#include "fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

/* Weak, so that a target may link the test library, which has one too. */
__attribute__((__weak__)) void
base_assert_fail(const char *file, int line, const char *expr)
{
	fprintf(stderr, "%s:%d: not true: %s\n", file, line, expr);
	abort();
}

/* Sanitizers ask these for their defaults; abort() is what replay and libFuzzer notice. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "abort_on_error=1";
}

const char *
__ubsan_default_options(void)
{
	return "abort_on_error=1:halt_on_error=1:print_stacktrace=1";
}
