/* SPDX-License-Identifier: BSD-3-Clause */
/* diagnose: looks twice, runs the rules and says what is wrong in plain words. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "ctl/commands.h"
#include "ctl/protocol.h"
#include "ctl/text.h"
#include "diag.h"
#include "run.h"

#define SECONDS 2u
/* The daemon ends who is silent for 60 s. */
#define SECONDS_MAX 50u

static const struct {
	unsigned int command;
	const char *args; /* in JSON, or NULL */
	void (*read)(struct diag_snap *s, const json_t *answer);
} parts[] = {
	{ CTL_COMMAND_show_counters, "{\"all\":true}", diag_read_counters },
	{ CTL_COMMAND_show_outcomes, NULL, diag_read_outcomes },
	{ CTL_COMMAND_show_stats, NULL, diag_read_stats },
	{ CTL_COMMAND_show_listeners, NULL, diag_read_listeners },
	{ CTL_COMMAND_show_cores, NULL, diag_read_cores },
	{ CTL_COMMAND_show_tunables, NULL, diag_read_tunables },
	{ CTL_COMMAND_show_connections, "{\"state\":\"established\",\"info\":true,\"limit\":256}",
		diag_read_connections },
};

static int
snap_ask(struct client *c, struct diag_snap *s, struct failure *f)
{
	size_t i;

	memset(s, 0, sizeof(*s));
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		json_t *args =
			parts[i].args != NULL ? json_loads(parts[i].args, 0, NULL) : NULL;
		bool more = client_ask(c, ctl_command(parts[i].command)->name, args, f) == 0;

		if (!more)
			return f->exit_code;
		while (more) {
			json_t *answer = client_answer(c, f);

			if (answer == NULL)
				return f->exit_code;
			parts[i].read(s, answer);
			more = json_is_true(json_object_get(answer, "more"));
			json_decref(answer);
		}
	}
	return 0;
}

static unsigned int
count_errors(const struct diag *d)
{
	unsigned int errors = 0, i;

	for (i = 0; i < d->count; i++)
		errors += d->found[i].severity == DIAG_ERROR;
	return errors;
}

static double
seconds_between(const struct diag *d)
{
	return (double)(d->now->ts_ns - d->before->ts_ns) / 1e9;
}

static void
print_text(const struct cli *cli, const struct diag *d)
{
	unsigned int errors = count_errors(d), i;

	for (i = 0; i < d->count; i++) {
		const struct diag_finding *found = &d->found[i];
		bool is_error = found->severity == DIAG_ERROR;
		char what[4 * sizeof(found->what)], fix[4 * sizeof(found->fix)];

		/* Names of services are the daemon's words. */
		text_escape(found->what, strlen(found->what), what, sizeof(what));
		text_escape(found->fix, strlen(found->fix), fix, sizeof(fix));
		printf("%s%-5s%s  %s: %s\n       fix: %s\n",
			!cli->has_color ? "" : is_error ? "\033[1;31m" : "\033[1;33m",
			is_error ? "ERROR" : "WARN", cli->has_color ? "\033[0m" : "", found->rule,
			what, fix);
	}
	if (d->count == 0)
		printf("ok     nothing found by %u rules in %.1f s\n", diag_rule_count(),
			seconds_between(d));
	else
		printf("%u error%s, %u warning%s, in %.1f s\n", errors, errors == 1 ? "" : "s",
			d->count - errors, d->count - errors == 1 ? "" : "s", seconds_between(d));
}

static void
print_json(const struct diag *d)
{
	json_t *object = json_object();
	json_t *list = json_array();
	unsigned int i;

	for (i = 0; i < d->count; i++) {
		const struct diag_finding *found = &d->found[i];
		json_t *row = json_object();

		json_object_set_new(row, "rule", json_string(found->rule));
		json_object_set_new(row, "severity",
			json_string(found->severity == DIAG_ERROR ? "error" : "warning"));
		json_object_set_new(row, "what", json_string(found->what));
		json_object_set_new(row, "fix", json_string(found->fix));
		json_array_append_new(list, row);
	}
	json_object_set_new(object, "schema_version", json_integer(CTL_SCHEMA_VERSION));
	json_object_set_new(object, "ts_ns", json_integer((json_int_t)d->now->ts_ns));
	json_object_set_new(object, "seconds", json_real(seconds_between(d)));
	json_object_set_new(object, "rules", json_integer(diag_rule_count()));
	json_object_set_new(object, "errors", json_integer(count_errors(d)));
	json_object_set_new(object, "warnings", json_integer(d->count - count_errors(d)));
	json_object_set_new(object, "findings", list);
	cli_print_json(object);
	json_decref(object);
}

int
run_diagnose(const struct cli *cli, struct client *c, const json_t *args, struct failure *f)
{
	struct diag_snap *snaps = calloc(2, sizeof(*snaps));
	struct diag *d = calloc(1, sizeof(*d));
	unsigned int seconds;
	int code;

	if (snaps == NULL || d == NULL)
		abort();
	code = run_number(args, "seconds", 1, SECONDS, &seconds, f);
	if (code == 0 && seconds > SECONDS_MAX)
		code = failure_set(f, EXIT_USAGE, "E_USAGE", NULL,
			"--seconds %u is more than %u", seconds, SECONDS_MAX);
	if (code == 0)
		code = snap_ask(c, &snaps[0], f);
	if (code == 0)
		run_sleep(seconds * 1000);
	if (code == 0)
		code = snap_ask(c, &snaps[1], f);
	if (code == 0) {
		diag_run(d, &snaps[0], &snaps[1]);
		if (cli_wants_json(cli))
			print_json(d);
		else
			print_text(cli, d);
		code = count_errors(d) > 0 ? EXIT_REFUSED : d->count > 0 ? EXIT_WARNINGS : EXIT_OK;
	}
	free(snaps);
	free(d);
	return code;
}
