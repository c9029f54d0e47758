/* SPDX-License-Identifier: BSD-3-Clause */
/* Prints counters as nstat(8) does: the difference to the last call, by patterns. */
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

#include "conf/nearest.h"
#include "ctl/commands.h"
#include "ctl/text.h"
#include "nstat.h"
#include "number.h"
#include "view.h"

#define PATTERNS_MAX 64u
#define NAME_LEN 80u

struct nstat {
	bool is_absolute, with_zeros;
	char text[1100]; /* of the patterns, cut into words */
	const char *patterns[PATTERNS_MAX];
	unsigned int pattern_count;
	const json_t *now; /* the answer */
	const json_t *before; /* values of the last call; NULL: there are none to compare with */
};

static const char *
row_name(const json_t *row)
{
	const char *name = json_string_value(json_object_get(row, "name"));

	return name != NULL ? name : "";
}

static const char *
name_at(const void *ctx, size_t i)
{
	const json_t *list = ctx;

	return i < json_array_size(list) ? row_name(json_array_get(list, i)) : NULL;
}

static bool
is_matched(const struct nstat *n, const char *name)
{
	unsigned int i;

	for (i = 0; i < n->pattern_count; i++) {
		if (fnmatch(n->patterns[i], name, 0) == 0)
			return true;
	}
	return false;
}

/* A pattern that no counter matches is a mistake, not an empty answer. */
static int
pattern_check(const json_t *list, const char *pattern, struct failure *f)
{
	char near[200] = "", hint[256];
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		if (fnmatch(pattern, row_name(json_array_get(list, i)), 0) == 0)
			return 0;
	}
	nearest_names(pattern, name_at, list, near, sizeof(near));
	if (near[0] != '\0')
		snprintf(hint, sizeof(hint), "did you mean %s?", near);
	else
		snprintf(hint, sizeof(hint), "sluicectl show counters --all lists them");
	return failure_set(f, EXIT_USAGE, "E_USAGE", hint, "no counter matches '%s'", pattern);
}

static int
patterns_parse(struct nstat *n, const json_t *args, const json_t *list, struct failure *f)
{
	const char *text = json_string_value(json_object_get(args, "pattern"));
	char *save = NULL;
	char *word;
	int code = 0;

	snprintf(n->text, sizeof(n->text), "%s", text != NULL ? text : "");
	for (word = strtok_r(n->text, " ", &save); word != NULL && code == 0;
		word = strtok_r(NULL, " ", &save)) {
		if (n->pattern_count == PATTERNS_MAX)
			return failure_set(f, EXIT_USAGE, "E_USAGE", NULL,
				"nstat takes at most %u patterns", PATTERNS_MAX);
		n->patterns[n->pattern_count++] = word;
		code = pattern_check(list, word, f);
	}
	return code;
}

/* Differences of a gauge say nothing: it is shown as it is, where it was asked for. */
static bool
is_shown(const struct nstat *n, const json_t *row, json_int_t value)
{
	bool is_gauge = json_is_true(json_object_get(row, "gauge"));

	if (n->pattern_count > 0)
		return is_matched(n, row_name(row)) && (value != 0 || n->with_zeros);
	if (is_gauge && !n->is_absolute)
		return false;
	return value != 0 || n->with_zeros;
}

static json_int_t
row_value(const struct nstat *n, const json_t *row)
{
	json_int_t now = view_int(row, "value", NULL);
	json_int_t before = view_int(n->before, "counters", row_name(row), NULL);

	if (n->is_absolute || json_is_true(json_object_get(row, "gauge")) || before > now)
		return now;
	return now - before;
}

static double
row_rate(const struct nstat *n, const json_t *row, json_int_t value)
{
	json_int_t ns = view_int(n->now, "ts_ns", NULL) - view_int(n->before, "ts_ns", NULL);

	if (n->before == NULL || n->is_absolute || ns <= 0 ||
		json_is_true(json_object_get(row, "gauge")))
		return 0;
	return (double)value * 1e9 / (double)ns;
}

