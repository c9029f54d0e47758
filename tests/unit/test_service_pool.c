/* SPDX-License-Identifier: BSD-3-Clause */
/* The pool of connections: its limit, its order, and what it does not touch. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>

#include "services/service_pool.h"

/* A sanitizer must refuse too much memory as the C library does. */
const char *__asan_default_options(void);
const char *__tsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *
__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

struct object {
	uint32_t link;
	uint32_t value;
};

static void
a_pool_hands_out_no_more_than_its_capacity(void **state)
{
	struct service_pool pool;
	struct object *objects[3];

	(void)state;
	assert_int_equal(service_pool_init(&pool, sizeof(struct object), 3), 0);
	for (unsigned int i = 0; i < 3; i++) {
		objects[i] = service_pool_get(&pool);
		assert_non_null(objects[i]);
		objects[i]->value = i;
	}
	assert_null(service_pool_get(&pool));
	assert_int_equal(pool.in_use, 3);
	service_pool_put(&pool, objects[1]);
	assert_int_equal(pool.in_use, 2);
	assert_ptr_equal(service_pool_get(&pool), objects[1]);
	assert_null(service_pool_get(&pool));
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(objects[i]->value, i);
	service_pool_destroy(&pool);
}

static void
objects_given_back_are_used_again_before_fresh_ones(void **state)
{
	struct service_pool pool;
	void *a, *b;

	(void)state;
	assert_int_equal(service_pool_init(&pool, sizeof(struct object), 100), 0);
	a = service_pool_get(&pool);
	b = service_pool_get(&pool);
	service_pool_put(&pool, a);
	service_pool_put(&pool, b);
	assert_ptr_equal(service_pool_get(&pool), b);
	assert_ptr_equal(service_pool_get(&pool), a);
	assert_int_equal(pool.fresh, 2);
	assert_ptr_equal(service_pool_at(&pool, 0), a);
	assert_ptr_equal(service_pool_at(&pool, 1), b);
	service_pool_destroy(&pool);
}

static void
too_much_memory_is_an_error_and_not_a_crash(void **state)
{
	struct service_pool pool;

	(void)state;
	assert_int_equal(service_pool_init(&pool, SIZE_MAX / 4, 1u << 20), -ENOMEM);
	service_pool_destroy(&pool);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pool_hands_out_no_more_than_its_capacity),
		cmocka_unit_test(objects_given_back_are_used_again_before_fresh_ones),
		cmocka_unit_test(too_much_memory_is_an_error_and_not_a_crash),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
