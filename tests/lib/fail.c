/* SPDX-License-Identifier: BSD-3-Clause */
/* The end of a failed run, shared by everything that drives the stack in process. */
#include <stdarg.h>
#include <stdlib.h>

#include "lib/fail.h"

#include "base/assert.h"

static struct {
	void (*print)(void *ctx, FILE *to);
	void *ctx;
} context;

void
fail_set_context(void (*print)(void *ctx, FILE *to), void *ctx)
{
	context.print = print;
	context.ctx = ctx;
}

SLUICE_NORETURN static void
end(void)
{
	void (*print)(void *ctx, FILE *to) = context.print;

	fputc('\n', stderr);
	/* A failure while the context is printed must not print it again. */
	context.print = NULL;
	if (print != NULL)
		print(context.ctx, stderr);
	abort();
}

void
fail(const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	end();
}

void
fail_check(const char *cond, const char *fmt, ...)
{
	va_list ap;

	fflush(stdout);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, " (not true: %s)", cond);
	end();
}

/* Stands in for the silent one of the pure layers. */
void
base_assert_fail(const char *file, int line, const char *expr)
{
	fail("%s:%d: assertion failed: %s", file, line, expr);
}
