/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor: runs the checks of the host and says what to type; changes nothing, needs no daemon. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/protocol.h"
#include "doctor.h"
#include "run.h"

static const char *const words[] = {
	[DOCTOR_OK] = "ok",
	[DOCTOR_SKIP] = "skip",
	[DOCTOR_WARN] = "WARN",
	[DOCTOR_FAIL] = "FAIL",
};

static void
print_row(const struct cli *cli, const char *id, const struct doctor_result *r)
{
	const char *color = r->status == DOCTOR_FAIL   ? "\033[1;31m"
			    : r->status == DOCTOR_WARN ? "\033[1;33m"
						       : "";
	bool has_color = cli->has_color && color[0] != '\0';

	printf("%s%-4s%s  %-13s %s\n", has_color ? color : "", words[r->status],
		has_color ? "\033[0m" : "", id, r->what);
	if (r->fix[0] != '\0')
		printf("      fix: %s\n", r->fix);
}

static json_t *
row_json(const char *id, const struct doctor_result *r)
{
	json_t *row = json_object();

	json_object_set_new(row, "check", json_string(id));
	json_object_set_new(row, "status", json_string(words[r->status]));
	json_object_set_new(row, "what", json_string(r->what));
	if (r->fix[0] != '\0')
		json_object_set_new(row, "fix", json_string(r->fix));
	return row;
}

static int
report(const struct cli *cli, const struct doctor *d)
{
	unsigned int counts[sizeof(words) / sizeof(words[0])] = { 0 };
	json_t *list = json_array();
	size_t i;

	for (i = 0; doctor_checks[i].id != NULL; i++) {
		struct doctor_result r = { .status = DOCTOR_SKIP };

		doctor_checks[i].run(d, &r);
		counts[r.status]++;
		json_array_append_new(list, row_json(doctor_checks[i].id, &r));
		if (!cli_wants_json(cli))
			print_row(cli, doctor_checks[i].id, &r);
	}
	if (cli_wants_json(cli)) {
		json_t *object = json_object();

		json_object_set_new(object, "schema_version", json_integer(CTL_SCHEMA_VERSION));
		json_object_set_new(object, "failed", json_integer(counts[DOCTOR_FAIL]));
		json_object_set_new(object, "warnings", json_integer(counts[DOCTOR_WARN]));
		json_object_set(object, "checks", list);
		cli_print_json(object);
		json_decref(object);
	} else {
		printf("%u failed, %u warning%s, %u ok\n", counts[DOCTOR_FAIL],
			counts[DOCTOR_WARN], counts[DOCTOR_WARN] == 1 ? "" : "s",
			counts[DOCTOR_OK]);
	}
	json_decref(list);
	return counts[DOCTOR_FAIL] > 0	 ? EXIT_REFUSED
	       : counts[DOCTOR_WARN] > 0 ? EXIT_WARNINGS
					 : EXIT_OK;
}

/* The first error that is not about a service: those and their ports only sluiced knows. */
static const char *
first_error(const struct config_report *problems)
{
	unsigned int i;

	for (i = 0; i < problems->count; i++) {
		const struct config_message *row = &problems->rows[i];

		if (row->is_error && strncmp(row->text, "services.", strlen("services.")) != 0)
			return row->text;
	}
	return NULL;
}

/* Without a file: what a configuration says where it says nothing. */
static int
config_of(const char *path, struct config *conf, struct failure *f)
{
	static const char least[] = "ports: {wan0: {addresses: [192.0.2.1/24]}}\n"
				    "services: {echo: {port: 7}}\n";
	struct config_report *problems = malloc(sizeof(*problems));
	const char *why;
	char hint[300];
	int rc;

	if (problems == NULL)
		abort();
	config_report_init(problems);
	if (path != NULL)
		rc = config_load(path, NULL, conf, problems);
	else
		rc = config_parse(least, strlen(least), NULL, conf, problems);
	why = rc == -EINVAL || problems->count > 0 ? first_error(problems) : NULL;
	if (rc != 0 && rc != -EINVAL && why == NULL)
		why = strerror(-rc);
	snprintf(hint, sizeof(hint), "sluiced --check %.200s says what is wrong",
		path != NULL ? path : "");
	if (why != NULL)
		failure_set(f, EXIT_REFUSED, "E_CONFIG", hint, "%s: %s", path, why);
	free(problems);
	return why == NULL ? 0 : f->exit_code;
}

int
run_doctor(const struct cli *cli, const json_t *args, struct failure *f)
{
	const char *sysroot = json_string_value(json_object_get(args, "sysroot"));
	const char *path = json_string_value(json_object_get(args, "config"));
	struct config *conf = calloc(1, sizeof(*conf));
	struct doctor d = { .sysroot = sysroot != NULL ? sysroot : "", .conf = conf };
	int code;

	if (conf == NULL)
		abort();
	code = config_of(path, conf, f);
	if (code == 0)
		code = report(cli, &d);
	free(conf);
	return code;
}
