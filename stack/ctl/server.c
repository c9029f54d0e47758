/* SPDX-License-Identifier: BSD-3-Clause */
/* The poll loop of the control server. */
#include "ctl/server.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "ctl/capture.h"
#include "ctl/lines.h"
#include "ctl/session.h"

/*
 * Threat model: local users that may connect, with 64 connections, any bytes at any speed, and no
 * wish to read. Each client has a fixed input buffer and one request at a time; a listing pauses
 * before CTL_OUT_MAX bytes are queued; who is slow in the middle of a request, idle, or does not
 * read is closed; when all places are taken the client that has been without a request for longest
 * makes room, least privileged first, so that an admin always gets in. One round does a bounded
 * piece of work for each client. Nothing here touches a worker but through its mailbox.
 */

/* While a worker has a message there is no descriptor to wait on: look again after this. */
#define ANSWER_WAIT_MS 1

struct client {
	int fd; /* -1: the place is free */
	bool is_eof; /* it sends no more, but may still read */
	bool is_closing; /* close once the queue is empty */
	uint64_t asked_us; /* last complete request, or the connection */
	uint64_t begun_us; /* first byte of an incomplete request; 0: none */
	uint64_t moved_us; /* it last took queued bytes, or none were queued */
	uint64_t ordered_us; /* its order is with the workers since then; 0: none is */
	struct ctl_session session;
	struct ctl_buf out;
	struct ctl_lines in;
};

struct ctl_server {
	struct ctl_server_params par;
	int reserve_fd; /* given up for a moment when there are no more descriptors */
	unsigned int count;
	struct client *clients; /* CTL_CLIENTS_MAX */
};

int
ctl_server_create(const struct ctl_server_params *par, struct ctl_server **out)
{
	struct ctl_server *server = calloc(1, sizeof(*server));
	unsigned int i;

	if (server == NULL)
		return -ENOMEM;
	server->par = *par;
	server->clients = calloc(CTL_CLIENTS_MAX, sizeof(*server->clients));
	server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (server->clients == NULL || server->reserve_fd < 0) {
		int err = server->clients == NULL ? -ENOMEM : -errno;

		ctl_server_destroy(server);
		return err;
	}
	for (i = 0; i < CTL_CLIENTS_MAX; i++)
		server->clients[i].fd = -1;
	*out = server;
	return 0;
}

static void
client_close(struct ctl_server *server, struct client *c)
{
	ASSERT(c->fd >= 0);
	ctl_session_fini(&c->session);
	ctl_buf_free(&c->out);
	close(c->fd);
	c->fd = -1;
	server->count--;
}

void
ctl_server_destroy(struct ctl_server *server)
{
	unsigned int i;

	for (i = 0; server->clients != NULL && i < CTL_CLIENTS_MAX; i++) {
		if (server->clients[i].fd > 0)
			client_close(server, &server->clients[i]);
	}
	if (server->reserve_fd >= 0)
		close(server->reserve_fd);
	free(server->clients);
	free(server);
}

unsigned int
ctl_server_clients(const struct ctl_server *server)
{
	return server->count;
}

size_t
ctl_server_queued(const struct ctl_server *server)
{
	size_t sum = 0;
	unsigned int i;

	for (i = 0; i < CTL_CLIENTS_MAX; i++) {
		if (server->clients[i].fd >= 0)
			sum += ctl_buf_len(&server->clients[i].out);
	}
	return sum;
}

static uint64_t
now_us(const struct ctl_server *server)
{
	return server->par.backend->now_us(server->par.backend->ctx);
}

/* --- coming --------------------------------------------------------------------------------- */

/* Is it doing nothing right now? One in the middle of sending a request is. */
static bool
is_idle(const struct client *c, uint64_t now)
{
	return !ctl_session_is_busy(&c->session) && now - c->asked_us > CTL_BUSY_US;
}

/* Whether a is the better one to send away. */
static bool
is_rather(const struct client *a, const struct client *b)
{
	if (a->session.role != b->session.role)
		return a->session.role < b->session.role;
	return a->asked_us < b->asked_us;
}

/* A place for a client of this role, made by sending another one away if need be; NULL: none. */
static struct client *
place_find(struct ctl_server *server, enum ctl_role role)
{
	uint64_t now = now_us(server);
	struct client *victim = NULL;
	unsigned int i;

	for (i = 0; i < CTL_CLIENTS_MAX; i++) {
		struct client *c = &server->clients[i];

		if (c->fd < 0)
			return c;
		if (c->session.role > role || (role < CTL_ADMIN && !is_idle(c, now)))
			continue;
		if (victim == NULL || is_rather(c, victim))
			victim = c;
	}
	if (victim != NULL)
		client_close(server, victim);
	return victim;
}

