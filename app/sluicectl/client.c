/* SPDX-License-Identifier: BSD-3-Clause */
/* Connects to the daemon, sends requests, receives lines. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "ctl/protocol.h"

/* A daemon's line is shorter; what is longer is no daemon of ours. */
#define LINE_MAX_BYTES (8u << 20)

static int
unreachable(const struct cli *cli, int err, struct failure *f)
{
	if (err == EACCES || err == EPERM)
		return failure_set(f, EXIT_DENIED, "E_PERMISSION",
			"become a member of the group in control.group of the configuration, or "
			"use sudo",
			"not allowed to connect to %s", cli->socket_path);
	if (err == ENOENT || err == ECONNREFUSED)
		return failure_set(f, EXIT_UNREACHABLE, "E_UNREACHABLE",
			"is sluiced running? --socket PATH names another socket",
			"no daemon at %s: %s", cli->socket_path, strerror(err));
	return failure_set(f, EXIT_UNREACHABLE, "E_UNREACHABLE", NULL, "cannot connect to %s: %s",
		cli->socket_path, strerror(err));
}

int
client_open(const struct cli *cli, struct client *out, struct failure *f)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	const char *version;
	json_t *greeting;

	*out = (struct client){ .fd = -1, .timeout_ms = cli->timeout_ms };
	if (strlen(cli->socket_path) >= sizeof(addr.sun_path))
		return failure_set(f, EXIT_USAGE, "E_USAGE", NULL, "socket path too long: %s",
			cli->socket_path);
	memcpy(addr.sun_path, cli->socket_path, strlen(cli->socket_path) + 1);
	out->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (out->fd < 0 || connect(out->fd, (const struct sockaddr *)&addr, sizeof(addr)) != 0) {
		int err = errno;

		client_close(out);
		return unreachable(cli, err, f);
	}
	greeting = client_answer(out, f);
	if (greeting == NULL) {
		client_close(out);
		return f->exit_code;
	}
	/* A newer protocol is no reason to stop: what it adds is ignored. */
	version = json_string_value(json_object_get(greeting, "sluice"));
	snprintf(out->version, sizeof(out->version), "%s", version != NULL ? version : "?");
	json_decref(greeting);
	return 0;
}

void
client_close(struct client *c)
{
	if (c->fd >= 0)
		close(c->fd);
	free(c->data);
	*c = (struct client){ .fd = -1 };
}

