/* SPDX-License-Identifier: BSD-3-Clause */
/* What a failed assertion does in a program that has not said otherwise. */
#include "base/assert.h"

__attribute__((__weak__)) void
base_assert_fail(const char *file, int line, const char *expr)
{
	(void)file;
	(void)line;
	(void)expr;
	__builtin_trap();
}
