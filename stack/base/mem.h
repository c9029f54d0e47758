/* SPDX-License-Identifier: BSD-3-Clause */
/* Where an engine's large arrays come from: handed in, pages are the business of the outside. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

struct mem_source {
	/** Zeroed, at the start of a cache line; what is never touched need not be resident. */
	void *(*take)(void *ctx, size_t len_bytes);
	void (*give)(void *ctx, void *mem, size_t len_bytes);
	void *ctx;
};

/** The C library's: all zero, for whoever names none. */
extern const struct mem_source mem_libc;

/** An array, zeroed and at the start of a cache line; NULL: no memory. */
void *mem_take(const struct mem_source *src, size_t count, size_t size_bytes);

/** Give back what mem_take() made of the same arguments; NULL is nothing. */
void mem_give(const struct mem_source *src, void *mem, size_t count, size_t size_bytes);

#endif
