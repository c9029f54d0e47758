/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls of a sequence; none of them waits. */
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "packetdrill/rd.h"

static const char *const names[RD_CALL_COUNT] = {
	[RD_WAIT] = "wait",
	[RD_ACCEPT] = "accept",
	[RD_CONNECT] = "connect",
	[RD_READ] = "read",
	[RD_WRITE] = "write",
	[RD_SHUT_RD] = "shutdown rd",
	[RD_SHUT_WR] = "shutdown wr",
	[RD_SHUT_RDWR] = "shutdown rdwr",
	[RD_CLOSE] = "close",
	[RD_NODELAY] = "nodelay",
	[RD_CORK] = "cork",
	[RD_LINGER] = "linger 0",
	[RD_ERROR] = "so_error",
	[RD_POLL] = "poll",
	[RD_MORE] = "write more",
	[RD_EOR] = "write eor",
	[RD_KEEPALIVE] = "keepalive",
	[RD_KEEPIDLE] = "keepidle",
	[RD_KEEPINTVL] = "keepintvl",
	[RD_KEEPCNT] = "keepcnt",
	[RD_USER_TIMEOUT] = "user timeout",
	[RD_LINGER2] = "linger2",
	[RD_QUICKACK] = "quickack",
	[RD_NOTSENT_LOWAT] = "notsent lowat",
	[RD_DEFER_ACCEPT] = "defer accept",
	[RD_ICMP] = "icmp",
};

/* Those that only set a number of TCP's. */
static const int options[RD_CALL_COUNT] = {
	[RD_NODELAY] = TCP_NODELAY,
	[RD_CORK] = TCP_CORK,
	[RD_KEEPIDLE] = TCP_KEEPIDLE,
	[RD_KEEPINTVL] = TCP_KEEPINTVL,
	[RD_KEEPCNT] = TCP_KEEPCNT,
	[RD_USER_TIMEOUT] = TCP_USER_TIMEOUT,
	[RD_LINGER2] = TCP_LINGER2,
	[RD_QUICKACK] = TCP_QUICKACK,
	[RD_NOTSENT_LOWAT] = TCP_NOTSENT_LOWAT,
};

const char *
rd_step_text(const struct rd_step *st, char *out, size_t cap)
{
	char flags[9];

	if (st->is_call && st->call == RD_ICMP)
		snprintf(out, cap, "icmp %u mtu %u", st->icmp.what, st->icmp.mtu);
	else if (st->is_call)
		snprintf(out, cap, "%s %d", names[st->call], (int)st->arg);
	else
		snprintf(out, cap, "%s", view_flags_text(st->seg.flags, flags));
	return out;
}

/* --- data ------------------------------------------------------------------------------------ */

/* The bytes must be those that were sent. */
static long
do_read(struct rd_side *s, uint32_t len)
{
	uint8_t *buf = malloc(len);
	ssize_t n;

	if (buf == NULL)
		abort();
	n = s->pd->recv(s->pd->ud, s->conn, buf, len, MSG_DONTWAIT);
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] != rd_byte(s->read_at + (uint32_t)i)) {
			n = -2;
			break;
		}
	s->read_at += n > 0 ? (uint32_t)n : 0;
	free(buf);
	return n;
}

static long
do_write(struct rd_side *s, uint32_t len, int flags)
{
	uint8_t *buf = malloc(len);
	ssize_t n;

	if (buf == NULL)
		abort();
	for (uint32_t i = 0; i < len; i++)
		buf[i] = rd_byte(s->write_at + i);
	n = s->pd->send(s->pd->ud, s->conn, buf, len, flags | MSG_DONTWAIT | MSG_NOSIGNAL);
	s->write_at += n > 0 ? (uint32_t)n : 0;
	free(buf);
	return n;
}

/* --- the others ------------------------------------------------------------------------------ */

