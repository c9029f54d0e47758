/* SPDX-License-Identifier: BSD-3-Clause */
/* Descriptors: each is a real one of the kernel, so that the tool can close what it got. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "packetdrill/pd.h"

struct pd_sock *
pd_fd_get(const struct pd *pd, int fd)
{
	return fd < 0 || fd >= PD_FDS_MAX ? NULL : pd->socks[fd];
}

int
pd_sock_get(const struct pd *pd, int fd, struct pd_sock **out)
{
	struct pd_sock *s = pd_fd_get(pd, fd);

	if (s == NULL)
		return -EBADF;
	*out = s;
	return s->kind == PD_EPOLL ? -ENOTSOCK : 0;
}

static void
forget_in_epolls(struct pd *pd, int fd)
{
	for (unsigned int i = 0; i < PD_FDS_MAX; i++) {
		struct pd_sock *ep = pd->socks[i];

		if (ep == NULL || ep->kind != PD_EPOLL)
			continue;
		for (unsigned int k = 0; k < PD_EPOLL_MAX; k++)
			if (ep->rows[k].fd == fd)
				ep->rows[k].fd = -1;
	}
}

/* The entry goes; the kernel's descriptor stays. */
static void
drop(struct pd *pd, struct pd_sock *s)
{
	pd->socks[s->fd] = NULL;
	forget_in_epolls(pd, s->fd);
	pd_errq_free(s);
	pd_stamp_free(s);
	pd_room_forget(s);
	free(s->syn);
	free(s->left);
	free(s->rows);
	free(s);
}

void
pd_fd_free(struct pd *pd, struct pd_sock *s)
{
	int fd = s->fd;

	drop(pd, s);
	syscall(SYS_close, fd);
}

struct pd_sock *
pd_fd_new(struct pd *pd, enum pd_kind kind, int domain)
{
	int fd = eventfd(0, EFD_CLOEXEC);
	struct pd_sock *s;

	if (fd < 0)
		return NULL;
	if (fd >= PD_FDS_MAX) {
		syscall(SYS_close, fd);
		errno = EMFILE;
		return NULL;
	}
	/* Closed behind our back: the kernel has given the number away again. */
	s = pd->socks[fd];
	if (s != NULL) {
		pd_sock_close(pd, s);
		drop(pd, s);
	}
	s = calloc(1, sizeof(*s));
	if (s == NULL)
		abort();
	s->fd = fd;
	s->kind = kind;
	s->domain = domain;
	s->laddr = s->raddr = (struct ip_addr){ { 0 } };
	pd->socks[fd] = s;
	return s;
}
