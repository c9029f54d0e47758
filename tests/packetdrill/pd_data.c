/* SPDX-License-Identifier: BSD-3-Clause */
/* Bytes in and out of a connection, as Linux's calls and flags have it. */
#include <errno.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "packetdrill/pd.h"

/* Bytes moved at a time between a file or pipe and a connection. */
#define COPY_MAX 65536u
#define IOV_LIMIT 1024

/* --- receiving ------------------------------------------------------------------------------ */

/* What the connection has left behind, or what the engine holds. */
static ssize_t
take(struct pd *pd, struct pd_sock *s, uint8_t *to, size_t len, bool peek)
{
	size_t left = s->left_len - s->left_at;

	if (left > 0) {
		len = min_size(len, left);
		memcpy(to, s->left + s->left_at, len);
		s->left_at += peek ? 0 : len;
		return (ssize_t)len;
	}
	if (peek)
		return tcp_peek(pd->tcp, s->handle, to, len);
	return tcp_recv(pd->tcp, &pd->env, s->handle, to, len);
}

/* Nothing is there: the order of the questions is that of Linux's tcp_recvmsg. */
static ssize_t
nothing_there(struct pd *pd, struct pd_sock *s)
{
	if (s->peer_fin)
		return 0;
	if (s->error != 0)
		return pd_take_error(s);
	if (pd_is_shut(pd, s, SHUT_RD))
		return 0;
	if (s->kind != PD_CONN)
		return -ENOTCONN;
	return -EAGAIN;
}

/* One look: bytes, 0 at the end, or -errno. buf NULL: they are thrown away. */
static ssize_t
recv_once(struct pd *pd, struct pd_sock *s, uint8_t *buf, size_t len, int flags)
{
	size_t there = pd_readable(pd, s);
	uint8_t *to = buf;
	ssize_t n;

	if (there == 0)
		return nothing_there(pd, s);
	if (buf == NULL && !(flags & MSG_TRUNC))
		return -EFAULT;
	len = min_size(len, there);
	if (flags & MSG_TRUNC)
		to = malloc(len + 1);
	if (to == NULL)
		return -ENOMEM;
	n = take(pd, s, to, len, (flags & MSG_PEEK) != 0);
	if (to != buf)
		free(to);
	pd_engine_run(pd);
	return n;
}

ssize_t
pd_recv(struct pd *pd, int fd, void *buf, size_t len, int flags)
{
	uint64_t deadline = 0;
	uint8_t *to = buf;
	size_t done = 0;

	if (flags & MSG_OOB)
		return -EINVAL;
	if (flags & MSG_ERRQUEUE)
		return pd_errq_recv(pd, fd, &(struct msghdr){
			.msg_iov = &(struct iovec){ buf, len }, .msg_iovlen = 1 });
	for (;;) {
		struct pd_sock *s;
		size_t target;
		ssize_t n;
		int err = pd_sock_get(pd, fd, &s);

		if (err != 0)
			return err;
		/* The next call is told why it stopped. */
		if (done > 0 && s->error != 0 && pd_readable(pd, s) == 0)
			return (ssize_t)done;
		target = flags & MSG_WAITALL ? len : (size_t)s->value[PD_OPT_RCVLOWAT];
		target = min_size(target, len);
		done = flags & MSG_PEEK ? 0 : done;
		n = recv_once(pd, s, to == NULL ? NULL : to + done, len - done, flags);
		done += n > 0 ? (size_t)n : 0;
		if (done > 0 && done >= target)
			return (ssize_t)done;
		if (n == 0 || (n < 0 && n != -EAGAIN))
			return done > 0 ? (ssize_t)done : n;
		if (s->nonblock || (flags & MSG_DONTWAIT))
			return done > 0 ? (ssize_t)done : -EAGAIN;
		if (deadline == 0)
			deadline = pd_deadline(pd, &s->timeo[0]);
		if (pd_sleep(pd, deadline) != 0)
			return done > 0 ? (ssize_t)done : -EAGAIN;
	}
}

