/* SPDX-License-Identifier: BSD-3-Clause */
/* The calls of a script, each through its slot of the adapter. */
#include <errno.h>
#include <fcntl.h>
/* errqueue.h needs struct timespec. */
#include <time.h>
#include <linux/errqueue.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "packetdrill/drive.h"
#include "packetdrill/pd_tcp_info.h"

#include "base/compiler.h"

#define BUF_MAX 4000000

#define NAME(n) { #n, (long)(n) }
static const struct {
	const char *name;
	long value;
} names[] = {
	NAME(AF_INET), NAME(EPOLLERR), NAME(EPOLLET), NAME(EPOLLHUP), NAME(EPOLLIN),
	NAME(EPOLLONESHOT), NAME(EPOLLOUT), NAME(EPOLLRDHUP), NAME(EPOLL_CTL_ADD),
	NAME(EPOLL_CTL_DEL), NAME(EPOLL_CTL_MOD), NAME(F_GETFL), NAME(F_SETFL), NAME(IPPROTO_IP),
	NAME(IPPROTO_IPV6), NAME(IPPROTO_TCP), NAME(IPV6_TCLASS), NAME(IPV6_V6ONLY), NAME(IP_TOS),
	NAME(IP_MTU_DISCOVER), NAME(IP_MTU), NAME(IP_RECVERR), NAME(POLLPRI), NAME(POLLRDNORM),
	NAME(POLLWRNORM), NAME(SO_TIMESTAMPING), NAME(SO_TIMESTAMP), NAME(TCP_LINGER2),
	NAME(TCP_WINDOW_CLAMP), NAME(TCP_SAVE_SYN), NAME(TCP_FASTOPEN), NAME(TCP_FASTOPEN_CONNECT),
	NAME(TCP_FASTOPEN_NO_COOKIE), NAME(SO_MAX_PACING_RATE), NAME(SO_PRIORITY), NAME(SO_MARK),
	NAME(SO_REUSEPORT), NAME(SO_DOMAIN), NAME(SO_PROTOCOL), NAME(EPOLLPRI),
	NAME(IP_TTL), NAME(MSG_DONTWAIT), NAME(MSG_EOR), NAME(MSG_FASTOPEN),
	NAME(MSG_MORE), NAME(MSG_OOB), NAME(MSG_PEEK), NAME(MSG_TRUNC), NAME(MSG_WAITALL),
	NAME(MSG_ZEROCOPY),
	NAME(MSG_ERRQUEUE), NAME(O_NONBLOCK), NAME(O_RDWR), NAME(POLLERR), NAME(POLLHUP),
	NAME(POLLIN), NAME(POLLNVAL), NAME(POLLOUT), NAME(POLLRDHUP), NAME(SHUT_RD),
	NAME(SHUT_RDWR), NAME(SHUT_WR), NAME(SIOCATMARK), NAME(SIOCINQ), NAME(SIOCOUTQ),
	NAME(SIOCOUTQNSD),
	NAME(SOL_SOCKET), NAME(SO_ACCEPTCONN), NAME(SO_ERROR), NAME(SO_KEEPALIVE), NAME(SO_LINGER),
	NAME(SO_RCVBUF), NAME(SO_RCVLOWAT), NAME(SO_REUSEADDR), NAME(SO_SNDBUF), NAME(SO_TYPE),
	NAME(SO_ZEROCOPY),
	NAME(SOCK_STREAM), NAME(TCP_CONGESTION), NAME(TCP_CORK), NAME(TCP_DEFER_ACCEPT),
	NAME(TCP_INQ), NAME(TCP_KEEPCNT), NAME(TCP_KEEPIDLE), NAME(TCP_KEEPINTVL),
	NAME(TCP_MAXSEG), NAME(TCP_NODELAY), NAME(TCP_NOTSENT_LOWAT), NAME(TCP_QUICKACK),
	NAME(TCP_SYNCNT), NAME(TCP_USER_TIMEOUT),
};

static bool
one_value(const struct drive *d, const char *word, long *out)
{
	char *end;

	*out = strtol(word, &end, 0);
	if (end != word && *end == '\0')
		return true;
	for (unsigned int i = 0; i < d->nvars; i++)
		if (strcmp(d->var_name[i], word) == 0) {
			*out = d->var[i];
			return true;
		}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strcmp(names[i].name, word) == 0) {
			*out = names[i].value;
			return true;
		}
	return false;
}

