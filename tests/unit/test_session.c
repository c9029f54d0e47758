/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of requests and replies: what is refused, what each command says, roles, listings. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "ctl/capture.h"
#include "ctl/commands.h"
#include "ctl/session.h"
#include "lib/exact.h"
#include "lib/fake_backend.h"

static struct fake_backend fake;
static struct ctl_session session;
static struct ctl_buf out;

static int
begin(void **state)
{
	(void)state;
	fake_backend_init(&fake);
	ctl_session_init(&session, &fake.backend, CTL_ADMIN);
	out = (struct ctl_buf){ 0 };
	return 0;
}

static int
end(void **state)
{
	(void)state;
	ctl_session_fini(&session);
	ctl_buf_free(&out);
	fake_backend_fini(&fake);
	return 0;
}

/* The next line queued, parsed; fails if there is none. The caller releases it. */
static json_t *
next_line(void)
{
	const char *data = ctl_buf_data(&out);
	const char *newline;
	json_error_t why;
	json_t *reply;

	assert_true(ctl_buf_len(&out) > 0);
	newline = memchr(data, '\n', ctl_buf_len(&out));
	assert_non_null(newline);
	assert_true((size_t)(newline - data) < CTL_ANSWER_MAX);
	reply = json_loadb(data, (size_t)(newline - data), JSON_REJECT_DUPLICATES, &why);
	if (reply == NULL)
		fail_msg("reply is not JSON: %s", why.text);
	ctl_buf_drop(&out, (size_t)(newline - data) + 1);
	return reply;
}

static void
request(const char *line)
{
	uint8_t *exact = exact_copy(line, strlen(line));

	ctl_session_request(&session, (const char *)exact, strlen(line), &out);
	free(exact);
}

/* The first line that answers a request. */
static json_t *
ask(const char *line)
{
	json_t *reply;

	request(line);
	while (ctl_session_is_busy(&session)) {
		fake_backend_turn(&fake);
		mail_collect(&fake.hub);
		ctl_session_step(&session, true, &out);
	}
	reply = next_line();
	assert_int_equal(json_integer_value(json_object_get(reply, "schema_version")), 1);
	return reply;
}

static const char *
error_code(const json_t *reply)
{
	const char *code =
		json_string_value(json_object_get(json_object_get(reply, "error"), "code"));

	return code != NULL ? code : "none";
}

static const struct {
	const char *line, *code, *message; /* part of it */
} bad_rows[] = {
	{ "", CTL_E_SYNTAX, "not JSON" },
	{ "hello", CTL_E_SYNTAX, "not JSON" },
	{ "{", CTL_E_SYNTAX, "not JSON" },
	{ "[]", CTL_E_SYNTAX, "a request is an object" },
	{ "{}", CTL_E_SYNTAX, "needs 'cmd'" },
	{ "{\"cmd\":7}", CTL_E_SYNTAX, "needs 'cmd'" },
	{ "{\"cmd\":\"show version\"} x", CTL_E_SYNTAX, "not JSON" },
	{ "{\"cmd\":\"show version\",\"cmd\":\"stop\"}", CTL_E_SYNTAX, "duplicate" },
	{ "{\"cmd\":\"show version\",\"id\":[1]}", CTL_E_SYNTAX, "'id'" },
	{ "{\"cmd\":\"show version\",\"id\":99999999999999999999}", CTL_E_SYNTAX, "big" },
	{ "{\"cmd\":\"show version\",\"id\":1e999}", CTL_E_SYNTAX, "not JSON" },
	{ "{\"cmd\":\"show\\u0000version\"}", CTL_E_SYNTAX, "not JSON" },
	{ "{\"cmd\":\"\xff\"}", CTL_E_SYNTAX, "not JSON" },
	{ "{\"cmd\":\"show versoin\"}", CTL_E_UNKNOWN_COMMAND, "'show versoin'" },
	{ "{\"cmd\":\"\\u001b[2J\"}", CTL_E_UNKNOWN_COMMAND, "\\x1b[2J" },
	{ "{\"cmd\":\"get\"}", CTL_E_BAD_ARGUMENT, "needs 'name'" },
	{ "{\"cmd\":\"get\",\"args\":[]}", CTL_E_BAD_ARGUMENT, "must be an object" },
	{ "{\"cmd\":\"get\",\"args\":{\"name\":{}}}", CTL_E_BAD_ARGUMENT, "must be a text" },
	{ "{\"cmd\":\"get\",\"args\":{\"name\":\"tcp_sak\"}}", CTL_E_UNKNOWN_TUNABLE,
		"'tcp_sack'" },
	{ "{\"cmd\":\"get\",\"args\":{\"name\":\"tcp_tw_recycle\"}}", CTL_E_REFUSED, "NAT" },
	{ "{\"cmd\":\"set\",\"args\":{\"name\":\"tcp_sack\"}}", CTL_E_BAD_ARGUMENT,
		"needs 'value'" },
	{ "{\"cmd\":\"set\",\"args\":{\"name\":\"tcp_fin_timeout\",\"value\":\"0\"}}",
		CTL_E_REFUSED, "1..3600" },
	{ "{\"cmd\":\"show drops\",\"args\":{\"all\":1}}", CTL_E_BAD_ARGUMENT, "true or false" },
	{ "{\"cmd\":\"show connections\",\"args\":{\"state\":\"open\"}}", CTL_E_BAD_ARGUMENT,
		"'open'" },
	{ "{\"cmd\":\"show connections\",\"args\":{\"port\":\"65536\"}}", CTL_E_BAD_ARGUMENT,
		"1..65535" },
	{ "{\"cmd\":\"show connections\",\"args\":{\"limit\":\"0\"}}", CTL_E_BAD_ARGUMENT,
		"limit" },
};

