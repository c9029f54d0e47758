/* SPDX-License-Identifier: BSD-3-Clause */
/* The Range field: first-last, first-, -suffix. */
#include <stdbool.h>

#include "services/http_range.h"
#include "services/http_text.h"

enum http_range_verdict
http_range_parse(const uint8_t *text, size_t len, uint64_t size, struct http_range *out)
{
	uint64_t first, last = UINT64_MAX;
	bool has_first;
	size_t at = 6;

	if (len < 6 || !http_text_equals(text, 6, "bytes="))
		return HTTP_RANGE_IGNORED;
	has_first = http_read_digits(text, len, &at, &first) > 0;
	if (at == len || text[at] != '-')
		return HTTP_RANGE_IGNORED;
	at++;
	if (at == len ? !has_first : http_read_digits(text, len, &at, &last) == 0)
		return HTTP_RANGE_IGNORED;
	if (at != len)
		return HTTP_RANGE_IGNORED;
	if (!has_first) {
		/* The last number is a count from the end. */
		if (last == 0)
			return HTTP_RANGE_UNSATISFIABLE;
		/* All of nothing is satisfiable but no Content-Range can say it. */
		if (size == 0)
			return HTTP_RANGE_IGNORED;
		out->len = last < size ? last : size;
		out->first = size - out->len;
		return HTTP_RANGE_OK;
	}
	if (last < first)
		return HTTP_RANGE_IGNORED;
	if (first >= size)
		return HTTP_RANGE_UNSATISFIABLE;
	out->first = first;
	out->len = (last < size - 1 ? last : size - 1) - first + 1;
	return HTTP_RANGE_OK;
}
