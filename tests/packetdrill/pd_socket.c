/* SPDX-License-Identifier: BSD-3-Clause */
/* Sockets from the first call to the last: socket, bind, listen, accept, connect, close. */
#include <errno.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "packetdrill/pd.h"

int
pd_slot_socket(void *ud, int domain, int type, int protocol)
{
	struct pd *pd = pd_enter(ud);
	struct pd_sock *s;

	if (domain != AF_INET && domain != AF_INET6)
		return (int)pd_leave(pd, -EAFNOSUPPORT);
	if ((type & 0xf) != SOCK_STREAM || (protocol != 0 && protocol != IPPROTO_TCP))
		return (int)pd_leave(pd, -EPROTONOSUPPORT);
	pd_sysctl_load(pd);
	s = pd_fd_new(pd, PD_NEW, domain);
	if (s == NULL)
		return (int)pd_leave(pd, -errno);
	s->nonblock = (type & SOCK_NONBLOCK) != 0;
	pd_opts_default(pd, s);
	return (int)pd_leave(pd, s->fd);
}

static int
do_bind(struct pd *pd, int fd, const struct sockaddr *sa, socklen_t len)
{
	struct pd_sock *s;
	struct ip_addr addr;
	uint16_t port;
	int err = pd_sock_get(pd, fd, &s);

	if (err == 0)
		err = pd_addr_read(s, sa, len, &addr, &port);
	if (err != 0)
		return err;
	if (s->kind != PD_NEW || s->bound)
		return -EINVAL;
	if (!ip_addr_is_unspecified(&addr) && pd_local_find(pd, &addr) < 0)
		return -EADDRNOTAVAIL;
	s->laddr = addr;
	s->lport = port;
	s->bound = true;
	return 0;
}

int
pd_slot_bind(void *ud, int fd, const struct sockaddr *sa, socklen_t len)
{
	struct pd *pd = pd_enter(ud);

	return (int)pd_leave(pd, do_bind(pd, fd, sa, len));
}

void
pd_listen_params(const struct pd *pd, struct pd_sock *s, struct tcp_listen_params *par)
{
	*par = (struct tcp_listen_params){
		.laddr_idx = pd_local_find(pd, &s->laddr),
		.port = s->lport,
		.syncookies = -1,
		.name = "packetdrill",
		.nodelay = s->value[PD_OPT_NODELAY] != 0,
		.fastopen = s->value[PD_OPT_FASTOPEN] > 0 ||
			(pd->fastopen_bits & PD_TFO_SERVER_ALL),
		.fastopen_key = s->fastopen_key.state != 0 ? &s->fastopen_key : NULL,
		.wishes = pd_opts_wishes(s),
		.defer_s = (uint32_t)s->value[PD_OPT_DEFER_ACCEPT],
		.data = s,
	};
	/* Linux's accept queue is full when it holds more than the backlog. */
	par->backlog = (unsigned int)max_u32((uint32_t)s->backlog, 0) + 1;
	par->wishes.no_cookie |= (pd->fastopen_bits & PD_TFO_SERVER_NO_COOKIE) != 0;
}

void
pd_listener_changed(struct pd *pd, struct pd_sock *s)
{
	struct tcp_listen_params par;

	if (s->kind != PD_LISTENER)
		return;
	pd_listen_params(pd, s, &par);
	tcp_listener_change(pd->tcp, &pd->env, s->handle, &par);
}

static int
do_listen(struct pd *pd, int fd, int backlog)
{
	struct tcp_listen_params par;
	struct pd_sock *s;
	int err = pd_sock_get(pd, fd, &s);

	if (err != 0)
		return err;
	if (s->kind == PD_LISTENER) {
		s->backlog = backlog;
		pd_listener_changed(pd, s);
		return 0;
	}
	if (s->kind == PD_CONN)
		return -EINVAL;
	if (s->lport == 0)
		s->lport = (uint16_t)pd->tun.ip_local_port_range[0];
	s->backlog = backlog;
	pd_listen_params(pd, s, &par);
	err = tcp_listen(pd->tcp, &pd->env, &par, &s->handle);
	if (err == 0)
		s->kind = PD_LISTENER;
	return err;
}

