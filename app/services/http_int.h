/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of the http service share: its state per worker and per connection. */
#ifndef SERVICES_HTTP_INT_H
#define SERVICES_HTTP_INT_H

#include <stdbool.h>
#include <stdint.h>

#include "services/http_body.h"
#include "services/http_date.h"
#include "services/http_files.h"
#include "services/http_parse.h"
#include "services/http_response.h"
#include "services/service_pool.h"
#include "services/services.h"
#include "sluice/sluice.h"

/** Requests of one connection answered in a row before others get their turn. */
#define HTTP_REQUESTS_PER_TURN 256u

/** Buffers of a file read with one system call. */
#define HTTP_FILE_BATCH 16u

/** To the next turn of a connection that has had its share, and to the next try for a buffer. */
#define HTTP_TURN_MS 1u
#define HTTP_NOBUFS_MS 10u

/** After the last response the client may take this long, and send this much, before a reset. */
#define HTTP_LINGER_MS 5000u
#define HTTP_LINGER_BYTES (1u << 20)

/** How often the wall clock is looked at: the Date field may be late by this. */
#define HTTP_CLOCK_US 100000u

/** A response's head with its whole body in memory, or with the start of a file. */
#define HTTP_SCRATCH_BYTES 10240u
_Static_assert(HTTP_SCRATCH_BYTES >= HTTP_HEAD_MAX + HTTP_FILE_INLINE_BYTES,
	"every body in memory goes out with its head");

/** A response that is always at hand: 200 with these bytes, as a persistent connection gets it. */
struct http_page {
	size_t head_bytes;
	size_t body_bytes;
	size_t date_at;		/* where the date stands in text */
	const char *type;
	char text[1024];	/* head, then body: one small send */
};

/** One response, from the decision on it to its last byte. */
struct http_reply {
	struct http_head head;
	bool head_only;		/* HEAD: the body is not sent */
	bool started;		/* date_s and head_bytes are set */
	const struct http_page *page; /* its text is the response, as long as its date is date_s */
	const char *memory;	/* body in memory, or NULL */
	struct http_file *file;	/* held while the reply lives, or NULL */
	uint64_t file_at;	/* first byte of the file to send */
	uint64_t body_bytes;	/* to be sent */
	uint64_t head_bytes;
	uint64_t sent;		/* of head and body */
	int64_t date_s;		/* the Date it carries */
};

enum http_phase {
	HTTP_PHASE_FREE,	/* the slot is not in use */
	HTTP_PHASE_HEAD,	/* waiting for a request, or for the rest of its head */
	HTTP_PHASE_BODY,	/* skipping its body */
	HTTP_PHASE_SEND,	/* sending the response */
	HTTP_PHASE_LINGER,	/* all is sent, our side is shut: reading until the client's FIN */
};

/** A head that did not arrive in one piece. */
struct http_partial {
	struct http_parser parser;
	uint32_t len;
	uint8_t bytes[];	/* max_header_bytes of them */
};

struct http_conn {
	struct http *http;	/* the pool uses its first bytes while the slot is free */
	sluice_conn handle;
	enum http_phase phase;
	bool client_closes;	/* the last request asked for the end of the connection */
	uint32_t requests;	/* answered or being answered */
	struct sluice_buf in;	/* received, what is not used up of it */
	struct http_partial *partial; /* a head in parts, or NULL */
	uint64_t deadline_us;	/* when the patience of this phase ends */
	uint64_t timer_us;	/* when the stack's timer will fire; 0: not set */
	ptrdiff_t send_space;	/* of the stack's send buffer when we last waited for it */
	uint32_t lingered_bytes;
	uint32_t retry_ms;	/* not 0: come back after this time, without being asked to */
	struct http_body body;
	struct http_reply reply;
};

struct http {
	struct service_config config; /* root: not valid after start */
	sluice_listener listener;
	bool draining;		/* the listener is closed, every response is a connection's last */
	struct service_pool conns;
	struct service_pool partials;
	struct http_files files;
	int64_t wall_s;		/* wall clock */
	uint64_t clock_due_us;	/* when to look at it again */
	int64_t no_index_s;	/* the directory had no index.html at this wall_s */
	char date[HTTP_DATE_BYTES]; /* wall_s as text */
	struct http_page root_page;
	struct http_page health_page;
	struct http_page busy_page; /* 503 for connections without a slot */
	struct http_parser parser; /* for heads that arrive in one piece */
	char scratch[HTTP_SCRATCH_BYTES];
};

/* --- http_reply.c ----------------------------------------------------------------------------- */

/** Decide on the response to a request; head is what it was parsed from. */
void http_reply_plan(struct http *h, const struct http_request *r, const uint8_t *head,
	struct http_reply *reply);

/** A response with a status and its name as the body. */
void http_reply_status(struct http_reply *reply, uint16_t status, bool head_only);

/** Let go of what the reply holds. Twice is allowed. */
void http_reply_release(struct http *h, struct http_reply *reply);

/**
 * Send what the connection takes. 1: all of it is queued; -EAGAIN: writable will come; -ENOBUFS:
 * try again soon; anything else: the response cannot be finished.
 */
int http_reply_send(struct http *h, struct sluice *s, sluice_conn c, struct http_reply *reply);

/* --- http_conn.c ------------------------------------------------------------------------------ */

/** Begin to serve an accepted connection whose data is conn. */
void http_conn_start(struct sluice *s, struct http_conn *conn);

/** Something happened: go on with it. The slot may be free afterwards. */
void http_conn_run(struct sluice *s, struct http_conn *conn);

/** The timer fired. */
void http_conn_timeout(struct sluice *s, struct http_conn *conn);

/** Close it now if it waits for a request. */
void http_conn_close_idle(struct sluice *s, struct http_conn *conn);

/** Give back everything the connection holds, and its slot. */
void http_conn_release(struct sluice *s, struct http_conn *conn);

/** Callbacks of a connection that needs nothing any more. */
extern const struct sluice_ops http_gone_ops;

#endif
