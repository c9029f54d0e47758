/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon's life between its start and its end. */
#ifndef SLUICED_SERVE_H
#define SLUICED_SERVE_H

#include <stdint.h>

#include "ctl/config.h"

/**
 * Serve as conf says, which was read from the file at path; SIGHUP has it read again. Once
 * everything answers, one line READY is written to standard output:
 * "READY addresses=10.0.0.2/24,fd00::2/64 services=echo:7,http:80 control=/run/x.sock pid=12".
 * SIGTERM or SIGINT end it, after connections have finished or drain_timeout has passed; a second
 * one ends it at once. keys_from: as in struct appliance_app. 0, or a negative errno after a
 * message on standard error.
 */
int sluiced_serve(struct config *conf, const char *path, uint64_t keys_from);

#endif