bool
drive_value(const struct drive *d, const char *text, long *out)
{
	char copy[SCRIPT_WORD_MAX], *save = NULL;

	*out = 0;
	memcpy(copy, text, sizeof(copy));
	for (char *w = strtok_r(copy, "|", &save); w != NULL; w = strtok_r(NULL, "|", &save)) {
		long v;

		if (!one_value(d, w, &v))
			return false;
		*out |= v;
	}
	return true;
}

void
drive_set_var(struct drive *d, const char *name, long value)
{
	unsigned int i;

	for (i = 0; i < d->nvars && strcmp(d->var_name[i], name) != 0; i++)
		;
	if (i == DRIVE_VARS_MAX)
		drive_fail(d, "too many variables");
	if (i == d->nvars)
		memcpy(d->var_name[d->nvars++], name, SCRIPT_WORD_MAX);
	d->var[i] = value;
}

/* --- opening -------------------------------------------------------------------------------- */

static long
call_socket(struct drive *d, const long *a)
{
	(void)a;
	return d->pd.socket(d->pd.ud, d->domain, SOCK_STREAM, IPPROTO_TCP);
}

static long
call_bind(struct drive *d, const long *a)
{
	struct sockaddr_storage ss;
	socklen_t len = drive_addr(d, a[1] == 0, DRIVE_PORT, &ss);

	return d->pd.bind(d->pd.ud, (int)a[0], (struct sockaddr *)&ss, len);
}

static long
call_listen(struct drive *d, const long *a)
{
	return d->pd.listen(d->pd.ud, (int)a[0], (int)a[1]);
}

/* The address must be exactly the peer's. */
static long
call_accept(struct drive *d, const long *a)
{
	struct sockaddr_storage got, want;
	socklen_t len = sizeof(got);
	int fd = d->pd.accept(d->pd.ud, (int)a[0], (struct sockaddr *)&got, &len);
	const struct sockaddr_in *in = (const struct sockaddr_in *)&got;

	/* The port is at the same place in both families. */
	if (fd >= 0 && (len != drive_addr(d, false, ntohs(in->sin_port), &want) ||
			       memcmp(&got, &want, len) != 0 ||
			       ntohs(in->sin_port) - 40000u >= DRIVE_FLOWS_MAX))
		drive_fail(d, "accept gave another address");
	return fd;
}

static long
call_connect(struct drive *d, const long *a)
{
	struct sockaddr_storage ss;
	socklen_t len = drive_addr(d, false, DRIVE_PORT, &ss);

	d->flows[1].rport = DRIVE_PORT;
	return d->pd.connect(d->pd.ud, (int)a[0], (struct sockaddr *)&ss, len);
}

static long
call_disconnect(struct drive *d, const long *a)
{
	struct sockaddr_storage ss = { .ss_family = AF_UNSPEC };

	return d->pd.connect(d->pd.ud, (int)a[0], (struct sockaddr *)&ss, sizeof(ss));
}

/* --- data ----------------------------------------------------------------------------------- */

static uint8_t zeros[BUF_MAX];

static long
call_read(struct drive *d, const long *a)
{
	return d->pd.read(d->pd.ud, (int)a[0], zeros, (size_t)a[1]);
}

static long
call_read_null(struct drive *d, const long *a)
{
	return d->pd.read(d->pd.ud, (int)a[0], NULL, (size_t)a[1]);
}

static long
call_readv(struct drive *d, const long *a)
{
	struct iovec iov[2] = { { zeros, (size_t)a[1] }, { zeros, (size_t)a[2] } };

	return d->pd.readv(d->pd.ud, (int)a[0], iov, 2);
}

static long
call_recv(struct drive *d, const long *a)
{
	return d->pd.recv(d->pd.ud, (int)a[0], zeros, (size_t)a[1], (int)a[2]);
}

static long
call_recvfrom(struct drive *d, const long *a)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	return d->pd.recvfrom(d->pd.ud, (int)a[0], zeros, (size_t)a[1], (int)a[2],
		(struct sockaddr *)&ss, &len);
}

