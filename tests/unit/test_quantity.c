/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of numbers with units. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "conf/quantity.h"

static const struct {
	const char *text;
	enum unit unit;
	int code;
	uint64_t value;
} rows[] = {
	{ "0", UNIT_COUNT, 0, 0 },
	{ "007", UNIT_COUNT, 0, 7 },
	{ "18446744073709551615", UNIT_COUNT, 0, UINT64_MAX },
	{ "18446744073709551616", UNIT_COUNT, -ERANGE, 0 },
	{ "18446744073709551615k", UNIT_COUNT, -ERANGE, 0 },
	{ "3k", UNIT_PACKETS, 0, 3000 },
	{ "3K", UNIT_PACKETS, 0, 3000 },
	{ "3Ki", UNIT_BYTES, 0, 3072 },
	{ "2M", UNIT_BYTES, 0, 2000000 },
	{ "1m", UNIT_ENTRIES, 0, 1000000 },
	{ "2g", UNIT_PER_SEC, 0, 2000000000 },
	{ "2mi", UNIT_BYTES, -EINVAL, 0 },
	{ "2Mi", UNIT_BYTES, 0, 2097152 },
	{ "1G", UNIT_BYTES, 0, 1000000000 },
	{ "1Gi", UNIT_BYTES, 0, 1073741824 },
	{ "1Ti", UNIT_BYTES, -EINVAL, 0 },
	{ "1 k", UNIT_BYTES, -EINVAL, 0 },
	{ "k", UNIT_BYTES, -EINVAL, 0 },
	{ "", UNIT_BYTES, -EINVAL, 0 },
	{ " 1", UNIT_BYTES, -EINVAL, 0 },
	{ "+1", UNIT_BYTES, -EINVAL, 0 },
	{ "1.5", UNIT_BYTES, -EINVAL, 0 },
	{ "10", UNIT_SEC, 0, 10 },
	{ "10s", UNIT_SEC, 0, 10 },
	{ "10m", UNIT_SEC, 0, 600 },
	{ "2h", UNIT_SEC, 0, 7200 },
	{ "3000ms", UNIT_SEC, 0, 3 },
	{ "3500ms", UNIT_SEC, -EINVAL, 0 },
	{ "3s", UNIT_MSEC, 0, 3000 },
	{ "3us", UNIT_MSEC, -EINVAL, 0 },
	{ "3us", UNIT_USEC, 0, 3 },
	{ "3ms", UNIT_USEC, 0, 3000 },
	{ "10d", UNIT_SEC, -EINVAL, 0 },
	{ "9999999999999999h", UNIT_SEC, -ERANGE, 0 },
	{ "on", UNIT_BOOL, 0, 1 },
	{ "no", UNIT_BOOL, 0, 0 },
	{ "true", UNIT_BOOL, 0, 1 },
	{ "2", UNIT_BOOL, -EINVAL, 0 },
	{ "80", UNIT_PORT, 0, 80 },
	{ "8k", UNIT_PORT, -EINVAL, 0 },
	{ "2", UNIT_MODE, 0, 2 },
	{ "2k", UNIT_MODE, -EINVAL, 0 },
};

static void
numbers_are_read_whole_or_not_at_all(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		uint64_t value = 0;
		int code = quantity_parse(rows[i].text, rows[i].unit, &value);

		if (code != rows[i].code || (code == 0 && value != rows[i].value))
			fail_msg("row %zu '%s': %d, %lu", i, rows[i].text, code,
				(unsigned long)value);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_read_whole_or_not_at_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
