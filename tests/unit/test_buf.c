/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of the queue of bytes, against a plain model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "ctl/buf.h"

static void
bytes_come_out_as_they_went_in(void **state)
{
	struct ctl_buf buf = { 0 };
	static char chunk[9000];
	struct rng rng;
	uint64_t put = 0, taken = 0;
	unsigned int i;

	(void)state;
	rng_seed(&rng, 1);
	for (i = 0; i < 20000; i++) {
		size_t len = rng_below(&rng, sizeof(chunk));
		size_t j;

		if (rng_below(&rng, 2) == 0 && ctl_buf_len(&buf) < 200000) {
			for (j = 0; j < len; j++)
				chunk[j] = (char)(put + j);
			assert_int_equal(ctl_buf_add(&buf, chunk, len), 0);
			put += len;
		} else {
			if (len > ctl_buf_len(&buf))
				len = ctl_buf_len(&buf);
			for (j = 0; j < len; j++)
				assert_true(ctl_buf_data(&buf)[j] == (char)(taken + j));
			ctl_buf_drop(&buf, len);
			taken += len;
		}
		assert_int_equal(ctl_buf_len(&buf), put - taken);
	}
	ctl_buf_free(&buf);
	assert_int_equal(ctl_buf_len(&buf), 0);
}

static void
an_emptied_buffer_gives_large_memory_back(void **state)
{
	struct ctl_buf buf = { 0 };
	static char chunk[100000];

	(void)state;
	assert_int_equal(ctl_buf_add(&buf, chunk, sizeof(chunk)), 0);
	ctl_buf_drop(&buf, sizeof(chunk));
	assert_null(buf.data);
	assert_int_equal(ctl_buf_add(&buf, chunk, 100), 0);
	ctl_buf_drop(&buf, 100);
	assert_non_null(buf.data);
	ctl_buf_free(&buf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_come_out_as_they_went_in),
		cmocka_unit_test(an_emptied_buffer_gives_large_memory_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
