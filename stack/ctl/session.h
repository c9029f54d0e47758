/* SPDX-License-Identifier: BSD-3-Clause */
/* One client's conversation: a line of text in, lines of text out; knows no sockets. */
#ifndef CTL_SESSION_H
#define CTL_SESSION_H

#include <stdbool.h>
#include <stddef.h>

#include "ctl/backend.h"
#include "ctl/buf.h"
#include "ctl/protocol.h"

struct ctl_listing;
struct ctl_stream;

struct ctl_session {
	const struct ctl_backend *backend;
	enum ctl_role role;
	struct ctl_listing *listing; /* a request that goes on, or NULL */
	struct ctl_stream *stream; /* the same of capture and trace */
	bool is_stuck; /* out of memory: close the connection */
};

/** What ctl_session_step() found. */
enum ctl_step {
	CTL_STEP_DONE, /* the request is answered */
	CTL_STEP_WAIT, /* time, a worker, another listing or the client has to do something first */
};

/** Is a request going on? */
static inline bool
ctl_session_is_busy(const struct ctl_session *s)
{
	return s->listing != NULL || s->stream != NULL;
}

void ctl_session_init(struct ctl_session *s, const struct ctl_backend *backend, enum ctl_role role);

/** Ends a request that goes on. */
void ctl_session_fini(struct ctl_session *s);

/** Queue the line that welcomes a client. */
void ctl_session_greet(struct ctl_session *s, struct ctl_buf *out);

/**
 * Handle one request, the len bytes of a line without its newline; no request may be going on.
 * Queues the answer to out or begins one that ctl_session_step() goes on with.
 */
void ctl_session_request(struct ctl_session *s, const char *line, size_t len, struct ctl_buf *out);

/**
 * Go on with the request: at most one line of CTL_ROWS_MAX rows is queued, and none unless
 * can_send. Call mail_collect() before.
 */
enum ctl_step ctl_session_step(struct ctl_session *s, bool can_send, struct ctl_buf *out);

/** Queue an error that answers no request. */
void ctl_session_error(
	struct ctl_session *s, const char *code, const char *message, struct ctl_buf *out);

#endif
