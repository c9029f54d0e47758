/* SPDX-License-Identifier: BSD-3-Clause */
/* A queue of bytes that grows: what still has to be sent to a client. */
#ifndef CTL_BUF_H
#define CTL_BUF_H

#include <stddef.h>

/** Zeroed: empty. */
struct ctl_buf {
	char *data;
	size_t begin, end, size; /* data[begin .. end) is queued */
};

static inline size_t
ctl_buf_len(const struct ctl_buf *buf)
{
	return buf->end - buf->begin;
}

static inline const char *
ctl_buf_data(const struct ctl_buf *buf)
{
	return buf->data + buf->begin;
}

/** -ENOMEM: nothing was added. */
int ctl_buf_add(struct ctl_buf *buf, const char *data, size_t len);

/** The first len bytes are done with. */
void ctl_buf_drop(struct ctl_buf *buf, size_t len);

void ctl_buf_free(struct ctl_buf *buf);

#endif
