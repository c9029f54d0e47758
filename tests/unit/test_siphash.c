/* SPDX-License-Identifier: BSD-3-Clause */
/* SipHash against the vectors of its authors, and its fast forms against the plain one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>

#include "base/rng.h"
#include "base/siphash.h"
#include "lib/exact.h"

/* clang-format off */
/* Row n: the first n of the bytes 00 .. 3e, key 00 .. 0f (reference code, vectors.h). */
static const uint64_t vectors[64] = {
	0x726fdb47dd0e0e31ULL, 0x74f839c593dc67fdULL, 0x0d6c8009d9a94f5aULL, 0x85676696d7fb7e2dULL,
	0xcf2794e0277187b7ULL, 0x18765564cd99a68dULL, 0xcbc9466e58fee3ceULL, 0xab0200f58b01d137ULL,
	0x93f5f5799a932462ULL, 0x9e0082df0ba9e4b0ULL, 0x7a5dbbc594ddb9f3ULL, 0xf4b32f46226bada7ULL,
	0x751e8fbc860ee5fbULL, 0x14ea5627c0843d90ULL, 0xf723ca908e7af2eeULL, 0xa129ca6149be45e5ULL,
	0x3f2acc7f57c29bdbULL, 0x699ae9f52cbe4794ULL, 0x4bc1b3f0968dd39cULL, 0xbb6dc91da77961bdULL,
	0xbed65cf21aa2ee98ULL, 0xd0f2cbb02e3b67c7ULL, 0x93536795e3a33e88ULL, 0xa80c038ccd5ccec8ULL,
	0xb8ad50c6f649af94ULL, 0xbce192de8a85b8eaULL, 0x17d835b85bbb15f3ULL, 0x2f2e6163076bcfadULL,
	0xde4daaaca71dc9a5ULL, 0xa6a2506687956571ULL, 0xad87a3535c49ef28ULL, 0x32d892fad841c342ULL,
	0x7127512f72f27cceULL, 0xa7f32346f95978e3ULL, 0x12e0b01abb051238ULL, 0x15e034d40fa197aeULL,
	0x314dffbe0815a3b4ULL, 0x027990f029623981ULL, 0xcadcd4e59ef40c4dULL, 0x9abfd8766a33735cULL,
	0x0e3ea96b5304a7d0ULL, 0xad0c42d6fc585992ULL, 0x187306c89bc215a9ULL, 0xd4a60abcf3792b95ULL,
	0xf935451de4f21df2ULL, 0xa9538f0419755787ULL, 0xdb9acddff56ca510ULL, 0xd06c98cd5c0975ebULL,
	0xe612a3cb9ecba951ULL, 0xc766e62cfcadaf96ULL, 0xee64435a9752fe72ULL, 0xa192d576b245165aULL,
	0x0a8787bf8ecb74b2ULL, 0x81b3e73d20b49b6fULL, 0x7fa8220ba3b2eceaULL, 0x245731c13ca42499ULL,
	0xb78dbfaf3a8d83bdULL, 0xea1ad565322a1a0bULL, 0x60e61c23a3795013ULL, 0x6606d7e446282b93ULL,
	0x6ca4ecb15c5f91e1ULL, 0x9f626da15c9625f3ULL, 0xe51b38608ef25f57ULL, 0x958a324ceb064572ULL,
};
/* clang-format on */

static void
hashes_equal_the_published_vectors(void **state)
{
	const struct siphash_key key = { { 0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL } };
	uint8_t data[64];

	(void)state;
	for (uint8_t i = 0; i < sizeof(data); i++)
		data[i] = i;
	for (size_t len = 0; len < ARRAY_SIZE(vectors); len++) {
		uint8_t *exact = exact_copy(data, len);

		assert_true(siphash24(&key, exact, len) == vectors[len]);
		free(exact);
	}
}

static void
fill_words(struct rng *rng, uint64_t *words, size_t count)
{
	for (size_t i = 0; i < count; i++)
		words[i] = rng_u64(rng);
}

static void
word_forms_equal_the_byte_form(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 4);
	for (int i = 0; i < 1000; i++) {
		struct siphash_key key = { { rng_u64(&rng), rng_u64(&rng) } };
		uint64_t w[4];

		fill_words(&rng, w, 4);
		assert_true(siphash24_3w(&key, w) == siphash24(&key, w, 24));
		assert_true(siphash24_4w(&key, w) == siphash24(&key, w, 32));
	}
}

/* Checks one burst of n keys, in buffers of exact size. */
static void
check_burst(struct rng *rng, unsigned int n)
{
	struct siphash_key key = { { rng_u64(rng), rng_u64(rng) } };
	uint64_t source[4 * 70];
	uint64_t guard = rng_u64(rng);
	uint64_t out[71];

	fill_words(rng, source, ARRAY_SIZE(source));
	for (unsigned int width = 3; width <= 4; width++) {
		uint64_t *words = malloc(sizeof(uint64_t) * width * n);

		memcpy(words, source, sizeof(uint64_t) * width * n);
		out[n] = guard;
		if (width == 3)
			siphash24_3w_burst(&key, words, out, n);
		else
			siphash24_4w_burst(&key, words, out, n);
		assert_true(out[n] == guard);
		for (unsigned int i = 0; i < n; i++)
			assert_true(
				out[i] == siphash24(&key, words + width * i, 8 * (size_t)width));
		free(words);
	}
}

static void
bursts_of_every_length_equal_the_byte_form(void **state)
{
	struct rng rng;

	(void)state;
	rng_seed(&rng, 5);
	for (unsigned int n = 1; n <= 70; n++)
		check_burst(&rng, n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hashes_equal_the_published_vectors),
		cmocka_unit_test(word_forms_equal_the_byte_form),
		cmocka_unit_test(bursts_of_every_length_equal_the_byte_form),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
