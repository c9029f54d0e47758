/* SPDX-License-Identifier: BSD-3-Clause */
/* Packets of attacks, from random sources or into one connection, and what each costs (G-15). */
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/engine_attacks.h"
#include "bench/engine_peers.h"

#include "base/compiler.h"

#define BURST ENGINE_BURST
#define CONNS 1000u
#define GAP_BURSTS 2u		/* of tiny segments into one connection: more than it may hold */
#define IN_FLIGHT 600u		/* segments of a byte that a victim of SACK has sent */
#define SACK_BURSTS 8u
#define SYNQ_BURSTS 1024u	/* before the SYN queue is emptied */

/* From somewhere new each time. */
struct flood {
	const char *name;
	uint8_t flags;
	enum peer_lie lie;
};

static const struct flood floods[] = {
	{ "attack_syn", PEER_SYN, PEER_HONEST },
	{ "attack_ack", PEER_ACK, PEER_HONEST },
	{ "attack_rst", PEER_RST | PEER_ACK, PEER_HONEST },
	{ "attack_flags", PEER_SYN | PEER_FIN | PEER_RST | PEER_PSH, PEER_HONEST },
	{ "attack_closed_port", PEER_SYN, PEER_CLOSED_PORT },
	{ "attack_checksum", PEER_ACK, PEER_BAD_CHECKSUM },
	{ "attack_fragment", PEER_ACK, PEER_FRAGMENT },
	{ "attack_hole", PEER_ACK, PEER_HOLE },
	{ "attack_options", PEER_SYN, PEER_ODD_OPTIONS },
	{ "attack_martian", PEER_SYN, PEER_MARTIAN },
	{ "attack_tunnel", PEER_SYN, PEER_TUNNEL },
	{ "attack_short", PEER_SYN, PEER_SHORT },
	{ "attack_source_route", PEER_SYN, PEER_SOURCE_ROUTE },
	{ "attack_echo", PEER_ACK, PEER_ECHO },
	{ "attack_report", PEER_ACK, PEER_REPORT },
	{ "attack_arp", PEER_ACK, PEER_ARP },
	{ "attack_solicit", PEER_ACK, PEER_SOLICIT },
	{ "attack_chain", PEER_ACK, PEER_CHAIN },
	{ "attack_garbage", PEER_ACK, PEER_GARBAGE },
};

/* Into an open connection; numbers relative to what would be right. */
struct injection {
	const char *name;
	uint8_t flags;
	enum peer_lie lie;
	uint16_t len;
	uint32_t seq, ack;
};

static const struct injection injections[] = {
	{ "attack_guessed_rst", PEER_RST, PEER_HONEST, 0, 100, 0 },
	{ "attack_guessed_syn", PEER_SYN, PEER_HONEST, 0, 100, 0 },
	{ "attack_old_data", PEER_ACK, PEER_HONEST, 64, -1000u, 0 },
	{ "attack_far_data", PEER_ACK, PEER_HONEST, 64, 1u << 30, 0 },
	{ "attack_early_ack", PEER_ACK, PEER_HONEST, 0, 0, 1000000 },
	{ "attack_dup_ack", PEER_ACK, PEER_HONEST, 0, 0, 0 },
	{ "attack_quoted", PEER_ACK, PEER_REPORT, 0, 0, 0 },
};

static void
fill_flood(struct peer_frame *frames, const struct flood *f, struct rng *rng)
{
	for (unsigned int j = 0; j < BURST; j++) {
		frames[j] = peer_frame_at_random(rng, f->flags,
			f->flags == PEER_SYN && f->lie == PEER_HONEST);
		frames[j].lie = f->lie;
	}
}

static void
bench_flood(struct membed *m, const struct flood *f, unsigned int runs, unsigned int bursts)
{
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	struct rng rng;

	rng_seed(&rng, 1);
	for (unsigned int run = 0; run < runs; run++) {
		for (unsigned int i = 0; i < bursts; i++) {
			struct peer_frame frames[BURST];

			fill_flood(frames, f, &rng);
			m->cycles = 0;
			membed_burst(m, frames, BURST, NULL, 0);
			bench_run_add(&spent, m->cycles);
		}
		bench_run_end(&spent, &b, BURST);
	}
	bench_print(&b, f->name, 0);
}

