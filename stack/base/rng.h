/* SPDX-License-Identifier: BSD-3-Clause */
/* Fast deterministic random numbers (xoshiro256**), for jitter and simulation; never for secrets.
 */
#ifndef BASE_RNG_H
#define BASE_RNG_H

#include <stdbool.h>
#include <stdint.h>

/* Everything follows from the seed: the same seed gives the same numbers everywhere. */
struct rng {
	uint64_t s[4]; /* never all zero */
};

/* Spreads one number over the state with splitmix64, as xoshiro's authors advise; any seed is good.
 */
static inline void
rng_seed(struct rng *rng, uint64_t seed)
{
	for (int i = 0; i < 4; i++) {
		uint64_t z = seed += 0x9e3779b97f4a7c15ULL;

		z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
		z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
		rng->s[i] = z ^ z >> 31;
	}
}

static inline uint64_t
rng_u64(struct rng *rng)
{
	uint64_t *s = rng->s;
	uint64_t x = s[1] * 5;
	uint64_t t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = s[3] << 45 | s[3] >> 19;
	return (x << 7 | x >> 57) * 9;
}

static inline uint32_t
rng_u32(struct rng *rng)
{
	return (uint32_t)(rng_u64(rng) >> 32);
}

/* A number in 0 .. n - 1; 0 for n = 0. Off from uniform by less than n / 2^32. */
static inline uint32_t
rng_below(struct rng *rng, uint32_t n)
{
	return (uint32_t)((uint64_t)rng_u32(rng) * n >> 32);
}

/* True with a probability of ppm in a million; never at 0, always from 1000000 on. */
static inline bool
rng_chance_ppm(struct rng *rng, uint32_t ppm)
{
	return rng_below(rng, 1000000) < ppm;
}

#endif
