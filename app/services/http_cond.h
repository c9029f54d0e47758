/* SPDX-License-Identifier: BSD-3-Clause */
/* Preconditions of a request for a file (RFC 9110 s13). */
#ifndef SERVICES_HTTP_COND_H
#define SERVICES_HTTP_COND_H

#include <stdbool.h>
#include <stdint.h>

#include "services/http_parse.h"

enum http_cond_verdict {
	HTTP_COND_PROCEED,	/* 200 or 206 */
	HTTP_COND_NOT_MODIFIED,	/* 304 */
	HTTP_COND_FAILED,	/* 412 */
};

/** What a file is compared by. */
struct http_validators {
	const char *etag;	/* strong, with its quotes */
	int64_t modified_s;	/* seconds since 1970 */
};

/** Evaluate the conditions in the order of s13.2.2; head is what the request was parsed from. */
enum http_cond_verdict http_cond_evaluate(const struct http_request *r, const uint8_t *head,
	const struct http_validators *v);

/** Whether a Range field may be followed: there is one, and no If-Range forbids it (s13.1.5). */
bool http_cond_range_applies(const struct http_request *r, const uint8_t *head,
	const struct http_validators *v);

#endif
