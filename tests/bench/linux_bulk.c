/* SPDX-License-Identifier: BSD-3-Clause */
/* Axis (d) in the kernel: full segments received and sent, no TSO, with the copy it makes. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/bulk_peers.h"
#include "bench/linux_bed.h"
#include "bench/linux_bulk.h"

#include "base/compiler.h"

#define BUFFER_BYTES 65536u

static uint8_t buffer[BUFFER_BYTES];

/* All that is there. */
static void
sink(int fd)
{
	if (recv(fd, buffer, sizeof(buffer), 0) <= 0)
		close(fd);
}

/* As much as there is room for. */
static void
source(int fd)
{
	ssize_t n;

	do
		n = send(fd, buffer, sizeof(buffer), MSG_NOSIGNAL);
	while (n == (ssize_t)sizeof(buffer));
	if (n < 0 && errno != EAGAIN)
		close(fd);
}

static void
open_all(struct linux_bed *bed, struct peer *peers, uint32_t n, void (*serve)(int fd),
	uint32_t events)
{
	static const char reno[] = "reno";

	linux_bed_open(bed, 0);
	bed->serve = serve;
	bed->events = events;
	/* Others may wait between segments, by a timer that nobody waits for here. */
	linux_check(setsockopt(bed->listener, IPPROTO_TCP, TCP_CONGESTION, reno, sizeof(reno)) == 0,
		"TCP_CONGESTION");
	for (uint32_t i = 0; i < n; i += BULK_TURNS)
		linux_open_burst(bed, peers + i, i, BULK_TURNS, PEER_MSS);
}

/* Resets, since there may be much on its way. */
static void
close_all(struct linux_bed *bed, const struct peer *peers, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		struct peer_frame frame = peer_frame_of(&peers[i], PEER_RST | PEER_ACK, 0);

		linux_send(bed, &frame, 1);
	}
	linux_serve(bed);
	linux_bed_close(bed);
}

static void
bench_receive(uint32_t conns, unsigned int runs, unsigned int bursts)
{
	struct peer *peers = bench_alloc(conns, sizeof(*peers));
	uint32_t *acked = bench_alloc(conns, sizeof(*acked));
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	struct linux_bed bed;
	uint32_t at = 0;

	open_all(&bed, peers, conns, sink, EPOLLIN | EPOLLRDHUP);
	for (unsigned int run = 0; run < runs; run++) {
		for (unsigned int i = 0; i < bursts; i++) {
			struct peer_frame frames[BULK_BURST];
			struct peer_reply r;

			bulk_data(&peers[at], frames);
			bed.cycles = 0;
			linux_send(&bed, frames, BULK_BURST);
			linux_serve(&bed);
			bench_run_add(&spent, bed.cycles);
			at = (at + BULK_TURNS) % conns;
			while (linux_next(&bed, &r))
				acked[peer_index(&r)] = r.ack;
		}
		bench_run_end(&spent, &b, BULK_BURST);
	}
	/* All in order, none for want of a window. */
	for (uint32_t i = 0; i < conns; i++)
		linux_check(peers[i].snd_nxt - acked[i] <= BULK_ROW * BULK_SEGMENT_BYTES,
			"segments were not acknowledged");
	bench_print(&b, "linux_bulk_receive_copied", conns);
	close_all(&bed, peers, conns);
	free(acked);
	free(peers);
}

/* ACKs of what came before; new segments follow. Returns their bytes. */
static uint32_t
send_burst(struct linux_bed *bed, struct bulk_arrivals *a, uint32_t first)
{
	struct peer_frame frames[BULK_BURST];
	unsigned int acks = bulk_acks(a, first, frames);
	uint32_t bytes = 0;
	struct peer_reply r;

	bed->cycles = 0;
	linux_send(bed, frames, acks);
	linux_serve(bed);
	while (linux_next(bed, &r))
		bytes += bulk_take(a, &r, 1);
	return bytes;
}

static void
bench_send(uint32_t conns, unsigned int runs, unsigned int bursts)
{
	struct bulk_arrivals a = {
		.peers = bench_alloc(conns, sizeof(*a.peers)),
		.nxt = bench_alloc(conns, sizeof(*a.nxt)),
		.conns = conns,
	};
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	struct linux_bed bed;
	uint32_t at = 0;

	open_all(&bed, a.peers, conns, source, EPOLLOUT | EPOLLRDHUP);
	for (uint32_t i = 0; i < conns; i++)
		a.nxt[i] = a.peers[i].rcv_nxt;
	for (unsigned int run = 0; run <= runs; run++) {
		for (unsigned int i = 0; i < bursts; i++) {
			uint32_t bytes = send_burst(&bed, &a, at);

			at = (at + BULK_TURNS) % conns;
			/* Slow start comes first. */
			if (run > 0 && bytes > 0)
				bench_run_add(&spent, bed.cycles * BULK_BURST *
					BULK_SEGMENT_BYTES / bytes);
		}
		bench_run_end(&spent, &b, BULK_BURST);
	}
	bench_print(&b, "linux_bulk_send_copied", conns);
	close_all(&bed, a.peers, conns);
	free(a.nxt);
	free(a.peers);
}

void
linux_bulk(uint32_t conns, unsigned int runs, unsigned int bursts)
{
	bench_receive(conns, runs, bursts);
	bench_send(conns, runs, bursts);
}
