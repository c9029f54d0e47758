/* SPDX-License-Identifier: BSD-3-Clause */
/* Collects and prints errors and warnings about a configuration. */
#include <stdarg.h>
#include <string.h>

#include "ctl/config_report.h"
#include "ctl/text.h"

void
config_report_init(struct config_report *report)
{
	report->count = 0;
	report->errors = 0;
	report->warnings = 0;
}

static bool
is_before(struct config_mark a, struct config_mark b)
{
	return a.line != b.line ? a.line < b.line : a.column < b.column;
}

/* Keeps the rows in the order of the file; equal places stay in the order of arrival. */
SLUICE_PRINTF(4, 0)
static void
add(struct config_report *report, struct config_mark mark, bool is_error, const char *fmt,
	va_list args)
{
	char text[sizeof(report->rows[0].text)];
	struct config_message *row;
	unsigned int at;

	if (is_error)
		report->errors++;
	else
		report->warnings++;
	if (config_report_is_full(report))
		return;
	for (at = report->count++; at > 0; at--) {
		if (!is_before(mark, report->rows[at - 1].mark))
			break;
		report->rows[at] = report->rows[at - 1];
	}
	row = &report->rows[at];
	row->mark = mark;
	row->is_error = is_error;
	vsnprintf(text, sizeof(text), fmt, args);
	text_escape(text, strlen(text), row->text, sizeof(row->text));
}

void
config_error(struct config_report *report, struct config_mark mark, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(report, mark, true, fmt, args);
	va_end(args);
}

void
config_warning(struct config_report *report, struct config_mark mark, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	add(report, mark, false, fmt, args);
	va_end(args);
}

bool
config_report_is_full(const struct config_report *report)
{
	return report->count == CONFIG_REPORT_MAX;
}

void
config_report_print(const struct config_report *report, const char *path, FILE *out)
{
	unsigned int i;

	for (i = 0; i < report->count; i++) {
		const struct config_message *row = &report->rows[i];
		const char *kind = row->is_error ? "error" : "warning";

		if (row->mark.line == 0)
			fprintf(out, "%s: %s: %s\n", path, kind, row->text);
		else
			fprintf(out, "%s:%u:%u: %s: %s\n", path, row->mark.line, row->mark.column,
				kind, row->text);
	}
	if (report->count < report->errors + report->warnings)
		fprintf(out, "%s: too many messages; the rest is not shown\n", path);
	if (report->errors + report->warnings == 0)
		fprintf(out, "%s: good\n", path);
	else
		fprintf(out, "%u error%s, %u warning%s\n", report->errors,
			report->errors == 1 ? "" : "s", report->warnings,
			report->warnings == 1 ? "" : "s");
}
