/* SPDX-License-Identifier: BSD-3-Clause */
/* Copies in heap buffers of exact size, where the sanitizer sees a read of one byte too many. */
#ifndef LIB_EXACT_H
#define LIB_EXACT_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A copy of the len bytes at data, for free(); of no bytes: a pointer nothing may be read from. */
static inline uint8_t *
exact_copy(const void *data, size_t len)
{
	uint8_t *copy = calloc(1, len);

	if (copy == NULL && len > 0)
		abort();
	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}

#endif
