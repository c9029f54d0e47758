/* SPDX-License-Identifier: BSD-3-Clause */
/* Axis (e): from the burst that took a request in to the one with its answer, at half load. */
#include <stdlib.h>

#include "bench/bench.h"
#include "bench/engine_peers.h"
#include "bench/engine_residence.h"
#include "bench/stay.h"

static struct stay_time
serve(void *arg, struct peer **peers, unsigned int n)
{
	struct membed *m = arg;

	m->cycles = 0;
	engine_request_burst(m, peers, n);
	return (struct stay_time){ .answered = m->sent_at, .all = m->cycles };
}

/* Nothing but a look at the clock, as long as the worker takes: what is longer is the machine's. */
static struct stay_time
spin(void *arg, struct peer **peers, unsigned int n)
{
	const double *each = arg;
	uint64_t start = bench_now();
	uint64_t took;

	(void)peers;
	do
		took = bench_now() - start;
	while ((double)took < n * *each);
	return (struct stay_time){ .answered = took, .all = took };
}

void
engine_residence(uint32_t conns, unsigned int bursts)
{
	struct membed *m = bench_alloc(1, sizeof(*m));
	struct peer *peers = bench_alloc(conns, sizeof(*peers));
	double each;

	membed_open(m, conns);
	engine_listen(m, 0, ENGINE_ECHO);
	engine_establish(m, peers, conns);
	each = stay_measure(&(struct stay_subject){ "residence", serve, m }, peers, conns, bursts);
	stay_measure(&(struct stay_subject){ "residence_spin", spin, &each }, peers, conns, bursts);
	membed_close(m);
	free(peers);
	free(m);
}
