/* SPDX-License-Identifier: BSD-3-Clause */
/* The same interface as the adapter's over the kernel of this machine: what Linux answers. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "packetdrill/adapter.h"

/*
 * The wire is a tun device in the network namespace of the process, which must be its own; time is
 * real. Only TCP over it is told of: the kernel also looks for routers and groups.
 */
static const char *const setup[] = {
	"link set lo up",
	"link set tun0 txqueuelen 10000",
	"link set tun0 up",
	"addr add 192.168.0.1/32 dev tun0",
	"route add default dev tun0",
	"-6 addr add fd3d:fa7b:d17d::1/128 dev tun0 nodad",
	"-6 route add default dev tun0",
};

#define PACKET_MAX 65536u
#define QUEUE_MAX 4096u
#define EXPORT __attribute__((__visibility__("default")))

struct packet {
	long long at_us;
	size_t len;
	uint8_t *bytes;
};

struct linux_stack {
	int tun;
	pthread_t reader;
	pthread_mutex_t lock;
	pthread_cond_t came;
	struct packet queue[QUEUE_MAX];
	unsigned int head, tail;
	long wait_s;
	bool direct; /* no thread: who receives reads the device, who sleeps wakes for a packet */
};

static long long
now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (long long)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static bool
is_tcp(const uint8_t *ip, size_t len)
{
	return len >= 40 && (ip[0] >> 4 == 4 ? ip[9] : ip[6]) == 6;
}

static void *
read_tun(void *arg)
{
	struct linux_stack *ls = arg;
	uint8_t *buf = malloc(PACKET_MAX);
	ssize_t n;

	if (buf == NULL)
		abort();
	while ((n = read(ls->tun, buf, PACKET_MAX)) > 0) {
		struct packet *p;

		if (!is_tcp(buf, (size_t)n))
			continue;
		pthread_mutex_lock(&ls->lock);
		if (ls->tail - ls->head < QUEUE_MAX) {
			p = &ls->queue[ls->tail++ % QUEUE_MAX];
			*p = (struct packet){ now_us(), (size_t)n, malloc((size_t)n) };
			if (p->bytes == NULL)
				abort();
			memcpy(p->bytes, buf, (size_t)n);
		}
		pthread_cond_signal(&ls->came);
		pthread_mutex_unlock(&ls->lock);
	}
	free(buf);
	return NULL;
}

/* --- the wire and the clock ----------------------------------------------------------------- */

static int
slot_netdev_send(void *ud, const void *buf, size_t n)
{
	struct linux_stack *ls = ud;

	return write(ls->tun, buf, n) == (ssize_t)n ? 0 : -1;
}

/* What the kernel answers is there when the write that asks for it returns. */
static int
receive_direct(struct linux_stack *ls, void *buf, size_t *n, long long *time_us)
{
	ssize_t got;

	do
		got = read(ls->tun, buf, *n);
	while (got > 0 && !is_tcp(buf, (size_t)got));
	*n = got > 0 ? (size_t)got : 0;
	*time_us = now_us();
	return 0;
}

static int
slot_netdev_receive(void *ud, void *buf, size_t *n, long long *time_us)
{
	struct linux_stack *ls = ud;
	struct timespec until;
	size_t room = *n;
	int err = 0;

	if (ls->direct)
		return receive_direct(ls, buf, n, time_us);
	*n = 0;
	*time_us = now_us();
	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += ls->wait_s;
	pthread_mutex_lock(&ls->lock);
	while (ls->head == ls->tail && err == 0)
		err = pthread_cond_timedwait(&ls->came, &ls->lock, &until);
	if (ls->head != ls->tail) {
		struct packet *p = &ls->queue[ls->head++ % QUEUE_MAX];

		*n = p->len < room ? p->len : room;
		*time_us = p->at_us;
		memcpy(buf, p->bytes, *n);
		free(p->bytes);
	}
	pthread_mutex_unlock(&ls->lock);
	return 0;
}

static int
slot_usleep(void *ud, useconds_t us)
{
	const struct timespec t = { us / 1000000, (long)(us % 1000000) * 1000 };
	struct linux_stack *ls = ud;
	struct pollfd fd = { .fd = ls->tun, .events = POLLIN };

	if (ls->direct)
		return ppoll(&fd, 1, &t, NULL) < 0 ? -1 : 0;
	return nanosleep(&t, NULL);
}

static int
slot_gettimeofday(void *ud, struct timeval *tv, void *tz)
{
	(void)ud, (void)tz;
	return gettimeofday(tv, NULL);
}

static void
slot_free(void *ud)
{
	(void)ud;
}

/* --- the calls of the kernel ---------------------------------------------------------------- */