static void
bench_injection(struct membed *m, const struct peer *peers, const struct injection *in,
	unsigned int runs, unsigned int bursts)
{
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	uint32_t at = 0;

	for (unsigned int run = 0; run < runs; run++) {
		for (unsigned int i = 0; i < bursts; i++) {
			struct peer_frame frames[BURST];

			for (unsigned int j = 0; j < BURST; j++) {
				frames[j] = peer_frame_of(&peers[at], in->flags, in->len);
				frames[j].seq += in->seq;
				frames[j].ack += in->ack;
				frames[j].lie = in->lie;
				at = (at + PEER_STRIDE) % CONNS;
			}
			m->cycles = 0;
			membed_burst(m, frames, BURST, NULL, 0);
			bench_run_add(&spent, m->cycles);
		}
		bench_run_end(&spent, &b, BURST);
	}
	if (m->w.ctr.CurrEstab != CONNS)
		abort();
	bench_print(&b, in->name, 0);
}

/* SYNs that find a place in the queue; RSTs empty it, which is not measured. */
static void
bench_syn_queue(unsigned int runs, unsigned int bursts)
{
	struct membed *m = bench_alloc(1, sizeof(*m));
	struct peer_frame *frames = bench_alloc(SYNQ_BURSTS * BURST, sizeof(*frames));
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	struct rng rng;

	membed_open(m, CONNS);
	engine_listen(m, 0, ENGINE_ECHO);
	rng_seed(&rng, 1);
	bursts = min_u32(bursts, SYNQ_BURSTS);
	for (unsigned int run = 0; run < runs; run++) {
		for (unsigned int i = 0; i < bursts; i++) {
			fill_flood(&frames[i * BURST], &floods[0], &rng);
			m->cycles = 0;
			membed_burst(m, &frames[i * BURST], BURST, NULL, 0);
			bench_run_add(&spent, m->cycles);
		}
		bench_run_end(&spent, &b, BURST);
		if (m->w.ctr.HalfOpen < bursts * BURST / 2)
			abort();
		for (unsigned int i = 0; i < bursts * BURST; i++) {
			frames[i].flags = PEER_RST;
			frames[i].seq++;
		}
		for (unsigned int i = 0; i < bursts; i++)
			membed_burst(m, &frames[i * BURST], BURST, NULL, 0);
	}
	bench_print(&b, "attack_syn_queue", 0);
	membed_close(m);
	free(frames);
	free(m);
}

/* Buffers as they are after a long download. */
static void
give_room(struct membed *m)
{
	struct tunables tun = m->w.tun;

	tun.tcp_wmem[1] = tun.tcp_wmem[2];
	worker_set_tunables(&m->w, &tun);
}

/* A connection that permits SACK, with as many small segments in flight as its windows allow. */
static uint32_t
open_victim(struct membed *m, struct peer *p)
{
	struct peer_frame frames[1];
	struct peer_reply replies[1];
	uint32_t span = 0;

	frames[0] = peer_frame_of(p, PEER_SYN, 0);
	frames[0].lie = PEER_SACK_OK;
	if (membed_burst(m, frames, 1, replies, 1) != 1)
		abort();
	p->snd_nxt++;
	p->rcv_nxt = replies[0].seq + 1;
	for (unsigned int i = 0; i < IN_FLIGHT; i++) {
		frames[0] = peer_frame_of(p, PEER_ACK | PEER_PSH, 1);
		p->snd_nxt++;
		if (membed_burst(m, frames, 1, replies, 1) == 1)
			span = max_u32(span, replies[0].seq + replies[0].len - p->rcv_nxt);
	}
	return span;
}

