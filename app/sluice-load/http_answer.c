/* SPDX-License-Identifier: BSD-3-Clause */
/* An HTTP/1 response as a machine over bytes. Its input comes from the network: see fuzz_load.c. */
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "http_answer.h"

/* The fields that say where a response ends. */
enum field {
	FIELD_LENGTH,
	FIELD_CODING,
	FIELD_CONNECTION,
	FIELD_COUNT,
};

static const char *const field_names[FIELD_COUNT] = {
	[FIELD_LENGTH] = "content-length",
	[FIELD_CODING] = "transfer-encoding",
	[FIELD_CONNECTION] = "connection",
};

/* "HTTP/1.x NNN": x at 7, the code at 9. */
static const char status_shape[] = "HTTP/1.# ###";
#define VERSION_AT 7u
#define CODE_AT 9u

/* Bits of names while a value is matched: words it may still become. */
#define WORD_CLOSE 1u
#define WORD_KEEP 2u

void
http_answer_init(struct http_answer *a)
{
	memset(a, 0, sizeof(*a));
}

static uint8_t
lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c + ('a' - 'A')) : c;
}

/* Is c the next byte of a word? A zero, which anybody may send, is not: it would match its end. */
static bool
goes_on(const char *word, unsigned int pos, uint8_t c)
{
	return c != '\0' && (uint8_t)word[pos] == c;
}

static void
bad(struct http_answer *a)
{
	a->state = HTTP_ANSWER_BAD;
}

static void
to_line(struct http_answer *a)
{
	a->state = HTTP_ANSWER_NAME;
	a->pos = 0;
	a->is_line_empty = true;
	a->names = (1u << FIELD_COUNT) - 1;
}

/* The empty line: what follows? RFC 9112 s6.3, for the answer to a GET. */
static void
head_end(struct http_answer *a)
{
	if (a->status < 200 && a->status != 101) {
		uint32_t head_bytes = a->head_bytes;

		/* An interim response: the real one follows. */
		http_answer_init(a);
		a->head_bytes = head_bytes;
		return;
	}
	a->pos = 0;
	a->has_digit = false;
	if (a->status == 204 || a->status == 304)
		a->state = HTTP_ANSWER_DONE;
	else if (a->is_chunked && a->has_length)
		bad(a); /* whose end is whose? RFC 9112 s6.3, 3: an attack or a fault */
	else if (a->is_chunked)
		a->state = HTTP_ANSWER_CHUNK_SIZE;
	else if (!a->has_length)
		a->state = HTTP_ANSWER_UNTIL_END;
	else
		a->state = a->left > 0 ? HTTP_ANSWER_BODY : HTTP_ANSWER_DONE;
	if (a->state == HTTP_ANSWER_CHUNK_SIZE)
		a->left = 0;
}

static void
status_byte(struct http_answer *a, uint8_t c)
{
	char shape = status_shape[a->pos];
	bool is_digit = c >= '0' && c <= '9';

	if (shape == '#' ? !is_digit : c != (uint8_t)shape) {
		bad(a);
		return;
	}
	if (a->pos == VERSION_AT)
		a->is_old = c == '0';
	if (a->pos >= CODE_AT)
		a->status = (uint16_t)(a->status * 10 + (c - '0'));
	if (++a->pos == sizeof(status_shape) - 1)
		a->state = a->status >= 100 ? HTTP_ANSWER_SKIP : HTTP_ANSWER_BAD;
}

static void
value_begin(struct http_answer *a)
{
	a->state = HTTP_ANSWER_SKIP;
	for (uint8_t i = 0; i < FIELD_COUNT; i++) {
		if ((a->names & 1u << i) == 0 || field_names[i][a->pos] != '\0')
			continue;
		a->state = HTTP_ANSWER_VALUE;
		a->field = i;
	}
	if (a->state == HTTP_ANSWER_VALUE && a->field == FIELD_LENGTH && a->has_length)
		bad(a);
	a->pos = 0;
	a->has_digit = false;
	a->names = WORD_CLOSE | WORD_KEEP;
}

