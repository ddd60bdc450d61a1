/* SPDX-License-Identifier: Apache-2.0 */
/** Which lines match, and where in them: the patterns of one run of grep, compiled. */
#ifndef GREP_MATCH_H
#define GREP_MATCH_H

#include "grep_tree.h"

struct grep_matcher;

/** What the patterns are. */
struct grep_patterns {
	/** Separated by newlines, none at the end; may hold NUL. Borrowed. */
	const char *text;
	size_t len;
	/** Strings, not expressions. */
	bool fixed;
	struct grep_syntax syntax;
	/** Places in lines will be asked for. */
	bool parts;
	/** The byte that ends lines. */
	char eol;
};

/** Compile. @return 0, PEEL_EUSAGE (refused), PEEL_ELIMIT, PEEL_ENOMEM. Free with grep_matcher_free. */
int grep_matcher_new(const struct grep_patterns *patterns, struct grep_matcher **ret_matcher,
	struct peel_error *err);
/** Free; NULL is fine. */
void grep_matcher_free(struct grep_matcher *matcher);

/**
 * The first line that matches.
 * @param beg begin of a line. @param end behind the end of one.
 * @param ret_beg,ret_end the line, its newline included.
 * @return 1, 0, PEEL_ENOMEM.
 */
int grep_match_line(struct grep_matcher *matcher, const char *beg, const char *end,
	const char **ret_beg, const char **ret_end, struct peel_error *err);
/**
 * The leftmost and there longest match in a line that matches.
 * @param end behind its last byte, the newline left out. @param from where to begin, in the line.
 * @return 1, 0, PEEL_ENOMEM.
 */
int grep_match_part(struct grep_matcher *matcher, const char *beg, const char *end,
	const char *from, const char **ret_beg, size_t *ret_len, struct peel_error *err);

#endif