/* --- sending -------------------------------------------------------------------------------- */

static unsigned int
engine_flags(int flags)
{
	return (flags & MSG_MORE ? TCP_SEND_MORE : 0) | (flags & MSG_EOR ? TCP_SEND_EOR : 0);
}

/*
 * Piece by piece, as Linux: what is full leaves before the next one is begun, and PSH is at the end
 * of what the owner has written, of what there is room for, and of half a window.
 */
static ssize_t
send_pieces(struct pd *pd, struct pd_sock *s, const uint8_t *buf, size_t len, int flags)
{
	struct tcp_details d;
	size_t done = 0, n;

	while (done < len && pd_details(pd, s, &d) && (n = pd_room(pd, s, &d, len - done)) > 0) {
		bool last = done + n == len;
		bool pushes = pd_room_pushes(pd, s, &d, n, last && !(flags & MSG_MORE));
		unsigned int how = last ? engine_flags(flags) : pushes ? 0 : TCP_SEND_MORE;
		ssize_t taken;

		tcp_setopt(pd->tcp, &pd->env, s->handle, TCP_SO_SNDBUF, INT_MAX);
		taken = tcp_send(pd->tcp, &pd->env, s->handle, buf + done, n, how);
		if (taken <= 0)
			return done > 0 ? (ssize_t)done : taken;
		pd_room_took(s, &d, (size_t)taken, last && (flags & MSG_EOR));
		done += (size_t)taken;
		if (!last)
			pd_engine_run(pd);
	}
	if (done < len && pd_details(pd, s, &d))
		pd_room_refuse(pd, s, &d);
	return done > 0 ? (ssize_t)done : -EAGAIN;
}

static ssize_t
send_once(struct pd *pd, struct pd_sock *s, const uint8_t *buf, size_t len, int flags)
{
	ssize_t n;

	if (s->error != 0)
		return pd_take_error(s);
	if (s->kind != PD_CONN)
		return -EPIPE;
	if (s->connecting)
		return flags & MSG_FASTOPEN ? -EALREADY : -EAGAIN;
	if (pd_is_shut(pd, s, SHUT_WR))
		return -EPIPE;
	if (len == 0)
		return 0;
	if (buf == NULL)
		return -EFAULT;
	n = send_pieces(pd, s, buf, len, flags);
	/* Once for a call, for what it queued last. */
	if (n > 0 && ((size_t)n == len || s->nonblock || (flags & MSG_DONTWAIT)))
		pd_stamp_queued(pd, s, (size_t)n);
	if (n > 0 && (flags & MSG_EOR))
		pd_stamp_eor(s);
	pd_engine_run(pd);
	return n;
}

static ssize_t
send_all(struct pd *pd, int fd, const void *buf, size_t len, int flags)
{
	const uint8_t *from = buf;
	uint64_t deadline = 0;
	size_t done = 0;

	if (flags & MSG_OOB)
		return -EOPNOTSUPP;
	for (;;) {
		struct pd_sock *s;
		ssize_t n;
		int err = pd_sock_get(pd, fd, &s);

		if (err != 0)
			return err;
		/* The next call is told why it stopped. */
		if (done > 0 && s->error != 0)
			return (ssize_t)done;
		n = send_once(pd, s, from == NULL ? NULL : from + done, len - done, flags);
		done += n > 0 ? (size_t)n : 0;
		if (done == len && n >= 0)
			return (ssize_t)done;
		if (n < 0 && n != -EAGAIN)
			return done > 0 ? (ssize_t)done : n;
		s->nospace = !s->connecting;
		if (s->nonblock || (flags & MSG_DONTWAIT))
			return done > 0 ? (ssize_t)done : -EAGAIN;
		if (deadline == 0)
			deadline = pd_deadline(pd, &s->timeo[1]);
		if (pd_sleep(pd, deadline) != 0)
			return done > 0 ? (ssize_t)done : -EAGAIN;
	}
}

