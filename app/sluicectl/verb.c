/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds verbs and their arguments in the words of a command line. */
#include <ctype.h>
#include <string.h>

#include "conf/nearest.h"
#include "verb.h"

#define WORDS_MAX 3u
#define WORD_MAX 20u
#define VERBS_MAX 64u
#define TEXT_MAX 1024u

/* clang-format off */
static const struct {
	enum verb_local local;
	const char *name, *help;
	struct ctl_arg args[CTL_ARGS_MAX];
	bool has_rest;
} locals[] = {
	{ VERB_NSTAT, "nstat", "counters as nstat prints them: what was added since its last call",
		{ { CTL_ARG_FLAG, "absolute", "values since the daemon's start, gauges too", 'a' },
		  { CTL_ARG_FLAG, "zeros", "those that did not change too", 'z' },
		  { CTL_ARG_FLAG, "noupdate", "keep the values of the last call; a -s before "
			"nstat is the socket", 's' },
		  { CTL_ARG_WORDS, "pattern", "only these, such as 'TcpExt*'; gauges too", 0 } },
		false },
	{ VERB_DIAGNOSE, "diagnose", "what is wrong, and which knob helps by how much",
		{ { CTL_ARG_OPTION, "seconds", "between its two looks, 2 by default", 0 } },
		false },
	{ VERB_DOCTOR, "doctor", "what of this host is in the way of sluiced, and what to type",
		{ { CTL_ARG_OPTION, "config", "the configuration to run; else defaults", 0 },
		  { CTL_ARG_OPTION, "fix", "tell what would help a check, and how to take it back: "
			"binding, governor, hugepages, nmi-watchdog, thp", 0 },
		  { CTL_ARG_FLAG, "yes", "do what --fix tells", 0 },
		  { CTL_ARG_OPTION, "sysroot", "the folder that /sys, /proc and /dev are in", 0 } },
		false },
	{ VERB_METRICS, "metrics", "all figures as Prometheus reads them",
		{ { CTL_ARG_OPTION, "output", "a file to replace at once, such as one of "
			"node_exporter's textfile collector; else standard output", 0 } },
		false },
	{ VERB_BUNDLE, "bundle", "an archive for support: figures, configuration, the host",
		{ { CTL_ARG_OUTPUT, "file", "tar archive to write", 0 },
		  { CTL_ARG_FLAG, "connections", "connections too, with peers' addresses", 0 },
		  { CTL_ARG_OPTION, "config", "the configuration that doctor looks at", 0 } },
		false },
	{ VERB_TOP, "top", "live view of traffic, connections, workers and drops; q ends, h helps",
		{ { CTL_ARG_FLAG, "once", "one frame as text, then end", 0 },
		  { CTL_ARG_OPTION, "batch", "so many frames as text, then end", 0 },
		  { CTL_ARG_OPTION, "interval", "seconds between frames, 1 by default", 0 },
		  { CTL_ARG_OPTION, "count", "end after so many frames", 0 } }, false },
	{ VERB_WATCH, "watch", "repeat a command, with rates",
		{ { CTL_ARG_OPTION, "count", "end after so many times", 0 },
		  { CTL_ARG_TEXT, "seconds", "between two times", 0 },
		  { CTL_ARG_TEXT, "command", "what to repeat", 0 } }, true },
	{ VERB_HELP, "help", "this text, or that of one command",
		{ { CTL_ARG_OPTION, "command", "which", 0 } }, true },
	{ VERB_MANUAL, "manual", "the manual page sluicectl(1), for man -l -", { { 0 } }, false },
	{ VERB_COMPLETION, "completion", "completion script for a shell: bash",
		{ { CTL_ARG_TEXT, "shell", "bash", 0 } }, false },
};
/* clang-format on */

#define LOCAL_COUNT (sizeof(locals) / sizeof(locals[0]))

