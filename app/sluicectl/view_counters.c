/* SPDX-License-Identifier: BSD-3-Clause */
/* Views of counters: drops and outcomes. */
#include "number.h"
#include "view_int.h"

static void
put_meaning(struct table *t, const json_t *row)
{
	const char *meaning = view_text(row, "meaning");
	const char *hint = view_text(row, "hint");

	table_printf(t, "%s%s%s", meaning != NULL ? meaning : "-", hint != NULL ? ". Hint: " : "",
		hint != NULL ? hint : "");
}

/* Since the last drop: exact to a tenth, which is how often the daemon looks. */
static void
put_last(struct table *t, const struct cli *cli, const json_t *last_s)
{
	double s = json_number_value(last_s);
	char age[NUMBER_LEN];

	if (!json_is_number(last_s))
		table_text(t, NULL);
	else if (cli->format == FORMAT_PLAIN)
		table_printf(t, "%.1f", s);
	else if (s < 59.95)
		table_printf(t, "%.1fs", s);
	else
		table_text(t, number_age((json_int_t)s, age));
}

/* The smallest of all rows: that of the total. */
static const json_t *
last_of_all(const json_t *list)
{
	const json_t *least = NULL;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *last_s = json_object_get(json_array_get(list, i), "last_s");

		if (json_is_number(last_s) && (least == NULL ||
				json_number_value(last_s) < json_number_value(least)))
			least = last_s;
	}
	return least;
}

void
view_drops(const struct cli *cli, const struct view_data *data)
{
	static const struct table_column columns[] = {
		{ "REASON", false, false },
		{ "PACKETS", true, false },
		{ "/s", true, false },
		{ "LAST", true, false },
		{ "MEANING", false, false },
	};
	const json_t *list = json_object_get(data->now, "drops");
	const json_t *before = json_object_get(data->before, "drops");
	bool separated = cli->format != FORMAT_PLAIN;
	char received[NUMBER_LEN], delivered[NUMBER_LEN];
	struct table t;
	size_t i;

	table_init(&t, cli, columns, 5);
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		json_int_t packets = view_int(row, "packets", NULL);

		table_text(&t, view_text(row, "reason"));
		table_number(&t, packets);
		view_put_rate(&t, data, view_int(view_same(before, row, "reason"), "packets", NULL),
			packets);
		put_last(&t, cli, json_object_get(row, "last_s"));
		put_meaning(&t, row);
	}
	table_text(&t, "total");
	table_number(&t, view_int(data->now, "total", NULL));
	view_put_rate(&t, data, view_int(data->before, "total", NULL),
		view_int(data->now, "total", NULL));
	put_last(&t, cli, last_of_all(list));
	number_text(view_int(data->now, "received", NULL), separated, received);
	number_text(view_int(data->now, "delivered", NULL), separated, delivered);
	table_printf(&t, "= received %s - delivered %s", received, delivered);
	table_end(&t);
}

void
view_outcomes(const struct cli *cli, const struct view_data *data)
{
	static const struct table_column columns[] = {
		{ "OUTCOME", false, false },
		{ "KIND", false, false },
		{ "PACKETS", true, false },
		{ "MEANING", false, false },
	};
	const json_t *list = json_object_get(data->now, "outcomes");
	struct table t;
	size_t i;

	table_init(&t, cli, columns, 4);
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		table_text(&t, view_text(row, "reason"));
		table_text(&t, json_is_true(json_object_get(row, "drop")) ? "drop" : "ok");
		table_json(&t, json_object_get(row, "packets"));
		put_meaning(&t, row);
	}
	table_text(&t, "total");
	table_text(&t, "-");
	table_json(&t, json_object_get(data->now, "total"));
	table_text(&t, "every received packet is in exactly one row");
	table_end(&t);
}

void
view_counters(const struct cli *cli, const struct view_data *data)
{
	static const struct table_column columns[] = {
		{ "COUNTER", false, false },
		{ "VALUE", true, false },
		{ "MEANING", false, false },
	};
	const json_t *list = json_object_get(data->now, "counters");
	struct table t;
	size_t i;

	table_init(&t, cli, columns, 3);
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		table_text(&t, view_text(row, "name"));
		table_json(&t, json_object_get(row, "value"));
		table_text(&t, view_text(row, "help"));
	}
	table_end(&t);
}