static void
c03_bad_requests_are_answered_by_errors(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad_rows) / sizeof(bad_rows[0]); i++) {
		json_t *reply = ask(bad_rows[i].line);
		const char *message = json_string_value(
			json_object_get(json_object_get(reply, "error"), "message"));

		if (strcmp(error_code(reply), bad_rows[i].code) != 0 || message == NULL ||
			strstr(message, bad_rows[i].message) == NULL)
			fail_msg("row %zu: %s: %s", i, error_code(reply), message);
		json_decref(reply);
	}
}

/* Known, since people know it from Linux; what it would break, and what helps instead. */
static void
tcp_tw_recycle_is_refused_with_the_reason(void **state)
{
	json_t *reply = ask("{\"cmd\":\"set\",\"args\":{\"name\":\"tcp_tw_recycle\","
			    "\"value\":\"1\"}}");
	const char *message =
		json_string_value(json_object_get(json_object_get(reply, "error"), "message"));

	(void)state;
	assert_string_equal(error_code(reply), CTL_E_REFUSED);
	assert_non_null(strstr(message, "share an address behind NAT"));
	assert_non_null(strstr(message, "tcp_tw_reuse"));
	assert_non_null(strstr(message, "tcp_timewait_len"));
	json_decref(reply);
}

static void
c03_nesting_is_counted_before_it_is_parsed(void **state)
{
	char line[200] = "{\"cmd\":\"show version\",\"x\":";
	size_t base = strlen(line);
	json_t *reply;

	(void)state;
	/* The object itself is level 1. */
	memset(line + base, '[', 15);
	memset(line + base + 15, ']', 15);
	memcpy(line + base + 30, "}", 2);
	reply = ask(line);
	assert_string_equal(error_code(reply), "none");
	json_decref(reply);

	memset(line + base, '[', 16);
	memset(line + base + 16, ']', 16);
	memcpy(line + base + 32, "}", 2);
	reply = ask(line);
	assert_string_equal(error_code(reply), CTL_E_SYNTAX);
	json_decref(reply);

	reply = ask("{\"cmd\":\"[[[[[[[[[[[[[[[[[[[[\\\"[[[[[[\"}");
	assert_string_equal(error_code(reply), CTL_E_UNKNOWN_COMMAND);
	json_decref(reply);
}

