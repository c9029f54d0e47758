/* SPDX-License-Identifier: BSD-3-Clause */
/* Draws the frames of top: an overview that fits 80x24, and a page for each key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "number.h"
#include "table.h"
#include "top.h"
#include "view.h"

/* Lines of drops in the overview. */
#define DROPS_SHOWN 5u

static const struct {
	char key;
	const char *text;
	const char *sorts[4]; /* what s goes through; none: nothing to sort */
} pages[TOP_PAGE_COUNT] = {
	[TOP_OVERVIEW] = { 0, "everything", { "packets", "/s" } },
	[TOP_CORES] = { 'c', "cores", { "number", "busy" } },
	[TOP_PORTS] = { 'p', "ports", { NULL } },
	[TOP_DROPS] = { 'd', "drops", { "packets", "/s" } },
	[TOP_FLOWS] = { 'f', "flows", { "bytes/s", "retrans", "rtt" } },
	[TOP_HELP] = { 'h', "help", { NULL } },
};

/* --- the state, moved by keys --------------------------------------------------------------- */

void
top_key(struct top_state *state, char key)
{
	unsigned int i;

	if (key == TOP_UP)
		state->first -= state->first > 0;
	if (key == TOP_DOWN)
		state->first++;
	if (key == 's' && pages[state->page].sorts[++state->sort] == NULL)
		state->sort = 0;
	for (i = 0; i < TOP_PAGE_COUNT; i++) {
		/* The same key again, as Escape, leads back. */
		if (pages[i].key == 0 || pages[i].key != key)
			continue;
		state->page = state->page == (enum top_page)i ? TOP_OVERVIEW : (enum top_page)i;
		state->sort = 0;
		state->first = 0;
	}
	if (key == TOP_ESCAPE)
		*state = (struct top_state){ .rows = state->rows };
}

/* --- rows in order -------------------------------------------------------------------------- */

struct row {
	const json_t *row;
	json_int_t key;
	size_t at;
};

static int
compare(const void *left, const void *right)
{
	const struct row *a = left, *b = right;

	if (a->key != b->key)
		return a->key < b->key ? 1 : -1;
	return a->at < b->at ? -1 : 1;
}

/* By what a row is sorted; before: the same row in the frame before, or NULL. */
typedef json_int_t key_fn(const json_t *row, const json_t *before, unsigned int sort);

/* The rows of list from the first one to show on, at most max, largest key first. */
static json_t *
rows_sorted(const json_t *list, const json_t *list_before, const char *name, key_fn *key,
	const struct top_state *state, size_t max)
{
	size_t count = json_array_size(list);
	struct row *rows = calloc(count + 1, sizeof(*rows));
	json_t *out = json_array();
	size_t first = state->first < count ? state->first : count - (count > 0);
	size_t i;

	for (i = 0; rows != NULL && i < count; i++) {
		const json_t *row = json_array_get(list, i);

		rows[i] = (struct row){ row, key(row, view_same(list_before, row, name),
			state->sort), i };
	}
	if (rows != NULL && count > 1)
		qsort(rows, count, sizeof(*rows), compare);
	for (i = first; rows != NULL && i < count && i < first + max; i++)
		json_array_append_new(out, json_copy((json_t *)(uintptr_t)rows[i].row));
	free(rows);
	return out;
}

static json_int_t
drop_key(const json_t *row, const json_t *before, unsigned int sort)
{
	json_int_t packets = view_int(row, "packets", NULL);

	return sort == 0 ? packets : packets - view_int(before, "packets", NULL);
}

static json_int_t
core_key(const json_t *row, const json_t *before, unsigned int sort)
{
	return sort == 0 ? -view_int(row, "worker", NULL)
			 : view_int(row, "busy_ns", NULL) - view_int(before, "busy_ns", NULL);
}

/* Bytes of both directions since the frame before; a new one counts from now on. */
static json_int_t
flow_bytes(const json_t *row, const json_t *before)
{
	if (before == NULL)
		return 0;
	return (json_int_t)(uint32_t)(view_int(row, "acked_mod_4gi", NULL) -
			view_int(before, "acked_mod_4gi", NULL)) +
		(json_int_t)(uint32_t)(view_int(row, "received_mod_4gi", NULL) -
			view_int(before, "received_mod_4gi", NULL));
}

