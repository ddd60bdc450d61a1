/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recursive descent over bytes. The grammar is that of GNU grep 3.8's automaton, which decides there whether
 * a line matches, not that of the C library's regcomp, from which it differs in corners ("^*" repeats the
 * anchor in an extended expression).
 */
#include "grep_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "grep_lex.h"

struct parser {
	struct grep_tree *tree;
	struct grep_lexer lexer;
};

static uint32_t fail(struct parser *p, int code, const char *message)
{
	struct grep_lexer *lexer = &p->lexer;

	if (lexer->fault == 0) {
		lexer->fault = peel_fail(lexer->err, code, "%s", message);
	}
	lexer->token = TOKEN_END;
	lexer->next = lexer->end;
	return GREP_NO_NODE;
}

static uint32_t add_node(struct parser *p, struct grep_node node)
{
	struct grep_tree *tree = p->tree;

	if (tree->count == GREP_NODES_MAX) {
		return fail(p, PEEL_ELIMIT, "the regular expression is too big");
	}
	if (tree->count == tree->room) {
		uint32_t room = tree->room ? tree->room * 2 : 64;
		struct grep_node *nodes = reallocarray(tree->nodes, room, sizeof(*nodes));

		if (!nodes) {
			return fail(p, PEEL_ENOMEM, strerror(ENOMEM));
		}
		tree->nodes = nodes;
		tree->room = room;
	}
	node.next = GREP_NO_NODE;
	tree->nodes[tree->count] = node;
	return tree->count++;
}

static uint32_t add_leaf(struct parser *p, enum grep_kind kind)
{
	return add_node(p, (struct grep_node){.kind = kind, .child = GREP_NO_NODE});
}

static uint32_t add_set(struct parser *p, const struct grep_set *set)
{
	struct grep_tree *tree = p->tree;

	if (tree->set_count == tree->set_room) {
		uint32_t room = tree->set_room ? tree->set_room * 2 : 64;
		struct grep_set *sets = reallocarray(tree->sets, room, sizeof(*sets));

		if (!sets) {
			return fail(p, PEEL_ENOMEM, strerror(ENOMEM));
		}
		tree->sets = sets;
		tree->set_room = room;
	}
	tree->sets[tree->set_count] = *set;
	return add_node(p,
		(struct grep_node){
			.kind = GREP_SET, .set = tree->set_count++, .child = GREP_NO_NODE});
}

static uint32_t add_parent(struct parser *p, enum grep_kind kind, uint32_t child)
{
	return add_node(p, (struct grep_node){.kind = kind, .child = child});
}

static uint32_t parse_choice(struct parser *p);

static uint32_t parse_group(struct parser *p)
{
	uint32_t inner;

	if (++p->lexer.depth > GREP_NESTING_MAX) {
		return fail(p, PEEL_ELIMIT, "groups are nested too deeply");
	}
	grep_lex(&p->lexer);
	inner = parse_choice(p);
	p->lexer.depth--;
	if (p->lexer.token == TOKEN_CLOSE) {
		grep_lex(&p->lexer);
	}
	return inner;
}

static uint32_t parse_operand(struct parser *p)
{
	uint32_t node;

	switch (p->lexer.token) {
	case TOKEN_SET:
		node = add_set(p, &p->lexer.set);
		break;
	case TOKEN_PLACE:
		node = add_leaf(p, p->lexer.place);
		break;
	case TOKEN_ANYTHING:
		p->tree->exact = false;
		node = add_leaf(p, GREP_ANYTHING);
		break;
	case TOKEN_OPEN:
		return parse_group(p);
	default:
		return add_leaf(p, GREP_EMPTY);
	}
	grep_lex(&p->lexer);
	return node;
}

