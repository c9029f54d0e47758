/* SPDX-License-Identifier: BSD-3-Clause */
/* What is said on a connection, and whether the answer is right to the last byte. */
#include <string.h>

#include "base/compiler.h"
#include "client_int.h"
#include "services/chargen_pattern.h"

/* Bytes of an echoed message where the profile names none. */
#define ECHO_BYTES 64u

static enum flow_verdict
fail(struct flow *f, enum load_fail why)
{
	f->fail = (uint8_t)why;
	return FLOW_FAIL;
}

static enum flow_verdict
nothing_is_right(struct flow *f, const uint8_t *data, size_t len)
{
	(void)data;
	(void)len;
	return fail(f, LOAD_FAIL_BAD_DATA);
}

static enum flow_verdict
end_is_early(struct flow *f)
{
	return fail(f, LOAD_FAIL_EARLY_END);
}

/* The pattern from where the request begins, around its end. */
static const uint8_t *
pattern_source(const struct flow *f, size_t *len)
{
	size_t at = (size_t)((f->pattern_at + f->sent) % PATTERN_BYTES);

	*len = (size_t)min_u64(PATTERN_BYTES - at, f->to_send);
	return f->group->client->pattern + at;
}

static void
pattern_begin(struct flow *f)
{
	f->pattern_at = rng_below(&f->group->client->rng, PATTERN_BYTES);
}

/* Are these the bytes of a ring of period bytes from a position on? */
static bool
is_ring(const uint8_t *ring, size_t period, uint64_t from, const uint8_t *data, size_t len)
{
	size_t at = (size_t)(from % period);

	while (len > 0) {
		size_t n = min_size(len, period - at);

		if (memcmp(ring + at, data, n) != 0)
			return false;
		data += n;
		len -= n;
		at = 0;
	}
	return true;
}

/* --- connect: the opening is all ------------------------------------------------------------- */

static void
connect_begin(struct flow *f)
{
	f->to_send = 0;
}

/* --- echo ------------------------------------------------------------------------------------ */

static uint64_t
echo_bytes(const struct flow *f)
{
	return f->group->conf->size_bytes != 0 ? f->group->conf->size_bytes : ECHO_BYTES;
}

static void
echo_begin(struct flow *f)
{
	pattern_begin(f);
	f->to_send = echo_bytes(f);
}

static enum flow_verdict
echo_take(struct flow *f, const uint8_t *data, size_t len)
{
	if (len > f->sent - f->got || !is_ring(f->group->client->pattern, PATTERN_BYTES,
					      f->pattern_at + f->got, data, len))
		return fail(f, LOAD_FAIL_BAD_DATA);
	f->got += len;
	return f->got == echo_bytes(f) ? FLOW_DONE : FLOW_MORE;
}

/* --- discard: that the server ends behind our end says that it has all ------------------------ */

static void
discard_begin(struct flow *f)
{
	pattern_begin(f);
	f->to_send = f->group->conf->size_bytes != 0 ? f->group->conf->size_bytes : NO_END;
}

static enum flow_verdict
stream_end(struct flow *f)
{
	return f->fin_sent ? FLOW_DONE : fail(f, LOAD_FAIL_EARLY_END);
}

/* --- chargen --------------------------------------------------------------------------------- */

static void
chargen_begin(struct flow *f)
{
	f->to_send = 0;
}

static enum flow_verdict
chargen_take(struct flow *f, const uint8_t *data, size_t len)
{
	const struct client_group *g = f->group;

	if (!is_ring(g->client->chargen, CHARGEN_PERIOD_BYTES, f->got, data, len))
		return fail(f, LOAD_FAIL_BAD_DATA);
	f->got += len;
	/* Enough: the server ends behind our end, and what is on its way is still looked at. */
	if (g->conf->size_bytes != 0 && f->got >= g->conf->size_bytes && !f->fin_sent) {
		f->fin_sent = true;
		(void)sluice_shutdown(g->client->par.s, f->conn, SLUICE_SHUT_WR);
	}
	return FLOW_MORE;
}

/* --- http ------------------------------------------------------------------------------------ */

static void
http_begin(struct flow *f)
{
	const struct client_group *g = f->group;

	http_answer_init(&f->http);
	f->rest_sum = 0;
	f->is_last = g->conf->close == LOAD_CLOSE_SERVER && f->requests_left == 0;
	f->to_send = f->is_last ? g->last_request_len : g->request_len;
}

static const uint8_t *
http_source(const struct flow *f, size_t *len)
{
	const char *text = f->is_last ? f->group->last_request : f->group->request;

	*len = (size_t)f->to_send;
	return (const uint8_t *)text + f->sent;
}

#define K1 0x9e3779b97f4a7c15ull
#define K2 (K1 * K1)
#define K4 (K2 * K2)