static void
c11_what_is_unknown_is_ignored_but_for_commands(void **state)
{
	json_t *reply = ask("{\"cmd\":\"show "
			    "version\",\"trace\":true,\"args\":{\"colour\":\"red\"},\"id\":\"a\"}");

	(void)state;
	assert_string_equal(error_code(reply), "none");
	assert_string_equal(json_string_value(json_object_get(reply, "id")), "a");
	assert_string_equal(json_string_value(json_object_get(reply, "version")), "0.0.0-test");
	assert_int_equal(json_integer_value(json_object_get(reply, "uptime_s")), 10);
	assert_int_equal(json_integer_value(json_object_get(reply, "ts_ns")), 1000000000000);
	json_decref(reply);
}

static void
c01_each_command_asks_for_its_role(void **state)
{
	unsigned int i, role;

	(void)state;
	for (role = CTL_READ; role <= CTL_ADMIN; role++) {
		session.role = (enum ctl_role)role;
		for (i = 0; i < CTL_COMMAND_COUNT; i++) {
			char line[200];
			json_t *reply;

			snprintf(line, sizeof(line),
				"{\"cmd\":\"%s\",\"args\":{\"name\":\"tcp_sack\",\"value\":\"1\"}}",
				ctl_command(i)->name);
			reply = ask(line);
			/* There is no file here that could be read again. */
			assert_string_equal(error_code(reply),
				role < (unsigned int)ctl_command(i)->role ? CTL_E_PERMISSION
				: i == CTL_COMMAND_reload		  ? CTL_E_CONFIG
									  : "none");
			json_decref(reply);
			ctl_buf_drop(&out, ctl_buf_len(&out));
			/* Orders are taken, and the end of a capture is seen by all. */
			for (unsigned int turns = 0; turns < 2; turns++) {
				fake_backend_turn(&fake);
				mail_collect(&fake.hub);
				capture_poll(&fake.hub);
			}
		}
	}
}

static double
last_s(const char *reason)
{
	json_t *reply = ask("{\"cmd\":\"show drops\",\"args\":{\"all\":true}}");
	double found = -2;
	json_t *row;
	size_t i;

	json_array_foreach(json_object_get(reply, "drops"), i, row)
	{
		const json_t *last = json_object_get(row, "last_s");

		if (strcmp(json_string_value(json_object_get(row, "reason")), reason) == 0)
			found = json_is_null(last) ? -1 : json_number_value(last);
	}
	json_decref(reply);
	return found;
}

static void
a_drop_has_its_age(void **state)
{
	(void)state;
	assert_true(last_s("bad-tcp-csum") == 0);
	assert_true(last_s("mem-limit") == -1);
	fake.now_us += 12300000;
	assert_true(last_s("bad-tcp-csum") == 12.3);
	/* On any worker. */
	fake.counters[1].outcome[OUT_MEM_LIMIT]++;
	assert_true(last_s("mem-limit") == 0);
	fake.now_us += 100000;
	assert_true(last_s("mem-limit") == 0.1);
	assert_true(last_s("bad-tcp-csum") == 12.4);
	fake.counters[1].outcome[OUT_MEM_LIMIT]--;
}

static void
drops_add_up_to_what_was_received(void **state)
{
	json_t *reply = ask("{\"cmd\":\"show drops\"}");
	json_int_t total = json_integer_value(json_object_get(reply, "total"));
	json_int_t sum = 0;
	json_t *row;
	size_t i;

	(void)state;
	json_array_foreach(json_object_get(reply, "drops"), i, row)
	{
		assert_true(json_integer_value(json_object_get(row, "packets")) > 0);
		assert_non_null(json_object_get(row, "meaning"));
		sum += json_integer_value(json_object_get(row, "packets"));
	}
	assert_int_equal(i, 3);
	assert_int_equal(sum, total);
	assert_int_equal(total, 2 * (74400 + 1605 + 202));
	assert_int_equal(json_integer_value(json_object_get(reply, "received")),
		total + json_integer_value(json_object_get(reply, "delivered")));
	json_decref(reply);
}

