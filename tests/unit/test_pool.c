/* SPDX-License-Identifier: BSD-3-Clause */
/* The packet pool over a source that keeps its contract and checks that the pool does. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/rng.h"
#include "pkt/pool.h"

#define SOURCE_PKTS 1024
#define RESERVE 100
#define PAYLOAD_MAX 1500
#define GARBAGE 0xa5

struct source {
	struct pkt pkts[SOURCE_PKTS];
	struct pkt *idle[SOURCE_PKTS];
	unsigned int idle_count;
	unsigned int at_once_max; /* refuses to give more than this at a time */
	unsigned int alloc_calls;
	unsigned int free_calls;
	unsigned int avail_calls;
};

void
base_assert_fail(const char *file, int line, const char *expr)
{
	mock_assert(0, expr, file, line);
	abort();
}

/* All or none, as rte_mempool does. What the contract leaves open holds garbage. */
static unsigned int
source_alloc(void *ctx, struct pkt **pkts, unsigned int n)
{
	struct source *src = ctx;

	src->alloc_calls++;
	if (n > src->idle_count || n > src->at_once_max)
		return 0;
	for (unsigned int i = 0; i < n; i++) {
		struct pkt *p = src->idle[--src->idle_count];

		memset(p, GARBAGE, sizeof(*p));
		p->refcnt = 1;
		p->nb_segs = 1;
		p->seg_next = NULL;
		pkts[i] = p;
	}
	return n;
}

static void
source_free(void *ctx, struct pkt **pkts, unsigned int n)
{
	struct source *src = ctx;

	src->free_calls++;
	for (unsigned int i = 0; i < n; i++) {
		assert_in_range(pkts[i] - src->pkts, 0, SOURCE_PKTS - 1);
		assert_int_equal(pkts[i]->refcnt, 1);
		assert_int_equal(pkts[i]->nb_segs, 1);
		assert_null(pkts[i]->seg_next);
		/* Caught if it comes back twice. */
		pkts[i]->refcnt = 0;
		assert_true(src->idle_count < SOURCE_PKTS);
		src->idle[src->idle_count++] = pkts[i];
	}
}

static unsigned int
source_avail(void *ctx)
{
	struct source *src = ctx;

	src->avail_calls++;
	return src->idle_count;
}

/* A pool over a full source; free it with pool_close, which checks that nothing is missing. */
static struct source *
pool_open(struct pkt_pool *pool, bool stock)
{
	struct source *src = aligned_alloc(_Alignof(struct source), sizeof(*src));
	const struct pkt_source face = {
		.alloc = source_alloc,
		.free = source_free,
		.avail = source_avail,
		.ctx = src,
	};

	assert_non_null(src);
	memset(src, 0, sizeof(*src));
	src->at_once_max = SOURCE_PKTS;
	for (unsigned int i = 0; i < SOURCE_PKTS; i++)
		src->idle[src->idle_count++] = &src->pkts[i];
	pkt_pool_init(pool, &face, SOURCE_PKTS, RESERVE, PAYLOAD_MAX, stock);
	return src;
}

static void
pool_close(struct pkt_pool *pool, struct source *src)
{
	pkt_pool_flush(pool);
	assert_int_equal(pool->count, 0);
	assert_int_equal(pool->held, 0);
	assert_int_equal(src->idle_count, SOURCE_PKTS);
	free(src);
}

static void
a_new_packet_is_empty_behind_its_headroom(void **state)
{
	struct pkt_pool pool;
	struct source *src = pool_open(&pool, true);
	struct pkt *p;

	(void)state;
	assert_int_equal(pool.payload_max, PAYLOAD_MAX);
	p = pkt_alloc(&pool);
	assert_non_null(p);
	assert_int_equal(p->data_off, PKT_HEADROOM);
	assert_int_equal(p->data_len, 0);
	assert_int_equal(p->pkt_len, 0);
	assert_int_equal(p->ol_flags, 0);
	assert_int_equal(p->tx_offload, 0);
	assert_int_equal(p->refcnt, 1);
	assert_int_equal(p->nb_segs, 1);
	assert_null(p->seg_next);
	assert_null(p->app.next);
	assert_int_equal(p->app.flags, 0);
	assert_int_equal(p->app.sends, 0);
	assert_false(pkt_is_shared(p));
	pkt_free(&pool, p);
	pool_close(&pool, src);
}

