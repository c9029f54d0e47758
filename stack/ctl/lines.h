/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes of a stream cut into lines of bounded length. */
#ifndef CTL_LINES_H
#define CTL_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "ctl/protocol.h"

/** Zeroed but for data: empty. */
struct ctl_lines {
	size_t begin, end; /* data[begin .. end) was received and is not handled */
	size_t scanned; /* bytes from begin on without a newline */
	char data[CTL_FRAME_MAX];
};

/** Where received bytes go and how many fit; ctl_lines_fill() says how many came. */
char *ctl_lines_room(struct ctl_lines *lines, size_t *len);
void ctl_lines_fill(struct ctl_lines *lines, size_t len);

/**
 * Take the next whole line; it stays valid until ctl_lines_room(). Its length without the newline;
 * -EAGAIN: it is not complete; -E2BIG: it is longer than CTL_FRAME_MAX and never will be.
 */
ssize_t ctl_lines_next(struct ctl_lines *lines, const char **line);

/** Is there a whole line? */
bool ctl_lines_has_line(const struct ctl_lines *lines);

/** Is nothing left? */
static inline bool
ctl_lines_is_empty(const struct ctl_lines *lines)
{
	return lines->begin == lines->end;
}

#endif
