/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads an HTTP/1 response from pieces of any size, keeping none of them (RFC 9112). */
#ifndef SLUICE_LOAD_HTTP_ANSWER_H
#define SLUICE_LOAD_HTTP_ANSWER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Longest header of a response, interim ones included, and longest line between chunks. */
#define HTTP_ANSWER_HEAD_MAX 65536u

enum http_answer_state {
	HTTP_ANSWER_STATUS,
	HTTP_ANSWER_NAME, /* of a header field */
	HTTP_ANSWER_VALUE,
	HTTP_ANSWER_SKIP, /* the rest of a line nobody asks for */
	HTTP_ANSWER_BODY, /* of a known length */
	HTTP_ANSWER_UNTIL_END, /* of the connection */
	HTTP_ANSWER_CHUNK_SIZE,
	HTTP_ANSWER_CHUNK_EXT,
	HTTP_ANSWER_CHUNK_DATA,
	HTTP_ANSWER_CHUNK_END, /* CR LF behind the data */
	HTTP_ANSWER_TRAILER,
	HTTP_ANSWER_DONE,
	HTTP_ANSWER_BAD,
};

/** Zeroed by http_answer_init(). */
struct http_answer {
	uint64_t left; /* bytes of the body or chunk to come */
	uint32_t head_bytes;
	uint16_t status;
	uint8_t state; /* enum http_answer_state */
	uint8_t pos; /* in the line, name or word being matched */
	uint8_t names; /* fields that the name may still become: a bit each */
	uint8_t field; /* whose value is read */
	bool has_length, is_chunked, is_old, says_close, says_keep, is_line_empty, has_digit;
};

void http_answer_init(struct http_answer *a);

/** A part of the body inside the bytes that were given. */
struct http_span {
	const uint8_t *data;
	size_t len;
};

/**
 * Take bytes up to the end of a piece of the body, of the response, or of data; returns how many.
 * body: the piece, empty if there was none. Call again while bytes are left and the answer is
 * neither DONE nor BAD.
 */
size_t http_answer_take(
	struct http_answer *a, const uint8_t *data, size_t len, struct http_span *body);

/** The connection has ended: is the response complete by that? */
bool http_answer_end(struct http_answer *a);

/** Will the server take another request on the connection? Once the answer is DONE. */
bool http_answer_keeps(const struct http_answer *a);

#endif
