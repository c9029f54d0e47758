/* SPDX-License-Identifier: BSD-3-Clause */
/* Lays out and prints text tables. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/text.h"
#include "number.h"
#include "table.h"

#define GAP 2u
/* A last column narrower than this is not wrapped: it would be unreadable. */
#define WRAP_MIN 24u

void
table_init(struct table *t, const struct cli *cli, const struct table_column *columns,
	unsigned int column_count)
{
	unsigned int i;

	if (column_count > TABLE_COLUMNS_MAX)
		abort();
	*t = (struct table){ .cli = cli, .columns = columns, .column_count = column_count };
	for (i = 0; i < column_count; i++)
		t->widths[i] = (unsigned int)strlen(columns[i].title);
}

/* Characters shown; a continuation byte of UTF-8 is none. */
static unsigned int
width_of(const char *text)
{
	unsigned int n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void
table_text(struct table *t, const char *text)
{
	unsigned int column = (unsigned int)(t->cell_count % t->column_count);
	char *safe;
	size_t len;

	text = text != NULL && text[0] != '\0' ? text : "-";
	len = strlen(text);
	safe = malloc(4 * len + 1);
	if (t->cell_count == t->cell_room) {
		t->cell_room = t->cell_room > 0 ? 2 * t->cell_room : 64;
		t->cells = realloc(t->cells, t->cell_room * sizeof(*t->cells));
	}
	if (safe == NULL || t->cells == NULL)
		abort();
	text_escape(text, len, safe, 4 * len + 1);
	if (width_of(safe) > t->widths[column])
		t->widths[column] = width_of(safe);
	t->cells[t->cell_count++] = safe;
}

void
table_printf(struct table *t, const char *fmt, ...)
{
	char text[400];
	va_list args;

	va_start(args, fmt);
	vsnprintf(text, sizeof(text), fmt, args);
	va_end(args);
	table_text(t, text);
}

void
table_number(struct table *t, int64_t value)
{
	char buf[NUMBER_LEN];

	table_text(t, number_text(value, t->cli->format != FORMAT_PLAIN, buf));
}

void
table_json(struct table *t, const json_t *value)
{
	if (json_is_integer(value))
		table_number(t, json_integer_value(value));
	else if (json_is_boolean(value))
		table_text(t, json_is_true(value) ? "yes" : "no");
	else
		table_text(t, json_string_value(value));
}

static void
spaces(unsigned int n)
{
	printf("%*s", (int)n, "");
}

/* Print text in lines of at most width, each but the first after indent blanks. */
static void
wrapped(const char *text, unsigned int indent, unsigned int width)
{
	unsigned int column = 0;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");

		if (column > 0 && column + 1 + len > width) {
			putchar('\n');
			spaces(indent);
			column = 0;
		} else if (column > 0) {
			putchar(' ');
			column++;
		}
		(void)fwrite(text, 1, len, stdout);
		column += (unsigned int)len;
		text += len;
		text += strspn(text, " ");
	}
}

/* The last cell on a line below the rest of the row. */
static void
below_print(const struct table *t, const char *text)
{
	putchar('\n');
	if (text[0] == '\0')
		return;
	spaces(8);
	if (t->cli->columns >= 8 + WRAP_MIN)
		wrapped(text, 8, t->cli->columns - 8);
	else
		fputs(text, stdout);
	putchar('\n');
}

static bool
is_below(const struct table *t)
{
	return t->columns[t->column_count - 1].is_below && t->cli->format == FORMAT_HUMAN;
}

/* Every row has a cell for each column. NOLINTBEGIN(clang-analyzer-core.CallAndMessage) */
static void
row_print(const struct table *t, char *const *cells)
{
	unsigned int indent = 0;
	unsigned int i;

	for (i = 0; i + 1 < t->column_count; i++) {
		unsigned int pad = t->widths[i] - width_of(cells[i]);

		if (t->columns[i].is_right)
			spaces(pad);
		fputs(cells[i], stdout);
		spaces(t->columns[i].is_right ? GAP : pad + GAP);
		indent += t->widths[i] + GAP;
	}
	if (is_below(t)) {
		below_print(t, cells[i]);
		return;
	}
	if (!t->columns[i].is_right && t->cli->columns >= indent + WRAP_MIN) {
		wrapped(cells[i], indent, t->cli->columns - indent);
	} else {
		if (t->columns[i].is_right)
			spaces(t->widths[i] - width_of(cells[i]));
		fputs(cells[i], stdout);
	}
	putchar('\n');
}
/* NOLINTEND(clang-analyzer-core.CallAndMessage) */

static void
header_print(struct table *t)
{
	char *titles[TABLE_COLUMNS_MAX];
	unsigned int i;

	for (i = 0; i < t->column_count; i++) {
		titles[i] = strdup(
			i + 1 == t->column_count && is_below(t) ? "" : t->columns[i].title);
		if (titles[i] == NULL)
			abort();
	}
	if (t->cli->has_color)
		fputs("\033[1m", stdout);
	row_print(t, titles);
	if (t->cli->has_color)
		fputs("\033[0m", stdout);
	for (i = 0; i < t->column_count; i++)
		free(titles[i]);
	t->has_header = true;
}

void
table_flush(struct table *t)
{
	size_t i;

	if (!t->has_header)
		header_print(t);
	for (i = 0; i + t->column_count <= t->cell_count; i += t->column_count)
		row_print(t, t->cells + i);
	for (i = 0; i < t->cell_count; i++)
		free(t->cells[i]);
	t->cell_count = 0;
}

void
table_end(struct table *t)
{
	table_flush(t);
	free(t->cells);
	t->cells = NULL;
}
