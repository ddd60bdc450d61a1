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

/* Steps that a node needs at most, GREP_PROGRAM_MAX + 1 where they are too many. */
static uint64_t measure(const struct grep_tree *tree, uint32_t node)
{
	const struct grep_node *n = &tree->nodes[node];
	uint64_t steps = 2;

	for (uint32_t child = n->child; child != GREP_NO_NODE; child = tree->nodes[child].next) {
		uint64_t own = measure(tree, child) + 1;

		if (n->kind == GREP_REPEAT) {
			own *= n->max == GREP_ENDLESS ? (uint64_t)n->min + 1 : n->max;
		}
		steps += own;
		if (steps > GREP_PROGRAM_MAX) {
			return (uint64_t)GREP_PROGRAM_MAX + 1;
		}
	}
	return steps;
}

int grep_program_make(struct grep_program *program, const struct grep_tree *tree,
	struct peel_error *err)
{
	const uint64_t steps = measure(tree, tree->root) + 2;

	if (steps > GREP_PROGRAM_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "the regular expression is too big");
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
