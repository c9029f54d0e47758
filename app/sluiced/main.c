/* SPDX-License-Identifier: BSD-3-Clause */
/* The daemon: reads the configuration, starts the appliance, serves until it is told to stop. */
#include <stdio.h>
#include <stdlib.h>

#include "appliance/secrets.h"
#include "check.h"
#include "options.h"
#include "serve.h"
#include "service_set.h"

static int
run(const struct sluiced_options *options)
{
	struct config *conf;
	uint64_t keys_from = 0;
	int code = SLUICED_EXIT_FAILED;

	if (options->test_secret != NULL) {
		if (test_secret_read(options->test_secret, &keys_from, stderr) != 0)
			return SLUICED_EXIT_FAILED;
		fputs("sluiced: keys of a load test: anybody who has them can forge connections\n",
			stderr);
	}
	if (sluiced_config(options->config_path, service_set_kinds(), &conf, stderr) != 0)
		return SLUICED_EXIT_FAILED;
	if (sluiced_serve(conf, options->config_path, keys_from) == 0)
		code = SLUICED_EXIT_OK;
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
	return run(&options);
}
