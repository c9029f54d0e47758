/* SPDX-License-Identifier: BSD-3-Clause */
/* Writes help and completion. */
#include <stdbool.h>
#include <string.h>

#include "cli.h"
#include "conf/tunables.h"
#include "ctl/protocol.h"
#include "help.h"
#include "roff.h"
#include "verb.h"

static const char head[] =
	"Usage: sluicectl [OPTIONS] COMMAND [ARGUMENTS]\n"
	"\n"
	"Looks into a running sluiced and changes its tunables. Commands may be cut short where\n"
	"that stays unique: sluicectl sh dr.\n"
	"\n"
	"Commands:\n";

static const char options[] =
	"  -s, --socket PATH    control socket; default: $SLUICE_SOCKET, else " CTL_SOCKET_DEFAULT
	"\n"
	"  -j, --json           one JSON object, errors too\n"
	"      --json-lines     JSON, one object per line, for listings and watch\n"
	"      --plain          stable columns for scripts: no colour, separators, wrapping\n"
	"      --color WHEN     auto (a terminal without NO_COLOR), always, never\n"
	"      --timeout SEC    longest wait for an answer, 5 by default\n"
	"  -h, --help           this text, or that of a command\n"
	"  -V, --version        the version of this program\n";

static const char remarks[] =
	"Rates (/s) come from two answers half a second apart. '-' means does not apply, '?' "
	"unknown.\n";

static const struct {
	int code;
	const char *meaning;
} exits[] = {
	{ EXIT_OK, "done; of diagnose and doctor: nothing found" },
	{ EXIT_REFUSED, "the daemon said no; of diagnose: errors found; of doctor: some failed" },
	{ EXIT_USAGE, "wrong usage" },
	{ EXIT_UNREACHABLE, "the daemon cannot be reached" },
	{ EXIT_TIMED_OUT, "it did not answer in time" },
	{ EXIT_DENIED, "no permission" },
	{ EXIT_WARNINGS, "of diagnose and doctor: warnings only" },
};

#define EXIT_COUNT (sizeof(exits) / sizeof(exits[0]))

static void
verb_line(const struct verb *verb, FILE *out)
{
	char usage[200] = "";
	FILE *text = fmemopen(usage, sizeof(usage), "w");

	if (text == NULL)
		return;
	verb_usage(verb, text);
	(void)fclose(text);
	/* Its own help has them all. */
	if (strlen(usage) > 90)
		snprintf(usage, sizeof(usage), "%s [OPTIONS]", verb->name);
	if (strlen(usage) > 24)
		fprintf(out, "  %s\n  %24s %s\n", usage, "", verb->help);
	else
		fprintf(out, "  %-24s %s\n", usage, verb->help);
}

void
help_print(FILE *out)
{
	struct verb verb;
	unsigned int i;

	fputs(head, out);
	for (i = 0; verb_at(i, &verb); i++)
		verb_line(&verb, out);
	fprintf(out, "\nOptions, anywhere on the line:\n%s\n%s\nExit status:\n", options, remarks);
	for (i = 0; i < EXIT_COUNT; i++)
		fprintf(out, "  %d  %s\n", exits[i].code, exits[i].meaning);
}

static void
verb_help(const struct verb *verb, FILE *out)
{
	unsigned int i;

	fputs("Usage: sluicectl ", out);
	verb_usage(verb, out);
	fprintf(out, "\n\n  %s\n", verb->help);
	if (verb->local == VERB_COMMAND && ctl_command(verb->command)->role != CTL_READ)
		fprintf(out, "  Needs the role '%s'.\n",
			ctl_role_name(ctl_command(verb->command)->role));
	for (i = 0; i < CTL_ARGS_MAX && verb->args[i].kind != CTL_ARG_END; i++) {
		const struct ctl_arg *arg = &verb->args[i];
		bool is_option = verb_arg_is_option(verb, i);

		if (i == 0)
			fputc('\n', out);
		if (arg->letter != 0)
			fprintf(out, "  -%c, --%-10s %s\n", arg->letter, arg->name, arg->help);
		else
			fprintf(out, "  %s%-*s %s\n", is_option ? "--" : "", is_option ? 14 : 16,
				arg->name, arg->help);
	}
}

bool
help_verbs(char *const *words, unsigned int count, FILE *out)
{
	unsigned int shown = 0;
	struct verb verb;
	unsigned int i;

	for (i = 0; verb_at(i, &verb); i++) {
		if (!verb_begins(&verb, words, count))
			continue;
		if (shown++ > 0)
			fputc('\n', out);
		verb_help(&verb, out);
	}
	return shown > 0;
}

/* --- the manual page ------------------------------------------------------------------------ */

