/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints what the daemon counts in the text format of Prometheus. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client.h"
#include "ctl/commands.h"
#include "ctl/protocol.h"
#include "run.h"
#include "view.h"

/*
 * Labels have values of bounded sets only: reasons, states, workers, ports, services. Nothing is
 * named after a peer, so no peer can make the number of series grow.
 */
#define PATH_MAX_LEN 4096
#define LABEL_LEN 256

/* A value that is a member of a row: "busy_ns", or "rx.packets". */
struct metric {
	const char *name;
	const char *member;
	const char *type; /* counter or gauge */
	const char *label; /* with the value below, beside the row's own; NULL: none */
	const char *value;
	const char *help; /* NULL: of the family before */
	double scale;
};

#define MICRO 1e-6
#define NANO 1e-9

static const struct metric port_metrics[] = {
	{ "sluice_rx_packets_total", "rx_packets", "counter", NULL, NULL,
		"Frames the port received.", 1 },
	{ "sluice_rx_bytes_total", "rx_octets", "counter", NULL, NULL, "Bytes of them.", 1 },
	{ "sluice_tx_packets_total", "tx_packets", "counter", NULL, NULL, "Frames the port sent.",
		1 },
	{ "sluice_tx_bytes_total", "tx_octets", "counter", NULL, NULL, "Bytes of them.", 1 },
	{ "sluice_port_missed_total", "rx_missed", "counter", "why", "queue_full",
		"Frames the port lost before a worker saw them.", 1 },
	{ "sluice_port_missed_total", "rx_nobuf", "counter", "why", "no_buffer", NULL, 1 },
	{ "sluice_port_errors_total", "rx_errors", "counter", "direction", "rx",
		"Frames with errors.", 1 },
	{ "sluice_port_errors_total", "tx_errors", "counter", "direction", "tx", NULL, 1 },
};

static const struct metric core_metrics[] = {
	{ "sluice_core_busy_seconds_total", "busy_ns", "counter", NULL, NULL,
		"Time in loops that had work.", NANO },
	{ "sluice_core_idle_seconds_total", "idle_ns", "counter", NULL, NULL,
		"Time in the others, sleep included.", NANO },
	{ "sluice_core_loop_max_seconds", "loop_max_us", "gauge", NULL, NULL,
		"Longest loop since the start.", MICRO },
	{ "sluice_core_stalls_total", "stalls", "counter", NULL, NULL,
		"Loops of 1 ms and more; most often something else had the CPU.", 1 },
	{ "sluice_core_stalled_seconds_total", "stalled_ns", "counter", NULL, NULL,
		"Time in these.", NANO },
	{ "sluice_core_connections", "connections", "gauge", NULL, NULL, "Connections.", 1 },
	{ "sluice_core_handover_drops_total", "handover_drops", "counter", NULL, NULL,
		"Packets lost on the way to another worker.", 1 },
	{ "sluice_core_packet_buffers_free", "packets_free", "gauge", NULL, NULL,
		"Packet buffers of a worker's part of the pool that are free.", 1 },
};

static const struct metric listener_metrics[] = {
	{ "sluice_listener_accept_queue", "accept_queue", "gauge", NULL, NULL,
		"Connections that wait to be accepted.", 1 },
	{ "sluice_listener_accept_queue_limit", "accept_limit", "gauge", NULL, NULL,
		"How many may.", 1 },
	{ "sluice_listener_syn_queue", "syn_queue", "gauge", NULL, NULL, "Half-open connections.",
		1 },
	{ "sluice_listener_syn_queue_limit", "syn_limit", "gauge", NULL, NULL, "How many may be.",
		1 },
	{ "sluice_listener_accepted_total", "accepted", "counter", NULL, NULL,
		"Connections accepted.", 1 },
	{ "sluice_listener_overflows_total", "accept_overflows", "counter", NULL, NULL,
		"Handshakes that met a full accept queue.", 1 },
};

