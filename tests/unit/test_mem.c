/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory on cache lines, from the C library and from elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "base/mem.h"

static void
the_library_gives_zeroed_lines(void **state)
{
	(void)state;
	for (size_t count = 1; count < 3000; count += 37) {
		unsigned char *mem = mem_take(&mem_libc, count, 12);

		assert_non_null(mem);
		assert_int_equal((uintptr_t)mem % CACHE_LINE, 0);
		for (size_t i = 0; i < count * 12; i++)
			assert_int_equal(mem[i], 0);
		/* To the last byte: the sanitizer sees one too many. */
		memset(mem, 0xff, count * 12);
		mem_give(&mem_libc, mem, count, 12);
	}
	mem_give(&mem_libc, NULL, 5, 12);
}

static void
more_than_an_address_can_name_is_refused(void **state)
{
	(void)state;
	assert_null(mem_take(&mem_libc, SIZE_MAX / 8, 16));
	assert_null(mem_take(&mem_libc, SIZE_MAX / 16, 16));
}

struct shelf {
	_Alignas(CACHE_LINE) char room[256];
	size_t asked, given;
};

static void *
shelf_take(void *ctx, size_t len_bytes)
{
	struct shelf *shelf = ctx;

	shelf->asked += len_bytes;
	return len_bytes <= sizeof(shelf->room) ? shelf->room : NULL;
}

static void
shelf_give(void *ctx, void *mem, size_t len_bytes)
{
	struct shelf *shelf = ctx;

	assert_ptr_equal(mem, shelf->room);
	shelf->given += len_bytes;
}

static void
another_source_is_asked_for_as_much_as_it_gets_back(void **state)
{
	static struct shelf shelf;
	const struct mem_source src = { shelf_take, shelf_give, &shelf };
	void *mem = mem_take(&src, 10, 24);

	(void)state;
	assert_ptr_equal(mem, shelf.room);
	assert_int_equal(shelf.asked, 240);
	mem_give(&src, mem, 10, 24);
	assert_int_equal(shelf.given, 240);
	mem_give(&src, mem_take(&src, 11, 24), 11, 24);
	assert_int_equal(shelf.given, 240);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_library_gives_zeroed_lines),
		cmocka_unit_test(more_than_an_address_can_name_is_refused),
		cmocka_unit_test(another_source_is_asked_for_as_much_as_it_gets_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
