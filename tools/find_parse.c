/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From words to a tree. The grammar is GNU's, weakest first:
 *
 *     list  :=  or { , or }
 *     or    :=  and { -o and }
 *     and   :=  unary { [-a] unary }
 *     unary :=  { ! } ( list )  |  { ! } primary
 *
 * Options are words like others, and always true where they stand; -daystart alone is none:
 * it takes effect and leaves nothing, as with GNU find.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "find.h"

/* The words, and the place in them. */
struct cursor {
	struct find *find;
	char **words;
	int count;
	int at;
	int nesting;
	/* The word of the last primary. */
	const char *last;
};

static struct find_node *parse_list(struct cursor *cursor);

bool find_is_expression(const char *word, bool leading)
{
	if (word[0] == '-') {
		return word[1] != 0;
	}
	if (word[0] == 0 || word[1] != 0) {
		return false;
	}
	return word[0] == '!' || word[0] == '(' || (!leading && (word[0] == ')' || word[0] == ','));
}

static const char *argument(const struct cursor *cursor)
{
	return cursor->at < cursor->count ? cursor->words[cursor->at] : NULL;
}

/* The next word of the grammar. */
static const char *peek(struct cursor *cursor)
{
	while (cursor->at < cursor->count && strcmp(cursor->words[cursor->at], "-daystart") == 0) {
		find_start_day(cursor->find);
		cursor->at++;
	}
	return argument(cursor);
}

/* Take the operator or parenthesis that is next. */
static void take(struct cursor *cursor)
{
	struct find *find = cursor->find;

	find->first_test = find->first_test ? find->first_test : cursor->words[cursor->at];
	cursor->at++;
}

static bool is_one_of(const char *word, const char *const *names)
{
	for (; word && *names; names++) {
		if (strcmp(word, *names) == 0) {
			return true;
		}
	}
	return false;
}

static const char *const and_words[] = {"-a", "-and", NULL};
static const char *const or_words[] = {"-o", "-or", NULL};
static const char *const comma_words[] = {",", NULL};
static const char *const not_words[] = {"!", "-not", NULL};

/* True where an operand cannot begin: the end, or what closes or joins. */
static bool ends_operand(const char *word)
{
	return !word || strcmp(word, ")") == 0 || is_one_of(word, or_words) ||
		is_one_of(word, comma_words) || is_one_of(word, and_words);
}

static const char *shown(char *buf, size_t size, const char *word)
{
	return peel_text_escape_into(buf, size, word, strlen(word));
}

bool find_complain_argument(const struct find_node *node, const char *arg)
{
	char text[256];

	complain("invalid argument '%s' to '%s'", shown(text, sizeof(text), arg),
		node->primary->name);
	return false;
}

static void warn_of_place(struct find *find, const struct find_primary *primary, const char *word)
{
	if (primary->class == FIND_TEST || primary->class == FIND_ACTION) {
		find->first_test = find->first_test ? find->first_test : word;
	} else if (primary->class == FIND_GLOBAL && find->first_test && find->warn) {
		complain(
			"warning: you have specified the global option %s after the argument %s, but global options"
			" are not positional: %s affects tests specified before it as well as those specified after it."
			" Please specify global options before other arguments.",
			word, find->first_test, word);
	}
}

static bool complain_unknown(const struct cursor *cursor, const char *word)
{
	char text[256];

	shown(text, sizeof(text), word);
	if (!find_is_expression(word, false)) {
		complain("paths must precede expression: '%s'", text);
		if (cursor->last) {
			complain("possible unquoted pattern after predicate '%s'?", cursor->last);
		}
	} else {
		complain("unknown predicate '%s'", text);
	}
	return false;
}

static struct find_node *parse_primary(struct cursor *cursor)
{
	const char *word = cursor->words[cursor->at++];
	const struct find_primary *primary = find_is_expression(word, false) ? find_primary_of(word)
									     : NULL;
	const char *arg = NULL;
	struct find_node *node;

