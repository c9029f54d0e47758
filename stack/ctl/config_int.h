/* SPDX-License-Identifier: BSD-3-Clause */
/* What the parts of the configuration reader share: places of keys, access to fields. */
#ifndef CTL_CONFIG_INT_H
#define CTL_CONFIG_INT_H

#include <yaml.h>

#include "ctl/config.h"

/** Where each key was written; line 0: it was not. */
struct config_where {
	struct config_mark top[CONFIG_KEY_COUNT]; /* and of control, log, memory */
	struct config_mark port[CONFIG_PORTS_MAX][CONFIG_KEY_COUNT];
	struct config_mark service[CONFIG_SERVICES_MAX][CONFIG_KEY_COUNT];
	struct config_mark port_name[CONFIG_PORTS_MAX];
	struct config_mark service_name[CONFIG_SERVICES_MAX];
	struct config_mark prefix[CONFIG_PORTS_MAX][CONFIG_ADDRS_MAX];
	struct config_mark neighbour[CONFIG_PORTS_MAX][CONFIG_NEIGHBOURS_MAX];
};

/** What a walk through a document carries along. */
struct config_reader {
	yaml_document_t *doc;
	struct config *conf;
	struct config_where *where;
	struct config_report *report;
};

/** Where the keys of one mapping go. */
struct config_target {
	enum config_section section;
	void *base; /* struct of the section */
	struct config_mark *marks; /* by key */
	unsigned int index; /* of the port or service */
	const char *place; /* "services.http"; "" for the top */
};

/* Nodes of the document (config_node.c). */

yaml_node_t *config_node(const struct config_reader *r, int id);

/** The text of a scalar, kept by the document; NULL: not one word of text. */
const char *config_scalar(const yaml_node_t *node);

/** Was nothing written behind the colon, or null? */
bool config_is_null(const yaml_node_t *node);

/** "a list", "a mapping" ... */
const char *config_kind(const yaml_node_t *node);

/** Report that a value is a list where a mapping belongs, and the like. */
void config_wrong_kind(const struct config_reader *r, const struct config_target *t,
	const struct config_key *key, const yaml_node_t *node);

/** Note that a key stands at node; true, with an error, if it already stood elsewhere. */
bool config_is_repeated(const struct config_reader *r, const yaml_node_t *node, const char *name,
	struct config_mark *mark);

/* Readers of values that are lists or mappings of their own (config_lists.c). */

void config_read_prefixes(const struct config_reader *r, const struct config_target *t,
	const struct config_key *key, const yaml_node_t *node);
void config_read_neighbours(const struct config_reader *r, const struct config_target *t,
	const struct config_key *key, const yaml_node_t *node);
void config_read_tunables(const struct config_reader *r, const struct config_target *t,
	const struct config_key *key, const yaml_node_t *node);

/** Read every key of a mapping into its target (config_read.c). */
void config_read_map(
	const struct config_reader *r, const struct config_target *t, const yaml_node_t *map);

/** Fields of a section at the values of config.def. */
void config_section_default(enum config_section section, void *base);

/**
 * Do the parts fit together? Also fills in what depends on others: a service's type and port.
 * Adds to report.
 */
void config_check(struct config *conf, const struct config_where *where,
	const struct config_service_kind *kinds, struct config_report *report);

#endif
