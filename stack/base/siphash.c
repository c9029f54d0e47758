/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash of any length, and of bursts of short keys side by side. */
#include "base/siphash.h"

/* Hashes computed side by side: one AVX-512 register. */
#define LANES 8

uint64_t
siphash24(const struct siphash_key *key, const void *data, size_t len)
{
	const uint8_t *p = data;
	struct siphash_state s = siphash_begin(key);
	uint64_t last = (uint64_t)len << 56;
	size_t left = len;

	for (; left >= 8; p += 8, left -= 8)
		siphash_word(&s, load_le64(p));
	for (size_t i = 0; i < left; i++)
		last |= (uint64_t)p[i] << (8 * i);
	siphash_word(&s, last);
	return siphash_end(&s);
}

/*
 * Hashes LANES rows of nwords words each, out[lane] of row lane. The words are turned
 * first, so that word j of all lanes lies together and the loop over the lanes becomes
 * vector code. Inlined with nwords constant.
 */
static SLUICE_ALWAYS_INLINE void
hash_lanes(const struct siphash_key *key, const uint64_t *rows, unsigned int nwords, uint64_t *out)
{
	const struct siphash_key k = *key;
	uint64_t w[4][LANES];
	uint64_t hashes[LANES];

	for (unsigned int lane = 0; lane < LANES; lane++) {
		for (unsigned int j = 0; j < nwords; j++)
			w[j][lane] = rows[nwords * lane + j];
	}
	for (unsigned int lane = 0; lane < LANES; lane++) {
		struct siphash_state s = siphash_begin(&k);

		for (unsigned int j = 0; j < nwords; j++)
			siphash_word(&s, w[j][lane]);
		siphash_word(&s, (uint64_t)nwords << 59);
		hashes[lane] = siphash_end(&s);
	}
	memcpy(out, hashes, sizeof(hashes));
}

static SLUICE_ALWAYS_INLINE unsigned int
hash_blocks(const struct siphash_key *key, const uint64_t *words, uint64_t *out, unsigned int n,
	unsigned int nwords)
{
	unsigned int done = 0;

	for (; n - done >= LANES; done += LANES)
		hash_lanes(key, words + (size_t)nwords * done, nwords, out + done);
	return done;
}

/*
 * AVX-512 has a rotate instruction and eight lanes: 10 cycles a hash where AVX2 and
 * scalar code both take 25. The rest of the program is built for older CPUs, so these
 * two functions alone are built for it and chosen when the CPU has it.
 */
#define AVX512 __attribute__((__target__("avx512f,avx512dq,avx512vl")))

static AVX512 unsigned int
hash_blocks_3w_avx512(
	const struct siphash_key *key, const uint64_t *words, uint64_t *out, unsigned int n)
{
	return hash_blocks(key, words, out, n, 3);
}

static AVX512 unsigned int
hash_blocks_4w_avx512(
	const struct siphash_key *key, const uint64_t *words, uint64_t *out, unsigned int n)
{
	return hash_blocks(key, words, out, n, 4);
}

static bool
have_avx512(void)
{
	return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
	       __builtin_cpu_supports("avx512vl");
}

void
siphash24_3w_burst(
	const struct siphash_key *key, const uint64_t *words, uint64_t *out, unsigned int n)
{
	unsigned int done = have_avx512() ? hash_blocks_3w_avx512(key, words, out, n) : 0;

	for (; done < n; done++)
		out[done] = siphash24_3w(key, words + 3 * (size_t)done);
}

void
siphash24_4w_burst(
	const struct siphash_key *key, const uint64_t *words, uint64_t *out, unsigned int n)
{
	unsigned int done = have_avx512() ? hash_blocks_4w_avx512(key, words, out, n) : 0;

	for (; done < n; done++)
		out[done] = siphash24_4w(key, words + 4 * (size_t)done);
}
