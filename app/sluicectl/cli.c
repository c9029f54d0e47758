/* SPDX-License-Identifier: BSD-3-Clause */
/* Failures: kept, and written for people or programs. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"
#include "ctl/protocol.h"
#include "ctl/text.h"

int
failure_set(
	struct failure *f, int exit_code, const char *code, const char *hint, const char *fmt, ...)
{
	char text[sizeof(f->message)];
	va_list args;

	f->exit_code = exit_code;
	snprintf(f->code, sizeof(f->code), "%s", code);
	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	text_escape(text, strlen(text), f->message, sizeof(f->message));
	hint = hint != NULL ? hint : "";
	text_escape(hint, strlen(hint), f->hint, sizeof(f->hint));
	return exit_code;
}

void
cli_print_json(const json_t *object)
{
	json_dumpf(object, stdout, JSON_COMPACT | JSON_ENSURE_ASCII | CTL_JSON_REAL);
	putchar('\n');
	fflush(stdout);
}

static void
print_json(const struct failure *f)
{
	json_t *object = json_object();
	json_t *error = json_object();

	json_object_set_new(object, "schema_version", json_integer(CTL_SCHEMA_VERSION));
	json_object_set_new(error, "code", json_string(f->code));
	json_object_set_new(error, "message", json_string(f->message));
	if (f->hint[0] != '\0')
		json_object_set_new(error, "hint", json_string(f->hint));
	json_object_set_new(object, "error", error);
	cli_print_json(object);
	json_decref(object);
}

void
failure_print(const struct cli *cli, const struct failure *f)
{
	if (cli_wants_json(cli)) {
		print_json(f);
		return;
	}
	fflush(stdout);
	fprintf(stderr, "sluicectl: %s", f->message);
	if (f->hint[0] != '\0')
		fprintf(stderr, "; %s", f->hint);
	fputc('\n', stderr);
}