static void
packets_come_from_the_source_in_bulk(void **state)
{
	struct pkt *pkts[2 * PKT_POOL_BULK];
	struct pkt_pool pool;
	struct source *src = pool_open(&pool, true);

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(pkts); i++)
		pkts[i] = pkt_alloc(&pool);
	assert_int_equal(src->alloc_calls, 2);
	assert_int_equal(pool.held, ARRAY_SIZE(pkts));
	assert_int_equal(pool.count, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(pkts); i++)
		pkt_free(&pool, pkts[i]);
	assert_int_equal(src->free_calls, 0);
	assert_int_equal(pool.count, ARRAY_SIZE(pkts));
	assert_int_equal(pkt_pool_avail(&pool), SOURCE_PKTS);
	pool_close(&pool, src);
}

static void
the_last_packet_freed_is_the_next_one_given(void **state)
{
	struct pkt_pool pool;
	struct source *src = pool_open(&pool, true);
	struct pkt *p = pkt_alloc(&pool);

	(void)state;
	pkt_free(&pool, p);
	assert_ptr_equal(pkt_alloc(&pool), p);
	pkt_free(&pool, p);
	pool_close(&pool, src);
}

static void
a_full_stock_gives_half_of_itself_back(void **state)
{
	struct pkt *pkts[PKT_POOL_STOCK_MAX + PKT_POOL_BULK];
	struct pkt_pool pool;
	struct source *src = pool_open(&pool, true);

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(pkts); i++)
		pkts[i] = pkt_alloc(&pool);
	for (unsigned int i = 0; i < PKT_POOL_STOCK_MAX; i++)
		pkt_free(&pool, pkts[i]);
	assert_int_equal(pool.count, PKT_POOL_STOCK_MAX);
	assert_int_equal(src->free_calls, 0);
	pkt_free(&pool, pkts[PKT_POOL_STOCK_MAX]);
	assert_int_equal(src->free_calls, 1);
	assert_int_equal(pool.count, PKT_POOL_STOCK_MAX / 2 + 1);
	for (unsigned int i = PKT_POOL_STOCK_MAX + 1; i < ARRAY_SIZE(pkts); i++)
		pkt_free(&pool, pkts[i]);
	pool_close(&pool, src);
}

static void
without_a_stock_every_packet_goes_to_the_source(void **state)
{
	struct pkt_pool pool;
	struct source *src = pool_open(&pool, false);

	(void)state;
	for (unsigned int i = 1; i <= 3; i++) {
		struct pkt *p = pkt_alloc(&pool);

		assert_int_equal(src->alloc_calls, i);
		assert_int_equal(src->idle_count, SOURCE_PKTS - 1);
		pkt_free(&pool, p);
		assert_int_equal(src->free_calls, i);
		assert_int_equal(src->idle_count, SOURCE_PKTS);
		assert_int_equal(pool.count, 0);
	}
	pool_close(&pool, src);
}

static void
every_packet_can_be_had_and_the_next_is_refused_and_counted(void **state)
{
	/* Few bulks divide the source evenly; the rest must not be lost. */
	static const struct {
		bool stock;
		unsigned int at_once_max;
		unsigned int taken; /* the source has lost these to others */
	} rows[] = {
		{ true, SOURCE_PKTS, 0 },
		{ true, SOURCE_PKTS, 1 },
		{ true, SOURCE_PKTS, PKT_POOL_BULK - 1 },
		{ true, 1, 0 },
		{ false, SOURCE_PKTS, 0 },
	};
	struct pkt *pkts[SOURCE_PKTS];

	(void)state;
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		struct pkt_pool pool;
		struct source *src = pool_open(&pool, rows[row].stock);
		const unsigned int total = SOURCE_PKTS - rows[row].taken;

		src->at_once_max = rows[row].at_once_max;
		src->idle_count -= rows[row].taken;
		for (unsigned int i = 0; i < total; i++) {
			pkts[i] = pkt_alloc(&pool);
			if (pkts[i] == NULL)
				fail_msg("row %zu: packet %u of %u", row, i, total);
		}
		assert_int_equal(pool.alloc_fails, 0);
		assert_null(pkt_alloc(&pool));
		assert_null(pkt_alloc(&pool));
		assert_int_equal(pool.alloc_fails, 2);
		assert_int_equal(pool.held, total);
		assert_int_equal(pkt_pool_avail(&pool), 0);
		for (unsigned int i = 0; i < total; i++)
			pkt_free(&pool, pkts[i]);
		src->idle_count += rows[row].taken;
		pool_close(&pool, src);
	}
}

