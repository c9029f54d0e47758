/* SPDX-License-Identifier: BSD-3-Clause */
/* Incremental parser of an HTTP/1 request head: request line and header fields (RFC 9112). */
#ifndef SERVICES_HTTP_PARSE_H
#define SERVICES_HTTP_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Threat model. The bytes come from anybody. The parser reads each byte a bounded number of times
 * however small the pieces they come in, keeps no pointer, and gives the same verdict whatever the
 * pieces were. It is strict wherever two readers could disagree about where a message ends
 * (request smuggling, RFC 9112 s11.2):
 *  - a second Content-Length, or one next to Transfer-Encoding, or one that is not digits: 400;
 *  - Transfer-Encoding other than exactly "chunked": 501; in an HTTP/1.0 request: 400;
 *  - obsolete line folding, space before a colon, a bare CR, NUL or another control: 400.
 * A bare LF ends a line of the head like CR LF (RFC 9112 s2.2 allows it), because people type
 * requests into nc; in a chunked body it does not (http_body.h).
 */

/** More header lines than this: 431. */
#define HTTP_MAX_HEADER_LINES 100u

enum http_verdict {
	HTTP_PARSE_MORE = 0,	/* call again when more bytes are there */
	HTTP_PARSE_DONE = 1,	/* the head is complete; see http_request */
	/* Anything else is the status of the answer that ends the connection. */
	HTTP_PARSE_BAD = 400,
	HTTP_PARSE_TARGET_TOO_LONG = 414,
	HTTP_PARSE_HEAD_TOO_LARGE = 431,
	HTTP_PARSE_CODING_UNKNOWN = 501,
	HTTP_PARSE_VERSION_UNKNOWN = 505,
};

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
	HTTP_NOT_ALLOWED,	/* a method of RFC 9110 s9 or RFC 5789 that nothing here supports */
	HTTP_UNKNOWN,
};

enum http_field {
#define HTTP_FIELD(id, name) HTTP_FIELD_##id,
#include "services/http_fields.def"
#undef HTTP_FIELD
	HTTP_FIELD_COUNT,
};

/** Bytes [at, at + len) of the head. len 0: absent or empty. */
struct http_span {
	uint32_t at;
	uint32_t len;
};

/** A request head, decoded. */
struct http_request {
	enum http_method method;
	uint8_t minor;		/* HTTP/1.minor: 0 or 1 (higher ones count as 1) */
	bool says_close;	/* Connection: close */
	bool says_keep_alive;	/* Connection: keep-alive */
	bool expect_continue;	/* Expect: 100-continue */
	bool chunked;		/* the body is chunked */
	uint64_t content_length; /* 0 without the field; saturates at UINT64_MAX */
	struct http_span target; /* path and query; empty: "/" (absolute-form without a path) */
	struct http_span fields[HTTP_FIELD_COUNT]; /* values without the space around them */
	uint32_t seen;		/* bit per enum http_field: the field was there */
	uint32_t head_bytes;	/* length of the head with the empty line that ends it */
};

struct http_parser {
	uint32_t max_bytes;	/* a head may have at most this many bytes */
	uint32_t line_at;	/* start of the line being waited for */
	uint32_t scanned;	/* no LF in [line_at, scanned) */
	uint32_t lines;		/* header lines so far */
	bool has_request_line;
	enum http_verdict verdict; /* sticky once it is not HTTP_PARSE_MORE */
	struct http_request request;
};

/** Whether the connection ends after this request (RFC 9112 s9.3). */
static inline bool
http_request_closes(const struct http_request *r)
{
	return r->says_close || (r->minor == 0 && !r->says_keep_alive);
}

/** Begin a head of at most max_bytes (>= 64). */
void http_parser_init(struct http_parser *p, uint32_t max_bytes);

/**
 * Look at the head again: head[0] is its first byte, len how many bytes are there by now, which
 * may be more than the head has. Bytes seen before must not have changed.
 */
enum http_verdict http_parse(struct http_parser *p, const uint8_t *head, size_t len);

#endif
