/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Writes the generated parts of the reference pages from the tables of the source:
 * reference check|write FILE... Each FILE has lines "<!-- generated: NAME -->" and "<!-- end -->";
 * what stands between them is NAME's. check: fails if a file would change.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conf/counters.h"
#include "conf/tunables.h"
#include "ctl/commands.h"
#include "ctl/config.h"
#include "ctl/config_value.h"
#include "reference_load.h"

#define MARK_BEGIN "<!-- generated: "
#define MARK_END "<!-- end -->\n"

/* A cell of a Markdown table: '|' would end it. */
static void
cell(FILE *out, const char *fmt, ...)
{
	char text[1000];
	va_list args;
	size_t i;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	fputs("| ", out);
	for (i = 0; text[i] != '\0'; i++) {
		if (text[i] == '|')
			fputc('\\', out);
		fputc(text[i], out);
	}
	fputc(' ', out);
}

static void
row_end(FILE *out)
{
	fputs("|\n", out);
}

/* --- tunables ------------------------------------------------------------------------------- */

static void
tunable_row(FILE *out, const struct tunable_desc *row)
{
	struct tunables defaults;
	char def[TUNABLE_TEXT_LEN];
	char range[TUNABLE_TEXT_LEN * 2] = "";
	size_t used = 0, i;

	tunables_default(&defaults);
	tunables_get(&defaults, row->name, def, sizeof(def));
	if (row->names == NULL)
		snprintf(range, sizeof(range), "%lu..%lu", (unsigned long)row->min,
			(unsigned long)row->max);
	for (i = 0; row->names != NULL && row->names[i] != NULL; i++)
		used += (size_t)snprintf(range + used, sizeof(range) - used, "%s%s",
			i > 0 ? ", " : "", row->names[i]);
	cell(out, "`%s`", row->name);
	cell(out, "%s", def);
	cell(out, "%s", unit_name(row->unit)[0] != '\0' ? unit_name(row->unit) : "-");
	cell(out, "%s", range);
	cell(out, "%s", tun_when_text(row->when));
	cell(out, "%s", tun_scope_text(row->scope));
	cell(out, "%s", row->help);
	row_end(out);
}

static void
tunables_write(FILE *out)
{
	const struct tunable_desc *row;
	size_t i;

	fputs("| name | default | unit | range | applies to | counts for | meaning |\n"
	      "|---|---|---|---|---|---|---|\n",
		out);
	for (i = 0; (row = tunables_row(i)) != NULL; i++) {
		if (row->count > 0)
			tunable_row(out, row);
	}
	fputs("\nKnown and refused:\n\n", out);
	for (i = 0; (row = tunables_row(i)) != NULL; i++) {
		if (row->count == 0)
			fprintf(out, "- `%s`: %s\n", row->name, row->help);
	}
}

/* --- counters and outcomes ------------------------------------------------------------------ */

static void
counters_write(FILE *out)
{
	unsigned int i;

	fputs("| name | kind | meaning |\n|---|---|---|\n", out);
	for (i = 0; i < COUNTER_COUNT; i++) {
		const struct counter_desc *desc = counters_desc(i);

		cell(out, "`%s`", desc->name);
		cell(out, "%s", desc->is_gauge ? "gauge" : "counter");
		cell(out, "%s", desc->help);
		row_end(out);
	}
}

static void
outcome_rows(FILE *out, bool is_drop)
{
	char name[OUTCOME_NAME_LEN];
	unsigned int i;

	for (i = 0; i < OUTCOME_MAX; i++) {
		const struct outcome_desc *desc = outcome_desc((enum outcome)i);

		if (desc->is_drop != is_drop)
			continue;
		cell(out, "`%s`", outcome_name((enum outcome)i, name));
		cell(out, "%s", desc->meaning);
		cell(out, "%s", desc->hint[0] != '\0' ? desc->hint : "-");
		row_end(out);
	}
}

static void
outcomes_write(FILE *out)
{
	fputs("Drops:\n\n| reason | meaning | what to do |\n|---|---|---|\n", out);
	outcome_rows(out, true);
	fputs("\nThe rest did what they came for:\n\n"
	      "| outcome | meaning | what to do |\n|---|---|---|\n",
		out);
	outcome_rows(out, false);
}

/* --- configuration -------------------------------------------------------------------------- */

static void
section_write(FILE *out, enum config_section section, const char *title)
{
	unsigned int i;

	fprintf(out, "%s\n\n| key | default | allowed | meaning |\n|---|---|---|---|\n", title);
	for (i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_key *key = config_key((enum config_key_id)i);
		char allows[CONFIG_VALUE_ERR_LEN];

		if (key->section != section)
			continue;
		cell(out, "`%s`", key->name);
		cell(out, "%s", key->def != NULL ? key->def : "-");
		cell(out, "%s", config_key_allows(key, allows, sizeof(allows)));
		cell(out, "%s", key->help);
		row_end(out);
	}
}

static void
config_write(FILE *out)
{
	section_write(out, CONFIG_SECTION_top, "### Top level");
	section_write(out, CONFIG_SECTION_control, "\n### control");
	section_write(out, CONFIG_SECTION_log, "\n### log");
	section_write(out, CONFIG_SECTION_memory, "\n### memory");
	section_write(out, CONFIG_SECTION_ports, "\n### ports.NAME");
	section_write(out, CONFIG_SECTION_services, "\n### services.NAME");
}

/* --- control commands ----------------------------------------------------------------------- */

