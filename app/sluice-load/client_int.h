/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the client: its groups, its connections, and what the applications do with them. */
#ifndef SLUICE_LOAD_CLIENT_INT_H
#define SLUICE_LOAD_CLIENT_INT_H

#include <stddef.h>

#include "base/rng.h"
#include "client.h"
#include "http_answer.h"
#include "schedule.h"

#define FLOW_NONE UINT32_MAX
/** Requests of a connection, or of a group, that has no end. */
#define NO_END UINT64_MAX

/** Bytes of the pattern that is sent; a power of 2. */
#define PATTERN_BYTES 65536u
/** Of a body, the bytes that are kept to compare others with; those behind are summed up. */
#define VERIFY_BYTES (4u << 20)
/** Longest HTTP request, and most bytes read at a time by a slow reader. */
#define REQUEST_BYTES_MAX 512u
#define SCRATCH_BYTES 65536u

/** Where a connection stands. */
enum flow_state {
	FLOW_FREE,
	FLOW_OPENING,
	FLOW_READY, /* open loop: waits for a request that is due; in the ready list */
	FLOW_BUSY, /* a request is under way */
	FLOW_RESTING, /* thinks, or holds still before its end */
	FLOW_LEFT, /* waits for the server's end */
	FLOW_CLOSING, /* closed or reset by us, until the stack is done with it */
};

/** What its end will be counted as. */
enum flow_end {
	FLOW_END_NONE,
	FLOW_END_CLOSED,
	FLOW_END_ABORTED,
	FLOW_END_FAILED,
};

struct client_group;

/** One connection. */
struct flow {
	sluice_conn conn;
	struct client_group *group;
	uint32_t prev, next; /* in the ready list; next also in the free list */
	uint8_t state; /* enum flow_state */
	uint8_t end; /* enum flow_end */
	uint8_t fail; /* enum load_fail, with FLOW_END_FAILED */
	bool is_established, has_request, will_abort, is_last, peer_ended, fin_sent;
	uint64_t requests_left; /* of this connection */
	uint64_t begun_us; /* the connection */
	uint64_t due_us; /* the request, and whatever is measured of it */
	uint64_t since_us; /* the state, or the last progress of a stream */
	uint64_t rest_until_us; /* UINT64_MAX: no rest */
	uint64_t send_after_us, read_after_us; /* slow clients; 0: now */
	uint64_t timer_us; /* when the stack calls; 0: not */
	uint64_t to_send, sent; /* bytes of the request */
	uint64_t got; /* bytes of the answer */
	uint32_t pattern_at; /* where in the pattern it begins */
	uint64_t rest_sum; /* http: of the body behind what is kept to compare */
	struct http_answer http;
};

/** One worker's part of a group. */
struct client_group {
	struct client *client;
	const struct load_group *conf;
	struct sluice_addr target;
	uint32_t conns; /* of this worker */
	uint32_t used; /* connections that are not free */
	uint32_t swept; /* those looked at while stopping */
	uint32_t free_head, ready_head, ready_tail;
	uint32_t fresh; /* flows never used begin here */
	struct flow *flows;
	uint64_t left; /* requests that may still begin */
	uint64_t hold_until_us; /* no new connection before: the last found no port or room */
	bool is_stopping, is_lazy; /* lazy: connections are opened when a request is due */
	/* open loop: requests first, first + step, ... of the schedule are ours */
	struct schedule schedule;
	uint64_t next, step;
	bool has_ramped, has_ended;
	/* http */
	char request[REQUEST_BYTES_MAX], last_request[REQUEST_BYTES_MAX];
	uint32_t request_len, last_request_len;
	uint8_t *body; /* the first answer's, as far as it is kept */
	uint64_t body_have, body_len; /* body_len: NO_END until one is complete */
	uint64_t rest_sum; /* of the first complete one */
	int probe_err; /* 1: not known yet */
	sluice_conn probe;
	struct load_stats stats;
};

struct client {
	struct client_params par;
	struct rng rng;
	uint64_t start_us; /* UINT64_MAX: not yet */
	uint64_t ramp_end_us, end_us, grace_end_us;
	bool is_stopping, is_aborting;
	unsigned int source_next;
	unsigned int group_count;
	uint8_t *pattern, *chargen, *scratch;
	struct client_group groups[LOAD_GROUPS_MAX];
};

/** What came of received bytes, or of the peer's end. */
enum flow_verdict {
	FLOW_MORE,
	FLOW_DONE, /* the answer is complete */
	FLOW_FAIL, /* with flow->fail set */
};

/** One way to talk (flow_app.c). */
struct flow_app {
	/** Set to_send and what belongs to the answer. */
	void (*begin)(struct flow *f);
	/** The next bytes to send: *len of them in a row; called while to_send is not 0. */
	const uint8_t *(*source)(const struct flow *f, size_t *len);
	/** Judge what has come. */
	enum flow_verdict (*take)(struct flow *f, const uint8_t *data, size_t len);
	/** The peer has ended, and a request is under way. */
	enum flow_verdict (*end)(struct flow *f);
	/** Progress puts the timeout off. */
	bool is_stream;
};

extern const struct flow_app *const flow_apps[]; /* by enum load_app */

/* One connection (flow.c). */

/** Open one more; due_us: of the request that waits for it, 0: none. False: not now. */
bool flow_open(struct client_group *g, uint64_t due_us);

/** Begin a request on a ready one. */
void flow_begin(struct flow *f, uint64_t due_us);

/** The group is stopping: end what waits, and streams. force: reset it. */
void flow_sweep(struct flow *f, bool force);

/* What the clock allows (client.c). */

/** When the next request of an open loop is due; UINT64_MAX: there is none. */
uint64_t group_next_due_us(const struct client_group *g);

/** Take the next request, at due_us in an open loop; false: none is due, or none is left. */
bool group_take(struct client_group *g, uint64_t now_us, uint64_t *due_us);

/** The ready list, oldest first. */
void group_ready_add(struct client_group *g, struct flow *f);
void group_ready_remove(struct client_group *g, struct flow *f);

#endif
