/* SPDX-License-Identifier: BSD-3-Clause */
/* A tap, the kernel's TCP behind it, an epoll server, and clients that write frames. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/linux_bed.h"

#include "base/compiler.h"

#define TAP "bench0"		/* as tests/bench/with_tap makes it */
#define BURST LINUX_BURST
#define ANSWER_TIMEOUT_MS 1000

void
linux_fail(const char *what)
{
	fprintf(stderr, "bench_linux_tap: %s%s%s\n", what, errno ? ": " : "",
		errno ? strerror(errno) : "");
	exit(1);
}

void
linux_check(bool fine, const char *what)
{
	if (!fine)
		linux_fail(what);
}

/* --- a place of our own ---------------------------------------------------------------------- */

/* The flags of an interface; 0 if it is not there. */
static unsigned int
interface_flags(const char *name)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	linux_check(fd >= 0, "socket");
	snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
	if (ioctl(fd, SIOCGIFFLAGS, &ifr) != 0)
		ifr.ifr_flags = 0;
	close(fd);
	return (unsigned short)ifr.ifr_flags;
}

/* Refuse to flood anything but our own tap: every other interface is down, no route leads there. */
static void
check_alone(void)
{
	struct if_nameindex *all = if_nameindex();
	FILE *routes = fopen("/proc/net/route", "r");
	char line[256];
	char dev[64];

	errno = 0;
	linux_check(all != NULL && routes != NULL, "cannot list interfaces and routes");
	for (const struct if_nameindex *i = all; i->if_index != 0; i++) {
		unsigned int flags = interface_flags(i->if_name);

		if ((flags & IFF_UP) && !(flags & IFF_LOOPBACK) && strcmp(i->if_name, TAP) != 0)
			linux_fail("another interface is up; run it with tests/bench/with_tap");
	}
	if_freenameindex(all);
	while (fgets(line, sizeof(line), routes) != NULL)
		if (sscanf(line, "%63s", dev) == 1 && strcmp(dev, "Iface") != 0 &&
			strcmp(dev, TAP) != 0)
			linux_fail("a route leads elsewhere; run it with tests/bench/with_tap");
	fclose(routes);
	linux_check(interface_flags(TAP) & IFF_UP, "no " TAP "; run it with tests/bench/with_tap");
}

static void
set_syncookies(unsigned int mode)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_syncookies", "w");

	linux_check(f != NULL && fprintf(f, "%u\n", mode) > 0 && fclose(f) == 0, "tcp_syncookies");
}

/* Work stays on the CPU it began on; so do the kernel's per-CPU caches. */
static void
pin(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	linux_check(cpu >= 0 && sched_setaffinity(0, sizeof(set), &set) == 0, "sched_setaffinity");
}

void
linux_bed_alone(void)
{
	check_alone();
	pin();
}

static void
open_tap(struct linux_bed *bed)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	unsigned int tries = 0;

	memcpy(ifr.ifr_name, TAP, sizeof(TAP));
	bed->tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	linux_check(bed->tap >= 0, "/dev/net/tun");
	linux_check(ioctl(bed->tap, TUNSETIFF, &ifr) == 0, "TUNSETIFF");
	linux_check(ioctl(bed->tap, TUNSETOFFLOAD, TUN_F_CSUM) == 0, "TUNSETOFFLOAD");
	/* The kernel notices the carrier a little later. */
	while (!(interface_flags(TAP) & IFF_RUNNING) && tries++ < 2000)
		usleep(1000);
	linux_check(tries < 2000, TAP " does not come up");
}

