/* SPDX-License-Identifier: BSD-3-Clause */
/* What every file needs from the compiler: attributes, typed min/max, byte order at any alignment.
 */
#ifndef BASE_COMPILER_H
#define BASE_COMPILER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Bytes in a cache line of every CPU we run on. */
#define CACHE_LINE 64

/* Elements of a true array; not for pointers. */
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* DPDK has this one too, with the same meaning. */
#ifndef container_of
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#endif

#define SLUICE_LIKELY(x) __builtin_expect(!!(x), 1)
#define SLUICE_UNLIKELY(x) __builtin_expect(!!(x), 0)

#define SLUICE_ALWAYS_INLINE inline __attribute__((__always_inline__))
#define SLUICE_NOINLINE __attribute__((__noinline__))
#define SLUICE_COLD __attribute__((__cold__))
#define SLUICE_NORETURN __attribute__((__noreturn__))
#define SLUICE_PACKED __attribute__((__packed__))
#define SLUICE_CACHE_ALIGNED __attribute__((__aligned__(CACHE_LINE)))
/* Arguments fmt and first of a printf-like function, counted from 1. */
#define SLUICE_PRINTF(fmt, first) __attribute__((__format__(__printf__, fmt, first)))

/*
 * No instruction. Of a function that does nothing but prefetch gcc thinks that it does nothing, and
 * leaves out the calls of it where it was not inlined at once; but not with this in it.
 */
#define SLUICE_KEEP() __asm__ volatile("" : :)

/* Brings the line at p into all cache levels, for reading; any address is harmless. */
static inline void
prefetch0(const void *p)
{
	__builtin_prefetch(p, 0, 3);
	SLUICE_KEEP();
}

/* The same for a line about to be written. */
static inline void
prefetch0_write(const void *p)
{
	__builtin_prefetch(p, 1, 3);
	SLUICE_KEEP();
}

static inline uint32_t
min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static inline uint32_t
max_u32(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static inline uint64_t
min_u64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static inline uint64_t
max_u64(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static inline size_t
min_size(size_t a, size_t b)
{
	return a < b ? a : b;
}

static inline size_t
max_size(size_t a, size_t b)
{
	return a > b ? a : b;
}

static inline uint32_t
clamp_u32(uint32_t v, uint32_t lo, uint32_t hi)
{
	return min_u32(max_u32(v, lo), hi);
}

/* True for 1, 2, 4 ...; 0 is none. */
static inline bool
is_power_of_two(uint64_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/*
 * Loads and stores of network (big-endian) and little-endian integers. p needs no
 * alignment; the compiler makes one movbe or mov of each.
 */
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "written for little-endian CPUs");

static inline uint16_t
load_be16(const void *p)
{
	uint16_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap16(v);
}

static inline uint32_t
load_be32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap32(v);
}

static inline uint64_t
load_be64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return __builtin_bswap64(v);
}

static inline uint32_t
load_le32(const void *p)
{
	uint32_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline uint64_t
load_le64(const void *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static inline void
store_be16(void *p, uint16_t v)
{
	v = __builtin_bswap16(v);
	memcpy(p, &v, sizeof(v));
}

static inline void
store_be32(void *p, uint32_t v)
{
	v = __builtin_bswap32(v);
	memcpy(p, &v, sizeof(v));
}

static inline void
store_be64(void *p, uint64_t v)
{
	v = __builtin_bswap64(v);
	memcpy(p, &v, sizeof(v));
}

static inline void
store_le64(void *p, uint64_t v)
{
	memcpy(p, &v, sizeof(v));
}

#endif
