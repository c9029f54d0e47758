/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the configuration for the daemon and for sluiced --check. */
#include <errno.h>
#include <stdlib.h>

#include "check.h"
#include "ctl/config.h"
#include "options.h"

/* Reads and checks; the report is the caller's to free too. */
static int
load(const char *path, const struct config_service_kind *kinds, struct config **conf,
	struct config_report **report)
{
	int err;

	*conf = malloc(sizeof(**conf));
	*report = malloc(sizeof(**report));
	if (*conf == NULL || *report == NULL)
		return -ENOMEM;
	config_report_init(*report);
	err = config_load(path, kinds, *conf, *report);
	if (err == 0)
		config_check_host(*conf, *report);
	return err;
}

int
sluiced_check(const char *path, const struct config_service_kind *kinds, FILE *out)
{
	struct config_report *report;
	struct config *conf;
	int err;

	err = load(path, kinds, &conf, &report);
	if (err == -ENOMEM)
		fprintf(out, "%s: out of memory\n", path);
	else
		config_report_print(report, path, out);
	free(report);
	free(conf);
	return err == 0 ? SLUICED_EXIT_OK : SLUICED_EXIT_FAILED;
}

int
sluiced_config(
	const char *path, const struct config_service_kind *kinds, struct config **out, FILE *err)
{
	struct config_report *report;
	int code;

	code = load(path, kinds, out, &report);
	if (code == -ENOMEM)
		fprintf(err, "%s: out of memory\n", path);
	else if (report->errors + report->warnings > 0)
		config_report_print(report, path, err);
	free(report);
	if (code != 0) {
		free(*out);
		*out = NULL;
	}
	return code;
}
