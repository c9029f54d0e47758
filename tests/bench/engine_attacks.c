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

struct flood {
	const char *name;
	uint8_t flags;
	enum peer_lie lie;
};

static const struct flood floods[] = {
	{ "attack_syn", PEER_SYN, PEER_HONEST },
	{ "attack_ack", PEER_ACK, PEER_HONEST },
	{ "attack_rst", PEER_RST | PEER_ACK, PEER_HONEST },
	{ "attack_checksum", PEER_ACK, PEER_BAD_CHECKSUM },
	{ "attack_fragment", PEER_ACK, PEER_FRAGMENT },
	{ "attack_options", PEER_SYN, PEER_ODD_OPTIONS },
	{ "attack_garbage", PEER_ACK, PEER_GARBAGE },
};

static void
flood(struct membed *m, const struct flood *f, struct rng *rng)
{
	struct peer_frame frames[BURST];

	for (unsigned int j = 0; j < BURST; j++) {
		frames[j] = peer_frame_at_random(rng, f->flags,
			f->flags == PEER_SYN && f->lie == PEER_HONEST);
		frames[j].lie = f->lie;
	}
	m->cycles = 0;
	membed_burst(m, frames, BURST, NULL, 0);
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
			flood(m, f, &rng);
			bench_run_add(&spent, m->cycles);
		}
		bench_run_end(&spent, &b, BURST);
	}
	bench_print(&b, f->name, 0);
}

/* A new connection each time: what it may hold is full after two bursts. */
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

	membed_open(m, CONNS);
	engine_listen(m, 2, ENGINE_ECHO);
	engine_establish(m, peers, CONNS);
	bench_requests(m, peers, runs, bursts);
	for (size_t i = 0; i < ARRAY_SIZE(floods); i++)
		bench_flood(m, &floods[i], runs, bursts);
	bench_gaps(m, runs, bursts / 8 + 1);
	membed_close(m);
	free(peers);
	free(m);
}
