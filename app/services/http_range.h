/* SPDX-License-Identifier: BSD-3-Clause */
/* The Range field of a GET request: one range of bytes (RFC 9110 s14.1.2). */
#ifndef SERVICES_HTTP_RANGE_H
#define SERVICES_HTTP_RANGE_H

#include <stddef.h>
#include <stdint.h>

enum http_range_verdict {
	HTTP_RANGE_IGNORED,	/* not ours to follow: the whole file, 200 */
	HTTP_RANGE_OK,		/* 206 */
	HTTP_RANGE_UNSATISFIABLE, /* 416 */
};

struct http_range {
	uint64_t first;		/* offset of the first byte */
	uint64_t len;		/* bytes, at least 1 */
};

/**
 * Apply a Range value to a file of size bytes. Several ranges, other units and broken values are
 * ignored, as s14.2 allows.
 */
enum http_range_verdict http_range_parse(const uint8_t *text, size_t len, uint64_t size,
	struct http_range *out);

#endif
