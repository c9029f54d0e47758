/* SPDX-License-Identifier: BSD-3-Clause */
/* Values of the configuration that are lists or mappings: addresses, neighbours, tunables. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ctl/config_int.h"
#include "ctl/config_yaml.h"

static void
prefix_read(const struct config_reader *r, const struct config_target *t, const yaml_node_t *node)
{
	struct config_port *port = t->base;
	struct config_prefixes *list = &port->addresses;
	const char *text = config_scalar(node);
	struct ip_prefix prefix;

	if (text == NULL || ip_prefix_parse(&prefix, text, strlen(text)) != 0) {
		config_error(r->report, config_yaml_mark(node),
			"%s.addresses: '%.60s' is not an address with its prefix length, "
			"such as 192.0.2.1/24 or 2001:db8::1/64",
			t->place, text != NULL ? text : config_kind(node));
		return;
	}
	if (list->count == CONFIG_ADDRS_MAX) {
		config_error(r->report, config_yaml_mark(node),
			"%s.addresses: more than %u addresses", t->place, CONFIG_ADDRS_MAX);
		return;
	}
	r->where->prefix[t->index][list->count] = config_yaml_mark(node);
	list->prefix[list->count++] = prefix;
}

void
config_read_prefixes(const struct config_reader *r, const struct config_target *t,
	const struct config_key *key, const yaml_node_t *node)
{
	const yaml_node_item_t *item;

	if (config_is_null(node))
		return;
	if (node->type == YAML_SCALAR_NODE) {
		prefix_read(r, t, node);
		return;
	}
	if (node->type != YAML_SEQUENCE_NODE) {
		config_wrong_kind(r, t, key, node);
		return;
	}
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
		if (config_report_is_full(r->report))
			return;
		prefix_read(r, t, config_node(r, *item));
	}
}

static void
neighbour_read(const struct config_reader *r, const struct config_target *t,
	const yaml_node_t *key_node, const yaml_node_t *value_node)
{
	struct config_port *port = t->base;
	struct config_neighbours *list = &port->neighbours;
	const char *ip_text = config_scalar(key_node);
	const char *mac_text = config_scalar(value_node);
	struct mac_addr mac;
	struct ip_addr ip;

	if (ip_text == NULL || ip_addr_parse(&ip, ip_text, strlen(ip_text)) != 0) {
		config_error(r->report, config_yaml_mark(key_node),
			"%s.neighbours: '%.60s' is not an IP address", t->place,
			ip_text != NULL ? ip_text : config_kind(key_node));
		return;
	}
	if (mac_text == NULL || mac_addr_parse(&mac, mac_text, strlen(mac_text)) != 0) {
		config_error(r->report, config_yaml_mark(value_node),
			"%s.neighbours.%s: '%.60s' is not a MAC address such as 02:00:00:00:00:01",
			t->place, ip_text, mac_text != NULL ? mac_text : config_kind(value_node));
		return;
	}
	if (list->count == CONFIG_NEIGHBOURS_MAX) {
		config_error(r->report, config_yaml_mark(key_node),
			"%s.neighbours: more than %u entries", t->place, CONFIG_NEIGHBOURS_MAX);
		return;
	}
	r->where->neighbour[t->index][list->count] = config_yaml_mark(key_node);
	list->row[list->count].ip = ip;
	list->row[list->count++].mac = mac;
}

void
config_read_neighbours(const struct config_reader *r, const struct config_target *t,
	const struct config_key *key, const yaml_node_t *node)
{
	const yaml_node_pair_t *pair;

	if (config_is_null(node))
		return;
	if (node->type != YAML_MAPPING_NODE) {
		config_wrong_kind(r, t, key, node);
		return;
	}
	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		if (config_report_is_full(r->report))
			return;
		neighbour_read(r, t, config_node(r, pair->key), config_node(r, pair->value));
	}
}

/* The words of a value: a scalar, or a list of scalars (tcp_rmem: [4096, 131072, 6291456]). */
static int
tunable_text(const struct config_reader *r, const yaml_node_t *node, char *out, size_t out_len)
{
	const yaml_node_item_t *item;
	size_t used = 0;

	if (config_scalar(node) != NULL)
		return snprintf(out, out_len, "%s", config_scalar(node)) < (int)out_len ? 0
											: -EINVAL;
	if (node->type != YAML_SEQUENCE_NODE)
		return -EINVAL;
	out[0] = '\0';
	for (item = node->data.sequence.items.start; item < node->data.sequence.items.top; item++) {
		const char *text = config_scalar(config_node(r, *item));

		if (text == NULL || used >= out_len)
			return -EINVAL;
		used += (size_t)snprintf(
			out + used, out_len - used, "%s%s", used > 0 ? " " : "", text);
	}
	return used < out_len ? 0 : -EINVAL;
}

static void
tunable_read(
	const struct config_reader *r, const yaml_node_t *key_node, const yaml_node_t *value_node)
{
	const char *name = config_scalar(key_node);
	char text[TUNABLE_TEXT_LEN];
	char err[TUNABLE_ERR_LEN];

	if (name == NULL) {
		config_error(r->report, config_yaml_mark(key_node),
			"tunables: %s cannot be the name of a tunable", config_kind(key_node));
		return;
	}
	if (tunable_text(r, value_node, text, sizeof(text)) != 0) {
		config_error(r->report, config_yaml_mark(value_node),
			"tunables.%.40s: not a number, a word or a short list of numbers", name);
		return;
	}
	if (tunables_assign(&r->conf->tunables, name, text, err, sizeof(err)) != 0)
		config_error(r->report, config_yaml_mark(key_node), "tunables: %s", err);
}

/* Is this the first pair with its key? Files are short, so looking back is cheap enough. */
static bool
is_first(const struct config_reader *r, const yaml_node_t *map, const yaml_node_pair_t *pair)
{
	const char *name = config_scalar(config_node(r, pair->key));
	const yaml_node_pair_t *before;

	for (before = map->data.mapping.pairs.start; name != NULL && before < pair; before++) {
		const yaml_node_t *node = config_node(r, before->key);
		const char *other = config_scalar(node);
		struct config_mark mark = config_yaml_mark(node);

		if (other != NULL && strcmp(other, name) == 0)
			return !config_is_repeated(r, config_node(r, pair->key), name, &mark);
	}
	return true;
}

void
config_read_tunables(const struct config_reader *r, const struct config_target *t,
	const struct config_key *key, const yaml_node_t *node)
{
	const yaml_node_pair_t *pair;

	if (config_is_null(node))
		return;
	if (node->type != YAML_MAPPING_NODE) {
		config_wrong_kind(r, t, key, node);
		return;
	}
	for (pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
		if (config_report_is_full(r->report))
			return;
		if (is_first(r, node, pair))
			tunable_read(r, config_node(r, pair->key), config_node(r, pair->value));
	}
}