static void
open_server(struct linux_bed *bed)
{
	struct sockaddr_in sin = {
		.sin_family = AF_INET,
		.sin_port = htons(PEER_SERVER_PORT),
		.sin_addr.s_addr = htonl(PEER_SERVER_ADDR),
	};
	struct epoll_event ev = { .events = EPOLLIN };
	const int on = 1;

	bed->listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	bed->epoll = epoll_create1(EPOLL_CLOEXEC);
	linux_check(bed->listener >= 0 && bed->epoll >= 0, "socket, epoll_create1");
	ev.data.fd = bed->listener;
	linux_check(setsockopt(bed->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		bind(bed->listener, (struct sockaddr *)&sin, sizeof(sin)) == 0 &&
		listen(bed->listener, 1 << 20) == 0 &&
		epoll_ctl(bed->epoll, EPOLL_CTL_ADD, bed->listener, &ev) == 0, "listen");
}

/* --- the server ------------------------------------------------------------------------------ */

static void
serve_listener(struct linux_bed *bed)
{
	struct epoll_event ev = { .events = bed->events };
	int fd;

	while ((fd = accept4(bed->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		ev.data.fd = fd;
		linux_check(epoll_ctl(bed->epoll, EPOLL_CTL_ADD, fd, &ev) == 0, "epoll_ctl");
		bed->accepted++;
	}
}

static void
echo(int fd)
{
	uint8_t buf[2048];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	if (n > 0)
		linux_check(send(fd, buf, (size_t)n, MSG_NOSIGNAL) == n, "send");
	else
		close(fd);
}

void
linux_serve(struct linux_bed *bed)
{
	struct epoll_event events[2 * BURST];
	uint64_t start = bench_now();
	int n = epoll_wait(bed->epoll, events, ARRAY_SIZE(events), 0);

	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == bed->listener)
			serve_listener(bed);
		else
			bed->serve(events[i].data.fd);
	}
	bed->cycles += bench_now() - start;
}

void
linux_bed_open(struct linux_bed *bed, unsigned int syncookies)
{
	memset(bed, 0, sizeof(*bed));
	bed->serve = echo;
	bed->events = EPOLLIN | EPOLLRDHUP;
	set_syncookies(syncookies);
	open_tap(bed);
	open_server(bed);
}

void
linux_bed_close(struct linux_bed *bed)
{
	close(bed->listener);
	close(bed->epoll);
	close(bed->tap);
}

/* --- the clients ----------------------------------------------------------------------------- */

struct packet {
	struct virtio_net_hdr vnet;
	uint8_t frame[1514];
} __attribute__((packed));

void
linux_write(struct linux_bed *bed, const struct peer_frame *frames, unsigned int n,
	uint16_t ethertype)
{
	static struct packet packets[BURST];
	size_t lens[BURST];
	unsigned int taken = 0;
	uint64_t start;

	for (unsigned int i = 0; i < n; i++) {
		packets[i].vnet.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
		packets[i].vnet.csum_start = 34;
		packets[i].vnet.csum_offset = 16;
		lens[i] = sizeof(packets[i].vnet) + peer_frame_write(packets[i].frame, &frames[i]);
		store_be16(packets[i].frame + 12, ethertype);
	}
	start = bench_now();
	for (unsigned int i = 0; i < n; i++)
		taken += write(bed->tap, &packets[i], lens[i]) == (ssize_t)lens[i];
	bed->cycles += bench_now() - start;
	linux_check(taken == n, "the tap took too few frames");
}

void
linux_send(struct linux_bed *bed, const struct peer_frame *frames, unsigned int n)
{
	linux_write(bed, frames, n, 0x0800);
}

bool
linux_next(struct linux_bed *bed, struct peer_reply *r)
{
	uint8_t buf[sizeof(struct virtio_net_hdr) + 2048];
	const uint8_t *frame = buf + sizeof(struct virtio_net_hdr);
	ssize_t n;

	while ((n = read(bed->tap, buf, sizeof(buf))) > 0) {
		if ((size_t)n < sizeof(struct virtio_net_hdr) + 54 ||
			load_be16(frame + 12) != 0x0800 || frame[23] != 6)
			continue;
		peer_reply_read(frame, r);
		return true;
	}
	return false;
}

void
linux_await(struct linux_bed *bed, uint8_t flags, unsigned int n, struct peer_reply *replies)
{
	struct pollfd pfd = { .fd = bed->tap, .events = POLLIN };
	unsigned int got = 0;

	while (got < n) {
		struct peer_reply r;

		if (!linux_next(bed, &r)) {
			errno = 0;
			linux_check(poll(&pfd, 1, ANSWER_TIMEOUT_MS) == 1,
				"the kernel does not answer");
			continue;
		}
		if (flags != 0 ? (r.flags & flags) == flags : r.len == PEER_REQUEST_BYTES)
			replies[got++] = r;
	}
}

/* Whatever else the kernel said is of no interest. */
static void
drain(struct linux_bed *bed)
{
	struct peer_reply r;

	while (linux_next(bed, &r))
		;
}

void
linux_open_burst(struct linux_bed *bed, struct peer *peers, uint32_t first, unsigned int n,
	enum peer_lie lie)
{
	struct peer_frame frames[BURST] = { 0 };
	struct peer_reply replies[BURST];
	unsigned int accepted = bed->accepted;

	for (unsigned int i = 0; i < n; i++) {
		peers[i] = peer_of(first + i);
		frames[i] = peer_frame_of(&peers[i], PEER_SYN, 0);
		frames[i].lie = lie;
	}
	linux_send(bed, frames, n);
	linux_await(bed, PEER_SYN | PEER_ACK, n, replies);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t k = peer_index(&replies[i]) - first;

		linux_check(k < n, "an answer to nobody");
		peers[k].snd_nxt++;
		peers[k].rcv_nxt = replies[i].seq + 1;
		frames[k] = peer_frame_of(&peers[k], PEER_ACK, 0);
	}
	linux_send(bed, frames, n);
	linux_serve(bed);
	linux_check(bed->accepted - accepted == n, "not every connection was accepted");
}

