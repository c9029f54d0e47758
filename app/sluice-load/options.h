/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line: what to do, over which port, and where to write. */
#ifndef SLUICE_LOAD_OPTIONS_H
#define SLUICE_LOAD_OPTIONS_H

#include <stdbool.h>
#include <stdio.h>

#include "ctl/config.h"
#include "profile.h"

/** Exit codes. */
enum {
	LOAD_EXIT_PASS = 0,
	LOAD_EXIT_FAIL = 1, /* a criterion was not fulfilled */
	LOAD_EXIT_USAGE = 2,
	LOAD_EXIT_START = 3, /* it could not start, or reach the target */
};

enum load_mode {
	LOAD_RUN,
	LOAD_CHECK, /* read everything, say what is wrong, touch nothing */
	LOAD_HELP,
	LOAD_VERSION,
	LOAD_PROFILES, /* list the presets */
};

struct load_options {
	enum load_mode mode;
	const char *json; /* file, "-": standard output; NULL: none */
	bool is_quiet; /* no block each second */
	struct load_profile profile;
	struct config config; /* of the port, the workers and the stack */
};

/** Fill in what the command line says. 0, or -EINVAL or -ENOMEM after messages on err. */
int load_options_parse(int argc, char **argv, struct load_options *out, FILE *err);

void load_help_print(FILE *out);

/** Expand "10.0.0.1/24" or "10.0.0.1-10.0.0.9/24", appending ", "a/len"" to out. 0 or -EINVAL. */
int load_addresses_write(const char *text, FILE *out, unsigned int *count);

#endif
