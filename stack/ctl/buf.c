/* SPDX-License-Identifier: BSD-3-Clause */
/* The growing queue of bytes. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "ctl/buf.h"

#define SIZE_MIN 4096u
/* A buffer that has become empty gives memory beyond this back. */
#define SIZE_KEPT 65536u

int
ctl_buf_add(struct ctl_buf *buf, const char *data, size_t len)
{
	if (buf->begin > 0 && buf->size - buf->end < len) {
		memmove(buf->data, buf->data + buf->begin, ctl_buf_len(buf));
		buf->end -= buf->begin;
		buf->begin = 0;
	}
	if (buf->size - buf->end < len) {
		size_t size = buf->size > 0 ? buf->size : SIZE_MIN;
		char *grown;

		while (size - buf->end < len)
			size *= 2;
		grown = realloc(buf->data, size);
		if (grown == NULL)
			return -ENOMEM;
		buf->data = grown;
		buf->size = size;
	}
	memcpy(buf->data + buf->end, data, len);
	buf->end += len;
	return 0;
}

void
ctl_buf_drop(struct ctl_buf *buf, size_t len)
{
	ASSERT(len <= ctl_buf_len(buf));
	buf->begin += len;
	if (buf->begin < buf->end)
		return;
	buf->begin = 0;
	buf->end = 0;
	if (buf->size > SIZE_KEPT)
		ctl_buf_free(buf);
}

void
ctl_buf_free(struct ctl_buf *buf)
{
	free(buf->data);
	*buf = (struct ctl_buf){ 0 };
}
