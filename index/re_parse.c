/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Go's syntax, as regexp/syntax.Parse takes it with its flags Perl (ClassNL, OneLine, PerlX, UnicodeGroups). What Go
 * refuses is refused; whether a repetition is greedy says nothing of whether there is a match.
 */
#include <string.h>

#include <peel/error.h>

#include "re_parse.h"
#include "util.h"

/* A repetition within others may not come to more than this many copies, as Go's. */
#define COPIES_MAX RE_REPEAT_MAX

static int parse_alternatives(struct re_parser *parser, uint32_t *ret_node);

int re_bad(struct re_parser *parser, const char *what)
{
	return peel_fail(parser->err, PEEL_EFORMAT, "%s", what);
}

int re_add_node(struct re_parser *parser, struct re_node node, uint32_t *ret_node)
{
	struct re *re = parser->re;

	if (!grow_array(&re->nodes, re->node_count, &re->node_room, sizeof(*re->nodes))) {
		return peel_fail(parser->err, PEEL_ENOMEM, "no memory");
	}
	*ret_node = (uint32_t)re->node_count;
	re->nodes[re->node_count++] = node;
	return 0;
}

bool re_next_is(const struct re_parser *parser, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(parser->end - parser->at) >= len && memcmp(parser->at, text, len) == 0;
}

/* --- what is not a set --- */

static int add_assert(struct re_parser *parser, enum re_assert what, size_t len, uint32_t *ret_node)
{
	parser->at += len;
	return re_add_node(parser, (struct re_node){.type = RE_ASSERT, .a = what}, ret_node);
}

/* Nodes in a row: each holds one and leads to the next, so that they are gone through without recursion. */
struct chain {
	uint32_t root, last;
	bool any;
};

static int chain_begin(struct re_parser *parser, struct chain *chain)
{
	*chain = (struct chain){0};
	return re_add_node(parser, (struct re_node){.type = RE_EMPTY}, &chain->root);
}

/* The last one leads to an empty node. */
static int chain_add(struct re_parser *parser, struct chain *chain, uint32_t item)
{
	uint32_t number = 0;
	uint32_t empty = 0;
	int code = re_add_node(parser, (struct re_node){.type = RE_EMPTY}, &empty);

	if (code == 0) {
		code = re_add_node(parser, (struct re_node){.type = RE_CAT, .a = item, .b = empty},
			&number);
	}
	if (code < 0) {
		return code;
	}
	if (chain->any) {
		parser->re->nodes[chain->last].b = number;
	} else {
		chain->root = number;
	}
	chain->last = number;
	chain->any = true;
	return 0;
}

/* \Q…\E: literals up to there, or to the end. */
static int parse_quoted(struct re_parser *parser, uint32_t *ret_node)
{
	struct chain chain;
	int code = chain_begin(parser, &chain);

	parser->at += 2;
	while (code == 0 && parser->at < parser->end && !re_next_is(parser, "\\E")) {
		uint32_t rune = 0;
		uint32_t item = 0;

		code = re_take_rune(parser, &rune);
		if (code == 0) {
			code = re_add_literal(parser, rune, &item);
		}
		if (code == 0) {
			code = chain_add(parser, &chain, item);
		}
	}
	parser->at += re_next_is(parser, "\\E") ? 2 : 0;
	*ret_node = chain.root;
	return code;
}

static int parse_backslash(struct re_parser *parser, uint32_t *ret_node)
{
	static const struct {
		char letter;
		enum re_assert what;
	} asserts[] = {{'A', RE_BEGIN_TEXT}, {'z', RE_END_TEXT}, {'b', RE_WORD}, {'B', RE_NO_WORD}};
	struct re_builder builder = {0};
	const char letter = parser->end - parser->at > 1 ? parser->at[1] : 0;
	uint32_t rune;
	int code;

	for (size_t i = 0; i < countof(asserts); i++) {
		if (letter == asserts[i].letter) {
			return add_assert(parser, asserts[i].what, 2, ret_node);
		}
	}
	if (letter == 'Q') {
		return parse_quoted(parser, ret_node);
	}
	code = re_take_perl_class(parser, &builder);
	if (code != 0) {
		return re_finish_set(parser, &builder, code, ret_node);
	}
	code = re_take_escape(parser, &rune);
	return code < 0 ? code : re_add_literal(parser, rune, ret_node);
}

