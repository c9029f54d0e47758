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
