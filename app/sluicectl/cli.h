/* SPDX-License-Identifier: BSD-3-Clause */
/* What every part of the command line shares: options, failures, exit codes. */
#ifndef SLUICECTL_CLI_H
#define SLUICECTL_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/** Exit codes; sluicectl --help lists them. */
enum {
	EXIT_OK = 0,
	EXIT_REFUSED = 1, /* the daemon said no, or diagnose found errors */
	EXIT_USAGE = 2,
	EXIT_UNREACHABLE = 3, /* no daemon at the socket */
	EXIT_TIMED_OUT = 4,
	EXIT_DENIED = 5, /* no permission */
	EXIT_WARNINGS = 6, /* diagnose found nothing worse */
};

/** How results are written. */
enum cli_format {
	FORMAT_HUMAN,
	FORMAT_PLAIN, /* stable columns: no colour, no separators, nothing wrapped */
	FORMAT_JSON, /* one object */
	FORMAT_JSON_LINES, /* one object per line */
};

struct cli {
	const char *socket_path;
	enum cli_format format;
	bool has_color;
	bool is_tty; /* standard output */
	unsigned int columns; /* of the terminal; 0: no limit */
	int timeout_ms; /* for each answer */
};

/** Why it did not work. */
struct failure {
	int exit_code;
	char code[32]; /* E_... */
	char message[400];
	char hint[300]; /* "": none */
};

/** Is what is printed for programs? */
static inline bool
cli_wants_json(const struct cli *cli)
{
	return cli->format == FORMAT_JSON || cli->format == FORMAT_JSON_LINES;
}

/** Fill in; returns exit_code. hint may be NULL. */
__attribute__((__format__(__printf__, 5, 6))) int failure_set(
	struct failure *f, int exit_code, const char *code, const char *hint, const char *fmt, ...);

/** Write a failure the way the format wants it. */
void failure_print(const struct cli *cli, const struct failure *f);

/** An object on a line of its own, nothing in it that a terminal would obey. */
void cli_print_json(const json_t *object);

#endif