static void
counters_hide_zeros_unless_asked(void **state)
{
	json_t *some = ask("{\"cmd\":\"show counters\"}");
	json_t *all = ask("{\"cmd\":\"show counters\",\"args\":{\"all\":true}}");

	(void)state;
	assert_int_equal(json_array_size(json_object_get(some, "counters")), 7);
	assert_int_equal(json_array_size(json_object_get(all, "counters")), COUNTER_COUNT);
	assert_int_equal(json_integer_value(json_object_get(all, "started_ns")), 990000000000);
	assert_true(json_is_integer(json_object_get(all, "pid")));
	json_decref(some);
	json_decref(all);
}

static void
stats_cores_ports_and_config_have_their_figures(void **state)
{
	json_t *reply = ask("{\"cmd\":\"show stats\"}");
	json_t *row;

	(void)state;
	row = json_object_get(reply, "states");
	assert_int_equal(json_integer_value(json_object_get(row, "established")), 200);
	row = json_object_get(reply, "rx");
	assert_int_equal(json_integer_value(json_object_get(row, "packets")), 2301554);
	row = json_object_get(reply, "residence");
	assert_int_equal(json_integer_value(json_object_get(row, "packets")), 2000);
	assert_int_equal(json_integer_value(json_object_get(row, "p50_ns")), 120);
	assert_int_equal(json_integer_value(json_object_get(row, "p99_ns")), 120);
	assert_in_range(json_integer_value(json_object_get(row, "p999_ns")), 1000, 1030);
	assert_in_range(json_integer_value(json_object_get(row, "max_ns")), 32000, 33000);
	json_decref(reply);

	reply = ask("{\"cmd\":\"show cores\"}");
	row = json_object_get(reply, "cores");
	assert_int_equal(json_array_size(row), FAKE_WORKERS);
	/* Of each worker its own. */
	assert_in_range(json_integer_value(json_object_get(
		json_object_get(json_array_get(row, 0), "residence"), "max_ns")), 16000, 16500);
	assert_true(json_is_null(json_object_get(json_array_get(row, 1), "cpu")));
	row = json_array_get(row, 0);
	assert_int_equal(json_integer_value(json_object_get(row, "stalls")), 3);
	assert_int_equal(json_integer_value(json_object_get(row, "busy_ns")) /
				 json_integer_value(json_object_get(row, "stalled_ns")),
		12);
	json_decref(reply);

	reply = ask("{\"cmd\":\"show ports\",\"args\":{\"features\":true}}");
	row = json_array_get(json_object_get(reply, "ports"), 0);
	assert_string_equal(json_string_value(json_object_get(row, "mac")), "02:00:00:00:00:01");
	row = json_object_get(row, "features");
	assert_string_equal(json_string_value(json_object_get(row, "csum_tx")), "sw");
	json_decref(reply);

	reply = ask("{\"cmd\":\"show config\"}");
	row = json_object_get(json_object_get(reply, "config"), "ports");
	row = json_object_get(json_object_get(row, "wan0"), "gateway");
	assert_string_equal(json_string_value(row), "192.0.2.254");
	json_decref(reply);
}

/* A tunable's value as the daemon says it. */
static json_int_t
tunable(const char *name)
{
	char line[100];
	json_int_t value;
	json_t *reply;

	snprintf(line, sizeof(line), "{\"cmd\":\"get\",\"args\":{\"name\":\"%s\"}}", name);
	reply = ask(line);
	value = json_integer_value(
		json_object_get(json_array_get(json_object_get(reply, "tunables"), 0), "value"));
	json_decref(reply);
	return value;
}

static void
set_reaches_every_worker(void **state)
{
	json_t *reply;

	(void)state;
	assert_int_equal(tunable("tcp_fin_timeout"), 60);
	reply = ask("{\"cmd\":\"set\",\"args\":{\"name\":\"tcp_fin_timeout\",\"value\":\"2m\"}}");
	assert_string_equal(error_code(reply), "none");
	json_decref(reply);
	reply = ask("{\"cmd\":\"set\",\"args\":{\"name\":\"tcp_sack\",\"value\":false}}");
	assert_string_equal(error_code(reply), "none");
	json_decref(reply);
	assert_int_equal(tunable("tcp_fin_timeout"), 120);
	assert_int_equal(fake.worker_tunables[1].tcp_fin_timeout, 60);
	fake_backend_turn(&fake);
	assert_int_equal(fake.worker_tunables[0].tcp_fin_timeout, 120);
	assert_int_equal(fake.worker_tunables[1].tcp_fin_timeout, 120);
	assert_int_equal(fake.worker_tunables[1].tcp_sack, 0);
}

