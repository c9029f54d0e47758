/* SPDX-License-Identifier: BSD-3-Clause */
/* What the daemon does when an assertion fails: say where, then end with a core dump. */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"

void
base_assert_fail(const char *file, int line, const char *expr)
{
	fprintf(stderr, "sluiced: %s:%d: assertion failed: %s. This is a bug; please report it.\n",
		file, line, expr);
	abort();
}
