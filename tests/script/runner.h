/* SPDX-License-Identifier: BSD-3-Clause */
/* The state of one script being played, shared by the files of the runner. */
#ifndef SCRIPT_RUNNER_H
#define SCRIPT_RUNNER_H

#include <stdio.h>

#include "lib/host.h"
#include "script/script.h"

/** Frames that may wait to be compared. */
#define RUNNER_QUEUE_MAX 1024u
/** Connections one listener may hand over in a script. */
#define RUNNER_CONNS_MAX 256u

/** What the application knows of one connection: what its callbacks said. */
struct app_conn {
	sluice_conn handle;
	bool in_use; /* handed over to the application */
	bool gone; /* closed was called */
	bool connected;
	bool readable, writable;
	int connect_err, close_err;
	struct runner *r;
};

/** A connection as the script sees it: the peer's half, and the application's. */
struct flow {
	struct app_conn *conn; /* NULL until accept or connect */
	uint16_t rport, lport; /* lport 0: not known yet */
	uint32_t isn, iss; /* the peer's and the appliance's first sequence number */
	bool iss_known, ts_known;
	uint32_t ts_base; /* first timestamp the appliance sent */
	uint32_t ts_last;
	uint32_t sent, received; /* bytes the application has sent and taken */
	bool is_active; /* opened by the appliance */
};

/** A frame the appliance sent, waiting for its line. */
struct sent {
	uint64_t at_us;
	struct flow *flow; /* NULL: of no connection of the script */
	struct view view; /* points into bytes */
	uint8_t *bytes;
};

struct runner {
	const struct script *script;
	const struct script_opts *opts;
	const struct stmt *at; /* the line being played; NULL: the end of the script */
	struct host host;
	bool started;
	bool skipped; /* the script is for the other IP version */
	struct host_params par;
	uint64_t start_us, event_us; /* time 0, and the time of the last event */
	uint32_t isn; /* of every flow, unless set */
	struct flow flows[SCRIPT_FLOWS_MAX];
	struct app_conn conns[RUNNER_CONNS_MAX];
	sluice_listener listener;
	bool acceptable;
	struct sent queue[RUNNER_QUEUE_MAX];
	unsigned int queue_head, queue_count;
	uint8_t answer[128]; /* to the appliance's question for our address */
	size_t answer_len;
	struct counters base; /* counters at the start */
	bool nomem;
	struct view_opt cookie; /* the last Fast Open cookie that the stack gave */
};

#define RUNNER_LOCAL_IP4 "192.0.2.1"
#define RUNNER_PEER_IP4 "192.0.2.2"
#define RUNNER_LOCAL_IP6 "fd00::1"
#define RUNNER_PEER_IP6 "fd00::2"

extern const uint8_t runner_peer_mac[6];

/** Ends the run: prints the line, the message and the command that repeats it. */
SLUICE_NORETURN SLUICE_PRINTF(2, 3) void runner_fail(struct runner *r, const char *fmt, ...);

/** Let the stack do what is due now, and answer what it asks about addresses. */
void runner_settle(struct runner *r);

/** The addresses of the appliance and of the peer. */
void runner_addrs(const struct runner *r, struct sluice_addr *local, struct sluice_addr *peer);

/** frames.c: both directions of the wire. */
void runner_on_frame(void *ctx, const uint8_t *buf, size_t len);
void runner_inject(struct runner *r, const struct stmt *st);
void runner_compare(struct runner *r, const struct stmt *st, const struct sent *sent);
/** "S. 0:0(0) ack 1 ...", in the script's relative numbers; returns out. */
const char *runner_sent_text(const struct runner *r, const struct sent *s, char *out, size_t cap);

/** icmp.c: an error about a segment of ours. */
void runner_icmp(struct runner *r, const struct stmt *st);

/** app.c: the application's half. */
void runner_call(struct runner *r, const struct stmt *st);
void runner_abort_all(struct runner *r);

/** look.c: expectations about state. */
void runner_look(struct runner *r, const struct stmt *st);

/** The bytes of both streams: the peer's at relative number 1 + i, the application's i-th. */
uint8_t runner_peer_byte(uint32_t i);
uint8_t runner_app_byte(uint32_t i);

#endif
