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
#include <stdbool.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/linux_bed.h"
#include "bench/linux_bulk.h"
#include "bench/stay.h"

#include "base/compiler.h"
#include "base/rng.h"

#define ETHERTYPE_EXPERIMENT 0x88b5u	/* nobody's: dropped behind the driver */

/* How much is measured: for figures, or just enough to see that it works. */
struct effort {
	unsigned int runs;
	unsigned int bursts;		/* of single segments, per run */
	unsigned int conn_bursts;	/* of whole connections, per run */
	unsigned int stay_bursts;	/* of requests that come at random */
};

static const struct effort full_effort = { 11, 300, 60, 2000 };
static const struct effort quick_effort = { 3, 10, 4, 40 };

/* --- axes ------------------------------------------------------------------------------------ */

static void
bench_syn(const struct effort *e, bool bogus_ack)
{
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	struct linux_bed bed;
	struct rng rng;

	linux_bed_open(&bed, 2);
	rng_seed(&rng, 1);
	for (unsigned int run = 0; run < e->runs; run++) {
		for (unsigned int i = 0; i <= e->bursts; i++) {
			const bool ack = bogus_ack && i > 0;
			struct peer_frame frames[LINUX_BURST];
			struct peer_reply replies[LINUX_BURST];

			for (unsigned int j = 0; j < LINUX_BURST; j++)
				frames[j] = peer_frame_at_random(&rng, ack ? PEER_ACK : PEER_SYN,
					!bogus_ack);
			bed.cycles = 0;
			linux_send(&bed, frames, LINUX_BURST);
			/* The first of a run warms up and is why a cookie is credible. */
			if (i > 0)
				bench_run_add(&spent, bed.cycles);
			linux_await(&bed, ack ? PEER_RST : PEER_SYN | PEER_ACK, LINUX_BURST,
				replies);
		}
		bench_run_end(&spent, &b, LINUX_BURST);
	}
	bench_print(&b, bogus_ack ? "linux_bogus_ack" : "linux_syn_cookie", 0);
	linux_bed_close(&bed);
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
	struct linux_bed bed;
	struct rng rng;

	linux_bed_open(&bed, 2);
	rng_seed(&rng, 1);
	for (unsigned int run = 0; run < e->runs; run++) {
		for (unsigned int i = 0; i < e->bursts; i++) {
			struct peer_frame frames[LINUX_BURST];

			for (unsigned int j = 0; j < LINUX_BURST; j++)
				frames[j] = peer_frame_at_random(&rng, PEER_SYN, true);
			bed.cycles = 0;
			linux_write(&bed, frames, LINUX_BURST, ETHERTYPE_EXPERIMENT);
			bench_run_add(&spent, bed.cycles);
		}
		bench_run_end(&spent, &b, LINUX_BURST);
	}
	bench_print(&b, "linux_tap_floor", 0);
	linux_bed_close(&bed);
}

static void
bench_connection(const struct effort *e, bool data)
{
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	struct linux_bed bed;
	uint32_t next = 0;

	linux_bed_open(&bed, 0);
	for (unsigned int run = 0; run < e->runs; run++) {
		for (unsigned int i = 0; i < e->conn_bursts; i++) {
			struct peer batch[LINUX_BURST];
			struct peer *ptr[LINUX_BURST];

			for (unsigned int j = 0; j < LINUX_BURST; j++)
				ptr[j] = &batch[j];
			bed.cycles = 0;
			linux_open_burst(&bed, batch, next, LINUX_BURST, PEER_HONEST);
			if (data)
				linux_request_burst(&bed, ptr, LINUX_BURST);
			linux_close_burst(&bed, ptr, LINUX_BURST);
			bench_run_add(&spent, bed.cycles);
			next += LINUX_BURST;
		}
		bench_run_end(&spent, &b, LINUX_BURST);
	}
	bench_print(&b, data ? "linux_connection_request" : "linux_connection", 0);
	linux_bed_close(&bed);
}

static void
run_connection(const struct effort *e)
{
	bench_connection(e, true);
	bench_connection(e, false);
}

static void
bench_request(const struct effort *e, uint32_t conns, bool acked)
{
	struct peer *peers = bench_alloc(conns, sizeof(*peers));
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	struct linux_bed bed;
	struct rng rng;

	linux_bed_open(&bed, 0);
	linux_open_all(&bed, peers, conns);
	rng_seed(&rng, 1);
	for (unsigned int run = 0; run < e->runs; run++) {
		for (unsigned int i = 0; i < e->bursts; i++) {
			struct peer *ptr[LINUX_BURST];
			uint32_t at = rng_below(&rng, conns);

			for (unsigned int j = 0; j < LINUX_BURST; j++) {
				ptr[j] = &peers[at];
				at = (at + PEER_STRIDE) % conns;
			}
			bed.cycles = 0;
			linux_request_burst(&bed, ptr, LINUX_BURST);
			if (acked)
				linux_ack_burst(&bed, ptr, LINUX_BURST);
			bench_run_add(&spent, bed.cycles);
		}
		bench_run_end(&spent, &b, LINUX_BURST);
	}
	bench_print(&b, acked ? "linux_request_acked" : "linux_request", conns);
	linux_close_all(&bed, peers, conns);
	linux_bed_close(&bed);
	free(peers);
}

static void
run_bulk(const struct effort *e)
{
	linux_bulk(8, e->runs, e->bursts);
}

static struct stay_time
serve_requests(void *arg, struct peer **peers, unsigned int n)
{
	struct linux_bed *bed = arg;

	bed->cycles = 0;
	linux_request_burst(bed, peers, n);
	return (struct stay_time){ .answered = bed->cycles, .all = bed->cycles };
}

static void
run_residence(const struct effort *e)
{
	const uint32_t conns = 1000;
	struct peer *peers = bench_alloc(conns, sizeof(*peers));
	struct linux_bed bed;

	linux_bed_open(&bed, 0);
	linux_open_all(&bed, peers, conns);
	stay_measure(&(struct stay_subject){ "linux_residence", serve_requests, &bed },
		peers, conns, e->stay_bursts);
	linux_close_all(&bed, peers, conns);
	linux_bed_close(&bed);
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
	{ "bulk", run_bulk },
	{ "residence", run_residence },
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
	linux_bed_alone();
	for (int i = first; i < argc; i++)
		subject_named(argv[i])->run(effort);
	for (size_t i = 0; i < ARRAY_SIZE(subjects) && first == argc; i++)
		subjects[i].run(effort);
	return 0;
}
