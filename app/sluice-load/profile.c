/* SPDX-License-Identifier: BSD-3-Clause */
/* The keys of a profile, the presets, and whether the parts fit together. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/compiler.h"
#include "conf/nearest.h"
#include "ctl/config_value.h"
#include "profile.h"
#include "profile_int.h"
#include "schedule.h"

#define PRESET_TEXT_MAX 160

const char *const load_words_app[] = {
	[LOAD_APP_CONNECT] = "connect",
	[LOAD_APP_HTTP] = "http",
	[LOAD_APP_ECHO] = "echo",
	[LOAD_APP_DISCARD] = "discard",
	[LOAD_APP_CHARGEN] = "chargen",
	NULL,
};

const char *const load_words_close[] = {
	[LOAD_CLOSE_CLIENT] = "client",
	[LOAD_CLOSE_SERVER] = "server",
	[LOAD_CLOSE_RESET] = "reset",
	NULL,
};

/* Sections are the configuration's own; here both kinds of rows stand in one table. */
#define ROW(base, name, type, field, unit, min, max, words, def, help)                             \
	{ CONFIG_SECTION_top, #name, CONFIG_##type, offsetof(struct base, field),                  \
		sizeof(((struct base *)NULL)->field), UNIT_##unit, min, max, words, def, help },

static const struct config_key keys[] = {
#define RUN(...) ROW(load_profile, __VA_ARGS__)
#define GROUP(...) ROW(load_group, __VA_ARGS__)
#include "profile.def"
#undef RUN
#undef GROUP
};

static const bool is_of_run[] = {
#define RUN(...) true,
#define GROUP(...) false,
#include "profile.def"
#undef RUN
#undef GROUP
};

_Static_assert(ARRAY_SIZE(keys) == ARRAY_SIZE(is_of_run), "one each");

static const struct {
	const char *name, *sets, *help;
} presets[] = {
#define PRESET(name, sets, help) { name, sets, help },
#include "presets.def"
#undef PRESET
};

size_t
load_key_count(void)
{
	return ARRAY_SIZE(keys);
}

const struct config_key *
load_key_at(size_t i)
{
	ASSERT(i < ARRAY_SIZE(keys));
	return &keys[i];
}

bool
load_key_is_of_run(size_t i)
{
	ASSERT(i < ARRAY_SIZE(keys));
	return is_of_run[i];
}

size_t
load_key_find(const char *name)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(keys) && strcmp(keys[i].name, name) != 0)
		i++;
	return i;
}

static const char *
key_name_at(const void *ctx, size_t i)
{
	(void)ctx;
	return i < ARRAY_SIZE(keys) ? keys[i].name : NULL;
}

const char *
load_key_hint(const char *name, char *out, size_t out_len)
{
	char near[120];

	nearest_names(name, key_name_at, NULL, near, sizeof(near));
	if (near[0] != '\0')
		snprintf(out, out_len, "; did you mean %s?", near);
	else
		snprintf(out, out_len, "; docs/sluice-load.md lists the known ones");
	return out;
}

static void
set_defaults(bool of_run, void *base)
{
	char err[CONFIG_VALUE_ERR_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		int rc = 0;

		if (is_of_run[i] == of_run && keys[i].def != NULL)
			rc = config_value_read(&keys[i], keys[i].def,
				(char *)base + keys[i].offset, err, sizeof(err));
		ASSERT(rc == 0);
	}
}

void
load_profile_default(struct load_profile *p)
{
	memset(p, 0, sizeof(*p));
	set_defaults(true, p);
}

void
load_group_default(struct load_group *g)
{
	memset(g, 0, sizeof(*g));
	set_defaults(false, g);
}

static const char *
preset_name_at(const void *ctx, size_t i)
{
	(void)ctx;
	return i < ARRAY_SIZE(presets) ? presets[i].name : NULL;
}