ssize_t
pd_send(struct pd *pd, int fd, const void *buf, size_t len, int flags)
{
	bool lent = pd_errq_begin(pd, fd, len, flags);
	ssize_t n = send_all(pd, fd, buf, len, flags);

	if (lent)
		pd_errq_end(pd, fd, n);
	return n;
}

/* --- vectors -------------------------------------------------------------------------------- */

static ssize_t
iov_total(const struct iovec *iov, size_t n)
{
	size_t sum = 0;

	if (n > IOV_LIMIT)
		return -EMSGSIZE;
	if (n > 0 && iov == NULL)
		return -EFAULT;
	for (size_t i = 0; i < n; i++) {
		if (iov[i].iov_len > SSIZE_MAX - sum)
			return -EINVAL;
		sum += iov[i].iov_len;
	}
	return (ssize_t)sum;
}

static ssize_t
recv_iov(struct pd *pd, int fd, const struct iovec *iov, size_t n, int flags)
{
	ssize_t total = iov_total(iov, n), got;
	size_t at = 0;
	uint8_t *buf;

	if (total < 0)
		return total;
	for (size_t i = 0; i < n; i++)
		if (iov[i].iov_base == NULL && iov[i].iov_len > 0)
			return pd_recv(pd, fd, NULL, iov[i].iov_len, flags);
	buf = malloc((size_t)total + 1);
	if (buf == NULL)
		return -ENOMEM;
	got = pd_recv(pd, fd, buf, (size_t)total, flags);
	for (size_t i = 0; got > 0 && !(flags & MSG_TRUNC) && at < (size_t)got; i++) {
		size_t len = min_size(iov[i].iov_len, (size_t)got - at);

		if (len > 0)
			memcpy(iov[i].iov_base, buf + at, len);
		at += len;
	}
	free(buf);
	return got;
}

static ssize_t
send_iov(struct pd *pd, int fd, const struct iovec *iov, size_t n, int flags)
{
	ssize_t total = iov_total(iov, n), sent;
	size_t at = 0;
	uint8_t *buf;

	if (total < 0)
		return total;
	for (size_t i = 0; i < n; i++)
		if (iov[i].iov_base == NULL && iov[i].iov_len > 0)
			return pd_send(pd, fd, NULL, iov[i].iov_len, flags);
	buf = malloc((size_t)total + 1);
	if (buf == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < n; at += iov[i++].iov_len)
		if (iov[i].iov_len > 0)
			memcpy(buf + at, iov[i].iov_base, iov[i].iov_len);
	sent = pd_send(pd, fd, buf, (size_t)total, flags);
	free(buf);
	return sent;
}

/* --- the slots ------------------------------------------------------------------------------ */

ssize_t
pd_slot_read(void *ud, int fd, void *buf, size_t len)
{
	/* As Linux: nothing asked for is there at once; recv() of it waits. */
	return len == 0 ? 0 : pd_slot_recv(ud, fd, buf, len, 0);
}

ssize_t
pd_slot_readv(void *ud, int fd, const struct iovec *iov, int n)
{
	struct pd *pd = pd_enter(ud);

	return pd_leave(pd, n < 0 || n > IOV_LIMIT ? -EINVAL :
						      recv_iov(pd, fd, iov, (size_t)n, 0));
}

ssize_t
pd_slot_recv(void *ud, int fd, void *buf, size_t len, int flags)
{
	struct pd *pd = pd_enter(ud);

	if (pd_fd_get(pd, fd) == NULL && flags == 0) {
		/* A pipe of slot 31. */
		pd_leave(pd, 0);
		return read(fd, buf, len);
	}
	return pd_leave(pd, pd_recv(pd, fd, buf, len, flags));
}

ssize_t
pd_slot_recvfrom(void *ud, int fd, void *buf, size_t len, int flags, struct sockaddr *sa,
	socklen_t *sa_len)
{
	ssize_t n = pd_slot_recv(ud, fd, buf, len, flags);

	/* TCP tells no address here. */
	if (n >= 0 && sa != NULL && sa_len != NULL)
		*sa_len = 0;
	return n;
}

