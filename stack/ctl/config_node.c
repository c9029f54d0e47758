/* SPDX-License-Identifier: BSD-3-Clause */
/* Nodes of a configuration document: their text, their kind, and what is wrong with them. */
#include <string.h>

#include "ctl/config_int.h"
#include "ctl/config_value.h"
#include "ctl/config_yaml.h"

yaml_node_t *
config_node(const struct config_reader *r, int id)
{
	return yaml_document_get_node(r->doc, id);
}

const char *
config_scalar(const yaml_node_t *node)
{
	const char *text;

	if (node->type != YAML_SCALAR_NODE)
		return NULL;
	text = (const char *)node->data.scalar.value;
	return strlen(text) == node->data.scalar.length ? text : NULL;
}

bool
config_is_null(const yaml_node_t *node)
{
	const char *text = config_scalar(node);

	return text != NULL && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
	       (text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

const char *
config_kind(const yaml_node_t *node)
{
	switch (node->type) {
	case YAML_NO_NODE:
		return "nothing";
	case YAML_SCALAR_NODE:
		return config_scalar(node) != NULL ? "a single value" : "text with a NUL in it";
	case YAML_SEQUENCE_NODE:
		return "a list";
	case YAML_MAPPING_NODE:
		return "a mapping";
	}
	return "nothing";
}

bool
config_is_repeated(const struct config_reader *r, const yaml_node_t *node, const char *name,
	struct config_mark *mark)
{
	if (mark->line != 0) {
		config_error(r->report, config_yaml_mark(node),
			"'%.40s' a second time; the first is in line %u; keep one", name,
			mark->line);
		return true;
	}
	*mark = config_yaml_mark(node);
	return false;
}

void
config_wrong_kind(const struct config_reader *r, const struct config_target *t,
	const struct config_key *key, const yaml_node_t *node)
{
	char allows[CONFIG_VALUE_ERR_LEN];

	config_error(r->report, config_yaml_mark(node), "%s%s%s is %s; allowed: %s", t->place,
		t->place[0] != '\0' ? "." : "", key->name,
		config_is_null(node) ? "empty" : config_kind(node),
		config_key_allows(key, allows, sizeof(allows)));
}
