/* SPDX-License-Identifier: BSD-3-Clause */
/* The load generator: reads what to do, does it, reports, judges. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "options.h"
#include "report.h"
#include "run.h"

static int
fail(const char *path)
{
	fprintf(stderr, "sluice-load: %s: %s\n", path, strerror(errno));
	return LOAD_EXIT_START;
}

/* What the file said before is kept until there is something new to say. */
static int
report(const struct load_options *options, const struct load_result *result, FILE *json, FILE *text)
{
	load_report_table(options, result, text);
	if (json != NULL) {
		(void)!ftruncate(fileno(json), 0); /* a pipe has nothing before */
		if (load_report_json(options, result, json) != 0)
			return fail(options->json);
	}
	return load_result_passes(&options->profile, result) ? LOAD_EXIT_PASS : LOAD_EXIT_FAIL;
}

/* Nothing, or half an object, is worse than no file: who reads it would not know. */
static void
take_back(const char *path, bool has_result)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (has_result || st.st_size == 0))
		(void)unlink(path);
}

static int
run(const struct load_options *options)
{
	bool is_stdout = options->json != NULL && strcmp(options->json, "-") == 0;
	FILE *json = is_stdout ? stdout : NULL;
	FILE *text = is_stdout ? stderr : stdout;
	struct load_result *result;
	bool has_result = false;
	int code = LOAD_EXIT_START;

	/* Opened before the run: a result that cannot be written is no result. */
	if (options->json != NULL && !is_stdout) {
		json = fopen(options->json, "ae");
		if (json == NULL)
			return fail(options->json);
	}
	result = calloc(1, sizeof(*result));
	if (result != NULL && load_run(options, options->is_quiet ? NULL : text, result) == 0) {
		code = report(options, result, json, text);
		has_result = true;
	}
	free(result);
	if (json != NULL && !is_stdout && fclose(json) != 0 && code != LOAD_EXIT_START)
		code = fail(options->json);
	if (json != NULL && !is_stdout && code == LOAD_EXIT_START)
		take_back(options->json, has_result);
	return code;
}

int
main(int argc, char **argv)
{
	struct load_options *options = malloc(sizeof(*options));
	int code = LOAD_EXIT_PASS;

	if (options == NULL) {
		fputs("sluice-load: out of memory\n", stderr);
		return LOAD_EXIT_START;
	}
	if (load_options_parse(argc, argv, options, stderr) != 0) {
		free(options);
		return LOAD_EXIT_USAGE;
	}
	switch (options->mode) {
	case LOAD_HELP:
		load_help_print(stdout);
		break;
	case LOAD_VERSION:
		printf("sluice-load %s\n", SLUICE_VERSION);
		break;
	case LOAD_PROFILES:
		load_presets_help(stdout);
		break;
	case LOAD_CHECK:
		puts("good");
		break;
	case LOAD_RUN:
		code = run(options);
		break;
	}
	free(options);
	return code;
}
