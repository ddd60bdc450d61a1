/* SPDX-License-Identifier: Apache-2.0 */
/** A compiled pattern without braces; how braces are taken apart. */
#ifndef GLOB_PRIV_H
#define GLOB_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "glob.h"

/** What a step of a component takes: a byte (0 to 255), or one of these. */
enum {
	/** One byte. */
	GLOB_ANY = 256,
	/** Any run of bytes. */
	GLOB_STAR,
	/** One byte of a set; the first set, others follow. */
	GLOB_SETS,
};

/** One component of a pattern. */
struct glob_part {
	/** True for "**". */
	bool any_depth;
	/** Where head and, after it, tail are in the pattern's bytes. */
	uint16_t text;
	/** Bytes that the name begins with. */
	uint16_t head;
	/** Bytes that it ends with; only where there is a star before them. */
	uint16_t tail;
	/** What stands between the two: first of the steps, and how many; none: head is all. */
	uint16_t step;
	uint16_t steps;
};

/** A set of bytes. */
struct glob_bytes {
	uint64_t bits[4];
};

/** A compiled pattern, one block of memory. */
struct glob {
	/** Given back where it matches. */
	uint32_t id;
	/** The next of its bucket in the set, plus 1; 0: none. */
	uint32_t next;
	uint32_t parts_count;
	/** Components behind the last "**", where that is not the last component; else 0. */
	uint32_t ending;
	/** Size of the block, bytes. */
	uint32_t size;
	struct glob_part *parts;
	uint16_t *steps;
	struct glob_bytes *sets;
	char *text;
};

/** The alternatives of a pattern, one after the other. */
struct glob_braces {
	const char *pattern;
	size_t len;
	/** Of an opening brace and of a comma: the next comma or closing brace of its group; else 0. */
	uint16_t next[GLOB_MAX];
	/** Of a comma and of a closing brace: the closing brace of its group; else 0. */
	uint16_t close[GLOB_MAX];
	/** The alternative taken in each group that is passed, and whether there are more. */
	uint16_t choice[GLOB_MAX];
	bool more[GLOB_MAX];
	/** Groups whose choice is made. */
	size_t choices;
	bool done;
};

/**
 * Begin with a pattern, which must stay.
 * @return 0; PEEL_EFORMAT (braces that do not pair), PEEL_ELIMIT (its length, or too many).
 */
int glob_braces_init(struct glob_braces *braces, const char *pattern, struct peel_error *err);

/**
 * The next alternative.
 * @param buf of GLOB_MAX + 1 bytes. @return false: that was all.
 */
bool glob_braces_next(struct glob_braces *braces, char *buf);

/**
 * Where a set's "]" is.
 * @param open index of its "[" in text. @return 0: it does not end.
 */
size_t glob_bracket_end(const char *text, size_t open);

/**
 * Compile a pattern without braces.
 * @param whole the pattern for messages. @param ret_glob the caller frees it with free().
 * @return 0; PEEL_EFORMAT, PEEL_ENOMEM.
 */
int glob_compile(const char *pattern, const char *whole, struct glob **ret_glob,
	struct peel_error *err);

/** True where a compiled pattern matches a path. Costs path length times pattern length at most. */
bool glob_matches(const struct glob *glob, const char *path, size_t len);

/** Set PEEL_EFORMAT: the pattern and why it is none. @return it. */
int glob_refuse(const char *pattern, const char *why, struct peel_error *err);

#endif
