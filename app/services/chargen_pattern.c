/* SPDX-License-Identifier: BSD-3-Clause */
/* The rotating lines of the character generator (RFC 864, "One popular pattern"). */
#include <assert.h>
#include <string.h>

#include "services/chargen_pattern.h"

/* Every line is a window of this: all printable characters, then the first 71 again. */
static const char chargen_ring[] =
	" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`"
	"abcdefghijklmnopqrstuvwxyz{|}~"
	" !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdef";

_Static_assert(sizeof(chargen_ring) - 1 == CHARGEN_LINES + CHARGEN_LINE_CHARS - 1,
	"the last line ends with the ring");

uint32_t
chargen_fill(uint8_t *dst, size_t len, uint32_t pos)
{
	uint32_t line = pos / CHARGEN_LINE_BYTES;
	uint32_t column = pos % CHARGEN_LINE_BYTES;

	assert(pos < CHARGEN_PERIOD_BYTES);
	while (len > 0) {
		char text[CHARGEN_LINE_BYTES];
		size_t n = CHARGEN_LINE_BYTES - column;

		if (n > len)
			n = len;
		/* A line ends with CR LF, not with a zero. */
		/* NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
		memcpy(text, chargen_ring + line, CHARGEN_LINE_CHARS);
		memcpy(text + CHARGEN_LINE_CHARS, "\r\n", 2);
		memcpy(dst, text + column, n);
		dst += n;
		len -= n;
		column += (uint32_t)n;
		if (column == CHARGEN_LINE_BYTES) {
			column = 0;
			line = (line + 1) % CHARGEN_LINES;
		}
	}
	return line * CHARGEN_LINE_BYTES + column;
}
