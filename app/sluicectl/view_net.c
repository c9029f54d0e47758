/* SPDX-License-Identifier: BSD-3-Clause */
/* Views of workers and ports. */
#include <stdio.h>
#include <string.h>

#include "ctl/text.h"
#include "view_int.h"

static json_int_t
grown(const json_t *before, const json_t *row, const char *name)
{
	return view_int(row, name, NULL) - view_int(before, name, NULL);
}

/* The share of its time that a worker spent so. */
static void
put_share(struct table *t, const json_t *before, const json_t *row, const char *name)
{
	json_int_t all = grown(before, row, "busy_ns") + grown(before, row, "idle_ns");

	if (all > 0)
		table_printf(t, "%lld%%", (long long)(100 * grown(before, row, name) / all));
	else
		table_text(t, "?");
}

/* How long packets stayed, in microseconds: "0.8". An older daemon does not say. */
static void
put_residence(struct table *t, const json_t *residence)
{
	json_int_t ns = view_int(residence, "p99_ns", NULL);

	if (view_int(residence, "packets", NULL) == 0)
		table_text(t, NULL);
	else
		table_printf(t, "%lld.%lld", (long long)(ns / 1000), (long long)(ns % 1000 / 100));
}

/* "99,999", "117k", "1.20M": four of them and the rest have 80 columns. --json has all digits. */
static void
put_short_rate(struct table *t, json_int_t rate)
{
	if (rate < 0)
		table_text(t, "?");
	else if (rate < 100000)
		table_number(t, rate);
	else if (rate < 1000000)
		table_printf(t, "%lldk", (long long)(rate / 1000));
	else
		table_printf(t, "%lld.%02lldM", (long long)(rate / 1000000),
			(long long)(rate % 1000000 / 10000));
}

void
view_cores(const struct cli *cli, const struct view_data *data)
{
	static const struct table_column columns[] = {
		{ "CORE", true, false },
		{ "CPU", true, false },
		{ "BUSY", true, false },
		{ "STALL", true, false },
		{ "RX-PPS", true, false },
		{ "TX-PPS", true, false },
		{ "DROP/s", true, false },
		{ "HAND/s", true, false },
		{ "CONNS", true, false },
		{ "P99-us", true, false },
		{ "FREE", true, false },
	};
	static const char *const rates[] = { "rx_packets", "tx_packets", "dropped", "handover_in" };
	const json_t *list = json_object_get(data->now, "cores");
	const json_t *list_before = json_object_get(data->before, "cores");
	struct table t;
	size_t i, j;

	table_init(&t, cli, columns, 11);
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const json_t *before = view_same(list_before, row, "worker");

		table_json(&t, json_object_get(row, "worker"));
		table_json(&t, json_object_get(row, "cpu"));
		put_share(&t, before, row, "busy_ns");
		put_share(&t, before, row, "stalled_ns");
		for (j = 0; j < 4; j++)
			put_short_rate(&t, view_rate(data, view_int(before, rates[j], NULL),
				view_int(row, rates[j], NULL)));
		table_json(&t, json_object_get(row, "connections"));
		put_residence(&t, json_object_get(row, "residence"));
		table_json(&t, json_object_get(row, "packets_free"));
	}
	table_end(&t);
}

/* "1G up", "down". */
static void
put_link(struct table *t, const json_t *row)
{
	json_int_t mbps = view_int(row, "speed_mbps", NULL);
	const char *link = view_text(row, "link");

	link = link != NULL ? link : "?";
	if (mbps == 0)
		table_text(t, link);
	else if (mbps % 1000 == 0)
		table_printf(t, "%lldG %s", (long long)mbps / 1000, link);
	else
		table_printf(t, "%lldM %s", (long long)mbps, link);
}

static void
put_queues(struct table *t, const json_t *row, const char *mark)
{
	table_printf(t, "%lld/%lld%s", (long long)view_int(row, "queues", NULL),
		(long long)view_int(row, "queues_asked", NULL), mark);
}

