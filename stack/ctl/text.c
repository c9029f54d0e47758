/* SPDX-License-Identifier: BSD-3-Clause */
/* UTF-8 checks and escaping of what a terminal would obey. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "ctl/text.h"

/* Length of the character at text (1..4) and its code point; 0: not UTF-8. */
static size_t
char_parse(const unsigned char *text, size_t len, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t need, i;
	uint32_t value;

	if (text[0] < 0x80) {
		*code = text[0];
		return 1;
	}
	if (text[0] >= 0xf8 || text[0] < 0xc0)
		return 0;
	need = text[0] >= 0xf0 ? 4 : text[0] >= 0xe0 ? 3 : 2;
	if (need > len)
		return 0;
	value = text[0] & (0xffu >> (need + 1));
	for (i = 1; i < need; i++) {
		if ((text[i] & 0xc0) != 0x80)
			return 0;
		value = value << 6 | (text[i] & 0x3f);
	}
	if (value < least[need] || value > 0x10ffff || (value >= 0xd800 && value <= 0xdfff))
		return 0;
	*code = value;
	return need;
}

/* Would a terminal act on it instead of showing it? */
static bool
is_unsafe(uint32_t code)
{
	return code < 0x20 || (code >= 0x7f && code <= 0x9f) ||
	       (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069) ||
	       code == 0x200e || code == 0x200f;
}

bool
text_is_utf8(const char *text, size_t len)
{
	size_t at = 0;

	while (at < len) {
		uint32_t code;
		size_t n = char_parse((const unsigned char *)text + at, len - at, &code);

		if (n == 0)
			return false;
		at += n;
	}
	return true;
}

size_t
text_escape(const char *text, size_t len, char *out, size_t out_len)
{
	const unsigned char *in = (const unsigned char *)text;
	size_t at = 0, used = 0;

	ASSERT(out_len > 0);
	while (at < len) {
		uint32_t code;
		size_t n = char_parse(in + at, len - at, &code);
		bool escape = n == 0 || is_unsafe(code);
		size_t bytes = n == 0 ? 1 : n;
		size_t i;

		if (used + (escape ? 4 * bytes : bytes) >= out_len)
			break;
		for (i = 0; i < bytes; i++) {
			if (escape)
				snprintf(out + used, 5, "\\x%02x", in[at + i]);
			else
				out[used] = (char)in[at + i];
			used += escape ? 4 : 1;
		}
		at += bytes;
	}
	out[used] = '\0';
	return used;
}
