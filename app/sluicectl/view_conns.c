/* SPDX-License-Identifier: BSD-3-Clause */
/* Views of listeners and connections. */
#include <stdio.h>
#include <string.h>

#include "number.h"
#include "view_int.h"

static void
put_endpoint(struct table *t, const json_t *row, const char *ip_name, const char *port_name)
{
	const char *ip = view_text(row, ip_name);
	bool is_v6 = ip != NULL && strchr(ip, ':') != NULL;

	if (ip == NULL || strcmp(ip, "any") == 0)
		ip = "*";
	table_printf(
		t, is_v6 ? "[%s]:%lld" : "%s:%lld", ip, (long long)view_int(row, port_name, NULL));
}

static const struct table_column listener_columns[] = {
	{ "CORE", true },
	{ "SERVICE", false },
	{ "LOCAL", false },
	{ "RECV-Q", true },
	{ "SEND-Q", true },
	{ "SYN-Q", true },
	{ "SYN-MAX", true },
	{ "COOKIES", false },
	{ "SENT", true },
	{ "VALID", true },
	{ "INVALID", true },
	{ "ACCEPTED", true },
	{ "OVERFLOWS", true },
	{ "DROP-SYNQ", true },
	{ "DROP-EARLY", true },
	{ "DROP-ACCEPT", true },
};

/* As ss -ltn has it: what waits for accept, and how many may. The core only if rows have one. */
void
view_listeners_begin(struct table *t, const struct cli *cli, const json_t *args)
{
	bool by_core = json_is_true(json_object_get(args, "cores"));

	table_init(t, cli, listener_columns + !by_core, 15 + by_core);
}

static void
put_cookie_mode(struct table *t, const json_t *row)
{
	static const char *const modes[] = { "off", "if-full", "always" };
	json_int_t mode = view_int(row, "syncookies", NULL);

	table_text(t, mode >= 0 && mode <= 2 ? modes[mode] : "?");
}

static void
put_members(struct table *t, const json_t *object, const char *const *names)
{
	for (; *names != NULL; names++)
		table_json(t, json_object_get(object, *names));
}

void
view_listeners_rows(struct table *t, const json_t *rows)
{
	static const char *const queues[] = { "accept_queue", "accept_limit", "syn_queue",
		"syn_limit", NULL };
	static const char *const cookies[] = { "cookies_sent", "cookies_valid", "cookies_invalid",
		"accepted", "accept_overflows", NULL };
	static const char *const drops[] = { "syn_queue_full", "syn_early_drop", "syn_accept_full",
		NULL };
	size_t i;

	for (i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);

		if (t->columns == listener_columns)
			table_json(t, json_object_get(row, "worker"));
		table_text(t, view_text(row, "service"));
		put_endpoint(t, row, "local", "local_port");
		put_members(t, row, queues);
		put_cookie_mode(t, row);
		put_members(t, row, cookies);
		put_members(t, json_object_get(row, "syn_drops"), drops);
	}
	table_flush(t);
}

void
view_connections_begin(struct table *t, const struct cli *cli, const json_t *args)
{
	static const struct table_column columns[] = {
		{ "STATE", false },
		{ "RECV-Q", true },
		{ "SEND-Q", true },
		{ "LOCAL", false },
		{ "REMOTE", false },
		{ "RTT", true },
		{ "CWND", true },
		{ "CC", false },
		{ "RETRANS", true },
		{ "TIMER", true },
	};

	(void)args;
	table_init(t, cli, columns, 10);
}

void
view_connections_rows(struct table *t, const json_t *rows)
{
	size_t i;

	for (i = 0; i < json_array_size(rows); i++) {
		const json_t *row = json_array_get(rows, i);
		const json_t *timer = json_object_get(row, "timer_ms");
		char buf[NUMBER_LEN];

		table_text(t, view_text(row, "state"));
		table_json(t, json_object_get(row, "recvq"));
		table_json(t, json_object_get(row, "sendq"));
		put_endpoint(t, row, "local", "local_port");
		put_endpoint(t, row, "remote", "remote_port");
		table_text(t, number_time(view_int(row, "srtt_us", NULL), buf));
		table_json(t, json_object_get(row, "cwnd"));
		table_text(t, view_text(row, "cc"));
		table_json(t, json_object_get(row, "retrans"));
		table_text(t, json_is_integer(timer)
				      ? number_time(json_integer_value(timer) * 1000, buf)
				      : NULL);
	}
	table_flush(t);
}
