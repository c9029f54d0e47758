/* SPDX-License-Identifier: BSD-3-Clause */
/* sluicectl: looks into a running sluiced and steers it. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "ctl/protocol.h"
#include "help.h"
#include "run.h"
#include "verb.h"

#define TIMEOUT_MS 5000

/* The command line taken apart: options that may stand anywhere, and the other words. */
struct line {
	struct cli cli;
	const char *color; /* auto, always, never */
	bool wants_help, wants_version;
	unsigned int count;
	char **words;
};

static int
missing_value(const char *option, struct failure *f)
{
	return failure_set(f, EXIT_USAGE, "E_USAGE", NULL, "option '%s' needs a value", option);
}

/* If word is option name, with its value behind '=' or in the next word: the value, else NULL. */
static const char *
value_of(const char *name, const char *short_name, int argc, char **argv, int *i)
{
	size_t len = strlen(name);
	const char *word = argv[*i];

	if (word == NULL)
		return NULL;
	if (strncmp(word, name, len) == 0 && word[len] == '=')
		return word + len + 1;
	if (strcmp(word, name) != 0 && (short_name == NULL || strcmp(word, short_name) != 0))
		return NULL;
	if (*i + 1 >= argc)
		return "";
	return argv[++*i];
}

static bool
is_option(const char *word, const char *name, const char *short_name)
{
	return strcmp(word, name) == 0 || (short_name != NULL && strcmp(word, short_name) == 0);
}

static int
timeout_parse(const char *text, int *out_ms, struct failure *f)
{
	char *end;
	double seconds;

	errno = 0;
	seconds = strtod(text, &end);
	if (errno != 0 || end == text || *end != '\0' || !(seconds > 0 && seconds <= 3600))
		return failure_set(f, EXIT_USAGE, "E_USAGE", NULL,
			"--timeout '%s' is not a number of seconds up to 3600", text);
	*out_ms = (int)(seconds * 1000);
	return 0;
}

/*
 * Is word flags of the verb typed so far in their short form? "-s" names the socket before a
 * command, but means something else to nstat(8), and habits count.
 */
static bool
is_verb_letters(const struct line *line, const char *word)
{
	unsigned int used, i;
	struct failure f;
	struct verb verb;

	if (word[0] != '-' || word[1] == '-')
		return false;
	for (i = 0; i < line->count; i++) {
		if (verb_find(line->words + i, line->count - i, &verb, &used, &f) != 0)
			continue;
		if (verb_has_letters(&verb, word))
			return true;
		if (verb.local != VERB_WATCH)
			return false;
	}
	return false;
}

/* Take argv[*i] if it is an option for every command. 1: taken; 0: not one; -1: f is filled in. */
static int
option_take(struct line *line, int argc, char **argv, int *i, struct failure *f)
{
	const char *word = argv[*i];
	const char *value;

	if (is_verb_letters(line, word))
		return 0;
	if (is_option(word, "--json", "-j"))
		line->cli.format = FORMAT_JSON;
	else if (is_option(word, "--json-lines", NULL))
		line->cli.format = FORMAT_JSON_LINES;
	else if (is_option(word, "--plain", NULL))
		line->cli.format = FORMAT_PLAIN;
	else if (is_option(word, "--help", "-h"))
		line->wants_help = true;
	else if (is_option(word, "--version", "-V"))
		line->wants_version = true;
	else if ((value = value_of("--socket", "-s", argc, argv, i)) != NULL)
		line->cli.socket_path = value;
	else if ((value = value_of("--color", NULL, argc, argv, i)) != NULL)
		line->color = value;
	else if ((value = value_of("--timeout", NULL, argc, argv, i)) != NULL)
		return timeout_parse(value, &line->cli.timeout_ms, f) == 0 ? 1 : -1;
	else
		return 0;
	if (line->cli.socket_path[0] == '\0' || line->color[0] == '\0') {
		missing_value(word, f);
		return -1;
	}
	return 1;
}

