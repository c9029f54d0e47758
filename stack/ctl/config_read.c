/* SPDX-License-Identifier: BSD-3-Clause */
/* Walks the mappings of a configuration along the table of keys. */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "conf/nearest.h"
#include "ctl/config_int.h"
#include "ctl/config_value.h"
#include "ctl/config_yaml.h"

/* Bytes of the name of a place in the file: "services.http". */
#define PLACE_LEN (CONFIG_NAME_LEN + 16)

static const struct config_key *
key_find(enum config_section section, const char *name, unsigned int *id)
{
	for (*id = 0; *id < CONFIG_KEY_COUNT; (*id)++) {
		const struct config_key *key = config_key((enum config_key_id) * id);

		if (key->section == section && strcmp(key->name, name) == 0)
			return key;
	}
	return NULL;
}

static const char *
section_key_name(const void *ctx, size_t i)
{
	enum config_section section = *(const enum config_section *)ctx;
	unsigned int id;

	for (id = 0; id < CONFIG_KEY_COUNT; id++) {
		const struct config_key *key = config_key((enum config_key_id)id);

		if (key->section == section && i-- == 0)
			return key->name;
	}
	return NULL;
}

/* The name of the section a key would belong to, or NULL. */
static const char *
other_section(const char *name)
{
	static const char *const sections[] = {
		[CONFIG_SECTION_top] = "the top level",
		[CONFIG_SECTION_control] = "'control'",
		[CONFIG_SECTION_log] = "'log'",
		[CONFIG_SECTION_memory] = "'memory'",
		[CONFIG_SECTION_ports] = "a port",
		[CONFIG_SECTION_services] = "a service",
	};
	const struct config_key *key = NULL;
	unsigned int section, id;

	if (tunables_find(name) != NULL)
		return "'tunables'";
	for (section = 0; section < ARRAY_SIZE(sections) && key == NULL; section++)
		key = key_find((enum config_section)section, name, &id);
	return key != NULL ? sections[key->section] : NULL;
}

static void
unknown_key(const struct config_reader *r, const struct config_target *t, const yaml_node_t *node,
	const char *name)
{
	const char *where = other_section(name);
	const char *in = t->place[0] != '\0' ? "in " : "at the top level";
	char near[120];

	nearest_names(name, section_key_name, &t->section, near, sizeof(near));
	if (where != NULL)
		config_error(r->report, config_yaml_mark(node),
			"unknown key '%.40s' %s%s; it belongs to %s", name, in, t->place, where);
	else if (near[0] != '\0')
		config_error(r->report, config_yaml_mark(node),
			"unknown key '%.40s' %s%s; did you mean %s?", name, in, t->place, near);
	else
		config_error(r->report, config_yaml_mark(node),
			"unknown key '%.40s' %s%s; docs/config.md lists the known ones", name, in,
			t->place);
}

static void
scalar_read(const struct config_reader *r, const struct config_target *t,
	const struct config_key *key, const yaml_node_t *node)
{
	const char *text = config_scalar(node);
	char err[CONFIG_VALUE_ERR_LEN];

	if (text == NULL)
		config_wrong_kind(r, t, key, node);
	else if (config_value_read(key, text, (char *)t->base + key->offset, err, sizeof(err)) != 0)
		config_error(r->report, config_yaml_mark(node), "%s%s%s: %s", t->place,
			t->place[0] != '\0' ? "." : "", key->name, err);
}

/* Room for one more port or service, at its defaults; NULL: the table is full. */
static bool
entry_add(const struct config_reader *r, enum config_section section, const char *name,
	struct config_mark mark, struct config_target *t)
{
	struct config *conf = r->conf;
	uint32_t *count =
		section == CONFIG_SECTION_ports ? &conf->port_count : &conf->service_count;

	if (section == CONFIG_SECTION_ports) {
		if (*count == CONFIG_PORTS_MAX)
			return false;
		t->base = &conf->ports[*count];
		t->marks = r->where->port[*count];
		r->where->port_name[*count] = mark;
		snprintf(conf->ports[*count].name, CONFIG_NAME_LEN, "%s", name);
	} else {
		if (*count == CONFIG_SERVICES_MAX)
			return false;
		t->base = &conf->services[*count];
		t->marks = r->where->service[*count];
		r->where->service_name[*count] = mark;
		snprintf(conf->services[*count].name, CONFIG_NAME_LEN, "%s", name);
	}
	t->section = section;
	t->index = (*count)++;
	config_section_default(section, t->base);
	return true;
}

/* The line of an earlier entry of that name; 0: none. */
static unsigned int
entry_line(const struct config_reader *r, enum config_section section, const char *name)
{
	uint32_t i;

	if (section == CONFIG_SECTION_ports) {
		for (i = 0; i < r->conf->port_count; i++) {
			if (strcmp(r->conf->ports[i].name, name) == 0)
				return r->where->port_name[i].line;
		}
		return 0;
	}
	for (i = 0; i < r->conf->service_count; i++) {
		if (strcmp(r->conf->services[i].name, name) == 0)
			return r->where->service_name[i].line;
	}
	return 0;
}

static void
entry_read(const struct config_reader *r, const struct config_key *key,
	const yaml_node_t *name_node, const yaml_node_t *body)
{
	const char *name = config_scalar(name_node);
	struct config_mark mark = config_yaml_mark(name_node);
	char place[PLACE_LEN];
	struct config_target t;
	unsigned int line;

	if (name == NULL || !config_name_is_valid(name)) {
		config_error(r->report, mark,
			"'%.40s' in %s is not a name of letters, digits, '.', '_' and '-'",
			name != NULL ? name : config_kind(name_node), key->name);
		return;
	}
	line = entry_line(r, (enum config_section)key->min, name);
	if (line != 0) {
		config_error(r->report, mark, "%s.%s a second time; the first is in line %u",
			key->name, name, line);
		return;
	}
	if (!entry_add(r, (enum config_section)key->min, name, mark, &t)) {
		config_error(r->report, mark, "more than %u entries in %s", key->max, key->name);
		return;
	}
	snprintf(place, sizeof(place), "%s.%s", key->name, name);
	t.place = place;
	if (body != NULL && !config_is_null(body))
		config_read_map(r, &t, body);
}

