/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The same rows as a table for a terminal, as Markdown, or as comma-separated values. Cells are escaped text
 * (peel_text_escape); what a format adds to that is done here.
 */
#ifndef SHEET_H
#define SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "format.h"

enum sheet_format {
	SHEET_TABLE,
	SHEET_MARKDOWN,
	/**
	 * RFC 4180, lines end with CR LF. Titles in small letters, blanks as "_"; sizes are plain numbers, words
	 * as csv_word has them.
	 */
	SHEET_CSV,
};

/** A table that is being written. */
struct sheet {
	FILE *out;
	enum sheet_format format;
	const struct column *columns;
	size_t count;
	/** Of SHEET_TABLE. */
	struct table *table;
};

/** The format that --output names: "table" or "text", "markdown", "csv". */
enum sheet_format sheet_format(const char *name);

/**
 * Write the titles.
 * @param columns borrowed until sheet_end. @return false where memory is exhausted; sheet_end is fine all the same.
 */
bool sheet_begin(struct sheet *sheet, FILE *out, enum sheet_format format,
	const struct column *columns, size_t count) __attribute__((warn_unused_result));
/** Write a row; NULL is an empty cell. @return false where memory is exhausted. */
bool sheet_row(struct sheet *sheet, const char *const *cells) __attribute__((warn_unused_result));
/** Write what is left, and an empty line after Markdown. */
void sheet_end(struct sheet *sheet);

/** A size as the format has it: "3.7 MB", or "3700027" in CSV. Returns buf (FORMAT_SIZE bytes). */
const char *sheet_bytes(const struct sheet *sheet, char *buf, uint64_t bytes);

/** Write escaped text so that Markdown takes nothing in it as markup. */
void sheet_markdown_text(FILE *out, const char *text);

#endif
