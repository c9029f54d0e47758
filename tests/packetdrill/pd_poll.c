/* SPDX-License-Identifier: BSD-3-Clause */
/* poll and epoll over our descriptors. */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "packetdrill/pd.h"

static int
poll_once(struct pd *pd, struct pollfd *fds, unsigned long n)
{
	int ready = 0;

	for (unsigned long i = 0; i < n; i++) {
		struct pd_sock *s = pd_fd_get(pd, fds[i].fd);
		uint32_t wanted = (uint16_t)fds[i].events | POLLERR | POLLHUP;

		fds[i].revents = 0;
		if (fds[i].fd < 0)
			continue;
		if (s == NULL)
			fds[i].revents = POLLNVAL;
		else if (s->kind != PD_EPOLL)
			fds[i].revents = (short)(pd_poll_mask(pd, s) & wanted);
		ready += fds[i].revents != 0;
	}
	return ready;
}

int
pd_slot_poll(void *ud, struct pollfd *fds, unsigned long n, int ms)
{
	struct pd *pd = pd_enter(ud);
	uint64_t deadline = pd_deadline_ms(pd, ms);
	int ready;

	if (fds == NULL && n > 0)
		return (int)pd_leave(pd, -EFAULT);
	while ((ready = poll_once(pd, fds, n)) == 0 && ms != 0)
		if (pd_sleep(pd, deadline) != 0)
			break;
	return (int)pd_leave(pd, ready);
}

int
pd_slot_epoll_create(void *ud, int size)
{
	struct pd *pd = pd_enter(ud);
	struct pd_sock *s;

	if (size <= 0)
		return (int)pd_leave(pd, -EINVAL);
	s = pd_fd_new(pd, PD_EPOLL, 0);
	if (s == NULL)
		return (int)pd_leave(pd, -errno);
	s->rows = calloc(PD_EPOLL_MAX, sizeof(*s->rows));
	if (s->rows == NULL)
		abort();
	for (unsigned int i = 0; i < PD_EPOLL_MAX; i++)
		s->rows[i].fd = -1;
	return (int)pd_leave(pd, s->fd);
}

static struct pd_epoll_row *
find_row(struct pd_sock *ep, int fd)
{
	for (unsigned int i = 0; i < PD_EPOLL_MAX; i++)
		if (ep->rows[i].fd == fd)
			return &ep->rows[i];
	return NULL;
}

static void
set_row(struct pd_epoll_row *row, int fd, const struct epoll_event *event)
{
	*row = (struct pd_epoll_row){ .fd = fd, .event = *event, .fresh = true };
}

static int
do_epoll_ctl(struct pd *pd, int epfd, int op, int fd, const struct epoll_event *event)
{
	struct pd_sock *ep = pd_fd_get(pd, epfd);
	const struct pd_sock *s = pd_fd_get(pd, fd);
	struct pd_epoll_row *row;

	if (ep == NULL || s == NULL)
		return -EBADF;
	if (ep->kind != PD_EPOLL || s->kind == PD_EPOLL)
		return -EINVAL;
	if (event == NULL && op != EPOLL_CTL_DEL)
		return -EFAULT;
	row = find_row(ep, fd);
	switch (op) {
	case EPOLL_CTL_ADD:
		if (row != NULL)
			return -EEXIST;
		row = find_row(ep, -1);
		if (row == NULL)
			return -ENOSPC;
		set_row(row, fd, event);
		break;
	case EPOLL_CTL_MOD:
		if (row == NULL)
			return -ENOENT;
		set_row(row, fd, event);
		break;
	case EPOLL_CTL_DEL:
		if (row == NULL)
			return -ENOENT;
		row->fd = -1;
		break;
	default:
		return -EINVAL;
	}
	pd_wake_all(pd);
	return 0;
}

int
pd_slot_epoll_ctl(void *ud, int epfd, int op, int fd, struct epoll_event *event)
{
	struct pd *pd = pd_enter(ud);

	return (int)pd_leave(pd, do_epoll_ctl(pd, epfd, op, fd, event));
}

/* What happened that this row asks for: as Linux, bytes wake no writer, and room no reader. */
static uint64_t
activity_of(const struct pd_sock *s, uint32_t events)
{
	return s->activity + (events & (EPOLLIN | EPOLLRDNORM) ? s->rd_activity : 0) +
		(events & (EPOLLOUT | EPOLLWRNORM) ? s->wr_activity : 0);
}

/* Edges: once for everything that happened to the socket, which re-arms it. */
static uint32_t
row_mask(struct pd *pd, struct pd_epoll_row *row)
{
	struct pd_sock *s = pd_fd_get(pd, row->fd);
	uint64_t activity;
	uint32_t mask;

	if (s == NULL || row->spent)
		return 0;
	activity = activity_of(s, row->event.events);
	if ((row->event.events & EPOLLET) && !row->fresh && row->seen == activity)
		return 0;
	mask = pd_poll_mask(pd, s) & (row->event.events | EPOLLERR | EPOLLHUP);
	if (mask == 0)
		return 0;
	row->seen = activity;
	row->fresh = false;
	row->spent = (row->event.events & EPOLLONESHOT) != 0;
	return mask;
}

static int
epoll_once(struct pd *pd, struct pd_sock *ep, struct epoll_event *events, int max)
{
	int n = 0;

	for (unsigned int i = 0; i < PD_EPOLL_MAX && n < max; i++) {
		struct pd_epoll_row *row = &ep->rows[i];
		uint32_t mask = row_mask(pd, row);

		if (mask == 0)
			continue;
		events[n].events = mask;
		events[n++].data = row->event.data;
	}
	return n;
}

static int
do_epoll_wait(struct pd *pd, int epfd, struct epoll_event *events, int max, int ms)
{
	uint64_t deadline = pd_deadline_ms(pd, ms);

	for (;;) {
		struct pd_sock *ep = pd_fd_get(pd, epfd);
		int n;

		if (ep == NULL)
			return -EBADF;
		if (ep->kind != PD_EPOLL || max <= 0)
			return -EINVAL;
		if (events == NULL)
			return -EFAULT;
		n = epoll_once(pd, ep, events, max);
		if (n > 0 || ms == 0 || pd_sleep(pd, deadline) != 0)
			return n;
	}
}

int
pd_slot_epoll_wait(void *ud, int epfd, struct epoll_event *events, int max, int ms)
{
	struct pd *pd = pd_enter(ud);

	return (int)pd_leave(pd, do_epoll_wait(pd, epfd, events, max, ms));
}
