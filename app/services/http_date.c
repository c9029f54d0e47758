/* SPDX-License-Identifier: BSD-3-Clause */
/* HTTP dates: one form written, three read. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "services/http_date.h"
#include "services/http_text.h"

#define HTTP_DATE_MAX_S 253402300799 /* 31 Dec 9999 23:59:59 */

static const char http_days[] = "SunMonTueWedThuFriSat";
static const char http_months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

void
http_date_format(char out[HTTP_DATE_BYTES], int64_t wall_s)
{
	/* Three more digits than the longest year can have: the compiler counts them. */
	char text[80];
	time_t at = wall_s < 0 ? 0 : wall_s > HTTP_DATE_MAX_S ? HTTP_DATE_MAX_S : wall_s;
	struct tm tm;

	gmtime_r(&at, &tm);
	snprintf(text, sizeof(text), "%.3s, %02d %.3s %04d %02d:%02d:%02d GMT",
		http_days + 3 * tm.tm_wday, tm.tm_mday, http_months + 3 * tm.tm_mon,
		tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
	memcpy(out, text, HTTP_DATE_BYTES);
}

/* A position in the text being read; bad once anything did not fit. */
struct reader {
	const uint8_t *text;
	size_t len;
	size_t at;
	bool bad;
};

static void
read_literal(struct reader *r, const char *literal)
{
	size_t n = strlen(literal);

	if (r->bad || r->len - r->at < n || memcmp(r->text + r->at, literal, n) != 0)
		r->bad = true;
	else
		r->at += n;
}

/* Exactly digits digits; a leading space stands for a zero where asctime pads so. */
static int
read_number(struct reader *r, size_t digits, bool padded)
{
	int n = 0;

	if (r->bad || r->len - r->at < digits) {
		r->bad = true;
		return 0;
	}
	for (size_t i = 0; i < digits; i++) {
		uint8_t b = r->text[r->at++];

		if (padded && i == 0 && b == ' ')
			b = '0';
		if (!http_is_digit(b))
			r->bad = true;
		n = 10 * n + (b - '0');
	}
	return n;
}

/* The index of a three-letter name in a list of them. */
static int
read_name(struct reader *r, const char *names)
{
	if (!r->bad && r->len - r->at >= 3) {
		for (int i = 0; names[3 * i] != '\0'; i++) {
			if (memcmp(r->text + r->at, names + 3 * i, 3) != 0)
				continue;
			r->at += 3;
			return i;
		}
	}
	r->bad = true;
	return 0;
}

static void
read_clock(struct reader *r, struct tm *tm)
{
	tm->tm_hour = read_number(r, 2, false);
	read_literal(r, ":");
	tm->tm_min = read_number(r, 2, false);
	read_literal(r, ":");
	tm->tm_sec = read_number(r, 2, false);
}

/* "Sunday, 06-Nov-94 08:49:37 GMT", from after the day's first three letters. */
static void
read_rfc850(struct reader *r, struct tm *tm)
{
	while (!r->bad && r->at < r->len && r->text[r->at] >= 'a' && r->text[r->at] <= 'z')
		r->at++;
	read_literal(r, ", ");
	tm->tm_mday = read_number(r, 2, false);
	read_literal(r, "-");
	tm->tm_mon = read_name(r, http_months);
	read_literal(r, "-");
	tm->tm_year = read_number(r, 2, false);
	if (tm->tm_year < 70)
		tm->tm_year += 100;
	read_literal(r, " ");
	read_clock(r, tm);
	read_literal(r, " GMT");
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", from after the day. */
static void
read_fixdate(struct reader *r, struct tm *tm)
{
	read_literal(r, ", ");
	tm->tm_mday = read_number(r, 2, false);
	read_literal(r, " ");
	tm->tm_mon = read_name(r, http_months);
	read_literal(r, " ");
	tm->tm_year = read_number(r, 4, false) - 1900;
	read_literal(r, " ");
	read_clock(r, tm);
	read_literal(r, " GMT");
}

/* "Sun Nov  6 08:49:37 1994", from after the day. */
static void
read_asctime(struct reader *r, struct tm *tm)
{
	read_literal(r, " ");
	tm->tm_mon = read_name(r, http_months);
	read_literal(r, " ");
	tm->tm_mday = read_number(r, 2, true);
	read_literal(r, " ");
	read_clock(r, tm);
	read_literal(r, " ");
	tm->tm_year = read_number(r, 4, false) - 1900;
}

int
http_date_parse(const uint8_t *text, size_t len, int64_t *wall_s)
{
	struct reader r = { .text = text, .len = len };
	struct tm tm = { 0 };
	struct tm wanted;

	read_name(&r, http_days);
	if (r.bad || r.at == len)
		return -EINVAL;
	if (text[r.at] == ',')
		read_fixdate(&r, &tm);
	else if (text[r.at] == ' ')
		read_asctime(&r, &tm);
	else
		read_rfc850(&r, &tm);
	if (r.bad || r.at != len || tm.tm_year < 70)
		return -EINVAL;
	/* A leap second is a second like the one before it. */
	if (tm.tm_sec == 60)
		tm.tm_sec = 59;
	wanted = tm;
	*wall_s = timegm(&tm);
	/* timegm() turns 31 Feb into March; such a date is none. */
	if (tm.tm_mday != wanted.tm_mday || tm.tm_hour != wanted.tm_hour ||
		tm.tm_min != wanted.tm_min || tm.tm_sec != wanted.tm_sec)
		return -EINVAL;
	return 0;
}
