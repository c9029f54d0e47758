/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash-2-4 (Aumasson, Bernstein 2012): the keyed hash of every table a peer can fill. */
#ifndef BASE_SIPHASH_H
#define BASE_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

/* 128 secret bits, drawn from the system's randomness when the program starts. */
struct siphash_key {
	uint64_t k[2]; /* little-endian halves of the 16 key bytes */
};

/* Inner state; only the functions of this module use it. */
struct siphash_state {
	uint64_t v0, v1, v2, v3;
};

static SLUICE_ALWAYS_INLINE uint64_t
siphash_rotl(uint64_t x, unsigned int n)
{
	return x << n | x >> (64 - n);
}

static SLUICE_ALWAYS_INLINE void
siphash_round(struct siphash_state *s)
{
	s->v0 += s->v1;
	s->v1 = siphash_rotl(s->v1, 13) ^ s->v0;
	s->v0 = siphash_rotl(s->v0, 32);
	s->v2 += s->v3;
	s->v3 = siphash_rotl(s->v3, 16) ^ s->v2;
	s->v0 += s->v3;
	s->v3 = siphash_rotl(s->v3, 21) ^ s->v0;
	s->v2 += s->v1;
	s->v1 = siphash_rotl(s->v1, 17) ^ s->v2;
	s->v2 = siphash_rotl(s->v2, 32);
}

static SLUICE_ALWAYS_INLINE struct siphash_state
siphash_begin(const struct siphash_key *key)
{
	return (struct siphash_state){
		.v0 = key->k[0] ^ 0x736f6d6570736575ULL,
		.v1 = key->k[1] ^ 0x646f72616e646f6dULL,
		.v2 = key->k[0] ^ 0x6c7967656e657261ULL,
		.v3 = key->k[1] ^ 0x7465646279746573ULL,
	};
}

static SLUICE_ALWAYS_INLINE void
siphash_word(struct siphash_state *s, uint64_t w)
{
	s->v3 ^= w;
	siphash_round(s);
	siphash_round(s);
	s->v0 ^= w;
}

static SLUICE_ALWAYS_INLINE uint64_t
siphash_end(struct siphash_state *s)
{
	s->v2 ^= 0xff;
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	siphash_round(s);
	return s->v0 ^ s->v1 ^ s->v2 ^ s->v3;
}

/* The hash of len bytes at data, as the paper defines it. */
uint64_t siphash24(const struct siphash_key *key, const void *data, size_t len);

/* siphash24() of exactly the 24 bytes of w: a flow key. */
static inline uint64_t
siphash24_3w(const struct siphash_key *key, const uint64_t w[3])
{
	struct siphash_state s = siphash_begin(key);

	siphash_word(&s, w[0]);
	siphash_word(&s, w[1]);
	siphash_word(&s, w[2]);
	siphash_word(&s, 24ULL << 56);
	return siphash_end(&s);
}

/* siphash24() of exactly the 32 bytes of w: a flow key and eight bytes more. */
static inline uint64_t
siphash24_4w(const struct siphash_key *key, const uint64_t w[4])
{
	struct siphash_state s = siphash_begin(key);

	siphash_word(&s, w[0]);
	siphash_word(&s, w[1]);
	siphash_word(&s, w[2]);
	siphash_word(&s, w[3]);
	siphash_word(&s, 32ULL << 56);
	return siphash_end(&s);
}

/*
 * n hashes at once, out[i] = siphash24_3w(key, words + 3 * i): eight at a time where
 * the CPU has AVX-512. Any n, best when a multiple of 8; out must not overlap words.
 */
void siphash24_3w_burst(
	const struct siphash_key *key, const uint64_t *words, uint64_t *out, unsigned int n);

/* The same for rows of 4 words. */
void siphash24_4w_burst(
	const struct siphash_key *key, const uint64_t *words, uint64_t *out, unsigned int n);

#endif
