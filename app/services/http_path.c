/* SPDX-License-Identifier: BSD-3-Clause */
/* Percent-decoding and dot-segment removal for request targets. */
#include <string.h>

#include "services/http_path.h"
#include "services/http_text.h"

/* Decode one part of the path into dst (cap bytes); its length, or -1 bad, -2 too long. */
static int
decode_part(const uint8_t *src, size_t len, char *dst, size_t cap)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		uint8_t c = src[i];

		if (c == '%') {
			int high, low;

			if (len - i < 3)
				return -1;
			high = http_hex_value(src[i + 1]);
			low = http_hex_value(src[i + 2]);
			if (high < 0 || low < 0)
				return -1;
			c = (uint8_t)(high << 4 | low);
			i += 2;
		}
		if (c < 0x20 || c == 0x7f || c == '/')
			return -1;
		if (n == cap)
			return -2;
		dst[n++] = (char)c;
	}
	return (int)n;
}

/* Back to before the last part of the name; false if there is none. */
static bool
drop_last_part(struct http_path *p)
{
	if (p->len == 0)
		return false;
	while (p->len > 0 && p->name[p->len - 1] != '/')
		p->len--;
	if (p->len > 0)
		p->len--;
	return true;
}

/* Add one part, the bytes between two slashes. */
static enum http_path_verdict
add_part(struct http_path *p, const uint8_t *part, size_t part_len)
{
	size_t at = p->len > 0 ? p->len + 1 : 0;
	size_t cap = at < HTTP_PATH_MAX - 1 ? HTTP_PATH_MAX - 1 - at : 0;
	int n = decode_part(part, part_len, p->name + at, cap);

	if (n == -1)
		return HTTP_PATH_BAD;
	if (n == -2)
		return HTTP_PATH_TOO_LONG;
	p->is_dir = true;
	if (n == 0 || (n == 1 && p->name[at] == '.'))
		return HTTP_PATH_OK;
	if (n == 2 && memcmp(p->name + at, "..", 2) == 0)
		return drop_last_part(p) ? HTTP_PATH_OK : HTTP_PATH_BAD;
	p->is_dir = false;
	if (p->len > 0)
		p->name[p->len] = '/';
	p->len = at + (size_t)n;
	return HTTP_PATH_OK;
}

enum http_path_verdict
http_path_resolve(const uint8_t *target, size_t len, struct http_path *out)
{
	const uint8_t *query = len > 0 ? memchr(target, '?', len) : NULL;
	size_t at = 0;

	if (query != NULL)
		len = (size_t)(query - target);
	out->len = 0;
	out->is_dir = true;
	while (at < len) {
		const uint8_t *slash = memchr(target + at, '/', len - at);
		size_t end = slash != NULL ? (size_t)(slash - target) : len;
		enum http_path_verdict verdict = add_part(out, target + at, end - at);

		if (verdict != HTTP_PATH_OK)
			return verdict;
		at = end + 1;
		/* "/a/" names a directory as "/a/." does. */
		if (slash != NULL && at == len)
			out->is_dir = true;
	}
	out->name[out->len] = '\0';
	return HTTP_PATH_OK;
}
