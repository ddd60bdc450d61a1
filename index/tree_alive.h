/* SPDX-License-Identifier: Apache-2.0 */
/**
 * What a path stood for at some moment of the layers' application, asked while hard links are
 * bound.
 */
#ifndef TREE_ALIVE_H
#define TREE_ALIVE_H

#include "tree_priv.h"

/** A hard link, or the entry that a path stands for. */
struct target {
	uint64_t id;
	int layer;
	char type;
	/** Of a hard link: what it is bound to; 0: nothing. */
	uint64_t inode;
	uint32_t self;
	/** Of a symlink, the caller frees. */
	char *link;
	size_t link_len;
};

/** Folders whose last changes are remembered, a power of two. */
#define ABOVE_SLOTS 1024

/** What happened last to a folder and those above it, of what has an id below until. */
struct above {
	/** 0: free slot. */
	uint32_t dir;
	uint64_t until;
	/** Id of the last whiteout or opaque marker. */
	uint64_t taken;
	/** Id of the last entry that is no folder. */
	uint64_t replaced;
};

struct binder {
	struct tree *tree;
	/** The link being bound, and its layer. */
	uint64_t now;
	int layer;
	/** Until the end of the layer, and until now. */
	struct above whole[ABOVE_SLOTS];
	struct above so_far[ABOVE_SLOTS];
	/** Parent of the last target, as text, valid in layer memo_layer. */
	char *memo;
	size_t memo_len;
	uint32_t memo_dir;
	int memo_layer;
	char *path;
	char *rest;
};

/**
 * What (dir, name) stands for now.
 * @param ret_target its link is the caller's to free, also where nothing is alive.
 * @return 1, 0 for nothing, or less than 0.
 */
int tree_alive(struct binder *binder, const struct tree_name *name, struct target *ret_target,
	struct peel_error *err);

/**
 * Does anything in this layer change what the folder's path means?
 * @return 1 yes, 0 no, or less than 0.
 */
int tree_unsettled(struct binder *binder, uint32_t dir, struct peel_error *err);

/** A hard link turned out to be broken: it takes no folder's place. */
void tree_alive_forget(struct binder *binder);

/** Parent folder of a folder, the root's is itself. @return 0, or less than 0. */
int tree_dir_parent(struct tree *tree, uint32_t dir, uint32_t *ret_parent, struct peel_error *err);

#endif
