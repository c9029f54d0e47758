/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints listings line by line: as rows of a table, as one object, as an object per row. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/commands.h"
#include "rows.h"
#include "view.h"

static const struct {
	unsigned int command;
	const char *member; /* of the answer: its rows */
	void (*begin)(struct table *t, const struct cli *cli, const json_t *args);
	void (*rows)(struct table *t, const json_t *rows);
} listings[] = {
	{ CTL_COMMAND_show_connections, "connections", view_connections_begin,
		view_connections_rows },
	{ CTL_COMMAND_show_listeners, "listeners", view_listeners_begin, view_listeners_rows },
};

#define LISTING_COUNT (sizeof(listings) / sizeof(listings[0]))

static size_t
listing_find(unsigned int command)
{
	size_t i;

	for (i = 0; i < LISTING_COUNT && listings[i].command != command; i++)
		;
	return i;
}

bool
rows_is_listing(unsigned int command)
{
	return listing_find(command) < LISTING_COUNT;
}

/* One object out of many lines, without holding them all: its members, then rows as they come. */
static void
merged_begin(json_t *first, const char *member)
{
	json_t *head = json_copy(first);
	char *text;

	json_object_del(head, member);
	json_object_del(head, "more");
	text = json_dumps(head, JSON_COMPACT | JSON_ENSURE_ASCII);
	if (text != NULL)
		printf("%.*s,\"%s\":[", (int)strlen(text) - 1, text, member);
	free(text);
	json_decref(head);
}

static void
merged_rows(const json_t *rows, bool *is_first)
{
	size_t i;

	for (i = 0; i < json_array_size(rows); i++) {
		if (!*is_first)
			putchar(',');
		*is_first = false;
		json_dumpf(json_array_get(rows, i), stdout, JSON_COMPACT | JSON_ENSURE_ASCII);
	}
}

static void
lines_rows(const json_t *rows)
{
	size_t i;

	for (i = 0; i < json_array_size(rows); i++)
		cli_print_json(json_array_get(rows, i));
}

int
rows_run(const struct cli *cli, struct client *c, unsigned int command, json_t *args,
	struct failure *f)
{
	size_t which = listing_find(command);
	const char *member = listings[which].member;
	bool more = true, is_first_line = true, is_first_row = true;
	struct table t;

	if (client_ask(c, ctl_command(command)->name, json_copy(args), f) != 0)
		return f->exit_code;
	listings[which].begin(&t, cli, args);
	while (more) {
		json_t *answer = client_answer(c, f);
		const json_t *rows = json_object_get(answer, member);

		if (answer == NULL)
			break;
		if (cli->format == FORMAT_JSON && is_first_line)
			merged_begin(answer, member);
		if (cli->format == FORMAT_JSON)
			merged_rows(rows, &is_first_row);
		else if (cli->format == FORMAT_JSON_LINES)
			lines_rows(rows);
		else
			listings[which].rows(&t, rows);
		is_first_line = false;
		more = json_is_true(json_object_get(answer, "more"));
		json_decref(answer);
	}
	if (cli->format == FORMAT_JSON && !is_first_line)
		printf("]}\n");
	if (!cli_wants_json(cli) && !is_first_line)
		table_end(&t);
	else
		free(t.cells);
	return more ? f->exit_code : 0;
}