static long
do_accept(struct rd_side *s)
{
	int fd;

	if (s->listener < 0) {
		errno = EBADF;
		return -1;
	}
	fd = s->pd->accept(s->pd->ud, s->listener, NULL, NULL);
	if (fd < 0)
		return -1;
	/* A second one can only be the same ports opened again: the first goes. */
	if (s->conn >= 0) {
		const struct linger now = { .l_onoff = 1 };

		s->pd->setsockopt(s->pd->ud, s->conn, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		s->pd->close(s->pd->ud, s->conn);
	}
	s->conn = fd;
	s->read_at = s->write_at = 0;
	return 0;
}

static long
set_option(struct rd_side *s, int fd, int level, int name, uint32_t value)
{
	int v = (int)value;

	return s->pd->setsockopt(s->pd->ud, fd, level, name, &v, sizeof(v));
}

static long
do_error(struct rd_side *s)
{
	int err = 0;
	socklen_t len = sizeof(err);

	if (s->pd->getsockopt(s->pd->ud, s->conn, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
		return -1;
	return err;
}

static long
do_poll(struct rd_side *s)
{
	struct pollfd fd = { .fd = s->conn, .events = POLLIN | POLLOUT | POLLRDHUP };

	return s->pd->poll(s->pd->ud, &fd, 1, 0) < 0 ? -1 : fd.revents;
}

static long
do_close(struct rd_side *s)
{
	int fd = s->conn;

	s->conn = -1;
	return s->pd->close(s->pd->ud, fd);
}

static long
do_conn_call(struct rd_side *s, const struct rd_step *st)
{
	const struct linger now = { .l_onoff = 1 };

	switch (st->call) {
	case RD_CONNECT:
		return rd_connect(s);
	case RD_READ:
		return do_read(s, st->arg);
	case RD_WRITE:
		return do_write(s, st->arg, 0);
	case RD_MORE:
		return do_write(s, st->arg, MSG_MORE);
	case RD_EOR:
		return do_write(s, st->arg, MSG_EOR);
	case RD_SHUT_RD:
		return s->pd->shutdown(s->pd->ud, s->conn, SHUT_RD);
	case RD_SHUT_WR:
		return s->pd->shutdown(s->pd->ud, s->conn, SHUT_WR);
	case RD_SHUT_RDWR:
		return s->pd->shutdown(s->pd->ud, s->conn, SHUT_RDWR);
	case RD_CLOSE:
		return do_close(s);
	case RD_NODELAY:
	case RD_CORK:
	case RD_KEEPIDLE:
	case RD_KEEPINTVL:
	case RD_KEEPCNT:
	case RD_USER_TIMEOUT:
	case RD_LINGER2:
	case RD_QUICKACK:
	case RD_NOTSENT_LOWAT:
		return set_option(s, s->conn, IPPROTO_TCP, options[st->call], st->arg);
	case RD_KEEPALIVE:
		return set_option(s, s->conn, SOL_SOCKET, SO_KEEPALIVE, st->arg);
	case RD_LINGER:
		return s->pd->setsockopt(
			s->pd->ud, s->conn, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	case RD_ERROR:
		return do_error(s);
	case RD_POLL:
		return do_poll(s);
	case RD_WAIT:
	case RD_ACCEPT:
	case RD_DEFER_ACCEPT:
	case RD_ICMP:
	case RD_CALL_COUNT:
		break;
	}
	return 0;
}

long
rd_do_call(struct rd_side *s, const struct rd_step *st, char *text, size_t cap)
{
	snprintf(text, cap, "%s %d", names[st->call], (int)st->arg);
	if (st->call == RD_WAIT)
		return 0;
	if (st->call == RD_ICMP)
		return rd_icmp_send(s, &st->icmp, text, cap);
	if (st->call == RD_DEFER_ACCEPT) {
		s->defers = st->arg != 0;
		return set_option(s, s->listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, st->arg);
	}
	if (st->call == RD_ACCEPT)
		return do_accept(s);
	if (s->conn < 0) {
		errno = EBADF;
		return -1;
	}
	return do_conn_call(s, st);
}
