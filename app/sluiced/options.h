/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of the daemon. */
#ifndef SLUICED_OPTIONS_H
#define SLUICED_OPTIONS_H

#include <stdio.h>

/** Exit codes of the daemon. */
enum {
	SLUICED_EXIT_OK = 0,
	SLUICED_EXIT_FAILED = 1, /* the check failed, or it could not start */
	SLUICED_EXIT_USAGE = 2,
};

enum sluiced_mode {
	SLUICED_RUN,
	SLUICED_CHECK, /* read the configuration, say what is wrong, touch nothing */
	SLUICED_HELP,
	SLUICED_VERSION,
};

struct sluiced_options {
	enum sluiced_mode mode;
	const char *config_path; /* of SLUICED_RUN and SLUICED_CHECK */
	const char *test_secret; /* of SLUICED_RUN: a file; NULL: keys that nobody knows */
};

/** 0, or -EINVAL after a message on err. */
int sluiced_options_parse(int argc, char **argv, struct sluiced_options *out, FILE *err);

void sluiced_help_print(FILE *out);

#endif
