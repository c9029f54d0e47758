/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading numbers with units. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "conf/quantity.h"

struct suffix {
	const char *text;
	uint64_t factor;
};

static const struct suffix magnitudes[] = {
	{ "", 1 },
	{ "k", 1000ull },
	{ "K", 1000ull },
	{ "m", 1000000ull },
	{ "M", 1000000ull },
	{ "g", 1000000000ull },
	{ "G", 1000000000ull },
	{ "Ki", 1ull << 10 },
	{ "Mi", 1ull << 20 },
	{ "Gi", 1ull << 30 },
};

/* Times in microseconds; the empty suffix depends on the unit. */
static const struct suffix times[] = {
	{ "us", 1ull },
	{ "ms", 1000ull },
	{ "s", 1000000ull },
	{ "m", 60000000ull },
	{ "h", 3600000000ull },
};

static const struct suffix truths[] = {
	{ "0", 0 },
	{ "1", 1 },
	{ "false", 0 },
	{ "true", 1 },
	{ "no", 0 },
	{ "yes", 1 },
	{ "off", 0 },
	{ "on", 1 },
};

const char *
unit_name(enum unit unit)
{
	switch (unit) {
	case UNIT_COUNT:
	case UNIT_MODE:
	case UNIT_PORT:
		return "";
	case UNIT_ENTRIES:
		return "entries";
	case UNIT_BOOL:
		return "bool";
	case UNIT_BITS:
		return "bits";
	case UNIT_BYTES:
		return "bytes";
	case UNIT_PAGES:
		return "pages";
	case UNIT_SEC:
		return "s";
	case UNIT_MSEC:
		return "ms";
	case UNIT_USEC:
		return "us";
	case UNIT_SEGMENTS:
		return "segments";
	case UNIT_PACKETS:
		return "packets";
	case UNIT_PER_SEC:
		return "per s";
	case UNIT_PERCENT:
		return "%";
	}
	ASSERT(false);
	return "";
}

static const struct suffix *
find(const struct suffix *rows, size_t count, const char *text)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcmp(rows[i].text, text) == 0)
			return &rows[i];
	}
	return NULL;
}

/* The digits in front of *text, which is moved behind them. */
static int
digits_parse(const char **text, uint64_t *out)
{
	const char *p = *text;
	uint64_t value = 0;

	if (*p < '0' || *p > '9')
		return -EINVAL;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(value, 10u, &value) ||
			__builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return -ERANGE;
	}
	*text = p;
	*out = value;
	return 0;
}

static int
time_parse(uint64_t number, const char *suffix, uint64_t unit_us, uint64_t *out)
{
	const struct suffix *row;
	uint64_t us;

	if (*suffix == '\0') {
		*out = number;
		return 0;
	}
	row = find(times, ARRAY_SIZE(times), suffix);
	if (row == NULL)
		return -EINVAL;
	if (__builtin_mul_overflow(number, row->factor, &us))
		return -ERANGE;
	if (us % unit_us != 0)
		return -EINVAL;
	*out = us / unit_us;
	return 0;
}

static int
magnitude_parse(uint64_t number, const char *suffix, uint64_t *out)
{
	const struct suffix *row = find(magnitudes, ARRAY_SIZE(magnitudes), suffix);

	if (row == NULL)
		return -EINVAL;
	return __builtin_mul_overflow(number, row->factor, out) ? -ERANGE : 0;
}

int
quantity_parse(const char *text, enum unit unit, uint64_t *out)
{
	const struct suffix *truth;
	uint64_t number;
	int err;

	if (unit == UNIT_BOOL) {
		truth = find(truths, ARRAY_SIZE(truths), text);
		if (truth != NULL)
			*out = truth->factor;
		return truth != NULL ? 0 : -EINVAL;
	}
	err = digits_parse(&text, &number);
	if (err != 0)
		return err;
	switch (unit) {
	case UNIT_SEC:
		return time_parse(number, text, 1000000, out);
	case UNIT_MSEC:
		return time_parse(number, text, 1000, out);
	case UNIT_USEC:
		return time_parse(number, text, 1, out);
	case UNIT_COUNT:
	case UNIT_ENTRIES:
	case UNIT_BYTES:
	case UNIT_PAGES:
	case UNIT_SEGMENTS:
	case UNIT_PACKETS:
	case UNIT_PER_SEC:
		return magnitude_parse(number, text, out);
	case UNIT_BOOL:
	case UNIT_MODE:
	case UNIT_BITS:
	case UNIT_PORT:
	case UNIT_PERCENT:
		break;
	}
	if (*text != '\0')
		return -EINVAL;
	*out = number;
	return 0;
}