/* After "(?": flags up to ":" or ")". @return 1 a group begins, 0 flags alone, or less than 0. */
static int take_flags(struct re_parser *parser)
{
	bool set = true;
	bool any = false;

	for (; parser->at < parser->end; parser->at++) {
		switch (*parser->at) {
		case 'i':
			parser->fold = set;
			break;
		case 'm':
			parser->multiline = set;
			break;
		case 's':
			parser->dot_newline = set;
			break;
		case 'U':
			break;
		case '-':
			if (!set) {
				return re_bad(parser, "invalid or unsupported Perl syntax");
			}
			set = false;
			any = false;
			continue;
		case ':':
		case ')':
			if (!set && !any) {
				return re_bad(parser,
					"missing argument to repetition operator or flag");
			}
			return *parser->at++ == ':';
		default:
			return re_bad(parser, "invalid or unsupported Perl syntax");
		}
		any = true;
	}
	return re_bad(parser, "missing argument: the flags do not end");
}

/* "P<name>" or "<name>" after "(?". @return 1 taken, 0 it is none, or less than 0. */
static int take_name(struct re_parser *parser)
{
	const size_t skip = re_next_is(parser, "P<") ? 2 : re_next_is(parser, "<") ? 1 : 0;
	size_t len = 0;

	if (skip == 0) {
		return 0;
	}
	parser->at += skip;
	while (parser->at + len < parser->end && re_is_word((unsigned char)parser->at[len])) {
		len++;
	}
	if (len == 0 || parser->at + len == parser->end || parser->at[len] != '>') {
		return re_bad(parser, "invalid named capture");
	}
	parser->at += len + 1;
	return 1;
}

/* @return 1 a node, 0 flags alone, or less than 0. */
static int parse_group(struct re_parser *parser, uint32_t *ret_node)
{
	const struct re_parser before = *parser;
	int code = 1;

	parser->at++;
	if (re_next_is(parser, "?")) {
		parser->at++;
		code = take_name(parser);
		if (code == 0) {
			code = take_flags(parser);
		}
	}
	if (code <= 0) {
		return code;
	}
	if (++parser->depth > RE_DEPTH) {
		return re_bad(parser, "expression nests too deeply");
	}
	code = parse_alternatives(parser, ret_node);
	if (code < 0) {
		return code;
	}
	if (parser->at == parser->end) {
		return re_bad(parser, "missing closing )");
	}
	parser->at++;
	parser->depth--;
	parser->fold = before.fold;
	parser->multiline = before.multiline;
	parser->dot_newline = before.dot_newline;
	return 1;
}

/* @return as parse_group. */
static int parse_atom(struct re_parser *parser, uint32_t *ret_node)
{
	uint32_t rune;
	int code;

	switch (*parser->at) {
	case '(':
		return parse_group(parser, ret_node);
	case '[':
		code = re_parse_class(parser, ret_node);
		break;
	case '.':
		code = re_parse_dot(parser, ret_node);
		break;
	case '^':
		code = add_assert(parser, parser->multiline ? RE_BEGIN_LINE : RE_BEGIN_TEXT, 1,
			ret_node);
		break;
	case '$':
		code = add_assert(parser, parser->multiline ? RE_END_LINE : RE_END_TEXT, 1,
			ret_node);
		break;
	case '\\':
		code = parse_backslash(parser, ret_node);
		break;
	default:
		code = re_take_rune(parser, &rune);
		code = code < 0 ? code : re_add_literal(parser, rune, ret_node);
	}
	return code < 0 ? code : 1;
}

/* --- repetitions --- */

/* Digits without a leading zero; a number too large is one above all limits. @return false: none. */
static bool take_count(const char **at, const char *end, int *ret_count)
{
	const char *from = *at;
	long count = 0;

	while (*at < end && **at >= '0' && **at <= '9') {
		count = count > 100000 ? count : count * 10 + (**at - '0');
		++*at;
	}
	*ret_count = (int)count;
	return *at > from && (*from != '0' || *at - from == 1);
}

/* "{n}", "{n,}", "{n,m}". @return false: the brace is a literal one. */
static bool take_braces(struct re_parser *parser, int *ret_min, int *ret_max)
{
	const char *at = parser->at + 1;

	if (!take_count(&at, parser->end, ret_min)) {
		return false;
	}
	*ret_max = *ret_min;
	if (at < parser->end && *at == ',') {
		at++;
		*ret_max = -1;
		if (at < parser->end && *at != '}' && !take_count(&at, parser->end, ret_max)) {
			return false;
		}
	}
	if (at == parser->end || *at != '}') {
		return false;
	}
	parser->at = at + 1;
	return true;
}

