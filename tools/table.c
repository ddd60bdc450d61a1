/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "format.h"

/* Rows that are kept to find the widths; enough for every table that a person reads. */
#define LOOKAHEAD 1000
/* Widest column that rows below are aligned to; wider cells push the rest of their own row. */
#define WIDTH_MAX 80
#define GAP 2

struct table {
	FILE *out;
	const struct column *columns;
	size_t count;
	bool header;
	size_t *widths;
	/* LOOKAHEAD rows of count cells; NULL cells are empty. */
	char **cells;
	size_t rows;
	bool flushed;
};

struct table *table_new(FILE *out, const struct column *columns, size_t count, bool header)
{
	struct table *table = calloc(1, sizeof(*table));

	if (!table) {
		return NULL;
	}
	*table = (struct table){.out = out, .columns = columns, .count = count, .header = header};
	table->widths = calloc(count + 1, sizeof(*table->widths));
	table->cells = calloc(count * LOOKAHEAD + 1, sizeof(*table->cells));
	if (!table->widths || !table->cells) {
		free(table->widths);
		free(table->cells);
		free(table);
		return NULL;
	}
	return table;
}

static void widen(struct table *table, size_t column, const char *cell)
{
	size_t width = format_width(cell);

	if (width > table->widths[column] && width <= WIDTH_MAX) {
		table->widths[column] = width;
	}
}

static void print_row(const struct table *table, const char *const *cells)
{
	size_t last = table->count;

	/* No blanks at the end of a line. */
	while (last > 0 && (!cells[last - 1] || !*cells[last - 1])) {
		last--;
	}
	for (size_t i = 0; i < last; i++) {
		const char *cell = cells[i] ? cells[i] : "";
		size_t width = format_width(cell);
		int pad = table->widths[i] > width ? (int)(table->widths[i] - width) : 0;

		if (table->columns[i].right) {
			fprintf(table->out, "%*s%s", pad, "", cell);
			pad = 0;
		} else {
			fputs(cell, table->out);
		}
		if (i + 1 < last) {
			fprintf(table->out, "%*s", pad + GAP, "");
		}
	}
	putc('\n', table->out);
}

/* Empty a row that was kept. */
static void free_cells(const struct table *table, char **cells)
{
	for (size_t i = 0; i < table->count; i++) {
		free(cells[i]);
		cells[i] = NULL;
	}
}

static void flush_rows(struct table *table)
{
	if (!table->flushed && table->header) {
		const char *titles[64];
		size_t count = table->count;

		for (size_t i = 0; i < count && i < sizeof(titles) / sizeof(titles[0]); i++) {
			titles[i] = table->columns[i].title;
			widen(table, i, titles[i]);
		}
		table->count = count < 64 ? count : 64;
		print_row(table, titles);
		table->count = count;
	}
	table->flushed = true;
	for (size_t row = 0; row < table->rows; row++) {
		char **cells = table->cells + row * table->count;

		print_row(table, (const char *const *)cells);
		free_cells(table, cells);
	}
	table->rows = 0;
}

bool table_row(struct table *table, const char *const *cells)
{
	char **kept = table->cells + table->rows * table->count;

	if (table->flushed) {
		print_row(table, cells);
		return true;
	}
	for (size_t i = 0; i < table->count; i++) {
		kept[i] = cells[i] ? strdup(cells[i]) : NULL;
		if (cells[i] && !kept[i]) {
			free_cells(table, kept);
			return false;
		}
		widen(table, i, cells[i] ? cells[i] : "");
	}
	if (++table->rows == LOOKAHEAD) {
		flush_rows(table);
	}
	return true;
}

void table_finish(struct table *table)
{
	if (!table) {
		return;
	}
	flush_rows(table);
	free(table->widths);
	free(table->cells);
	free(table);
}
