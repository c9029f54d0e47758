/* SPDX-License-Identifier: BSD-3-Clause */
/* G-14: the formula of docs/memory.md is what the allocator is asked for; G-10 at the start. */
#include "unit/tcp_unit.h"

#include "net/net.h"
#include "net/reass.h"

void *__real_malloc(size_t len);
void *__real_calloc(size_t n, size_t len);
void *__real_aligned_alloc(size_t align, size_t len);
void *__wrap_malloc(size_t len);
void *__wrap_calloc(size_t n, size_t len);
void *__wrap_aligned_alloc(size_t align, size_t len);

static uint64_t asked;
static unsigned int until_refused; /* this many allocations from now there is no memory, once */

static bool
is_refused(void)
{
	return until_refused > 0 && --until_refused == 0;
}

void *
__wrap_malloc(size_t len)
{
	asked += len;
	return __real_malloc(len);
}

void *
__wrap_calloc(size_t n, size_t len)
{
	asked += n * len;
	return is_refused() ? NULL : __real_calloc(n, len);
}

void *
__wrap_aligned_alloc(size_t align, size_t len)
{
	asked += len;
	return is_refused() ? NULL : __real_aligned_alloc(align, len);
}

static const struct {
	uint32_t conns, synq, time_wait, ranges;
} rows[] = {
	{ 1, 1, 0, 1 },
	{ 64, 64, 16, 600 },
	{ 1000, 1, 1, 1 },
	{ 1, 1000, 1, 1 },
	{ 1, 1, 1000, 1 },
	{ 1, 1, 1, 1000 },
	{ 95, 1, 0, 1 },	/* a table of 16 buckets is full, one more takes another */
	{ 96, 1, 0, 1 },
	{ 65536, 65536, 262144, 65536 }, /* the defaults */
};

static void
an_engine_takes_what_the_formula_says(void **state)
{
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct tcp_params par = bed->par;
		struct tcp_stack *stack;
		uint64_t before = asked;

		par.conns_max = rows[i].conns;
		par.synq_max = rows[i].synq;
		par.timewait_max = rows[i].time_wait;
		par.ranges_max = rows[i].ranges;
		assert_int_equal(tcp_stack_create(&par, 0, &stack), 0);
		assert_int_equal(asked - before, mem_bound_engine(&par));
		tcp_stack_destroy(stack, &bed->env);
	}
}

static void
a_neighbour_cache_takes_what_the_formula_says(void **state)
{
	static const unsigned int sizes[] = { NEIGH_MIN, NEIGH_MIN + 1, 1000, 1024, 1025,
		NEIGH_MAX };
	static const struct siphash_key key = { { 1, 2 } };
	struct tcp_bed *bed = *state;

	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		static struct neigh_table t;
		uint64_t before = asked;

		assert_int_equal(neigh_init(&t, sizes[i], &key), 0);
		assert_int_equal(asked - before, mem_bound_neighbours(sizes[i]));
		neigh_fini(&t, &bed->env);
	}
}

static int
make_engine(struct tcp_bed *bed)
{
	struct tcp_stack *stack;
	int err = tcp_stack_create(&bed->par, 0, &stack);

	if (err == 0)
		tcp_stack_destroy(stack, &bed->env);
	return err;
}

static int
make_neighbours(struct tcp_bed *bed)
{
	static const struct siphash_key key = { { 1, 2 } };
	static struct neigh_table t;
	int err = neigh_init(&t, NEIGH_MIN, &key);

	if (err == 0)
		neigh_fini(&t, &bed->env);
	return err;
}

static int
make_reassembly(struct tcp_bed *bed)
{
	static const struct siphash_key key = { { 1, 2 } };
	static struct reass_table t;
	int err = reass_init(&t, &key);

	if (err == 0)
		reass_fini(&t, &bed->env);
	return err;
}

/* A start without enough memory says so, and gives back what it had: the sanitizer sees a leak. */
static void
whichever_allocation_fails_the_start_says_so(void **state)
{
	static int (*const make[])(struct tcp_bed *) = {
		make_engine,
		make_neighbours,
		make_reassembly,
	};

	for (size_t i = 0; i < ARRAY_SIZE(make); i++) {
		unsigned int n = 0;
		int err;

		do {
			until_refused = ++n;
			err = make[i](*state);
			assert_int_equal(err, until_refused == 0 ? -ENOMEM : 0);
		} while (err != 0);
		assert_in_range(n, 3, 40);
		until_refused = 0;
	}
}

/* The bed's own packets come from malloc: they are all there is. */
static void
nothing_is_allocated_afterwards_but_packets(void **state)
{
	static const uint8_t data[5000];
	struct tcp_bed *bed = *state;
	uint64_t before;

	tcp_bed_listen(bed, 8);
	before = asked;
	for (unsigned int i = 0; i < 200; i++) {
		unsigned int packets = bed->pkts.allocs;
		struct bed_peer p;

		bed_peer_init(&p, bed);
		assert_int_equal(tcp_connect(bed->stack, &bed->env, &p.key, &p.h), 0);
		tcp_bed_discard(bed);
		tcp_send(bed->stack, &bed->env, p.h, data, sizeof(data), 0);
		tcp_abort(bed->stack, &bed->env, p.h);
		tcp_bed_events(bed, p.h, NULL);
		assert_in_range(asked - before, 1,
			(bed->pkts.allocs - packets) * (sizeof(struct pkt) + PKT_HEADROOM + 4096));
		before = asked;
	}
}

/* What docs/memory.md says an entry takes: more would be news for who sized an appliance by it. */
static void
an_entry_is_no_larger_than_was_said(void **state)
{
	(void)state;
	assert_in_range(sizeof(struct tcp_conn) + sizeof(struct tcp_park) +
			sizeof(struct wheel_node), 1, 240);
	assert_in_range(sizeof(struct tcp_cold), 1, 256);
	assert_in_range(sizeof(struct tcp_score), 1, 128);
	assert_in_range(sizeof(struct tcp_synq_entry) + sizeof(struct wheel_node), 1, 48);
	assert_in_range(sizeof(struct tcp_tw), 1, 28);
	assert_in_range(sizeof(struct tcp_range), 1, 48);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		BED_TEST(an_engine_takes_what_the_formula_says),
		BED_TEST(a_neighbour_cache_takes_what_the_formula_says),
		BED_TEST(whichever_allocation_fails_the_start_says_so),
		BED_TEST(nothing_is_allocated_afterwards_but_packets),
		cmocka_unit_test(an_entry_is_no_larger_than_was_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
