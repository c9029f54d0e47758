/* SPDX-License-Identifier: BSD-3-Clause */
/* Preconditions: entity tags and dates of a request against those of a file. */
#include <string.h>

#include "services/http_cond.h"
#include "services/http_date.h"
#include "services/http_text.h"

static bool
has_field(const struct http_request *r, enum http_field field)
{
	return (r->seen & 1u << field) != 0;
}

/* The length of the entity tag text starts with (RFC 9110 s8.8.3), or 0. */
static size_t
etag_length(const uint8_t *text, size_t len)
{
	size_t at = len >= 2 && text[0] == 'W' && text[1] == '/' ? 2 : 0;

	if (at == len || text[at] != '"')
		return 0;
	for (at++; at < len; at++) {
		if (text[at] == '"')
			return at + 1;
		if (text[at] <= 0x20 || text[at] == 0x7f)
			return 0;
	}
	return 0;
}

/*
 * Is the tag in "*" or in the list? A broken list matches nothing. The file's tag is strong, so a
 * weak comparison only has to look past W/ in the list, and a strong one has to skip such tags.
 */
static bool
etag_matches(const uint8_t *list, size_t len, const char *etag, bool weak)
{
	size_t at = 0;

	if (len == 1 && list[0] == '*')
		return true;
	while (at < len) {
		size_t n = etag_length(list + at, len - at);
		size_t skip = n > 0 && list[at] == 'W' ? 2 : 0;

		if (n == 0 && list[at] != ',' && !http_is_space(list[at]))
			return false;
		if (n > 0 && (weak || skip == 0) && n - skip == strlen(etag) &&
			memcmp(list + at + skip, etag, n - skip) == 0)
			return true;
		at += n > 0 ? n : 1;
	}
	return false;
}

/* The date in a field; false if it is absent or none. */
static bool
field_date(const struct http_request *r, const uint8_t *head, enum http_field field,
	int64_t *wall_s)
{
	const struct http_span *span = &r->fields[field];

	return has_field(r, field) && http_date_parse(head + span->at, span->len, wall_s) == 0;
}

enum http_cond_verdict
http_cond_evaluate(const struct http_request *r, const uint8_t *head,
	const struct http_validators *v)
{
	const struct http_span *match = &r->fields[HTTP_FIELD_IF_MATCH];
	const struct http_span *none = &r->fields[HTTP_FIELD_IF_NONE_MATCH];
	int64_t date_s;

	if (has_field(r, HTTP_FIELD_IF_MATCH)) {
		if (!etag_matches(head + match->at, match->len, v->etag, false))
			return HTTP_COND_FAILED;
	} else if (field_date(r, head, HTTP_FIELD_IF_UNMODIFIED_SINCE, &date_s)) {
		if (v->modified_s > date_s)
			return HTTP_COND_FAILED;
	}
	if (has_field(r, HTTP_FIELD_IF_NONE_MATCH)) {
		if (etag_matches(head + none->at, none->len, v->etag, true))
			return HTTP_COND_NOT_MODIFIED;
	} else if (field_date(r, head, HTTP_FIELD_IF_MODIFIED_SINCE, &date_s)) {
		if (v->modified_s <= date_s)
			return HTTP_COND_NOT_MODIFIED;
	}
	return HTTP_COND_PROCEED;
}

bool
http_cond_range_applies(const struct http_request *r, const uint8_t *head,
	const struct http_validators *v)
{
	const struct http_span *span = &r->fields[HTTP_FIELD_IF_RANGE];
	int64_t date_s;

	/* s14.2: Range means something for GET only. */
	if (!has_field(r, HTTP_FIELD_RANGE) || r->method != HTTP_GET)
		return false;
	if (!has_field(r, HTTP_FIELD_IF_RANGE))
		return true;
	if (field_date(r, head, HTTP_FIELD_IF_RANGE, &date_s))
		return v->modified_s == date_s;
	return span->len == strlen(v->etag) && memcmp(head + span->at, v->etag, span->len) == 0;
}
