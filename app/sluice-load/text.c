/* SPDX-License-Identifier: BSD-3-Clause */
/* Formatting of counts, rates and times. */
#include <inttypes.h>
#include <stdio.h>

#include "text.h"

const char *
load_text_count(uint64_t value, char buf[LOAD_TEXT_LEN])
{
	char *p = buf + LOAD_TEXT_LEN - 1;
	unsigned int digits = 0;

	*p = '\0';
	do {
		if (digits > 0 && digits % 3 == 0)
			*--p = ',';
		*--p = (char)('0' + value % 10);
		value /= 10;
		digits++;
	} while (value > 0);
	return p;
}

static const char *
scaled(double value, const char *const suffixes[], char buf[LOAD_TEXT_LEN])
{
	unsigned int i = 0;

	while (value >= 1000 && suffixes[i + 1] != NULL) {
		value /= 1000;
		i++;
	}
	snprintf(buf, LOAD_TEXT_LEN, "%.*f%s", i == 0 ? 0 : value < 10 ? 2 : 1, value,
		suffixes[i]);
	return buf;
}

const char *
load_text_rate(uint64_t value, char buf[LOAD_TEXT_LEN])
{
	static const char *const suffixes[] = { "", "k", "M", "G", "T", NULL };

	if (value < 10000) {
		snprintf(buf, LOAD_TEXT_LEN, "%" PRIu64, value);
		return buf;
	}
	return scaled((double)value, suffixes, buf);
}

const char *
load_text_time(uint64_t ns, char buf[LOAD_TEXT_LEN])
{
	static const char *const suffixes[] = { "ns", "us", "ms", "s", NULL };

	if (ns == 0)
		return "-";
	return scaled((double)ns, suffixes, buf);
}