/* TCP_INQ: how much is left to be read. */
static void
add_inq(struct pd *pd, const struct pd_sock *s, struct msghdr *msg, size_t room)
{
	int left;

	left = (int)pd_readable(pd, s);
	/* Linux: behind the data one is left, the end itself. */
	if (s->peer_fin || (left == 0 && pd_is_shut(pd, s, SHUT_RD)))
		left++;
	pd_cmsg_put(msg, room, IPPROTO_TCP, TCP_CM_INQ, &left, sizeof(left));
}

static void
add_control(struct pd *pd, int fd, struct msghdr *msg, size_t room, ssize_t n)
{
	const struct pd_sock *s = pd_fd_get(pd, fd);

	if (s == NULL)
		return;
	if (n > 0 && s->rx_us != 0)
		pd_cmsg_time(s, msg, room, s->rx_us);
	if (s->value[PD_OPT_INQ] != 0)
		add_inq(pd, s, msg, room);
}

ssize_t
pd_slot_recvmsg(void *ud, int fd, struct msghdr *msg, int flags)
{
	struct pd *pd = pd_enter(ud);
	size_t room;
	ssize_t n;

	if (msg == NULL)
		return pd_leave(pd, -EFAULT);
	if (flags & MSG_ERRQUEUE)
		return pd_leave(pd, pd_errq_recv(pd, fd, msg));
	room = msg->msg_controllen;
	n = recv_iov(pd, fd, msg->msg_iov, msg->msg_iovlen, flags);
	if (n >= 0) {
		msg->msg_flags = 0;
		msg->msg_namelen = 0;
		msg->msg_controllen = 0;
		add_control(pd, fd, msg, room, n);
	}
	return pd_leave(pd, n);
}

ssize_t
pd_slot_write(void *ud, int fd, const void *buf, size_t len)
{
	return pd_slot_send(ud, fd, buf, len, 0);
}

ssize_t
pd_slot_writev(void *ud, int fd, const struct iovec *iov, int n)
{
	struct pd *pd = pd_enter(ud);

	return pd_leave(pd, n < 0 || n > IOV_LIMIT ? -EINVAL :
						      send_iov(pd, fd, iov, (size_t)n, 0));
}

static ssize_t send_early(struct pd *pd, int fd, const struct iovec *data, int flags,
	const struct sockaddr *sa, socklen_t sa_len);

ssize_t
pd_slot_send(void *ud, int fd, const void *buf, size_t len, int flags)
{
	struct pd *pd = pd_enter(ud);

	if (pd_fd_get(pd, fd) == NULL && flags == 0) {
		pd_leave(pd, 0);
		return write(fd, buf, len);
	}
	return pd_leave(pd, send_early(pd, fd, &(struct iovec){ (void *)(uintptr_t)buf, len },
					   flags, NULL, 0));
}

/*
 * The first write of a socket that is not connected may open it, with what fits of the data (RFC
 * 7413). On a connection the address is not looked at.
 */
static ssize_t
send_early(struct pd *pd, int fd, const struct iovec *data, int flags,
	const struct sockaddr *sa, socklen_t sa_len)
{
	const uint8_t *buf = data->iov_base;
	size_t len = data->iov_len;
	struct pd_sock *s;
	ssize_t n, more;
	bool wait, lent;

	if (pd_sock_get(pd, fd, &s) != 0 || !(s->deferred || (flags & MSG_FASTOPEN)))
		return pd_send(pd, fd, buf, len, flags);
	if (buf == NULL && len > 0)
		return -EFAULT;
	if (!(pd->tun.tcp_fastopen & 1) && !s->deferred)
		return -EOPNOTSUPP;
	wait = !s->nonblock && !(flags & MSG_DONTWAIT);
	if (s->kind != PD_NEW) {
		/* It is a connect() first, and ends as that does. */
		n = pd_connect_again(pd, fd, wait);
		return n < 0 ? n : pd_send(pd, fd, buf, len, flags & ~MSG_FASTOPEN);
	}
	lent = pd_errq_begin(pd, fd, len, flags);
	n = pd_connect_early(pd, fd, sa, sa_len, data, wait);
	/* What did not go with the SYN follows, if the owner waited for it. */
	if (n >= 0 && (size_t)n < len && wait) {
		more = send_all(pd, fd, buf + n, len - (size_t)n, flags & ~MSG_FASTOPEN);
		n = more < 0 ? (n > 0 ? n : more) : n + more;
	}
	if (lent)
		pd_errq_end(pd, fd, n);
	return n;
}

