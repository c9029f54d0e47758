/* SPDX-License-Identifier: BSD-3-Clause */
/* Answers as people read them: one view per command. */
#ifndef SLUICECTL_VIEW_H
#define SLUICECTL_VIEW_H

#include <jansson.h>

#include "cli.h"
#include "table.h"

/** Two answers of one command; rates come from their timestamps. */
struct view_data {
	const json_t *now;
	const json_t *before; /* NULL: there is none, so rates are unknown */
};

/** Does its view show rates, so that it wants two answers? */
bool view_has_rates(unsigned int command);

/** Print the answer to a command (enum ctl_command_id) but show connections. */
void view_print(const struct cli *cli, unsigned int command, const struct view_data *data);

/** Listings come in lines; t is set up by the first of each pair and ended by the caller. */
void view_connections_begin(struct table *t, const struct cli *cli, const json_t *args);
void view_connections_rows(struct table *t, const json_t *rows);
void view_listeners_begin(struct table *t, const struct cli *cli, const json_t *args);
void view_listeners_rows(struct table *t, const json_t *rows);

/** An integer within an object, along a path of member names ended by NULL; 0: not there. */
json_int_t view_int(const json_t *object, ...);

/** Change per second of the same integer; -1: unknown. */
json_int_t view_rate(const struct view_data *data, json_int_t before, json_int_t now);

/** The element of a list whose member key has the same value as row's; NULL: none. */
const json_t *view_same(const json_t *list, const json_t *row, const char *key);

#endif
