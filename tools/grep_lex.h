/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Tokens of a regular expression, byte by byte. What a letter means depends on what stood before it: whether an
 * operator may stand here ("start"), and in basic expressions whether an anchor may.
 */
#ifndef GREP_LEX_H
#define GREP_LEX_H

#include "grep_tree.h"

/** What the next byte or two mean. */
enum grep_token {
	TOKEN_END,
	/** One byte of lexer.set. */
	TOKEN_SET,
	/** lexer.place. */
	TOKEN_PLACE,
	TOKEN_ANYTHING,
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_OR,
	/** lexer.min to lexer.max times. */
	TOKEN_REPEAT,
};

/** Start with syntax, err, next, end, and start and anchor true. */
struct grep_lexer {
	const struct grep_syntax *syntax;
	struct peel_error *err;
	const char *next;
	const char *end;
	/** Groups that are open; the caller counts. */
	unsigned int depth;
	/** No operand for an operator yet; an anchor may stand here. */
	bool start;
	bool anchor;
	/** The current token and its value. */
	enum grep_token token;
	struct grep_set set;
	enum grep_kind place;
	uint32_t min;
	uint32_t max;
	/** Less than 0 where the expression is refused; err is set, and no token follows. */
	int fault;
};

/** Go to the next token. */
void grep_lex(struct grep_lexer *lexer);

#endif
