/* SPDX-License-Identifier: BSD-3-Clause */
/* The shared object that packetdrill loads: its table of calls, and calls that bypass it. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "packetdrill/adapter.h"
#include "packetdrill/pd.h"

#define PD_EXPORT __attribute__((__visibility__("default")))

struct pd *pd_instance;

static void
slot_free(void *ud)
{
	struct pd *pd = pd_enter(ud);

	for (unsigned int i = 0; i < PD_FDS_MAX; i++) {
		if (pd->socks[i] == NULL)
			continue;
		pd_sock_close(pd, pd->socks[i]);
		pd_fd_free(pd, pd->socks[i]);
	}
	pd_engine_fini(pd);
	pd_leave(pd, 0);
	pd_instance = NULL;
	free(pd);
}

static void
fill(struct packetdrill_interface *to, struct pd *pd)
{
	*to = (struct packetdrill_interface){
		.ud = pd,
		.free = slot_free,
		.socket = pd_slot_socket,
		.bind = pd_slot_bind,
		.listen = pd_slot_listen,
		.accept = pd_slot_accept,
		.connect = pd_slot_connect,
		.read = pd_slot_read,
		.readv = pd_slot_readv,
		.recv = pd_slot_recv,
		.recvfrom = pd_slot_recvfrom,
		.recvmsg = pd_slot_recvmsg,
		.write = pd_slot_write,
		.writev = pd_slot_writev,
		.send = pd_slot_send,
		.sendto = pd_slot_sendto,
		.sendmsg = pd_slot_sendmsg,
		.fcntl = pd_slot_fcntl,
		.ioctl = pd_slot_ioctl,
		.close = pd_slot_close,
		.shutdown = pd_slot_shutdown,
		.getsockopt = pd_slot_getsockopt,
		.setsockopt = pd_slot_setsockopt,
		.poll = pd_slot_poll,
		.netdev_send = pd_slot_netdev_send,
		.netdev_receive = pd_slot_netdev_receive,
		.usleep = pd_slot_usleep,
		.gettimeofday = pd_slot_gettimeofday,
		.epoll_create = pd_slot_epoll_create,
		.epoll_ctl = pd_slot_epoll_ctl,
		.epoll_wait = pd_slot_epoll_wait,
		.pipe = pd_slot_pipe,
		.splice = pd_slot_splice,
	};
}

/* The clock starts as the real one, on a whole millisecond, and goes its own way. */
static uint64_t
start_us(void)
{
	struct timeval tv;

	gettimeofday(&tv, NULL);
	return (uint64_t)tv.tv_sec * 1000000 + (uint64_t)tv.tv_usec / 1000 * 1000;
}

PD_EXPORT void
packetdrill_interface_init(const char *flags, struct packetdrill_interface *to)
{
	struct pd *pd = calloc(1, sizeof(*pd));

	/* Programs that a script runs are none of ours. */
	unsetenv("LD_PRELOAD");
	if (pd == NULL)
		abort();
	pthread_mutex_init(&pd->lock, NULL);
	pthread_cond_init(&pd->wake, NULL);
	pthread_cond_init(&pd->settled, NULL);
	if (pd_flags_parse(pd, flags) != 0) {
		fprintf(stderr, "--so_flags=\"%s\": ip=A[,B...] mtu=N sysctl=DIR wait=S\n", flags);
		exit(2);
	}
	if (pd_engine_init(pd, start_us()) != 0) {
		fprintf(stderr, "the stack does not start\n");
		exit(2);
	}
	pd_sysctl_load(pd);
	pd_instance = pd;
	fill(to, pd);
}

/*
 * With LD_PRELOAD the tool's own calls on our descriptors come here, too. Others are the kernel's,
 * asked directly: the C library's functions of these names are ours.
 */
static bool
is_ours(int fd)
{
	return pd_instance != NULL && pd_fd_get(pd_instance, fd) != NULL;
}

PD_EXPORT int
getsockopt(int fd, int level, int name, void *__restrict value, socklen_t *__restrict len)
{
	if (is_ours(fd))
		return pd_slot_getsockopt(pd_instance, fd, level, name, value, len);
	return (int)syscall(SYS_getsockopt, fd, level, name, value, len);
}

PD_EXPORT int
close(int fd)
{
	if (is_ours(fd))
		return pd_slot_close(pd_instance, fd);
	return (int)syscall(SYS_close, fd);
}

PD_EXPORT ssize_t
sendfile(int out_fd, int in_fd, off_t *offset, size_t len)
{
	struct pd *pd;

	if (!is_ours(out_fd))
		return syscall(SYS_sendfile, out_fd, in_fd, offset, len);
	pd = pd_enter(pd_instance);
	return pd_leave(pd, pd_sendfile(pd, out_fd, in_fd, offset, len));
}

/* The same under the name that programs with small offsets use; they do not differ here. */
PD_EXPORT ssize_t sendfile_plain(int out_fd, int in_fd, off_t *offset, size_t len)
	__asm__("sendfile");

PD_EXPORT ssize_t
sendfile_plain(int out_fd, int in_fd, off_t *offset, size_t len)
{
	return sendfile(out_fd, in_fd, offset, len);
}