static void
a_held_packet_returns_with_its_last_holder(void **state)
{
	struct pkt_pool pool;
	struct source *src = pool_open(&pool, false);
	struct pkt *p = pkt_alloc(&pool);

	(void)state;
	pkt_hold(&pool, p);
	assert_true(pkt_is_shared(p));
	assert_int_equal(p->refcnt, 2);
	pkt_hold(&pool, p);
	assert_int_equal(p->refcnt, 3);
	assert_int_equal(pool.held, 3);
	pkt_free(&pool, p);
	pkt_free(&pool, p);
	assert_int_equal(src->free_calls, 0);
	assert_int_equal(pool.held, 1);
	assert_false(pkt_is_shared(p));
	pkt_free(&pool, p);
	assert_int_equal(src->free_calls, 1);
	pool_close(&pool, src);
}

static void
a_driver_that_drops_its_reference_last_ends_the_loan(void **state)
{
	struct pkt_pool pool;
	struct source *src = pool_open(&pool, true);
	struct pkt *p = pkt_alloc(&pool);

	(void)state;
	/* Sent while a queue keeps it: the driver has one reference, we the other. */
	pkt_hold(&pool, p);
	pkt_pool_disown(&pool, 1);
	assert_int_equal(pool.held, 1);
	/* The queue lets go first; the driver is still reading. */
	pkt_free(&pool, p);
	assert_int_equal(pool.held, 0);
	assert_int_equal(pool.count, PKT_POOL_BULK - 1);
	/* Now the driver, which frees to the source as it does with any mbuf. */
	assert_int_equal(p->refcnt, 1);
	source_free(src, &p, 1);
	pool_close(&pool, src);
}

static void
received_packets_are_held_until_freed(void **state)
{
	struct pkt *pkts[3];
	struct pkt_pool pool;
	struct source *src = pool_open(&pool, true);

	(void)state;
	assert_int_equal(source_alloc(src, pkts, 3), 3);
	pkt_pool_adopt(&pool, 3);
	assert_int_equal(pool.held, 3);
	for (unsigned int i = 0; i < 3; i++)
		pkt_free(&pool, pkts[i]);
	assert_int_equal(pool.held, 0);
	pool_close(&pool, src);
}

static void
data_may_not_take_the_reserve(void **state)
{
	struct pkt *pkts[SOURCE_PKTS];
	struct pkt_pool pool;
	struct source *src = pool_open(&pool, true);
	unsigned int taken = 0;

	(void)state;
	while (pkt_pool_has_spare(&pool))
		pkts[taken++] = pkt_alloc(&pool);
	assert_int_equal(taken, SOURCE_PKTS - RESERVE);
	assert_int_equal(pkt_pool_avail(&pool), RESERVE);
	/* While there was plenty the source was hardly ever asked. */
	assert_in_range(src->avail_calls, 1, SOURCE_PKTS / PKT_POOL_BULK + 1 + PKT_POOL_BULK);
	/* The reserve itself can be had: it is there for receiving. */
	for (unsigned int i = 0; i < RESERVE; i++) {
		pkts[taken + i] = pkt_alloc(&pool);
		assert_non_null(pkts[taken + i]);
	}
	for (unsigned int i = 0; i < RESERVE; i++)
		pkt_free(&pool, pkts[taken + i]);
	assert_false(pkt_pool_has_spare(&pool));
	pkt_free(&pool, pkts[--taken]);
	assert_true(pkt_pool_has_spare(&pool));
	while (taken > 0)
		pkt_free(&pool, pkts[--taken]);
	pool_close(&pool, src);
}

static void
packets_freed_elsewhere_are_seen_when_it_matters(void **state)
{
	struct pkt *pkts[SOURCE_PKTS];
	struct pkt *sent;
	struct pkt_pool pool;
	struct source *src = pool_open(&pool, true);
	unsigned int taken = 0;

	(void)state;
	while (pkt_pool_has_spare(&pool))
		pkts[taken++] = pkt_alloc(&pool);
	/* A driver gives one back to the source behind the pool's back. */
	sent = pkts[--taken];
	pkt_pool_disown(&pool, 1);
	source_free(src, &sent, 1);
	assert_true(pkt_pool_has_spare(&pool));
	while (taken > 0)
		pkt_free(&pool, pkts[--taken]);
	pool_close(&pool, src);
}

