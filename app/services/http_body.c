/* SPDX-License-Identifier: BSD-3-Clause */
/* Skips a request body; chunked framing is read byte by byte, data in one step. */
#include <stdbool.h>

#include "services/http_body.h"
#include "services/http_text.h"

void
http_body_init_length(struct http_body *b, uint64_t content_length)
{
	*b = (struct http_body){
		.state = content_length == 0 ? HTTP_BODY_END : HTTP_BODY_LENGTH,
		.left = content_length,
		.budget = content_length,
	};
}

void
http_body_init_chunked(struct http_body *b, uint64_t budget)
{
	*b = (struct http_body){ .state = HTTP_BODY_SIZE_FIRST, .budget = budget };
}

/* chunk-size [ chunk-ext ] CRLF; false if the byte cannot stand here. */
static bool
size_step(struct http_body *b, uint8_t c)
{
	int digit = http_hex_value(c);

	if (++b->line_bytes > HTTP_MAX_CHUNK_LINE_BYTES)
		return false;
	if (digit >= 0) {
		/* More than the budget by far; it only must not wrap. */
		if (b->left > UINT64_MAX >> 4)
			return false;
		b->left = b->left << 4 | (uint64_t)digit;
		b->state = HTTP_BODY_SIZE;
		return true;
	}
	if (b->state == HTTP_BODY_SIZE_FIRST)
		return false;
	if (c == '\r')
		b->state = HTTP_BODY_SIZE_LF;
	else if (c == ';' || c == ' ' || c == '\t')
		b->state = HTTP_BODY_EXTENSION;
	else
		return false;
	return true;
}

static bool
extension_step(struct http_body *b, uint8_t c)
{
	if (++b->line_bytes > HTTP_MAX_CHUNK_LINE_BYTES)
		return false;
	if (c == '\r')
		b->state = HTTP_BODY_SIZE_LF;
	return c == '\r' || http_is_field_byte(c);
}

/* Trailer fields are read over: nothing in them matters here. */
static bool
trailer_step(struct http_body *b, uint8_t c)
{
	if (c == '\r')
		b->state = b->state == HTTP_BODY_TRAILER_FIRST ? HTTP_BODY_LAST_LF :
								 HTTP_BODY_TRAILER_LF;
	else
		b->state = HTTP_BODY_TRAILER;
	return c == '\r' || http_is_field_byte(c);
}

static bool
expect(struct http_body *b, uint8_t c, uint8_t wanted, enum http_body_state next)
{
	b->state = next;
	return c == wanted;
}

/* One byte of framing. */
static bool
step(struct http_body *b, uint8_t c)
{
	switch (b->state) {
	case HTTP_BODY_SIZE_FIRST:
	case HTTP_BODY_SIZE:
		return size_step(b, c);
	case HTTP_BODY_EXTENSION:
		return extension_step(b, c);
	case HTTP_BODY_SIZE_LF:
		b->line_bytes = 0;
		return expect(b, c, '\n', b->left > 0 ? HTTP_BODY_DATA : HTTP_BODY_TRAILER_FIRST);
	case HTTP_BODY_DATA_CR:
		return expect(b, c, '\r', HTTP_BODY_DATA_LF);
	case HTTP_BODY_DATA_LF:
		return expect(b, c, '\n', HTTP_BODY_SIZE_FIRST);
	case HTTP_BODY_TRAILER_FIRST:
	case HTTP_BODY_TRAILER:
		return trailer_step(b, c);
	case HTTP_BODY_TRAILER_LF:
		return expect(b, c, '\n', HTTP_BODY_TRAILER_FIRST);
	case HTTP_BODY_LAST_LF:
		return expect(b, c, '\n', HTTP_BODY_END);
	case HTTP_BODY_LENGTH:
	case HTTP_BODY_DATA:
	case HTTP_BODY_END:
		break;
	}
	return false;
}

/* Data of a known length: how many of len bytes belong to it. */
static size_t
data_step(struct http_body *b, size_t len)
{
	size_t n = b->left < len ? (size_t)b->left : len;

	b->left -= n;
	if (b->left == 0)
		b->state = b->state == HTTP_BODY_LENGTH ? HTTP_BODY_END : HTTP_BODY_DATA_CR;
	return n;
}

enum http_body_verdict
http_body_skip(struct http_body *b, const uint8_t *data, size_t len, size_t *used)
{
	size_t at = 0;

	*used = 0;
	while (b->state != HTTP_BODY_END && at < len) {
		size_t n = 1;

		if (b->state == HTTP_BODY_LENGTH || b->state == HTTP_BODY_DATA)
			n = data_step(b, len - at);
		else if (!step(b, data[at]))
			return HTTP_BODY_BAD;
		if (n > b->budget)
			return HTTP_BODY_TOO_LARGE;
		b->budget -= n;
		at += n;
		*used = at;
	}
	return b->state == HTTP_BODY_END ? HTTP_BODY_DONE : HTTP_BODY_MORE;
}
