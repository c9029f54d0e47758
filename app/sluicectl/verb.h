/* SPDX-License-Identifier: BSD-3-Clause */
/* What can be typed: the daemon's commands and a few of our own, found by unique beginnings. */
#ifndef SLUICECTL_VERB_H
#define SLUICECTL_VERB_H

#include <jansson.h>
#include <stdio.h>

#include "cli.h"
#include "ctl/commands.h"

/** Verbs that are not one command of the daemon. */
enum verb_local {
	VERB_COMMAND, /* none of them: a command of the daemon */
	VERB_NSTAT,
	VERB_DIAGNOSE,
	VERB_DOCTOR,
	VERB_METRICS,
	VERB_BUNDLE,
	VERB_TOP,
	VERB_WATCH,
	VERB_HELP,
	VERB_MANUAL,
	VERB_COMPLETION,
};

struct verb {
	enum verb_local local;
	unsigned int command; /* enum ctl_command_id, of VERB_COMMAND */
	const char *name, *help;
	const struct ctl_arg *args; /* CTL_ARGS_MAX of them */
	bool has_rest; /* the last argument takes every further word, options too */
};

/** Verb i, sorted as help shows them; false behind the last. */
bool verb_at(unsigned int i, struct verb *out);

/**
 * Find the verb that words begin with; each word may be cut short where it stays unique. *used: how
 * many words were the verb's. 0, or the exit code with f filled in.
 */
int verb_find(char *const *words, unsigned int count, struct verb *out, unsigned int *used,
	struct failure *f);

/** Does the verb's name begin with these words, each of which may be cut short? */
bool verb_begins(const struct verb *verb, char *const *words, unsigned int count);

/** The rest of the words as the verb's arguments, for json_decref(). NULL: f says why. */
json_t *verb_args(
	const struct verb *verb, char *const *words, unsigned int count, struct failure *f);

/** Is word "-x" or "-xyz", each letter a flag of the verb? */
bool verb_has_letters(const struct verb *verb, const char *word);

/** Is argument i written as --name? */
bool verb_arg_is_option(const struct verb *verb, unsigned int i);

/** "set NAME VALUE" and the like. */
void verb_usage(const struct verb *verb, FILE *out);

#endif