static void
set_changes_nothing_while_workers_do_not_listen(void **state)
{
	json_t *reply;
	unsigned int i;

	(void)state;
	fake.workers_asleep = true;
	for (i = 0; i < MAIL_ORDERS_MAX; i++)
		json_decref(ask("{\"cmd\":\"set\",\"args\":{\"name\":\"tcp_sack\",\"value\":0}}"));
	reply = ask("{\"cmd\":\"set\",\"args\":{\"name\":\"tcp_sack\",\"value\":1}}");
	assert_string_equal(error_code(reply), CTL_E_BUSY);
	json_decref(reply);
	assert_int_equal(fake.tunables.tcp_sack, 0);
}

static void
drain_and_stop_reach_the_daemon(void **state)
{
	(void)state;
	json_decref(ask("{\"cmd\":\"drain\"}"));
	fake_backend_turn(&fake);
	assert_int_equal(fake.draining, FAKE_WORKERS);
	json_decref(ask("{\"cmd\":\"stop\"}"));
	assert_int_equal(fake.stopping, 1);
}

static void
listeners_are_summed_over_the_workers(void **state)
{
	json_t *reply = ask("{\"cmd\":\"show listeners\",\"id\":4}");
	json_t *list = json_object_get(reply, "listeners");
	json_t *row = json_array_get(list, 1);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(reply, "id")), 4);
	assert_int_equal(json_array_size(list), 2);
	assert_string_equal(json_string_value(json_object_get(row, "service")), "http");
	assert_string_equal(json_string_value(json_object_get(row, "local")), "any");
	assert_int_equal(json_integer_value(json_object_get(row, "accept_limit")), 4096);
	assert_int_equal(json_integer_value(json_object_get(row, "accept_queue")), 2);
	assert_int_equal(json_integer_value(json_object_get(row, "accepted")), 2000);
	row = json_object_get(row, "syn_drops");
	assert_int_equal(json_integer_value(json_object_get(row, "syn_queue_full")), 2);
	assert_int_equal(json_integer_value(json_object_get(row, "syn_early_drop")), 4);
	assert_int_equal(json_integer_value(json_object_get(row, "syn_accept_full")), 6);
	assert_int_equal(json_integer_value(json_object_get(row, "syn_source_limits")), 8);
	json_decref(reply);
}

static void
listeners_can_be_seen_worker_by_worker(void **state)
{
	json_t *reply = ask("{\"cmd\":\"show listeners\",\"args\":{\"cores\":true}}");
	json_t *list = json_object_get(reply, "listeners");
	json_t *row = json_array_get(list, 1);

	(void)state;
	assert_int_equal(json_array_size(list), 2);
	assert_true(json_is_true(json_object_get(reply, "more")));
	assert_int_equal(json_integer_value(json_object_get(row, "worker")), 0);
	assert_int_equal(json_integer_value(json_object_get(row, "accept_limit")), 2048);
	json_decref(reply);
	reply = next_line();
	row = json_array_get(json_object_get(reply, "listeners"), 0);
	assert_int_equal(json_integer_value(json_object_get(row, "worker")), 1);
	row = json_object_get(row, "syn_drops");
	assert_int_equal(json_integer_value(json_object_get(row, "syn_early_drop")), 2);
	assert_true(json_is_false(json_object_get(reply, "more")));
	json_decref(reply);
}

/* Rows of a whole listing; lines counts its lines. */
static size_t
list_connections(const char *line, unsigned int *lines)
{
	size_t rows = 0;
	bool more = true;

	*lines = 0;
	request(line);
	while (more) {
		json_t *reply;

		if (ctl_buf_len(&out) == 0) {
			assert_non_null(session.listing);
			fake_backend_turn(&fake);
			mail_collect(&fake.hub);
			ctl_session_step(&session, true, &out);
			continue;
		}
		reply = next_line();
		more = json_is_true(json_object_get(reply, "more"));
		assert_true(json_array_size(json_object_get(reply, "connections")) <= CTL_ROWS_MAX);
		rows += json_array_size(json_object_get(reply, "connections"));
		(*lines)++;
		json_decref(reply);
	}
	assert_null(session.listing);
	return rows;
}

