/* SPDX-License-Identifier: BSD-3-Clause */
/* Profiles in files: YAML along the table of keys. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ctl/config_value.h"
#include "ctl/config_yaml.h"
#include "profile.h"
#include "profile_int.h"

/* Bytes of a profile's file, and of the name of a place in it: "groups.x". */
#define FILE_MAX (1u << 16)
#define PLACE_LEN (CONFIG_NAME_LEN + 16)
/* More than there are keys, those that the table does not have included. */
#define MARKS_MAX 64u

struct reader {
	yaml_document_t *doc;
	struct config_report *report;
	struct load_profile *profile;
};

/* One mapping that is read. */
struct place {
	const char *name; /* "groups.x."; "" for the top */
	struct load_group *group;
	bool is_top;
	struct config_mark seen[MARKS_MAX]; /* by key */
};

/* Keys beside those of the table; their marks come behind. */
enum extra {
	EXTRA_PROFILE,
	EXTRA_PASS,
	EXTRA_GROUPS,
	EXTRA_COUNT,
};

static const char *const extra_names[EXTRA_COUNT] = {
	[EXTRA_PROFILE] = "profile",
	[EXTRA_PASS] = "pass",
	[EXTRA_GROUPS] = "groups",
};

static yaml_node_t *
node_at(const struct reader *r, int id)
{
	return yaml_document_get_node(r->doc, id);
}

/* The text of a scalar; NULL: it is none, or has a NUL in it. */
static const char *
text_of(const yaml_node_t *node)
{
	const char *text;

	if (node->type != YAML_SCALAR_NODE)
		return NULL;
	text = (const char *)node->data.scalar.value;
	return strlen(text) == node->data.scalar.length ? text : NULL;
}

static bool
is_null(const yaml_node_t *node)
{
	const char *text = text_of(node);

	return text != NULL && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
		(text[0] == '\0' || strcmp(text, "~") == 0 || strcmp(text, "null") == 0);
}

static const yaml_node_t *
find(const struct reader *r, const yaml_node_t *map, const char *name)
{
	const yaml_node_pair_t *pair;

	if (map->type != YAML_MAPPING_NODE)
		return NULL;
	for (pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		const char *text = text_of(node_at(r, pair->key));

		if (text != NULL && strcmp(text, name) == 0)
			return node_at(r, pair->value);
	}
	return NULL;
}

static void
pass_add(const struct reader *r, const yaml_node_t *node)
{
	const char *text = text_of(node);
	char err[CRITERIA_ERR_LEN];

	if (text == NULL)
		config_error(r->report, config_yaml_mark(node),
			"pass: not a text; write it as in 'errors == 0, p99 < 5ms'");
	else if (criteria_parse(&r->profile->pass, text, err, sizeof(err)) != 0)
		config_error(r->report, config_yaml_mark(node), "pass: %s", err);
}

static void
pass_read(const struct reader *r, const yaml_node_t *node)
{
	const yaml_node_item_t *item;

	if (is_null(node))
		return;
	if (node->type != YAML_SEQUENCE_NODE) {
		pass_add(r, node);
		return;
	}
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++)
		if (!config_report_is_full(r->report))
			pass_add(r, node_at(r, *item));
}

/* A preset comes first, wherever in the mapping it stands: the other keys change it. */
static void
preset_read(const struct reader *r, const struct place *place, const yaml_node_t *map)
{
	const yaml_node_t *node = find(r, map, extra_names[EXTRA_PROFILE]);
	const char *name = node != NULL ? text_of(node) : NULL;
	char err[LOAD_PROFILE_ERR_LEN];

	if (node == NULL)
		return;
	if (name == NULL)
		config_error(r->report, config_yaml_mark(node), "%sprofile: not a name",
			place->name);
	else if (load_group_preset(place->group, name, err, sizeof(err)) != 0)
		config_error(r->report, config_yaml_mark(node), "%sprofile: %s", place->name, err);
	else if (place->is_top)
		snprintf(place->group->name, sizeof(place->group->name), "%.*s",
			CONFIG_NAME_LEN - 1, name);
}

static void
value_read(const struct reader *r, const struct place *place, size_t i, const yaml_node_t *node)
{
	const struct config_key *key = load_key_at(i);
	char *base = load_key_is_of_run(i) ? (char *)r->profile : (char *)place->group;
	char err[CONFIG_VALUE_ERR_LEN];
	const char *text = text_of(node);

	if (text == NULL)
		config_error(r->report, config_yaml_mark(node),
			"%s%s: not a single value; allowed: %s", place->name, key->name,
			config_key_allows(key, err, sizeof(err)));
	else if (config_value_read(key, text, base + key->offset, err, sizeof(err)) != 0)
		config_error(r->report, config_yaml_mark(node), "%s%s: %s", place->name, key->name,
			err);
}

/* The number of a key: of the table, then the extra ones; -1, with an error, for others. */
static int
key_number(const struct reader *r, const struct place *place, const yaml_node_t *node)
{
	const char *name = text_of(node);
	size_t i = name != NULL ? load_key_find(name) : load_key_count();
	char hint[160];

	if (i < load_key_count() && (place->is_top || !load_key_is_of_run(i)))
		return (int)i;
	for (int e = 0; name != NULL && e < EXTRA_COUNT; e++)
		if (strcmp(extra_names[e], name) == 0 && (place->is_top || e == EXTRA_PROFILE))
			return (int)load_key_count() + e;
	if (name == NULL)
		config_error(r->report, config_yaml_mark(node), "%sthis cannot be a key",
			place->name);
	else
		config_error(r->report, config_yaml_mark(node), "%sunknown key '%.40s'%s",
			place->name, name,
			i < load_key_count() ? "; it belongs to the top level"
					     : load_key_hint(name, hint, sizeof(hint)));
	return -1;
}

