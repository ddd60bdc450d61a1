/* SPDX-License-Identifier: Apache-2.0 */
/** A pattern as a tree, a program, and the classes of runes that its sets cannot tell apart. */
#ifndef RE_PRIV_H
#define RE_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "re.h"

/** Last rune, and the one that a byte outside UTF-8 is. */
#define RE_RUNE_MAX 0x10FFFFu
#define RE_RUNE_ERROR 0xFFFDu
/** Deepest nesting of groups, as Go's. */
#define RE_DEPTH 1000
/** Most bits of all sets together. */
#define RE_BITS_MAX ((size_t)64 << 20)

/** Runes from low to high. */
struct re_range {
	uint32_t low, high;
};

/** A set: ranges first to first + count of the pattern's. */
struct re_set {
	size_t first, count;
};

enum re_assert {
	RE_BEGIN_TEXT,
	RE_END_TEXT,
	RE_BEGIN_LINE,
	RE_END_LINE,
	RE_WORD,
	RE_NO_WORD,
};

enum re_node_type {
	RE_EMPTY,
	/** a is a set. */
	RE_SET,
	/** a is an enum re_assert. */
	RE_ASSERT,
	/** a, then b. */
	RE_CAT,
	RE_ALT,
	/** a, min to max times; max -1: any number. */
	RE_REPEAT,
};

struct re_node {
	enum re_node_type type;
	uint32_t a, b;
	int min, max;
};

enum re_op {
	RE_OP_SET,
	RE_OP_ASSERT,
	RE_OP_SPLIT,
	RE_OP_JUMP,
	RE_OP_MATCH,
};

/** x: set, assertion or target; y: the other target of a split. Sets and assertions go on with the next. */
struct re_instruction {
	enum re_op op;
	uint32_t x, y;
};

struct re {
	struct re_node *nodes;
	size_t node_count, node_room;
	struct re_range *ranges;
	size_t range_count, range_room;
	struct re_set *sets;
	size_t set_count, set_room;
	struct re_instruction *program;
	size_t length, room;
	/** Classes: class i begins with rune starts[i]. */
	uint32_t *starts;
	size_t class_count;
	uint16_t ascii[128];
	/** Whether class c is in set s: bit s * class_count + c. */
	unsigned char *bits;
	/** What the program asks of the runes beside a place. */
	bool asks_begin, asks_line, asks_word;
};

/** Parse into nodes. @return 0 and the root; as re_compile. */
int re_parse(struct re *re, const char *pattern, size_t len, uint32_t *ret_root,
	struct peel_error *err);

/** A set being put together. */
struct re_builder {
	struct re_range *ranges;
	size_t count, room;
};

/** Add runes; with fold, their other cases. @return 0; PEEL_EUNSUPPORTED (cases beyond ASCII), PEEL_ENOMEM. */
int re_builder_add(struct re_builder *builder, uint32_t low, uint32_t high, bool fold,
	struct peel_error *err);
/** Add ranges given in pairs, or all runes but them. @return as re_builder_add. */
int re_builder_pairs(struct re_builder *builder, const uint32_t *pairs, size_t count, bool negated,
	bool fold, struct peel_error *err);
/** Make it the complement of itself. @return 0; PEEL_ENOMEM. */
int re_builder_negate(struct re_builder *builder, struct peel_error *err);
/** Put it into the pattern. @return 0 and its number; PEEL_ENOMEM. */
int re_builder_finish(struct re_builder *builder, struct re *re, uint32_t *ret_set,
	struct peel_error *err);

/** \d \s \w by letter; NULL: none. */
const uint32_t *re_perl_class(char letter, size_t *ret_count);
/** "alpha" of [:alpha:]; NULL: none. */
const uint32_t *re_posix_class(const char *name, size_t len, size_t *ret_count);

/** Whether \b takes a rune for part of a word. */
static inline bool re_is_word(uint32_t rune)
{
	return (rune >= 'a' && rune <= 'z') || (rune >= 'A' && rune <= 'Z') ||
		(rune >= '0' && rune <= '9') || rune == '_';
}

/** The class of a rune. */
static inline size_t re_class_of(const struct re *re, uint32_t rune)
{
	size_t low = 0;
	size_t high = re->class_count;

	if (rune < 128) {
		return re->ascii[rune];
	}
	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (re->starts[middle] <= rune) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return low;
}

#endif
