/* SPDX-License-Identifier: Apache-2.0 */
/** A regular expression as a tree, for what is derived from it: words that every match holds, and an automaton. */
#ifndef GREP_TREE_H
#define GREP_TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct peel_error;

/** Deepest nesting of groups; the C library's own parser recurses too. */
#define GREP_NESTING_MAX 1000
/** Most operators behind one operand. */
#define GREP_REPEATS_MAX 16
/** Largest count of an interval, as RE_DUP_MAX. */
#define GREP_REPEAT_MAX 32767
/** Most nodes: what needs more is refused before it takes memory. */
#define GREP_NODES_MAX (512u << 10)
/** No upper bound of a repetition. */
#define GREP_ENDLESS UINT32_MAX
/** No node. */
#define GREP_NO_NODE UINT32_MAX

/** A set of bytes. */
struct grep_set {
	uint64_t bits[4];
};

/** Whether a byte is in a set. */
static inline bool grep_set_has(const struct grep_set *set, unsigned char byte)
{
	return set->bits[byte / 64] >> (byte % 64) & 1;
}

/** What a node matches. */
enum grep_kind {
	/** Nothing, always. */
	GREP_EMPTY,
	/** One byte of a set. */
	GREP_SET,
	/** A place, no byte. */
	GREP_LINE_BEGIN,
	GREP_LINE_END,
	GREP_WORD_BEGIN,
	GREP_WORD_END,
	GREP_WORD_EDGE,
	GREP_NO_WORD_EDGE,
	/** What the tree cannot say, a back reference: anything at all. */
	GREP_ANYTHING,
	/** Its children one behind the other. */
	GREP_SEQUENCE,
	/** One of its children. */
	GREP_CHOICE,
	/** Its child, min to max times. */
	GREP_REPEAT,
};

/** A node; children are a list. */
struct grep_node {
	enum grep_kind kind;
	/** GREP_SET: index of the set. */
	uint32_t set;
	uint32_t min;
	uint32_t max;
	uint32_t child;
	/** Next child of the same parent, or GREP_NO_NODE. */
	uint32_t next;
};

/** The tree. {0} is empty; release with grep_tree_finish. */
struct grep_tree {
	struct grep_node *nodes;
	uint32_t count;
	uint32_t room;
	struct grep_set *sets;
	uint32_t set_count;
	uint32_t set_room;
	uint32_t root;
	/** False where GREP_ANYTHING stands for something narrower: a match is to be confirmed. */
	bool exact;
};

/** How patterns are read. */
struct grep_syntax {
	bool extended;
	bool ignore_case;
	/** The match is a whole line, or is not part of a longer word. */
	bool lines;
	bool words;
};

/** Whether a byte belongs to words. */
static inline bool grep_is_word(unsigned char byte)
{
	return (byte >= '0' && byte <= '9') || (byte >= 'A' && byte <= 'Z') || byte == '_' ||
		(byte >= 'a' && byte <= 'z');
}

/**
 * Parse patterns separated by newlines, as GNU grep's own parser does for -G and -E in the C locale. What the C library
 * refuses need not be refused here.
 * @return 0; PEEL_EUSAGE, PEEL_ENOMEM, PEEL_ELIMIT (nested too deeply).
 */
int grep_tree_parse(struct grep_tree *tree, const char *patterns, size_t len,
	const struct grep_syntax *syntax, struct peel_error *err);
/** Free; {0} is fine. */
void grep_tree_finish(struct grep_tree *tree);

#endif
