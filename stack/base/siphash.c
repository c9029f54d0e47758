/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash of any length, and of bursts of short keys side by side. */
#include "base/siphash.h"

/* Hashes computed side by side: two AVX2 registers, one AVX-512 register. */
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
 * LANES hashes of nwords words each, the words turned so that word j of all lanes lies
 * in w[j]. Inlined with nwords constant; the outer loop is what gets vectorised.
 */
static SLUICE_ALWAYS_INLINE void
hash_lanes(const struct siphash_key *key, uint64_t (*w)[LANES], unsigned int nwords, uint64_t *out)
{
	for (unsigned int lane = 0; lane < LANES; lane++) {
		struct siphash_state s = siphash_begin(key);

		for (unsigned int j = 0; j < nwords; j++)
			siphash_word(&s, w[j][lane]);
		siphash_word(&s, (uint64_t)nwords << 59);
		out[lane] = siphash_end(&s);
	}
}

void
siphash24_3w_burst(
	const struct siphash_key *key, const uint64_t *words, uint64_t *out, unsigned int n)
{
	const struct siphash_key k = *key;
	unsigned int done = 0;

	for (; n - done >= LANES; done += LANES) {
		const uint64_t *row = words + 3 * (size_t)done;
		uint64_t w[3][LANES];
		uint64_t hashes[LANES];

		for (unsigned int lane = 0; lane < LANES; lane++) {
			w[0][lane] = row[3 * lane];
			w[1][lane] = row[3 * lane + 1];
			w[2][lane] = row[3 * lane + 2];
		}
		hash_lanes(&k, w, 3, hashes);
		memcpy(out + done, hashes, sizeof(hashes));
	}
	for (; done < n; done++)
		out[done] = siphash24_3w(&k, words + 3 * (size_t)done);
}

void
siphash24_4w_burst(
	const struct siphash_key *key, const uint64_t *words, uint64_t *out, unsigned int n)
{
	const struct siphash_key k = *key;
	unsigned int done = 0;

	for (; n - done >= LANES; done += LANES) {
		const uint64_t *row = words + 4 * (size_t)done;
		uint64_t w[4][LANES];
		uint64_t hashes[LANES];

		for (unsigned int lane = 0; lane < LANES; lane++) {
			w[0][lane] = row[4 * lane];
			w[1][lane] = row[4 * lane + 1];
			w[2][lane] = row[4 * lane + 2];
			w[3][lane] = row[4 * lane + 3];
		}
		hash_lanes(&k, w, 4, hashes);
		memcpy(out + done, hashes, sizeof(hashes));
	}
	for (; done < n; done++)
		out[done] = siphash24_4w(&k, words + 4 * (size_t)done);
}
