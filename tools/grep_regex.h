/* SPDX-License-Identifier: Apache-2.0 */
/** The C library's matcher, for what an automaton cannot do: back references, and where in a line a match is. */
#ifndef GREP_REGEX_H
#define GREP_REGEX_H

#include <stdbool.h>
#include <stddef.h>

struct grep_regex;
struct grep_syntax;
struct peel_error;

/**
 * Compile patterns separated by newlines.
 * @param keep false to check them only; *ret_regex is then untouched.
 * @param anchors whether "^" and "$" match beside newlines in a line, too.
 * @return 0, PEEL_EUSAGE (refused), PEEL_ENOMEM. Free with grep_regex_free.
 */
int grep_regex_new(const char *patterns, size_t len, const struct grep_syntax *syntax, bool keep,
	bool anchors, struct grep_regex **ret_regex, struct peel_error *err);
/** Free; NULL is fine. */
void grep_regex_free(struct grep_regex *regex);

/**
 * Whether a line matches.
 * @param end behind its last byte, the newline left out; a line has less than 2 GiB.
 * @return 1, 0, PEEL_ENOMEM.
 */
int grep_regex_line(struct grep_regex *regex, const char *beg, const char *end,
	struct peel_error *err);
/**
 * The leftmost and there longest match of a line that matches, from a place on.
 * @return 1 with *ret_beg and *ret_len, 0 where there is none, PEEL_ENOMEM.
 */
int grep_regex_match(struct grep_regex *regex, const char *beg, const char *end, const char *from,
	const char **ret_beg, size_t *ret_len, struct peel_error *err);

#endif
