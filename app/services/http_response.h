/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes the head of a response: status line and header fields (RFC 9110, RFC 9112). */
#ifndef SERVICES_HTTP_RESPONSE_H
#define SERVICES_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "services/http_date.h"

/** No head is longer. */
#define HTTP_HEAD_MAX 1024u

/** What a response's head says; the same values always give the same bytes. */
struct http_head {
	uint16_t status;	/* one of http_status.def */
	bool close;		/* Connection: close */
	bool keep_alive;	/* Connection: keep-alive, for HTTP/1.0 clients */
	bool has_length;	/* Content-Length: length */
	bool has_range;		/* Content-Range, for 206 and 416 */
	uint64_t length;	/* of the body a GET would get */
	uint64_t range_first;	/* 206: first byte */
	uint64_t total;		/* 206, 416: size of the whole file */
	const char *type;	/* Content-Type; NULL: none */
	const char *fields;	/* more lines, at most HTTP_FILE_FIELDS_BYTES; NULL: none */
};

/** Most bytes of http_head.fields. */
#define HTTP_FILE_FIELDS_BYTES 192u

/** Write a head with its empty line to out (HTTP_HEAD_MAX bytes); its length. */
size_t http_response_head(char *out, const struct http_head *head,
	const char date[HTTP_DATE_BYTES]);

/** Where the date stands in a head of this status. */
size_t http_response_date_at(uint16_t status);

/** "404 Not Found\n": the body of an answer that has no other. */
const char *http_status_body(uint16_t status);

/** The media type for a file name, by its extension in any case. */
const char *http_type_of(const char *name);

#endif
