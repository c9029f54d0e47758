/* SPDX-License-Identifier: BSD-3-Clause */
/* Incremental parser of an HTTP/1 request head: line by line, each line once. */
#include <assert.h>
#include <string.h>
#include <strings.h>

#include "services/http_parse.h"
#include "services/http_text.h"

struct line {
	const uint8_t *at;
	size_t len;
};

static const struct {
	const char *text;
	size_t len;
	enum http_method method;
} http_methods[] = {
	{ "GET", 3, HTTP_GET },
	{ "HEAD", 4, HTTP_HEAD },
	{ "POST", 4, HTTP_NOT_ALLOWED },
	{ "PUT", 3, HTTP_NOT_ALLOWED },
	{ "DELETE", 6, HTTP_NOT_ALLOWED },
	{ "CONNECT", 7, HTTP_NOT_ALLOWED },
	{ "OPTIONS", 7, HTTP_NOT_ALLOWED },
	{ "TRACE", 5, HTTP_NOT_ALLOWED },
	{ "PATCH", 5, HTTP_NOT_ALLOWED },
};

static const struct {
	const char *text;
	size_t len;
} http_field_names[] = {
#define HTTP_FIELD(id, name) { name, sizeof(name) - 1 },
#include "services/http_fields.def"
#undef HTTP_FIELD
};