/* Only the first namespace may choose cubic by sysctl; here whoever chose nothing gets it. */
static void
choose_cubic(int fd)
{
	int saved = errno;
	char name[16] = "";
	socklen_t len = sizeof(name);

	if (fd >= 0 && getsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, name, &len) == 0 &&
		strcmp(name, "reno") != 0)
		setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, "cubic", 5);
	errno = saved;
}

static int
slot_socket(void *ud, int domain, int type, int protocol)
{
	int fd = socket(domain, type, protocol);

	(void)ud;
	choose_cubic(fd);
	return fd;
}

static int
slot_bind(void *ud, int fd, const struct sockaddr *sa, socklen_t len)
{
	(void)ud;
	return bind(fd, sa, len);
}

static int
slot_listen(void *ud, int fd, int backlog)
{
	(void)ud;
	return listen(fd, backlog);
}

static int
slot_accept(void *ud, int fd, struct sockaddr *sa, socklen_t *len)
{
	(void)ud;
	return accept(fd, sa, len);
}

static int
slot_connect(void *ud, int fd, const struct sockaddr *sa, socklen_t len)
{
	(void)ud;
	return connect(fd, sa, len);
}

static ssize_t
slot_read(void *ud, int fd, void *buf, size_t len)
{
	(void)ud;
	return read(fd, buf, len);
}

static ssize_t
slot_readv(void *ud, int fd, const struct iovec *iov, int n)
{
	(void)ud;
	return readv(fd, iov, n);
}

static ssize_t
slot_recv(void *ud, int fd, void *buf, size_t len, int flags)
{
	(void)ud;
	return recv(fd, buf, len, flags);
}

static ssize_t
slot_recvfrom(void *ud, int fd, void *buf, size_t len, int flags, struct sockaddr *sa,
	socklen_t *sa_len)
{
	(void)ud;
	return recvfrom(fd, buf, len, flags, sa, sa_len);
}

static ssize_t
slot_recvmsg(void *ud, int fd, struct msghdr *msg, int flags)
{
	(void)ud;
	return recvmsg(fd, msg, flags);
}

static ssize_t
slot_write(void *ud, int fd, const void *buf, size_t len)
{
	(void)ud;
	return write(fd, buf, len);
}

static ssize_t
slot_writev(void *ud, int fd, const struct iovec *iov, int n)
{
	(void)ud;
	return writev(fd, iov, n);
}

static ssize_t
slot_send(void *ud, int fd, const void *buf, size_t len, int flags)
{
	(void)ud;
	return send(fd, buf, len, flags);
}

static ssize_t
slot_sendto(void *ud, int fd, const void *buf, size_t len, int flags, const struct sockaddr *sa,
	socklen_t sa_len)
{
	(void)ud;
	return sendto(fd, buf, len, flags, sa, sa_len);
}

static ssize_t
slot_sendmsg(void *ud, int fd, const struct msghdr *msg, int flags)
{
	(void)ud;
	return sendmsg(fd, msg, flags);
}

static int
slot_fcntl(void *ud, int fd, int cmd, ...)
{
	va_list ap;
	int arg;

	(void)ud;
	va_start(ap, cmd);
	arg = cmd == F_SETFL ? va_arg(ap, int) : 0;
	va_end(ap);
	return fcntl(fd, cmd, arg);
}

static int
slot_ioctl(void *ud, int fd, unsigned long request, ...)
{
	va_list ap;
	void *arg;

	(void)ud;
	va_start(ap, request);
	arg = va_arg(ap, void *);
	va_end(ap);
	return ioctl(fd, request, arg);
}

static int
slot_close(void *ud, int fd)
{
	(void)ud;
	return close(fd);
}

static int
slot_shutdown(void *ud, int fd, int how)
{
	(void)ud;
	return shutdown(fd, how);
}

static int
slot_getsockopt(void *ud, int fd, int level, int name, void *value, socklen_t *len)
{
	(void)ud;
	return getsockopt(fd, level, name, value, len);
}

static int
slot_setsockopt(void *ud, int fd, int level, int name, const void *value, socklen_t len)
{
	(void)ud;
	return setsockopt(fd, level, name, value, len);
}

static int
slot_poll(void *ud, struct pollfd *fds, nfds_t n, int ms)
{
	(void)ud;
	return poll(fds, n, ms);
}

static int
slot_epoll_create(void *ud, int size)
{
	(void)ud;
	return epoll_create(size);
}

static int
slot_epoll_ctl(void *ud, int epfd, int op, int fd, struct epoll_event *event)
{
	(void)ud;
	return epoll_ctl(epfd, op, fd, event);
}

static int
slot_epoll_wait(void *ud, int epfd, struct epoll_event *events, int max, int ms)
{
	(void)ud;
	return epoll_wait(epfd, events, max, ms);
}

