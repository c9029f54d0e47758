/* SPDX-License-Identifier: BSD-3-Clause */
/* doctor: runs the checks of the host and says what to type, or types it; needs no daemon. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/protocol.h"
#include "doctor.h"
#include "run.h"
#include "view.h"

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

/* All checks as an object; people are told on the way. */
static json_t *
checks_run(const struct cli *cli, const struct doctor *d)
{
	unsigned int counts[sizeof(words) / sizeof(words[0])] = { 0 };
	json_t *object = json_object(), *list = json_array();
	bool is_told = cli != NULL && !cli_wants_json(cli);
	size_t i;

	for (i = 0; doctor_checks[i].id != NULL; i++) {
		struct doctor_result r = { .status = DOCTOR_SKIP };

		doctor_checks[i].run(d, &r);
		counts[r.status]++;
		json_array_append_new(list, row_json(doctor_checks[i].id, &r));
		if (is_told)
			print_row(cli, doctor_checks[i].id, &r);
	}
	if (is_told)
		printf("%u failed, %u warning%s, %u ok\n", counts[DOCTOR_FAIL],
			counts[DOCTOR_WARN], counts[DOCTOR_WARN] == 1 ? "" : "s",
			counts[DOCTOR_OK]);
	json_object_set_new(object, "schema_version", json_integer(CTL_SCHEMA_VERSION));
	json_object_set_new(object, "failed", json_integer(counts[DOCTOR_FAIL]));
	json_object_set_new(object, "warnings", json_integer(counts[DOCTOR_WARN]));
	json_object_set_new(object, "checks", list);
	return object;
}

static int
report(const struct cli *cli, const struct doctor *d)
{
	json_t *object = checks_run(cli, d);
	int code = view_int(object, "failed", NULL) > 0	    ? EXIT_REFUSED
		   : view_int(object, "warnings", NULL) > 0 ? EXIT_WARNINGS
							    : EXIT_OK;

	if (cli_wants_json(cli))
		cli_print_json(object);
	json_decref(object);
	return code;
}

/* --- remedies ------------------------------------------------------------------------------- */

/* A step as somebody would type it, and back; sudo(8) opens the file, not the shell. */
static void
print_step(const char *path, const char *value)
{
	printf("  echo %s%s| sudo tee %s\n", value, value[0] != '\0' ? " " : "", path);
}

static int
step_write(const struct doctor_step *step, struct failure *f)
{
	FILE *file = fopen(step->path, "we");
	int err = 0;

	if (file == NULL || fprintf(file, "%s\n", step->value) < 0 || fflush(file) != 0)
		err = errno;
	if (file != NULL && fclose(file) != 0 && err == 0)
		err = errno;
	if (err == 0)
		return 0;
	return failure_set(f, err == EACCES || err == EPERM ? EXIT_DENIED : EXIT_REFUSED,
		err == EACCES || err == EPERM ? "E_PERMISSION" : "E_HOST",
		err == EACCES || err == EPERM ? "use sudo" : NULL, "cannot write '%s' to %s: %s",
		step->value, step->path, strerror(err));
}

static json_t *
plan_json(const struct doctor_plan *plan, bool is_done)
{
	json_t *object = json_object(), *list = json_array();
	unsigned int i;

	for (i = 0; i < plan->count; i++) {
		const struct doctor_step *s = &plan->steps[i];

		json_array_append_new(list, json_pack("{s:s,s:s,s:s,s:s}", "path", s->path,
						    "value", s->value, "undo_path", s->undo_path,
						    "undo_value", s->undo));
	}
	json_object_set_new(object, "schema_version", json_integer(CTL_SCHEMA_VERSION));
	json_object_set_new(object, "dry_run", json_boolean(!is_done));
	json_object_set_new(object, "steps", list);
	return object;
}

static void
print_plan(const struct cli *cli, const struct doctor_plan *plan, bool is_done)
{
	unsigned int i;

	if (cli_wants_json(cli)) {
		json_t *object = plan_json(plan, is_done);

		cli_print_json(object);
		json_decref(object);
		return;
	}
	if (plan->count == 0) {
		puts("nothing to be done");
		return;
	}
	puts(is_done ? "done:" : "would do:");
	for (i = 0; i < plan->count; i++)
		print_step(plan->steps[i].path, plan->steps[i].value);
	puts("to take it back:");
	for (i = 0; i < plan->count; i++)
		print_step(plan->steps[i].undo_path, plan->steps[i].undo);
	if (!is_done)
		puts("nothing was changed: this was a dry run; --yes does it");
}

/* Work out what helps, and do it if that was asked for. */
static int
fix(const struct cli *cli, const struct doctor *d, const char *id, bool is_asked,
	struct failure *f)
{
	struct doctor_plan *plan = calloc(1, sizeof(*plan));
	unsigned int i;
	int code = 0;

	if (plan == NULL)
		abort();
	if (!doctor_plan(d, id, plan))
		code = failure_set(f, EXIT_USAGE, "E_USAGE",
			"doctor --fix knows binding, governor, hugepages, nmi-watchdog and thp",
			"nothing can be done about '%s' from here", id);
	else if (plan->why_not[0] != '\0')
		code = failure_set(f, EXIT_REFUSED, "E_REFUSED", NULL, "%s", plan->why_not);
	for (i = 0; code == 0 && is_asked && i < plan->count; i++) {
		code = step_write(&plan->steps[i], f);
		if (code != 0)
			plan->count = i;
	}
	if (code == 0)
		print_plan(cli, plan, is_asked);
	else if (plan->count > 0 && !cli_wants_json(cli))
		print_plan(cli, plan, true);
	free(plan);
	return code;
}

/* --- the configuration ---------------------------------------------------------------------- */

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

/* What args name, for doctor_end(). 0, or the exit code with f filled in. */
static int
doctor_begin(const json_t *args, struct doctor *d, struct failure *f)
{
	const char *sysroot = json_string_value(json_object_get(args, "sysroot"));
	const char *path = json_string_value(json_object_get(args, "config"));
	struct config *conf = calloc(1, sizeof(*conf));

	if (conf == NULL)
		abort();
	*d = (struct doctor){ .sysroot = sysroot != NULL ? sysroot : "", .conf = conf };
	if (path != NULL)
		snprintf(d->config_words, sizeof(d->config_words), " --config %.200s", path);
	return config_of(path, conf, f);
}

static void
doctor_end(struct doctor *d)
{
	free(d->conf);
}

json_t *
doctor_json(const json_t *args, struct failure *f)
{
	json_t *object = NULL;
	struct doctor d;

	if (doctor_begin(args, &d, f) == 0)
		object = checks_run(NULL, &d);
	doctor_end(&d);
	return object;
}

int
run_doctor(const struct cli *cli, const json_t *args, struct failure *f)
{
	const char *id = json_string_value(json_object_get(args, "fix"));
	bool is_asked = json_is_true(json_object_get(args, "yes"));
	struct doctor d;
	int code = doctor_begin(args, &d, f);

	if (code == 0 && is_asked && id == NULL)
		code = failure_set(f, EXIT_USAGE, "E_USAGE", NULL, "--yes goes with --fix CHECK");
	if (code == 0)
		code = id != NULL ? fix(cli, &d, id, is_asked, f) : report(cli, &d);
	doctor_end(&d);
	return code;
}