static json_int_t
flow_key(const json_t *row, const json_t *before, unsigned int sort)
{
	if (sort == 1)
		return view_int(row, "retrans", NULL);
	return sort == 2 ? view_int(row, "srtt_us", NULL) : flow_bytes(row, before);
}

/* --- parts of a frame ----------------------------------------------------------------------- */

/* Change per second of an integer of a part's answer, as text. */
static const char *
rate_text(const struct cli *cli, const struct view_data *data, const char *group, const char *name,
	char buf[NUMBER_LEN])
{
	json_int_t rate = view_rate(data, view_int(data->before, group, name, NULL),
		view_int(data->now, group, name, NULL));

	return rate < 0 ? "?" : number_text(rate, cli->format != FORMAT_PLAIN, buf);
}

static void
draw_title(const struct cli *cli, const json_t *version)
{
	const char *name = json_string_value(json_object_get(version, "version"));
	char age[NUMBER_LEN];

	printf("%ssluice %.20s  up %s  workers %lld%s\n", cli->has_color ? "\033[1m" : "",
		name != NULL ? name : "?", number_age(view_int(version, "uptime_s", NULL), age),
		(long long)view_int(version, "workers", NULL), cli->has_color ? "\033[0m" : "");
}

/* "name value" of members of a group, as many on a line as fit. */
static void
draw_rates(const struct cli *cli, const struct view_data *data, const char *title,
	const char *const names[][3], unsigned int count)
{
	unsigned int i;

	printf("%-6s", title);
	for (i = 0; i < count; i++) {
		char buf[NUMBER_LEN];
		const char *text =
			names[i][2] != NULL
				? rate_text(cli, data, names[i][1], names[i][2], buf)
				: number_text(view_int(data->now, names[i][1], names[i][0], NULL),
					  cli->format != FORMAT_PLAIN, buf);

		printf(" %s %s%s", names[i][0], text, names[i][2] != NULL ? "/s" : "");
	}
	putchar('\n');
}

static void
draw_tcp(const struct cli *cli, const struct view_data *data)
{
	static const char *const traffic[][3] = {
		{ "rx", "rx", "packets" },
		{ "tx", "tx", "packets" },
		{ "dropped", "rx", "dropped" },
		{ "retrans", "tcp", "retransmitted" },
		{ "ooo", "tcp", "out_of_order" },
	};
	static const char *const opens[][3] = {
		{ "opened", "tcp", "passive_opens" },
		{ "cookies", "tcp", "cookies_sent" },
		{ "valid", "tcp", "cookies_valid" },
		{ "bad", "tcp", "cookies_invalid" },
		{ "rst-out", "tcp", "rsts_out" },
	};
	static const char *const states[][3] = {
		{ "established", "states", NULL },
		{ "syn-received", "states", NULL },
		{ "close-wait", "states", NULL },
		{ "time-wait", "states", NULL },
	};

	draw_rates(cli, data, "PKTS", traffic, 5);
	draw_rates(cli, data, "TCP", opens, 5);
	draw_rates(cli, data, "CONNS", states, 4);
}

/* The view of the command, of some of its rows and in another order. */
static void
draw_cores(const struct cli *cli, const struct view_data *data, const struct top_state *state)
{
	json_t *copy = json_copy((json_t *)(uintptr_t)data->now);
	struct view_data some = { copy, data->before };

	json_object_set_new(copy, "cores", rows_sorted(json_object_get(data->now, "cores"),
		json_object_get(data->before, "cores"), "worker", core_key, state, state->rows));
	view_print(cli, CTL_COMMAND_show_cores, &some);
	json_decref(copy);
}

/* A line for each, the meaning cut, so that the frame fits. */
static void
draw_drops(const struct cli *cli, const struct view_data *data, const struct top_state *state,
	size_t max)
{
	static const struct table_column columns[] = {
		{ "DROPS", false, false },
		{ "PACKETS", true, false },
		{ "/s", true, false },
		{ "MEANING", false, false },
	};
	const json_t *list_before = json_object_get(data->before, "drops");
	json_t *list = rows_sorted(json_object_get(data->now, "drops"), list_before, "reason",
		drop_key, state, max);
	struct cli narrow = *cli;
	struct table t;
	size_t i;

	narrow.columns = 0;
	table_init(&t, &narrow, columns, 4);
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		json_int_t packets = view_int(row, "packets", NULL);
		json_int_t rate = view_rate(data,
			view_int(view_same(list_before, row, "reason"), "packets", NULL), packets);

		table_json(&t, json_object_get(row, "reason"));
		table_number(&t, packets);
		if (rate < 0)
			table_text(&t, "?");
		else
			table_number(&t, rate);
		table_printf(&t, "%.42s", json_string_value(json_object_get(row, "meaning")));
	}
	table_end(&t);
	json_decref(list);
}

