/* SPDX-License-Identifier: BSD-3-Clause */
/* What is wrong with a configuration: errors and warnings with their places. */
#ifndef CTL_CONFIG_REPORT_H
#define CTL_CONFIG_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/compiler.h"

/** Messages kept; a file with more wrong than this is not read further. */
#define CONFIG_REPORT_MAX 100u

/** A place in a file, counted from 1; line 0: the file as a whole. */
struct config_mark {
	unsigned int line, column;
};

struct config_message {
	struct config_mark mark;
	bool is_error;
	char text[400]; /* one line, printable */
};

struct config_report {
	unsigned int count; /* rows kept, in the order of the file */
	unsigned int errors, warnings;
	struct config_message rows[CONFIG_REPORT_MAX];
};

void config_report_init(struct config_report *report);

/** Add a message; what is beyond the room there is gets cut or dropped. */
SLUICE_PRINTF(3, 4)
void config_error(struct config_report *report, struct config_mark mark, const char *fmt, ...);
SLUICE_PRINTF(3, 4)
void config_warning(struct config_report *report, struct config_mark mark, const char *fmt, ...);

/** True once no more messages fit: time to stop looking. */
bool config_report_is_full(const struct config_report *report);

/**
 * Print each as "path:line:column: error: text", then "1 error, 1 warning", or "path: good" when
 * there is nothing to say.
 */
void config_report_print(const struct config_report *report, const char *path, FILE *out);

#endif
