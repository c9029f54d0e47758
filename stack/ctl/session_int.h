/* SPDX-License-Identifier: BSD-3-Clause */
/* What the handlers of commands share with the session. */
#ifndef CTL_SESSION_INT_H
#define CTL_SESSION_INT_H

#include <jansson.h>

#include "base/compiler.h"
#include "ctl/commands.h"
#include "ctl/session.h"

/** Why a request failed. */
struct ctl_error {
	const char *code; /* CTL_E_* */
	char message[TUNABLE_ERR_LEN];
	char hint[200]; /* "": none */
};

/** A request being handled. */
struct ctl_request {
	struct ctl_session *s;
	const json_t *args; /* an object; checked against the command's table */
	json_t *id; /* as sent, borrowed; NULL: none */
	json_t *reply; /* the handler adds its members */
	struct ctl_error error; /* of a handler that failed */
};

/** 0: reply is complete; -1: error is set. A handler may also leave s->listing or s->stream. */
typedef int ctl_handler(struct ctl_request *r);

#define COMMAND(id, name, role, help, ...) ctl_handler ctl_do_##id;
#include "ctl/commands.def"
#undef COMMAND

/** Set r->error and return -1. hint may be NULL. */
SLUICE_PRINTF(4, 5)
int ctl_fail(struct ctl_request *r, const char *code, const char *hint, const char *fmt, ...);

/** An argument's text, or NULL: it was not given. Numbers and truth values come as text too. */
const char *ctl_arg_text(const struct ctl_request *r, const char *name, char buf[32]);

/** Was a flag given as true? */
bool ctl_arg_flag(const struct ctl_request *r, const char *name);

/** A reply with what every reply has: id, schema_version, ts_ns, uptime_s. */
json_t *ctl_reply_new(const struct ctl_session *s, const json_t *id);

/** Queue a reply as a line and release it. */
void ctl_reply_send(struct ctl_session *s, json_t *reply, struct ctl_buf *out);

/** Counters of all workers together. */
void ctl_counters_sum(const struct ctl_backend *b, struct counters *sum);

/* Listings (listing.c). */
enum ctl_step ctl_listing_step(struct ctl_session *s, bool can_send, struct ctl_buf *out);
void ctl_listing_end(struct ctl_session *s);

/* Frames as they come and go (stream.c). */
enum ctl_step ctl_stream_step(struct ctl_session *s, bool can_send, struct ctl_buf *out);
void ctl_stream_end(struct ctl_session *s);

/* Rows of listings (list_rows.c). */
json_t *ctl_conn_json(unsigned int worker, const struct tcp_conn_info *info,
	const struct local_addrs *local);
/** Add what show connections --info has more. */
void ctl_conn_info_json(json_t *row, const struct tcp_conn_info *info);
/** Add what only some builds count, if this one does. */
void ctl_conn_notes_json(json_t *row, const struct tcp_conn_info *info);
json_t *ctl_listener_json(
	const struct tcp_listener_info *info, const struct local_addrs *local);

/** The configuration as an object of its sections (config_json.c). */
json_t *ctl_config_json(const struct config *conf);

/** A tunable with everything known about it. */
json_t *ctl_tunable_json(const struct tunables *tun, const struct tunable_desc *row);

#endif