bool
verb_at(unsigned int i, struct verb *out)
{
	if (i < CTL_COMMAND_COUNT) {
		const struct ctl_command *cmd = ctl_command(i);

		*out = (struct verb){ VERB_COMMAND, i, cmd->name, cmd->help, cmd->args, false };
		return true;
	}
	i -= CTL_COMMAND_COUNT;
	if (i >= LOCAL_COUNT)
		return false;
	*out = (struct verb){ locals[i].local, 0, locals[i].name, locals[i].help, locals[i].args,
		locals[i].has_rest };
	return true;
}

/* Word n of a verb's name and its length; NULL: it has fewer. */
static const char *
name_word(const char *name, unsigned int n, size_t *len)
{
	while (n-- > 0) {
		name = strchr(name, ' ');
		if (name == NULL)
			return NULL;
		name++;
	}
	*len = strcspn(name, " ");
	return name;
}

/* Does word n of the name begin with, or equal, what was typed? */
static bool
word_matches(const char *name, unsigned int n, const char *typed, bool exactly)
{
	size_t len, typed_len = strlen(typed);
	const char *word = name_word(name, n, &len);

	return word != NULL && typed_len <= len && (!exactly || typed_len == len) &&
	       memcmp(word, typed, typed_len) == 0;
}

/* Do the first n words match, each exactly if any name has it exactly there? */
static bool
words_match(const char *name, char *const *words, unsigned int n)
{
	unsigned int i, j;

	for (i = 0; i < n; i++) {
		bool exactly = false;
		struct verb other;

		for (j = 0; verb_at(j, &other) && !exactly; j++)
			exactly = word_matches(other.name, i, words[i], true) &&
				  words_match(other.name, words, i);
		if (!word_matches(name, i, words[i], exactly))
			return false;
	}
	return true;
}

bool
verb_begins(const struct verb *verb, char *const *words, unsigned int count)
{
	return words_match(verb->name, words, count);
}

static const char *
verb_name_at(const void *ctx, size_t i)
{
	struct verb verb;

	(void)ctx;
	return verb_at((unsigned int)i, &verb) ? verb.name : NULL;
}

struct first_words {
	char text[VERBS_MAX][WORD_MAX];
};

static const char *
first_word_at(const void *ctx, size_t i)
{
	const struct first_words *first = ctx;

	return i < VERBS_MAX && first->text[i][0] != '\0' ? first->text[i] : NULL;
}

/* Each once: those with the same first word stand together. */
static void
first_words_fill(struct first_words *first)
{
	unsigned int i, n = 0;
	struct verb verb;

	memset(first, 0, sizeof(*first));
	for (i = 0; verb_at(i, &verb) && n < VERBS_MAX; i++) {
		snprintf(first->text[n], WORD_MAX, "%.*s", (int)strcspn(verb.name, " "),
			verb.name);
		if (n == 0 || strcmp(first->text[n], first->text[n - 1]) != 0)
			n++;
		else
			first->text[n][0] = '\0';
	}
}

/* The first words as one text. */
static void
words_join(char *const *words, unsigned int count, char *out, size_t out_len)
{
	size_t used = 0;
	unsigned int i;

	out[0] = '\0';
	for (i = 0; i < count && used < out_len; i++)
		used += (size_t)snprintf(
			out + used, out_len - used, "%s%s", i > 0 ? " " : "", words[i]);
}

static int
not_found(char *const *words, unsigned int count, struct failure *f)
{
	char typed[128], near[200] = "", hint[256];
	struct first_words first;
	unsigned int n;

	/* Words behind the verb would only be in the way of the comparison. */
	for (n = count < WORDS_MAX ? count : WORDS_MAX; n > 0 && near[0] == '\0'; n--) {
		words_join(words, n, typed, sizeof(typed));
		nearest_names(typed, verb_name_at, NULL, near, sizeof(near));
	}
	first_words_fill(&first);
	if (near[0] == '\0')
		nearest_names(words[0], first_word_at, &first, near, sizeof(near));
	if (near[0] != '\0')
		snprintf(hint, sizeof(hint), "did you mean %s?", near);
	else
		snprintf(hint, sizeof(hint), "sluicectl help lists all");
	if (words[0][0] == '-')
		return failure_set(f, EXIT_USAGE, "E_USAGE", "sluicectl help lists all",
			"there is no option '%s'", words[0]);
	return failure_set(f, EXIT_USAGE, "E_USAGE", hint, "no command is called '%s'", typed);
}