int
pd_slot_listen(void *ud, int fd, int backlog)
{
	struct pd *pd = pd_enter(ud);

	return (int)pd_leave(pd, do_listen(pd, fd, backlog));
}

/* --- accept --------------------------------------------------------------------------------- */

/* A child has its listener's options, but is a blocking socket. */
static struct pd_sock *
new_child(struct pd *pd, const struct pd_sock *l, tcp_handle conn)
{
	struct pd_sock *s = pd_fd_new(pd, PD_CONN, l->domain);
	struct flow_key key;

	if (s == NULL)
		return NULL;
	tcp_get_key(pd->tcp, conn, &key);
	memcpy(s->value, l->value, sizeof(s->value));
	s->rcvbuf_set = l->rcvbuf_set;
	s->sndbuf_set = l->sndbuf_set;
	memcpy(s->cc, l->cc, sizeof(s->cc));
	memcpy(s->timeo, l->timeo, sizeof(s->timeo));
	s->linger = l->linger;
	s->handle = conn;
	s->announced = true;
	s->bound = true;
	s->raddr = key.raddr;
	s->rport = key.rport;
	s->laddr = pd->local.addr[key.laddr_idx];
	s->lport = key.lport;
	tcp_set_owner(pd->tcp, conn, s, NULL);
	pd_syn_take(pd, s);
	pd_opts_apply(pd, s);
	return s;
}

static int
do_accept(struct pd *pd, int fd, struct sockaddr *sa, socklen_t *len)
{
	uint64_t deadline = 0;

	for (;;) {
		struct pd_sock *l, *s;
		tcp_handle conn;
		int err = pd_sock_get(pd, fd, &l);

		if (err == 0 && l->kind != PD_LISTENER)
			err = -EINVAL;
		if (err == 0)
			err = tcp_accept(pd->tcp, &pd->env, l->handle, &conn);
		if (err == 0) {
			s = new_child(pd, l, conn);
			if (s == NULL)
				return -errno;
			pd_addr_write(s, &s->raddr, s->rport, sa, len);
			pd_engine_run(pd);
			return s->fd;
		}
		if (err != -EAGAIN || l->nonblock)
			return err;
		if (deadline == 0)
			deadline = pd_deadline(pd, &l->timeo[0]);
		if (pd_sleep(pd, deadline) != 0)
			return -EAGAIN;
	}
}

int
pd_slot_accept(void *ud, int fd, struct sockaddr *sa, socklen_t *len)
{
	struct pd *pd = pd_enter(ud);

	return (int)pd_leave(pd, do_accept(pd, fd, sa, len));
}

/* --- connect -------------------------------------------------------------------------------- */

/* As new, but for its options and its bound address. */
static void
forget_conn(struct pd_sock *s)
{
	if (s->kind == PD_CONN)
		s->skipped = s->last.write_seq - s->last.snd_nxt + s->wnd_max + 2;
	s->kind = PD_NEW;
	s->handle = 0;
	s->connecting = s->announced = s->dead = s->deferred = false;
	s->rd_shut = s->wr_shut = s->peer_fin = s->fin_sent = false;
	s->left_at = s->left_len;
	pd_room_forget(s);
	/* Linux tells whoever watches it. */
	s->activity++;
}

/* connect() with AF_UNSPEC. Linux: whoever still waits on the socket gets ECONNRESET. */
static int
disconnect(struct pd *pd, struct pd_sock *s)
{
	tcp_handle h = s->handle;

	if (s->kind == PD_LISTENER) {
		pd_sock_close(pd, s);
	} else if (h != 0) {
		int state = pd_state(pd, s);

		tcp_set_owner(pd->tcp, h, NULL, NULL);
		tcp_abort(pd->tcp, &pd->env, h);
		/* Where both had closed nobody is told: CLOSE, LAST-ACK, CLOSING, TIME-WAIT. */
		if (state != 7 && state != 9 && state != 11 && state != 6)
			s->error = ECONNRESET;
	}
	forget_conn(s);
	pd_engine_run(pd);
	return 0;
}