static long
recv_message(struct drive *d, const long *a, struct msghdr *msg)
{
	struct iovec iov = { zeros, (size_t)a[1] };

	msg->msg_iov = &iov;
	msg->msg_iovlen = 1;
	return d->pd.recvmsg(d->pd.ud, (int)a[0], msg, (int)a[2]);
}

static long
call_recvmsg(struct drive *d, const long *a)
{
	struct msghdr msg = { .msg_flags = -1 };
	long n = recv_message(d, a, &msg);

	if (n >= 0 && msg.msg_flags != 0)
		drive_fail(d, "msg_flags is 0x%x", (unsigned int)msg.msg_flags);
	return n;
}

/* What TCP_INQ says is left behind this read. */
static long
call_recv_inq(struct drive *d, const long *a)
{
	union {
		char b[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control;
	struct msghdr msg = { .msg_control = control.b, .msg_controllen = sizeof(control.b) };
	const struct cmsghdr *cmsg;
	int left;

	if (recv_message(d, a, &msg) < 0)
		return -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg == NULL || cmsg->cmsg_level != IPPROTO_TCP || cmsg->cmsg_type != TCP_CM_INQ)
		drive_fail(d, "no TCP_CM_INQ");
	memcpy(&left, CMSG_DATA(cmsg), sizeof(left));
	return left;
}

/* The first of the error queue: the bytes that come with it, or -1. */
static long
take_error(struct drive *d, int fd, struct sock_extended_err *ee)
{
	union {
		char b[CMSG_SPACE(sizeof(*ee) + sizeof(struct sockaddr_in6))];
		struct cmsghdr align;
	} control;
	struct msghdr msg = { .msg_control = control.b, .msg_controllen = sizeof(control.b) };
	const struct cmsghdr *cmsg;
	bool v4 = d->domain == AF_INET;
	long n = d->pd.recvmsg(d->pd.ud, fd, &msg, MSG_ERRQUEUE);

	if (n < 0)
		return n;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (!(msg.msg_flags & MSG_ERRQUEUE) || cmsg == NULL ||
		cmsg->cmsg_level != (v4 ? IPPROTO_IP : IPPROTO_IPV6) ||
		cmsg->cmsg_type != (v4 ? IP_RECVERR : IPV6_RECVERR))
		drive_fail(d, "no notice");
	memcpy(ee, CMSG_DATA(cmsg), sizeof(*ee));
	return n;
}

/* Writes with MSG_ZEROCOPY that are done with: from the number a[1] to the one it returns. */
static long
call_recv_zerocopy(struct drive *d, const long *a)
{
	struct sock_extended_err ee;
	long n = take_error(d, (int)a[0], &ee);

	if (n < 0)
		return n;
	if (n != 0 || ee.ee_errno != 0 || ee.ee_origin != SO_EE_ORIGIN_ZEROCOPY ||
		ee.ee_code != SO_EE_CODE_ZEROCOPY_COPIED || ee.ee_info != (uint32_t)a[1])
		drive_fail(d, "notice of %u to %u", ee.ee_info, ee.ee_data);
	return ee.ee_data;
}

/* The errno of the first ICMP error in the queue. */
static long
call_recv_icmp(struct drive *d, const long *a)
{
	struct sock_extended_err ee;

	if (take_error(d, (int)a[0], &ee) < 0)
		return -1;
	if (ee.ee_origin != (d->ip6 ? SO_EE_ORIGIN_ICMP6 : SO_EE_ORIGIN_ICMP))
		drive_fail(d, "another origin");
	return (long)ee.ee_errno;
}

static long
call_write(struct drive *d, const long *a)
{
	memset(zeros, 0, (size_t)a[1]);
	return d->pd.write(d->pd.ud, (int)a[0], zeros, (size_t)a[1]);
}

static long
call_write_null(struct drive *d, const long *a)
{
	return d->pd.write(d->pd.ud, (int)a[0], NULL, (size_t)a[1]);
}

static long
call_writev(struct drive *d, const long *a)
{
	struct iovec iov[2] = { { zeros, (size_t)a[1] }, { zeros, (size_t)a[2] } };

	return d->pd.writev(d->pd.ud, (int)a[0], iov, 2);
}

/* A timestamp of the error queue: its kind (0 left, 1 queued, 2 acknowledged) x 10^6 + its byte. */
static long
call_recv_stamp(struct drive *d, const long *a)
{
	union {
		char b[256];
		struct cmsghdr align;
	} control;
	struct iovec iov = { zeros, (size_t)a[1] };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.b,
		.msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg;
	struct sock_extended_err ee;
	long n = d->pd.recvmsg(d->pd.ud, (int)a[0], &msg, MSG_ERRQUEUE | MSG_DONTWAIT);

	if (n < 0)
		return -1;
	cmsg = CMSG_FIRSTHDR(&msg);
	if (cmsg == NULL || cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SO_TIMESTAMPING)
		drive_fail(d, "no time");
	cmsg = CMSG_NXTHDR(&msg, cmsg);
	if (cmsg == NULL || !(msg.msg_flags & MSG_ERRQUEUE))
		drive_fail(d, "no error");
	memcpy(&ee, CMSG_DATA(cmsg), sizeof(ee));
	if (ee.ee_errno != ENOMSG || ee.ee_origin != 4)
		drive_fail(d, "another error");
	return (long)ee.ee_info * 1000000 + (long)ee.ee_data;
}

static long
call_icmp(struct drive *d, const long *a)
{
	drive_icmp(d, a);
	return 0;
}

/* Bytes of the SYN's headers. */
static long
call_saved_syn(struct drive *d, const long *a)
{
	socklen_t len = (socklen_t)a[1];

	if (d->pd.getsockopt(d->pd.ud, (int)a[0], IPPROTO_TCP, TCP_SAVED_SYN, zeros, &len) != 0)
		return -1;
	return len;
}

static long
call_send(struct drive *d, const long *a)
{
	return d->pd.send(d->pd.ud, (int)a[0], zeros, (size_t)a[1], (int)a[2]);
}

static long
call_sendto(struct drive *d, const long *a)
{
	struct sockaddr_storage ss;
	socklen_t len = drive_addr(d, false, DRIVE_PORT, &ss);

	if (a[2] & MSG_FASTOPEN)
		d->flows[1].rport = DRIVE_PORT;
	return d->pd.sendto(d->pd.ud, (int)a[0], zeros, (size_t)a[1], (int)a[2],
		(struct sockaddr *)&ss, len);
}

static long
call_sendmsg(struct drive *d, const long *a)
{
	struct iovec iov[2] = { { NULL, 0 }, { zeros, (size_t)a[1] } };
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

	return d->pd.sendmsg(d->pd.ud, (int)a[0], &msg, (int)a[2]);
}

/* Through a pipe and back: what was moved. */
static long
call_splice_out(struct drive *d, const long *a)
{
	int fds[2];
	long n;

	if (d->pd.pipe(d->pd.ud, fds) != 0)
		drive_fail(d, "pipe failed");
	n = d->pd.splice(d->pd.ud, (int)a[0], NULL, fds[1], NULL, (size_t)a[1], 0);
	close(fds[0]);
	close(fds[1]);
	return n;
}

/* --- options and the rest ------------------------------------------------------------------- */

static int
get_option(struct drive *d, const long *a, void *value, socklen_t *len)
{
	if (d->preload)
		return getsockopt((int)a[0], (int)a[1], (int)a[2], value, len);
	return d->pd.getsockopt(d->pd.ud, (int)a[0], (int)a[1], (int)a[2], value, len);
}

static long
call_getsockopt(struct drive *d, const long *a)
{
	int value = 0;
	socklen_t len = sizeof(value);

	return get_option(d, a, &value, &len) == 0 ? value : -1;
}

static long
call_setsockopt(struct drive *d, const long *a)
{
	int value = (int)a[3];

	return d->pd.setsockopt(d->pd.ud, (int)a[0], (int)a[1], (int)a[2], &value, sizeof(value));
}

static long
call_setsockopt_byte(struct drive *d, const long *a)
{
	uint8_t value = (uint8_t)a[3];

	return d->pd.setsockopt(d->pd.ud, (int)a[0], (int)a[1], (int)a[2], &value, 1);
}

static long
call_linger(struct drive *d, const long *a)
{
	struct linger l = { (int)a[1], (int)a[2] };

	return d->pd.setsockopt(d->pd.ud, (int)a[0], SOL_SOCKET, SO_LINGER, &l, sizeof(l));
}

static long
call_rcvtimeo(struct drive *d, const long *a)
{
	struct timeval tv = { a[1] / 1000, a[1] % 1000 * 1000 };

	return d->pd.setsockopt(d->pd.ud, (int)a[0], SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
}

static long
call_fcntl(struct drive *d, const long *a)
{
	if (a[1] == F_GETFL)
		return d->pd.fcntl(d->pd.ud, (int)a[0], (int)a[1]);
	return d->pd.fcntl(d->pd.ud, (int)a[0], (int)a[1], (int)a[2]);
}

static long
call_ioctl(struct drive *d, const long *a)
{
	int value = 0;

	if (d->pd.ioctl(d->pd.ud, (int)a[0], (unsigned long)a[1], &value) != 0)
		return -1;
	return value;
}

static long
call_shutdown(struct drive *d, const long *a)
{
	return d->pd.shutdown(d->pd.ud, (int)a[0], (int)a[1]);
}

static long
call_close(struct drive *d, const long *a)
{
	return d->preload ? close((int)a[0]) : d->pd.close(d->pd.ud, (int)a[0]);
}

static long
call_poll(struct drive *d, const long *a)
{
	struct pollfd p = { .fd = (int)a[0], .events = (short)a[1] };
	int n = d->pd.poll(d->pd.ud, &p, 1, (int)a[2]);

	if (n >= 0 && n != (p.revents != 0))
		drive_fail(d, "poll gave %d for 0x%x", n, (unsigned int)p.revents);
	return n < 0 ? -1 : p.revents;
}

static long
call_epoll_create(struct drive *d, const long *a)
{
	(void)a;
	return d->pd.epoll_create(d->pd.ud, 1);
}

static long
call_epoll_ctl(struct drive *d, const long *a)
{
	struct epoll_event ev = { .events = (uint32_t)a[3], .data = { .u64 = (uint64_t)a[2] } };

	return d->pd.epoll_ctl(d->pd.ud, (int)a[0], (int)a[1], (int)a[2], &ev);
}

static long
call_epoll_wait(struct drive *d, const long *a)
{
	struct epoll_event ev[4] = { { 0 } };
	int n = d->pd.epoll_wait(d->pd.ud, (int)a[0], ev, 4, (int)a[1]);

	return n < 0 ? -1 : (long)ev[0].events;
}

/* --- TCP_INFO ------------------------------------------------------------------------------- */

#define FIELD(n) { #n, offsetof(struct pd_tcp_info, n), sizeof(((struct pd_tcp_info *)0)->n) }
static const struct {
	const char *name;
	size_t offset, size;
} fields[] = {
	FIELD(state), FIELD(ca_state), FIELD(retransmits), FIELD(probes), FIELD(backoff),
	FIELD(options), FIELD(wscales), FIELD(delivery_flags), FIELD(rto), FIELD(ato),
	FIELD(snd_mss), FIELD(rcv_mss), FIELD(unacked), FIELD(sacked), FIELD(lost),
	FIELD(retrans), FIELD(fackets), FIELD(last_data_sent), FIELD(last_ack_sent),
	FIELD(last_data_recv), FIELD(last_ack_recv), FIELD(pmtu), FIELD(rcv_ssthresh),
	FIELD(rtt), FIELD(rttvar), FIELD(snd_ssthresh), FIELD(snd_cwnd), FIELD(advmss),
	FIELD(reordering), FIELD(rcv_rtt), FIELD(rcv_space), FIELD(total_retrans),
	FIELD(pacing_rate), FIELD(max_pacing_rate), FIELD(bytes_acked), FIELD(bytes_received),
	FIELD(segs_out), FIELD(segs_in), FIELD(notsent_bytes), FIELD(min_rtt),
	FIELD(data_segs_in), FIELD(data_segs_out), FIELD(delivery_rate), FIELD(busy_time),
	FIELD(rwnd_limited), FIELD(sndbuf_limited), FIELD(delivered), FIELD(delivered_ce),
	FIELD(bytes_sent), FIELD(bytes_retrans), FIELD(dsack_dups), FIELD(reord_seen),
	FIELD(rcv_ooopack), FIELD(snd_wnd), FIELD(rcv_wnd), FIELD(rehash), FIELD(total_rto),
	FIELD(total_rto_recoveries), FIELD(total_rto_time),
};

/* What every kernel that scripts are written for has. */
#define PD_TCP_INFO_KNOWN offsetof(struct pd_tcp_info, received_ce)

static long
field_of(const struct pd_tcp_info *info, size_t i)
{
	uint64_t v = 0;

	memcpy(&v, (const char *)info + fields[i].offset, fields[i].size);
	return (long)v;
}

/* "info(c)": all of them, to be looked at. */
static long
dump_info(const struct drive_stmt *st, const struct pd_tcp_info *info)
{
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		printf("info %u %s %ld\n", st->st.line, fields[i].name, field_of(info, i));
	return 0;
}

static long
call_info(struct drive *d, const struct drive_stmt *st, long fd)
{
	const long a[3] = { fd, IPPROTO_TCP, TCP_INFO };
	struct pd_tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	if (get_option(d, a, &info, &len) != 0)
		return -1;
	if (len < PD_TCP_INFO_KNOWN)
		drive_fail(d, "TCP_INFO has %u bytes", len);
	if (st->nargs == 1)
		return dump_info(st, &info);
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		if (strcmp(fields[i].name, st->arg[1]) == 0)
			return field_of(&info, i);
	drive_fail(d, "no field is called %s", st->arg[1]);
}

static const struct {
	const char *name;
	unsigned int nargs;
	long (*call)(struct drive *d, const long *a);
} calls[] = {
	{ "accept", 1, call_accept },
	{ "bind", 1, call_bind },
	{ "bind_foreign", 2, call_bind },
	{ "close", 1, call_close },
	{ "connect", 1, call_connect },
	{ "disconnect", 1, call_disconnect },
	{ "epoll_create", 0, call_epoll_create },
	{ "epoll_ctl", 4, call_epoll_ctl },
	{ "epoll_wait", 2, call_epoll_wait },
	{ "fcntl", 3, call_fcntl },
	{ "getsockopt", 3, call_getsockopt },
	{ "icmp", 4, call_icmp },
	{ "ioctl", 2, call_ioctl },
	{ "linger", 3, call_linger },
	{ "listen", 2, call_listen },
	{ "poll", 3, call_poll },
	{ "rcvtimeo", 2, call_rcvtimeo },
	{ "read", 2, call_read },
	{ "read_null", 2, call_read_null },
	{ "readv", 3, call_readv },
	{ "recv", 3, call_recv },
	{ "recv_icmp", 1, call_recv_icmp },
	{ "recv_inq", 3, call_recv_inq },
	{ "recv_stamp", 2, call_recv_stamp },
	{ "recv_zerocopy", 2, call_recv_zerocopy },
	{ "recvfrom", 3, call_recvfrom },
	{ "recvmsg", 3, call_recvmsg },
	{ "saved_syn", 2, call_saved_syn },
	{ "send", 3, call_send },
	{ "sendmsg", 3, call_sendmsg },
	{ "sendto", 3, call_sendto },
	{ "setsockopt", 4, call_setsockopt },
	{ "setsockopt_byte", 4, call_setsockopt_byte },
	{ "shutdown", 2, call_shutdown },
	{ "socket", 0, call_socket },
	{ "splice_out", 2, call_splice_out },
	{ "write", 2, call_write },
	{ "write_null", 2, call_write_null },
	{ "writev", 3, call_writev },
};

long
drive_call(struct drive *d, const struct drive_stmt *st)
{
	bool is_info = strcmp(st->name, "info") == 0;
	long a[DRIVE_ARGS_MAX] = { 0 };

	for (unsigned int i = 0; i < st->nargs; i++)
		if (!(is_info && i == 1) && !drive_value(d, st->arg[i], &a[i]))
			drive_fail(d, "what is %s?", st->arg[i]);
	if (is_info)
		return call_info(d, st, a[0]);
	for (size_t i = 0; i < ARRAY_SIZE(calls); i++) {
		if (strcmp(calls[i].name, st->name) != 0)
			continue;
		if (calls[i].nargs != st->nargs)
			drive_fail(d, "%s takes %u arguments", st->name, calls[i].nargs);
		return calls[i].call(d, a);
	}
	drive_fail(d, "no call is called %s", st->name);
}
