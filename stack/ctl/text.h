/* SPDX-License-Identifier: BSD-3-Clause */
/* Text from elsewhere, made safe for a terminal. */
#ifndef CTL_TEXT_H
#define CTL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/** Is text valid UTF-8 (RFC 3629: no surrogates, nothing overlong, at most U+10FFFF)? */
bool text_is_utf8(const char *text, size_t len);

/**
 * Copy text so that a terminal shows it and does nothing else: control characters (C0, DEL, C1),
 * bidirectional overrides and bytes that are not UTF-8 become \xNN. Always ends out; cuts at
 * out_len. Returns the bytes written without the end. out_len > 0.
 */
size_t text_escape(const char *text, size_t len, char *out, size_t out_len);

#endif
