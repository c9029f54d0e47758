/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads requests, checks them against the table of commands, and sends replies. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "conf/nearest.h"
#include "ctl/session_int.h"
#include "ctl/text.h"

/*
 * Threat model: whoever may connect may send anything. A line is at most CTL_FRAME_MAX bytes
 * (server.c); its nesting is counted here before the parser, which recurses, sees it; duplicate
 * keys, text that is not UTF-8 and numbers beyond 64 bits are refused by the parser.
 */

static ctl_handler *const handlers[] = {
#define COMMAND(id, name, role, help, ...) [CTL_COMMAND_##id] = ctl_do_##id,
#include "ctl/commands.def"
#undef COMMAND
};

void
ctl_session_init(struct ctl_session *s, const struct ctl_backend *backend, enum ctl_role role)
{
	*s = (struct ctl_session){ .backend = backend, .role = role };
}

void
ctl_session_fini(struct ctl_session *s)
{
	if (s->listing != NULL)
		ctl_listing_end(s);
	if (s->stream != NULL)
		ctl_stream_end(s);
}

/* --- replies -------------------------------------------------------------------------------- */

json_t *
ctl_reply_new(const struct ctl_session *s, const json_t *id)
{
	const struct ctl_backend *b = s->backend;
	uint64_t now_us = b->now_us(b->ctx);
	json_t *reply = json_object();

	if (id != NULL)
		json_object_set_new(reply, "id", json_deep_copy(id));
	json_object_set_new(reply, "schema_version", json_integer(CTL_SCHEMA_VERSION));
	json_object_set_new(reply, "ts_ns", json_integer((json_int_t)now_us * 1000));
	json_object_set_new(
		reply, "uptime_s", json_integer((json_int_t)((now_us - b->started_us) / 1000000)));
	return reply;
}

void
ctl_reply_send(struct ctl_session *s, json_t *reply, struct ctl_buf *out)
{
	char *text = json_dumps(reply, JSON_COMPACT | CTL_JSON_REAL);

	/* A client that misses an answer could not tell what it has: end it instead. */
	if (text == NULL || ctl_buf_add(out, text, strlen(text)) != 0 ||
		ctl_buf_add(out, "\n", 1) != 0)
		s->is_stuck = true;
	free(text);
	json_decref(reply);
}

static void
error_send(
	struct ctl_session *s, const json_t *id, const struct ctl_error *error, struct ctl_buf *out)
{
	json_t *reply = ctl_reply_new(s, id);
	json_t *body = json_object();

	json_object_set_new(body, "code", json_string(error->code));
	json_object_set_new(body, "message", json_string(error->message));
	if (error->hint[0] != '\0')
		json_object_set_new(body, "hint", json_string(error->hint));
	json_object_set_new(reply, "error", body);
	ctl_reply_send(s, reply, out);
}

void
ctl_session_error(struct ctl_session *s, const char *code, const char *message, struct ctl_buf *out)
{
	struct ctl_error error = { .code = code };

	snprintf(error.message, sizeof(error.message), "%s", message);
	error_send(s, NULL, &error, out);
}

void
ctl_session_greet(struct ctl_session *s, struct ctl_buf *out)
{
	json_t *hello = json_object();

	json_object_set_new(hello, "sluice", json_string(s->backend->version));
	json_object_set_new(hello, "protocol", json_integer(CTL_PROTOCOL_VERSION));
	json_object_set_new(hello, "schema_version", json_integer(CTL_SCHEMA_VERSION));
	json_object_set_new(hello, "role", json_string(ctl_role_name(s->role)));
	ctl_reply_send(s, hello, out);
}

int
ctl_fail(struct ctl_request *r, const char *code, const char *hint, const char *fmt, ...)
{
	char text[sizeof(r->error.message)];
	va_list args;

	r->error.code = code;
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	/* Pieces of the request may be cut within a character; a reply is UTF-8 all the same. */
	text_escape(text, strlen(text), r->error.message, sizeof(r->error.message));
	hint = hint != NULL ? hint : "";
	text_escape(hint, strlen(hint), r->error.hint, sizeof(r->error.hint));
	return -1;
}

/* --- requests ------------------------------------------------------------------------------- */

/* Nesting of a line of JSON; brackets within strings do not count. */
static bool
is_too_deep(const char *line, size_t len)
{
	unsigned int depth = 0;
	bool in_string = false;
	size_t i;

	for (i = 0; i < len; i++) {
		if (in_string) {
			if (line[i] == '\\')
				i++;
			else if (line[i] == '"')
				in_string = false;
		} else if (line[i] == '"') {
			in_string = true;
		} else if (line[i] == '[' || line[i] == '{') {
			if (++depth > CTL_DEPTH_MAX)
				return true;
		} else if ((line[i] == ']' || line[i] == '}') && depth > 0) {
			depth--;
		}
	}
	return false;
}