/* early: with the data of the SYN, or NULL. Bytes of it that were taken, or -errno. */
static ssize_t
begin_connect(struct pd *pd, struct pd_sock *s, const struct ip_addr *addr, uint16_t port,
	const struct iovec *early)
{
	int laddr_idx = ip_addr_is_unspecified(&s->laddr) ? pd_local_for(pd, addr) :
							     pd_local_find(pd, &s->laddr);
	struct tcp_connect_params par = {
		.wishes = pd_opts_wishes(s),
		.fastopen = early != NULL,
	};
	struct flow_key key;
	ssize_t err;

	if (laddr_idx < 0)
		return -EADDRNOTAVAIL;
	if (ip_addr_is_v4(&pd->local.addr[laddr_idx]) != ip_addr_is_v4(addr))
		return -ENETUNREACH;
	pd_sysctl_load(pd);
	key = flow_key_make(addr, port, (uint8_t)laddr_idx, s->lport);
	par.wishes.no_cookie |= (pd->fastopen_bits & PD_TFO_CLIENT_NO_COOKIE) != 0;
	if (early != NULL) {
		par.src = early->iov_base;
		par.len = early->iov_len;
	}
	err = tcp_connect_with(pd->tcp, &pd->env, &key, &par, &s->handle);
	if (err < 0)
		return err;
	tcp_get_key(pd->tcp, s->handle, &key);
	s->kind = PD_CONN;
	s->connecting = true;
	/* Of an open before that nobody asked about. */
	s->error = 0;
	s->raddr = *addr;
	s->rport = port;
	s->laddr = pd->local.addr[laddr_idx];
	s->lport = key.lport;
	tcp_set_owner(pd->tcp, s->handle, s, NULL);
	pd_opts_apply(pd, s);
	pd_engine_run(pd);
	return err;
}

static bool
early_may_go(struct pd *pd, const struct pd_sock *s, const struct ip_addr *addr)
{
	return s->value[PD_OPT_FASTOPEN_NO_COOKIE] != 0 ||
		(pd->fastopen_bits & PD_TFO_CLIENT_NO_COOKIE) ||
		tcp_fastopen_knows(pd->tcp, &pd->env, addr);
}

/* The result of an active open: told once, then EISCONN. */
static int
connect_result(struct pd *pd, struct pd_sock *s)
{
	int err;

	if (s->connecting)
		return -EALREADY;
	if (!s->dead && pd_state(pd, s) != 7) {
		if (s->announced)
			return -EISCONN;
		s->announced = true;
		return 0;
	}
	/* It was open once: its error is for others to read. */
	if (s->announced)
		return -EISCONN;
	err = pd_take_error(s);
	forget_conn(s);
	return err != 0 ? err : -ECONNABORTED;
}

static int
wait_for_connect(struct pd *pd, int fd)
{
	uint64_t deadline = 0;

	for (;;) {
		struct pd_sock *s;
		int err = pd_sock_get(pd, fd, &s);

		if (err == 0)
			err = connect_result(pd, s);
		if (err != -EALREADY)
			return err;
		if (deadline == 0)
			deadline = pd_deadline(pd, &s->timeo[1]);
		if (pd_sleep(pd, deadline) != 0)
			return -EINPROGRESS;
	}
}

static int
do_connect(struct pd *pd, int fd, const struct sockaddr *sa, socklen_t len)
{
	const struct iovec none = { NULL, 0 };
	struct pd_sock *s;
	struct ip_addr addr;
	uint16_t port;
	int err = pd_sock_get(pd, fd, &s);

	if (err != 0)
		return err;
	if (sa != NULL && len >= sizeof(sa->sa_family) && sa->sa_family == AF_UNSPEC)
		return disconnect(pd, s);
	err = pd_addr_read(s, sa, len, &addr, &port);
	if (err != 0)
		return err;
	if (s->kind == PD_LISTENER)
		return -EISCONN;
	if (s->deferred)
		return -EISCONN;
	if (s->kind == PD_NEW && s->value[PD_OPT_FASTOPEN_CONNECT] != 0 &&
		early_may_go(pd, s, &addr)) {
		/* All is ready for the first write. */
		s->deferred = true;
		s->raddr = addr;
		s->rport = port;
		return 0;
	}
	if (s->kind == PD_NEW) {
		err = (int)begin_connect(pd, s, &addr, port,
			s->value[PD_OPT_FASTOPEN_CONNECT] != 0 ? &none : NULL);
		if (err != 0)
			return err;
		if (s->nonblock)
			return -EINPROGRESS;
	}
	return s->nonblock ? connect_result(pd, s) : wait_for_connect(pd, fd);
}

