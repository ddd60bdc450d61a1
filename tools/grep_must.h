/* SPDX-License-Identifier: Apache-2.0 */
/** What every match of an expression holds: one of a few words. Lines without any need no closer look. */
#ifndef GREP_MUST_H
#define GREP_MUST_H

#include <stdbool.h>
#include <stddef.h>

#include "grep_tree.h"

/** Most words; longest one, bytes, what is longer is cut. */
#define GREP_MUST_WORDS 16
#define GREP_MUST_LENGTH 32

/** Some words; none where there is nothing to say. */
struct grep_must {
	unsigned int count;
	/** They are all that the expression matches, not only a part of it. */
	bool exact;
	struct {
		unsigned char len;
		char bytes[GREP_MUST_LENGTH];
	} words[GREP_MUST_WORDS];
};

/**
 * Find the words. They are in lower case where case does not matter.
 * @param eol the byte that ends lines: no match holds it.
 */
void grep_must_find(const struct grep_tree *tree, bool ignore_case, char eol,
	struct grep_must *ret_must);
/** Length of the shortest word, 0 where there is none. */
size_t grep_must_shortest(const struct grep_must *must);

#endif
