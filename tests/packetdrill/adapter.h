/* SPDX-License-Identifier: BSD-3-Clause */
/* The table that packetdrill has a shared object fill: 33 slots of eight bytes, in this order. */
#ifndef PACKETDRILL_ADAPTER_H
#define PACKETDRILL_ADAPTER_H

#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

/** Each takes ud first, then what the system call of its name takes, and sets errno as it does. */
struct packetdrill_interface {
	void *ud;
	void (*free)(void *ud);
	int (*socket)(void *ud, int domain, int type, int protocol);
	int (*bind)(void *ud, int fd, const struct sockaddr *sa, socklen_t len);
	int (*listen)(void *ud, int fd, int backlog);
	int (*accept)(void *ud, int fd, struct sockaddr *sa, socklen_t *len);
	int (*connect)(void *ud, int fd, const struct sockaddr *sa, socklen_t len);
	ssize_t (*read)(void *ud, int fd, void *buf, size_t len);
	ssize_t (*readv)(void *ud, int fd, const struct iovec *iov, int n);
	ssize_t (*recv)(void *ud, int fd, void *buf, size_t len, int flags);
	ssize_t (*recvfrom)(void *ud, int fd, void *buf, size_t len, int flags,
		struct sockaddr *sa, socklen_t *sa_len);
	ssize_t (*recvmsg)(void *ud, int fd, struct msghdr *msg, int flags);
	ssize_t (*write)(void *ud, int fd, const void *buf, size_t len);
	ssize_t (*writev)(void *ud, int fd, const struct iovec *iov, int n);
	ssize_t (*send)(void *ud, int fd, const void *buf, size_t len, int flags);
	ssize_t (*sendto)(void *ud, int fd, const void *buf, size_t len, int flags,
		const struct sockaddr *sa, socklen_t sa_len);
	ssize_t (*sendmsg)(void *ud, int fd, const struct msghdr *msg, int flags);
	int (*fcntl)(void *ud, int fd, int cmd, ...);
	int (*ioctl)(void *ud, int fd, unsigned long request, ...);
	int (*close)(void *ud, int fd);
	int (*shutdown)(void *ud, int fd, int how);
	int (*getsockopt)(void *ud, int fd, int level, int name, void *value, socklen_t *len);
	int (*setsockopt)(void *ud, int fd, int level, int name, const void *value, socklen_t len);
	int (*poll)(void *ud, struct pollfd *fds, nfds_t n, int ms);
	/* An IP packet arrives; the next one that left, with its length and time. */
	int (*netdev_send)(void *ud, const void *buf, size_t n);
	int (*netdev_receive)(void *ud, void *buf, size_t *n, long long *time_us);
	int (*usleep)(void *ud, useconds_t us);
	int (*gettimeofday)(void *ud, struct timeval *tv, void *tz);
	int (*epoll_create)(void *ud, int size);
	int (*epoll_ctl)(void *ud, int epfd, int op, int fd, struct epoll_event *event);
	int (*epoll_wait)(void *ud, int epfd, struct epoll_event *events, int max, int ms);
	int (*pipe)(void *ud, int fds[2]);
	ssize_t (*splice)(void *ud, int in, loff_t *off_in, int out, loff_t *off_out, size_t len,
		unsigned int flags);
};

_Static_assert(sizeof(struct packetdrill_interface) == 264, "33 slots");
_Static_assert(offsetof(struct packetdrill_interface, netdev_send) == 192, "slot 24");

/** flags: what --so_flags says, NULL without it. to is zeroed and filled. */
void packetdrill_interface_init(const char *flags, struct packetdrill_interface *to);

#endif
