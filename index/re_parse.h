/* SPDX-License-Identifier: Apache-2.0 */
/** A pattern being parsed: groups and repetitions in re_parse.c, sets and escapes in re_parse_set.c. */
#ifndef RE_PARSE_H
#define RE_PARSE_H

#include "re_priv.h"

/** What is left of the pattern, and the flags at this place. */
struct re_parser {
	struct re *re;
	const char *at;
	const char *end;
	bool fold, multiline, dot_newline;
	int depth;
	struct peel_error *err;
};

/** Set a message. @return PEEL_EFORMAT. */
int re_bad(struct re_parser *parser, const char *what);
/** Add a node. @return 0; PEEL_ENOMEM. */
int re_add_node(struct re_parser *parser, struct re_node node, uint32_t *ret_node);
/** Whether a text comes next. */
bool re_next_is(const struct re_parser *parser, const char *text);

/** Take one rune, which must be UTF-8. @return 0; PEEL_EFORMAT. */
int re_take_rune(struct re_parser *parser, uint32_t *ret_rune);
/** Take a backslash and what follows, where that is one rune. @return 0; PEEL_EFORMAT. */
int re_take_escape(struct re_parser *parser, uint32_t *ret_rune);
/** Take \\d, \\W and the like. @return 1 taken, 0 it is none; PEEL_EUNSUPPORTED, PEEL_ENOMEM. */
int re_take_perl_class(struct re_parser *parser, struct re_builder *builder);
/** Make a node of a set, which is freed; code is passed on where it is a failure. @return 0, or less than 0. */
int re_finish_set(struct re_parser *parser, struct re_builder *builder, int code,
	uint32_t *ret_node);
/** Add a node of one rune. @return 0; PEEL_EUNSUPPORTED, PEEL_ENOMEM. */
int re_add_literal(struct re_parser *parser, uint32_t rune, uint32_t *ret_node);
/** Parse "[…]". @return 0; PEEL_EFORMAT, PEEL_EUNSUPPORTED, PEEL_ENOMEM. */
int re_parse_class(struct re_parser *parser, uint32_t *ret_node);
/** Parse ".". @return 0; PEEL_ENOMEM. */
int re_parse_dot(struct re_parser *parser, uint32_t *ret_node);

#endif