const char *
ctl_arg_text(const struct ctl_request *r, const char *name, char buf[32])
{
	const json_t *value = json_object_get(r->args, name);

	if (json_is_string(value))
		return json_string_value(value);
	if (json_is_integer(value)) {
		snprintf(buf, 32, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
		return buf;
	}
	if (json_is_boolean(value))
		return json_is_true(value) ? "1" : "0";
	return NULL;
}

bool
ctl_arg_flag(const struct ctl_request *r, const char *name)
{
	return json_is_true(json_object_get(r->args, name));
}

/* Arguments a newer client may know and we do not are left alone. */
static int
args_check(struct ctl_request *r, const struct ctl_command *cmd)
{
	const struct ctl_arg *arg;
	char buf[32];

	for (arg = cmd->args; arg < cmd->args + CTL_ARGS_MAX && arg->kind != CTL_ARG_END; arg++) {
		const json_t *value = json_object_get(r->args, arg->name);

		if (arg->kind == CTL_ARG_OUTPUT)
			continue;
		if (value == NULL && (arg->kind == CTL_ARG_FLAG || arg->kind == CTL_ARG_OPTION))
			continue;
		if (value == NULL)
			return ctl_fail(r, CTL_E_BAD_ARGUMENT, arg->help, "%s needs '%s'",
				cmd->name, arg->name);
		if (arg->kind == CTL_ARG_FLAG && !json_is_boolean(value))
			return ctl_fail(r, CTL_E_BAD_ARGUMENT, NULL,
				"'%s' of %s must be true or false", arg->name, cmd->name);
		if (arg->kind != CTL_ARG_FLAG && ctl_arg_text(r, arg->name, buf) == NULL)
			return ctl_fail(r, CTL_E_BAD_ARGUMENT, NULL,
				"'%s' of %s must be a text or a whole number", arg->name,
				cmd->name);
	}
	return 0;
}

static int
command_unknown(struct ctl_request *r, const char *name)
{
	char near[100];
	char hint[160];

	nearest_names(name, ctl_command_name_at, NULL, near, sizeof(near));
	snprintf(hint, sizeof(hint), near[0] != '\0' ? "did you mean %s?" : "%s", near);
	return ctl_fail(r, CTL_E_UNKNOWN_COMMAND, hint, "no command is called '%.60s'", name);
}

/* Find the command of a parsed request and run it. */
static int
dispatch(struct ctl_request *r, const json_t *request)
{
	const json_t *cmd = json_object_get(request, "cmd");
	const struct ctl_command *row;
	int id;

	if (!json_is_object(request))
		return ctl_fail(r, CTL_E_SYNTAX, NULL, "a request is an object: {\"cmd\":\"...\"}");
	r->id = json_object_get(request, "id");
	if (r->id != NULL && !json_is_integer(r->id) && !json_is_string(r->id)) {
		r->id = NULL;
		return ctl_fail(r, CTL_E_SYNTAX, NULL, "'id' must be a text or a whole number");
	}
	if (!json_is_string(cmd))
		return ctl_fail(r, CTL_E_SYNTAX, NULL, "a request needs 'cmd', a text");
	id = ctl_command_find(json_string_value(cmd));
	if (id < 0)
		return command_unknown(r, json_string_value(cmd));
	row = ctl_command((unsigned int)id);
	if (r->s->role < row->role)
		return ctl_fail(r, CTL_E_PERMISSION,
			"groups of the section 'control' of the configuration decide who may",
			"%s needs the role '%s'; yours is '%s'", row->name,
			ctl_role_name(row->role), ctl_role_name(r->s->role));
	r->args = json_object_get(request, "args");
	if (r->args != NULL && !json_is_object(r->args))
		return ctl_fail(r, CTL_E_BAD_ARGUMENT, NULL, "'args' must be an object");
	if (args_check(r, row) != 0)
		return -1;
	r->reply = ctl_reply_new(r->s, r->id);
	return handlers[id](r);
}

void
ctl_session_request(struct ctl_session *s, const char *line, size_t len, struct ctl_buf *out)
{
	struct ctl_request r = { .s = s };
	json_t *request = NULL;
	json_error_t why;
	int err;

	ASSERT(!ctl_session_is_busy(s));
	if (is_too_deep(line, len)) {
		err = ctl_fail(
			&r, CTL_E_SYNTAX, NULL, "nested deeper than %u levels", CTL_DEPTH_MAX);
	} else {
		request = json_loadb(line, len, JSON_REJECT_DUPLICATES, &why);
		if (request == NULL)
			err = ctl_fail(&r, CTL_E_SYNTAX, NULL, "not JSON: %s, at byte %d", why.text,
				why.position);
		else
			err = dispatch(&r, request);
	}
	if (err != 0)
		error_send(s, r.id, &r.error, out);
	else if (!ctl_session_is_busy(s))
		ctl_reply_send(s, json_incref(r.reply), out);
	json_decref(r.reply);
	json_decref(request);
}

enum ctl_step
ctl_session_step(struct ctl_session *s, bool can_send, struct ctl_buf *out)
{
	ASSERT(ctl_session_is_busy(s));
	if (s->stream != NULL)
		return ctl_stream_step(s, can_send, out);
	return ctl_listing_step(s, can_send, out);
}
