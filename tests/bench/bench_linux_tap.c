/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's TCP given the frames that bench_engine gives ours, through a tap. */

/*
 * What is counted, in cycles of the time stamp counter around the system calls:
 *
 *	write() of a frame	the system call, the tap's allocation of a packet, and then the
 *				kernel's whole receive path, which runs inside it: IP, TCP, and what
 *				TCP sends in answer, down to the tap's queue
 *	the server's calls	epoll_wait, accept4, epoll_ctl, recv, send (with the kernel's whole
 *				sending path) and close
 *
 * What is not: the reading of the answers, which is the client's work, and with it the freeing of
 * what was sent; memory that RCU frees later; and a switch of threads. The server takes turns with
 * the client on one thread, as if it were always awake when work arrives: it finds the work of a
 * whole burst with each epoll_wait, is never woken and never preempted. No real server does better,
 * so the figures err in the kernel's favour. It also makes them exact: the time of a server thread
 * cannot be told apart from that of the interrupt work done on its CPU.
 *
 * The kernel is told that the checksums of what it receives were checked and need not be computed
 * for what it sends, as our engine is. linux_tap_floor is the cost of a frame that no protocol
 * wants: system call and tap alone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/virtio_net.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/peer_frames.h"

#include "base/compiler.h"
#include "base/rng.h"

#define TAP "bench0"		/* as tests/bench/with_tap makes it */
#define BURST 32u
#define ANSWER_TIMEOUT_MS 1000
#define ETHERTYPE_EXPERIMENT 0x88b5u	/* nobody's: dropped behind the driver */

/* How much is measured: for figures, or just enough to see that it works. */
struct effort {
	unsigned int runs;
	unsigned int bursts;		/* of single segments, per run */
	unsigned int conn_bursts;	/* of whole connections, per run */
};

static const struct effort full_effort = { 11, 300, 60 };
static const struct effort quick_effort = { 3, 10, 4 };

struct bed {
	int tap;
	int epoll;
	int listener;
	unsigned int accepted;	/* connections, ever */
	uint64_t cycles;	/* in the kernel and the server since it was last set to 0 */
};

static void
fail(const char *what)
{
	fprintf(stderr, "bench_linux_tap: %s%s%s\n", what, errno ? ": " : "",
		errno ? strerror(errno) : "");
	exit(1);
}

static void
check(bool fine, const char *what)
{
	if (!fine)
		fail(what);
}

/* --- a place of our own ---------------------------------------------------------------------- */

/* The flags of an interface; 0 if it is not there. */
static unsigned int
interface_flags(const char *name)
{
	struct ifreq ifr = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	check(fd >= 0, "socket");
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
	check(all != NULL && routes != NULL, "cannot list interfaces and routes");
	for (const struct if_nameindex *i = all; i->if_index != 0; i++) {
		unsigned int flags = interface_flags(i->if_name);

		if ((flags & IFF_UP) && !(flags & IFF_LOOPBACK) && strcmp(i->if_name, TAP) != 0)
			fail("another interface is up; run it with tests/bench/with_tap");
	}
	if_freenameindex(all);
	while (fgets(line, sizeof(line), routes) != NULL)
		if (sscanf(line, "%63s", dev) == 1 && strcmp(dev, "Iface") != 0 &&
			strcmp(dev, TAP) != 0)
			fail("a route leads elsewhere; run it with tests/bench/with_tap");
	fclose(routes);
	check(interface_flags(TAP) & IFF_UP, "no " TAP "; run it with tests/bench/with_tap");
}

static void
set_syncookies(unsigned int mode)
{
	FILE *f = fopen("/proc/sys/net/ipv4/tcp_syncookies", "w");

	check(f != NULL && fprintf(f, "%u\n", mode) > 0 && fclose(f) == 0, "tcp_syncookies");
}

/* Work stays on the CPU it began on; so do the kernel's per-CPU caches. */
static void
pin(void)
{
	cpu_set_t set;
	int cpu = sched_getcpu();

	CPU_ZERO(&set);
	CPU_SET((size_t)cpu, &set);
	check(cpu >= 0 && sched_setaffinity(0, sizeof(set), &set) == 0, "sched_setaffinity");
}

