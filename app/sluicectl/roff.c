/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes text in the language of manual pages. */
#include <stdbool.h>

#include "roff.h"

void
roff_text(const char *text, FILE *out)
{
	bool at_start = true;

	for (; *text != '\0'; text++) {
		if (at_start && (*text == '.' || *text == '\''))
			fputs("\\&", out);
		if (*text == '\\')
			fputs("\\e", out);
		else if (*text == '-')
			fputs("\\-", out);
		else
			fputc(*text, out);
		at_start = *text == '\n';
	}
}

void
roff_item(const char *tag, const char *text, FILE *out)
{
	fputs(".TP\n.B ", out);
	roff_text(tag, out);
	fputc('\n', out);
	roff_text(text, out);
	fputc('\n', out);
}
