/* SPDX-License-Identifier: BSD-3-Clause */
/* One line for the operator: what failed, why, and what to do about it. */
#ifndef IO_ERROR_H
#define IO_ERROR_H

#include "base/compiler.h"

/** Bytes of the longest text, its end included; what is beyond is cut. */
#define IO_ERROR_LEN 600

struct io_error {
	char text[IO_ERROR_LEN]; /* no newline */
};

/** Write the text, formatted as by printf, and return code: `return io_fail(err, -ENODEV, ...)`. */
SLUICE_PRINTF(3, 4)
SLUICE_COLD int io_fail(struct io_error *err, int code, const char *fmt, ...);

#endif