	if (!primary) {
		complain_unknown(cursor, word);
		return NULL;
	}
	if (primary->class == FIND_REFUSED) {
		complain("%s: %s", word, primary->refusal);
		return NULL;
	}
	warn_of_place(cursor->find, primary, word);
	if (primary->argument) {
		arg = argument(cursor);
		if (!arg) {
			complain("missing argument to '%s'", word);
			return NULL;
		}
		cursor->at++;
	}
	node = find_node_new(cursor->find, FIND_PRIMARY);
	if (!node) {
		return NULL;
	}
	cursor->last = word;
	node->primary = primary;
	node->text = arg;
	node->cost = primary->cost;
	cursor->find->prints |= primary->prints;
	return !primary->parse || primary->parse(cursor->find, node, arg) ? node : NULL;
}

static struct find_node *parse_parentheses(struct cursor *cursor)
{
	struct find_node *node;

	take(cursor);
	if (++cursor->nesting > FIND_NESTING_MAX) {
		complain("invalid expression; parentheses are nested more than %d deep",
			FIND_NESTING_MAX);
		return NULL;
	}
	if (peek(cursor) && strcmp(peek(cursor), ")") == 0) {
		complain("invalid expression; empty parentheses are not allowed.");
		return NULL;
	}
	node = parse_list(cursor);
	if (!node) {
		return NULL;
	}
	if (!peek(cursor)) {
		complain(
			"invalid expression; I was expecting to find a ')' somewhere but did not see one.");
		return NULL;
	}
	take(cursor);
	cursor->nesting--;
	return node;
}

static struct find_node *complain_operand(const struct cursor *cursor, const char *word)
{
	const char *before = cursor->at > 0 ? cursor->words[cursor->at - 1] : NULL;

	if (!word && before) {
		complain(strcmp(before, "(") == 0
				? "invalid expression; expected to find a ')' but didn't see one."
				  " Perhaps you need an extra predicate after '%s'"
				: "expected an expression after '%s'",
			before);
	} else if (word && strcmp(word, ")") == 0) {
		if (before && cursor->nesting > 0) {
			complain("expected an expression between '%s' and ')'", before);
		} else {
			complain("invalid expression; you have too many ')'");
		}
	} else if (word) {
		complain(
			"invalid expression; you have used a binary operator '%s' with nothing before it.",
			word);
	}
	return NULL;
}

static struct find_node *parse_unary(struct cursor *cursor)
{
	struct find_node *node;
	bool negated = false;

	while (is_one_of(peek(cursor), not_words)) {
		negated = !negated;
		take(cursor);
	}
	if (ends_operand(peek(cursor))) {
		return complain_operand(cursor, peek(cursor));
	}
	node = strcmp(peek(cursor), "(") == 0 ? parse_parentheses(cursor) : parse_primary(cursor);
	if (node) {
		node->negated ^= negated;
	}
	return node;
}

static struct find_node *parse_and(struct cursor *cursor)
{
	struct find_node **tail = NULL;
	struct find_node *chain = NULL;

	for (;;) {
		struct find_node *operand = parse_unary(cursor);

		chain = operand ? find_chain_add(cursor->find, FIND_AND, chain, operand, &tail)
				: NULL;
		if (!chain) {
			return NULL;
		}
		if (is_one_of(peek(cursor), and_words)) {
			take(cursor);
		} else if (ends_operand(peek(cursor))) {
			return tail ? find_chain_finish(chain) : chain;
		}
	}
}

/* Operands of one level joined by words. */
static struct find_node *parse_joined(struct cursor *cursor, enum find_op op,
	const char *const *words, struct find_node *(*parse)(struct cursor *))
{
	struct find_node **tail = NULL;
	struct find_node *chain = NULL;

	for (;;) {
		struct find_node *operand = parse(cursor);

		chain = operand ? find_chain_add(cursor->find, op, chain, operand, &tail) : NULL;
		if (!chain) {
			return NULL;
		}
		if (!is_one_of(peek(cursor), words)) {
			return tail ? find_chain_finish(chain) : chain;
		}
		take(cursor);
	}
}

static struct find_node *parse_or(struct cursor *cursor)
{
	return parse_joined(cursor, FIND_OR, or_words, parse_and);
}

static struct find_node *parse_list(struct cursor *cursor)
{
	return parse_joined(cursor, FIND_LIST, comma_words, parse_or);
}

bool find_parse(struct find *find, int count, char **words)
{
	struct cursor cursor = {.find = find, .words = words, .count = count};

	if (!peek(&cursor)) {
		return true;
	}
	find->tree = parse_list(&cursor);
	if (find->tree && peek(&cursor)) {
		complain("you have too many ')'");
		return false;
	}
	return find->tree != NULL;
}