static int
ambiguous(char *const *words, unsigned int n, struct failure *f)
{
	char list[300] = "";
	size_t used = 0;
	struct verb verb;
	unsigned int i;

	for (i = 0; verb_at(i, &verb) && used < sizeof(list); i++) {
		if (words_match(verb.name, words, n))
			used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s",
				used > 0 ? ", " : "", verb.name);
	}
	return failure_set(f, EXIT_USAGE, "E_USAGE", NULL, "'%s' could be: %s", words[n - 1], list);
}

int
verb_find(char *const *words, unsigned int count, struct verb *out, unsigned int *used,
	struct failure *f)
{
	unsigned int n, i;

	for (n = 1; n <= count && n <= WORDS_MAX; n++) {
		unsigned int matches = 0;
		bool is_longer = false;
		struct verb verb;
		size_t len;

		for (i = 0; verb_at(i, &verb); i++) {
			if (!words_match(verb.name, words, n))
				continue;
			matches++;
			is_longer = is_longer || name_word(verb.name, n, &len) != NULL;
			*out = verb;
		}
		if (matches == 0)
			return not_found(words, count, f);
		/* Unique, and nothing of its name left to type. */
		if (matches == 1 && !is_longer) {
			*used = n;
			return 0;
		}
		if (!is_longer)
			return ambiguous(words, n, f);
	}
	return ambiguous(words, n - 1, f);
}

/* --- arguments ------------------------------------------------------------------------------ */

static bool
is_end(const struct verb *verb, unsigned int i)
{
	return i == CTL_ARGS_MAX || verb->args[i].kind == CTL_ARG_END;
}

/* The last argument of a verb that takes the rest of the line, whatever its kind. */
static bool
is_rest(const struct verb *verb, unsigned int i)
{
	return verb->has_rest && !is_end(verb, i) && is_end(verb, i + 1);
}

bool
verb_arg_is_option(const struct verb *verb, unsigned int i)
{
	enum ctl_arg_kind kind = verb->args[i].kind;

	return (kind == CTL_ARG_FLAG || kind == CTL_ARG_OPTION) && !is_rest(verb, i);
}

static const struct ctl_arg *
option_find(const struct verb *verb, const char *name, size_t len)
{
	unsigned int i;

	for (i = 0; !is_end(verb, i); i++) {
		const struct ctl_arg *arg = &verb->args[i];

		if (verb_arg_is_option(verb, i) && strlen(arg->name) == len &&
			memcmp(arg->name, name, len) == 0)
			return arg;
	}
	return NULL;
}

static const struct ctl_arg *
letter_find(const struct verb *verb, char letter)
{
	unsigned int i;

	for (i = 0; !is_end(verb, i); i++) {
		if (verb->args[i].letter == letter)
			return &verb->args[i];
	}
	return NULL;
}

bool
verb_has_letters(const struct verb *verb, const char *word)
{
	unsigned int i;

	if (word[0] != '-' || word[1] == '\0')
		return false;
	for (i = 1; word[i] != '\0'; i++) {
		if (letter_find(verb, word[i]) == NULL)
			return false;
	}
	return true;
}

/* For nearest_names(): the options of a verb, with gaps where an argument is none. */
static const char *
option_name_at(const void *ctx, size_t i)
{
	const struct verb *verb = ctx;
	unsigned int at;

	for (at = 0; !is_end(verb, at); at++) {
		if (verb_arg_is_option(verb, at) && i-- == 0)
			return verb->args[at].name;
	}
	return NULL;
}