static void
man_verb(const struct verb *verb, FILE *out)
{
	char usage[400] = "";
	FILE *text = fmemopen(usage, sizeof(usage), "w");
	unsigned int i;

	if (text == NULL)
		return;
	verb_usage(verb, text);
	(void)fclose(text);
	fputs(".TP\n.B ", out);
	roff_text(usage, out);
	fputc('\n', out);
	roff_text(verb->help, out);
	fputc('\n', out);
	if (verb->local == VERB_COMMAND && ctl_command(verb->command)->role != CTL_READ)
		fprintf(out, ".br\nNeeds the role %s.\n",
			ctl_role_name(ctl_command(verb->command)->role));
	for (i = 0; i < CTL_ARGS_MAX && verb->args[i].kind != CTL_ARG_END; i++) {
		fputs(".br\n.I ", out);
		roff_text(verb_arg_is_option(verb, i) ? "--" : "", out);
		roff_text(verb->args[i].name, out);
		fputs("\n\\(en ", out);
		roff_text(verb->args[i].help, out);
		fputc('\n', out);
	}
}

void
manual_print(FILE *out)
{
	struct verb verb;
	unsigned int i;

	fputs(".TH SLUICECTL 1\n.SH NAME\nsluicectl \\- look into a running sluiced and steer it\n"
	      ".SH SYNOPSIS\n.B sluicectl\n[OPTIONS] COMMAND [ARGUMENTS]\n"
	      ".SH DESCRIPTION\nCommands may be cut short where that stays unique. Data goes to\n"
	      "standard output, messages to standard error.\n",
		out);
	roff_text(remarks, out);
	fputs(".SH COMMANDS\n", out);
	for (i = 0; verb_at(i, &verb); i++)
		man_verb(&verb, out);
	fputs(".SH OPTIONS\nThey may stand anywhere on the line.\n.PP\n.nf\n", out);
	roff_text(options, out);
	fputs(".fi\n.SH EXIT STATUS\n", out);
	for (i = 0; i < EXIT_COUNT; i++) {
		fprintf(out, ".TP\n%d\n", exits[i].code);
		roff_text(exits[i].meaning, out);
		fputc('\n', out);
	}
	fputs(".SH SEE ALSO\n.BR sluiced (8),\n.BR sluice.yaml (5)\n", out);
}

/* --- completion ----------------------------------------------------------------------------- */

/* Words that may follow prefix, the first words of a verb: "show" -> "version stats ...". */
static void
next_words(const char *prefix, FILE *out)
{
	size_t len = strlen(prefix);
	char seen[64] = "";
	struct verb verb;
	unsigned int i;

	for (i = 0; verb_at(i, &verb); i++) {
		const char *word = verb.name + (len > 0 ? len + 1 : 0);
		size_t word_len;

		if (len > 0 && (strncmp(verb.name, prefix, len) != 0 || verb.name[len] != ' '))
			continue;
		word_len = strcspn(word, " ");
		/* Verbs with the same first word stand together. */
		if (strlen(seen) == word_len && strncmp(seen, word, word_len) == 0)
			continue;
		snprintf(seen, sizeof(seen), "%.*s", (int)word_len, word);
		fprintf(out, "%s%s", word == verb.name && i == 0 ? "" : " ", seen);
	}
}

static bool
has_tunable(const struct verb *verb)
{
	return verb->args[0].kind == CTL_ARG_TUNABLE;
}

/* A case for each verb with something to complete behind it. */
static void
verb_case(const struct verb *verb, FILE *out)
{
	const struct tunable_desc *row;
	unsigned int i;

	if (verb->args[0].kind == CTL_ARG_END)
		return;
	fprintf(out, "\t'%s') words='", verb->name);
	for (i = 0; i < CTL_ARGS_MAX && verb->args[i].kind != CTL_ARG_END; i++) {
		if (verb_arg_is_option(verb, i))
			fprintf(out, " --%s", verb->args[i].name);
	}
	for (i = 0; has_tunable(verb) && (row = tunables_row(i)) != NULL; i++) {
		if (row->count > 0)
			fprintf(out, " %s", row->name);
	}
	if (verb->local == VERB_COMPLETION)
		fputs(" bash", out);
	if (verb->has_rest) {
		fputc(' ', out);
		next_words("", out);
	}
	fputs("' ;;\n", out);
}

void
completion_bash(FILE *out)
{
	struct verb verb;
	unsigned int i;

	fputs("# bash completion of sluicectl; made by: sluicectl completion bash\n"
	      "_sluicectl() {\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} verb= words= i\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\tcase ${COMP_WORDS[i]} in\n"
	      "\t\t-s|--socket|--color|--timeout) i=$((i + 1)) ;;\n"
	      "\t\t-*) ;;\n"
	      "\t\t*) verb=\"$verb${verb:+ }${COMP_WORDS[i]}\" ;;\n"
	      "\t\tesac\n"
	      "\tdone\n"
	      "\tcase $verb in\n"
	      "\t'') words='",
		out);
	next_words("", out);
	fputs("' ;;\n\tshow) words='", out);
	next_words("show", out);
	fputs("' ;;\n", out);
	for (i = 0; verb_at(i, &verb); i++)
		verb_case(&verb, out);
	fputs("\tesac\n"
	      "\tcase $cur in\n"
	      "\t-*) words=\"$words --socket --json --json-lines --plain --color --timeout --help "
	      "--version\" ;;\n"
	      "\tesac\n"
	      "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	      "}\n"
	      /* Names of files where no word of ours fits. */
	      "complete -o default -F _sluicectl sluicectl\n",
		out);
}