/* RFC 9110 s5.6.2. */
static bool
is_tchar(uint8_t b)
{
	if ((b >= '0' && b <= '9') || (b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z'))
		return true;
	return b != '\0' && strchr("!#$%&'*+-.^_`|~", b) != NULL;
}

/* --- request line (RFC 9112 s3) --------------------------------------------------------------- */

static enum http_method
method_find(const uint8_t *text, size_t len)
{
	for (size_t i = 0; i < sizeof(http_methods) / sizeof(http_methods[0]); i++)
		if (len == http_methods[i].len && memcmp(text, http_methods[i].text, len) == 0)
			return http_methods[i].method;
	return HTTP_UNKNOWN;
}

/*
 * Find the path in a request target: origin-form as it is; absolute-form without scheme and
 * authority, which a server must accept (RFC 9112 s3.2.2). Other forms belong to methods that are
 * refused anyway, so any text will do for them.
 */
static bool
target_find_path(struct line target, enum http_method method, struct line *path)
{
	const uint8_t *end = target.at + target.len;

	for (const uint8_t *b = target.at; b < end; b++)
		if (*b <= 0x20 || *b >= 0x7f || *b == '#')
			return false;
	*path = target;
	if (target.len == 0)
		return false;
	if (target.at[0] == '/' || (method != HTTP_GET && method != HTTP_HEAD))
		return true;
	if (target.len < 8 || strncasecmp((const char *)target.at, "http://", 7) != 0)
		return false;
	path->at += 7;
	while (path->at < end && *path->at != '/' && *path->at != '?')
		path->at++;
	path->len = (size_t)(end - path->at);
	/* The authority must not be empty (RFC 9110 s4.2.1). */
	return path->at > target.at + 7;
}

static enum http_verdict
parse_version(struct http_request *r, const uint8_t *text, size_t len)
{
	if (len != 8 || memcmp(text, "HTTP/", 5) != 0 || !http_is_digit(text[5]) ||
		text[6] != '.' || !http_is_digit(text[7]))
		return HTTP_PARSE_BAD;
	if (text[5] != '1')
		return HTTP_PARSE_VERSION_UNKNOWN;
	r->minor = text[7] == '0' ? 0 : 1;
	return HTTP_PARSE_MORE;
}

/* method SP request-target SP HTTP-version, with exactly one space each. */
static enum http_verdict
parse_request_line(struct http_request *r, const uint8_t *head, struct line line)
{
	struct line target, path;
	const uint8_t *space, *version;
	size_t method_len = 0;

	while (method_len < line.len && is_tchar(line.at[method_len]))
		method_len++;
	if (method_len == 0 || method_len == line.len || line.at[method_len] != ' ')
		return HTTP_PARSE_BAD;
	r->method = method_find(line.at, method_len);
	target.at = line.at + method_len + 1;
	target.len = line.len - method_len - 1;
	space = memchr(target.at, ' ', target.len);
	if (space == NULL)
		return HTTP_PARSE_BAD;
	version = space + 1;
	target.len = (size_t)(space - target.at);
	if (!target_find_path(target, r->method, &path))
		return HTTP_PARSE_BAD;
	r->target.at = (uint32_t)(path.at - head);
	r->target.len = (uint32_t)path.len;
	return parse_version(r, version, (size_t)(line.at + line.len - version));
}

/* --- header fields (RFC 9112 s5) -------------------------------------------------------------- */

static enum http_field
field_find(const uint8_t *name, size_t len)
{
	for (unsigned int i = 0; i < HTTP_FIELD_COUNT; i++)
		if (len == http_field_names[i].len &&
			strncasecmp((const char *)name, http_field_names[i].text, len) == 0)
			return (enum http_field)i;
	return HTTP_FIELD_COUNT;
}

/* Connection = #connection-option (RFC 9110 s7.6.1). */
static void
parse_connection(struct http_request *r, struct line value)
{
	size_t at = 0;

	while (at < value.len) {
		size_t end = at, next;

		while (end < value.len && value.at[end] != ',')
			end++;
		next = end + 1;
		while (at < end && http_is_space(value.at[at]))
			at++;
		while (end > at && http_is_space(value.at[end - 1]))
			end--;
		if (http_text_equals(value.at + at, end - at, "close"))
			r->says_close = true;
		else if (http_text_equals(value.at + at, end - at, "keep-alive"))
			r->says_keep_alive = true;
		at = next;
	}
}

static bool
parse_content_length(struct http_request *r, struct line value)
{
	size_t at = 0;

	return http_read_digits(value.at, value.len, &at, &r->content_length) > 0 &&
		at == value.len;
}

/* uri-host [ ":" port ] by its characters (RFC 3986 s3.2.2), user information excluded. */
static bool
is_host(struct line value)
{
	for (size_t i = 0; i < value.len; i++) {
		uint8_t b = value.at[i];

		if (b <= 0x20 || b >= 0x7f || strchr("\"#/<>?@\\^`{|}", b) != NULL)
			return false;
	}
	return true;
}

static enum http_verdict
use_field(struct http_request *r, enum http_field field, struct line value)
{
	/*
	 * Only Connection may come in several lines here. The conditional lists could too, but
	 * nobody sends them so; half of a condition must not be taken for the whole.
	 */
	if ((r->seen & 1u << field) != 0 && field != HTTP_FIELD_CONNECTION)
		return HTTP_PARSE_BAD;
	r->seen |= 1u << field;
	if (field == HTTP_FIELD_CONNECTION)
		parse_connection(r, value);
	else if ((field == HTTP_FIELD_CONTENT_LENGTH && !parse_content_length(r, value)) ||
		(field == HTTP_FIELD_HOST && !is_host(value)))
		return HTTP_PARSE_BAD;
	else if (field == HTTP_FIELD_EXPECT)
		r->expect_continue = http_text_equals(value.at, value.len, "100-continue");
	else if (field == HTTP_FIELD_TRANSFER_ENCODING)
		r->chunked = http_text_equals(value.at, value.len, "chunked");
	return HTTP_PARSE_MORE;
}

static enum http_verdict
parse_field_line(struct http_request *r, const uint8_t *head, struct line line)
{
	struct line value;
	enum http_field field;
	size_t name_len = 0;

	/* No name at all: a folded line, or space before the first field (RFC 9112 s2.2, s5.2). */
	while (name_len < line.len && is_tchar(line.at[name_len]))
		name_len++;
	if (name_len == 0 || name_len == line.len || line.at[name_len] != ':')
		return HTTP_PARSE_BAD;
	value.at = line.at + name_len + 1;
	value.len = line.len - name_len - 1;
	for (size_t i = 0; i < value.len; i++)
		if (!http_is_field_byte(value.at[i]))
			return HTTP_PARSE_BAD;
	field = field_find(line.at, name_len);
	if (field == HTTP_FIELD_COUNT)
		return HTTP_PARSE_MORE;
	while (value.len > 0 && http_is_space(value.at[0])) {
		value.at++;
		value.len--;
	}
	while (value.len > 0 && http_is_space(value.at[value.len - 1]))
		value.len--;
	r->fields[field].at = (uint32_t)(value.at - head);
	r->fields[field].len = (uint32_t)value.len;
	return use_field(r, field, value);
}

/* --- the head --------------------------------------------------------------------------------- */

static bool
has_field(const struct http_request *r, enum http_field field)
{
	return (r->seen & 1u << field) != 0;
}

/* The empty line is there: do the fields fit together? */
static enum http_verdict
check_head(const struct http_request *r)
{
	bool has_coding = has_field(r, HTTP_FIELD_TRANSFER_ENCODING);

	/* RFC 9112 s3.2. */
	if (r->minor >= 1 && !has_field(r, HTTP_FIELD_HOST))
		return HTTP_PARSE_BAD;
	/* RFC 9112 s6.1: either is a sign of smuggling. */
	if (has_coding && (has_field(r, HTTP_FIELD_CONTENT_LENGTH) || r->minor == 0))
		return HTTP_PARSE_BAD;
	if (has_coding && !r->chunked)
		return HTTP_PARSE_CODING_UNKNOWN;
	return HTTP_PARSE_DONE;
}

static enum http_verdict
parse_line(struct http_parser *p, const uint8_t *head, struct line line)
{
	struct http_request *r = &p->request;

	if (!p->has_request_line) {
		/* RFC 9112 s2.2: empty lines before a request are to be ignored. */
		if (line.len == 0)
			return HTTP_PARSE_MORE;
		p->has_request_line = true;
		return parse_request_line(r, head, line);
	}
	if (line.len == 0)
		return check_head(r);
	if (++p->lines > HTTP_MAX_HEADER_LINES)
		return HTTP_PARSE_HEAD_TOO_LARGE;
	return parse_field_line(r, head, line);
}

void
http_parser_init(struct http_parser *p, uint32_t max_bytes)
{
	assert(max_bytes >= 64);
	memset(p, 0, sizeof(*p));
	p->max_bytes = max_bytes;
}

enum http_verdict
http_parse(struct http_parser *p, const uint8_t *head, size_t len)
{
	uint32_t limit = len < p->max_bytes ? (uint32_t)len : p->max_bytes;

	while (p->verdict == HTTP_PARSE_MORE && p->line_at < limit) {
		const uint8_t *start = head + p->line_at;
		const uint8_t *lf;
		struct line line = { start, 0 };

		/* What cannot become a method is refused at its first byte: TLS, for example. */
		if (!p->has_request_line && !is_tchar(*start) && *start != '\r' && *start != '\n')
			return p->verdict = HTTP_PARSE_BAD;
		lf = memchr(head + p->scanned, '\n', limit - p->scanned);
		if (lf == NULL) {
			p->scanned = limit;
			break;
		}
		line.len = (size_t)(lf - start);
		if (line.len > 0 && start[line.len - 1] == '\r')
			line.len--;
		p->line_at = p->scanned = (uint32_t)(lf - head) + 1;
		p->request.head_bytes = p->line_at;
		p->verdict = parse_line(p, head, line);
	}
	if (p->verdict == HTTP_PARSE_MORE && limit == p->max_bytes)
		p->verdict = p->has_request_line ? HTTP_PARSE_HEAD_TOO_LARGE :
						   HTTP_PARSE_TARGET_TOO_LONG;
	return p->verdict;
}
