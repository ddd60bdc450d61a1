/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Values as people read them: sizes, times in UTC, mode strings, instructions, and tables. The same value
 * gives the same text whatever the locale, the time zone and the day are.
 */
#ifndef FORMAT_H
#define FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <peel/image.h>

/** Room for any number, size or time that a function here writes. */
#define FORMAT_SIZE 64

/** "512 B", "3.7 MB", "20.5 GB": decimal units, one digit after the point. Returns buf (FORMAT_SIZE bytes). */
const char *format_bytes(char *buf, uint64_t bytes);
/** As `ls -h`: 1023, 3.6K, 20G; powers of 1024, rounded up. Returns buf. */
const char *format_human(char *buf, uint64_t bytes);
/** A plain number. Returns buf. */
const char *format_number(char *buf, uint64_t number);

/** "2023-11-14 22:13:20" in UTC, plain seconds where the year does not fit. Returns buf. */
const char *format_time(char *buf, int64_t sec);
/** "2023-11-14 22:13", as `ls --time-style=long-iso`. Returns buf. */
const char *format_minutes(char *buf, int64_t sec);
/** "2023-11-14 22:13:20.123456789 +0000", as stat. Returns buf. */
const char *format_full_time(char *buf, int64_t sec, uint32_t nsec);
/**
 * A time as image configurations give it (RFC 3339) in UTC as format_time does.
 * @return buf, or NULL where the text is no such time.
 */
const char *format_rfc3339(char *buf, const char *text);

/** "drwxr-xr-x". Returns buf (11 bytes). */
const char *format_mode(char *buf, uint32_t mode);
/** "regular file", "directory", …: stat's words for a type. */
const char *format_type(uint32_t mode, uint64_t size);
/** "ok", "missing", "unsupported" or "broken"; "unknown" for what is no state (a forged index may hold any number). */
const char *format_state(enum peel_layer_state state);
/** First 12 digits of "sha256:…", for tables; "" where there is none. Returns buf (FORMAT_SIZE bytes). */
const char *format_short_digest(char *buf, const char *digest);

/**
 * An instruction as a Dockerfile has it, without the shell that builders put around it ("/bin/sh -c #(nop) ",
 * "RUN /bin/sh -c … # buildkit"), escaped, runs of blanks as one.
 * @param max longest result in characters, cut with "..."; 0: whole.
 * @return a string the caller frees, never NULL: an answer without its instructions would be a wrong one, so that where
 * memory is exhausted this says so and ends the program with status 2.
 */
char *format_instruction(const char *instruction, size_t max);
/** Say that memory is exhausted, and end the program with status 2. */
_Noreturn void end_without_memory(void);
/**
 * Bytes escaped as peel_text_escape has them, and text in printf's form. An answer that leaves them out would be a
 * wrong one: where memory is exhausted this says so and ends the program with status 2.
 * @return a string the caller frees, never NULL.
 */
char *format_escaped(const void *bytes, size_t len);
char *format_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/**
 * The next line of several.
 * @param text moved behind it; NULL has no lines.
 * @return the line, borrowed, and its length without its newline; NULL at the end.
 */
const char *format_next_line(const char **text, int *ret_len);
/** Characters of escaped text (UTF-8). */
size_t format_width(const char *text);

/** A column of a table. */
struct column {
	const char *title;
	/** Numbers stand to the right. */
	bool right;
};

struct table;

/**
 * A table whose columns align. Widths come from the first thousand rows; later rows are written as they
 * come, so that memory stays bounded.
 * @param columns borrowed for the life of the table.
 * @param header whether a line of titles comes first.
 * @return NULL where memory is exhausted.
 */
struct table *table_new(FILE *out, const struct column *columns, size_t count, bool header)
	__attribute__((warn_unused_result));
/** Add one row; cells are copied, NULL is an empty one. @return false where memory is exhausted. */
bool table_row(struct table *table, const char *const *cells) __attribute__((warn_unused_result));
/** Write what is left and free the table; NULL is fine. */
void table_finish(struct table *table);

#endif