static void
c09_connections_come_in_slices(void **state)
{
	unsigned int lines;

	(void)state;
	assert_int_equal(list_connections("{\"cmd\":\"show connections\"}", &lines), 6);
	fake.conn_count = 1000;
	assert_int_equal(list_connections("{\"cmd\":\"show connections\"}", &lines), 2000);
	assert_true(lines >= 8);
	fake.conn_count = 0;
	assert_int_equal(list_connections("{\"cmd\":\"show connections\"}", &lines), 0);
	assert_int_equal(lines, 1);
}

static void
connections_are_filtered(void **state)
{
	unsigned int lines;

	(void)state;
	fake.conn_count = 1000;
	assert_int_equal(list_connections("{\"cmd\":\"show connections\","
					  "\"args\":{\"state\":\"time-wait\"}}",
				 &lines),
		2);
	assert_int_equal(
		list_connections(
			"{\"cmd\":\"show connections\",\"args\":{\"port\":\"77\"}}", &lines),
		2);
	assert_int_equal(
		list_connections("{\"cmd\":\"show connections\",\"args\":{\"port\":80}}", &lines),
		2000);
	assert_int_equal(
		list_connections("{\"cmd\":\"show connections\",\"args\":{\"limit\":300}}", &lines),
		300);
}

/* The message of the error that answers a connection listing with this argument. */
static void
filter_is_refused(const char *name, const char *value)
{
	char line[200];
	json_t *reply;

	snprintf(line, sizeof(line),
		"{\"cmd\":\"show connections\",\"args\":{\"%s\":\"%s\"}}", name, value);
	reply = ask(line);
	assert_string_equal(error_code(reply), CTL_E_BAD_ARGUMENT);
	json_decref(reply);
}

static void
connections_are_filtered_by_their_ends(void **state)
{
	static const struct {
		const char *local, *remote;
		size_t rows; /* of both workers */
	} rows[] = {
		{ ":80", "192.0.2.9:77", 2 },
		{ "192.0.2.1:80", "192.0.2.9:77", 2 },
		{ "192.0.2.1", "192.0.2.9", 2000 },
		{ "*:80", "*:77", 2 },
		{ "192.0.2.1:81", "192.0.2.9", 0 },
		{ "192.0.2.2:80", "192.0.2.9", 0 },
		{ "[2001:db8::1]:80", "192.0.2.9", 0 },
		{ "2001:db8::1", "192.0.2.9", 0 },
		{ "192.0.2.1", "[2001:db8::9]", 0 },
	};
	static const char *const bad[] = { "", ":", ":0", ":65536", "*", "192.0.2.1:", "192.0.2",
		"[2001:db8::1", "[2001:db8::1]x", "[192.0.2.1]:x", "host:80", "[]:80:" };
	unsigned int lines;
	size_t i;

	(void)state;
	fake.conn_count = 1000;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char line[200];

		snprintf(line, sizeof(line),
			"{\"cmd\":\"show connections\","
			"\"args\":{\"local\":\"%s\",\"remote\":\"%s\"}}",
			rows[i].local, rows[i].remote);
		if (list_connections(line, &lines) != rows[i].rows)
			fail_msg("row %zu", i);
	}
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		filter_is_refused("local", bad[i]);
		filter_is_refused("remote", bad[i]);
	}
}

