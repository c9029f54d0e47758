/* SPDX-License-Identifier: BSD-3-Clause */
/* Views of the daemon itself: version, statistics, configuration. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"
#include "number.h"
#include "view_int.h"

static void
print_number(const struct cli *cli, const char *name, json_int_t value)
{
	char buf[NUMBER_LEN];

	view_pair(name, number_text(value, cli->format != FORMAT_PLAIN, buf));
}

void
view_version(const struct cli *cli, const struct view_data *data)
{
	char age[NUMBER_LEN];

	view_pair("version", view_text(data->now, "version"));
	view_pair("uptime", number_age(view_int(data->now, "uptime_s", NULL), age));
	printf("%-24s %lld\n", "process", (long long)view_int(data->now, "pid", NULL));
	print_number(cli, "workers", view_int(data->now, "workers", NULL));
	view_pair("your role", view_text(data->now, "role"));
}

/* Members of a part of the answer, each a line. */
static void
print_members(const struct cli *cli, const json_t *answer, const char *part)
{
	json_t *object = json_object_get(answer, part);
	const char *name;
	json_t *value;

	json_object_foreach(object, name, value)
	{
		char full[64], safe[64];

		snprintf(full, sizeof(full), "%s.%s", part, name);
		text_escape(full, strlen(full), safe, sizeof(safe));
		print_number(cli, safe, json_integer_value(value));
	}
}

void
view_stats(const struct cli *cli, const struct view_data *data)
{
	char age[NUMBER_LEN];

	view_pair("uptime", number_age(view_int(data->now, "uptime_s", NULL), age));
	print_number(cli, "workers", view_int(data->now, "workers", NULL));
	print_members(cli, data->now, "rx");
	print_members(cli, data->now, "tx");
	print_members(cli, data->now, "residence");
	print_members(cli, data->now, "states");
	print_members(cli, data->now, "tcp");
	print_members(cli, data->now, "memory");
}

/* Any JSON as indented lines. */
static void
print_tree(json_t *value, unsigned int depth)
{
	const char *name;
	json_t *member;

	json_object_foreach(value, name, member)
	{
		char safe[300];
		char *text = NULL;

		text_escape(name, strlen(name), safe, sizeof(safe));
		printf("%*s%s:", (int)(2 * depth), "", safe);
		if (json_is_object(member)) {
			putchar('\n');
			print_tree(member, depth + 1);
			continue;
		}
		if (json_is_string(member)) {
			const char *string = json_string_value(member);

			text_escape(string, strlen(string), safe, sizeof(safe));
			printf(" %s\n", safe);
			continue;
		}
		text = json_is_null(member)
			       ? NULL
			       : json_dumps(member, JSON_ENCODE_ANY | JSON_ENSURE_ASCII);
		printf(" %s\n", text != NULL ? text : "-");
		free(text);
	}
}

void
view_config(const struct cli *cli, const struct view_data *data)
{
	(void)cli;
	print_tree(json_object_get(data->now, "config"), 0);
}

static const struct table_column change_columns[] = {
	{ "KEY", false, false },
	{ "FROM", false, true },
	{ "TO", false, true },
	{ "APPLIES", false, false },
};

static void
put_value(struct table *t, const json_t *value)
{
	char *text;

	if (json_is_string(value) || json_is_null(value)) {
		table_text(t, json_string_value(value));
		return;
	}
	text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT | JSON_ENSURE_ASCII);
	table_text(t, text);
	free(text);
}

void
view_reload(const struct cli *cli, const struct view_data *data)
{
	const json_t *changes = json_object_get(data->now, "changes");
	bool is_dry = json_is_true(json_object_get(data->now, "dry_run"));
	struct table t;
	size_t i;

	if (json_array_size(changes) == 0) {
		puts("nothing differs");
		return;
	}
	table_init(&t, cli, change_columns, 4);
	for (i = 0; i < json_array_size(changes); i++) {
		const json_t *row = json_array_get(changes, i);

		table_text(&t, view_text(row, "key"));
		put_value(&t, json_object_get(row, "from"));
		put_value(&t, json_object_get(row, "to"));
		table_text(&t, view_text(row, "applies"));
	}
	table_end(&t);
	if (is_dry)
		puts("nothing was changed: this was a dry run");
}
