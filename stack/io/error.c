/* SPDX-License-Identifier: BSD-3-Clause */
/* Formatting of the one line that start-up errors end in. */
#include <stdarg.h>
#include <stdio.h>

#include "io/error.h"

int
io_fail(struct io_error *err, int code, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(err->text, sizeof(err->text), fmt, ap);
	va_end(ap);
	if (n < 0)
		err->text[0] = '\0';
	return code;
}
