/* SPDX-License-Identifier: BSD-3-Clause */
/* sluiced --check: reads a configuration and reports, touching nothing. */
#ifndef SLUICED_CHECK_H
#define SLUICED_CHECK_H

#include <stdio.h>

#include "ctl/config.h"

/** Print everything found in the file at path to out; returns the exit code. */
int sluiced_check(const char *path, const struct config_service_kind *kinds, FILE *out);

/**
 * Read the file at path for running; errors and warnings go to err. 0, or a negative errno after a
 * message. The caller frees *out.
 */
int sluiced_config(
	const char *path, const struct config_service_kind *kinds, struct config **out, FILE *err);

#endif