/* Tell a client why it cannot stay, if that takes no waiting. */
static void
turn_away(int fd)
{
	static const char text[] = "{\"schema_version\":1,\"error\":{\"code\":\"" CTL_E_TOO_MANY
				   "\",\"message\":\"too many clients are connected\"}}\n";

	(void)!send(fd, text, sizeof(text) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void
client_open(struct ctl_server *server, int fd)
{
	const struct ctl_backend *backend = server->par.backend;
	struct client *c = NULL;
	enum ctl_role role = CTL_READ;
	struct peer peer;

	if (peer_read(fd, &peer) == 0) {
		role = peer_role(&peer, &server->par.rules);
		c = place_find(server, role);
	}
	if (c == NULL) {
		turn_away(fd);
		return;
	}
	server->count++;
	c->fd = fd;
	c->is_eof = false;
	c->is_closing = false;
	c->asked_us = now_us(server);
	c->begun_us = 0;
	c->moved_us = c->asked_us;
	c->ordered_us = 0;
	c->in.begin = 0;
	c->in.end = 0;
	c->in.scanned = 0;
	c->out = (struct ctl_buf){ 0 };
	ctl_session_init(&c->session, backend, role);
	ctl_session_greet(&c->session, &c->out);
}

/*
 * Out of descriptors a connection can be neither taken nor refused, and poll(2) would report it
 * for ever: the reserve takes and refuses it.
 */
static void
refuse_without_descriptors(struct ctl_server *server)
{
	int fd;

	close(server->reserve_fd);
	fd = accept4(server->par.listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd >= 0)
		turn_away(fd);
	server->reserve_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void
accept_clients(struct ctl_server *server)
{
	unsigned int i;

	for (i = 0; i < CTL_CLIENTS_MAX; i++) {
		int fd = accept4(server->par.listen_fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			client_open(server, fd);
			continue;
		}
		if ((errno == EMFILE || errno == ENFILE) && server->reserve_fd >= 0)
			refuse_without_descriptors(server);
		return;
	}
}

/* --- requests ------------------------------------------------------------------------------- */

static void
client_fail(struct client *c, const char *code, const char *message)
{
	ctl_session_error(&c->session, code, message, &c->out);
	c->is_closing = true;
}

static void
client_read(struct ctl_server *server, struct client *c)
{
	size_t len;
	char *room = ctl_lines_room(&c->in, &len);
	ssize_t n;

	if (len == 0)
		return;
	n = recv(c->fd, room, len, MSG_DONTWAIT);
	if (n > 0) {
		if (c->begun_us == 0)
			c->begun_us = now_us(server);
		ctl_lines_fill(&c->in, (size_t)n);
	} else if (n == 0) {
		c->is_eof = true;
	} else if (errno != EAGAIN && errno != EINTR) {
		client_close(server, c);
	}
}

static bool
is_blank(const char *line, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++) {
		if (line[i] != ' ' && line[i] != '\t' && line[i] != '\r')
			return false;
	}
	return true;
}

/* Handle at most one request. */
static void
client_request(struct ctl_server *server, struct client *c)
{
	const char *line;
	ssize_t len = ctl_lines_next(&c->in, &line);
	uint64_t ordered;

	if (len == -E2BIG)
		client_fail(c, CTL_E_TOO_LONG, "a request has at most 64 KiB");
	if (len < 0)
		return;
	c->asked_us = now_us(server);
	c->begun_us = ctl_lines_is_empty(&c->in) ? 0 : c->asked_us;
	if (is_blank(line, (size_t)len))
		return;
	ordered = server->par.backend->hub->ordered;
	ctl_session_request(&c->session, line, (size_t)len, &c->out);
	if (server->par.backend->hub->ordered != ordered)
		c->ordered_us = c->asked_us;
}

/*
 * What was ordered holds for the next packet after the answer, so the answer waits for the workers;
 * not for one that stands still.
 */
static void
client_await(struct ctl_server *server, struct client *c)
{
	if (!mail_has_orders(server->par.backend->hub) ||
		now_us(server) - c->ordered_us > CTL_ORDER_TIMEOUT_US)
		c->ordered_us = 0;
}

static void
client_write(struct ctl_server *server, struct client *c)
{
	ssize_t n = send(
		c->fd, ctl_buf_data(&c->out), ctl_buf_len(&c->out), MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n > 0) {
		ctl_buf_drop(&c->out, (size_t)n);
		c->moved_us = now_us(server);
	} else if (n < 0 && errno != EAGAIN && errno != EINTR) {
		client_close(server, c);
	}
}

static bool
has_room(const struct client *c)
{
	return ctl_buf_len(&c->out) <= CTL_OUT_MAX - CTL_ANSWER_MAX;
}

/* May its next request be handled? */
static bool
is_ready(const struct client *c)
{
	return !ctl_session_is_busy(&c->session) && !c->is_closing && c->ordered_us == 0 &&
		has_room(c);
}

/* --- time ----------------------------------------------------------------------------------- */

static void
client_expire(struct ctl_server *server, struct client *c)
{
	bool is_owed = ctl_buf_len(&c->out) > 0;
	uint64_t now = now_us(server);

	if (!is_owed)
		c->moved_us = now;
	if (ctl_session_is_busy(&c->session) || is_owed)
		c->asked_us = max_u64(c->asked_us, c->moved_us);
	if (now - c->moved_us > CTL_STALL_TIMEOUT_US || now - c->asked_us > CTL_IDLE_TIMEOUT_US) {
		client_close(server, c);
		return;
	}
	if (c->begun_us != 0 && is_ready(c) && !ctl_lines_has_line(&c->in) &&
		now - c->begun_us > CTL_REQUEST_TIMEOUT_US)
		client_fail(c, CTL_E_TIMEOUT, "the request took longer than 10 s to arrive");
}

/* --- rounds --------------------------------------------------------------------------------- */

static short
client_events(const struct client *c)
{
	short events = 0;

	if (is_ready(c) && !c->is_eof)
		events |= POLLIN;
	if (ctl_buf_len(&c->out) > 0 && c->ordered_us == 0)
		events |= POLLOUT;
	return events;
}

/* Milliseconds that a round may wait: not while there is a line to handle or an answer to come. */
static int
wait_ms(const struct ctl_server *server, int timeout_ms)
{
	unsigned int i;

	for (i = 0; i < CTL_CLIENTS_MAX; i++) {
		const struct client *c = &server->clients[i];

		if (c->fd < 0)
			continue;
		if (is_ready(c) && ctl_lines_has_line(&c->in))
			return 0;
		if (c->ordered_us != 0 || (ctl_session_is_busy(&c->session) && has_room(c)))
			timeout_ms = timeout_ms < ANSWER_WAIT_MS ? timeout_ms : ANSWER_WAIT_MS;
	}
	return timeout_ms;
}

/* One client's share of a round. */
static void
client_serve(struct ctl_server *server, struct client *c, short revents)
{
	if ((revents & POLLHUP) != 0) {
		/* Nobody reads any more; what was asked before is still done. */
		ctl_session_fini(&c->session);
		ctl_buf_free(&c->out);
	}
	if ((revents & POLLIN) != 0 && is_ready(c))
		client_read(server, c);
	if (c->fd >= 0 && is_ready(c))
		client_request(server, c);
	if (c->fd >= 0 && ctl_session_is_busy(&c->session))
		ctl_session_step(&c->session, has_room(c), &c->out);
	if (c->fd >= 0 && c->ordered_us != 0)
		client_await(server, c);
	if (c->fd >= 0 && c->ordered_us == 0 && ctl_buf_len(&c->out) > 0)
		client_write(server, c);
	if (c->fd >= 0 && (revents & (POLLERR | POLLNVAL)) != 0)
		client_close(server, c);
	if (c->fd >= 0)
		client_expire(server, c);
	if (c->fd < 0)
		return;
	if (c->session.is_stuck ||
		(ctl_buf_len(&c->out) == 0 && !ctl_session_is_busy(&c->session) &&
			(c->is_closing || (c->is_eof && !ctl_lines_has_line(&c->in)))))
		client_close(server, c);
}

int
ctl_server_poll(struct ctl_server *server, int timeout_ms)
{
	struct pollfd fds[CTL_CLIENTS_MAX + 1];
	struct client *polled[CTL_CLIENTS_MAX];
	unsigned int count = 0;
	unsigned int i;

	/* Only descriptors there are: poll(2) takes no more than the process may have. */
	for (i = 0; i < CTL_CLIENTS_MAX; i++) {
		struct client *c = &server->clients[i];

		if (c->fd < 0)
			continue;
		polled[count] = c;
		fds[count++] = (struct pollfd){ c->fd, client_events(c), 0 };
	}
	fds[count] = (struct pollfd){ server->par.listen_fd, POLLIN, 0 };
	if (poll(fds, count + 1, wait_ms(server, timeout_ms)) < 0)
		return -errno;
	mail_collect(server->par.backend->hub);
	capture_poll(server->par.backend->hub);
	for (i = 0; i < count; i++)
		client_serve(server, polled[i], fds[i].revents);
	if (fds[count].revents != 0)
		accept_clients(server);
	return 0;
}
