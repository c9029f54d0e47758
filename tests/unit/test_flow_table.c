/* SPDX-License-Identifier: BSD-3-Clause */
/* The flow table against a naive map, at its load limit, and with every hash in one bucket. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/assert.h"
#include "base/rng.h"
#include "table/flow_table.h"

/* The smallest table has this many buckets; entries for a load of 3/4 in it. */
#define BUCKETS_MIN FLOW_PROBE_MAX
#define ENTRIES_MIN (BUCKETS_MIN * 6)

void
base_assert_fail(const char *file, int line, const char *expr)
{
	mock_assert(0, expr, file, line);
	abort();
}

static void *
no_memory(void *ctx, size_t len_bytes)
{
	(void)ctx;
	(void)len_bytes;
	return NULL;
}

/* A hash with the home bucket and tag asked for, in a table of so many buckets: few. */
static uint64_t
hash_in(uint32_t buckets, uint32_t home, uint16_t tag)
{
	uint64_t first = (((uint64_t)home << 32) + buckets - 1) / buckets;

	return 0xdeadbeef00000000ULL | ((first + 0xffff) & ~0xffffULL) | tag;
}

/* ... in the smallest table. */
static uint64_t
hash_of(uint32_t home, uint16_t tag)
{
	return hash_in(BUCKETS_MIN, home, tag);
}

/* True when the walk over hash proposes ref, once. */
static bool
has(const struct flow_table *t, uint64_t hash, uint32_t ref)
{
	struct flow_iter it;
	unsigned int seen = 0;

	for (uint32_t r = flow_table_first(t, hash, &it); r != FLOW_REF_NONE;
		r = flow_table_next(t, &it))
		seen += r == ref;
	assert_in_range(seen, 0, 1);
	return seen == 1;
}

/* How many candidates a hash has. */
static unsigned int
candidates(const struct flow_table *t, uint64_t hash)
{
	struct flow_iter it;
	unsigned int count = 0;

	for (uint32_t r = flow_table_first(t, hash, &it); r != FLOW_REF_NONE;
		r = flow_table_next(t, &it))
		count++;
	return count;
}

static void
assert_empty(const struct flow_table *t)
{
	assert_int_equal(t->count, 0);
	for (uint32_t i = 0; i < t->size; i++) {
		assert_int_equal(t->buckets[i].away, 0);
		for (uint32_t slot = 0; slot < FLOW_BUCKET_SLOTS; slot++) {
			assert_int_equal(t->buckets[i].tag[slot], 0);
			assert_int_equal(t->buckets[i].ref[slot], FLOW_REF_NONE);
		}
	}
}

/* The lanes of all home buckets tell of as many flows as there are, none further than possible. */
static void
assert_distances_add_up(const struct flow_table *t)
{
	uint32_t counts[FLOW_PROBE_MAX];
	uint32_t sum = 0;

	flow_table_distances(t, counts);
	for (uint32_t d = 0; d < FLOW_PROBE_MAX; d++) {
		assert_in_range(counts[d], 0, t->count);
		sum += counts[d];
	}
	assert_int_equal(sum, t->count);
}

