/* SPDX-License-Identifier: BSD-3-Clause */
/* YAML text to a document, within bounds that keep any file cheap to read. */
#ifndef CTL_CONFIG_YAML_H
#define CTL_CONFIG_YAML_H

#include <stddef.h>

#include <yaml.h>

#include "ctl/config_report.h"

#define CONFIG_YAML_DEPTH_MAX 8u
#define CONFIG_YAML_NODES_MAX 10000u

/**
 * Parse one document. Threat model: the file may be anything. libyaml reads n nested brackets in
 * n^2 steps and follows aliases into cycles, so a first pass over the event stream, which stops
 * early, refuses deep nesting, aliases, too many nodes and second documents. 0: *doc is the
 * caller's, to be deleted with yaml_document_delete(); -EINVAL: report says why; -ENOMEM.
 */
int config_yaml_load(
	const char *text, size_t len, yaml_document_t *doc, struct config_report *report);

/** The place of a node. */
struct config_mark config_yaml_mark(const yaml_node_t *node);

#endif