/* "(!)" behind what a remark is about; programs find the remarks in the JSON. */
static const char *
mark_of(const struct cli *cli, const json_t *features, const char *name)
{
	const json_t *list = json_object_get(features, "remarks");
	size_t i;

	for (i = 0; cli->format != FORMAT_PLAIN && i < json_array_size(list); i++) {
		const char *feature = view_text(json_array_get(list, i), "feature");

		if (feature != NULL && strcmp(feature, name) == 0)
			return "(!)";
	}
	return "";
}

static void
print_remarks(const struct cli *cli, const json_t *list)
{
	size_t i, j;

	for (i = 0; cli->format != FORMAT_PLAIN && i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const char *name = view_text(row, "name");
		const json_t *remarks =
			json_object_get(json_object_get(row, "features"), "remarks");

		for (j = 0; j < json_array_size(remarks); j++) {
			const json_t *remark = json_array_get(remarks, j);
			const char *about = view_text(remark, "feature");
			const char *meaning = view_text(remark, "meaning");
			char text[400], safe[400];

			snprintf(text, sizeof(text), "%s %s: %s", name != NULL ? name : "?",
				about != NULL ? about : "?", meaning != NULL ? meaning : "?");
			text_escape(text, strlen(text), safe, sizeof(safe));
			printf("(!) %s\n", safe);
		}
	}
}

static void
put_feature(struct table *t, const struct cli *cli, const json_t *features, const char *name)
{
	const char *value = view_text(features, name);

	table_printf(t, "%s%s", value != NULL ? value : "-", mark_of(cli, features, name));
}

/* What was asked for is done by the port (hw) or by us (sw); off: nobody asked; -: not there. */
static void
view_features(const struct cli *cli, const json_t *list)
{
	static const struct table_column columns[] = {
		{ "PORT", false, false },
		{ "DRIVER", false, false },
		{ "LINK", false, false },
		{ "QUEUES", true, false },
		{ "CSUM-RX", false, false },
		{ "CSUM-TX", false, false },
		{ "TSO", false, false },
		{ "LRO", false, false },
		{ "RSS-KEY", false, false },
		{ "RETA", true, false },
		{ "MTU", true, false },
	};
	static const char *const words[] = { "csum_rx", "csum_tx", "tso", "lro", "rss_key" };
	struct table t;
	size_t i, j;

	table_init(&t, cli, columns, 11);
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const json_t *features = json_object_get(row, "features");

		table_text(&t, view_text(row, "name"));
		table_text(&t, view_text(row, "driver"));
		put_link(&t, row);
		put_queues(&t, row, mark_of(cli, features, "queues"));
		for (j = 0; j < 5; j++)
			put_feature(&t, cli, features, words[j]);
		if (view_int(features, "reta_size", NULL) > 0)
			table_json(&t, json_object_get(features, "reta_size"));
		else
			table_text(&t, NULL);
		table_json(&t, json_object_get(row, "mtu"));
	}
	table_end(&t);
	print_remarks(cli, list);
}

void
view_ports(const struct cli *cli, const struct view_data *data)
{
	static const struct table_column columns[] = {
		{ "PORT", false, false },
		{ "DRIVER", false, false },
		{ "LINK", false, false },
		{ "QUEUES", true, false },
		{ "RX-PACKETS", true, false },
		{ "TX-PACKETS", true, false },
		{ "MISSED", true, false },
		{ "ERRORS", true, false },
	};
	const json_t *list = json_object_get(data->now, "ports");
	struct table t;
	size_t i;

	if (json_object_get(json_array_get(list, 0), "features") != NULL) {
		view_features(cli, list);
		return;
	}
	table_init(&t, cli, columns, 8);
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		table_text(&t, view_text(row, "name"));
		table_text(&t, view_text(row, "driver"));
		put_link(&t, row);
		put_queues(&t, row, "");
		table_json(&t, json_object_get(row, "rx_packets"));
		table_json(&t, json_object_get(row, "tx_packets"));
		table_number(
			&t, view_int(row, "rx_missed", NULL) + view_int(row, "rx_nobuf", NULL));
		table_number(
			&t, view_int(row, "rx_errors", NULL) + view_int(row, "tx_errors", NULL));
	}
	table_end(&t);
}
