/* SPDX-License-Identifier: BSD-3-Clause */
/* Views of listeners and connections. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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
	{ "CORE", true, false },
	{ "SERVICE", false, false },
	{ "LOCAL", false, false },
	{ "RECV-Q", true, false },
	{ "SEND-Q", true, false },
	{ "SYN-Q", true, false },
	{ "SYN-MAX", true, false },
	{ "COOKIES", false, false },
	{ "SENT", true, false },
	{ "VALID", true, false },
	{ "INVALID", true, false },
	{ "ACCEPTED", true, false },
	{ "OVERFLOWS", true, false },
	{ "DROP-SYNQ", true, false },
	{ "DROP-EARLY", true, false },
	{ "DROP-ACCEPT", true, false },
	{ "DROP-SOURCE", true, false },
	{ "TFO", true, false },
	{ "TFO-OK", true, false },
	{ "TFO-FAIL", true, false },
};

/* As ss -ltn has it: what waits for accept, and how many may. The core only if rows have one. */
void
view_listeners_begin(struct table *t, const struct cli *cli, const json_t *args)
{
	bool by_core = json_is_true(json_object_get(args, "cores"));

	table_init(t, cli, listener_columns + !by_core,
		sizeof(listener_columns) / sizeof(listener_columns[0]) - !by_core);
}

static void
put_cookie_mode(struct table *t, const json_t *row)
{
	static const char *const modes[] = { "off", "if-full", "always" };
	json_int_t mode = view_int(row, "syncookies", NULL);

	table_text(t, mode >= 0 && mode <= 2 ? modes[mode] : "?");
}

/* Pending of what may be, and what became of SYNs with a cookie. */
static void
put_fastopen(struct table *t, const json_t *row)
{
	if (json_is_true(json_object_get(row, "fastopen")))
		table_printf(t, "%lld/%lld", (long long)view_int(row, "fastopen_pending", NULL),
			(long long)view_int(row, "fastopen_limit", NULL));
	else
		table_text(t, NULL);
	table_json(t, json_object_get(row, "fastopen_opened"));
	table_json(t, json_object_get(row, "fastopen_failed"));
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
		"syn_source_limits", NULL };
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
		put_fastopen(t, row);
	}
	table_flush(t);
}

static const struct table_column conn_columns[] = {
	{ "STATE", false, false },
	{ "RECV-Q", true, false },
	{ "SEND-Q", true, false },
	{ "LOCAL", false, false },
	{ "REMOTE", false, false },
	{ "RTT", true, false },
	{ "CWND", true, false },
	{ "CC", false, false },
	{ "RETRANS", true, false },
	{ "TIMER", true, false },
	{ "INFO", false, true },
};

void
view_connections_begin(struct table *t, const struct cli *cli, const json_t *args)
{
	bool with_info = json_is_true(json_object_get(args, "info"));

	table_init(t, cli, conn_columns, 10 + with_info);
}

/* " name:value" if there is a value to speak of. */
static void
put_figure(FILE *out, const json_t *row, const char *title, const char *name)
{
	const json_t *value = json_object_get(row, name);

	if (json_integer_value(value) > 0)
		fprintf(out, " %s:%lld", title, (long long)json_integer_value(value));
}

/* Bytes in full segments, which is what ss counts. */
static json_int_t
segments(const json_t *row, const char *name)
{
	json_int_t mss = view_int(row, "mss", NULL);

	return mss > 0 ? (view_int(row, name, NULL) + mss - 1) / mss : 0;
}

static void
put_segments(FILE *out, const json_t *row, const char *title, const char *name)
{
	if (segments(row, name) > 0)
		fprintf(out, " %s:%lld", title, (long long)segments(row, name));
}

static void
put_round_trip(FILE *out, const json_t *row)
{
	json_int_t srtt = view_int(row, "srtt_us", NULL);
	json_int_t mss = view_int(row, "mss", NULL);
	json_int_t ssthresh = view_int(row, "ssthresh", NULL);

	put_figure(out, row, "rto", "rto_ms");
	put_figure(out, row, "backoff", "backoff");
	if (srtt > 0)
		fprintf(out, " rtt:%.3f/%.3f", (double)srtt / 1e3,
			(double)view_int(row, "rttvar_us", NULL) / 1e3);
	put_figure(out, row, "ato", "ato_ms");
	put_figure(out, row, "mss", "mss");
	put_figure(out, row, "pmtu", "pmtu");
	put_figure(out, row, "rcvmss", "rcv_mss");
	put_figure(out, row, "advmss", "adv_mss");
	/* In segments, as ss has them; without a loss there is no threshold yet. */
	if (mss > 0 && view_int(row, "cwnd", NULL) > 0)
		fprintf(out, " cwnd:%lld", (long long)(view_int(row, "cwnd", NULL) / mss));
	if (mss > 0 && ssthresh > 0 && ssthresh < INT32_MAX)
		fprintf(out, " ssthresh:%lld", (long long)(ssthresh / mss));
}

static void
put_bps(FILE *out, const char *title, double bps)
{
	if (bps >= 1e9)
		fprintf(out, "%s%.2fGbps", title, bps / 1e9);
	else if (bps >= 1e6)
		fprintf(out, "%s%.2fMbps", title, bps / 1e6);
	else if (bps > 0)
		fprintf(out, "%s%.0fbps", title, bps);
}