static int64_t
now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* Wait until the socket is ready for events: 0, or the exit code. */
static int
wait_for(const struct client *c, short events, int64_t until_ms, struct failure *f)
{
	for (;;) {
		struct pollfd fd = { c->fd, events, 0 };
		int64_t left = until_ms - now_ms();
		int n = poll(&fd, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return 0;
		if (n == 0)
			return failure_set(f, EXIT_TIMED_OUT, "E_TIMEOUT",
				"--timeout SECONDS waits longer",
				"the daemon did not answer within %g s",
				(double)c->timeout_ms / 1000);
		if (errno != EINTR)
			return failure_set(f, EXIT_UNREACHABLE, "E_UNREACHABLE", NULL, "poll: %s",
				strerror(errno));
	}
}

static int
gone(struct failure *f, int err)
{
	return failure_set(f, EXIT_UNREACHABLE, "E_UNREACHABLE", NULL,
		"the daemon closed the connection%s%s", err != 0 ? ": " : "",
		err != 0 ? strerror(err) : "");
}

int
client_ask(struct client *c, const char *command, json_t *args, struct failure *f)
{
	int64_t until_ms = now_ms() + c->timeout_ms;
	json_t *request = json_object();
	size_t sent = 0, len;
	char *text;
	int err = 0;

	json_object_set_new(request, "cmd", json_string(command));
	if (args != NULL)
		json_object_set_new(request, "args", args);
	text = json_dumps(request, JSON_COMPACT);
	json_decref(request);
	if (text == NULL)
		return failure_set(
			f, EXIT_USAGE, "E_USAGE", NULL, "an argument is not valid UTF-8");
	len = strlen(text) + 1;
	text[len - 1] = '\n';
	while (err == 0 && sent < len) {
		ssize_t n = send(c->fd, text + sent, len - sent, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (n > 0)
			sent += (size_t)n;
		else if (errno == EAGAIN)
			err = wait_for(c, POLLOUT, until_ms, f);
		else if (errno != EINTR)
			err = gone(f, errno);
	}
	free(text);
	return err;
}

/* Room for more received bytes. */
static int
make_room(struct client *c, struct failure *f)
{
	char *grown;
	size_t size;

	if (c->begin > 0 && c->data != NULL) {
		memmove(c->data, c->data + c->begin, c->end - c->begin);
		c->end -= c->begin;
		c->begin = 0;
	}
	if (c->end < c->size)
		return 0;
	size = c->size > 0 ? 2 * c->size : 65536;
	grown = size <= LINE_MAX_BYTES ? realloc(c->data, size) : NULL;
	if (grown == NULL)
		return failure_set(
			f, EXIT_UNREACHABLE, "E_PROTOCOL", NULL, "the daemon's answer is too long");
	c->data = grown;
	c->size = size;
	return 0;
}

/* Receive until there is a whole line; its length without the newline, or -1. */
static ssize_t
line_receive(struct client *c, struct failure *f)
{
	int64_t until_ms = now_ms() + c->timeout_ms;
	size_t scanned = c->begin;

	for (;;) {
		const char *newline =
			c->data != NULL ? memchr(c->data + scanned, '\n', c->end - scanned) : NULL;
		ssize_t n;

		if (newline != NULL)
			return newline - (c->data + c->begin);
		if (make_room(c, f) != 0 || wait_for(c, POLLIN, until_ms, f) != 0)
			return -1;
		scanned = c->end;
		n = recv(c->fd, c->data + c->end, c->size - c->end, MSG_DONTWAIT);
		if (n > 0) {
			c->end += (size_t)n;
		} else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
			gone(f, n == 0 ? 0 : errno);
			return -1;
		}
	}
}

/* The daemon said no. */
static void
refused(const struct client *c, const json_t *error, struct failure *f)
{
	const char *code = json_string_value(json_object_get(error, "code"));
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *hint = json_string_value(json_object_get(error, "hint"));
	int exit_code = EXIT_REFUSED;
	char older[160];

	/* We send no command but those of our own table. */
	if (code != NULL && strcmp(code, CTL_E_UNKNOWN_COMMAND) == 0) {
		snprintf(older, sizeof(older), "the daemon is sluice %s, older than this "
			"sluicectl: restart it after an upgrade", c->version);
		hint = older;
	}
	if (code != NULL && strcmp(code, CTL_E_PERMISSION) == 0)
		exit_code = EXIT_DENIED;
	if (code != NULL && strcmp(code, CTL_E_TIMEOUT) == 0)
		exit_code = EXIT_TIMED_OUT;
	if (code != NULL && strcmp(code, CTL_E_TOO_MANY) == 0)
		exit_code = EXIT_UNREACHABLE;
	failure_set(f, exit_code, code != NULL ? code : "E_UNKNOWN", hint, "%s",
		message != NULL ? message : "the daemon gave no reason");
}

json_t *
client_answer(struct client *c, struct failure *f)
{
	ssize_t len = line_receive(c, f);
	const json_t *error;
	json_t *answer;

	if (len < 0)
		return NULL;
	answer = json_loadb(c->data + c->begin, (size_t)len, 0, NULL);
	c->begin += (size_t)len + 1;
	if (!json_is_object(answer)) {
		json_decref(answer);
		failure_set(f, EXIT_UNREACHABLE, "E_PROTOCOL", "does another program listen there?",
			"the answer is not a daemon's");
		return NULL;
	}
	error = json_object_get(answer, "error");
	if (error == NULL)
		return answer;
	refused(c, error, f);
	json_decref(answer);
	return NULL;
}

/* Rows of a line behind those of the lines before. */
static void
rows_append(json_t *all, json_t *line)
{
	const char *name;
	json_t *member;

	json_object_foreach(line, name, member)
	{
		if (json_is_array(member))
			json_array_extend(json_object_get(all, name), member);
	}
}

json_t *
client_answer_whole(struct client *c, struct failure *f)
{
	json_t *answer = client_answer(c, f);
	bool more = json_is_true(json_object_get(answer, "more"));

	while (more) {
		json_t *next = client_answer(c, f);

		if (next == NULL) {
			json_decref(answer);
			return NULL;
		}
		rows_append(answer, next);
		more = json_is_true(json_object_get(next, "more"));
		json_decref(next);
	}
	return answer;
}
