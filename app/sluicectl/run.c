/* SPDX-License-Identifier: BSD-3-Clause */
/* Single commands, listings that come in lines, and repetition. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "nstat.h"
#include "rows.h"
#include "run.h"
#include "view.h"

/* Time between the two answers that rates are made of. */
#define RATE_MS 500u
#define WATCH_WORDS_MAX 16u

static volatile sig_atomic_t is_interrupted;

static void
on_signal(int signal_number)
{
	(void)signal_number;
	is_interrupted = 1;
}

void
run_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool
run_sleep(unsigned int ms)
{
	struct timespec left = { (time_t)(ms / 1000), (long)(ms % 1000) * 1000000 };

	while (!is_interrupted && nanosleep(&left, &left) != 0 && errno == EINTR)
		;
	return !is_interrupted;
}

int
run_number(const json_t *args, const char *name, unsigned int min, unsigned int def,
	unsigned int *out, struct failure *f)
{
	const char *text = json_string_value(json_object_get(args, name));
	unsigned long value;
	char *end;

	*out = def;
	if (text == NULL)
		return 0;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || *text < '0' || *text > '9' || *end != '\0' || value < min ||
		value > 1000000)
		return failure_set(f, EXIT_USAGE, "E_USAGE", NULL,
			"%s '%s' is not a number within %u..1000000", name, text, min);
	*out = (unsigned int)value;
	return 0;
}

/* --- single commands ------------------------------------------------------------------------ */

static json_t *
ask(struct client *c, unsigned int command, json_t *args, struct failure *f)
{
	json_t *copy = json_copy(args);

	if (client_ask(c, ctl_command(command)->name, copy, f) != 0)
		return NULL;
	return client_answer(c, f);
}

/* before: the answer of last time, or NULL; the new one replaces it. */
static int
run_once(const struct cli *cli, struct client *c, const struct verb *verb, json_t *args,
	json_t **before, struct failure *f)
{
	unsigned int command = verb->command;
	struct view_data data = { NULL, NULL };
	json_t *now;

	if (verb->local == VERB_NSTAT)
		return nstat_run(cli, c, args, f);
	if (rows_is_listing(command))
		return rows_run(cli, c, command, args, f);
	if (*before == NULL && view_has_rates(command) && !cli_wants_json(cli)) {
		*before = ask(c, command, args, f);
		if (*before == NULL)
			return f->exit_code;
		run_sleep(RATE_MS);
	}
	now = ask(c, command, args, f);
	if (now == NULL)
		return f->exit_code;
	data.now = now;
	data.before = *before;
	if (cli_wants_json(cli))
		cli_print_json(now);
	else
		view_print(cli, command, &data);
	json_decref(*before);
	*before = now;
	return 0;
}

/* --- repetition ----------------------------------------------------------------------------- */

/* The words of a text, in place; returns how many. */
static unsigned int
words_split(char *text, char **words)
{
	unsigned int count = 0;
	char *save = NULL;
	char *word;

	for (word = strtok_r(text, " ", &save); word != NULL && count < WATCH_WORDS_MAX;
		word = strtok_r(NULL, " ", &save))
		words[count++] = word;
	return count;
}

/* Does its answer go on for as long as frames come? */
static bool
is_stream(const struct verb *verb)
{
	return verb->local == VERB_COMMAND && (verb->command == CTL_COMMAND_capture ||
						      verb->command == CTL_COMMAND_trace);
}

static int
watch_parse(const json_t *args, struct verb *verb, json_t **verb_json, struct failure *f)
{
	char text[1024];
	char *words[WATCH_WORDS_MAX];
	unsigned int count, used;
	int code;

	snprintf(text, sizeof(text), "%s", json_string_value(json_object_get(args, "command")));
	count = words_split(text, words);
	if (count == 0)
		return failure_set(f, EXIT_USAGE, "E_USAGE", NULL, "watch needs a command");
	code = verb_find(words, count, verb, &used, f);
	if (code != 0)
		return code;
	if ((verb->local != VERB_COMMAND && verb->local != VERB_NSTAT) || is_stream(verb))
		return failure_set(
			f, EXIT_USAGE, "E_USAGE", NULL, "'%s' cannot be watched", verb->name);
	if (verb->local == VERB_COMMAND && ctl_command(verb->command)->role != CTL_READ)
		return failure_set(f, EXIT_USAGE, "E_USAGE", NULL,
			"'%s' changes things; only what looks can be watched", verb->name);
	*verb_json = verb_args(verb, words + used, count - used, f);
	return *verb_json != NULL ? 0 : f->exit_code;
}

static int
run_watch(const struct cli *cli, struct client *c, json_t *args, struct failure *f)
{
	json_t *verb_json = NULL, *before = NULL;
	unsigned int seconds = 0, count = 0, i;
	struct verb verb = { 0 };
	int code;

	code = run_number(args, "seconds", 1, 1, &seconds, f);
	if (code == 0)
		code = run_number(args, "count", 1, 0, &count, f);
	if (code == 0)
		code = watch_parse(args, &verb, &verb_json, f);
	run_catch_signals();
	for (i = 0; code == 0 && (count == 0 || i < count); i++) {
		if (i > 0 && !run_sleep(seconds * 1000))
			break;
		if (cli->is_tty && !cli_wants_json(cli))
			fputs("\033[H\033[J", stdout);
		else if (i > 0 && !cli_wants_json(cli))
			putchar('\n');
		code = run_once(cli, c, &verb, verb_json, &before, f);
		fflush(stdout);
	}
	json_decref(verb_json);
	json_decref(before);
	return code;
}

int
run_verb(const struct cli *cli, const struct verb *verb, json_t *args, struct failure *f)
{
	json_t *before = NULL;
	struct client c;
	int code;

	if (verb->local == VERB_TOP)
		return run_top(cli, args, f);
	if (verb->local == VERB_DOCTOR)
		return run_doctor(cli, args, f);
	if (verb->local == VERB_BUNDLE)
		return run_bundle(cli, args, f);
	code = client_open(cli, &c, f);
	if (code != 0)
		return code;
	if (verb->local == VERB_WATCH)
		code = run_watch(cli, &c, args, f);
	else if (verb->local == VERB_DIAGNOSE)
		code = run_diagnose(cli, &c, args, f);
	else if (verb->local == VERB_METRICS)
		code = run_metrics(cli, &c, args, f);
	else if (is_stream(verb))
		code = run_capture(cli, &c, verb->command, args, f);
	else
		code = run_once(cli, &c, verb, args, &before, f);
	json_decref(before);
	client_close(&c);
	return code;
}
