/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A tree of a view in the order of its listings, folders before what is in them: the way of find, du -a, grep -r,
 * cp -r and export. Memory is bounded: a path, and a few names a level, whatever a folder holds.
 */
#ifndef WALK_H
#define WALK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/query.h>

/** Longest path that a walk follows, bytes; an index that leads deeper is hostile. */
#define WALK_PATH_MAX (64u << 10)

/** Why a step is reported. */
enum walk_event {
	/** An entry; a folder before what is in it. */
	WALK_ENTRY,
	/** A folder after what is in it; not after WALK_PRUNE, and not for what WALK_FAILED stopped. */
	WALK_LEAVE,
	/** The folder cannot be listed (further): see step.err. Comes before its WALK_LEAVE. */
	WALK_FAILED,
	/** Where links are followed: a folder that is one of those above it. It is not gone into. */
	WALK_LOOP,
};

/** What the callback wants next. */
enum walk_next {
	WALK_ON,
	/** Do not go into this folder; means WALK_ON for all but a folder's WALK_ENTRY. */
	WALK_PRUNE,
	/** End the walk. */
	WALK_STOP,
};

/** One step, valid during the callback. */
struct walk_step {
	enum walk_event event;
	/**
	 * The start as given, then "/name" a level; no second slash after one that ends the start.
	 * Raw bytes, NUL-terminated.
	 */
	const char *path;
	size_t path_len;
	/** Where the last component begins; 0 for the start itself. */
	size_t name;
	/** 0 for the start. */
	unsigned int depth;
	const struct peel_node *node;
	/** Number of the folder that lists it; 0 for the start. */
	uint64_t folder;
	/** Set for WALK_FAILED, and for the WALK_ENTRY of a link that should be followed and leads nowhere. */
	const struct peel_error *err;
};

/** Take one step. */
typedef enum walk_next walk_fn(void *arg, const struct walk_step *step);

/**
 * Walk what is at a node, itself first.
 * @param path how the start is shown.
 * @param max_depth folders at this depth are not listed; they have a WALK_LEAVE all the same.
 * @return 0 at the end, 1 where the callback stopped it, PEEL_ENOMEM.
 */
int walk_tree(struct peel_index *index, const char *path, const struct peel_node *start,
	unsigned int max_depth, walk_fn *each, void *arg);

/** Length of a start as fts(3) shows it: of several slashes at its end one is left. */
size_t walk_start_length(const char *path);

/**
 * As walk_tree, with each symlink below the start reported, and gone into, as what it leads to; one that leads nowhere
 * is reported as itself, with step.err.
 */
int walk_tree_following(struct peel_index *index, const char *path, const struct peel_node *start,
	unsigned int max_depth, walk_fn *each, void *arg);

#endif
