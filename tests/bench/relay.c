/* SPDX-License-Identifier: BSD-3-Clause */
/* A wire between two kernel interfaces that delays, loses, marks and reorders frames, as told. */
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "lib/relay.h"

/*
 * relay A B
 *
 * Forwards frames between the interfaces A and B, whose kernel has no addresses on them. Prints
 * READY, then takes orders from its standard input, a line each:
 *
 *     ab seed=7 delay_us=5000 loss_ppm=10000     the way from A to B, by these rules alone
 *     ba ...                                     the way back
 *     both ...                                   both of them
 *                                                (an empty line) only asks
 *
 * Each is answered with one line of JSON: what has passed since a way's last order, which began its
 * counts and its fates anew. It ends with its input.
 */
#define BURST 64
#define SOCKET_BYTES (16 << 20)

enum { A, B, TIMER, ORDERS };

struct end {
	int fd;
	uint64_t missed; /* what its socket had no room for */
};

struct wire {
	struct end ends[2];
	struct relay_way ways[2]; /* by the end that frames come from */
	uint64_t unsent; /* what the other end did not take */
	int timer, epoll;
	uint64_t timer_ns; /* what it is set to; UINT64_MAX: it is not */
};

static uint64_t
now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* --- frames ---------------------------------------------------------------------------------- */

/* Takes what is there, a burst at most. */
static void
take_in(struct wire *w, int from)
{
	/* A byte more, so that a frame that is too long shows. */
	static uint8_t frames[BURST][RELAY_FRAME_MAX + 1];
	struct iovec iov[BURST];
	struct mmsghdr msgs[BURST];
	uint64_t now;
	int n;

	memset(msgs, 0, sizeof(msgs));
	for (int i = 0; i < BURST; i++) {
		iov[i] = (struct iovec){ frames[i], sizeof(frames[i]) };
		msgs[i].msg_hdr.msg_iov = &iov[i];
		msgs[i].msg_hdr.msg_iovlen = 1;
	}
	n = recvmmsg(w->ends[from].fd, msgs, BURST, MSG_DONTWAIT, NULL);
	now = now_ns();
	for (int i = 0; i < n; i++)
		relay_put(&w->ways[from], now, frames[i], msgs[i].msg_len);
}

/* Sends what is due, a burst at most; returns whether more may be. */
static bool
let_out(struct wire *w, int from, uint64_t now)
{
	int to = w->ends[from == A ? B : A].fd;

	for (int i = 0; i < BURST; i++) {
		const struct relay_frame *f = relay_take(&w->ways[from], now);

		if (f == NULL)
			return false;
		if (send(to, f->b, f->len, MSG_DONTWAIT) < 0)
			w->unsent++;
	}
	return true;
}

/* Wakes us when the next frame is due, whichever way. */
static void
set_timer(struct wire *w)
{
	uint64_t a_ns = relay_due_ns(&w->ways[A]), b_ns = relay_due_ns(&w->ways[B]);
	uint64_t due_ns = a_ns < b_ns ? a_ns : b_ns;
	struct itimerspec t = { 0 };

	if (due_ns == w->timer_ns)
		return;
	if (due_ns != UINT64_MAX) {
		t.it_value.tv_sec = (time_t)(due_ns / 1000000000);
		t.it_value.tv_nsec = (long)(due_ns % 1000000000);
	}
	(void)timerfd_settime(w->timer, TFD_TIMER_ABSTIME, &t, NULL);
	w->timer_ns = due_ns;
}

/* --- orders ---------------------------------------------------------------------------------- */

struct rule {
	const char *name;
	size_t offset;
	bool is_wide; /* 64 bits */
	uint32_t times; /* what is kept in the rules is so many times the figure */
};

static const struct rule rule_table[] = {
	{ "delay_us", offsetof(struct relay_rules, delay_ns), true, 1000 },
	{ "rate_kbps", offsetof(struct relay_rules, rate_bps), true, 1000 },
	{ "queue_bytes", offsetof(struct relay_rules, queue_bytes), true, 1 },
	{ "reorder_us", offsetof(struct relay_rules, reorder_ns), true, 1000 },
	{ "reorder_ppm", offsetof(struct relay_rules, reorder_ppm), false, 1 },
	{ "mark_ppm", offsetof(struct relay_rules, mark_ppm), false, 1 },
	{ "loss_ppm", offsetof(struct relay_rules, loss_ppm), false, 1 },
	{ "burst", offsetof(struct relay_rules, burst), false, 1 },
	{ "spare_syns", offsetof(struct relay_rules, spare_syns), false, 1 },
};

/* One word of an order, NAME=NUMBER. */
static int
parse_rule(struct relay_rules *rules, uint64_t *seed, const char *word)
{
	const char *is = strchr(word, '=');
	char *end;
	unsigned long value;

	if (is == NULL)
		return -EINVAL;
	errno = 0;
	value = strtoul(is + 1, &end, 10);
	if (end == is + 1 || *end != '\0' || errno != 0 || value > UINT32_MAX)
		return -EINVAL;
	if (strncmp(word, "seed=", 5) == 0) {
		*seed = value;
		return 0;
	}
	for (size_t i = 0; i < sizeof(rule_table) / sizeof(rule_table[0]); i++) {
		const struct rule *r = &rule_table[i];
		uint8_t *field = (uint8_t *)rules + r->offset;
		uint64_t wide = value * r->times;
		uint32_t narrow = (uint32_t)value;

		if (strlen(r->name) != (size_t)(is - word) ||
			memcmp(r->name, word, (size_t)(is - word)) != 0)
			continue;
		memcpy(field, r->is_wide ? (void *)&wide : (void *)&narrow, r->is_wide ? 8 : 4);
		return 0;
	}
	return -EINVAL;
}

