/* SPDX-License-Identifier: Apache-2.0 */
/** grep's command line: from options to what is asked for. */
#ifndef GREP_SETUP_H
#define GREP_SETUP_H

#include "grep.h"

struct call;

/** Options whose order does not matter. */
struct grep_values {
	bool null_names, null_data, no_messages, tabs, numbers, offsets, only_matching, quiet,
		silent, count, invert, lines, words, line_buffered, binary;
	const char *label;
	const char *layer;
};

/** What is gathered from the others. Start with {0}; release with grep_setup_finish. */
struct grep_setup {
	struct grep_options options;
	/** Of -E, -F and -G; 0: none yet. */
	char syntax;
	/** Of -H and -h: 1, -1; 0: neither. */
	int names;
	/** -C and -NUM; less than 0: not given. */
	int64_t context;
	/** Gathered patterns, each with a newline behind it; NULL: none were given. */
	char *patterns;
	size_t len;
	/** Where the last digit of -NUM stands. */
	const char *digit;
};

/**
 * Read the options of a call; what is wrong is said.
 * @param ret_first the first operand that is a path.
 * @return false where grep cannot start.
 */
bool grep_setup_read(struct call *call, struct grep_setup *setup, int *ret_first);
/** Free. */
void grep_setup_finish(struct grep_setup *setup);

#endif
