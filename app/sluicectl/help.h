/* SPDX-License-Identifier: BSD-3-Clause */
/* Help texts and shell completion, both made from the table of verbs. */
#ifndef SLUICECTL_HELP_H
#define SLUICECTL_HELP_H

#include <stdbool.h>
#include <stdio.h>

/** Everything: usage, verbs, options, exit codes. */
void help_print(FILE *out);

/** Help of every verb that begins with these words; false: there is none. */
bool help_verbs(char *const *words, unsigned int count, FILE *out);

/** A completion script for bash. */
void completion_bash(FILE *out);

/** The manual page sluicectl(1), as roff. */
void manual_print(FILE *out);

#endif