static void
put_end(struct table *t, const json_t *row, const char *address, const char *port)
{
	const char *ip = json_string_value(json_object_get(row, address));

	table_printf(t, "%s:%lld", ip != NULL ? ip : "?", (long long)view_int(row, port, NULL));
}

static void
draw_flows(const struct cli *cli, const struct view_data *data, const struct top_state *state)
{
	static const struct table_column columns[] = {
		{ "REMOTE", false, false },
		{ "LOCAL", false, false },
		{ "BYTES/s", true, false },
		{ "RTT", true, false },
		{ "RETRANS", true, false },
		{ "STATE", false, false },
	};
	const json_t *list_before = json_object_get(data->before, "connections");
	const json_t *all = json_object_get(data->now, "connections");
	json_t *list = rows_sorted(all, list_before, "flow", flow_key, state, state->rows);
	struct table t;
	size_t i;

	printf("FLOWS  %lu of the first %u connections\n", (unsigned long)json_array_size(all),
		TOP_FLOWS_MAX);
	table_init(&t, cli, columns, 6);
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const json_t *before = view_same(list_before, row, "flow");
		char rtt[NUMBER_LEN];

		put_end(&t, row, "remote", "remote_port");
		put_end(&t, row, "local", "local_port");
		if (before == NULL)
			table_text(&t, "?");
		else
			table_number(&t, view_rate(data, 0, flow_bytes(row, before)));
		table_text(&t, number_time(view_int(row, "srtt_us", NULL), rtt));
		table_json(&t, json_object_get(row, "retrans"));
		table_json(&t, json_object_get(row, "state"));
	}
	table_end(&t);
	json_decref(list);
}

static void
draw_help(void)
{
	puts("q       end\n"
	     "h       this help; the same key again leads back\n"
	     "c       cores: what each worker does with its time\n"
	     "p       ports: links and the devices' own counters\n"
	     "d       drops: all reasons\n"
	     "f       flows: the busiest connections\n"
	     "s       the next order of the rows\n"
	     "arrows  up and down through the rows; Escape leads back\n"
	     "\n"
	     "Rates are of the time between two frames. '?' is unknown, '-' does not apply.");
}

static void
draw_overview(const struct cli *cli, const struct view_data *data, const struct top_state *state)
{
	struct top_state some = *state;

	draw_tcp(cli, &data[TOP_STATS]);
	putchar('\n');
	some.rows = 4;
	some.sort = 0;
	draw_cores(cli, &data[TOP_PART_CORES], &some);
	putchar('\n');
	view_print(cli, CTL_COMMAND_show_ports, &data[TOP_PART_PORTS]);
	putchar('\n');
	draw_drops(cli, &data[TOP_PART_DROPS], state, DROPS_SHOWN);
}

void
top_draw(const struct cli *cli, const struct top_frame *f, const struct top_state *state)
{
	struct view_data data[TOP_PART_COUNT];
	unsigned int i;

	for (i = 0; i < TOP_PART_COUNT; i++)
		data[i] = (struct view_data){ f->now[i], f->before[i] };
	draw_title(cli, f->now[TOP_VERSION]);
	switch (state->page) {
	case TOP_CORES:
		draw_cores(cli, &data[TOP_PART_CORES], state);
		break;
	case TOP_PORTS:
		view_print(cli, CTL_COMMAND_show_ports, &data[TOP_PART_PORTS]);
		break;
	case TOP_DROPS:
		draw_drops(cli, &data[TOP_PART_DROPS], state, state->rows);
		break;
	case TOP_FLOWS:
		draw_flows(cli, &data[TOP_PART_FLOWS], state);
		break;
	case TOP_HELP:
		draw_help();
		break;
	case TOP_OVERVIEW:
	case TOP_PAGE_COUNT:
		draw_overview(cli, data, state);
		break;
	}
}

void
top_draw_status(const struct top_state *state)
{
	const char *sort = pages[state->page].sorts[state->sort];

	printf("\n%s%s%s  q end  h help  c p d f pages  s sort\n", pages[state->page].text,
		sort != NULL ? " by " : "", sort != NULL ? sort : "");
}
