/* SPDX-License-Identifier: BSD-3-Clause */
/* Anonymous memory that asks for huge pages. */
#include <stdint.h>
#include <sys/mman.h>

#include "io/pages.h"

/*
 * A request on one of millions of connections touches a dozen lines, each on a page of its own.
 * With pages of 4 KiB each of them also misses in the translation of addresses. Transparent
 * huge pages need no reserve and no privilege; where the administrator has switched them off, or
 * the kernel finds none, the memory is there all the same.
 *
 * An array begins on a huge page, and the last one, which it does not fill, is made of small pages:
 * a full array takes no more than before. One that fills up from its start takes up to one huge
 * page more.
 */
#define HUGE_BYTES ((size_t)2 << 20)
#define PAGE_BYTES ((size_t)4096)

static size_t
whole_pages(size_t len_bytes)
{
	return (len_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

static void *
map(size_t len_bytes)
{
	void *mem = mmap(
		NULL, len_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return mem == MAP_FAILED ? NULL : mem;
}

static void *
take(void *ctx, size_t len_bytes)
{
	size_t len = whole_pages(len_bytes);
	size_t before;
	char *mem;

	(void)ctx;
	if (len < HUGE_BYTES)
		return map(len);
	mem = map(len + HUGE_BYTES);
	if (mem == NULL)
		return NULL;
	before = -(uintptr_t)mem & (HUGE_BYTES - 1);
	if (before > 0)
		munmap(mem, before);
	munmap(mem + before + len, HUGE_BYTES - before);
	/* Refused where there are none: nothing else changes. */
	(void)madvise(mem + before, len, MADV_HUGEPAGE);
	return mem + before;
}

static void
give(void *ctx, void *mem, size_t len_bytes)
{
	(void)ctx;
	munmap(mem, whole_pages(len_bytes));
}

struct mem_source
pages_source(void)
{
	return (struct mem_source){ .take = take, .give = give };
}