/*
 * A polynomial over the bytes, so that it does not matter in which pieces they come. One byte that
 * differs, or two that have changed places, always show. Eight at a time: one multiplication does
 * not wait for the last.
 */
static uint64_t
sum_add(uint64_t sum, const uint8_t *p, size_t len)
{
	for (; len >= 8; p += 8, len -= 8)
		sum = sum * (K4 * K4) + p[0] * (K4 * K2 * K1) + p[1] * (K4 * K2) +
			p[2] * (K4 * K1) + p[3] * K4 + p[4] * (K2 * K1) + p[5] * K2 + p[6] * K1 +
			p[7];
	for (; len > 0; p++, len--)
		sum = sum * K1 + p[0];
	return sum;
}

/* What comes behind the part that is kept. */
static void
sum_rest(struct flow *f, uint64_t from, const uint8_t *data, size_t len)
{
	size_t kept = from < VERIFY_BYTES ? (size_t)min_u64(len, VERIFY_BYTES - from) : 0;

	f->rest_sum = sum_add(f->rest_sum, data + kept, len - kept);
}

/*
 * Compare a part of a body with the first one. While that is still coming, whoever is furthest
 * adds to it; the others are compared with what is there.
 */
static bool
body_is_right(struct flow *f, const uint8_t *data, size_t len)
{
	struct client_group *g = f->group;
	uint64_t from = f->got;
	size_t known;

	f->got += len;
	if (!g->conf->verify)
		return true;
	if (g->body_len != NO_END && f->got > g->body_len)
		return false;
	sum_rest(f, from, data, len);
	known = from < g->body_have ? (size_t)min_u64(len, g->body_have - from) : 0;
	if (known > 0 && memcmp(g->body + from, data, known) != 0)
		return false;
	if (g->body_len == NO_END && from + known == g->body_have) {
		size_t room = (size_t)min_u64(len - known, VERIFY_BYTES - g->body_have);

		memcpy(g->body + g->body_have, data + known, room);
		g->body_have += room;
	}
	return true;
}

/* The answer is complete: is it as long as the first one, and the same where that is not kept? */
static enum flow_verdict
http_done(struct flow *f)
{
	struct client_group *g = f->group;

	bool is_first = g->body_len == NO_END;

	if (is_first) {
		g->body_len = f->got;
		g->rest_sum = f->rest_sum;
	}
	if (g->conf->verify && (f->got != g->body_len || f->rest_sum != g->rest_sum))
		return fail(f, LOAD_FAIL_BAD_DATA);
	return FLOW_DONE;
}

static enum flow_verdict
http_take(struct flow *f, const uint8_t *data, size_t len)
{
	while (len > 0) {
		struct http_span body;
		size_t n = http_answer_take(&f->http, data, len, &body);

		if (f->http.state == HTTP_ANSWER_BAD)
			return fail(f, LOAD_FAIL_BAD_ANSWER);
		if (f->http.status >= 200 && f->http.state != HTTP_ANSWER_STATUS &&
			f->http.status != f->group->conf->status)
			return fail(f, LOAD_FAIL_BAD_STATUS);
		if (body.len > 0 && !body_is_right(f, body.data, body.len))
			return fail(f, LOAD_FAIL_BAD_DATA);
		data += n;
		len -= n;
		if (f->http.state == HTTP_ANSWER_DONE)
			return len == 0 ? http_done(f) : fail(f, LOAD_FAIL_BAD_DATA);
	}
	return FLOW_MORE;
}

static enum flow_verdict
http_end(struct flow *f)
{
	return http_answer_end(&f->http) ? http_done(f) : fail(f, LOAD_FAIL_EARLY_END);
}

static const struct flow_app app_connect = {
	.begin = connect_begin,
	.take = nothing_is_right,
	.end = end_is_early,
};

static const struct flow_app app_http = {
	.begin = http_begin,
	.source = http_source,
	.take = http_take,
	.end = http_end,
};

static const struct flow_app app_echo = {
	.begin = echo_begin,
	.source = pattern_source,
	.take = echo_take,
	.end = end_is_early,
};

static const struct flow_app app_discard = {
	.begin = discard_begin,
	.source = pattern_source,
	.take = nothing_is_right,
	.end = stream_end,
	.is_stream = true,
};

static const struct flow_app app_chargen = {
	.begin = chargen_begin,
	.take = chargen_take,
	.end = stream_end,
	.is_stream = true,
};

const struct flow_app *const flow_apps[] = {
	[LOAD_APP_CONNECT] = &app_connect,
	[LOAD_APP_HTTP] = &app_http,
	[LOAD_APP_ECHO] = &app_echo,
	[LOAD_APP_DISCARD] = &app_discard,
	[LOAD_APP_CHARGEN] = &app_chargen,
};