static const struct metric stats_metrics[] = {
	{ "sluice_syn_cookies_total", "tcp.cookies_sent", "counter", "result", "sent",
		"SYN cookies sent, and ACKs with one that was valid or was not.", 1 },
	{ "sluice_syn_cookies_total", "tcp.cookies_valid", "counter", "result", "valid", NULL, 1 },
	{ "sluice_syn_cookies_total", "tcp.cookies_invalid", "counter", "result", "invalid", NULL,
		1 },
	{ "sluice_received_packets_total", "rx.packets", "counter", NULL, NULL,
		"Packets the workers received.", 1 },
	{ "sluice_packet_buffers_in_use", "memory.packets_in_use", "gauge", NULL, NULL,
		"Packet buffers held by connections and queues.", 1 },
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* The text of a label's value, or of HELP, where '"' needs no escape but gets none either. */
static const char *
escaped(const char *text, char out[LABEL_LEN])
{
	size_t used = 0;

	for (; text != NULL && *text != '\0' && used + 3 < LABEL_LEN; text++) {
		if (*text == '\\' || *text == '"' || *text == '\n')
			out[used++] = '\\';
		out[used] = *text;
		if (*text == '\n')
			out[used] = 'n';
		used++;
	}
	out[used] = '\0';
	return out;
}

static void
family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void
value_print(FILE *out, const struct metric *m, const json_t *row)
{
	char path[64];
	char *member = path, *rest;
	double value;

	snprintf(path, sizeof(path), "%s", m->member);
	while ((rest = strchr(member, '.')) != NULL) {
		*rest = '\0';
		row = json_object_get(row, member);
		member = rest + 1;
	}
	value = (double)json_integer_value(json_object_get(row, member)) * m->scale;
	fprintf(out, m->scale < 1 ? " %.6f\n" : " %.0f\n", value);
}

/* Each metric of a table, for each row of a list; label: of the row, such as port="wan0". */
static void
rows_print(FILE *out, const struct metric *table, size_t count, const json_t *list,
	const char *label, const char *member)
{
	size_t i, j;

	for (i = 0; i < count; i++) {
		const struct metric *m = &table[i];

		if (m->help != NULL)
			family(out, m->name, m->type, m->help);
		for (j = 0; j < json_array_size(list); j++) {
			const json_t *row = json_array_get(list, j);
			const json_t *name = json_object_get(row, member);
			char text[LABEL_LEN];

			fprintf(out, "%s{%s=\"", m->name, label);
			if (json_is_string(name))
				fputs(escaped(json_string_value(name), text), out);
			else
				fprintf(out, "%lld", (long long)json_integer_value(name));
			fputc('"', out);
			if (m->label != NULL)
				fprintf(out, ",%s=\"%s\"", m->label, m->value);
			fputc('}', out);
			value_print(out, m, row);
		}
	}
}

/* One row, whose metrics have no label but their own. */
static void
stats_print(FILE *out, const json_t *answer)
{
	json_t *states = json_object_get(answer, "states");
	const char *name;
	json_t *value;
	size_t i;

	for (i = 0; i < COUNT(stats_metrics); i++) {
		const struct metric *m = &stats_metrics[i];

		if (m->help != NULL)
			family(out, m->name, m->type, m->help);
		fputs(m->name, out);
		if (m->label != NULL)
			fprintf(out, "{%s=\"%s\"}", m->label, m->value);
		value_print(out, m, answer);
	}
	family(out, "sluice_tcp_connections", "gauge", "Connections by state.");
	json_object_foreach(states, name, value)
	{
		char text[LABEL_LEN];

		fprintf(out, "sluice_tcp_connections{state=\"%s\"} %lld\n", escaped(name, text),
			(long long)json_integer_value(value));
	}
	family(out, "sluice_uptime_seconds", "gauge", "Time since the daemon's start.");
	fprintf(out, "sluice_uptime_seconds %lld\n",
		(long long)view_int(answer, "uptime_s", NULL));
}

static void
drops_print(FILE *out, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "drops");
	size_t i;

	family(out, "sluice_drops_total", "counter",
		"Received packets that were dropped, each for one reason.");
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		char text[LABEL_LEN];

		fprintf(out, "sluice_drops_total{reason=\"%s\"} %lld\n",
			escaped(json_string_value(json_object_get(row, "reason")), text),
			(long long)view_int(row, "packets", NULL));
	}
}

/* Linux's names keep their spelling as a label: as names they would be no names of Prometheus. */
static void
counters_print(FILE *out, const json_t *answer)
{
	static const char *const names[] = { "sluice_netstat_total", "sluice_netstat" };
	const json_t *list = json_object_get(answer, "counters");
	size_t i;
	int gauge;

	for (gauge = 0; gauge <= 1; gauge++) {
		family(out, names[gauge], gauge ? "gauge" : "counter",
			gauge ? "Gauges by the names of sluicectl nstat."
			      : "Counters by the names of sluicectl nstat.");
		for (i = 0; i < json_array_size(list); i++) {
			const json_t *row = json_array_get(list, i);
			char text[LABEL_LEN];

			if (json_is_true(json_object_get(row, "gauge")) != gauge)
				continue;
			fprintf(out, "%s{name=\"%s\"} %lld\n", names[gauge],
				escaped(json_string_value(json_object_get(row, "name")), text),
				(long long)view_int(row, "value", NULL));
		}
	}
}