/* The value of 'name' in an entry of a list; NULL: there is none. */
static const yaml_node_t *
entry_name(const struct config_reader *r, const yaml_node_t *map)
{
	const yaml_node_pair_t *pair;

	if (map->type != YAML_MAPPING_NODE)
		return NULL;
	for (pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		const char *text = config_scalar(config_node(r, pair->key));

		if (text != NULL && strcmp(text, "name") == 0)
			return config_node(r, pair->value);
	}
	return NULL;
}

/* One of a list: a name alone, or a mapping with 'name' in it. */
static void
item_read(const struct config_reader *r, const struct config_key *key, const yaml_node_t *item)
{
	const yaml_node_t *name = entry_name(r, item);

	if (item->type == YAML_SCALAR_NODE && !config_is_null(item))
		entry_read(r, key, item, NULL);
	else if (name != NULL)
		entry_read(r, key, name, item);
	else
		config_error(r->report, config_yaml_mark(item),
			"an entry of %s without 'name'; add one", key->name);
}

static void
named_read(const struct config_reader *r, const struct config_target *t,
	const struct config_key *key, const yaml_node_t *node)
{
	const yaml_node_item_t *item;
	const yaml_node_pair_t *pair;

	if (config_is_null(node))
		return;
	if (node->type == YAML_MAPPING_NODE) {
		for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top;
			pair++) {
			if (!config_report_is_full(r->report))
				entry_read(r, key, config_node(r, pair->key),
					config_node(r, pair->value));
		}
		return;
	}
	if (node->type != YAML_SEQUENCE_NODE) {
		config_wrong_kind(r, t, key, node);
		return;
	}
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
		if (!config_report_is_full(r->report))
			item_read(r, key, config_node(r, *item));
	}
}

static void
section_read(const struct config_reader *r, const struct config_target *top,
	const struct config_key *key, const yaml_node_t *node)
{
	struct config_target t = {
		.section = (enum config_section)key->min,
		.base = (char *)top->base + key->offset,
		.marks = top->marks,
		.place = key->name,
	};

	if (!config_is_null(node))
		config_read_map(r, &t, node);
}

static void
value_read(const struct config_reader *r, const struct config_target *t,
	const struct config_key *key, const yaml_node_t *node)
{
	switch (key->type) {
	case CONFIG_UINT:
	case CONFIG_BOOL:
	case CONFIG_WORD:
	case CONFIG_NAME:
	case CONFIG_PATH:
	case CONFIG_PCI:
	case CONFIG_CPUS:
	case CONFIG_MAC:
	case CONFIG_IP:
	case CONFIG_IP4:
	case CONFIG_IP6:
	case CONFIG_ENDPOINT:
		scalar_read(r, t, key, node);
		return;
	case CONFIG_PREFIXES:
		config_read_prefixes(r, t, key, node);
		return;
	case CONFIG_NEIGHBOURS:
		config_read_neighbours(r, t, key, node);
		return;
	case CONFIG_SECTION:
		section_read(r, t, key, node);
		return;
	case CONFIG_TUNABLES:
		config_read_tunables(r, t, key, node);
		return;
	case CONFIG_NAMED:
		named_read(r, t, key, node);
		return;
	}
	ASSERT(false);
}

/* 'name' has been read already; here it only must not say anything else. */
static void
entry_name_check(
	const struct config_reader *r, const struct config_target *t, const yaml_node_t *node)
{
	const char *name = config_scalar(node);
	const char *known = strchr(t->place, '.') + 1;

	if (name == NULL || strcmp(name, known) != 0)
		config_error(r->report, config_yaml_mark(node),
			"%s: 'name' says something else: '%.40s'; remove it", t->place,
			name != NULL ? name : config_kind(node));
}

static void
pair_read(const struct config_reader *r, const struct config_target *t, const yaml_node_t *key_node,
	const yaml_node_t *value_node)
{
	const char *name = config_scalar(key_node);
	bool is_entry = t->section == CONFIG_SECTION_ports || t->section == CONFIG_SECTION_services;
	const struct config_key *key;
	unsigned int id;

	if (name == NULL) {
		config_error(r->report, config_yaml_mark(key_node), "%s cannot be a key",
			config_kind(key_node));
		return;
	}
	if (is_entry && strcmp(name, "name") == 0) {
		entry_name_check(r, t, value_node);
		return;
	}
	key = key_find(t->section, name, &id);
	if (key == NULL)
		unknown_key(r, t, key_node, name);
	else if (!config_is_repeated(r, key_node, name, &t->marks[id]))
		value_read(r, t, key, value_node);
}

void
config_read_map(
	const struct config_reader *r, const struct config_target *t, const yaml_node_t *map)
{
	const yaml_node_pair_t *pair;

	if (map->type != YAML_MAPPING_NODE) {
		config_error(r->report, config_yaml_mark(map),
			"%s is %s; it must be a mapping of keys to values",
			t->place[0] != '\0' ? t->place : "the file", config_kind(map));
		return;
	}
	for (pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		if (config_report_is_full(r->report))
			return;
		pair_read(r, t, config_node(r, pair->key), config_node(r, pair->value));
	}
}
