/* SPDX-License-Identifier: Apache-2.0 */
/** Two merged trees walked as one: each path that either has, once, in order. */
#ifndef DIFF_WALK_H
#define DIFF_WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/facts.h>

#include "query_priv.h"

/** Longest path that is walked, bytes. */
#define DIFF_PATH_MAX 16384

/** A name of one tree. */
struct diff_name {
	struct query_found found;
	/** Entry of the name, which for a hard link is not that of the data. */
	uint64_t entry;
	/** Of a regular file: its bytes count at this name. */
	bool counts;
	/** PEEL_FAST_HASH_SIZE bytes of its content, where known. */
	bool hashed;
	unsigned char hash[PEEL_FAST_HASH_SIZE];
	/** With facts. */
	uint32_t package, category;
	size_t name_len;
	char name[PEEL_NAME_MAX];
};

/** A path that at least one tree has. Valid during the callback. */
struct diff_pair {
	/** NUL-terminated; "/" for the root. */
	const char *path;
	size_t path_len;
	/** NULL: not in that tree. */
	const struct diff_name *a, *b;
};

/** Take a pair. @return 0; nonzero stops and is what diff_walk returns. */
typedef int diff_pair_fn(void *arg, const struct diff_pair *pair);

/**
 * Walk. A folder comes before what is in it, names ascending, bytes compared as numbers; where only one tree
 * has a folder
 * at a path, or the other has no folder there, its content comes as that tree's alone.
 * @return 0 at the end; what the callback returned; PEEL_ELIMIT (a path over DIFF_PATH_MAX), PEEL_ENOMEM,
 * PEEL_EFORMAT.
 */
int diff_walk(struct peel_index *a, struct peel_index *b, diff_pair_fn *each, void *arg,
	struct peel_error *err);

#endif
