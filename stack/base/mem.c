/* SPDX-License-Identifier: BSD-3-Clause */
/* The C library as a source of memory on cache lines. */
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

#include "base/assert.h"
#include "base/compiler.h"

const struct mem_source mem_libc;

/*
 *	raw      ... pointer to raw | mem
 *	              8 bytes
 *
 * calloc, since a page that is never touched never becomes resident: limits may be generous.
 */
static void *
take_from_libc(size_t len_bytes)
{
	char *raw = calloc(1, len_bytes + CACHE_LINE);
	char *mem;

	if (raw == NULL)
		return NULL;
	mem = raw + CACHE_LINE - ((uintptr_t)raw & (CACHE_LINE - 1));
	ASSERT((size_t)(mem - raw) >= sizeof(raw));
	memcpy(mem - sizeof(raw), &raw, sizeof(raw));
	return mem;
}

void *
mem_take(const struct mem_source *src, size_t count, size_t size_bytes)
{
	void *mem;

	if (size_bytes != 0 && count > (SIZE_MAX - CACHE_LINE) / size_bytes)
		return NULL;
	mem = src->take != NULL ? src->take(src->ctx, count * size_bytes) :
				  take_from_libc(count * size_bytes);
	ASSERT(((uintptr_t)mem & (CACHE_LINE - 1)) == 0);
	return mem;
}

void
mem_give(const struct mem_source *src, void *mem, size_t count, size_t size_bytes)
{
	char *raw;

	if (mem == NULL)
		return;
	if (src->take != NULL) {
		src->give(src->ctx, mem, count * size_bytes);
		return;
	}
	memcpy(&raw, (char *)mem - sizeof(raw), sizeof(raw));
	free(raw);
}
