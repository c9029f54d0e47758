/* SPDX-License-Identifier: BSD-3-Clause */
/* Numbers for people: separators, rates, times. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "number.h"

const char *
number_text(int64_t value, bool separated, char buf[NUMBER_LEN])
{
	char digits[NUMBER_LEN];
	size_t len, used = 0;
	size_t i;

	if (!separated) {
		snprintf(buf, NUMBER_LEN, "%" PRId64, value);
		return buf;
	}
	snprintf(digits, sizeof(digits), "%" PRIu64,
		value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
	len = strlen(digits);
	if (value < 0)
		buf[used++] = '-';
	for (i = 0; i < len; i++) {
		if (i > 0 && (len - i) % 3 == 0)
			buf[used++] = ',';
		buf[used++] = digits[i];
	}
	buf[used] = '\0';
	return buf;
}

int64_t
number_rate(int64_t before, int64_t now, int64_t ns)
{
	if (ns <= 0)
		return 0;
	return (int64_t)((double)(now - before) * 1e9 / (double)ns + 0.5);
}

const char *
number_age(int64_t seconds, char buf[NUMBER_LEN])
{
	int64_t s = seconds;

	if (s >= 86400)
		snprintf(buf, NUMBER_LEN, "%" PRId64 "d %" PRId64 "h", s / 86400, s / 3600 % 24);
	else if (s >= 3600)
		snprintf(buf, NUMBER_LEN, "%" PRId64 "h %" PRId64 "m", s / 3600, s / 60 % 60);
	else if (s >= 60)
		snprintf(buf, NUMBER_LEN, "%" PRId64 "m %" PRId64 "s", s / 60, s % 60);
	else
		snprintf(buf, NUMBER_LEN, "%" PRId64 "s", s);
	return buf;
}

const char *
number_time(int64_t us, char buf[NUMBER_LEN])
{
	if (us < 1000)
		snprintf(buf, NUMBER_LEN, "%" PRId64 "us", us);
	else if (us < 1000000)
		snprintf(buf, NUMBER_LEN, "%.1fms", (double)us / 1e3);
	else
		snprintf(buf, NUMBER_LEN, "%.1fs", (double)us / 1e6);
	return buf;
}
