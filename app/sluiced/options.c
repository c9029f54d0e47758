/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads the command line of the daemon. */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stddef.h>

#include "options.h"

static const char help[] =
	"Usage: sluiced -c FILE          serve, as FILE says\n"
	"       sluiced --check FILE     say what is wrong with FILE; touches nothing\n"
	"\n"
	"  -c, --config FILE   configuration; docs/config.md explains every key\n"
	"  -t, --check FILE    check it: errors and warnings as FILE:LINE:COLUMN\n"
	"  --test-secret FILE  with -c: keys that load tests know (docs/load-testing.md), with\n"
	"                      which anybody can forge connections; never where it matters\n"
	"  -h, --help          this text\n"
	"  -V, --version       the version\n"
	"\n"
	"Exit status: 0 good, or served until told to stop; 1 the check failed or it could not\n"
	"start; 2 wrong usage. SIGTERM and SIGINT let connections finish (drain_timeout), a "
	"second\n"
	"one ends at once; SIGHUP reads FILE again, as sluicectl reload does. sluicectl(1) looks\n"
	"inside while it runs.\n";

void
sluiced_help_print(FILE *out)
{
	fputs(help, out);
}

static int
usage_error(FILE *err, const char *what)
{
	fprintf(err, "sluiced: %s; sluiced --help explains\n", what);
	return -EINVAL;
}

int
sluiced_options_parse(int argc, char **argv, struct sluiced_options *out, FILE *err)
{
	static const struct option longs[] = {
		{ "config", required_argument, NULL, 'c' },
		{ "check", required_argument, NULL, 't' },
		{ "test-secret", required_argument, NULL, 's' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	bool is_told = false;
	int opt;

	*out = (struct sluiced_options){ SLUICED_RUN, NULL, NULL };
	optind = 0;
	while ((opt = getopt_long(argc, argv, "+c:t:hV", longs, NULL)) != -1) {
		if (opt == 'h' || opt == 'V') {
			out->mode = opt == 'h' ? SLUICED_HELP : SLUICED_VERSION;
			return 0;
		}
		if (opt == '?')
			return usage_error(err, "wrong option");
		if (opt == 's') {
			out->test_secret = optarg;
			continue;
		}
		if (is_told)
			return usage_error(err, "one --config or one --check");
		is_told = true;
		out->mode = opt == 'c' ? SLUICED_RUN : SLUICED_CHECK;
		out->config_path = optarg;
	}
	if (optind < argc)
		return usage_error(err, "it takes no other arguments");
	if (!is_told)
		return usage_error(err, "it needs --config FILE or --check FILE");
	if (out->test_secret != NULL && out->mode != SLUICED_RUN)
		return usage_error(err, "--test-secret goes with --config");
	return 0;
}
