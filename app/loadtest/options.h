/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of sluice-pcapgen. */
#ifndef LOADTEST_OPTIONS_H
#define LOADTEST_OPTIONS_H

#include <stdint.h>
#include <stdio.h>

#include "craft.h"

/** Exit codes. */
enum {
	PCAPGEN_EXIT_OK = 0,
	PCAPGEN_EXIT_FAILED = 1, /* a file could not be read or written */
	PCAPGEN_EXIT_USAGE = 2,
};

enum pcapgen_mode {
	PCAPGEN_RUN,
	PCAPGEN_HELP,
	PCAPGEN_VERSION,
};

struct pcapgen_options {
	enum pcapgen_mode mode;
	struct craft_params craft;
	uint64_t count; /* frames */
	uint64_t rate; /* of the times in the file, frames/s */
	const char *output; /* "-": standard output */
	const char *secret; /* a file; NULL: none */
};

/** 0, or -EINVAL after a message on err. Reads no file. */
int pcapgen_options_parse(int argc, char **argv, struct pcapgen_options *out, FILE *err);

void pcapgen_help_print(FILE *out);

#endif