/* Copies that the deepest repetitions of a node come to. */
static int copies(const struct re *re, uint32_t number, int limit)
{
	const struct re_node *node = &re->nodes[number];
	int most = 1;
	int times;
	int inner;

	for (; node->type == RE_CAT || node->type == RE_ALT; node = &re->nodes[node->b]) {
		inner = copies(re, node->a, limit);
		most = inner > most ? inner : most;
	}
	if (node->type == RE_REPEAT) {
		times = node->max > 0 ? node->max : node->min;
		times = times > 0 ? times : 1;
		inner = copies(re, node->a, limit);
		inner = inner > limit / times ? limit + 1 : inner * times;
		most = inner > most ? inner : most;
	}
	return most;
}

/* @return 1 a repetition was taken, 0 there is none, or less than 0. */
static int take_repeat(struct re_parser *parser, struct re_node *node)
{
	bool braces = false;

	switch (parser->at < parser->end ? *parser->at : 0) {
	case '*':
		*node = (struct re_node){.type = RE_REPEAT, .min = 0, .max = -1};
		break;
	case '+':
		*node = (struct re_node){.type = RE_REPEAT, .min = 1, .max = -1};
		break;
	case '?':
		*node = (struct re_node){.type = RE_REPEAT, .min = 0, .max = 1};
		break;
	case '{':
		*node = (struct re_node){.type = RE_REPEAT};
		braces = take_braces(parser, &node->min, &node->max);
		if (!braces) {
			return 0;
		}
		break;
	default:
		return 0;
	}
	if (node->min > RE_REPEAT_MAX || node->max > RE_REPEAT_MAX ||
		(node->max >= 0 && node->min > node->max)) {
		return re_bad(parser, "invalid repeat count");
	}
	parser->at += !braces;
	parser->at += parser->at < parser->end && *parser->at == '?';
	return 1;
}

static int apply_repeat(struct re_parser *parser, struct re_node repeat, uint32_t *item)
{
	struct re_node again;
	int code;

	repeat.a = *item;
	code = re_add_node(parser, repeat, item);
	if (code == 0 && (repeat.min >= 2 || repeat.max >= 2) &&
		copies(parser->re, *item, COPIES_MAX) > COPIES_MAX) {
		return re_bad(parser, "invalid repeat count");
	}
	if (code == 0) {
		code = take_repeat(parser, &again);
		code = code > 0 ? re_bad(parser, "invalid nested repetition operator") : code;
	}
	return code;
}

/* A concatenation: its last item is what a repetition takes. */
static int parse_sequence(struct re_parser *parser, uint32_t *ret_node)
{
	struct chain chain;
	struct re_node repeat;
	uint32_t item = 0;
	bool any = false;
	int code = chain_begin(parser, &chain);

	while (code >= 0 && parser->at < parser->end && *parser->at != '|' && *parser->at != ')') {
		code = take_repeat(parser, &repeat);
		if (code > 0) {
			code = any ? apply_repeat(parser, repeat, &item)
				   : re_bad(parser, "missing argument to repetition operator");
			continue;
		}
		if (code == 0 && any) {
			code = chain_add(parser, &chain, item);
		}
		any = false;
		if (code == 0) {
			code = parse_atom(parser, &item);
			any = code > 0;
		}
	}
	if (code >= 0 && any) {
		code = chain_add(parser, &chain, item);
	}
	*ret_node = chain.root;
	return code < 0 ? code : 0;
}

static int parse_alternatives(struct re_parser *parser, uint32_t *ret_node)
{
	uint32_t last = 0;
	bool several = false;
	int code = parse_sequence(parser, ret_node);

	while (code == 0 && parser->at < parser->end && *parser->at == '|') {
		uint32_t *place = several ? &parser->re->nodes[last].b : ret_node;
		struct re_node alt = {.type = RE_ALT, .a = *place};

		parser->at++;
		code = parse_sequence(parser, &alt.b);
		if (code == 0) {
			uint32_t number = 0;

			code = re_add_node(parser, alt, &number);
			if (code == 0) {
				/* Nodes may have moved. */
				*(several ? &parser->re->nodes[last].b : ret_node) = number;
				last = number;
				several = true;
			}
		}
	}
	return code;
}

int re_parse(struct re *re, const char *pattern, size_t len, uint32_t *ret_root,
	struct peel_error *err)
{
	struct re_parser parser = {.re = re, .at = pattern, .end = pattern + len, .err = err};
	int code;

	if (len > RE_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "the pattern has more than %d bytes", RE_MAX);
	}
	code = parse_alternatives(&parser, ret_root);
	return code == 0 && parser.at < parser.end ? re_bad(&parser, "unexpected )") : code;
}
