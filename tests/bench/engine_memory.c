/* SPDX-License-Identifier: BSD-3-Clause */
/* What a connection costs in memory: by its structures, and by what the process really grows. */
#include <malloc.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/bench.h"
#include "bench/engine_memory.h"
#include "bench/engine_peers.h"

#include "tcp/tcp_int.h"

/* Entries of a type in the engine whose size is subtracted. */
#define FEW 1024u

/* Counted page by page: the sum in statm lags behind by some hundred pages. */
uint64_t
engine_resident_bytes(void)
{
	FILE *f = fopen("/proc/self/smaps_rollup", "r");
	unsigned long long kib = 0;
	char line[256];

	if (f == NULL)
		abort();
	while (kib == 0 && fgets(line, sizeof(line), f) != NULL)
		if (sscanf(line, "Rss: %llu", &kib) != 1)
			kib = 0;
	fclose(f);
	return kib * 1024;
}

/* Opened one after the other, so that few are awake at a time; each is idle then. */
#define ARRIVALS 16u	/* in a second */

static void
fill_established(struct membed *m, struct peer *peers, uint32_t n)
{
	engine_listen(m, 0, ENGINE_ECHO);
	for (uint32_t i = 0; i < n; i += ARRIVALS) {
		engine_establish_more(m, peers, i, n - i < ARRIVALS ? n : i + ARRIVALS);
		membed_idle(m, 1000);
	}
	membed_idle(m, 3 * TCP_PARK_AFTER_MS);
	if (m->w.tcp->conns_parked != n)
		abort();
}

/* SYNs that are answered and not heard of again. */
static void
fill_synq(struct membed *m, struct peer *peers, uint32_t n)
{
	struct peer_frame frames[ENGINE_BURST] = { 0 };

	engine_listen(m, 0, ENGINE_ECHO);
	for (uint32_t i = 0; i < n; i += ENGINE_BURST) {
		unsigned int count = n - i < ENGINE_BURST ? n - i : ENGINE_BURST;

		for (unsigned int j = 0; j < count; j++) {
			peers[i + j] = peer_of(i + j);
			frames[j] = peer_frame_of(&peers[i + j], PEER_SYN, 0);
		}
		if (membed_burst(m, frames, count, NULL, 0) != count)
			abort();
	}
	if (m->w.tcp->synq_used != n)
		abort();
}

static void
fill_time_wait(struct membed *m, struct peer *peers, uint32_t n)
{
	struct tunables tun;

	(void)peers;
	engine_listen(m, 0, ENGINE_CLOSE);
	tun = m->w.tun;
	tun.tcp_max_tw_buckets = n;
	worker_set_tunables(&m->w, &tun);
	for (uint32_t i = 0; i < n; i += ENGINE_BURST) {
		unsigned int count = n - i < ENGINE_BURST ? n - i : ENGINE_BURST;
		struct peer batch[ENGINE_BURST];

		for (unsigned int j = 0; j < count; j++)
			batch[j] = peer_of(i + j);
		engine_open_burst(m, batch, count);
		engine_time_wait_burst(m, batch, count);
	}
	if (m->w.tcp->tw_live != n)
		abort();
}

struct lifetime {
	const char *name;
	void (*fill)(struct membed *m, struct peer *peers, uint32_t n);
	size_t entry_bytes;	/* the structures of one, without table and timer */
	size_t timer_bytes;
	uint32_t quick, counts[2];
};

enum { ESTABLISHED, SYN_QUEUE, TIME_WAIT };

static const struct lifetime lifetimes[] = {
	[ESTABLISHED] = { "memory_established", fill_established,
		sizeof(struct tcp_conn) + sizeof(struct tcp_park), sizeof(struct wheel_node),
		10000, { 100000, 1000000 } },
	[SYN_QUEUE] = { "memory_syn_queue", fill_synq,
		sizeof(struct tcp_synq_entry), sizeof(struct wheel_node),
		10000, { 100000, 1000000 } },
	[TIME_WAIT] = { "memory_time_wait", fill_time_wait,
		sizeof(struct tcp_tw), 0,
		10000, { 100000, 1000000 } },
};

struct footprint {
	uint64_t resident_bytes;	/* grown by the engine and its entries */
	uint64_t table_bytes;
};

/* Measured in a child. room: entries the engine has place for; n: how many there are. */
static struct footprint
footprint(const struct lifetime *life, uint32_t room, uint32_t n)
{
	struct peer *peers = bench_alloc(
		life == &lifetimes[TIME_WAIT] ? 1 : room, sizeof(*peers));
	struct membed *m = bench_alloc(1, sizeof(*m));
	struct footprint fp = { 0 };
	int fds[2];
	int status;
	pid_t pid;

	if (pipe(fds) != 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0) {
		uint64_t before = engine_resident_bytes();

		membed_open_sized(m, &(struct membed_sizes){
			.conns = life->fill == fill_established ? room : FEW,
			.synq = life->fill == fill_synq ? room : FEW,
			.time_wait = life->fill == fill_time_wait ? room : FEW,
		});
		life->fill(m, peers, n);
		fp.resident_bytes = engine_resident_bytes() - before;
		fp.table_bytes = (uint64_t)m->w.tcp->flows.size * sizeof(struct flow_bucket);
		close(fds[0]);
		if (write(fds[1], &fp, sizeof(fp)) != sizeof(fp))
			abort();
		_exit(0);
	}
	close(fds[1]);
	if (read(fds[0], &fp, sizeof(fp)) != sizeof(fp) || waitpid(pid, &status, 0) != pid)
		abort();
	close(fds[0]);
	free(m);
	free(peers);
	return fp;
}

/*
 * all: structures, timer and the share of the flow table, whose size is a power of two.
 * resident: how much larger a process is with the engine full than with an engine for FEW that is
 * empty, which is what all predicts, plus whatever it forgot.
 */
static void
report(const struct lifetime *life, uint32_t n)
{
	struct footprint empty = footprint(life, FEW, 0);
	struct footprint full = footprint(life, n, n);
	double table = (double)(full.table_bytes - empty.table_bytes) / n;
	double resident = (double)(full.resident_bytes - empty.resident_bytes) / n;
	double all = (double)(life->entry_bytes + life->timer_bytes) + table;

	printf("{\"bench\":\"%s\",\"size\":%u,\"unit\":\"bytes\",\"entry\":%zu,\"timer\":%zu,"
	       "\"table\":%.1f,\"all\":%.1f,\"resident\":%.1f}\n",
		life->name, n, life->entry_bytes, life->timer_bytes, table, all, resident);
	fflush(stdout);
}

/* A child must not find pages that its parent has used and freed. */
static void
prepare(void)
{
	fflush(stdout);
	mallopt(M_MMAP_THRESHOLD, 65536);
	malloc_trim(0);
}

void
engine_memory_time_waits(uint32_t n)
{
	prepare();
	report(&lifetimes[TIME_WAIT], n);
}

void
engine_memory(bool quick)
{
	prepare();
	for (size_t i = 0; i < ARRAY_SIZE(lifetimes); i++) {
		if (quick) {
			report(&lifetimes[i], lifetimes[i].quick);
			continue;
		}
		for (size_t k = 0; k < ARRAY_SIZE(lifetimes[i].counts); k++)
			report(&lifetimes[i], lifetimes[i].counts[k]);
	}
}