/* Does what a line says. */
static int
obey(struct wire *w, char *line)
{
	struct relay_rules rules = { 0 };
	uint64_t seed = 0;
	char *rest, *way = strtok_r(line, " \n", &rest);

	if (way == NULL)
		return 0;
	for (char *word; (word = strtok_r(NULL, " \n", &rest)) != NULL;)
		if (parse_rule(&rules, &seed, word) != 0)
			return -EINVAL;
	if (strcmp(way, "ab") != 0 && strcmp(way, "ba") != 0 && strcmp(way, "both") != 0)
		return -EINVAL;
	if (strcmp(way, "ba") != 0)
		relay_begin(&w->ways[A], &rules, seed);
	if (strcmp(way, "ab") != 0)
		relay_begin(&w->ways[B], &rules, seed + 1);
	return 0;
}

static void
print_way(const char *name, const struct relay_counts *c)
{
	printf("\"%s\": {\"frames\": %" PRIu64 ", \"bytes\": %" PRIu64 ", \"passed\": %" PRIu64
	       ", \"passed_bytes\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"full\": %" PRIu64
	       ", \"oversized\": %" PRIu64 ", \"reordered\": %" PRIu64 ", \"marked\": %" PRIu64
	       "}, ",
		name, c->frames, c->bytes, c->passed, c->passed_bytes, c->lost, c->full,
		c->oversized, c->reordered, c->marked);
}

static void
answer(struct wire *w)
{
	for (int i = A; i <= B; i++) {
		struct tpacket_stats stats;
		socklen_t len = sizeof(stats);

		/* Reading sets it to zero. */
		if (getsockopt(w->ends[i].fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len) == 0)
			w->ends[i].missed += stats.tp_drops;
	}
	printf("{");
	print_way("ab", &w->ways[A].counts);
	print_way("ba", &w->ways[B].counts);
	printf("\"missed\": %" PRIu64 ", \"unsent\": %" PRIu64 "}\n",
		w->ends[A].missed + w->ends[B].missed, w->unsent);
	(void)fflush(stdout);
}

/* Orders come one at a time: whoever gives them waits for the answer. Returns false at the end. */
static bool
take_order(struct wire *w)
{
	char line[512];
	ssize_t n = read(STDIN_FILENO, line, sizeof(line) - 1);

	if (n <= 0)
		return false;
	line[n] = '\0';
	if (obey(w, line) != 0) {
		fprintf(stderr, "relay: not an order: %s\n", line);
		return false;
	}
	answer(w);
	return true;
}

/* --- life ------------------------------------------------------------------------------------ */

static void
fail(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void
watch(struct wire *w, int fd, int what)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u32 = (uint32_t)what };

	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
		fail("epoll");
}

/* Everything that comes in on an interface, for whomever it is, and nothing that goes out. */
static int
open_end(const char *name)
{
	const struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)if_nametoindex(name),
	};
	const struct packet_mreq all = {
		.mr_ifindex = address.sll_ifindex,
		.mr_type = PACKET_MR_PROMISC,
	};
	const int bytes = SOCKET_BYTES, on = 1;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || address.sll_ifindex == 0 ||
		setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) != 0 ||
		setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &all, sizeof(all)) != 0 ||
		bind(fd, (const struct sockaddr *)&address, sizeof(address)) != 0)
		fail(name);
	/* Without privilege outside the namespace it is cut to net.core.rmem_max. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	/* What the other end has not looked at yet counts as ours. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof(bytes)) != 0)
		(void)setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
	(void)setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	return fd;
}

static void
run(struct wire *w)
{
	for (;;) {
		struct epoll_event events[4];
		int n = epoll_wait(w->epoll, events, 4, -1);
		bool more = true;

		for (int i = 0; i < n; i++) {
			uint64_t ticks;

			if (events[i].data.u32 == ORDERS && !take_order(w))
				return;
			if (events[i].data.u32 == TIMER) {
				(void)!read(w->timer, &ticks, sizeof(ticks));
				w->timer_ns = UINT64_MAX;
			}
			if (events[i].data.u32 <= B)
				take_in(w, (int)events[i].data.u32);
		}
		while (more) {
			uint64_t now = now_ns();

			more = let_out(w, A, now);
			more = let_out(w, B, now) || more;
		}
		set_timer(w);
	}
}

int
main(int argc, char **argv)
{
	static struct wire w;

	if (argc != 3) {
		fputs("usage: relay A B\n", stderr);
		return 2;
	}
	w.epoll = epoll_create1(EPOLL_CLOEXEC);
	w.timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	w.timer_ns = UINT64_MAX;
	if (w.epoll < 0 || w.timer < 0)
		fail("epoll, timerfd");
	for (int i = A; i <= B; i++) {
		relay_init(&w.ways[i]);
		w.ends[i].fd = open_end(argv[1 + i]);
		watch(&w, w.ends[i].fd, i);
	}
	watch(&w, w.timer, TIMER);
	watch(&w, STDIN_FILENO, ORDERS);
	(void)prctl(PR_SET_TIMERSLACK, 1UL);
	puts("READY");
	(void)fflush(stdout);
	run(&w);
	return 0;
}