static void
print_text(const struct nstat *n)
{
	const json_t *list = json_object_get(n->now, "counters");
	size_t i;

	printf("#sluice\n");
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		json_int_t value = row_value(n, row);
		char name[NAME_LEN];

		if (!is_shown(n, row, value))
			continue;
		text_escape(row_name(row), strlen(row_name(row)), name, sizeof(name));
		printf("%-32s%-16lld%.1f\n", name, (long long)value, row_rate(n, row, value));
	}
}

/* As nstat --json: one object of names, beside what every answer has. */
static void
print_json(const struct nstat *n, bool restarted)
{
	const json_t *list = json_object_get(n->now, "counters");
	json_t *object = json_object();
	json_t *values = json_object();
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);
		json_int_t value = row_value(n, row);

		if (is_shown(n, row, value))
			json_object_set_new(values, row_name(row), json_integer(value));
	}
	json_object_set(
		object, "schema_version", json_object_get(n->now, "schema_version"));
	json_object_set(object, "ts_ns", json_object_get(n->now, "ts_ns"));
	json_object_set_new(object, "since_ns",
		n->before != NULL && !n->is_absolute
			? json_integer(view_int(n->before, "ts_ns", NULL))
			: json_null());
	json_object_set_new(object, "restarted", json_boolean(restarted));
	json_object_set_new(object, "sluice", values);
	cli_print_json(object);
	json_decref(object);
}

/* What the next call compares with. */
static json_t *
values_of(const json_t *answer)
{
	static const char *const members[] = { "pid", "started_ns", "ts_ns" };
	const json_t *list = json_object_get(answer, "counters");
	json_t *values = json_object();
	json_t *counters = json_object();
	size_t i;

	for (i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		json_object_set_new(
			values, members[i], json_integer(view_int(answer, members[i], NULL)));
	for (i = 0; i < json_array_size(list); i++) {
		const json_t *row = json_array_get(list, i);

		json_object_set_new(
			counters, row_name(row), json_integer(view_int(row, "value", NULL)));
	}
	json_object_set_new(values, "counters", counters);
	return values;
}

/* Are the kept values of the same run of the daemon? */
static bool
is_same_run(const json_t *kept, const json_t *now)
{
	return view_int(kept, "pid", NULL) == view_int(now, "pid", NULL) &&
	       view_int(kept, "started_ns", NULL) == view_int(now, "started_ns", NULL);
}

static void
print(const struct cli *cli, const struct nstat *n, bool restarted)
{
	if (cli_wants_json(cli)) {
		print_json(n, restarted);
		return;
	}
	if (restarted && !n->is_absolute)
		fprintf(stderr, "sluicectl: the daemon was started again since the last call; "
				"values count from its start\n");
	print_text(n);
}

int
nstat_run(const struct cli *cli, struct client *c, json_t *args, struct failure *f)
{
	struct nstat n = {
		.is_absolute = json_is_true(json_object_get(args, "absolute")),
		.with_zeros = json_is_true(json_object_get(args, "zeros")),
	};
	bool keeps = !json_is_true(json_object_get(args, "noupdate"));
	json_t *kept = NULL, *answer, *values;
	bool restarted;
	int code;

	code = client_ask(c, ctl_command(CTL_COMMAND_show_counters)->name,
		json_pack("{s:b}", "all", 1), f);
	answer = code == 0 ? client_answer(c, f) : NULL;
	if (answer == NULL)
		return f->exit_code;
	code = patterns_parse(&n, args, json_object_get(answer, "counters"), f);
	/* Absolute values that are not kept need no file at all. */
	if (code == 0 && (keeps || !n.is_absolute))
		code = nstat_load(cli, &kept, f);
	values = values_of(answer);
	if (code == 0 && keeps)
		code = nstat_save(cli, values, f);
	restarted = kept != NULL && !is_same_run(kept, answer);
	n.now = answer;
	n.before = restarted ? NULL : kept;
	if (code == 0)
		print(cli, &n, restarted);
	json_decref(values);
	json_decref(kept);
	json_decref(answer);
	return code;
}
