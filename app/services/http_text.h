/* SPDX-License-Identifier: BSD-3-Clause */
/* Characters and numbers as HTTP's grammar knows them, for its parsers. */
#ifndef SERVICES_HTTP_TEXT_H
#define SERVICES_HTTP_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

static inline bool
http_is_digit(uint8_t b)
{
	return b >= '0' && b <= '9';
}

/** Optional white space: SP or HTAB (RFC 9110 s5.6.3). */
static inline bool
http_is_space(uint8_t b)
{
	return b == ' ' || b == '\t';
}

/** What may stand in a field value: visible, obs-text, SP, HTAB (RFC 9110 s5.5). */
static inline bool
http_is_field_byte(uint8_t b)
{
	return (b >= 0x20 && b != 0x7f) || b == '\t';
}

/** The value of a hexadecimal digit, or -1. */
static inline int
http_hex_value(uint8_t b)
{
	if (http_is_digit(b))
		return b - '0';
	b |= 0x20;
	return b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

/** Whether len bytes equal a word, upper and lower case alike. */
static inline bool
http_text_equals(const uint8_t *text, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp((const char *)text, word, len) == 0;
}

/** Read digits at text[*at]; returns how many. The value saturates at UINT64_MAX. */
static inline size_t
http_read_digits(const uint8_t *text, size_t len, size_t *at, uint64_t *value)
{
	size_t start = *at;
	uint64_t n = 0;

	for (; *at < len && http_is_digit(text[*at]); (*at)++)
		n = n > (UINT64_MAX - 9) / 10 ? UINT64_MAX : 10 * n + (uint64_t)(text[*at] - '0');
	*value = n;
	return *at - start;
}

#endif