static uint32_t parse_repeated(struct parser *p)
{
	uint32_t node = parse_operand(p);
	unsigned int repeats = 0;

	while (p->lexer.token == TOKEN_REPEAT && p->lexer.fault == 0) {
		uint32_t min = p->lexer.min;
		uint32_t max = p->lexer.max;

		if (++repeats > GREP_REPEATS_MAX) {
			return fail(p, PEEL_ELIMIT, "too many repetitions of a repetition");
		}
		node = add_parent(p, GREP_REPEAT, node);
		if (node != GREP_NO_NODE) {
			p->tree->nodes[node].min = min;
			p->tree->nodes[node].max = max;
		}
		grep_lex(&p->lexer);
	}
	return node;
}

/* Children up to a token that ends the list; one alone needs no parent. */
static uint32_t parse_sequence(struct parser *p)
{
	uint32_t first = parse_repeated(p);
	uint32_t last = first;
	uint32_t parent;

	if (p->lexer.fault < 0 || p->lexer.token == TOKEN_OR || p->lexer.token == TOKEN_CLOSE ||
		p->lexer.token == TOKEN_END) {
		return first;
	}
	parent = add_parent(p, GREP_SEQUENCE, first);
	while (p->lexer.fault == 0 && p->lexer.token != TOKEN_OR && p->lexer.token != TOKEN_CLOSE &&
		p->lexer.token != TOKEN_END) {
		uint32_t node = parse_repeated(p);

		if (node != GREP_NO_NODE) {
			p->tree->nodes[last].next = node;
			last = node;
		}
	}
	return parent;
}

static uint32_t parse_choice(struct parser *p)
{
	uint32_t first = parse_sequence(p);
	uint32_t last = first;
	uint32_t parent;

	if (p->lexer.fault < 0 || p->lexer.token != TOKEN_OR) {
		return first;
	}
	parent = add_parent(p, GREP_CHOICE, first);
	while (p->lexer.fault == 0 && p->lexer.token == TOKEN_OR) {
		uint32_t node;

		grep_lex(&p->lexer);
		node = parse_sequence(p);
		if (node != GREP_NO_NODE) {
			p->tree->nodes[last].next = node;
			last = node;
		}
	}
	return parent;
}

static int parse(struct grep_tree *tree, const char *text, size_t len,
	const struct grep_syntax *syntax, struct peel_error *err)
{
	struct parser p = {
		.tree = tree,
		.lexer =
			{
				.syntax = syntax,
				.err = err,
				.next = text,
				.end = text + len,
				.start = true,
				.anchor = true,
			},
	};

	tree->exact = true;
	grep_lex(&p.lexer);
	tree->root = parse_choice(&p);
	if (p.lexer.fault == 0 && p.lexer.token == TOKEN_CLOSE) {
		fail(&p, PEEL_EUSAGE, "Unmatched ) or \\)");
	}
	return p.lexer.fault;
}

int grep_tree_parse(struct grep_tree *tree, const char *patterns, size_t len,
	const struct grep_syntax *syntax, struct peel_error *err)
{
	/* As text, so that a pattern's own parenthesis without a partner does what it does in GNU grep. */
	static const char *const frames[2][2][2] = {
		{{"\\(^\\|[^[:alnum:]_]\\)\\(", "\\)\\([^[:alnum:]_]\\|$\\)"}, {"^\\(", "\\)$"}},
		{{"(^|[^[:alnum:]_])(", ")([^[:alnum:]_]|$)"}, {"^(", ")$"}},
	};
	const char *const *frame = frames[syntax->extended][syntax->lines];
	char *framed;
	size_t before = strlen(frame[0]);
	size_t behind = strlen(frame[1]);
	int r;

	if (!syntax->lines && !syntax->words) {
		return parse(tree, patterns, len, syntax, err);
	}
	framed = malloc(before + len + behind);
	if (!framed) {
		return peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
	}
	memcpy(framed, frame[0], before);
	memcpy(framed + before, patterns, len);
	memcpy(framed + before + len, frame[1], behind);
	r = parse(tree, framed, before + len + behind, syntax, err);
	free(framed);
	return r;
}

void grep_tree_finish(struct grep_tree *tree)
{
	free(tree->nodes);
	free(tree->sets);
	*tree = (struct grep_tree){0};
}