void
linux_request_burst(struct linux_bed *bed, struct peer **peers, unsigned int n)
{
	struct peer_frame frames[BURST] = { 0 };
	struct peer_reply replies[BURST];

	for (unsigned int i = 0; i < n; i++)
		frames[i] = peer_frame_of(peers[i], PEER_PSH | PEER_ACK, PEER_REQUEST_BYTES);
	linux_send(bed, frames, n);
	linux_serve(bed);
	linux_await(bed, 0, n, replies);
	for (unsigned int i = 0; i < n; i++) {
		peers[i]->snd_nxt += PEER_REQUEST_BYTES;
		peers[i]->rcv_nxt += PEER_REQUEST_BYTES;
	}
}

void
linux_ack_burst(struct linux_bed *bed, struct peer **peers, unsigned int n)
{
	struct peer_frame frames[BURST] = { 0 };

	for (unsigned int i = 0; i < n; i++)
		frames[i] = peer_frame_of(peers[i], PEER_ACK, 0);
	linux_send(bed, frames, n);
}

void
linux_close_burst(struct linux_bed *bed, struct peer **peers, unsigned int n)
{
	struct peer_frame frames[BURST] = { 0 };
	struct peer_reply replies[BURST];

	for (unsigned int i = 0; i < n; i++)
		frames[i] = peer_frame_of(peers[i], PEER_FIN | PEER_ACK, 0);
	linux_send(bed, frames, n);
	linux_serve(bed);
	linux_await(bed, PEER_FIN, n, replies);
	for (unsigned int i = 0; i < n; i++) {
		peers[i]->snd_nxt++;
		peers[i]->rcv_nxt++;
	}
	linux_ack_burst(bed, peers, n);
	drain(bed);
}

void
linux_open_all(struct linux_bed *bed, struct peer *peers, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += BURST)
		linux_open_burst(bed, peers + i, i, n - i < BURST ? n - i : BURST, PEER_HONEST);
}

void
linux_close_all(struct linux_bed *bed, struct peer *peers, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += BURST) {
		unsigned int count = n - i < BURST ? n - i : BURST;
		struct peer *ptr[BURST];

		for (unsigned int j = 0; j < count; j++)
			ptr[j] = &peers[i + j];
		linux_close_burst(bed, ptr, count);
	}
}
