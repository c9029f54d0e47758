/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon: reads the configuration, starts the appliance, serves until it is told to stop. */
#include <stdio.h>
#include <stdlib.h>

#include "check.h"
#include "options.h"
#include "serve.h"
#include "service_set.h"

static int
run(const char *path)
{
	struct config *conf;
	int code;

	if (sluiced_config(path, service_set_kinds(), &conf, stderr) != 0)
		return SLUICED_EXIT_FAILED;
	code = sluiced_serve(conf, path) == 0 ? SLUICED_EXIT_OK : SLUICED_EXIT_FAILED;
	free(conf);
	return code;
}

int
main(int argc, char **argv)
{
	struct sluiced_options options;

	if (sluiced_options_parse(argc, argv, &options, stderr) != 0)
		return SLUICED_EXIT_USAGE;
	switch (options.mode) {
	case SLUICED_HELP:
		sluiced_help_print(stdout);
		return SLUICED_EXIT_OK;
	case SLUICED_VERSION:
		printf("sluiced %s\n", SLUICE_VERSION);
		return SLUICED_EXIT_OK;
	case SLUICED_CHECK:
		return sluiced_check(options.config_path, service_set_kinds(), stdout);
	case SLUICED_RUN:
		break;
	}
	return run(options.config_path);
}
