/* SPDX-License-Identifier: Apache-2.0 */
#include "sheet.h"

#include <ctype.h>
#include <string.h>

#include "csv.h"

enum sheet_format sheet_format(const char *name)
{
	return strcmp(name, "markdown") == 0 ? SHEET_MARKDOWN
		: strcmp(name, "csv") == 0   ? SHEET_CSV
					     : SHEET_TABLE;
}

void sheet_markdown_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		/* As a number, so that no dialect takes it as markup, and no bar ends a cell. */
		if (strchr("|*_`[]<>#&~!\\", *text)) {
			fprintf(out, "&#%d;", *text);
		} else {
			putc(*text, out);
		}
	}
}

static void write_markdown(const struct sheet *sheet, const char *const *cells)
{
	for (size_t i = 0; i < sheet->count; i++) {
		fputs("| ", sheet->out);
		sheet_markdown_text(sheet->out, cells[i] ? cells[i] : "");
		putc(' ', sheet->out);
	}
	fputs("|\n", sheet->out);
}

static void write_csv(const struct sheet *sheet, const char *const *cells)
{
	for (size_t i = 0; i < sheet->count; i++) {
		fputs(i > 0 ? "," : "", sheet->out);
		/* Numbers are ours. */
		(sheet->columns[i].right ? csv_cell : csv_word)(sheet->out,
			cells[i] ? cells[i] : "");
	}
	fputs("\r\n", sheet->out);
}

static void write_csv_titles(const struct sheet *sheet)
{
	for (size_t i = 0; i < sheet->count; i++) {
		fputs(i > 0 ? "," : "", sheet->out);
		for (const char *c = sheet->columns[i].title; *c; c++) {
			putc(*c == ' ' ? '_' : tolower((unsigned char)*c), sheet->out);
		}
	}
	fputs("\r\n", sheet->out);
}

static void write_markdown_titles(const struct sheet *sheet)
{
	for (size_t i = 0; i < sheet->count; i++) {
		fprintf(sheet->out, "| %s ", sheet->columns[i].title);
	}
	fputs("|\n", sheet->out);
	for (size_t i = 0; i < sheet->count; i++) {
		fputs(sheet->columns[i].right ? "|---:" : "|---", sheet->out);
	}
	fputs("|\n", sheet->out);
}

bool sheet_begin(struct sheet *sheet, FILE *out, enum sheet_format format,
	const struct column *columns, size_t count)
{
	*sheet = (struct sheet){.out = out, .format = format, .columns = columns, .count = count};
	switch (format) {
	case SHEET_CSV:
		write_csv_titles(sheet);
		return true;
	case SHEET_MARKDOWN:
		write_markdown_titles(sheet);
		return true;
	case SHEET_TABLE:
		sheet->table = table_new(out, columns, count, true);
		return sheet->table != NULL;
	}
	return false;
}

bool sheet_row(struct sheet *sheet, const char *const *cells)
{
	switch (sheet->format) {
	case SHEET_CSV:
		write_csv(sheet, cells);
		return true;
	case SHEET_MARKDOWN:
		write_markdown(sheet, cells);
		return true;
	case SHEET_TABLE:
		return sheet->table && table_row(sheet->table, cells);
	}
	return false;
}

void sheet_end(struct sheet *sheet)
{
	table_finish(sheet->table);
	sheet->table = NULL;
	if (sheet->format == SHEET_MARKDOWN) {
		putc('\n', sheet->out);
	}
}

const char *sheet_bytes(const struct sheet *sheet, char *buf, uint64_t bytes)
{
	return sheet->format == SHEET_CSV ? format_number(buf, bytes) : format_bytes(buf, bytes);
}