static void
info_has_what_ss_has(void **state)
{
	json_t *reply = ask("{\"cmd\":\"show connections\",\"args\":{\"info\":true}}");
	json_t *row = json_array_get(json_object_get(reply, "connections"), 0);

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(row, "rcv_mss")), 536);
	assert_true(json_is_true(json_object_get(row, "ts")));
	assert_true(json_is_true(json_object_get(row, "ecn")));
	assert_string_equal(json_string_value(json_object_get(row, "ca_state")), "recovery");
	assert_int_equal(json_integer_value(json_object_get(row, "pmtu")), 1512);
	assert_int_equal(json_integer_value(json_object_get(row, "not_sent")), 99);
	assert_int_equal(json_integer_value(json_object_get(row, "rcv_wscale")), 8);
	assert_int_equal(json_integer_value(json_object_get(row, "ato_ms")), 40);
	assert_int_equal(json_integer_value(json_object_get(row, "sent_idle_ms")), 56);
	assert_int_equal(json_integer_value(json_object_get(row, "backoff")), 1);
	assert_string_equal(json_string_value(json_object_get(row, "limited_by")), "rwnd");
	assert_int_equal(json_integer_value(json_object_get(row, "acked_mod_4gi")), 123456);
	json_decref(reply);
	ctl_buf_drop(&out, ctl_buf_len(&out));
	reply = ask("{\"cmd\":\"show connections\"}");
	row = json_array_get(json_object_get(reply, "connections"), 0);
	assert_null(json_object_get(row, "rcv_mss"));
	json_decref(reply);
}

static void
c05_a_listing_goes_on_only_when_it_may_send(void **state)
{
	(void)state;
	fake.conn_count = 1000;
	request("{\"cmd\":\"show connections\"}");
	assert_int_equal(ctl_session_step(&session, true, &out), CTL_STEP_WAIT);
	fake_backend_turn(&fake);
	mail_collect(&fake.hub);
	assert_int_equal(ctl_session_step(&session, false, &out), CTL_STEP_WAIT);
	assert_int_equal(ctl_buf_len(&out), 0);
	assert_int_equal(ctl_session_step(&session, false, &out), CTL_STEP_WAIT);
	assert_int_equal(ctl_buf_len(&out), 0);
	assert_int_equal(ctl_session_step(&session, true, &out), CTL_STEP_WAIT);
	assert_true(ctl_buf_len(&out) > 0);
}

static void
c06_a_listing_given_up_leaves_no_message_behind(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < 3 * MAIL_LISTINGS_MAX; i++) {
		unsigned int lines;

		request("{\"cmd\":\"show connections\"}");
		ctl_session_step(&session, true, &out);
		ctl_session_fini(&session);
		fake_backend_turn(&fake);
		mail_collect(&fake.hub);
		assert_int_equal(list_connections("{\"cmd\":\"show connections\"}", &lines), 6);
	}
}

static void
c10_the_longest_row_fits_a_line(void **state)
{
	/* 256 rows of the largest figures stay below what the server keeps free for an answer. */
	unsigned int lines;

	(void)state;
	fake.conn_count = CTL_ROWS_MAX;
	fake.use_largest = true;
	assert_int_equal(list_connections("{\"cmd\":\"show connections\",\"id\":1}", &lines),
		2 * CTL_ROWS_MAX);
	assert_int_equal(lines, 2);
	assert_int_equal(list_connections("{\"cmd\":\"show connections\","
					  "\"args\":{\"info\":true},\"id\":1}",
				 &lines),
		2 * CTL_ROWS_MAX);
	assert_int_equal(lines, 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(c03_bad_requests_are_answered_by_errors),
		TEST(tcp_tw_recycle_is_refused_with_the_reason),
		TEST(c03_nesting_is_counted_before_it_is_parsed),
		TEST(c11_what_is_unknown_is_ignored_but_for_commands),
		TEST(c01_each_command_asks_for_its_role),
		TEST(drops_add_up_to_what_was_received),
		TEST(a_drop_has_its_age),
		TEST(counters_hide_zeros_unless_asked),
		TEST(stats_cores_ports_and_config_have_their_figures),
		TEST(set_reaches_every_worker),
		TEST(set_changes_nothing_while_workers_do_not_listen),
		TEST(drain_and_stop_reach_the_daemon),
		TEST(listeners_are_summed_over_the_workers),
		TEST(listeners_can_be_seen_worker_by_worker),
		TEST(c09_connections_come_in_slices),
		TEST(connections_are_filtered),
		TEST(connections_are_filtered_by_their_ends),
		TEST(info_has_what_ss_has),
		TEST(c05_a_listing_goes_on_only_when_it_may_send),
		TEST(c06_a_listing_given_up_leaves_no_message_behind),
		TEST(c10_the_longest_row_fits_a_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
