/* SPDX-License-Identifier: BSD-3-Clause */
/* Expectations about what cannot be seen on the wire: states, counters, events. */
#include <ctype.h>
#include <stddef.h>
#include <string.h>

#include "script/runner.h"

/* Compare as operators write it: "FIN_WAIT_1" and "fin-wait-1" are the same. */
static bool
same_name(const char *a, const char *b)
{
	for (; *a != '\0' && *b != '\0'; a++, b++) {
		int x = *a == '_' ? '-' : tolower((unsigned char)*a);
		int y = *b == '_' ? '-' : tolower((unsigned char)*b);

		if (x != y)
			return false;
	}
	return *a == *b;
}

static bool
find_conn(struct runner *r, const struct flow *f, struct tcp_conn_info *out)
{
	struct tcp_conn_info rows[16];
	uint64_t cursor = 0;

	while (cursor != UINT64_MAX) {
		unsigned int n = tcp_list_conns(r->host.w.tcp, &r->host.w.env, &cursor, rows, 16);

		for (unsigned int i = 0; i < n; i++)
			if (rows[i].key.rport == f->rport &&
				(f->lport == 0 || rows[i].key.lport == f->lport)) {
				*out = rows[i];
				return true;
			}
	}
	return false;
}

static void
look_state(struct runner *r, const struct flow *f, const struct stmt *st)
{
	struct tcp_conn_info info;
	const char *got = "none";

	if (find_conn(r, f, &info))
		got = tcp_state_name(info.state);
	if (!same_name(st->word, got))
		runner_fail(r, "state: expected %s, got %s", st->word, got);
}

static void
look_info(struct runner *r, const struct flow *f, const struct stmt *st)
{
	static const struct {
		const char *name;
		size_t offset;
	} rows[] = {
		{ "recvq", offsetof(struct tcp_conn_info, recvq_bytes) },
		{ "sendq", offsetof(struct tcp_conn_info, sendq_bytes) },
		{ "rto", offsetof(struct tcp_conn_info, rto_ms) },
		{ "srtt", offsetof(struct tcp_conn_info, srtt_us) },
		{ "rttvar", offsetof(struct tcp_conn_info, rttvar_us) },
		{ "cwnd", offsetof(struct tcp_conn_info, cwnd_bytes) },
		{ "ssthresh", offsetof(struct tcp_conn_info, ssthresh_bytes) },
		{ "mss", offsetof(struct tcp_conn_info, mss) },
		{ "snd_wnd", offsetof(struct tcp_conn_info, snd_wnd) },
		{ "rcv_wnd", offsetof(struct tcp_conn_info, rcv_wnd) },
		{ "retrans", offsetof(struct tcp_conn_info, retrans) },
		{ "timer", offsetof(struct tcp_conn_info, timer_ms) },
	};
	struct tcp_conn_info info;
	uint32_t got;

	if (!find_conn(r, f, &info))
		runner_fail(r, "no such connection");
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (strcmp(rows[i].name, st->word) != 0)
			continue;
		memcpy(&got, (const char *)&info + rows[i].offset, sizeof(got));
		if (got != (uint32_t)st->value)
			runner_fail(r, "%s: expected %ld, got %u", st->word, st->value, got);
		return;
	}
	runner_fail(r, "no field is called %s", st->word);
}

/* The prefix of nstat may be left out: "ListenDrops" is TcpExtListenDrops. */
static unsigned int
find_counter(const char *word)
{
	static const char *const prefixes[] = { "", "Tcp", "TcpExt", "Ip", "Sluice" };
	char name[2 * SCRIPT_WORD_MAX];

	for (size_t p = 0; p < ARRAY_SIZE(prefixes); p++) {
		snprintf(name, sizeof(name), "%s%s", prefixes[p], word);
		for (unsigned int i = 0; i < COUNTER_COUNT; i++)
			if (strcmp(counters_desc(i)->name, name) == 0)
				return i;
	}
	return COUNTER_COUNT;
}

/* Counters count from the start of the script; gauges are as they are. */
static void
look_counter(struct runner *r, const struct stmt *st)
{
	unsigned int i = find_counter(st->word);
	uint64_t got;

	if (i == COUNTER_COUNT)
		runner_fail(r, "no counter is called %s", st->word);
	got = counters_get(&r->host.w.ctr, i);
	if (!counters_desc(i)->is_gauge)
		got -= counters_get(&r->base, i);
	if (got != (uint64_t)st->value)
		runner_fail(r, "%s: expected %ld, got %llu", counters_desc(i)->name, st->value,
			(unsigned long long)got);
}

static uint64_t
outcomes_since(const struct runner *r, unsigned int i)
{
	return r->host.w.ctr.outcome[i] - r->base.outcome[i];
}

static void
look_outcome(struct runner *r, const struct stmt *st)
{
	char name[OUTCOME_NAME_LEN];

	for (unsigned int i = 0; i < OUTCOME_MAX; i++) {
		uint64_t got = outcomes_since(r, i);

		if (!same_name(outcome_name((enum outcome)i, name), st->word))
			continue;
		if (got == (uint64_t)st->value)
			return;
		for (unsigned int k = 0; k < OUTCOME_MAX; k++)
			if (outcomes_since(r, k) > 0)
				fprintf(stderr, "  %s %llu\n", outcome_name((enum outcome)k, name),
					(unsigned long long)outcomes_since(r, k));
		runner_fail(r, "outcome %s: expected %ld, got %llu", st->word, st->value,
			(unsigned long long)got);
	}
	runner_fail(r, "no outcome is called %s", st->word);
}

static void
take_flag(struct runner *r, bool *flag, const struct stmt *st)
{
	if (!*flag)
		runner_fail(r, "%s was not called", st->word);
	*flag = false;
}

static void
look_event(struct runner *r, const struct flow *f, const struct stmt *st)
{
	long err;

	if (strcmp(st->word, "acceptable") == 0) {
		take_flag(r, &r->acceptable, st);
		return;
	}
	if (f->conn == NULL)
		runner_fail(r, "#%u was neither accepted nor connected", st->flow);
	if (strcmp(st->word, "readable") == 0) {
		take_flag(r, &f->conn->readable, st);
	} else if (strcmp(st->word, "writable") == 0) {
		take_flag(r, &f->conn->writable, st);
	} else if (strcmp(st->word, "connected") == 0) {
		take_flag(r, &f->conn->connected, st);
		err = f->conn->connect_err;
		if (err != st->result)
			runner_fail(r, "connected: expected %s, got %s",
				script_errno_name(st->result), script_errno_name(err));
	} else if (strcmp(st->word, "closed") == 0) {
		if (!f->conn->gone)
			runner_fail(r, "closed was not called");
		err = f->conn->close_err;
		if (st->has_result && err != st->result)
			runner_fail(r, "closed: expected %s, got %s", script_errno_name(st->result),
				script_errno_name(err));
	} else {
		runner_fail(r, "expect what?");
	}
}

void
runner_look(struct runner *r, const struct stmt *st)
{
	struct flow *f = &r->flows[st->flow];

	if (st->kind == ST_EXPECT_STATE)
		look_state(r, f, st);
	else if (st->kind == ST_EXPECT_INFO)
		look_info(r, f, st);
	else if (st->kind == ST_EXPECT_COUNTER)
		look_counter(r, st);
	else if (st->kind == ST_EXPECT_OUTCOME)
		look_outcome(r, st);
	else
		look_event(r, f, st);
}
