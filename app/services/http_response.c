/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes the head of a response with plain copies: it is on the way of every file. */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "services/http_response.h"

#define HTTP_SERVER "Server: sluice\r\n"

static const struct {
	uint16_t status;
	const char *line;	/* status line and the name of the field after it */
	const char *body;
} http_statuses[] = {
#define HTTP_STATUS(code, reason)                                                                  \
	{ code, "HTTP/1.1 " #code " " reason "\r\nDate: ", #code " " reason "\n" },
#include "services/http_status.def"
#undef HTTP_STATUS
};

static const struct {
	const char *extension;
	const char *type;
} http_types[] = {
#define HTTP_TYPE(extension, type) { extension, type },
#include "services/http_types.def"
#undef HTTP_TYPE
};

/* The row of a status; one without a row is a mistake in this program. */
static size_t
status_row(uint16_t status)
{
	size_t i = 0;

	while (http_statuses[i].status != status) {
		i++;
		assert(i < sizeof(http_statuses) / sizeof(http_statuses[0]));
	}
	return i;
}

/* --- a cursor that never leaves HTTP_HEAD_MAX ------------------------------------------------- */

struct cursor {
	char *at;
	char *end;
};

static void
put_bytes(struct cursor *c, const char *text, size_t len)
{
	assert(len <= (size_t)(c->end - c->at));
	memcpy(c->at, text, len);
	c->at += len;
}

static void
put(struct cursor *c, const char *text)
{
	put_bytes(c, text, strlen(text));
}

static void
put_number(struct cursor *c, uint64_t n)
{
	char digits[20];
	size_t at = sizeof(digits);

	do {
		digits[--at] = (char)('0' + n % 10);
		n /= 10;
	} while (n > 0);
	put_bytes(c, digits + at, sizeof(digits) - at);
}

/* bytes 0-99/1000, or bytes with an asterisk for the range where none could be served (s14.4). */
static void
put_content_range(struct cursor *c, const struct http_head *head)
{
	put(c, "Content-Range: bytes ");
	if (head->status == 206) {
		put_number(c, head->range_first);
		put(c, "-");
		put_number(c, head->range_first + head->length - 1);
	} else {
		put(c, "*");
	}
	put(c, "/");
	put_number(c, head->total);
	put(c, "\r\n");
}

size_t
http_response_head(char *out, const struct http_head *head, const char date[HTTP_DATE_BYTES])
{
	struct cursor c = { out, out + HTTP_HEAD_MAX };

	put(&c, http_statuses[status_row(head->status)].line);
	put_bytes(&c, date, HTTP_DATE_BYTES);
	put(&c, "\r\n" HTTP_SERVER);
	if (head->type != NULL) {
		put(&c, "Content-Type: ");
		put(&c, head->type);
		put(&c, "\r\n");
	}
	if (head->has_length) {
		put(&c, "Content-Length: ");
		put_number(&c, head->length);
		put(&c, "\r\n");
	}
	if (head->has_range)
		put_content_range(&c, head);
	if (head->fields != NULL)
		put(&c, head->fields);
	/* RFC 9110 s15.5.6: a 405 names what is allowed. */
	if (head->status == 405)
		put(&c, "Allow: GET, HEAD\r\n");
	if (head->status == 503)
		put(&c, "Retry-After: 1\r\n");
	if (head->close)
		put(&c, "Connection: close\r\n");
	else if (head->keep_alive)
		put(&c, "Connection: keep-alive\r\n");
	put(&c, "\r\n");
	return (size_t)(c.at - out);
}

size_t
http_response_date_at(uint16_t status)
{
	return strlen(http_statuses[status_row(status)].line);
}

const char *
http_status_body(uint16_t status)
{
	return http_statuses[status_row(status)].body;
}

const char *
http_type_of(const char *name)
{
	const char *slash = strrchr(name, '/');
	const char *dot = strrchr(slash != NULL ? slash : name, '.');

	if (dot != NULL)
		for (size_t i = 0; i < sizeof(http_types) / sizeof(http_types[0]); i++)
			if (strcasecmp(dot + 1, http_types[i].extension) == 0)
				return http_types[i].type;
	return "application/octet-stream";
}
