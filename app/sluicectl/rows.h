/* SPDX-License-Identifier: BSD-3-Clause */
/* Listings: answers of several lines, printed as they come. */
#ifndef SLUICECTL_ROWS_H
#define SLUICECTL_ROWS_H

#include "client.h"

/** Is the answer to this command (enum ctl_command_id) a listing? */
bool rows_is_listing(unsigned int command);

/** Ask and print all of it, without ever holding it all. 0, or the exit code with f filled in. */
int rows_run(const struct cli *cli, struct client *c, unsigned int command, json_t *args,
	struct failure *f);

#endif
