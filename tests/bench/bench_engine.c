/* SPDX-License-Identifier: BSD-3-Clause */
/* The engine over an in-memory driver: SYNs with cookies, bogus ACKs, connections, requests. */
#include <stdlib.h>
#include <string.h>

#include "bench/bench.h"
#include "bench/membed.h"

#include "base/rng.h"
#include "sluice/sluice.h"

#define BURST 32u
#define RUNS 11u
#define REQUEST 64u

/* --- a service that answers 64 bytes with 64 bytes ------------------------------------------- */

static void
on_readable(struct sluice *s, sluice_conn c, void *data)
{
	uint8_t buf[2048];
	ptrdiff_t n;

	(void)data;
	while ((n = sluice_recv(s, c, buf, sizeof(buf))) > 0)
		sluice_send(s, c, buf, (size_t)n, 0);
	if (n == 0)
		sluice_close(s, c);
}

static void
on_acceptable(struct sluice *s, sluice_listener l, void *ctx)
{
	sluice_conn c;

	(void)ctx;
	while (sluice_accept(s, l, &c) == 0)
		;
}

static const struct sluice_ops ops = {
	.acceptable = on_acceptable,
	.readable = on_readable,
};

static void
listen_on(struct membed *m, int syncookies)
{
	struct sluice_listen_params par = {
		.addr = { .port = 80 },
		.backlog = 65536,
		.syncookies = syncookies,
		.syncookies_set = true,
		.ops = &ops,
		.name = "bench",
	};
	struct tunables tun = m->w.tun;
	sluice_listener l;

	tun.somaxconn = 65536;
	tun.tcp_max_syn_backlog = 65536;
	worker_set_tunables(&m->w, &tun);
	if (sluice_listen(&m->w.sluice, &par, &l) != 0)
		abort();
}

/* --- the peer -------------------------------------------------------------------------------- */

struct peer {
	uint32_t src;
	uint16_t sport;
	uint32_t snd_nxt;	/* its next sequence number */
	uint32_t rcv_nxt;
};

static struct peer
peer_of(uint32_t i)
{
	return (struct peer){
		.src = 0x0b000000u + i / 60000,
		.sport = (uint16_t)(1024 + i % 60000),
		.snd_nxt = i * 7919u,
	};
}

static struct membed_frame
frame_of(const struct peer *p, uint8_t flags, uint16_t len)
{
	return (struct membed_frame){
		.src = p->src,
		.sport = p->sport,
		.seq = p->snd_nxt,
		.ack = p->rcv_nxt,
		.flags = flags,
		.len = len,
	};
}

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };

/* Connections [first, first + n): handshake. */
static void
open_burst(struct membed *m, struct peer *peers, unsigned int n)
{
	struct membed_frame frames[BURST];
	struct membed_reply replies[2 * BURST];

	for (unsigned int i = 0; i < n; i++)
		frames[i] = frame_of(&peers[i], SYN, 0);
	if (membed_burst(m, frames, n, replies, BURST) != n)
		abort();
	for (unsigned int i = 0; i < n; i++) {
		if (replies[i].dport != peers[i].sport || replies[i].flags != (SYN | ACK))
			abort();
		peers[i].snd_nxt++;
		peers[i].rcv_nxt = replies[i].seq + 1;
		frames[i] = frame_of(&peers[i], ACK, 0);
	}
	membed_burst(m, frames, n, replies, BURST);
}

/* The peers acknowledge what they have, with nothing to send. */
static void
ack_burst(struct membed *m, struct peer **peers, unsigned int n)
{
	struct membed_frame frames[BURST];
	struct membed_reply replies[BURST];

	for (unsigned int i = 0; i < n; i++)
		frames[i] = frame_of(peers[i], ACK, 0);
	membed_burst(m, frames, n, replies, BURST);
}

/* A request on each and its answer, which the next request acknowledges. */
static void
request_burst(struct membed *m, struct peer **peers, unsigned int n)
{
	struct membed_frame frames[BURST];
	struct membed_reply replies[2 * BURST];

	for (unsigned int i = 0; i < n; i++)
		frames[i] = frame_of(peers[i], PSH | ACK, REQUEST);
	if (membed_burst(m, frames, n, replies, 2 * BURST) != n)
		abort();
	for (unsigned int i = 0; i < n; i++) {
		if (replies[i].len != REQUEST)
			abort();
		peers[i]->snd_nxt += REQUEST;
		peers[i]->rcv_nxt += REQUEST;
	}
}

/* The peer closes first, so nothing stays behind. */
static void
close_burst(struct membed *m, struct peer *peers, unsigned int n)
{
	struct membed_frame frames[BURST];
	struct membed_reply replies[2 * BURST];

	for (unsigned int i = 0; i < n; i++)
		frames[i] = frame_of(&peers[i], FIN | ACK, 0);
	if (membed_burst(m, frames, n, replies, 2 * BURST) != n)
		abort();
	for (unsigned int i = 0; i < n; i++) {
		if ((replies[i].flags & FIN) == 0)
			abort();
		peers[i].snd_nxt++;
		peers[i].rcv_nxt++;
		frames[i] = frame_of(&peers[i], ACK, 0);
	}
	membed_burst(m, frames, n, replies, 2 * BURST);
}