static void
a_reserve_of_the_whole_pool_fails_an_assertion(void **state)
{
	const struct pkt_source face = { 0 };
	struct pkt_pool pool;

	(void)state;
	expect_assert_failure(pkt_pool_init(&pool, &face, 100, 100, PAYLOAD_MAX, true));
}

/* Random allocs, holds and frees: every packet has one place at every time. */
static void
random_use_loses_and_doubles_no_packet(void **state)
{
	static const bool stocks[] = { true, false };

	(void)state;
	for (size_t row = 0; row < ARRAY_SIZE(stocks); row++) {
		struct pkt *refs[2 * SOURCE_PKTS];
		unsigned int refs_count = 0;
		bool held[SOURCE_PKTS] = { false };
		unsigned int bias = 8;
		struct pkt_pool pool;
		struct source *src = pool_open(&pool, stocks[row]);
		struct rng rng;

		rng_seed(&rng, row);
		for (uint32_t op = 0; op < 1000000; op++) {
			unsigned int pick = rng_below(&rng, refs_count);

			/* Long tides, so that the pool runs full and empty. */
			if (op % 5000 == 0)
				bias = 6 + rng_below(&rng, 5);
			if (rng_below(&rng, 16) >= bias) {
				if (refs_count == 0)
					continue;
				held[refs[pick] - src->pkts] = refs[pick]->refcnt > 1;
				pkt_free(&pool, refs[pick]);
				refs[pick] = refs[--refs_count];
			} else if (refs_count > 0 && rng_below(&rng, 8) == 0) {
				if (refs_count == ARRAY_SIZE(refs))
					continue;
				pkt_hold(&pool, refs[pick]);
				refs[refs_count++] = refs[pick];
			} else if (refs_count < ARRAY_SIZE(refs)) {
				struct pkt *p = pkt_alloc(&pool);

				if (p == NULL) {
					assert_int_equal(pkt_pool_avail(&pool), 0);
					continue;
				}
				assert_false(held[p - src->pkts]);
				held[p - src->pkts] = true;
				refs[refs_count++] = p;
			}
			assert_int_equal(pool.held, refs_count);
		}
		assert_in_range(pool.alloc_fails, 1000, 1000000);
		while (refs_count > 0)
			pkt_free(&pool, refs[--refs_count]);
		pool_close(&pool, src);
	}
}

static void
a_chain_is_given_back_link_by_link(void **state)
{
	struct pkt_pool pool;
	struct source *src = pool_open(&pool, true);
	struct pkt *p[3];

	(void)state;
	for (int i = 0; i < 3; i++)
		p[i] = pkt_alloc(&pool);
	p[0]->nb_segs = 3;
	p[0]->seg_next = p[1];
	p[1]->seg_next = p[2];
	pkt_pool_disown(&pool, 2);
	pkt_free_chain(&pool, p[0]);
	assert_int_equal(pool.held, 0);
	for (int i = 0; i < 3; i++) {
		assert_null(p[i]->seg_next);
		assert_int_equal(p[i]->nb_segs, 1);
	}
	pool_close(&pool, src);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_packet_is_empty_behind_its_headroom),
		cmocka_unit_test(packets_come_from_the_source_in_bulk),
		cmocka_unit_test(the_last_packet_freed_is_the_next_one_given),
		cmocka_unit_test(a_full_stock_gives_half_of_itself_back),
		cmocka_unit_test(without_a_stock_every_packet_goes_to_the_source),
		cmocka_unit_test(every_packet_can_be_had_and_the_next_is_refused_and_counted),
		cmocka_unit_test(a_held_packet_returns_with_its_last_holder),
		cmocka_unit_test(a_driver_that_drops_its_reference_last_ends_the_loan),
		cmocka_unit_test(received_packets_are_held_until_freed),
		cmocka_unit_test(a_chain_is_given_back_link_by_link),
		cmocka_unit_test(data_may_not_take_the_reserve),
		cmocka_unit_test(packets_freed_elsewhere_are_seen_when_it_matters),
		cmocka_unit_test(a_reserve_of_the_whole_pool_fails_an_assertion),
		cmocka_unit_test(random_use_loses_and_doubles_no_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