static int
slot_pipe(void *ud, int fds[2])
{
	(void)ud;
	return pipe(fds);
}

static ssize_t
slot_splice(void *ud, int in, loff_t *off_in, int out, loff_t *off_out, size_t len,
	unsigned int flags)
{
	(void)ud;
	return splice(in, off_in, out, off_out, len, flags);
}

/* --- start ---------------------------------------------------------------------------------- */

static void
fill(struct packetdrill_interface *to, struct linux_stack *ls)
{
	*to = (struct packetdrill_interface){
		.ud = ls,
		.free = slot_free,
		.socket = slot_socket,
		.bind = slot_bind,
		.listen = slot_listen,
		.accept = slot_accept,
		.connect = slot_connect,
		.read = slot_read,
		.readv = slot_readv,
		.recv = slot_recv,
		.recvfrom = slot_recvfrom,
		.recvmsg = slot_recvmsg,
		.write = slot_write,
		.writev = slot_writev,
		.send = slot_send,
		.sendto = slot_sendto,
		.sendmsg = slot_sendmsg,
		.fcntl = slot_fcntl,
		.ioctl = slot_ioctl,
		.close = slot_close,
		.shutdown = slot_shutdown,
		.getsockopt = slot_getsockopt,
		.setsockopt = slot_setsockopt,
		.poll = slot_poll,
		.netdev_send = slot_netdev_send,
		.netdev_receive = slot_netdev_receive,
		.usleep = slot_usleep,
		.gettimeofday = slot_gettimeofday,
		.epoll_create = slot_epoll_create,
		.epoll_ctl = slot_epoll_ctl,
		.epoll_wait = slot_epoll_wait,
		.pipe = slot_pipe,
		.splice = slot_splice,
	};
}

static void
no(const char *why)
{
	printf("SKIP: %s: %s\n", why, strerror(errno));
	exit(77);
}

/* "ip ..."; false: it failed. */
static bool
run_ip(const char *words)
{
	char text[128], *argv[16] = { "ip" }, *save = NULL;
	unsigned int n = 1;
	int status = -1;
	pid_t pid;

	snprintf(text, sizeof(text), "%s", words);
	for (char *w = strtok_r(text, " ", &save); w != NULL && n < 15;
		w = strtok_r(NULL, " ", &save))
		argv[n++] = w;
	if (posix_spawnp(&pid, "ip", NULL, NULL, argv, environ) != 0)
		return false;
	return waitpid(pid, &status, 0) == pid && status == 0;
}

/* The number behind name in flags. */
static unsigned long
flag(const char *flags, const char *name, unsigned long otherwise)
{
	const char *p = flags == NULL ? NULL : strstr(flags, name);

	return p == NULL ? otherwise : strtoul(p + strlen(name), NULL, 10);
}

/* Nothing here may touch the network of the machine: only one with nothing in it will do. */
static bool
is_empty_namespace(void)
{
	struct if_nameindex *ifs = if_nameindex();
	bool empty = ifs != NULL && ifs[0].if_index == 1 && ifs[1].if_index == 0;

	if_freenameindex(ifs);
	return empty;
}

/*
 * flags as the adapter's: of those only mtu=N and wait=SECONDS mean something. Of its own: direct,
 * for who plays many connections at a time and waits for none.
 */
EXPORT void
packetdrill_interface_init(const char *flags, struct packetdrill_interface *to)
{
	static struct linux_stack ls;
	struct ifreq ifr = { .ifr_name = "tun0", .ifr_flags = IFF_TUN | IFF_NO_PI };
	char mtu[64];

	if (!is_empty_namespace())
		no("this network namespace is not empty");
	ls.wait_s = (long)flag(flags, "wait=", 2);
	ls.tun = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
	if (ls.tun < 0 || ioctl(ls.tun, TUNSETIFF, &ifr) != 0)
		no("no tun device");
	snprintf(mtu, sizeof(mtu), "link set tun0 mtu %lu", flag(flags, "mtu=", 1500));
	if (!run_ip(mtu))
		no("ip link");
	for (size_t i = 0; i < sizeof(setup) / sizeof(setup[0]); i++)
		if (!run_ip(setup[i]))
			no(setup[i]);
	pthread_mutex_init(&ls.lock, NULL);
	pthread_cond_init(&ls.came, NULL);
	ls.direct = flags != NULL && strstr(flags, "direct") != NULL;
	if (ls.direct && fcntl(ls.tun, F_SETFL, O_NONBLOCK) != 0)
		no("no waiting");
	if (!ls.direct && pthread_create(&ls.reader, NULL, read_tun, &ls) != 0)
		no("no thread");
	fill(to, &ls);
}
