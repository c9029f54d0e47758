/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash of flow keys: one after the other and a burst at a time. */
#include "base/compiler.h"
#include "base/rng.h"
#include "base/siphash.h"
#include "bench/bench.h"

#define RUNS 31u
#define ROUNDS 1000u
#define BURST_MAX 64u

int
main(void)
{
	static const unsigned int bursts[] = { 8, 32, 64 };
	static uint64_t words[4 * BURST_MAX];
	static uint64_t out[BURST_MAX];
	struct siphash_key key;
	struct rng rng;

	rng_seed(&rng, 1);
	key.k[0] = rng_u64(&rng);
	key.k[1] = rng_u64(&rng);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		words[i] = rng_u64(&rng);
	for (size_t k = 0; k < ARRAY_SIZE(bursts); k++) {
		const unsigned int n = bursts[k];
		struct bench each = { 0 };
		struct bench burst3 = { 0 };
		struct bench burst4 = { 0 };

		for (unsigned int run = 0; run < RUNS; run++) {
			uint64_t start = bench_now();

			for (unsigned int round = 0; round < ROUNDS; round++)
				for (unsigned int i = 0; i < n; i++)
					bench_keep(siphash24_3w(&key, words + 3 * i));
			bench_add(&each, start, (uint64_t)ROUNDS * n);

			start = bench_now();
			for (unsigned int round = 0; round < ROUNDS; round++) {
				siphash24_3w_burst(&key, words, out, n);
				bench_keep(out[0]);
			}
			bench_add(&burst3, start, (uint64_t)ROUNDS * n);

			start = bench_now();
			for (unsigned int round = 0; round < ROUNDS; round++) {
				siphash24_4w_burst(&key, words, out, n);
				bench_keep(out[0]);
			}
			bench_add(&burst4, start, (uint64_t)ROUNDS * n);
		}
		bench_print(&each, "siphash_24_bytes_each", n);
		bench_print(&burst3, "siphash_24_bytes_burst", n);
		bench_print(&burst4, "siphash_32_bytes_burst", n);
	}
	return 0;
}