/* A write with MSG_FASTOPEN to what is no new socket. */
int
pd_connect_again(struct pd *pd, int fd, bool wait)
{
	struct pd_sock *s;
	int err = pd_sock_get(pd, fd, &s);

	if (err != 0)
		return err;
	if (s->kind == PD_LISTENER)
		return -EISCONN;
	return wait ? wait_for_connect(pd, fd) : connect_result(pd, s);
}

ssize_t
pd_connect_early(struct pd *pd, int fd, const struct sockaddr *sa, socklen_t sa_len,
	const struct iovec *early, bool wait)
{
	const struct iovec none = { NULL, 0 };
	struct pd_sock *s;
	struct ip_addr addr;
	uint16_t port;
	ssize_t n;
	int err = pd_sock_get(pd, fd, &s);

	if (err != 0)
		return err;
	addr = s->raddr;
	port = s->rport;
	if (!s->deferred && (err = pd_addr_read(s, sa, sa_len, &addr, &port)) != 0)
		return sa == NULL ? -EINVAL : err;
	s->deferred = false;
	/* Without a cookie the SYN asks for one, and the data follows the handshake. */
	if (!early_may_go(pd, s, &addr))
		early = &none;
	n = begin_connect(pd, s, &addr, port, early);
	if (n < 0)
		return n;
	if (!wait)
		return n > 0 ? n : -EINPROGRESS;
	err = wait_for_connect(pd, fd);
	return err != 0 ? err : n;
}

int
pd_slot_connect(void *ud, int fd, const struct sockaddr *sa, socklen_t len)
{
	struct pd *pd = pd_enter(ud);

	return (int)pd_leave(pd, do_connect(pd, fd, sa, len));
}

/* --- fcntl, ioctl --------------------------------------------------------------------------- */

static int
do_fcntl(struct pd *pd, int fd, int cmd, int arg)
{
	struct pd_sock *s = pd_fd_get(pd, fd);

	if (s == NULL)
		return -EBADF;
	switch (cmd) {
	case F_GETFL:
		return O_RDWR | (s->nonblock ? O_NONBLOCK : 0);
	case F_SETFL:
		s->nonblock = (arg & O_NONBLOCK) != 0;
		return 0;
	case F_GETFD:
		return 0;
	case F_SETFD:
		return 0;
	default:
		return -EINVAL;
	}
}

int
pd_slot_fcntl(void *ud, int fd, int cmd, ...)
{
	struct pd *pd = pd_enter(ud);
	int arg = 0;
	va_list ap;

	if (cmd == F_SETFL || cmd == F_SETFD) {
		va_start(ap, cmd);
		arg = va_arg(ap, int);
		va_end(ap);
	}
	return (int)pd_leave(pd, do_fcntl(pd, fd, cmd, arg));
}

/*
 * What is not acknowledged, also where it never will be: Linux numbers a FIN as if it were a byte,
 * and so does snd_una.
 */
static int
unacked(const struct pd_sock *s, const struct tcp_details *d)
{
	return s->connecting ? 0 : (int)(d->write_seq - d->snd_una) + s->fin_sent;
}

