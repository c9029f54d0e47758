/* SPDX-License-Identifier: BSD-3-Clause */
/* Compares the configuration file with what the daemon runs with; takes over what may change. */
#include "ctl/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/session_int.h"

#define KEY_LEN 200

/* Keys that act while the daemon runs; everything else was used to build it. */
static bool
is_live(const char *key)
{
	return strncmp(key, "tunables.", strlen("tunables.")) == 0 ||
	       strcmp(key, "drain_timeout") == 0;
}

static void
change_add(struct ctl_reload *out, const char *key, json_t *from, json_t *to)
{
	json_t *row = json_object();
	bool live = is_live(key);

	json_object_set_new(row, "key", json_string(key));
	json_object_set(row, "from", from != NULL ? from : json_null());
	json_object_set(row, "to", to != NULL ? to : json_null());
	json_object_set_new(row, "applies", json_string(live ? "now" : "restart"));
	json_array_append_new(out->changes, row);
	out->restarts += !live;
}

/* Add a row for each value that differs; path: "" or "services.http". Depth: that of a file. */
static void
diff(struct ctl_reload *out, const char *path, json_t *from, json_t *to)
{
	char key[KEY_LEN];
	const char *name;
	json_t *value;

	if (!json_is_object(from) || !json_is_object(to)) {
		if (!json_equal(from, to))
			change_add(out, path, from, to);
		return;
	}
	json_object_foreach(from, name, value)
	{
		snprintf(key, sizeof(key), "%s%s%s", path, path[0] != '\0' ? "." : "", name);
		diff(out, key, value, json_object_get(to, name));
	}
	json_object_foreach(to, name, value)
	{
		if (json_object_get(from, name) != NULL)
			continue;
		snprintf(key, sizeof(key), "%s%s%s", path, path[0] != '\0' ? "." : "", name);
		change_add(out, key, NULL, value);
	}
}

/* A secret is shown as a word that another one may have, too. */
static void
diff_secrets(struct ctl_reload *out, const struct tunables *from, const struct tunables *to)
{
	const struct tunable_desc *row;
	size_t i;

	for (i = 0; (row = tunables_row(i)) != NULL; i++) {
		char key[KEY_LEN], text[TUNABLE_TEXT_LEN];
		json_t *word;

		if (!row->is_secret ||
			*tunables_values(from, row) != *tunables_values(to, row) ||
			memcmp((const char *)from + row->offset, (const char *)to + row->offset,
				sizeof(struct tun_secret)) == 0)
			continue;
		tunables_get(to, row->name, text, sizeof(text));
		word = json_string(text);
		snprintf(key, sizeof(key), "tunables.%s", row->name);
		change_add(out, key, word, word);
		json_decref(word);
	}
}

/* The daemon as it is: the file it was started with, and what was set since. */
static json_t *
running_json(const struct ctl_backend *b)
{
	struct config *now = malloc(sizeof(*now));
	json_t *object;

	if (now == NULL)
		return NULL;
	*now = *b->config;
	now->tunables = *b->tunables;
	object = ctl_config_json(now);
	free(now);
	return object;
}

/* The first error, and how many more there are. */
static int
file_is_wrong(struct ctl_reload *out, const struct ctl_backend *b,
	const struct config_report *report)
{
	unsigned int more = report->errors > 0 ? report->errors - 1 : 0;
	unsigned int i;

	for (i = 0; i < report->count; i++) {
		const struct config_message *row = &report->rows[i];

		if (!row->is_error)
			continue;
		snprintf(out->err, sizeof(out->err), "%s:%u:%u: %s%s", b->config_path,
			row->mark.line, row->mark.column, row->text,
			more > 0 ? "; and more" : "");
		return -EINVAL;
	}
	snprintf(out->err, sizeof(out->err), "%s cannot be read", b->config_path);
	return -EINVAL;
}

static int
restart_needed(struct ctl_reload *out)
{
	size_t used = (size_t)snprintf(out->err, sizeof(out->err),
		"nothing was changed, because a restart is needed for:");
	size_t i;
	json_t *row;

	json_array_foreach(out->changes, i, row)
	{
		const char *key = json_string_value(json_object_get(row, "key"));

		if (!is_live(key) && used < sizeof(out->err))
			used += (size_t)snprintf(
				out->err + used, sizeof(out->err) - used, " %s", key);
	}
	return -EPERM;
}

static int
take_over(const struct ctl_backend *b, const struct config *next, struct ctl_reload *out)
{
	if (out->restarts > 0)
		return restart_needed(out);
	if (mail_order_all(b->hub, CTL_SET_TUNABLES, &next->tunables) != 0) {
		snprintf(out->err, sizeof(out->err),
			"the workers have not yet taken the changes before this one");
		return -EAGAIN;
	}
	*b->tunables = next->tunables;
	b->reloaded(b->ctx, next);
	return 0;
}

int
ctl_reload(const struct ctl_backend *b, bool is_dry, struct ctl_reload *out)
{
	struct config_report *report = malloc(sizeof(*report));
	struct config *next = malloc(sizeof(*next));
	json_t *from = running_json(b), *to = NULL;
	int rc = -ENOMEM;

	*out = (struct ctl_reload){ .changes = json_array() };
	snprintf(out->err, sizeof(out->err), "out of memory");
	if (report == NULL || next == NULL || from == NULL)
		goto out;
	config_report_init(report);
	rc = config_load(b->config_path, b->kinds, next, report);
	if (rc != 0) {
		rc = file_is_wrong(out, b, report);
		goto out;
	}
	to = ctl_config_json(next);
	diff(out, "", from, to);
	diff_secrets(out, b->tunables, &next->tunables);
	out->err[0] = '\0';
	if (!is_dry)
		rc = take_over(b, next, out);
out:
	json_decref(from);
	json_decref(to);
	free(report);
	free(next);
	return rc;
}