static int
line_parse(struct line *line, int argc, char **argv, struct failure *f)
{
	const char *path = getenv("SLUICE_SOCKET");
	bool is_over = false;
	int i;

	line->cli.socket_path = path != NULL && path[0] != '\0' ? path : CTL_SOCKET_DEFAULT;
	line->cli.timeout_ms = TIMEOUT_MS;
	line->color = "auto";
	line->words = argv;
	for (i = 1; i < argc; i++) {
		int taken = is_over ? 0 : option_take(line, argc, argv, &i, f);

		if (taken < 0)
			return f->exit_code;
		if (taken > 0)
			continue;
		if (!is_over && strcmp(argv[i], "--") == 0)
			is_over = true;
		else
			line->words[line->count++] = argv[i];
	}
	if (strcmp(line->color, "auto") != 0 && strcmp(line->color, "always") != 0 &&
		strcmp(line->color, "never") != 0)
		return failure_set(f, EXIT_USAGE, "E_USAGE", NULL,
			"--color '%s' is none of auto, always, never", line->color);
	return 0;
}

/* What the terminal, if it is one, can show. */
static void
look_decide(struct cli *cli, const char *color)
{
	const char *term = getenv("TERM");
	const char *no_color = getenv("NO_COLOR");
	struct winsize size;

	cli->is_tty = isatty(STDOUT_FILENO) != 0;
	if (cli->is_tty && cli->format == FORMAT_HUMAN &&
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
		cli->columns = size.ws_col;
	cli->has_color =
		strcmp(color, "always") == 0 || (strcmp(color, "auto") == 0 && cli->is_tty &&
							(no_color == NULL || no_color[0] == '\0') &&
							term != NULL && strcmp(term, "dumb") != 0);
	if (cli->format != FORMAT_HUMAN)
		cli->has_color = false;
}

static int
completion_print(const json_t *args, struct failure *f)
{
	const char *shell = json_string_value(json_object_get(args, "shell"));

	if (strcmp(shell, "bash") != 0)
		return failure_set(f, EXIT_USAGE, "E_USAGE", NULL,
			"no completion for '%s'; there is one for bash", shell);
	completion_bash(stdout);
	return 0;
}

static int
help_about(char *const *words, unsigned int count, struct failure *f)
{
	if (count == 0) {
		help_print(stdout);
		return 0;
	}
	if (help_verbs(words, count, stdout))
		return 0;
	return failure_set(f, EXIT_USAGE, "E_USAGE", "sluicectl help lists all",
		"no command is called '%s'", words[0]);
}

static int
verb_run(struct line *line, struct failure *f)
{
	struct verb verb;
	unsigned int used;
	json_t *args;
	int code;

	code = verb_find(line->words, line->count, &verb, &used, f);
	if (code != 0)
		return code;
	if (verb.local == VERB_HELP)
		return help_about(line->words + used, line->count - used, f);
	args = verb_args(&verb, line->words + used, line->count - used, f);
	if (args == NULL)
		return f->exit_code;
	if (verb.local == VERB_MANUAL)
		manual_print(stdout);
	else if (verb.local == VERB_COMPLETION)
		code = completion_print(args, f);
	else
		code = run_verb(&line->cli, &verb, args, f);
	json_decref(args);
	return code;
}

int
main(int argc, char **argv)
{
	struct line line = { 0 };
	struct failure f = { 0 };
	int code;

	code = line_parse(&line, argc, argv, &f);
	look_decide(&line.cli, line.color != NULL ? line.color : "never");
	if (code == 0 && line.wants_version) {
		printf("sluicectl %s\n", SLUICE_VERSION);
		return 0;
	}
	if (code == 0 && line.wants_help)
		code = help_about(line.words, line.count, &f);
	else if (code == 0 && line.count == 0)
		code = failure_set(&f, EXIT_USAGE, "E_USAGE", NULL,
			"it needs a command; sluicectl help lists all");
	else if (code == 0)
		code = verb_run(&line, &f);
	/* Without a text the code itself was the answer. */
	if (code != 0 && f.code[0] != '\0')
		failure_print(&line.cli, &f);
	if (fflush(stdout) != 0 && code == 0)
		code = EXIT_REFUSED;
	return code;
}