static int
do_ioctl(struct pd *pd, int fd, unsigned long request, int *arg)
{
	struct tcp_details d = { 0 };
	struct pd_sock *s;
	int err = pd_sock_get(pd, fd, &s);

	if (err != 0)
		return err;
	if (arg == NULL)
		return -EFAULT;
	if (request == FIONBIO) {
		s->nonblock = *arg != 0;
		return 0;
	}
	if (request == SIOCATMARK) {
		/* Urgent data is data like any other here. */
		*arg = 0;
		return 0;
	}
	if (s->kind == PD_LISTENER)
		return -EINVAL;
	if (!pd_details(pd, s, &d) && s->dead)
		d = s->last;
	switch (request) {
	case SIOCINQ:
		*arg = s->connecting ? 0 : (int)pd_readable(pd, s);
		return 0;
	case SIOCOUTQ:
		*arg = unacked(s, &d);
		return 0;
	case SIOCOUTQNSD:
		*arg = s->connecting ? 0 : (int)pd_unsent(s, &d);
		return 0;
	default:
		return -ENOTTY;
	}
}

int
pd_slot_ioctl(void *ud, int fd, unsigned long request, ...)
{
	struct pd *pd = pd_enter(ud);
	int *arg;
	va_list ap;

	va_start(ap, request);
	arg = va_arg(ap, int *);
	va_end(ap);
	return (int)pd_leave(pd, do_ioctl(pd, fd, request, arg));
}

/* --- shutdown, close ------------------------------------------------------------------------ */

static int
do_shutdown(struct pd *pd, int fd, int how)
{
	struct pd_sock *s;
	unsigned int what;
	int err = pd_sock_get(pd, fd, &s);

	if (err != 0)
		return err;
	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	if (s->kind == PD_NEW || s->dead || pd_state(pd, s) == 7) {
		/* Linux remembers it all the same. */
		s->rd_shut |= how != SHUT_WR;
		s->wr_shut |= how != SHUT_RD;
		s->activity++;
		pd_wake_all(pd);
		return -ENOTCONN;
	}
	if (s->kind == PD_LISTENER || pd_state(pd, s) == 2) {
		/* It stops listening, or gives the open up. */
		if (s->kind != PD_LISTENER || how != SHUT_WR)
			disconnect(pd, s);
		return 0;
	}
	s->rd_shut |= how != SHUT_WR;
	s->wr_shut |= how != SHUT_RD;
	/* In Linux a socket that reads no more still takes what comes, until it is closed. */
	what = s->wr_shut ? TCP_SHUT_WR : 0;
	s->fin_sent = s->wr_shut;
	/* After the peer's FIN nothing comes that could be refused. */
	if (s->wr_shut && s->rd_shut && pd_state(pd, s) != 8) {
		pd_keep_received(pd, s);
		what |= TCP_SHUT_RD | TCP_SHUT_REFUSE;
	}
	if (what != 0)
		tcp_shutdown(pd->tcp, &pd->env, s->handle, what);
	s->activity++;
	pd_engine_run(pd);
	return 0;
}

int
pd_slot_shutdown(void *ud, int fd, int how)
{
	struct pd *pd = pd_enter(ud);

	return (int)pd_leave(pd, do_shutdown(pd, fd, how));
}

/* True while close() with SO_LINGER waits: data or our FIN is not acknowledged. */
static bool
lingers(struct pd *pd, tcp_handle conn)
{
	struct tcp_details d;

	if (tcp_get_details(pd->tcp, &pd->env, conn, &d) != 0)
		return false;
	return d.row.state == TCPS_FIN_WAIT_1 || d.row.state == TCPS_CLOSING ||
		d.row.state == TCPS_LAST_ACK;
}

static int
do_close(struct pd *pd, int fd)
{
	struct pd_sock *s = pd_fd_get(pd, fd);
	uint64_t deadline;
	tcp_handle conn;

	if (s == NULL)
		return syscall(SYS_close, fd) == 0 ? 0 : -errno;
	conn = s->kind == PD_CONN && s->linger.l_onoff && s->linger.l_linger > 0 ? s->handle : 0;
	deadline = pd->env.now_us + 1000000 * (uint64_t)s->linger.l_linger;
	pd_sock_close(pd, s);
	pd_fd_free(pd, s);
	while (conn != 0 && lingers(pd, conn))
		if (pd_sleep(pd, deadline) != 0)
			break;
	return 0;
}

int
pd_slot_close(void *ud, int fd)
{
	struct pd *pd = pd_enter(ud);

	return (int)pd_leave(pd, do_close(pd, fd));
}
