/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of an expression: making it, asking it, freeing it.
 *
 * A chain of operands is one node with many below it, so that evaluation recurses as deep as parentheses are nested,
 * not as long as the expression is. Among operands that stand side by side and only test, cheap ones are asked first:
 * the answer is the same, and -kind reads only the files that -name leaves over. Nothing moves past an action.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "find.h"

struct find_node *find_node_new(struct find *find, enum find_op op)
{
	struct find_node *node = calloc(1, sizeof(*node));

	if (!node) {
		complain("%s", strerror(ENOMEM));
		return NULL;
	}
	node->op = op;
	node->allocated = find->nodes;
	find->nodes = node;
	return node;
}

struct find_node *find_chain_add(struct find *find, enum find_op op, struct find_node *chain,
	struct find_node *operand, struct find_node ***tail)
{
	if (!chain) {
		return operand;
	}
	if (!*tail) {
		struct find_node *node = find_node_new(find, op);

		if (!node) {
			return NULL;
		}
		node->first = chain;
		*tail = &chain->next;
		chain = node;
	}
	**tail = operand;
	*tail = &operand->next;
	return chain;
}

/* Operands of one cost, in order. */
struct run {
	struct find_node *first;
	struct find_node **end;
};

static void run_add(struct run *run, struct find_node *node)
{
	node->next = NULL;
	if (!run->first) {
		run->end = &run->first;
	}
	*run->end = node;
	run->end = &node->next;
}

/* Append a run, and begin it anew. */
static void run_move(struct run *to, struct run *from)
{
	if (from->first) {
		if (!to->first) {
			to->end = &to->first;
		}
		*to->end = from->first;
		to->end = from->end;
		*from = (struct run){0};
	}
}

struct find_node *find_chain_finish(struct find_node *chain)
{
	struct run sorted = {0};
	struct run runs[FIND_READS + 1] = {0};
	struct find_node *next;

	for (struct find_node *node = chain->first; node; node = next) {
		next = node->next;
		if (node->cost != FIND_DOES && chain->op != FIND_LIST) {
			run_add(&runs[node->cost], node);
		} else {
			for (size_t i = 0; i < countof(runs); i++) {
				run_move(&sorted, &runs[i]);
			}
			run_add(&sorted, node);
		}
		if (chain->cost != FIND_DOES &&
			(node->cost == FIND_DOES || node->cost > chain->cost)) {
			chain->cost = node->cost;
		}
	}
	for (size_t i = 0; i < countof(runs); i++) {
		run_move(&sorted, &runs[i]);
	}
	chain->first = sorted.first;
	return chain;
}

bool find_bind(struct find *find)
{
	for (struct find_node *node = find->nodes; node; node = node->allocated) {
		if (node->primary && node->primary->bind && !node->primary->bind(find, node)) {
			return false;
		}
	}
	return true;
}

void find_finish(struct find *find)
{
	while (find->nodes) {
		struct find_node *node = find->nodes;

		find->nodes = node->allocated;
		find_regex_free(node->regex);
		find_format_free(node->format);
		free(node);
	}
	users_finish(&find->users);
}

static bool eval_primary(struct find *find, const struct find_node *node,
	const struct find_entry *entry)
{
	if (find->silent && node->primary->class == FIND_ACTION &&
		node->primary->eval != find_eval_prune) {
		return true;
	}
	return node->primary->eval(find, node, entry);
}

static bool eval(struct find *find, const struct find_node *node, const struct find_entry *entry)
{
	bool result = node->op != FIND_OR;

	if (node->op == FIND_PRIMARY) {
		return eval_primary(find, node, entry) != node->negated;
	}
	for (const struct find_node *at = node->first; at && !find->quit; at = at->next) {
		result = eval(find, at, entry);
		if ((node->op == FIND_AND && !result) || (node->op == FIND_OR && result)) {
			break;
		}
	}
	return result != node->negated;
}

bool find_eval(struct find *find, const struct find_node *tree, const struct find_entry *entry)
{
	bool result = !tree || eval(find, tree, entry);

	if (result && !find->prints && !find->silent && !find->quit) {
		find_eval_print(find, NULL, entry);
	}
	return result;
}
