/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow table as a burst uses it: prefetch the bucket, find the candidate, compare its key. */
#include "base/compiler.h"
#include "base/rng.h"
#include "bench/bench.h"
#include "table/flow_table.h"

#define RUNS 15u
#define BURST 32u
#define QUERIES (1u << 17)

/* The part of a connection that a lookup and the fast path after it touch: two lines. */
struct conn {
	uint64_t key[3];
	uint8_t line1_rest[40];
	uint64_t line2[8];
} SLUICE_CACHE_ALIGNED;

struct query {
	uint64_t key[3];
	uint64_t hash;
};

struct fixture {
	uint32_t size;
	struct flow_table table;
	struct conn *conns;
	uint64_t *hashes; /* of the connections, as they are in the table */
	struct query *queries;
	struct rng rng;
};

static void
fixture_init(struct fixture *f, uint32_t size)
{
	rng_seed(&f->rng, size);
	f->size = size;
	f->conns = bench_alloc(size, sizeof(*f->conns));
	f->hashes = bench_alloc(size, sizeof(*f->hashes));
	f->queries = bench_alloc(QUERIES, sizeof(*f->queries));
	if (flow_table_init(&f->table, size, &mem_libc) != 0)
		exit(1);
	for (uint32_t i = 0; i < size; i++) {
		for (unsigned int k = 0; k < 3; k++)
			f->conns[i].key[k] = rng_u64(&f->rng);
		f->hashes[i] = rng_u64(&f->rng);
		if (flow_table_insert(&f->table, f->hashes[i], i) != 0)
			exit(1);
	}
}

static void
fixture_fini(struct fixture *f)
{
	flow_table_fini(&f->table);
	free(f->queries);
	free(f->hashes);
	free(f->conns);
}

static uint32_t
lookup(const struct fixture *f, const struct query *q)
{
	struct flow_iter it;
	uint32_t ref = flow_table_first(&f->table, q->hash, &it);

	while (ref != FLOW_REF_NONE) {
		const uint64_t *key = f->conns[ref].key;

		if (key[0] == q->key[0] && key[1] == q->key[1] && key[2] == q->key[2])
			break;
		ref = flow_table_next(&f->table, &it);
	}
	return ref;
}

/* The three passes of a worker over one burst; returns how many were found. */
static unsigned int
lookup_burst(struct fixture *f, const struct query *q)
{
	unsigned int found = 0;

	for (unsigned int i = 0; i < BURST; i++)
		flow_table_prefetch(&f->table, q[i].hash);
	for (unsigned int i = 0; i < BURST; i++) {
		struct flow_iter it;
		uint32_t ref = flow_table_first(&f->table, q[i].hash, &it);

		if (ref != FLOW_REF_NONE) {
			prefetch0(&f->conns[ref]);
			prefetch0_write(f->conns[ref].line2);
		}
	}
	for (unsigned int i = 0; i < BURST; i++) {
		uint32_t ref = lookup(f, &q[i]);

		if (ref != FLOW_REF_NONE) {
			f->conns[ref].line2[0]++;
			found++;
		}
	}
	return found;
}

static void
bench_lookup(struct fixture *f, const char *name, bool hit)
{
	struct bench b = { 0 };

	for (uint32_t i = 0; i < QUERIES; i++) {
		uint32_t ref = rng_below(&f->rng, f->size);

		for (unsigned int k = 0; k < 3; k++)
			f->queries[i].key[k] = f->conns[ref].key[k];
		f->queries[i].hash = hit ? f->hashes[ref] : rng_u64(&f->rng);
	}
	for (unsigned int run = 0; run <= RUNS; run++) {
		uint64_t start = bench_now();
		uint64_t found = 0;

		for (uint32_t i = 0; i < QUERIES; i += BURST)
			found += lookup_burst(f, &f->queries[i]);
		/* The first one warms up. */
		if (run > 0)
			bench_add(&b, start, QUERIES);
		if (found != (hit ? QUERIES : 0)) {
			fprintf(stderr, "%s: %llu found\n", name, (unsigned long long)found);
			exit(1);
		}
	}
	bench_print(&b, name, f->size);
}

/* Connections end and others begin: one removal and one insertion, with the buckets prefetched. */
static void
bench_churn(struct fixture *f)
{
	uint32_t *refs = bench_alloc(QUERIES, sizeof(*refs));
	uint64_t *fresh = bench_alloc(QUERIES, sizeof(*fresh));
	struct bench b = { 0 };

	for (unsigned int run = 0; run <= RUNS; run++) {
		uint64_t start;

		for (uint32_t i = 0; i < QUERIES; i++) {
			refs[i] = rng_below(&f->rng, f->size);
			fresh[i] = rng_u64(&f->rng);
		}
		start = bench_now();
		for (uint32_t i = 0; i < QUERIES; i += BURST) {
			for (unsigned int k = i; k < i + BURST; k++) {
				flow_table_prefetch(&f->table, f->hashes[refs[k]]);
				flow_table_prefetch(&f->table, fresh[k]);
			}
			for (unsigned int k = i; k < i + BURST; k++) {
				flow_table_remove(&f->table, f->hashes[refs[k]], refs[k]);
				f->hashes[refs[k]] = fresh[k];
				if (flow_table_insert(&f->table, fresh[k], refs[k]) != 0)
					exit(1);
			}
		}
		if (run > 0)
			bench_add(&b, start, QUERIES);
	}
	bench_print(&b, "table_remove_insert", f->size);
	free(fresh);
	free(refs);
}

int
main(void)
{
	static const uint32_t sizes[] = { 1000, 100000, 1000000 };

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct fixture f;

		fixture_init(&f, sizes[i]);
		bench_lookup(&f, "table_hit", true);
		bench_lookup(&f, "table_miss", false);
		bench_churn(&f);
		bench_lookup(&f, "table_hit_after_churn", true);
		fixture_fini(&f);
	}
	return 0;
}