static void
name_byte(struct http_answer *a, uint8_t c)
{
	if (c == '\n' && a->is_line_empty) {
		head_end(a);
		return;
	}
	if (c == '\r' && a->is_line_empty)
		return;
	if (c == '\r' || c == '\n' || (c == ':' && a->is_line_empty)) {
		bad(a); /* a line without a name or without a colon */
		return;
	}
	if (c == ':') {
		value_begin(a);
		return;
	}
	a->is_line_empty = false;
	c = lower(c);
	for (unsigned int i = 0; i < FIELD_COUNT; i++)
		if ((a->names & 1u << i) != 0 && !goes_on(field_names[i], a->pos, c))
			a->names &= (uint8_t)~(1u << i);
	if (a->names != 0)
		a->pos++;
}

static void
length_byte(struct http_answer *a, uint8_t c)
{
	if (c == ' ' || c == '\t')
		return;
	if (c < '0' || c > '9' || a->left > UINT64_MAX / 16) {
		bad(a);
		return;
	}
	a->left = a->left * 10 + (uint64_t)(c - '0');
	a->has_digit = true;
}

static void
word_byte(struct http_answer *a, uint8_t c, const char *const words[2])
{
	if (a->pos == 0 && a->names != 0 && (c == ' ' || c == '\t'))
		return;
	c = lower(c);
	for (unsigned int i = 0; i < 2; i++)
		if ((a->names & 1u << i) != 0 && !goes_on(words[i], a->pos, c))
			a->names &= (uint8_t)~(1u << i);
	if (a->names != 0)
		a->pos++;
}

/* Only values of one word are known: all that servers send. */
static bool
word_is(const struct http_answer *a, unsigned int i, const char *word)
{
	return (a->names & 1u << i) != 0 && word[a->pos] == '\0';
}

static const char *const connection_words[2] = { "close", "keep-alive" };
static const char *const coding_words[2] = { "chunked", "chunked" };

static void
value_end(struct http_answer *a)
{
	switch ((enum field)a->field) {
	case FIELD_LENGTH:
		a->has_length = true;
		if (!a->has_digit) {
			bad(a);
			return;
		}
		break;
	case FIELD_CODING:
		a->is_chunked = true;
		if (!word_is(a, 0, coding_words[0])) {
			bad(a);
			return;
		}
		break;
	case FIELD_CONNECTION:
		a->says_close |= word_is(a, 0, connection_words[0]);
		a->says_keep |= word_is(a, 1, connection_words[1]);
		break;
	case FIELD_COUNT:
		break;
	}
	to_line(a);
}

static void
value_byte(struct http_answer *a, uint8_t c)
{
	if (c == '\r')
		return;
	if (c == '\n')
		value_end(a);
	else if (a->field == FIELD_LENGTH)
		length_byte(a, c);
	else
		word_byte(a, c, a->field == FIELD_CODING ? coding_words : connection_words);
}

static void
chunk_line_end(struct http_answer *a)
{
	if (!a->has_digit) {
		bad(a);
		return;
	}
	a->has_digit = false;
	a->head_bytes = 0;
	a->pos = 0;
	a->is_line_empty = true;
	a->state = a->left > 0 ? HTTP_ANSWER_CHUNK_DATA : HTTP_ANSWER_TRAILER;
}

static void
chunk_size_byte(struct http_answer *a, uint8_t c)
{
	unsigned int digit = 16;

	c = lower(c);
	if (c == '\r' || c == ';' || c == ' ') {
		a->state = HTTP_ANSWER_CHUNK_EXT;
		return;
	}
	if (c == '\n') {
		chunk_line_end(a);
		return;
	}
	if (c >= '0' && c <= '9')
		digit = c - (unsigned int)'0';
	else if (c >= 'a' && c <= 'f')
		digit = c - (unsigned int)'a' + 10;
	if (digit == 16 || a->left > UINT64_MAX / 32) {
		bad(a);
		return;
	}
	a->left = a->left * 16 + digit;
	a->has_digit = true;
}

