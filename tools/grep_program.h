/* SPDX-License-Identifier: Apache-2.0 */
/** A tree as a program in Thompson's way: take a byte of a set, go two ways, go on at a certain place only. */
#ifndef GREP_PROGRAM_H
#define GREP_PROGRAM_H

#include "grep_tree.h"

/** Most steps; repetitions are written out. */
#define GREP_PROGRAM_MAX (128u << 10)

/**
 * Most choices one behind the other that may all match nothing, as of "a?a?a?". The C library, which every expression
 * is shown to, remembers for each of them all that follow: 30,000 take 7 GB, and more its stack.
 */
#define GREP_OPTIONAL_MAX 1000

/** What a step does. */
enum grep_op {
	GREP_OP_BYTE,
	GREP_OP_FORK,
	GREP_OP_PLACE,
	GREP_OP_MATCH,
};

/** A step. */
struct grep_step {
	enum grep_op op;
	/** GREP_OP_BYTE: index of the set. GREP_OP_PLACE: the kind of node. GREP_OP_FORK: the second way. */
	uint32_t value;
	uint32_t next;
};

/** The program. {0} is empty; release with grep_program_finish. */
struct grep_program {
	struct grep_step *steps;
	uint32_t length;
	uint32_t room;
	uint32_t start;
	/** The tree's, and behind them the set of all bytes. */
	struct grep_set *sets;
	uint32_t set_count;
	/** Whether places by words, and begins of lines, are in it. */
	bool word_places;
	bool line_places;
	/** While it is made: nodes of lists that are still to come. */
	uint32_t *pending;
	uint32_t pending_count;
};

/** Hold a tree against both limits, before anything is made of it. @return how many steps suffice, PEEL_ELIMIT. */
int grep_program_measure(const struct grep_tree *tree, struct peel_error *err);
/** Make the program of a tree. @return 0, PEEL_ENOMEM, PEEL_ELIMIT. */
int grep_program_make(struct grep_program *program, const struct grep_tree *tree,
	struct peel_error *err);
/** Free; {0} is fine. */
void grep_program_finish(struct grep_program *program);

#endif
