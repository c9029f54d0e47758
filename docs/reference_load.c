/* SPDX-License-Identifier: BSD-3-Clause */
/* The load generator's tables as Markdown. */
#include "criteria.h"
#include "ctl/config_value.h"
#include "profile_int.h"
#include "reference_load.h"
#include "stats.h"

void
load_keys_write(FILE *out)
{
	char allows[CONFIG_VALUE_ERR_LEN];

	fputs("| key | of | default | allowed | meaning |\n|---|---|---|---|---|\n", out);
	for (size_t i = 0; i < load_key_count(); i++) {
		const struct config_key *key = load_key_at(i);

		fprintf(out, "| `%s` | %s | %s | %s | %s |\n", key->name,
			load_key_is_of_run(i) ? "run" : "group", key->def != NULL ? key->def : "-",
			config_key_allows(key, allows, sizeof(allows)), key->help);
	}
}

void
load_presets_write(FILE *out)
{
	fputs("| profile | for | sets |\n|---|---|---|\n", out);
#define PRESET(name, sets, help) fprintf(out, "| `%s` | %s | `%s` |\n", name, help, sets);
#include "presets.def"
#undef PRESET
}

void
load_metrics_write(FILE *out)
{
	fputs("| metric | meaning |\n|---|---|\n", out);
	for (unsigned int i = 0; i < METRIC_COUNT; i++)
		fprintf(out, "| `%s` | %s%s |\n", metric_name((enum metric)i),
			metric_help((enum metric)i),
			metric_is_time((enum metric)i) ? "; a time" : "");
}

void
load_failures_write(FILE *out)
{
	fputs("| reason | meaning |\n|---|---|\n", out);
	for (unsigned int i = 0; i < LOAD_FAIL_COUNT; i++)
		fprintf(out, "| `%s` | %s |\n", load_fail_name((enum load_fail)i),
			load_fail_help((enum load_fail)i));
}
