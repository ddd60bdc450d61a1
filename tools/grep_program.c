/* SPDX-License-Identifier: Apache-2.0 */
#include "grep_program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

static uint32_t emit(struct grep_program *program, enum grep_op op, uint32_t value, uint32_t next)
{
	program->steps[program->length] = (struct grep_step){op, value, next};
	return program->length++;
}

/* Program of a node, written backwards: next is where it goes on. It fits: it was measured. */
static uint32_t compile(struct grep_program *program, const struct grep_tree *tree, uint32_t node,
	uint32_t next);

/* The last child first, which a list of one direction does not give. */
static uint32_t compile_list(struct grep_program *program, const struct grep_tree *tree,
	uint32_t node, uint32_t next)
{
	const uint32_t begin = program->pending_count;

	for (uint32_t n = node; n != GREP_NO_NODE; n = tree->nodes[n].next) {
		program->pending[program->pending_count++] = n;
	}
	while (program->pending_count > begin) {
		next = compile(program, tree, program->pending[--program->pending_count], next);
	}
	return next;
}

static uint32_t compile_choice(struct grep_program *program, const struct grep_tree *tree,
	uint32_t node, uint32_t next)
{
	uint32_t way = compile(program, tree, node, next);

	for (node = tree->nodes[node].next; node != GREP_NO_NODE; node = tree->nodes[node].next) {
		uint32_t other = compile(program, tree, node, next);

		way = emit(program, GREP_OP_FORK, other, way);
	}
	return way;
}

static uint32_t compile_repeat(struct grep_program *program, const struct grep_tree *tree,
	const struct grep_node *node, uint32_t next)
{
	if (node->max == GREP_ENDLESS) {
		uint32_t fork = emit(program, GREP_OP_FORK, next, next);

		program->steps[fork].next = compile(program, tree, node->child, fork);
		next = fork;
	}
	for (uint32_t i = node->min; node->max != GREP_ENDLESS && i < node->max; i++) {
		/* Each more may be left out, with all behind it. */
		uint32_t more = compile(program, tree, node->child, next);

		next = emit(program, GREP_OP_FORK, next, more);
	}
	for (uint32_t i = 0; i < node->min; i++) {
		next = compile(program, tree, node->child, next);
	}
	return next;
}

static uint32_t compile(struct grep_program *program, const struct grep_tree *tree, uint32_t node,
	uint32_t next)
{
	const struct grep_node *n = &tree->nodes[node];

	switch (n->kind) {
	case GREP_EMPTY:
		return next;
	case GREP_SET:
		return emit(program, GREP_OP_BYTE, n->set, next);
	case GREP_SEQUENCE:
		return compile_list(program, tree, n->child, next);
	case GREP_CHOICE:
		return compile_choice(program, tree, n->child, next);
	case GREP_REPEAT:
		return compile_repeat(program, tree, n, next);
	case GREP_ANYTHING: {
		uint32_t fork = emit(program, GREP_OP_FORK, next, next);

		/* The set behind the tree's own ones has all bytes. */
		program->steps[fork].next = emit(program, GREP_OP_BYTE, tree->set_count, fork);
		return fork;
	}
	case GREP_LINE_BEGIN:
		program->line_places = true;
		break;
	case GREP_WORD_BEGIN:
	case GREP_WORD_END:
	case GREP_WORD_EDGE:
	case GREP_NO_WORD_EDGE:
		program->word_places = true;
		break;
	case GREP_LINE_END:
		break;
	}
	return emit(program, GREP_OP_PLACE, n->kind, next);
}

/* What a node comes to when it is written out; numbers beyond the limits are cut to one more. */
struct size {
	uint64_t steps;
	/* Whether it may match nothing, and how many choices it then passes one behind the other. */
	bool nullable;
	uint64_t empty;
	/* The most choices that stand so anywhere in it. */
	uint64_t worst;
};

static uint64_t most(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

static uint64_t cut(uint64_t number)
{
	return number > GREP_PROGRAM_MAX ? (uint64_t)GREP_PROGRAM_MAX + 1 : number;
}

static struct size measure(const struct grep_tree *tree, uint32_t node);

static void measure_repeat(const struct grep_node *n, const struct size *child, struct size *size)
{
	const uint64_t copies = n->max == GREP_ENDLESS ? (uint64_t)n->min + 1 : n->max;
	const uint64_t optional = n->max == GREP_ENDLESS ? 1 : n->max - n->min;

	size->steps = cut(2 + (child->steps + 1) * copies);
	size->nullable = child->nullable || n->min == 0;
	size->empty = cut(child->nullable ? copies * (child->empty + 1) : optional);
	size->worst = most(child->worst, size->empty);
}

static void measure_child(const struct grep_node *n, const struct size *child, struct size *size)
{
	size->steps = cut(size->steps + child->steps + 1);
	if (n->kind == GREP_CHOICE) {
		size->nullable = size->nullable || child->nullable;
		size->empty = most(size->empty, child->nullable ? child->empty : 0);
	} else {
		/* What stands at the end of one goes on in the next. */
		size->nullable = size->nullable && child->nullable;
		size->empty = child->nullable ? cut(size->empty + child->empty) : child->worst;
	}
	size->worst = most(most(size->worst, size->empty), child->worst);
}

static struct size measure(const struct grep_tree *tree, uint32_t node)
{
	const struct grep_node *n = &tree->nodes[node];
	const bool matches = n->kind == GREP_SET || n->kind == GREP_CHOICE;
	struct size size = {.steps = 2, .nullable = !matches, .empty = !matches, .worst = 1};

	for (uint32_t child = n->child; child != GREP_NO_NODE; child = tree->nodes[child].next) {
		const struct size own = measure(tree, child);

		if (n->kind == GREP_REPEAT) {
			measure_repeat(n, &own, &size);
		} else {
			measure_child(n, &own, &size);
		}
	}
	return size;
}

int grep_program_measure(const struct grep_tree *tree, struct peel_error *err)
{
	const struct size size = measure(tree, tree->root);
	const uint64_t steps = size.steps + 2;

	return steps > GREP_PROGRAM_MAX || size.worst > GREP_OPTIONAL_MAX
		? peel_fail(err, PEEL_ELIMIT, "the regular expression is too big")
		: (int)steps;
}

int grep_program_make(struct grep_program *program, const struct grep_tree *tree,
	struct peel_error *err)
{
	const int steps = grep_program_measure(tree, err);

	if (steps < 0) {
		return steps;
	}
	program->room = (uint32_t)steps;
	program->steps = calloc(program->room, sizeof(*program->steps));
	program->set_count = tree->set_count + 1;
	program->sets = calloc(program->set_count, sizeof(*program->sets));
	program->pending = calloc((size_t)tree->count + 1, sizeof(*program->pending));
	if (!program->steps || !program->sets || !program->pending) {
		return peel_fail(err, PEEL_ENOMEM, "%s", strerror(ENOMEM));
	}
	if (tree->set_count > 0) {
		memcpy(program->sets, tree->sets, tree->set_count * sizeof(*program->sets));
	}
	memset(&program->sets[tree->set_count], 0xff, sizeof(*program->sets));
	program->start = compile(program, tree, tree->root, emit(program, GREP_OP_MATCH, 0, 0));
	free(program->pending);
	program->pending = NULL;
	return 0;
}

void grep_program_finish(struct grep_program *program)
{
	free(program->steps);
	free(program->sets);
	free(program->pending);
	*program = (struct grep_program){0};
}