int
load_group_preset(struct load_group *g, const char *name, char *err, size_t err_len)
{
	char text[PRESET_TEXT_MAX], value_err[CONFIG_VALUE_ERR_LEN], near[120];
	char *save = NULL, *word;
	size_t i = 0;

	while (i < ARRAY_SIZE(presets) && strcmp(presets[i].name, name) != 0)
		i++;
	if (i == ARRAY_SIZE(presets)) {
		nearest_names(name, preset_name_at, NULL, near, sizeof(near));
		snprintf(err, err_len, "no profile is called '%.40s'%s%s; "
			"sluice-load --profiles lists them; files have a slash or end in .yaml",
			name, near[0] != '\0' ? "; did you mean " : "", near);
		return -ENOENT;
	}
	ASSERT(strlen(presets[i].sets) < sizeof(text));
	snprintf(text, sizeof(text), "%s", presets[i].sets);
	for (word = strtok_r(text, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		char *value = strchr(word, '=');
		const struct config_key *key;
		int rc;

		ASSERT(value != NULL);
		*value++ = '\0';
		key = load_key_at(load_key_find(word));
		rc = config_value_read(
			key, value, (char *)g + key->offset, value_err, sizeof(value_err));
		ASSERT(rc == 0);
	}
	return 0;
}

bool
load_profile_is_file(const char *text)
{
	size_t len = strlen(text);

	return strchr(text, '/') != NULL || (len > 5 && strcmp(text + len - 5, ".yaml") == 0) ||
		(len > 4 && strcmp(text + len - 4, ".yml") == 0);
}

int
load_profile_preset(struct load_profile *p, const char *name, char *err, size_t err_len)
{
	struct load_group *g = &p->groups[0];

	load_profile_default(p);
	load_group_default(g);
	p->group_count = 1;
	snprintf(g->name, sizeof(g->name), "%.*s", (int)sizeof(g->name) - 1, name);
	return load_group_preset(g, name, err, err_len);
}

bool
load_profile_has(const char *key)
{
	return load_key_find(key) < ARRAY_SIZE(keys);
}

int
load_profile_set(
	struct load_profile *p, const char *key, const char *value, char *err, size_t err_len)
{
	char why[CONFIG_VALUE_ERR_LEN];
	size_t i = load_key_find(key);
	int rc = 0;

	if (i == ARRAY_SIZE(keys))
		return -ENOENT;
	if (is_of_run[i])
		rc = config_value_read(
			&keys[i], value, (char *)p + keys[i].offset, why, sizeof(why));
	for (unsigned int g = 0; !is_of_run[i] && rc == 0 && g < p->group_count; g++)
		rc = config_value_read(&keys[i], value, (char *)&p->groups[g] + keys[i].offset,
			why, sizeof(why));
	if (rc != 0)
		snprintf(err, err_len, "--%s: %s", key, why);
	return rc;
}

/* What is wrong with a group; NULL: nothing. */
static const char *
group_problem(const struct load_group *g)
{
	bool is_stream = g->app == LOAD_APP_DISCARD || g->app == LOAD_APP_CHARGEN;

	if (g->target.port == 0)
		return "needs 'target', such as 192.0.2.9:80";
	if (strpbrk(g->path, " \t\r\n") != NULL)
		return "has a blank in its path: write it as %20";
	if (is_stream && g->rate > 0 && g->size_bytes == 0)
		return "begins uploads or downloads at a rate, so they must end: give 'size'";
	if (is_stream && g->requests > 1)
		return "has one upload or download for each connection: leave 'requests' out";
	if (g->app == LOAD_APP_CONNECT && g->requests > 1)
		return "asks nothing, so a connection has no requests: leave 'requests' out";
	if (g->think_max_ms != 0 && g->think_max_ms < g->think_ms)
		return "has think_max below think: swap them";
	if ((g->send_chunk == 0) != (g->send_pause_ms == 0))
		return "needs both send_chunk and send_pause, or none";
	if ((g->read_chunk == 0) != (g->read_pause_ms == 0))
		return "needs both read_chunk and read_pause, or none";
	if (g->app != LOAD_APP_HTTP && g->close == LOAD_CLOSE_SERVER)
		return "cannot have the server close: only http asks for that";
	if (g->app == LOAD_APP_HTTP && g->close == LOAD_CLOSE_SERVER && g->requests == 0)
		return "has the server close behind the last request: say how many with 'requests'";
	return NULL;
}

int
load_profile_check(const struct load_profile *p, char *err, size_t err_len)
{
	for (unsigned int i = 0; i < p->group_count; i++) {
		const char *problem = group_problem(&p->groups[i]);

		if (problem == NULL)
			continue;
		snprintf(err, err_len, "group %s %s", p->groups[i].name, problem);
		return -EINVAL;
	}
	return 0;
}

void
load_profile_help(FILE *out)
{
	char allows[CONFIG_VALUE_ERR_LEN];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct config_key *key = &keys[i];

		fprintf(out, "  --%-12s %s\n", key->name, key->help);
		fprintf(out, "  %14s [%s", "", config_key_allows(key, allows, sizeof(allows)));
		if (key->def != NULL)
			fprintf(out, "; default %s", key->def);
		fputs("]\n", out);
	}
}

void
load_presets_help(FILE *out)
{
	for (size_t i = 0; i < ARRAY_SIZE(presets); i++)
		fprintf(out, "%-10s %s\n           %s\n", presets[i].name, presets[i].help,
			presets[i].sets);
}