static void
size_is_what_makes_a_load_of_three_quarters(void **state)
{
	static const struct {
		uint32_t entries_max;
		int result;
		uint32_t buckets;
	} rows[] = {
		{ 0, -EINVAL, 0 },
		{ 1, 0, 16 },
		{ 96, 0, 16 },
		{ 97, 0, 17 },
		{ 1000, 0, 167 },
		{ 65536, 0, 10923 },
		{ 98304, 0, 16384 },
		{ 98305, 0, 16385 },
		{ FLOW_ENTRIES_MAX + 1, -EINVAL, 0 },
		{ UINT32_MAX, -EINVAL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct flow_table t;
		int result = flow_table_init(&t, rows[i].entries_max, &mem_libc);

		if (result != rows[i].result || (result == 0 && t.size != rows[i].buckets))
			fail_msg("row %zu: %d, %u buckets", i, result, t.size);
		if (result != 0)
			assert_null(t.buckets);
		else
			assert_empty(&t);
		flow_table_fini(&t);
	}
}

static void
init_without_memory_holds_nothing(void **state)
{
	const struct mem_source none = { .take = no_memory };
	struct flow_table t;

	(void)state;
	assert_int_equal(flow_table_init(&t, 1000, &none), -ENOMEM);
	assert_null(t.buckets);
	flow_table_fini(&t);
}

static void
every_slot_of_the_smallest_table_can_be_filled(void **state)
{
	struct flow_table t;

	(void)state;
	/* A walk covers all its buckets, so there is room for any home. */
	assert_int_equal(flow_table_init(&t, ENTRIES_MIN, &mem_libc), 0);
	for (uint32_t i = 0; i < BUCKETS_MIN * FLOW_BUCKET_SLOTS; i++)
		assert_int_equal(
			flow_table_insert(&t, hash_of(i * 7 % BUCKETS_MIN, (uint16_t)i), i), 0);
	for (uint32_t i = 0; i < BUCKETS_MIN * FLOW_BUCKET_SLOTS; i++)
		assert_true(has(&t, hash_of(i * 7 % BUCKETS_MIN, (uint16_t)i), i));
	assert_distances_add_up(&t);
	flow_table_fini(&t);
}

static void
an_absent_hash_has_no_candidate(void **state)
{
	struct flow_table t;

	(void)state;
	assert_int_equal(flow_table_init(&t, ENTRIES_MIN, &mem_libc), 0);
	assert_int_equal(candidates(&t, hash_of(3, 17)), 0);
	assert_int_equal(candidates(&t, hash_of(3, 0)), 0);
	assert_int_equal(flow_table_insert(&t, hash_of(3, 17), 5), 0);
	assert_int_equal(candidates(&t, hash_of(4, 17)), 0);
	assert_int_equal(candidates(&t, hash_of(3, 18)), 0);
	assert_int_equal(candidates(&t, hash_of(3, 17)), 1);
	flow_table_fini(&t);
}

static void
tag_zero_is_a_tag_like_any_other(void **state)
{
	struct flow_table t;

	(void)state;
	assert_int_equal(flow_table_init(&t, ENTRIES_MIN, &mem_libc), 0);
	assert_int_equal(flow_table_insert(&t, hash_of(3, 0), 5), 0);
	assert_true(has(&t, hash_of(3, 0), 5));
	assert_int_equal(candidates(&t, hash_of(3, 0)), 1);
	/* It shares the place of tag 1, so each is proposed for the other. */
	assert_int_equal(flow_table_insert(&t, hash_of(3, 1), 6), 0);
	assert_int_equal(candidates(&t, hash_of(3, 0)), 2);
	flow_table_remove(&t, hash_of(3, 0), 5);
	assert_true(has(&t, hash_of(3, 1), 6));
	flow_table_remove(&t, hash_of(3, 1), 6);
	assert_empty(&t);
	flow_table_fini(&t);
}

static void
the_high_half_of_the_hash_does_not_matter(void **state)
{
	struct flow_table t;

	(void)state;
	assert_int_equal(flow_table_init(&t, ENTRIES_MIN, &mem_libc), 0);
	assert_int_equal(flow_table_insert(&t, 0x1111111150000023ULL, 9), 0);
	assert_true(has(&t, 0xffffffff50000023ULL, 9));
	flow_table_remove(&t, 0x0000000050000023ULL, 9);
	assert_empty(&t);
	flow_table_fini(&t);
}

static void
one_tag_takes_its_bound_and_refuses_the_next(void **state)
{
	const uint32_t bound = FLOW_PROBE_MAX * FLOW_BUCKET_SLOTS;
	/* The walk goes over the end of the table, in strides of 14. */
	const uint32_t buckets = 1024, home = 1020;
	const uint64_t hash = hash_in(buckets, home, 77);
	uint32_t counts[FLOW_PROBE_MAX];
	struct flow_table t;

	(void)state;
	assert_int_equal(flow_table_init(&t, 6 * buckets, &mem_libc), 0);
	assert_int_equal(t.size, buckets);
	for (uint32_t i = 0; i < bound; i++)
		assert_int_equal(flow_table_insert(&t, hash, i), 0);
	assert_int_equal(flow_table_insert(&t, hash, bound), -ENOSPC);
	assert_int_equal(t.refused, 1);
	assert_int_equal(t.count, bound);
	assert_int_equal(candidates(&t, hash), bound);
	/* One that comes to a full bucket of these with another stride has room behind it. */
	assert_int_equal(flow_table_insert(&t, hash_in(buckets, home, 78), bound), 0);
	assert_true(has(&t, hash_in(buckets, home, 78), bound));
	flow_table_remove(&t, hash_in(buckets, home, 78), bound);

	flow_table_distances(&t, counts);
	for (uint32_t d = 0; d < FLOW_PROBE_MAX; d++)
		assert_int_equal(counts[d], FLOW_BUCKET_SLOTS);

	/* One out, one in: the room is found wherever it is. */
	for (uint32_t i = 0; i < bound; i++) {
		flow_table_remove(&t, hash, i);
		assert_false(has(&t, hash, i));
		assert_int_equal(flow_table_insert(&t, hash, i), 0);
		assert_true(has(&t, hash, i));
	}
	for (uint32_t i = 0; i < bound; i++)
		flow_table_remove(&t, hash, i);
	assert_empty(&t);
	flow_table_fini(&t);
}

/* Whoever knew the secret could choose tags, too: the lanes still count right. */
static void
one_home_takes_its_bound_of_all_tags_and_refuses_the_next(void **state)
{
	uint32_t counts[FLOW_PROBE_MAX];
	struct flow_table t;

	(void)state;
	assert_int_equal(flow_table_init(&t, 6 * 1024, &mem_libc), 0);
	for (uint32_t i = 0; i < FLOW_HOME_MAX + 100; i++)
		assert_int_equal(flow_table_insert(&t, hash_in(1024, 500, (uint16_t)(i + 1)), i),
			i < FLOW_HOME_MAX ? 0 : -ENOSPC);
	flow_table_distances(&t, counts);
	assert_int_equal(counts[0], FLOW_BUCKET_SLOTS);
	for (uint32_t d = 1; d < FLOW_PROBE_MAX; d++)
		assert_int_equal(counts[d], FLOW_AWAY_LANE);
	for (uint32_t i = 0; i < FLOW_HOME_MAX; i++) {
		assert_true(has(&t, hash_in(1024, 500, (uint16_t)(i + 1)), i));
		flow_table_remove(&t, hash_in(1024, 500, (uint16_t)(i + 1)), i);
	}
	assert_empty(&t);
	flow_table_fini(&t);
}

static void
home_bucket_is_preferred_as_soon_as_it_has_room(void **state)
{
	uint32_t counts[FLOW_PROBE_MAX];
	struct flow_table t;

	(void)state;
	assert_int_equal(flow_table_init(&t, ENTRIES_MIN, &mem_libc), 0);
	for (uint32_t i = 0; i < FLOW_BUCKET_SLOTS + 1; i++)
		assert_int_equal(flow_table_insert(&t, hash_of(2, (uint16_t)i), i), 0);
	flow_table_distances(&t, counts);
	assert_int_equal(counts[0], FLOW_BUCKET_SLOTS);
	assert_int_equal(counts[1], 1);
	flow_table_remove(&t, hash_of(2, 4), 4);
	assert_int_equal(flow_table_insert(&t, hash_of(2, 99), 99), 0);
	flow_table_distances(&t, counts);
	assert_int_equal(counts[0], FLOW_BUCKET_SLOTS);
	assert_int_equal(counts[1], 1);
	/* The neighbour's entry is found although its own home has room again. */
	flow_table_remove(&t, hash_of(2, 99), 99);
	assert_true(has(&t, hash_of(2, 8), 8));
	flow_table_fini(&t);
}

static void
replace_changes_the_ref_in_place(void **state)
{
	struct flow_table t;

	(void)state;
	assert_int_equal(flow_table_init(&t, ENTRIES_MIN, &mem_libc), 0);
	for (uint32_t i = 0; i < 2 * FLOW_BUCKET_SLOTS; i++)
		assert_int_equal(flow_table_insert(&t, hash_of(15, 5), i), 0);
	for (uint32_t i = 0; i < 2 * FLOW_BUCKET_SLOTS; i++) {
		flow_table_replace(&t, hash_of(15, 5), i, 1000 + i);
		assert_false(has(&t, hash_of(15, 5), i));
		assert_true(has(&t, hash_of(15, 5), 1000 + i));
	}
	assert_int_equal(t.count, 2 * FLOW_BUCKET_SLOTS);
	for (uint32_t i = 0; i < 2 * FLOW_BUCKET_SLOTS; i++)
		flow_table_remove(&t, hash_of(15, 5), 1000 + i);
	assert_empty(&t);
	flow_table_fini(&t);
}

static void
wrong_use_fails_an_assertion(void **state)
{
	struct flow_table t;

	(void)state;
	assert_int_equal(flow_table_init(&t, ENTRIES_MIN, &mem_libc), 0);
	assert_int_equal(flow_table_insert(&t, hash_of(3, 17), 5), 0);
	expect_assert_failure(flow_table_insert(&t, hash_of(3, 17), FLOW_REF_NONE));
	expect_assert_failure(flow_table_remove(&t, hash_of(3, 17), 6));
	expect_assert_failure(flow_table_remove(&t, hash_of(3, 18), 5));
	expect_assert_failure(flow_table_replace(&t, hash_of(3, 17), 6, 7));
	expect_assert_failure(flow_table_replace(&t, hash_of(3, 17), 5, FLOW_REF_NONE));
	assert_true(has(&t, hash_of(3, 17), 5));
	flow_table_fini(&t);
}

/* The naive map: ref i is there under hash[i] when there[i]. */
#define MAP_REFS 4096

struct map {
	uint64_t hash[MAP_REFS];
	bool there[MAP_REFS];
	uint32_t count;
};

/* Every ref of the map is proposed for its hash, and nothing else but tags that collide. */
static void
assert_same(const struct flow_table *t, const struct map *m)
{
	assert_int_equal(t->count, m->count);
	for (uint32_t i = 0; i < MAP_REFS; i++) {
		struct flow_iter it;
		uint32_t r;

		if (m->hash[i] == 0)
			continue;
		assert_int_equal(has(t, m->hash[i], i), m->there[i]);
		for (r = flow_table_first(t, m->hash[i], &it); r != FLOW_REF_NONE;
			r = flow_table_next(t, &it)) {
			assert_in_range(r, 0, MAP_REFS - 1);
			assert_true(m->there[r]);
			assert_int_equal(flow_table_tag(m->hash[r]), flow_table_tag(m->hash[i]));
		}
	}
	assert_distances_add_up(t);
}

static void
random_operations_agree_with_a_naive_map(void **state)
{
	/* Of each hash only these bits are random: the fewer, the more collisions. */
	static const struct {
		uint64_t seed;
		uint64_t mask;
		uint32_t entries_max;
	} rows[] = {
		{ 1, UINT64_MAX, MAP_REFS },
		{ 2, 0x0000000ff0000003ULL, 128 },
		{ 3, 0xffffffffff000fffULL, 1024 },
		{ 4, 0x000000001000ffffULL, 1024 },
	};

	(void)state;
	for (size_t row = 0; row < ARRAY_SIZE(rows); row++) {
		struct flow_table t;
		struct map *m = test_calloc(1, sizeof(*m));
		uint64_t refused = 0;
		struct rng rng;

		rng_seed(&rng, rows[row].seed);
		assert_int_equal(flow_table_init(&t, rows[row].entries_max, &mem_libc), 0);
		for (uint32_t op = 0; op < 1000000; op++) {
			uint32_t i = rng_below(&rng, MAP_REFS);

			if (op % 100000 == 0)
				assert_same(&t, m);
			if (m->there[i]) {
				flow_table_remove(&t, m->hash[i], i);
				m->there[i] = false;
				m->count--;
				continue;
			}
			m->hash[i] = rng_u64(&rng) & rows[row].mask;
			if (flow_table_insert(&t, m->hash[i], i) == 0) {
				m->there[i] = true;
				m->count++;
			} else {
				refused++;
			}
		}
		assert_same(&t, m);
		assert_int_equal(t.refused, refused);
		/* The last three have more flows than room, so that both ends were seen. */
		if ((row > 0) != (refused > 0))
			fail_msg("row %zu: %lu refused", row, (unsigned long)refused);
		for (uint32_t i = 0; i < MAP_REFS; i++)
			if (m->there[i])
				flow_table_remove(&t, m->hash[i], i);
		assert_empty(&t);
		flow_table_fini(&t);
		test_free(m);
	}
}

static void
churn_at_the_load_limit_refuses_nothing(void **state)
{
	const uint32_t entries = 1024 * 6;
	uint64_t *hash = test_malloc(entries * sizeof(*hash));
	uint32_t counts[FLOW_PROBE_MAX];
	struct flow_table t;
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	assert_int_equal(flow_table_init(&t, entries, &mem_libc), 0);
	assert_int_equal(t.size, 1024);
	for (uint32_t i = 0; i < entries; i++) {
		hash[i] = rng_u64(&rng);
		assert_int_equal(flow_table_insert(&t, hash[i], i), 0);
	}
	for (uint32_t op = 0; op < 1000000; op++) {
		uint32_t i = rng_below(&rng, entries);

		flow_table_remove(&t, hash[i], i);
		hash[i] = rng_u64(&rng);
		assert_int_equal(flow_table_insert(&t, hash[i], i), 0);
	}
	for (uint32_t i = 0; i < entries; i++)
		assert_true(has(&t, hash[i], i));
	/* What the header promises: churn does not drive the flows from their homes. */
	flow_table_distances(&t, counts);
	assert_in_range(counts[0], entries * 76 / 100, entries);
	for (uint32_t d = 10; d < FLOW_PROBE_MAX; d++)
		assert_int_equal(counts[d], 0);
	assert_distances_add_up(&t);
	for (uint32_t i = 0; i < entries; i++)
		flow_table_remove(&t, hash[i], i);
	assert_empty(&t);
	flow_table_fini(&t);
	test_free(hash);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(size_is_what_makes_a_load_of_three_quarters),
		cmocka_unit_test(init_without_memory_holds_nothing),
		cmocka_unit_test(every_slot_of_the_smallest_table_can_be_filled),
		cmocka_unit_test(an_absent_hash_has_no_candidate),
		cmocka_unit_test(tag_zero_is_a_tag_like_any_other),
		cmocka_unit_test(the_high_half_of_the_hash_does_not_matter),
		cmocka_unit_test(one_tag_takes_its_bound_and_refuses_the_next),
		cmocka_unit_test(one_home_takes_its_bound_of_all_tags_and_refuses_the_next),
		cmocka_unit_test(home_bucket_is_preferred_as_soon_as_it_has_room),
		cmocka_unit_test(replace_changes_the_ref_in_place),
		cmocka_unit_test(wrong_use_fails_an_assertion),
		cmocka_unit_test(random_operations_agree_with_a_naive_map),
		cmocka_unit_test(churn_at_the_load_limit_refuses_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
