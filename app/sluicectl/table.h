/* SPDX-License-Identifier: BSD-3-Clause */
/* Text tables: columns as wide as their cells, numbers to the right, the last column wrapped. */
#ifndef SLUICECTL_TABLE_H
#define SLUICECTL_TABLE_H

#include <jansson.h>

#include "cli.h"

#define TABLE_COLUMNS_MAX 32u

struct table_column {
	const char *title;
	bool is_right; /* aligned: numbers */
	bool is_below; /* the last one: on a line of its own below the row, for people */
};

struct table {
	const struct cli *cli;
	const struct table_column *columns;
	unsigned int column_count;
	unsigned int widths[TABLE_COLUMNS_MAX]; /* never shrink between two flushes */
	bool has_header; /* already printed */
	char **cells; /* of the rows not yet printed */
	size_t cell_count, cell_room;
};

/** columns outlive the table. */
void table_init(struct table *t, const struct cli *cli, const struct table_column *columns,
	unsigned int column_count);

/** Add the next cell, row by row; text of the daemon is made harmless here. NULL: "-". */
void table_text(struct table *t, const char *text);
__attribute__((__format__(__printf__, 2, 3))) void table_printf(
	struct table *t, const char *fmt, ...);

/** A whole number with separators; a JSON null or nothing: "-". */
void table_number(struct table *t, int64_t value);
void table_json(struct table *t, const json_t *value);

/** Print the rows so far, with a header the first time. */
void table_flush(struct table *t);

/** Flush and release. */
void table_end(struct table *t);

#endif