static void
commands_write(FILE *out)
{
	unsigned int i, j;

	fputs("| cmd | role | args | meaning |\n|---|---|---|---|\n", out);
	for (i = 0; i < CTL_COMMAND_COUNT; i++) {
		const struct ctl_command *cmd = ctl_command(i);
		char args[600] = "-";
		size_t used = 0;

		for (j = 0; j < CTL_ARGS_MAX && cmd->args[j].kind != CTL_ARG_END; j++) {
			/* The command line keeps this one. */
			if (cmd->args[j].kind == CTL_ARG_OUTPUT)
				continue;
			used += (size_t)snprintf(args + used, sizeof(args) - used, "%s`%s` (%s)",
				used > 0 ? ", " : "", cmd->args[j].name,
				cmd->args[j].kind == CTL_ARG_FLAG     ? "true or false"
				: cmd->args[j].kind == CTL_ARG_OPTION ? "text, may be left out"
								      : "text");
		}
		cell(out, "`%s`", cmd->name);
		cell(out, "%s", ctl_role_name(cmd->role));
		cell(out, "%s", args);
		cell(out, "%s", cmd->help);
		row_end(out);
	}
}

/* --- ports ---------------------------------------------------------------------------------- */

static const struct {
	const char *name, *driver;
	unsigned int queues, mtu;
} port_types[] = {
#define PORT_TYPE(name, text, driver, queues, mtu, desc, flags, args)                              \
	{ text, driver, queues, mtu },
#include "io/port_types.def"
#undef PORT_TYPE
};

static void
port_types_write(FILE *out)
{
	size_t i;

	fputs("| `type` | driver of DPDK | queues at most | MTU at most |\n|---|---|---|---|\n",
		out);
	for (i = 0; i < sizeof(port_types) / sizeof(port_types[0]); i++) {
		const char *driver = port_types[i].driver;

		cell(out, "`%s`", port_types[i].name);
		cell(out, "%s", driver != NULL ? driver : "the card's");
		cell(out, "%u", port_types[i].queues);
		cell(out, "%u", port_types[i].mtu);
		row_end(out);
	}
}

/* --- files ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	void (*write)(FILE *out);
} parts[] = {
	{ "commands", commands_write },
	{ "config", config_write },
	{ "counters", counters_write },
	{ "load-failures", load_failures_write },
	{ "load-keys", load_keys_write },
	{ "load-metrics", load_metrics_write },
	{ "load-presets", load_presets_write },
	{ "outcomes", outcomes_write },
	{ "port-types", port_types_write },
	{ "tunables", tunables_write },
};

/* Write the part that a line "<!-- generated: NAME -->" asks for: 0, or -1, it asks for none. */
static int
part_write(const char *mark, FILE *out)
{
	const char *name = mark + strlen(MARK_BEGIN);
	size_t len = strcspn(name, " ");
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strlen(parts[i].name) == len && memcmp(parts[i].name, name, len) == 0) {
			fputc('\n', out);
			parts[i].write(out);
			fputc('\n', out);
			return 0;
		}
	}
	return -1;
}

/* Text as it should be, for free(); NULL: the marks are wrong. */
static char *
rewritten(const char *text)
{
	const char *mark;
	char *fresh = NULL;
	size_t len;
	FILE *out = open_memstream(&fresh, &len);

	if (out == NULL)
		return NULL;
	while ((mark = strstr(text, MARK_BEGIN)) != NULL) {
		const char *line_end = strchr(mark, '\n');
		const char *end = strstr(mark, MARK_END);

		if (line_end == NULL || end == NULL)
			break;
		fwrite(text, 1, (size_t)(line_end + 1 - text), out);
		if (part_write(mark, out) != 0)
			break;
		text = end;
		fwrite(MARK_END, 1, strlen(MARK_END), out);
		text += strlen(MARK_END);
	}
	fputs(text, out);
	fclose(out);
	if (mark == NULL)
		return fresh;
	free(fresh);
	return NULL;
}

static char *
file_text(const char *path)
{
	size_t len = 0, room = 1u << 20;
	char *text = malloc(room);
	FILE *file = fopen(path, "r");

	if (text != NULL && file != NULL)
		len = fread(text, 1, room - 1, file);
	if (text != NULL)
		text[len] = '\0';
	if (file == NULL) {
		free(text);
		return NULL;
	}
	fclose(file);
	return text;
}

/* 0: the file is as it should be, or was made so. */
static int
file_do(const char *path, bool is_writing)
{
	char *text = file_text(path);
	char *fresh = text != NULL ? rewritten(text) : NULL;
	bool is_same = fresh != NULL && strcmp(text, fresh) == 0;
	int code = is_same ? 0 : 1;
	FILE *file = NULL;

	if (fresh == NULL)
		fprintf(stderr, "%s: cannot be read, or its marks are wrong\n", path);
	else if (!is_same && !is_writing)
		fprintf(stderr, "%s: stale; run: ninja -C build docs\n", path);
	else if (!is_same)
		file = fopen(path, "w");
	if (file != NULL) {
		fputs(fresh, file);
		code = fclose(file) == 0 ? 0 : 1;
	}
	free(text);
	free(fresh);
	return code;
}

int
main(int argc, char **argv)
{
	bool is_writing;
	int code = 0;
	int i;

	if (argc < 3 || (strcmp(argv[1], "check") != 0 && strcmp(argv[1], "write") != 0)) {
		fprintf(stderr, "usage: reference check|write FILE...\n");
		return 2;
	}
	is_writing = strcmp(argv[1], "write") == 0;
	for (i = 2; i < argc; i++)
		code |= file_do(argv[i], is_writing);
	return code;
}
