/* SPDX-License-Identifier: BSD-3-Clause */
/* Counters as nstat(8) shows them, and the values kept from one call to the next. */
#ifndef SLUICECTL_NSTAT_H
#define SLUICECTL_NSTAT_H

#include "client.h"

/** Ask, print what was added since the last call, keep the values. 0, or the exit code. */
int nstat_run(const struct cli *cli, struct client *c, json_t *args, struct failure *f);

/**
 * The values kept for this user and this socket, for json_decref(); *out is NULL if there are none.
 * A file that is not surely ours is an error: 0, or the exit code with f filled in.
 */
int nstat_load(const struct cli *cli, json_t **out, struct failure *f);

/** Keep them for the next call. */
int nstat_save(const struct cli *cli, const json_t *values, struct failure *f);

#endif