/* The speed that window and round trip allow, as ss computes it. */
static void
put_speed(FILE *out, const json_t *row)
{
	json_int_t srtt = view_int(row, "srtt_us", NULL);

	if (srtt > 0)
		put_bps(out, " send:", (double)view_int(row, "cwnd", NULL) * 8e6 / (double)srtt);
}

/* Of who is paced, and the most that is allowed, as ss has it. */
static void
put_pacing(FILE *out, const json_t *row)
{
	put_bps(out, " pacing_rate ", (double)view_int(row, "pacing_rate_bps", NULL));
	put_bps(out, "/", (double)view_int(row, "max_pacing_rate_bps", NULL));
}

/* How it repairs losses, if it does. */
static void
put_recovery(FILE *out, const json_t *row)
{
	const char *state = view_text(row, "ca_state");

	if (state != NULL && strcmp(state, "open") != 0)
		fprintf(out, " ca:%s", state);
	put_segments(out, row, "unacked", "in_flight");
	if (view_int(row, "retrans", NULL) > 0)
		fprintf(out, " retrans:%lld/%lld", (long long)segments(row, "sent_again"),
			(long long)view_int(row, "retrans", NULL));
	put_segments(out, row, "lost", "lost");
	put_segments(out, row, "sacked", "sacked");
	fputs(json_is_true(json_object_get(row, "reordering")) ? " reordering" : "", out);
}

/* What a daemon counts that was built for it, in the order of ss. */
static void
put_counts(FILE *out, const json_t *row)
{
	put_figure(out, row, "bytes_sent", "bytes_sent");
	put_figure(out, row, "bytes_retrans", "bytes_retrans");
	put_figure(out, row, "segs_out", "segs_out");
	put_figure(out, row, "segs_in", "segs_in");
	put_figure(out, row, "data_segs_out", "data_segs_out");
	put_figure(out, row, "data_segs_in", "data_segs_in");
}

/* As ss: nothing where it is nothing. */
static void
put_ms(FILE *out, const json_t *row, const char *name, const char *key)
{
	long long us = (long long)view_int(row, key, NULL);

	if (us > 0)
		fprintf(out, " %s:%lldms", name, us / 1000);
}

static void
put_deliveries(FILE *out, const json_t *row)
{
	put_figure(out, row, "delivered", "delivered");
	put_figure(out, row, "delivered_ce", "delivered_ce");
	put_ms(out, row, "busy", "busy_us");
	put_ms(out, row, "rwnd_limited", "rwnd_limited_us");
	put_ms(out, row, "sndbuf_limited", "sndbuf_limited_us");
	put_ms(out, row, "rcv_rtt", "rcv_rtt_us");
	put_figure(out, row, "dsack_dups", "dsack_dups");
	put_figure(out, row, "reord_seen", "reord_seen");
	put_figure(out, row, "rcv_ooopack", "rcv_ooopack");
}

/* What sending waits for: app_limited is ss's word. */
static void
put_limit(FILE *out, const json_t *row)
{
	const char *limit = view_text(row, "limited_by");

	if (limit == NULL || strcmp(limit, "none") == 0)
		return;
	fprintf(out, " %s_limited", limit);
}

/* The words of ss -tin, in its order; more figures of a connection go where ss has them. */
static void
put_info(struct table *t, const json_t *row)
{
	const char *cc = view_text(row, "cc");
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (out == NULL)
		return;
	fputs(json_is_true(json_object_get(row, "ts")) ? " ts" : "", out);
	fputs(json_is_true(json_object_get(row, "sack")) ? " sack" : "", out);
	fputs(json_is_true(json_object_get(row, "ecn")) ? " ecn" : "", out);
	fprintf(out, "%s%s", cc != NULL ? " " : "", cc != NULL ? cc : "");
	if (view_int(row, "snd_wscale", NULL) > 0 || view_int(row, "rcv_wscale", NULL) > 0)
		fprintf(out, " wscale:%lld,%lld", (long long)view_int(row, "snd_wscale", NULL),
			(long long)view_int(row, "rcv_wscale", NULL));
	put_round_trip(out, row);
	put_figure(out, row, "acked(mod-4Gi)", "acked_mod_4gi");
	put_figure(out, row, "received(mod-4Gi)", "received_mod_4gi");
	put_counts(out, row);
	put_speed(out, row);
	put_figure(out, row, "lastsnd", "sent_idle_ms");
	put_figure(out, row, "lastrcv", "data_idle_ms");
	put_figure(out, row, "lastack", "idle_ms");
	put_pacing(out, row);
	put_bps(out, " delivery_rate ", (double)view_int(row, "delivery_rate_bps", NULL));
	put_recovery(out, row);
	put_figure(out, row, "notsent", "not_sent");
	put_limit(out, row);
	put_figure(out, row, "probes", "probes");
	put_deliveries(out, row);
	if (view_int(row, "min_rtt_us", NULL) > 0)
		fprintf(out, " minrtt:%.3f", (double)view_int(row, "min_rtt_us", NULL) / 1e3);
	put_figure(out, row, "snd_wnd", "snd_wnd");
	put_figure(out, row, "rcv_wnd", "rcv_wnd");
	put_figure(out, row, "rcvbuf", "rcvbuf");
	put_figure(out, row, "sndbuf", "sndbuf");
	put_figure(out, row, "memory", "memory");
	if (json_is_true(json_object_get(row, "orphan")))
		fputs(" orphan", out);
	(void)fclose(out);
	table_text(t, text[0] == ' ' ? text + 1 : NULL);
	free(text);
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
		if (t->column_count == 11)
			put_info(t, row);
	}
	table_flush(t);
}
