/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds the end of a request body that nobody wants, by length or chunked (RFC 9112 s6, s7.1). */
#ifndef SERVICES_HTTP_BODY_H
#define SERVICES_HTTP_BODY_H

#include <stddef.h>
#include <stdint.h>

/** A chunk-size line with its extensions may have at most this many bytes, CR LF included. */
#define HTTP_MAX_CHUNK_LINE_BYTES 256u

enum http_body_verdict {
	HTTP_BODY_MORE,		/* everything was used up, the body goes on */
	HTTP_BODY_DONE,		/* the body ended; what follows is the next request */
	HTTP_BODY_BAD,		/* not chunked coding: 400 */
	HTTP_BODY_TOO_LARGE,	/* over the budget: 413 */
};

enum http_body_state {
	HTTP_BODY_LENGTH,	/* left bytes to go */
	HTTP_BODY_SIZE_FIRST,	/* first digit of a chunk size */
	HTTP_BODY_SIZE,		/* more digits, or ';' or CR */
	HTTP_BODY_EXTENSION,	/* up to CR */
	HTTP_BODY_SIZE_LF,
	HTTP_BODY_DATA,		/* left bytes of the chunk to go */
	HTTP_BODY_DATA_CR,
	HTTP_BODY_DATA_LF,
	HTTP_BODY_TRAILER_FIRST, /* first byte of a trailer line, or the CR of the last one */
	HTTP_BODY_TRAILER,	/* up to CR */
	HTTP_BODY_TRAILER_LF,
	HTTP_BODY_LAST_LF,
	HTTP_BODY_END,
};

struct http_body {
	enum http_body_state state;
	uint32_t line_bytes;	/* of the chunk-size line so far */
	uint64_t left;		/* bytes of data still to come in this state */
	uint64_t budget;	/* bytes that may still be read, framing included */
};

/** A body of content_length bytes; the caller has compared it with its limit. */
void http_body_init_length(struct http_body *b, uint64_t content_length);

/** A chunked body of at most budget bytes, framing included. */
void http_body_init_chunked(struct http_body *b, uint64_t budget);

/** Skip what belongs to the body; *used says how many of the len bytes that were. */
enum http_body_verdict http_body_skip(struct http_body *b, const uint8_t *data, size_t len,
	size_t *used);

#endif