/* each ACK SACKs three bytes of what is in flight, somewhere else each time. */
static void
bench_sack(unsigned int runs, unsigned int conns)
{
	struct membed *m = bench_alloc(1, sizeof(*m));
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	uint32_t next = 0;

	membed_open(m, CONNS);
	engine_listen(m, 0, ENGINE_ECHO);
	give_room(m);
	for (unsigned int run = 0; run < runs; run++) {
		for (unsigned int i = 0; i < conns; i++) {
			struct peer p = peer_of(next++);
			uint32_t span = open_victim(m, &p);
			struct peer_frame frames[BURST];

			m->cycles = 0;
			for (unsigned int at = 0; at < SACK_BURSTS * BURST; at++) {
				frames[at % BURST] = peer_frame_of(&p, PEER_ACK, 0);
				frames[at % BURST].lie = PEER_SACK;
				frames[at % BURST].sack_span = span;
				frames[at % BURST].sack_seed = at;
				if (at % BURST == BURST - 1)
					membed_burst(m, frames, BURST, NULL, 0);
			}
			bench_run_add(&spent, m->cycles);
			frames[0] = peer_frame_of(&p, PEER_RST | PEER_ACK, 0);
			membed_burst(m, frames, 1, NULL, 0);
		}
		bench_run_end(&spent, &b, SACK_BURSTS * BURST);
	}
	bench_print(&b, "attack_sack", 0);
	membed_close(m);
	free(m);
}

/* A new connection each time: what it may hold is full before its turn is over. */
static void
bench_gaps(struct membed *m, unsigned int runs, unsigned int conns)
{
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	uint32_t next = CONNS;

	for (unsigned int run = 0; run < runs; run++) {
		for (unsigned int i = 0; i < conns; i++) {
			struct peer p = peer_of(next++);
			struct peer_frame end, frames[BURST];

			engine_open_burst(m, &p, 1);
			m->cycles = 0;
			for (unsigned int at = 0; at < GAP_BURSTS * BURST; at++) {
				frames[at % BURST] = peer_frame_of(&p, PEER_ACK, 1);
				frames[at % BURST].seq += 1 + 2 * at;
				if (at % BURST == BURST - 1)
					membed_burst(m, frames, BURST, NULL, 0);
			}
			bench_run_add(&spent, m->cycles);
			end = peer_frame_of(&p, PEER_RST | PEER_ACK, 0);
			membed_burst(m, &end, 1, NULL, 0);
		}
		bench_run_end(&spent, &b, GAP_BURSTS * BURST);
	}
	if (m->w.ctr.CurrEstab != CONNS)
		abort();
	bench_print(&b, "attack_gaps", 0);
}

static void
bench_requests(struct membed *m, struct peer *peers, unsigned int runs, unsigned int bursts)
{
	struct bench_run spent = { 0 };
	struct bench b = { 0 };
	uint32_t at = 0;

	for (unsigned int run = 0; run < runs; run++) {
		for (unsigned int i = 0; i < bursts; i++) {
			struct peer *ptr[BURST];

			for (unsigned int j = 0; j < BURST; j++) {
				ptr[j] = &peers[at];
				at = (at + PEER_STRIDE) % CONNS;
			}
			m->cycles = 0;
			engine_request_burst(m, ptr, BURST);
			bench_run_add(&spent, m->cycles);
		}
		bench_run_end(&spent, &b, BURST);
	}
	bench_print(&b, "attack_none", CONNS);
}

void
engine_attacks(unsigned int runs, unsigned int bursts)
{
	struct membed *m = bench_alloc(1, sizeof(*m));
	struct peer *peers = bench_alloc(CONNS, sizeof(*peers));

	membed_open_sized(m, &(struct membed_sizes){
		.conns = CONNS + 1024,
		.synq = 65536,
		.time_wait = 65536,
		.has_ip6 = true,
	});
	/* What a start says to its neighbours is over. */
	membed_idle(m, 10000);
	engine_listen(m, 2, ENGINE_ECHO);
	engine_establish(m, peers, CONNS);
	bench_requests(m, peers, runs, bursts);
	for (size_t i = 0; i < ARRAY_SIZE(floods); i++)
		bench_flood(m, &floods[i], runs, bursts);
	bench_syn_queue(runs, bursts);
	for (size_t i = 0; i < ARRAY_SIZE(injections); i++)
		bench_injection(m, peers, &injections[i], runs, bursts);
	bench_gaps(m, runs, bursts / 32 + 1);
	bench_sack(runs, bursts / 32 + 1);
	membed_close(m);
	free(peers);
	free(m);
}
