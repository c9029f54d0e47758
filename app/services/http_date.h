/* SPDX-License-Identifier: BSD-3-Clause */
/* HTTP dates, to text and back (RFC 9110 s5.6.7). */
#ifndef SERVICES_HTTP_DATE_H
#define SERVICES_HTTP_DATE_H

#include <stddef.h>
#include <stdint.h>

/** "Sun, 06 Nov 1994 08:49:37 GMT", without a NUL. */
#define HTTP_DATE_BYTES 29u

/** Write the time wall_s (seconds since 1970, years 1970 to 9999) as an IMF-fixdate; no NUL. */
void http_date_format(char out[HTTP_DATE_BYTES], int64_t wall_s);

/**
 * Read any of the three forms a recipient must accept: IMF-fixdate, RFC 850 (years 70 to 99 are
 * 19xx, the others 20xx), asctime. 0 or -EINVAL.
 */
int http_date_parse(const uint8_t *text, size_t len, int64_t *wall_s);

#endif
