/* SPDX-License-Identifier: BSD-3-Clause */
/* The rotating lines of the character generator, from any position on. */
#ifndef SERVICES_CHARGEN_PATTERN_H
#define SERVICES_CHARGEN_PATTERN_H

#include <stddef.h>
#include <stdint.h>

#define CHARGEN_LINE_CHARS 72u	/* RFC 864: "a popular length" */
#define CHARGEN_LINE_BYTES (CHARGEN_LINE_CHARS + 2u) /* with CR LF */
#define CHARGEN_LINES 95u	/* printable ASCII characters; each line starts one further */

/** The stream repeats after this many bytes. */
#define CHARGEN_PERIOD_BYTES (CHARGEN_LINES * CHARGEN_LINE_BYTES)

/** Write len bytes of the stream from position pos (< CHARGEN_PERIOD_BYTES); the new position. */
uint32_t chargen_fill(uint8_t *dst, size_t len, uint32_t pos);

#endif