static void
open_tap(struct bed *bed)
{
	struct ifreq ifr = { .ifr_flags = IFF_TAP | IFF_NO_PI | IFF_VNET_HDR };
	unsigned int tries = 0;

	memcpy(ifr.ifr_name, TAP, sizeof(TAP));
	bed->tap = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	check(bed->tap >= 0, "/dev/net/tun");
	check(ioctl(bed->tap, TUNSETIFF, &ifr) == 0, "TUNSETIFF");
	check(ioctl(bed->tap, TUNSETOFFLOAD, TUN_F_CSUM) == 0, "TUNSETOFFLOAD");
	/* The kernel notices the carrier a little later. */
	while (!(interface_flags(TAP) & IFF_RUNNING) && tries++ < 2000)
		usleep(1000);
	check(tries < 2000, TAP " does not come up");
}

static void
open_server(struct bed *bed)
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
	check(bed->listener >= 0 && bed->epoll >= 0, "socket, epoll_create1");
	ev.data.fd = bed->listener;
	check(setsockopt(bed->listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) == 0 &&
		bind(bed->listener, (struct sockaddr *)&sin, sizeof(sin)) == 0 &&
		listen(bed->listener, 1 << 20) == 0 &&
		epoll_ctl(bed->epoll, EPOLL_CTL_ADD, bed->listener, &ev) == 0, "listen");
}

static void
bed_open(struct bed *bed, unsigned int syncookies)
{
	memset(bed, 0, sizeof(*bed));
	set_syncookies(syncookies);
	open_tap(bed);
	open_server(bed);
}

/* Connections still open are the process's to close: their RSTs find no reader. */
static void
bed_close(struct bed *bed)
{
	close(bed->listener);
	close(bed->epoll);
	close(bed->tap);
}

/* --- the server ------------------------------------------------------------------------------ */