static void
establish(struct membed *m, struct peer *peers, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		peers[i] = peer_of(i);
	for (uint32_t i = 0; i < n; i += BURST)
		open_burst(m, peers + i, n - i < BURST ? n - i : BURST);
	if (m->w.ctr.CurrEstab < n)
		abort();
}

/* --- axes ------------------------------------------------------------------------------------ */

/* Axis (a): a SYN answered with a cookie, from random sources; live connections beside it. */
static void
bench_syn(uint32_t live, bool bogus_ack)
{
	struct membed *m = bench_alloc(1, sizeof(*m));
	struct peer *peers = bench_alloc(live + 1, sizeof(*peers));
	struct bench b = { 0 };
	struct rng rng;

	membed_open(m, live);
	listen_on(m, 2);
	establish(m, peers, live);
	rng_seed(&rng, 1);
	for (unsigned int run = 0; run < RUNS; run++) {
		const unsigned int bursts = 4000;

		m->cycles = 0;
		for (unsigned int i = 0; i < bursts; i++) {
			struct membed_frame frames[BURST];
			struct membed_reply replies[BURST];

			for (unsigned int j = 0; j < BURST; j++)
				frames[j] = (struct membed_frame){
					.src = 0x14000000u + (rng_u32(&rng) >> 6),
					.sport = (uint16_t)(rng_u32(&rng) | 1),
					.seq = rng_u32(&rng),
					.ack = rng_u32(&rng),
					.flags = bogus_ack && i > 0 ? ACK : SYN,
					.syn_options = !bogus_ack,
				};
			membed_burst(m, frames, BURST, replies, BURST);
		}
		b.values[b.runs++] = (double)m->cycles / (bursts * BURST);
	}
	bench_print(&b, bogus_ack ? "bogus_ack" : "syn_cookie", live);
	membed_close(m);
	free(peers);
	free(m);
}

/* Axis (b): connection, request and answer, close by the peer. */
static void
bench_connection(uint32_t live, bool data)
{
	struct membed *m = bench_alloc(1, sizeof(*m));
	struct peer *peers = bench_alloc(live + 1, sizeof(*peers));
	struct bench b = { 0 };
	uint32_t next = live;

	membed_open(m, live + 65536);
	listen_on(m, 0);
	establish(m, peers, live);
	for (unsigned int run = 0; run < RUNS; run++) {
		const unsigned int bursts = 600;

		m->cycles = 0;
		for (unsigned int i = 0; i < bursts; i++) {
			struct peer batch[BURST];
			struct peer *ptr[BURST];

			for (unsigned int j = 0; j < BURST; j++) {
				batch[j] = peer_of(next++);
				ptr[j] = &batch[j];
			}
			open_burst(m, batch, BURST);
			if (data)
				request_burst(m, ptr, BURST);
			close_burst(m, batch, BURST);
		}
		b.values[b.runs++] = (double)m->cycles / (bursts * BURST);
	}
	bench_print(&b, data ? "connection_request" : "connection", live);
	membed_close(m);
	free(peers);
	free(m);
}

/* Axis (c): a request on an open connection, chosen at random. */
static void
bench_request(uint32_t conns, bool acked)
{
	struct membed *m = bench_alloc(1, sizeof(*m));
	struct peer *peers = bench_alloc(conns, sizeof(*peers));
	struct bench b = { 0 };
	struct rng rng;

	membed_open(m, conns);
	listen_on(m, 0);
	establish(m, peers, conns);
	rng_seed(&rng, 1);
	for (unsigned int run = 0; run < RUNS; run++) {
		const unsigned int bursts = 4000;

		m->cycles = 0;
		for (unsigned int i = 0; i < bursts; i++) {
			struct peer *ptr[BURST];
			uint32_t at = rng_below(&rng, conns);

			/* Distinct connections: a stride that is coprime to their number. */
			for (unsigned int j = 0; j < BURST; j++) {
				ptr[j] = &peers[at];
				at = (at + 7919) % conns;
			}
			request_burst(m, ptr, BURST);
			/* This connection's next request is far away: it acknowledges first. */
			if (acked)
				ack_burst(m, ptr, BURST);
		}
		b.values[b.runs++] = (double)m->cycles / (bursts * BURST);
	}
	bench_print(&b, acked ? "request_acked" : "request", conns);
	membed_close(m);
	free(peers);
	free(m);
}

/* With arguments only the benchmarks whose names are given. */
static bool
wanted(int argc, char **argv, const char *name)
{
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], name) == 0)
			return true;
	return argc == 1;
}

int
main(int argc, char **argv)
{
	if (wanted(argc, argv, "syn_cookie"))
		bench_syn(0, false);
	if (wanted(argc, argv, "syn_cookie_live"))
		bench_syn(1000000, false);
	if (wanted(argc, argv, "bogus_ack"))
		bench_syn(0, true);
	if (wanted(argc, argv, "connection")) {
		bench_connection(0, true);
		bench_connection(0, false);
		bench_connection(1000000, true);
	}
	if (wanted(argc, argv, "request")) {
		bench_request(64, false);
		bench_request(1000, false);
		bench_request(1000, true);
		bench_request(1000000, true);
	}
	return 0;
}
