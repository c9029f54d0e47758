/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of views share. */
#ifndef SLUICECTL_VIEW_INT_H
#define SLUICECTL_VIEW_INT_H

#include "ctl/commands.h"
#include "table.h"
#include "view.h"

/** Prints one answer. */
typedef void view_fn(const struct cli *cli, const struct view_data *data);

view_fn view_version;
view_fn view_stats;
view_fn view_drops;
view_fn view_outcomes;
view_fn view_counters;
view_fn view_cores;
view_fn view_ports;
view_fn view_tunables;
view_fn view_config;
view_fn view_tunable;
view_fn view_set;
view_fn view_reload;
view_fn view_done;

/** A member that is a text, or NULL. */
const char *view_text(const json_t *object, const char *name);

/** Add a cell with the change per second of an integer; "?" where it is unknown. */
void view_put_rate(
	struct table *t, const struct view_data *data, json_int_t before, json_int_t now);

/** A line "name  value"; text of the daemon is made harmless. NULL: "-". */
void view_pair(const char *name, const char *value);

#endif
