/* SPDX-License-Identifier: BSD-3-Clause */
/* Cuts a stream into lines. */
#include <errno.h>
#include <string.h>

#include "base/assert.h"
#include "ctl/lines.h"

char *
ctl_lines_room(struct ctl_lines *lines, size_t *len)
{
	if (lines->begin > 0) {
		memmove(lines->data, lines->data + lines->begin, lines->end - lines->begin);
		lines->end -= lines->begin;
		lines->begin = 0;
	}
	*len = sizeof(lines->data) - lines->end;
	return lines->data + lines->end;
}

void
ctl_lines_fill(struct ctl_lines *lines, size_t len)
{
	ASSERT(len <= sizeof(lines->data) - lines->end);
	lines->end += len;
}

ssize_t
ctl_lines_next(struct ctl_lines *lines, const char **line)
{
	const char *begin = lines->data + lines->begin;
	size_t have = lines->end - lines->begin;
	const char *newline = memchr(begin + lines->scanned, '\n', have - lines->scanned);

	if (newline == NULL) {
		lines->scanned = have;
		return have == sizeof(lines->data) ? -E2BIG : -EAGAIN;
	}
	*line = begin;
	lines->scanned = 0;
	lines->begin += (size_t)(newline - begin) + 1;
	return newline - begin;
}

bool
ctl_lines_has_line(const struct ctl_lines *lines)
{
	const char *begin = lines->data + lines->begin + lines->scanned;

	return memchr(begin, '\n', lines->end - lines->begin - lines->scanned) != NULL;
}
