/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's side of the control server: its socket, and what it may know of the appliance. */
#ifndef SLUICED_CONTROL_H
#define SLUICED_CONTROL_H

#include <stdbool.h>

#include "appliance/appliance.h"
#include "ctl/backend.h"
#include "ctl/server.h"
#include "ctl/socket.h"

struct control {
	struct ctl_socket socket;
	struct ctl_server *server;
	struct ctl_backend backend;
	struct tunables tunables;	/* current ones, as the server changes them */
	struct drop_watch drops;
	uint64_t looked_us;		/* when drops was brought up to date */
	struct appliance *appliance;
	struct config *config;		/* what may change while running is written here */
	bool stop_asked;		/* by an operator */
};

/** Take the socket, before any other thread runs: a second daemon on it ends here. */
int control_open(struct control *c, const struct config *conf, struct io_error *err);

/** Serve operators from now on; conf, the appliance's, was read from the file at path. */
int control_start(struct control *c, struct appliance *a, struct config *conf, const char *path,
	struct io_error *err);

/** Read the configuration again, as sluicectl reload; says on standard error what came of it. */
void control_reload(struct control *c);

/** Serve for at most timeout_ms, less if a signal comes. */
void control_poll(struct control *c, int timeout_ms);

/** Also after a failed start. */
void control_close(struct control *c);

#endif
