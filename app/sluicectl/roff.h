/* SPDX-License-Identifier: BSD-3-Clause */
/* Text in the language of manual pages. */
#ifndef SLUICECTL_ROFF_H
#define SLUICECTL_ROFF_H

#include <stdio.h>

/** Text as roff takes it: no line of it is a request, nothing in it an escape, '-' a minus. */
void roff_text(const char *text, FILE *out);

/** A paragraph with a hanging tag in bold: its own line, then the text. */
void roff_item(const char *tag, const char *text, FILE *out);

#endif
