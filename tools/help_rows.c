/* SPDX-License-Identifier: Apache-2.0 */
#include "help.h"

#include <stdbool.h>
#include <string.h>

#include "opts.h"

/* Column where help texts begin, one row a line. */
#define TEXT_COLUMN 26
/* Where the right half of a line begins. */
#define HALF_COLUMN 40
/* Room for the option as it is typed. */
#define SPELLING_SIZE 96

/* One screen line of cells under way. */
struct line {
	FILE *out;
	int column;
};

void help_fill(FILE *out, const char *text, int indent, int column)
{
	bool first = true;

	if (column < indent) {
		fprintf(out, "%*s", indent - column, "");
		column = indent;
	}
	while (*text) {
		int len = (int)strcspn(text, " \n");

		if (len > 0 && !first && column + 1 + len > HELP_COLUMNS) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
			first = true;
		}
		if (len > 0) {
			fprintf(out, "%s%.*s", first ? "" : " ", len, text);
			column += len + !first;
			first = false;
		}
		text += len;
		text += *text != 0;
	}
	putc('\n', out);
}

const char *help_spelling(char *buf, size_t size, const struct opt *row, const char *dashes)
{
	/* A value that may be left out comes with its own "[=". */
	const char *before_value = !row->value || row->value[0] == '[' ? "" : *dashes ? " " : "=";

	if (!row->name) {
		snprintf(buf, size, "-%c%s%s", row->letter, before_value,
			row->value ? row->value : "");
	} else if (row->letter) {
		snprintf(buf, size, "-%c, %s%s%s%s", row->letter, dashes, row->name, before_value,
			row->value ? row->value : "");
	} else {
		snprintf(buf, size, "%s%s%s%s", dashes, row->name, before_value,
			row->value ? row->value : "");
	}
	return buf;
}

static void end_line(struct line *line)
{
	if (line->column > 0) {
		putc('\n', line->out);
	}
	line->column = 0;
}

static void print_wide(struct line *line, const char *left, const char *text)
{
	int width = (int)strlen(left) + 2;

	end_line(line);
	fprintf(line->out, "  %s", left);
	if (width + 2 > TEXT_COLUMN) {
		fputs("  ", line->out);
		help_fill(line->out, text, TEXT_COLUMN, width + 2);
	} else {
		help_fill(line->out, text, TEXT_COLUMN, width);
	}
}

/* A cell in the left or the right half; one that is wider than a half has a line to itself. */
static void print_half(struct line *line, const char *left, const char *text)
{
	int width = 2 + (int)strlen(left) + 2 + (int)strlen(text);

	if (width >= HALF_COLUMN) {
		print_wide(line, left, text);
		return;
	}
	if (line->column > 0) {
		fprintf(line->out, "%*s", HALF_COLUMN - line->column, "");
	}
	fprintf(line->out, "  %s  %s", left, text);
	if (line->column > 0) {
		end_line(line);
	} else {
		line->column = width;
	}
}

static void print_name(struct line *line, const char *left)
{
	int width = 2 + (int)strlen(left);

	if (line->column + width > HELP_COLUMNS) {
		end_line(line);
	}
	fprintf(line->out, "  %s", left);
	line->column += width;
}

void help_rows(FILE *out, const struct opt *rows, const char *dashes, enum help_style style)
{
	struct line line = {.out = out};
	char left[SPELLING_SIZE];

	for (const struct opt *row = rows; row && (row->letter || row->name); row++) {
		if (!row->help) {
			continue;
		}
		help_spelling(left, sizeof(left), row, dashes);
		switch (style) {
		case HELP_WIDE:
			print_wide(&line, left, row->help);
			break;
		case HELP_PAIRS:
			print_half(&line, left, row->help);
			break;
		case HELP_NAMES:
			print_name(&line, left);
			break;
		}
	}
	end_line(&line);
}
