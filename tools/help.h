/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Help on a screen: texts and option rows laid out in 80 columns, one row a line, two a line where they are short, or
 * names alone.
 */
#ifndef HELP_H
#define HELP_H

#include <stddef.h>
#include <stdio.h>

struct opt;

/** Columns of a screen, and lines of one for one verb. */
#define HELP_COLUMNS 80
#define HELP_LINES 24

/** How much room rows get, widest first. */
enum help_style {
	/** A line a row. */
	HELP_WIDE,
	/** Two rows a line where both are short. */
	HELP_PAIRS,
	/** Names and values without their texts. */
	HELP_NAMES,
};
#define HELP_STYLES 3

/**
 * Write words into lines, as many a line as fit.
 * @param indent blanks before each line but the first, and before that one less `column`.
 * @param column columns of the first line that are taken already.
 */
void help_fill(FILE *out, const char *text, int indent, int column);
/** Write the rows that have a help text. @param dashes before long names: "--" or "". */
void help_rows(FILE *out, const struct opt *rows, const char *dashes, enum help_style style);
/**
 * The option as it is typed: "-n, --dry-run", "--limit SIZE", or for words of -o "view=merged|layers".
 * @param size of buf, at least 64. @return buf.
 */
const char *help_spelling(char *buf, size_t size, const struct opt *row, const char *dashes);

#endif