static int
no_option(const struct verb *verb, const char *word, struct failure *f)
{
	char typed[60], near[100] = "", hint[200];

	snprintf(typed, sizeof(typed), "%.*s", (int)strcspn(word, "="), word);
	if (strncmp(typed, "--", 2) == 0)
		nearest_names(typed + 2, option_name_at, verb, near, sizeof(near));
	if (near[0] != '\0')
		snprintf(hint, sizeof(hint), "did you mean %s?", near);
	else
		snprintf(hint, sizeof(hint), "sluicectl help %s lists what it takes", verb->name);
	return failure_set(f, EXIT_USAGE, "E_USAGE", hint, "%s has no option '%s'", verb->name,
		typed);
}

/* What may stand behind the verb. */
static const char *
usage_hint(const struct verb *verb, char *out, size_t out_len)
{
	FILE *text = fmemopen(out, out_len, "w");

	if (text == NULL)
		return NULL;
	fputs("usage: sluicectl ", text);
	verb_usage(verb, text);
	return fclose(text) == 0 ? out : NULL;
}

/* Does word look like flags in their short forms, to a verb that has some? */
static bool
is_letters(const struct verb *verb, const char *word)
{
	unsigned int i;

	for (i = 0; !is_end(verb, i); i++) {
		if (verb->args[i].letter != 0)
			return word[0] == '-' && word[1] != '-' && word[1] != '\0';
	}
	return false;
}

/* Handle "-az". 0, or the exit code. */
static int
letters_take(const struct verb *verb, const char *word, json_t *args, struct failure *f)
{
	if (!verb_has_letters(verb, word))
		return no_option(verb, word, f);
	for (word++; *word != '\0'; word++)
		json_object_set_new(args, letter_find(verb, *word)->name, json_true());
	return 0;
}

/* Handle --name, --name=value, --name value; the words used, or 0 with f filled in. */
static unsigned int
option_take(const struct verb *verb, char *const *words, unsigned int count, json_t *args,
	struct failure *f)
{
	const char *name = words[0] + 2;
	size_t len = strcspn(name, "=");
	const struct ctl_arg *arg = option_find(verb, name, len);

	if (arg == NULL) {
		no_option(verb, words[0], f);
		return 0;
	}
	if (arg->kind == CTL_ARG_FLAG) {
		json_object_set_new(args, arg->name, json_true());
		return 1;
	}
	if (name[len] == '=') {
		json_object_set_new(args, arg->name, json_string(name + len + 1));
		return 1;
	}
	if (count < 2) {
		failure_set(f, EXIT_USAGE, "E_USAGE", NULL, "option '%s' needs a value", words[0]);
		return 0;
	}
	json_object_set_new(args, arg->name, json_string(words[1]));
	return 2;
}

/* The next argument that is a word of its own. */
static unsigned int
next_word_arg(const struct verb *verb, unsigned int i)
{
	while (!is_end(verb, i) && verb_arg_is_option(verb, i))
		i++;
	return i;
}

/* Add a word to an argument that may have some already. 0, or the exit code. */
static int
word_add(json_t *args, const char *name, const char *word, struct failure *f)
{
	const char *before = json_string_value(json_object_get(args, name));
	char text[TEXT_MAX];
	int len = snprintf(text, sizeof(text), "%s%s%s", before != NULL ? before : "",
		before != NULL ? " " : "", word);

	if (len < 0 || (size_t)len >= sizeof(text))
		return failure_set(f, EXIT_USAGE, "E_USAGE", NULL,
			"'%s' is longer than %u characters", name, TEXT_MAX - 1);
	if (json_object_set_new(args, name, json_string(text)) != 0)
		return failure_set(
			f, EXIT_USAGE, "E_USAGE", NULL, "'%s' is not valid UTF-8", name);
	return 0;
}