static void
chunk_end_byte(struct http_answer *a, uint8_t c)
{
	if (c == '\r' && a->pos == 0) {
		a->pos = 1;
	} else if (c == '\n') {
		a->pos = 0;
		a->state = HTTP_ANSWER_CHUNK_SIZE;
	} else {
		bad(a);
	}
}

static void
trailer_byte(struct http_answer *a, uint8_t c)
{
	if (c == '\n' && a->is_line_empty)
		a->state = HTTP_ANSWER_DONE;
	else if (c == '\n')
		a->is_line_empty = true;
	else if (c != '\r')
		a->is_line_empty = false;
}

static void
head_byte(struct http_answer *a, uint8_t c)
{
	switch ((enum http_answer_state)a->state) {
	case HTTP_ANSWER_STATUS:
		status_byte(a, c);
		break;
	case HTTP_ANSWER_NAME:
		name_byte(a, c);
		break;
	case HTTP_ANSWER_VALUE:
		value_byte(a, c);
		break;
	case HTTP_ANSWER_SKIP:
		if (c == '\n')
			to_line(a);
		break;
	case HTTP_ANSWER_CHUNK_SIZE:
		chunk_size_byte(a, c);
		break;
	case HTTP_ANSWER_CHUNK_EXT:
		if (c == '\n')
			chunk_line_end(a);
		break;
	case HTTP_ANSWER_CHUNK_END:
		chunk_end_byte(a, c);
		break;
	case HTTP_ANSWER_TRAILER:
		trailer_byte(a, c);
		break;
	case HTTP_ANSWER_BODY:
	case HTTP_ANSWER_UNTIL_END:
	case HTTP_ANSWER_CHUNK_DATA:
	case HTTP_ANSWER_DONE:
	case HTTP_ANSWER_BAD:
		ASSERT(false);
	}
}

static bool
is_text(const struct http_answer *a)
{
	return a->state != HTTP_ANSWER_BODY && a->state != HTTP_ANSWER_UNTIL_END &&
		a->state != HTTP_ANSWER_CHUNK_DATA && a->state != HTTP_ANSWER_DONE &&
		a->state != HTTP_ANSWER_BAD;
}

/* Most of a header is of no interest: go on to the end of the line. */
static size_t
skip_line(const struct http_answer *a, const uint8_t *data, size_t len)
{
	const uint8_t *end;

	if (a->state != HTTP_ANSWER_SKIP)
		return 0;
	end = memchr(data, '\n', len);
	return end != NULL ? (size_t)(end - data) : len;
}

size_t
http_answer_take(struct http_answer *a, const uint8_t *data, size_t len, struct http_span *body)
{
	size_t used = 0;

	*body = (struct http_span){ NULL, 0 };
	while (used < len && is_text(a)) {
		size_t from = used;

		used += skip_line(a, data + used, len - used);
		if (used < len)
			head_byte(a, data[used++]);
		a->head_bytes += (uint32_t)min_size(used - from, HTTP_ANSWER_HEAD_MAX);
		if (a->head_bytes > HTTP_ANSWER_HEAD_MAX)
			bad(a);
	}
	if (is_text(a) || a->state == HTTP_ANSWER_DONE || a->state == HTTP_ANSWER_BAD)
		return used;
	*body = (struct http_span){ data + used, len - used };
	if (a->state == HTTP_ANSWER_UNTIL_END)
		return len;
	body->len = (size_t)min_u64(len - used, a->left);
	a->left -= body->len;
	if (a->left == 0)
		a->state = a->state == HTTP_ANSWER_BODY ? HTTP_ANSWER_DONE : HTTP_ANSWER_CHUNK_END;
	return used + body->len;
}

bool
http_answer_end(struct http_answer *a)
{
	if (a->state == HTTP_ANSWER_UNTIL_END)
		a->state = HTTP_ANSWER_DONE;
	return a->state == HTTP_ANSWER_DONE;
}

bool
http_answer_keeps(const struct http_answer *a)
{
	bool has_end = a->has_length || a->is_chunked || a->status == 204 || a->status == 304;

	return has_end && !a->says_close && (!a->is_old || a->says_keep);
}
