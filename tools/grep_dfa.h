/* SPDX-License-Identifier: Apache-2.0 */
/** Which line of a text matches an expression: one step a byte. */
#ifndef GREP_DFA_H
#define GREP_DFA_H

#include "grep_tree.h"

struct grep_dfa;

/** Memory for states, bytes; more are made anew when they are needed. */
#define GREP_STATES_MAX (16u << 20)

/**
 * Make an automaton; the tree is not needed any longer.
 * @param eol the byte that ends lines.
 * @return 0, PEEL_ENOMEM, PEEL_ELIMIT. Free with grep_dfa_free.
 */
int grep_dfa_new(const struct grep_tree *tree, char eol, struct grep_dfa **ret_dfa,
	struct peel_error *err);
/** Free; NULL is fine. */
void grep_dfa_free(struct grep_dfa *dfa);

/**
 * Find the first line that matches.
 * @param beg begin of a line. @param end behind the newline of one.
 * @param ret_byte a byte of the line, its newline included.
 * @return 1 found, 0 not, PEEL_ENOMEM.
 */
int grep_dfa_find(struct grep_dfa *dfa, const char *beg, const char *end, const char **ret_byte,
	struct peel_error *err);

#endif
