/* SPDX-License-Identifier: BSD-3-Clause */
/* Bounded YAML: a first pass over events, then libyaml's document loader. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "ctl/config_yaml.h"

struct scan {
	unsigned int depth, nodes, documents;
};

static struct config_mark
mark_at(yaml_mark_t mark)
{
	return (struct config_mark){ (unsigned int)mark.line + 1, (unsigned int)mark.column + 1 };
}

struct config_mark
config_yaml_mark(const yaml_node_t *node)
{
	return mark_at(node->start_mark);
}

/* libyaml's own words for what it did not like. */
static int
syntax_error(
	const yaml_parser_t *parser, const char *text, size_t len, struct config_report *report)
{
	struct config_mark mark = mark_at(parser->problem_mark);
	const char *problem = parser->problem != NULL ? parser->problem : "cannot be read";
	const char *hint = "";

	if (parser->error == YAML_MEMORY_ERROR)
		return -ENOMEM;
	if (parser->error == YAML_READER_ERROR) {
		config_error(report, (struct config_mark){ 0, 0 },
			"not a text file: %s at byte %zu; write it in UTF-8", problem,
			parser->problem_offset);
		return -EINVAL;
	}
	if (parser->problem_mark.index < len && text[parser->problem_mark.index] == '\t')
		hint = "; YAML is indented with spaces, never with tabs";
	if (parser->context != NULL)
		config_error(report, mark, "YAML syntax: %s %s (from line %zu)%s", problem,
			parser->context, parser->context_mark.line + 1, hint);
	else
		config_error(report, mark, "YAML syntax: %s%s", problem, hint);
	return -EINVAL;
}

static int
node_check(struct scan *scan, struct config_mark mark, struct config_report *report)
{
	if (++scan->nodes <= CONFIG_YAML_NODES_MAX)
		return 0;
	config_error(report, mark, "more than %u values; no configuration needs that many",
		CONFIG_YAML_NODES_MAX);
	return -EINVAL;
}

static int
nest_check(struct scan *scan, struct config_mark mark, struct config_report *report)
{
	if (++scan->depth <= CONFIG_YAML_DEPTH_MAX)
		return node_check(scan, mark, report);
	config_error(report, mark, "nested deeper than %u levels; no key needs that",
		CONFIG_YAML_DEPTH_MAX);
	return -EINVAL;
}

static int
event_check(struct scan *scan, const yaml_event_t *event, struct config_report *report)
{
	struct config_mark mark = mark_at(event->start_mark);

	switch (event->type) {
	case YAML_NO_EVENT:
	case YAML_STREAM_START_EVENT:
	case YAML_STREAM_END_EVENT:
	case YAML_DOCUMENT_END_EVENT:
		return 0;
	case YAML_DOCUMENT_START_EVENT:
		if (++scan->documents == 1)
			return 0;
		config_error(report, mark, "a second YAML document; put everything into one");
		return -EINVAL;
	case YAML_ALIAS_EVENT:
		config_error(report, mark,
			"alias '*%s': aliases are not supported; write the value out",
			(const char *)event->data.alias.anchor);
		return -EINVAL;
	case YAML_SCALAR_EVENT:
		return node_check(scan, mark, report);
	case YAML_SEQUENCE_START_EVENT:
	case YAML_MAPPING_START_EVENT:
		return nest_check(scan, mark, report);
	case YAML_SEQUENCE_END_EVENT:
	case YAML_MAPPING_END_EVENT:
		scan->depth--;
		return 0;
	}
	return 0;
}

static int
scan_events(const char *text, size_t len, struct config_report *report)
{
	struct scan scan = { 0, 0, 0 };
	yaml_parser_t parser;
	bool is_end = false;
	int err = 0;

	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	while (err == 0 && !is_end) {
		yaml_event_t event;

		if (!yaml_parser_parse(&parser, &event)) {
			err = syntax_error(&parser, text, len, report);
			break;
		}
		is_end = event.type == YAML_STREAM_END_EVENT;
		err = event_check(&scan, &event, report);
		yaml_event_delete(&event);
	}
	yaml_parser_delete(&parser);
	if (err == 0 && scan.documents == 0) {
		config_error(report, (struct config_mark){ 0, 0 },
			"the file is empty; a port and a service are the least it needs");
		err = -EINVAL;
	}
	return err;
}

int
config_yaml_load(const char *text, size_t len, yaml_document_t *doc, struct config_report *report)
{
	yaml_parser_t parser;
	int err;

	err = scan_events(text, len, report);
	if (err != 0)
		return err;
	if (!yaml_parser_initialize(&parser))
		return -ENOMEM;
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
	if (!yaml_parser_load(&parser, doc))
		err = syntax_error(&parser, text, len, report);
	yaml_parser_delete(&parser);
	return err;
}