static void
version_print(FILE *out, const json_t *answer)
{
	char text[LABEL_LEN];

	family(out, "sluice_build_info", "gauge", "Always 1; the version is a label.");
	fprintf(out, "sluice_build_info{version=\"%s\"} 1\n",
		escaped(json_string_value(json_object_get(answer, "version")), text));
}

static void
ports_print(FILE *out, const json_t *answer)
{
	const json_t *list = json_object_get(answer, "ports");
	size_t i;

	rows_print(out, port_metrics, COUNT(port_metrics), list, "port", "name");
	family(out, "sluice_port_up", "gauge", "1 if the port has a link.");
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const char *link = json_string_value(json_object_get(row, "link"));
		char text[LABEL_LEN];

		fprintf(out, "sluice_port_up{port=\"%s\"} %d\n",
			escaped(json_string_value(json_object_get(row, "name")), text),
			link != NULL && strcmp(link, "up") == 0);
	}
}

static void
cores_print(FILE *out, const json_t *answer)
{
	rows_print(out, core_metrics, COUNT(core_metrics), json_object_get(answer, "cores"), "core",
		"worker");
}

static void
listeners_print(FILE *out, const json_t *answer)
{
	rows_print(out, listener_metrics, COUNT(listener_metrics),
		json_object_get(answer, "listeners"), "service", "service");
}

/* --- asking --------------------------------------------------------------------------------- */

static const struct {
	unsigned int command;
	const char *args; /* in JSON, or NULL */
	void (*print)(FILE *out, const json_t *answer);
} parts[] = {
	{ CTL_COMMAND_show_version, NULL, version_print },
	{ CTL_COMMAND_show_stats, NULL, stats_print },
	{ CTL_COMMAND_show_drops, "{\"all\":true}", drops_print },
	{ CTL_COMMAND_show_ports, NULL, ports_print },
	{ CTL_COMMAND_show_cores, NULL, cores_print },
	{ CTL_COMMAND_show_listeners, NULL, listeners_print },
	{ CTL_COMMAND_show_counters, "{\"all\":true}", counters_print },
};

static int
parts_print(struct client *c, FILE *out, struct failure *f)
{
	size_t i;

	for (i = 0; i < COUNT(parts); i++) {
		json_t *args =
			parts[i].args != NULL ? json_loads(parts[i].args, 0, NULL) : NULL;
		json_t *answer;

		if (client_ask(c, ctl_command(parts[i].command)->name, args, f) != 0)
			return f->exit_code;
		answer = client_answer_whole(c, f);
		if (answer == NULL)
			return f->exit_code;
		parts[i].print(out, answer);
		json_decref(answer);
	}
	return 0;
}

/* A reader finds the old text or the new one, never a part. */
static int
file_replace(const char *path, const char *text, size_t len, struct failure *f)
{
	char fresh[PATH_MAX_LEN];
	FILE *file;
	bool is_good;

	if (snprintf(fresh, sizeof(fresh), "%s.%ld", path, (long)getpid()) >= (int)sizeof(fresh))
		return failure_set(f, EXIT_USAGE, "E_USAGE", NULL, "--output is too long");
	file = fopen(fresh, "wx");
	if (file == NULL)
		return failure_set(f, EXIT_REFUSED, "E_OUTPUT", NULL, "cannot write %s: %s", fresh,
			strerror(errno));
	is_good = fwrite(text, 1, len, file) == len;
	is_good = fclose(file) == 0 && is_good && rename(fresh, path) == 0;
	if (is_good)
		return 0;
	failure_set(f, EXIT_REFUSED, "E_OUTPUT", NULL, "cannot write %s: %s", path,
		strerror(errno));
	unlink(fresh);
	return f->exit_code;
}

/* For whoever asks for JSON everywhere: the same text in an object. */
static void
print_json(const char *text)
{
	json_t *object = json_object();

	json_object_set_new(object, "schema_version", json_integer(CTL_SCHEMA_VERSION));
	json_object_set_new(object, "content_type", json_string("text/plain; version=0.0.4"));
	json_object_set_new(object, "text", json_string(text));
	cli_print_json(object);
	json_decref(object);
}

int
run_metrics(const struct cli *cli, struct client *c, const json_t *args, struct failure *f)
{
	const char *path = json_string_value(json_object_get(args, "output"));
	char *text = NULL;
	size_t len = 0;
	FILE *out;
	int code;

	out = open_memstream(&text, &len);
	if (out == NULL)
		abort();
	code = parts_print(c, out, f);
	if (fclose(out) != 0)
		abort();
	if (code == 0 && path != NULL)
		code = file_replace(path, text, len, f);
	else if (code == 0 && cli_wants_json(cli))
		print_json(text);
	else if (code == 0)
		(void)fwrite(text, 1, len, stdout);
	free(text);
	return code;
}