ssize_t
pd_slot_sendto(void *ud, int fd, const void *buf, size_t len, int flags,
	const struct sockaddr *sa, socklen_t sa_len)
{
	struct pd *pd = pd_enter(ud);

	return pd_leave(pd, send_early(pd, fd, &(struct iovec){ (void *)(uintptr_t)buf, len },
					   flags, sa, sa_len));
}

ssize_t
pd_slot_sendmsg(void *ud, int fd, const struct msghdr *msg, int flags)
{
	struct pd *pd = pd_enter(ud);
	struct pd_sock *s;
	ssize_t n;

	if (msg == NULL)
		return pd_leave(pd, -EFAULT);
	pd_stamp_once(pd, fd, msg);
	n = send_iov(pd, fd, msg->msg_iov, msg->msg_iovlen, flags);
	s = pd_fd_get(pd, fd);
	if (s != NULL)
		s->has_stamp_once = false;
	return pd_leave(pd, n);
}

/* --- files and pipes ------------------------------------------------------------------------ */

int
pd_slot_pipe(void *ud, int fds[2])
{
	(void)ud;
	return pipe(fds);
}

ssize_t
pd_sendfile(struct pd *pd, int out_fd, int in_fd, off_t *offset, size_t len)
{
	uint8_t *buf = malloc(COPY_MAX);
	size_t done = 0;
	ssize_t n = 0;

	while (buf != NULL && done < len) {
		size_t want = min_size(len - done, COPY_MAX);
		ssize_t got = offset != NULL ? pread(in_fd, buf, want, *offset) :
					       read(in_fd, buf, want);

		if (got <= 0) {
			n = got < 0 ? -errno : 0;
			break;
		}
		/* Linux holds what is followed by more. */
		n = pd_send(pd, out_fd, buf, (size_t)got,
			done + (size_t)got < len ? MSG_MORE : 0);
		if (n > 0 && offset != NULL)
			*offset += n;
		done += n > 0 ? (size_t)n : 0;
		if (n < got)
			break;
	}
	free(buf);
	return done > 0 ? (ssize_t)done : n;
}

static ssize_t
splice_from_conn(struct pd *pd, int in, int out, size_t len, int flags)
{
	size_t want = min_size(len, COPY_MAX);
	uint8_t *buf = malloc(want + 1);
	ssize_t n, put;

	if (buf == NULL)
		return -ENOMEM;
	n = pd_recv(pd, in, buf, want, flags | MSG_PEEK);
	if (n > 0) {
		put = write(out, buf, (size_t)n);
		n = put < 0 ? -errno : pd_recv(pd, in, buf, (size_t)put, flags);
	}
	free(buf);
	return n;
}

ssize_t
pd_slot_splice(void *ud, int in, loff_t *off_in, int out, loff_t *off_out, size_t len,
	unsigned int flags)
{
	struct pd *pd = pd_enter(ud);
	int wait = flags & 2u ? MSG_DONTWAIT : 0; /* SPLICE_F_NONBLOCK */

	if (off_in != NULL || off_out != NULL)
		return pd_leave(pd, -ESPIPE);
	if (pd_fd_get(pd, in) != NULL)
		return pd_leave(pd, splice_from_conn(pd, in, out, len, wait));
	return pd_leave(pd, pd_sendfile(pd, out, in, NULL, min_size(len, COPY_MAX)));
}