/* "set name=value" is a habit from sysctl(8). */
static bool
assignment_take(const struct verb *verb, unsigned int at, const char *word, json_t *args)
{
	const char *equals = strchr(word, '=');

	if (equals == NULL || verb->args[at].kind != CTL_ARG_TUNABLE || is_end(verb, at + 1))
		return false;
	json_object_set_new(args, verb->args[at].name, json_stringn(word, (size_t)(equals - word)));
	json_object_set_new(args, verb->args[at + 1].name, json_string(equals + 1));
	return true;
}

static int
args_missing(const struct verb *verb, const json_t *args, struct failure *f)
{
	char usage[300];
	unsigned int i;

	for (i = 0; !is_end(verb, i); i++) {
		const struct ctl_arg *arg = &verb->args[i];

		if ((arg->kind == CTL_ARG_TEXT || arg->kind == CTL_ARG_TUNABLE ||
			    arg->kind == CTL_ARG_OUTPUT) &&
			json_object_get(args, arg->name) == NULL)
			return failure_set(f, EXIT_USAGE, "E_USAGE",
				usage_hint(verb, usage, sizeof(usage)), "%s needs '%s' (%s)",
				verb->name, arg->name, arg->help);
	}
	return 0;
}

json_t *
verb_args(const struct verb *verb, char *const *words, unsigned int count, struct failure *f)
{
	json_t *args = json_object();
	unsigned int at = next_word_arg(verb, 0);
	bool in_rest = false;
	unsigned int i = 0;

	while (i < count) {
		bool is_last = is_end(verb, at) || is_end(verb, next_word_arg(verb, at + 1));

		if (!in_rest && strncmp(words[i], "--", 2) == 0 && words[i][2] != '\0') {
			unsigned int used = option_take(verb, words + i, count - i, args, f);

			if (used == 0)
				goto failed;
			i += used;
			continue;
		}
		if (!in_rest && is_letters(verb, words[i])) {
			if (letters_take(verb, words[i++], args, f) != 0)
				goto failed;
			continue;
		}
		if (!in_rest && words[i][0] == '-' && words[i][1] != '\0' && is_end(verb, at)) {
			no_option(verb, words[i], f);
			goto failed;
		}
		if (is_end(verb, at)) {
			failure_set(f, EXIT_USAGE, "E_USAGE", NULL, "%s takes no '%s'", verb->name,
				words[i]);
			goto failed;
		}
		if (assignment_take(verb, at, words[i], args)) {
			at = next_word_arg(verb, at + 1);
		} else {
			if (word_add(args, verb->args[at].name, words[i], f) != 0)
				goto failed;
			in_rest = is_last && verb->has_rest;
			/* The last text takes every further word: set tcp_rmem 4096 16384 1048576.
			 */
			if (!is_last || verb->args[at].kind == CTL_ARG_TUNABLE)
				at = next_word_arg(verb, at + 1);
		}
		i++;
	}
	if (args_missing(verb, args, f) == 0)
		return args;
failed:
	json_decref(args);
	return NULL;
}

void
verb_usage(const struct verb *verb, FILE *out)
{
	unsigned int i, j;

	fputs(verb->name, out);
	for (i = 0; !is_end(verb, i); i++) {
		const struct ctl_arg *arg = &verb->args[i];
		bool is_optional = arg->kind == CTL_ARG_OPTION || arg->kind == CTL_ARG_WORDS;

		if (arg->kind == CTL_ARG_FLAG) {
			fprintf(out, " [--%s]", arg->name);
			continue;
		}
		if (arg->kind == CTL_ARG_OPTION && !(verb->has_rest && is_end(verb, i + 1)))
			fprintf(out, " [--%s ", arg->name);
		else
			fputs(is_optional ? " [" : " ", out);
		for (j = 0; arg->name[j] != '\0'; j++)
			fputc(toupper((unsigned char)arg->name[j]), out);
		if (arg->kind == CTL_ARG_WORDS)
			fputs("...", out);
		if (is_optional)
			fputc(']', out);
	}
}
