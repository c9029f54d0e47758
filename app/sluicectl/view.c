/* SPDX-License-Identifier: BSD-3-Clause */
/* The views by command, and what they share: members of answers, rates, lines of two words. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "ctl/text.h"
#include "number.h"
#include "view_int.h"

json_int_t
view_int(const json_t *object, ...)
{
	const char *name;
	va_list names;

	va_start(names, object);
	while ((name = va_arg(names, const char *)) != NULL)
		object = json_object_get(object, name);
	va_end(names);
	return json_integer_value(object);
}

const char *
view_text(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

json_int_t
view_rate(const struct view_data *data, json_int_t before, json_int_t now)
{
	json_int_t ns;

	if (data->before == NULL)
		return -1;
	ns = view_int(data->now, "ts_ns", NULL) - view_int(data->before, "ts_ns", NULL);
	return number_rate(before, now, ns);
}

const json_t *
view_same(const json_t *list, const json_t *row, const char *key)
{
	const json_t *want = json_object_get(row, key);
	const json_t *other;
	size_t i;

	for (i = 0; i < json_array_size(list); i++) {
		other = json_array_get(list, i);
		if (json_equal(json_object_get(other, key), want))
			return other;
	}
	return NULL;
}

void
view_put_rate(struct table *t, const struct view_data *data, json_int_t before, json_int_t now)
{
	json_int_t rate = view_rate(data, before, now);

	if (rate < 0)
		table_text(t, "?");
	else
		table_number(t, rate);
}

/* A line "name  value", the value of the daemon made harmless. */
void
view_pair(const char *name, const char *value)
{
	char safe[400];

	value = value != NULL ? value : "-";
	text_escape(value, strlen(value), safe, sizeof(safe));
	printf("%-24s %s\n", name, safe);
}

static view_fn *const views[CTL_COMMAND_COUNT] = {
	[CTL_COMMAND_show_version] = view_version,
	[CTL_COMMAND_show_stats] = view_stats,
	[CTL_COMMAND_show_drops] = view_drops,
	[CTL_COMMAND_show_outcomes] = view_outcomes,
	[CTL_COMMAND_show_counters] = view_counters,
	[CTL_COMMAND_show_cores] = view_cores,
	[CTL_COMMAND_show_ports] = view_ports,
	[CTL_COMMAND_show_tunables] = view_tunables,
	[CTL_COMMAND_show_config] = view_config,
	[CTL_COMMAND_get] = view_tunable,
	[CTL_COMMAND_set] = view_set,
	[CTL_COMMAND_reload] = view_reload,
	[CTL_COMMAND_drain] = view_done,
	[CTL_COMMAND_stop] = view_done,
};

bool
view_has_rates(unsigned int command)
{
	return command == CTL_COMMAND_show_drops || command == CTL_COMMAND_show_cores;
}

void
view_print(const struct cli *cli, unsigned int command, const struct view_data *data)
{
	if (views[command] != NULL)
		views[command](cli, data);
}
