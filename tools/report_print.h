/* SPDX-License-Identifier: Apache-2.0 */
/** What the text and Markdown of one image and of two share. */
#ifndef REPORT_PRINT_H
#define REPORT_PRINT_H

#include "report.h"

/** Bytes of a cell that is cut. */
#define CELL_SIZE 1024

/** A report that is being written. */
struct printing {
	const struct report *report;
	enum sheet_format format;
	FILE *out;
	struct sheet sheet;
	bool failed;
};

/** Write a heading. @param level from 1. */
void printing_heading(const struct printing *p, int level, const char *text);
/** Begin a table, write a row of it, end it; what fails is kept in p. */
void printing_begin(struct printing *p, const struct column *columns, size_t count);
void printing_row(struct printing *p, const char *const *cells);
void printing_end(struct printing *p);
/** Write a line of text, and an empty one. */
void printing_line(const struct printing *p, const char *text);
/** Escape into a cell. Returns buf (CELL_SIZE bytes). */
const char *printing_escape(char *buf, const char *text, size_t len);
/** A layer's number, or "" for none. @param buf FORMAT_SIZE bytes. */
const char *printing_layer(char *buf, int layer);
/** "(7 others)": what stands for the rows that a table leaves out. Returns buf (CELL_SIZE bytes). */
const char *printing_others(char *buf, uint64_t count);

/** Write what differs between the two images. */
void report_print_pair(struct printing *p);

#endif
