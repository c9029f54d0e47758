/* SPDX-License-Identifier: BSD-3-Clause */
/* Pages for large arrays: zeroed, aligned, given back whole, none resident before its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/compiler.h"
#include "io/pages.h"

#define HUGE_BYTES ((size_t)2 << 20)

/* Of an array; what the process has besides, such as a sanitizer's own, does not count. */
static size_t
resident_bytes(char *mem, size_t len)
{
	static unsigned char there[HUGE_BYTES];
	size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = 0;

	assert_true(len / page <= sizeof(there));
	assert_int_equal(mincore(mem, len, there), 0);
	for (size_t i = 0; i < len / page; i++)
		bytes += (there[i] & 1) * page;
	return bytes;
}

/* Mapped at all? */
static bool
is_mapped(void *at)
{
	unsigned char state;

	return mincore((void *)((uintptr_t)at & ~(uintptr_t)4095), 1, &state) == 0;
}

static void
arrays_of_all_sizes_are_zeroed_and_given_back(void **state)
{
	static const size_t sizes[] = { 1, 64, 4096, 4097, HUGE_BYTES - 1, HUGE_BYTES,
		HUGE_BYTES + 1, 5 * HUGE_BYTES + 4096 };
	const struct mem_source src = pages_source();

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		unsigned char *mem = mem_take(&src, sizes[i], 1);

		assert_non_null(mem);
		assert_int_equal((uintptr_t)mem % (sizes[i] < HUGE_BYTES ? 4096 : HUGE_BYTES), 0);
		assert_int_equal(mem[0] | mem[sizes[i] - 1], 0);
		memset(mem, 1, sizes[i]);
		assert_true(is_mapped(mem + sizes[i] - 1));
		mem_give(&src, mem, sizes[i], 1);
		assert_false(is_mapped(mem));
		assert_false(is_mapped(mem + sizes[i] - 1));
	}
}

static void
what_is_not_touched_is_not_there(void **state)
{
	const struct mem_source src = pages_source();
	size_t len = (size_t)1 << 32;
	char *mem = mem_take(&src, len, 1);

	(void)state;
	assert_non_null(mem);
	assert_int_equal(resident_bytes(mem, len), 0);
	/* From its start: never more than a huge page ahead. */
	memset(mem, 1, 3 * HUGE_BYTES + 1);
	assert_in_range(resident_bytes(mem, len), 3 * HUGE_BYTES + 1, 4 * HUGE_BYTES);
	mem_give(&src, mem, len, 1);
}

static void
more_than_there_can_be_is_refused(void **state)
{
	const struct mem_source src = pages_source();

	(void)state;
	assert_null(mem_take(&src, (size_t)1 << 60, 1));
	assert_null(mem_take(&src, SIZE_MAX - 100, 1));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arrays_of_all_sizes_are_zeroed_and_given_back),
		cmocka_unit_test(what_is_not_touched_is_not_there),
		cmocka_unit_test(more_than_there_can_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