static void
serve_listener(struct bed *bed)
{
	struct epoll_event ev = { .events = EPOLLIN | EPOLLRDHUP };
	int fd;

	while ((fd = accept4(bed->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		ev.data.fd = fd;
		check(epoll_ctl(bed->epoll, EPOLL_CTL_ADD, fd, &ev) == 0, "epoll_ctl");
		bed->accepted++;
	}
}

static void
serve_connection(int fd)
{
	uint8_t buf[2048];
	ssize_t n = recv(fd, buf, sizeof(buf), 0);

	if (n > 0)
		check(send(fd, buf, (size_t)n, MSG_NOSIGNAL) == n, "send");
	else
		close(fd);
}

/* One turn of the server: everything that waits, for each waits once. */
static void
server_turn(struct bed *bed)
{
	struct epoll_event events[2 * BURST];
	uint64_t start = bench_now();
	int n = epoll_wait(bed->epoll, events, ARRAY_SIZE(events), 0);

	for (int i = 0; i < n; i++) {
		if (events[i].data.fd == bed->listener)
			serve_listener(bed);
		else
			serve_connection(events[i].data.fd);
	}
	bed->cycles += bench_now() - start;
}

/* --- the clients ----------------------------------------------------------------------------- */

struct packet {
	struct virtio_net_hdr vnet;
	uint8_t frame[PEER_FRAME_MAX];
} __attribute__((packed));

/* Give the kernel n frames; of an ethertype that is not IPv4 it will know nothing. */
static void
write_burst(struct bed *bed, const struct peer_frame *frames, unsigned int n, uint16_t ethertype)
{
	struct packet packets[BURST] = { 0 };
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
	check(taken == n, "the tap took too few frames");
}

static void
send_burst(struct bed *bed, const struct peer_frame *frames, unsigned int n)
{
	write_burst(bed, frames, n, 0x0800);
}

/* The next TCP segment of the kernel; false: none yet. */
static bool
next_reply(struct bed *bed, struct peer_reply *r)
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

/* Read until n segments came that pass: with all of flags, or, if flags is 0, with data. */
static void
await(struct bed *bed, uint8_t flags, unsigned int n, struct peer_reply *replies)
{
	struct pollfd pfd = { .fd = bed->tap, .events = POLLIN };
	unsigned int got = 0;

	while (got < n) {
		struct peer_reply r;

		if (!next_reply(bed, &r)) {
			errno = 0;
			check(poll(&pfd, 1, ANSWER_TIMEOUT_MS) == 1, "the kernel does not answer");
			continue;
		}
		if (flags != 0 ? (r.flags & flags) == flags : r.len == PEER_REQUEST_BYTES)
			replies[got++] = r;
	}
}

/* Whatever else the kernel said is of no interest. */
static void
drain(struct bed *bed)
{
	struct peer_reply r;

	while (next_reply(bed, &r))
		;
}

/* Clients [first, first + n), which begin at peers[0]. */
static void
open_burst(struct bed *bed, struct peer *peers, uint32_t first, unsigned int n)
{
	struct peer_frame frames[BURST] = { 0 };
	struct peer_reply replies[BURST];
	unsigned int accepted = bed->accepted;

	for (unsigned int i = 0; i < n; i++) {
		peers[i] = peer_of(first + i);
		frames[i] = peer_frame_of(&peers[i], PEER_SYN, 0);
	}
	send_burst(bed, frames, n);
	await(bed, PEER_SYN | PEER_ACK, n, replies);
	for (unsigned int i = 0; i < n; i++) {
		uint32_t k = peer_index(&replies[i]) - first;

		check(k < n, "an answer to nobody");
		peers[k].snd_nxt++;
		peers[k].rcv_nxt = replies[i].seq + 1;
		frames[k] = peer_frame_of(&peers[k], PEER_ACK, 0);
	}
	send_burst(bed, frames, n);
	server_turn(bed);
	check(bed->accepted - accepted == n, "not every connection was accepted");
}

static void
request_burst(struct bed *bed, struct peer **peers, unsigned int n)
{
	struct peer_frame frames[BURST] = { 0 };
	struct peer_reply replies[BURST];

	for (unsigned int i = 0; i < n; i++)
		frames[i] = peer_frame_of(peers[i], PEER_PSH | PEER_ACK, PEER_REQUEST_BYTES);
	send_burst(bed, frames, n);
	server_turn(bed);
	await(bed, 0, n, replies);
	for (unsigned int i = 0; i < n; i++) {
		peers[i]->snd_nxt += PEER_REQUEST_BYTES;
		peers[i]->rcv_nxt += PEER_REQUEST_BYTES;
	}
}

static void
ack_burst(struct bed *bed, struct peer **peers, unsigned int n)
{
	struct peer_frame frames[BURST] = { 0 };

	for (unsigned int i = 0; i < n; i++)
		frames[i] = peer_frame_of(peers[i], PEER_ACK, 0);
	send_burst(bed, frames, n);
}

/* The client closes first, so nothing stays behind. */
static void
close_burst(struct bed *bed, struct peer **peers, unsigned int n)
{
	struct peer_frame frames[BURST] = { 0 };
	struct peer_reply replies[BURST];

	for (unsigned int i = 0; i < n; i++)
		frames[i] = peer_frame_of(peers[i], PEER_FIN | PEER_ACK, 0);
	send_burst(bed, frames, n);
	server_turn(bed);
	await(bed, PEER_FIN, n, replies);
	for (unsigned int i = 0; i < n; i++) {
		peers[i]->snd_nxt++;
		peers[i]->rcv_nxt++;
	}
	ack_burst(bed, peers, n);
	drain(bed);
}

/* --- axes ------------------------------------------------------------------------------------ */

static void
bench_syn(const struct effort *e, bool bogus_ack)
{
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	struct bed bed;
	struct rng rng;

	bed_open(&bed, 2);
	rng_seed(&rng, 1);
	for (unsigned int run = 0; run < e->runs; run++) {
		for (unsigned int i = 0; i <= e->bursts; i++) {
			const bool ack = bogus_ack && i > 0;
			struct peer_frame frames[BURST];
			struct peer_reply replies[BURST];

			for (unsigned int j = 0; j < BURST; j++)
				frames[j] = peer_frame_at_random(&rng, ack ? PEER_ACK : PEER_SYN,
					!bogus_ack);
			bed.cycles = 0;
			send_burst(&bed, frames, BURST);
			/* The first of a run warms up and is why a cookie is credible. */
			if (i > 0)
				bench_run_add(&spent, bed.cycles);
			await(&bed, ack ? PEER_RST : PEER_SYN | PEER_ACK, BURST, replies);
		}
		bench_run_end(&spent, &b, BURST);
	}
	bench_print(&b, bogus_ack ? "linux_bogus_ack" : "linux_syn_cookie", 0);
	bed_close(&bed);
}

static void
run_syn_cookie(const struct effort *e)
{
	bench_syn(e, false);
}

static void
run_bogus_ack(const struct effort *e)
{
	bench_syn(e, true);
}

static void
run_tap_floor(const struct effort *e)
{
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	struct bed bed;
	struct rng rng;

	bed_open(&bed, 2);
	rng_seed(&rng, 1);
	for (unsigned int run = 0; run < e->runs; run++) {
		for (unsigned int i = 0; i < e->bursts; i++) {
			struct peer_frame frames[BURST];

			for (unsigned int j = 0; j < BURST; j++)
				frames[j] = peer_frame_at_random(&rng, PEER_SYN, true);
			bed.cycles = 0;
			write_burst(&bed, frames, BURST, ETHERTYPE_EXPERIMENT);
			bench_run_add(&spent, bed.cycles);
		}
		bench_run_end(&spent, &b, BURST);
	}
	bench_print(&b, "linux_tap_floor", 0);
	bed_close(&bed);
}

static void
bench_connection(const struct effort *e, bool data)
{
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	struct bed bed;
	uint32_t next = 0;

	bed_open(&bed, 0);
	for (unsigned int run = 0; run < e->runs; run++) {
		for (unsigned int i = 0; i < e->conn_bursts; i++) {
			struct peer batch[BURST];
			struct peer *ptr[BURST];

			for (unsigned int j = 0; j < BURST; j++)
				ptr[j] = &batch[j];
			bed.cycles = 0;
			open_burst(&bed, batch, next, BURST);
			if (data)
				request_burst(&bed, ptr, BURST);
			close_burst(&bed, ptr, BURST);
			bench_run_add(&spent, bed.cycles);
			next += BURST;
		}
		bench_run_end(&spent, &b, BURST);
	}
	bench_print(&b, data ? "linux_connection_request" : "linux_connection", 0);
	bed_close(&bed);
}

static void
run_connection(const struct effort *e)
{
	bench_connection(e, true);
	bench_connection(e, false);
}

static void
close_all(struct bed *bed, struct peer *peers, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += BURST) {
		unsigned int count = n - i < BURST ? n - i : BURST;
		struct peer *ptr[BURST];

		for (unsigned int j = 0; j < count; j++)
			ptr[j] = &peers[i + j];
		close_burst(bed, ptr, count);
	}
}

static void
bench_request(const struct effort *e, uint32_t conns, bool acked)
{
	struct peer *peers = bench_alloc(conns, sizeof(*peers));
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	struct bed bed;
	struct rng rng;

	bed_open(&bed, 0);
	for (uint32_t i = 0; i < conns; i += BURST)
		open_burst(&bed, peers + i, i, conns - i < BURST ? conns - i : BURST);
	rng_seed(&rng, 1);
	for (unsigned int run = 0; run < e->runs; run++) {
		for (unsigned int i = 0; i < e->bursts; i++) {
			struct peer *ptr[BURST];
			uint32_t at = rng_below(&rng, conns);

			for (unsigned int j = 0; j < BURST; j++) {
				ptr[j] = &peers[at];
				at = (at + PEER_STRIDE) % conns;
			}
			bed.cycles = 0;
			request_burst(&bed, ptr, BURST);
			if (acked)
				ack_burst(&bed, ptr, BURST);
			bench_run_add(&spent, bed.cycles);
		}
		bench_run_end(&spent, &b, BURST);
	}
	bench_print(&b, acked ? "linux_request_acked" : "linux_request", conns);
	close_all(&bed, peers, conns);
	bed_close(&bed);
	free(peers);
}

static void
run_request(const struct effort *e)
{
	bench_request(e, 64, false);
	bench_request(e, 1000, false);
	bench_request(e, 1000, true);
}

struct subject {
	const char *name;
	void (*run)(const struct effort *e);
};

static const struct subject subjects[] = {
	{ "tap_floor", run_tap_floor },
	{ "syn_cookie", run_syn_cookie },
	{ "bogus_ack", run_bogus_ack },
	{ "connection", run_connection },
	{ "request", run_request },
};

static const struct subject *
subject_named(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		if (strcmp(subjects[i].name, name) == 0)
			return &subjects[i];
	fprintf(stderr, "Usage: with_tap bench_linux_tap [--quick] [NAME...]\n"
		"Names, all of them without one:");
	for (size_t i = 0; i < ARRAY_SIZE(subjects); i++)
		fprintf(stderr, " %s", subjects[i].name);
	fprintf(stderr, "\n");
	exit(2);
}

int
main(int argc, char **argv)
{
	const struct effort *effort = &full_effort;
	int first = 1;

	if (argc > 1 && strcmp(argv[1], "--quick") == 0) {
		effort = &quick_effort;
		first = 2;
	}
	for (int i = first; i < argc; i++)
		subject_named(argv[i]);
	check_alone();
	pin();
	for (int i = first; i < argc; i++)
		subject_named(argv[i])->run(effort);
	for (size_t i = 0; i < ARRAY_SIZE(subjects) && first == argc; i++)
		subjects[i].run(effort);
	return 0;
}