static void
map_read(const struct reader *r, struct place *place, const yaml_node_t *map)
{
	const yaml_node_pair_t *pair;

	if (map->type != YAML_MAPPING_NODE) {
		config_error(r->report, config_yaml_mark(map),
			"%.40s: must be a mapping of keys to values",
			place->is_top ? "the file" : place->name);
		return;
	}
	preset_read(r, place, map);
	for (pair = map->data.mapping.pairs.start; pair < map->data.mapping.pairs.top; pair++) {
		const yaml_node_t *key = node_at(r, pair->key);
		int i = config_report_is_full(r->report) ? -1 : key_number(r, place, key);

		if (i < 0)
			continue;
		if (place->seen[i].line != 0) {
			config_error(r->report, config_yaml_mark(key),
				"%s'%s' a second time; the first is in line %u", place->name,
				text_of(key), place->seen[i].line);
			continue;
		}
		place->seen[i] = config_yaml_mark(key);
		if ((size_t)i < load_key_count())
			value_read(r, place, (size_t)i, node_at(r, pair->value));
		else if ((size_t)i == load_key_count() + EXTRA_PASS)
			pass_read(r, node_at(r, pair->value));
	}
}

static bool
name_is_taken(const struct load_profile *p, const char *name)
{
	for (unsigned int i = 0; i < p->group_count; i++)
		if (strcmp(p->groups[i].name, name) == 0)
			return true;
	return false;
}

/* One group: the keys of the top level, changed by its own. */
static void
group_read(const struct reader *r, const struct load_group *base, const yaml_node_t *name_node,
	const yaml_node_t *body)
{
	struct load_profile *p = r->profile;
	const char *name = text_of(name_node);
	char at[PLACE_LEN];
	struct place place = { .name = at };

	if (name == NULL || !config_name_is_valid(name) || name_is_taken(p, name)) {
		config_error(r->report, config_yaml_mark(name_node),
			"groups: '%.40s' is %s", name != NULL ? name : "this",
			name != NULL && name_is_taken(p, name)
				? "there already"
				: "not a name of letters, digits, '.', '_' and '-'");
		return;
	}
	if (p->group_count == LOAD_GROUPS_MAX) {
		config_error(r->report, config_yaml_mark(name_node), "more than %u groups",
			LOAD_GROUPS_MAX);
		return;
	}
	place.group = &p->groups[p->group_count++];
	*place.group = *base;
	snprintf(place.group->name, sizeof(place.group->name), "%s", name);
	snprintf(at, sizeof(at), "groups.%s: ", name);
	if (!is_null(body))
		map_read(r, &place, body);
}

static void
groups_read(const struct reader *r, const struct load_group *base, const yaml_node_t *node)
{
	const yaml_node_pair_t *pair;

	if (node->type != YAML_MAPPING_NODE) {
		config_error(r->report, config_yaml_mark(node),
			"groups: must be a mapping of names to keys");
		return;
	}
	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++)
		if (!config_report_is_full(r->report))
			group_read(r, base, node_at(r, pair->key), node_at(r, pair->value));
	if (r->profile->group_count == 0 && r->report->errors == 0)
		config_error(r->report, config_yaml_mark(node), "groups: none is there; add one");
}

int
load_profile_parse(
	struct load_profile *p, const char *text, size_t len, struct config_report *report)
{
	yaml_document_t doc;
	struct reader r = { &doc, report, p };
	struct load_group base;
	struct place top = { .name = "", .group = &base, .is_top = true };
	const yaml_node_t *root, *groups;
	int rc;

	_Static_assert(MARKS_MAX >= 40, "room for every key");
	load_profile_default(p);
	load_group_default(&base);
	snprintf(base.name, sizeof(base.name), "load");
	rc = config_yaml_load(text, len, &doc, report);
	if (rc != 0)
		return rc;
	root = yaml_document_get_root_node(&doc);
	map_read(&r, &top, root);
	groups = find(&r, root, extra_names[EXTRA_GROUPS]);
	if (groups != NULL && !config_report_is_full(report))
		groups_read(&r, &base, groups);
	else
		p->groups[p->group_count++] = base;
	yaml_document_delete(&doc);
	return report->errors == 0 ? 0 : -EINVAL;
}

int
load_profile_load(struct load_profile *p, const char *path, struct config_report *report)
{
	char *text = malloc(FILE_MAX + 1);
	FILE *file = fopen(path, "re");
	size_t len = 0;
	int rc = 0;

	if (text == NULL) {
		rc = -ENOMEM;
	} else if (file == NULL) {
		rc = -errno;
	} else {
		len = fread(text, 1, FILE_MAX + 1, file);
		if (ferror(file))
			rc = -errno;
		else if (len > FILE_MAX)
			rc = -EFBIG;
	}
	if (file != NULL)
		(void)fclose(file);
	if (rc == 0)
		rc = load_profile_parse(p, text, len, report);
	else if (rc != -ENOMEM)
		config_error(report, (struct config_mark){ 0, 0 }, "cannot read it: %s",
			rc == -EFBIG ? "larger than 64 KiB" : strerror(-rc));
	free(text);
	return rc;
}
