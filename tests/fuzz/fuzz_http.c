/* SPDX-License-Identifier: BSD-3-Clause */
/* The parsers of HTTP: one verdict however the bytes are cut, and results within their bounds. */
#include <stdlib.h>
#include <string.h>

#include "fuzz/fuzz.h"
#include "lib/exact.h"
#include "services/http_body.h"
#include "services/http_cond.h"
#include "services/http_date.h"
#include "services/http_parse.h"
#include "services/http_path.h"
#include "services/http_range.h"

#define MAX_HEAD_BYTES 512u

/* Parse the head in steps; every buffer has the exact size of what has arrived. */
static enum http_verdict
parse_in_steps(struct http_parser *p, const uint8_t *data, size_t size, size_t step)
{
	enum http_verdict verdict = HTTP_PARSE_MORE;

	http_parser_init(p, MAX_HEAD_BYTES);
	for (size_t n = 0; n < size && verdict == HTTP_PARSE_MORE;) {
		uint8_t *head;

		n = size - n < step ? size : n + step;
		head = exact_copy(data, n);
		verdict = http_parse(p, head, n);
		free(head);
	}
	return verdict;
}

static void
check_path(const uint8_t *target, size_t len)
{
	struct http_path path;

	if (http_path_resolve(target, len, &path) != HTTP_PATH_OK)
		return;
	FUZZ_CHECK(path.len < sizeof(path.name) && strlen(path.name) == path.len);
	FUZZ_CHECK(path.name[0] != '/');
	FUZZ_CHECK(path.len == 0 || path.name[path.len - 1] != '/');
	for (const char *part = path.name; part != NULL; part = strchr(part, '/')) {
		part += *part == '/';
		FUZZ_CHECK(strncmp(part, "../", 3) != 0 && strcmp(part, "..") != 0);
		FUZZ_CHECK(strncmp(part, "./", 2) != 0 && strcmp(part, ".") != 0);
		FUZZ_CHECK(*part != '/' && (*part != '\0' || path.len == 0));
	}
}

static void
check_range(const uint8_t *text, size_t len)
{
	static const uint64_t sizes[] = { 0, 1, 1000, UINT64_MAX };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct http_range range;

		if (http_range_parse(text, len, sizes[i], &range) != HTTP_RANGE_OK)
			continue;
		FUZZ_CHECK(range.len >= 1 && range.first < sizes[i]);
		FUZZ_CHECK(range.len <= sizes[i] - range.first);
	}
}

static void
check_date(const uint8_t *text, size_t len)
{
	char out[HTTP_DATE_BYTES];
	int64_t wall_s, again_s;

	if (http_date_parse(text, len, &wall_s) != 0)
		return;
	http_date_format(out, wall_s);
	FUZZ_CHECK(http_date_parse((const uint8_t *)out, sizeof(out), &again_s) == 0);
	FUZZ_CHECK(again_s == wall_s);
}

/* Use everything the head says. */
static void
check_request(const struct http_request *r, const uint8_t *head)
{
	static const struct http_validators v = { "\"tag\"", 784111777 };
	const struct http_span *range = &r->fields[HTTP_FIELD_RANGE];

	FUZZ_CHECK(r->head_bytes <= MAX_HEAD_BYTES);
	FUZZ_CHECK((uint64_t)r->target.at + r->target.len <= r->head_bytes);
	for (unsigned int i = 0; i < HTTP_FIELD_COUNT; i++)
		FUZZ_CHECK((uint64_t)r->fields[i].at + r->fields[i].len <= r->head_bytes);
	FUZZ_CHECK(!r->chunked || r->content_length == 0);
	http_cond_evaluate(r, head, &v);
	http_cond_range_applies(r, head, &v);
	check_path(head + r->target.at, r->target.len);
	check_range(head + range->at, range->len);
}

static void
check_head(const uint8_t *data, size_t size)
{
	struct http_parser whole, parts;
	enum http_verdict verdict = parse_in_steps(&whole, data, size, size);

	for (size_t step = 1; step < 70; step = 2 * step + 1) {
		FUZZ_CHECK(parse_in_steps(&parts, data, size, step) == verdict);
		if (verdict == HTTP_PARSE_DONE)
			FUZZ_CHECK(memcmp(&parts.request, &whole.request,
					   sizeof(parts.request)) == 0);
	}
	if (verdict == HTTP_PARSE_DONE) {
		uint8_t *head = exact_copy(data, whole.request.head_bytes);

		check_request(&whole.request, head);
		free(head);
	}
}

/* Skip a chunked body in steps; *used says how much of it was body. */
static enum http_body_verdict
skip_in_steps(const uint8_t *data, size_t size, size_t step, size_t *used)
{
	enum http_body_verdict verdict = HTTP_BODY_MORE;
	struct http_body body;

	*used = 0;
	http_body_init_chunked(&body, 300);
	while (*used < size && verdict == HTTP_BODY_MORE) {
		size_t n = size - *used < step ? size - *used : step, part;

		verdict = http_body_skip(&body, data + *used, n, &part);
		FUZZ_CHECK(part <= n && (part == n || verdict != HTTP_BODY_MORE));
		*used += part;
	}
	return verdict;
}

static void
check_body(const uint8_t *data, size_t size)
{
	size_t used, whole_used;
	enum http_body_verdict verdict = skip_in_steps(data, size, size, &whole_used);

	for (size_t step = 1; step < 70; step = 2 * step + 1) {
		FUZZ_CHECK(skip_in_steps(data, size, step, &used) == verdict);
		FUZZ_CHECK(verdict != HTTP_BODY_DONE || used == whole_used);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check_head(data, size);
	check_body(data, size);
	check_path(data, size);
	check_range(data, size);
	check_date(data, size);
	return 0;
}
