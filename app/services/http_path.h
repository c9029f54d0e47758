/* SPDX-License-Identifier: BSD-3-Clause */
/* Turns the target of a request into a relative file name that cannot leave its directory. */
#ifndef SERVICES_HTTP_PATH_H
#define SERVICES_HTTP_PATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** A resolved name with its NUL; longer ones are no names of files here. */
#define HTTP_PATH_MAX 512u

enum http_path_verdict {
	HTTP_PATH_OK,
	HTTP_PATH_BAD,		/* broken escape, encoded '/' or control, above the root: 400 */
	HTTP_PATH_TOO_LONG,	/* does not fit into HTTP_PATH_MAX: 404 */
};

struct http_path {
	size_t len;		/* of name */
	bool is_dir;		/* the target ended in '/', or was empty: a directory is meant */
	char name[HTTP_PATH_MAX]; /* "a/b.html": no '/' at the ends, no "", "." or ".." part */
};

/**
 * Resolve an absolute path with an optional query, which is cut off. Escapes are decoded once
 * (RFC 3986 s2.4), then "." and ".." parts are removed (s5.2.4; above the root is refused) and
 * empty parts dropped. An encoded '/' is refused: no file name contains one.
 */
enum http_path_verdict http_path_resolve(const uint8_t *target, size_t len, struct http_path *out);

#endif
