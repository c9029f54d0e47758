/* SPDX-License-Identifier: BSD-3-Clause */
/* Views of tunables, and of commands that only say that they were done. */
#include <stdio.h>
#include <string.h>

#include "ctl/text.h"
#include "view_int.h"

/* A value as it would be typed: "4096 131072 6291456", "reno". */
static void
value_text(const json_t *value, char *out, size_t out_len)
{
	size_t used = 0;
	size_t i;

	out[0] = '\0';
	if (json_is_string(value))
		snprintf(out, out_len, "%s", json_string_value(value));
	else if (json_is_integer(value))
		snprintf(out, out_len, "%lld", (long long)json_integer_value(value));
	for (i = 0; i < json_array_size(value) && used < out_len; i++)
		used += (size_t)snprintf(out + used, out_len - used, "%s%lld", i > 0 ? " " : "",
			(long long)json_integer_value(json_array_get(value, i)));
}

static void
range_text(const json_t *row, char *out, size_t out_len)
{
	const json_t *words = json_object_get(row, "words");
	size_t used = 0;
	size_t i;

	snprintf(out, out_len, "%lld..%lld", (long long)view_int(row, "min", NULL),
		(long long)view_int(row, "max", NULL));
	for (i = 0; i < json_array_size(words) && used < out_len; i++)
		used += (size_t)snprintf(out + used, out_len - used, "%s%s", i > 0 ? ", " : "",
			json_string_value(json_array_get(words, i)));
}

void
view_tunables(const struct cli *cli, const struct view_data *data)
{
	static const struct table_column columns[] = {
		{ "TUNABLE", false, false },
		{ "VALUE", false, false },
		{ "DEFAULT", false, false },
		{ "RANGE", false, false },
		{ "UNIT", false, false },
	};
	const json_t *list = json_object_get(data->now, "tunables");
	struct table t;
	size_t i;

	table_init(&t, cli, columns, 5);
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		const json_t *value = json_object_get(row, "value");
		const json_t *def = json_object_get(row, "default");
		char text[80];

		table_text(&t, view_text(row, "name"));
		value_text(value, text, sizeof(text));
		table_text(&t, text);
		value_text(def, text, sizeof(text));
		table_text(&t, json_equal(value, def) ? "=" : text);
		range_text(row, text, sizeof(text));
		table_text(&t, text);
		table_text(&t, view_text(row, "unit"));
	}
	table_end(&t);
}

void
view_tunable(const struct cli *cli, const struct view_data *data)
{
	const json_t *row = json_array_get(json_object_get(data->now, "tunables"), 0);
	const char *name = view_text(row, "name");
	char text[100], safe[400];

	text_escape(name != NULL ? name : "", name != NULL ? strlen(name) : 0, safe, sizeof(safe));
	printf("%s = ", safe);
	value_text(json_object_get(row, "value"), text, sizeof(text));
	text_escape(text, strlen(text), safe, sizeof(safe));
	printf("%s\n", safe);
	if (cli->format == FORMAT_PLAIN)
		return;
	value_text(json_object_get(row, "default"), text, sizeof(text));
	view_pair("  default", text);
	range_text(row, text, sizeof(text));
	view_pair("  range", text);
	if (view_text(row, "unit") != NULL && view_text(row, "unit")[0] != '\0')
		view_pair("  unit", view_text(row, "unit"));
	view_pair("  applies to", view_text(row, "applies"));
	view_pair("  counts for", view_text(row, "scope"));
	view_pair("  meaning", view_text(row, "help"));
}

void
view_set(const struct cli *cli, const struct view_data *data)
{
	struct cli plain = *cli;

	plain.format = FORMAT_PLAIN;
	view_tunable(&plain, data);
}

void
view_done(const struct cli *cli, const struct view_data *data)
{
	(void)cli;
	printf("%s\n", json_object_get(data->now, "stopping") != NULL ? "stopping" : "draining");
}
