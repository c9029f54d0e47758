/* SPDX-License-Identifier: BSD-3-Clause */
/* The client's end of the control protocol. */
#ifndef SLUICECTL_CLIENT_H
#define SLUICECTL_CLIENT_H

#include <jansson.h>

#include "cli.h"

struct client {
	int fd;
	int timeout_ms;
	char *data; /* received, not yet handed out */
	size_t begin, end, size;
	char version[40]; /* of the daemon */
};

/** Connect and read the greeting. 0, or the exit code with f filled in. */
int client_open(const struct cli *cli, struct client *out, struct failure *f);

void client_close(struct client *c);

/** Send a command. args is released; NULL: none. */
int client_ask(struct client *c, const char *command, json_t *args, struct failure *f);

/**
 * The next line of the answer, for json_decref(); NULL: f says why, be it that the daemon answered
 * with an error.
 */
json_t *client_answer(struct client *c, struct failure *f);

/** The same of a listing, all its lines as one. */
json_t *client_answer_whole(struct client *c, struct failure *f);

#endif
