/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Fuzz target: what the load generator reads. The first byte says what the rest is: a profile,
 * criteria, or what a server answers, which is taken whole and in pieces and must come to the same.
 */
#include <string.h>

#include "criteria.h"
#include "fuzz/fuzz.h"
#include "http_answer.h"
#include "lib/exact.h"
#include "profile.h"

static void
fuzz_profile(const char *text, size_t len)
{
	static struct config_report report;
	static struct load_profile p;
	char err[LOAD_PROFILE_ERR_LEN];
	int rc;

	config_report_init(&report);
	rc = load_profile_parse(&p, text, len, &report);
	FUZZ_CHECK((rc == 0) == (report.errors == 0));
	if (rc != 0)
		return;
	FUZZ_CHECK(p.group_count >= 1 && p.group_count <= LOAD_GROUPS_MAX);
	FUZZ_CHECK(p.duration_s >= 1);
	(void)load_profile_check(&p, err, sizeof(err));
}

static void
fuzz_criteria(const char *text)
{
	struct criteria c = { 0 };
	uint64_t values[METRIC_COUNT] = { 0 };
	char err[CRITERIA_ERR_LEN] = "";
	int rc = criteria_parse(&c, text, err, sizeof(err));

	FUZZ_CHECK((rc == 0) == (err[0] == '\0'));
	FUZZ_CHECK(rc != 0 || c.count > 0);
	for (unsigned int i = 0; i < c.count; i++)
		(void)criterion_holds(&c.row[i], values);
}

/* What an answer came to: bytes used, and a sum over its body. */
struct answer_facts {
	struct http_answer a;
	uint64_t used, body_bytes, body_sum;
};

static void
take_answer(const uint8_t *data, size_t len, size_t piece, struct answer_facts *f)
{
	memset(f, 0, sizeof(*f));
	http_answer_init(&f->a);
	while (f->used < len && f->a.state != HTTP_ANSWER_DONE && f->a.state != HTTP_ANSWER_BAD) {
		size_t n = len - f->used < piece ? len - f->used : piece;
		struct http_span body;
		size_t used = http_answer_take(&f->a, data + f->used, n, &body);

		FUZZ_CHECK(used > 0 && used <= n && body.len <= used);
		for (size_t i = 0; i < body.len; i++)
			f->body_sum = f->body_sum * 31 + body.data[i];
		f->body_bytes += body.len;
		f->used += used;
	}
}

static void
fuzz_answer(const uint8_t *data, size_t len, size_t piece)
{
	struct answer_facts whole, cut;

	take_answer(data, len, len, &whole);
	take_answer(data, len, piece, &cut);
	FUZZ_CHECK(whole.a.state == cut.a.state && whole.a.status == cut.a.status);
	FUZZ_CHECK(whole.body_bytes == cut.body_bytes && whole.body_sum == cut.body_sum);
	if (whole.a.state != HTTP_ANSWER_BAD)
		FUZZ_CHECK(whole.used == cut.used);
	if (whole.a.state == HTTP_ANSWER_DONE)
		FUZZ_CHECK(http_answer_keeps(&whole.a) == http_answer_keeps(&cut.a));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy;

	if (size < 2 || size > 1u << 16)
		return 0;
	copy = exact_copy(data + 1, size - 1);
	if (data[0] == 'p') {
		fuzz_profile((const char *)copy, size - 1);
	} else if (data[0] == 'c') {
		copy[size - 2] = '\0';
		fuzz_criteria((const char *)copy);
	} else {
		fuzz_answer(copy, size - 1, (size_t)(data[0] & 15) + 1);
	}
	free(copy);
	return 0;
}
