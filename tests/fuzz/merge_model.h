/* SPDX-License-Identifier: Apache-2.0 */
/**
 * A slow, obvious model of how layers stack, in memory: DESIGN section 9, semantics.md part (a). tests/oracle/model.py
 * says the same in Python, with more of what an entry has.
 *
 * Every layer is applied on its own to an empty tree, in the order of its entries, as an overlay driver would; then its
 * tree is put over the merged one: whiteouts first, then name by name.
 */
#ifndef MERGE_MODEL_H
#define MERGE_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Most entries and layers of a stack, and parts of a path. */
#define MODEL_ENTRIES_MAX 32
#define MODEL_LAYERS_MAX 5
#define MODEL_PARTS_MAX 4
/** Parts of a path in the merged tree: entries below links that were followed. */
#define MODEL_DEPTH_MAX 64

/** Names that paths are made of: numbers below 16. */
enum model_name {
	MODEL_NAME_A,
	MODEL_NAME_PLAIN_END = 6,
	/** .wh.a to .wh.d, which delete the names 0 to 3. */
	MODEL_NAME_WHITEOUT = 6,
	MODEL_NAME_OPAQUE = 10,
	MODEL_NAME_AUFS,
	MODEL_NAME_BAD,
	MODEL_NAME_UP,
	MODEL_NAME_HERE,
	MODEL_NAME_EMPTY,
	MODEL_NAMES,
};

/** Their text. */
extern const char *const model_names[MODEL_NAMES];

struct model_path {
	uint8_t parts[MODEL_PARTS_MAX];
	uint8_t count;
	bool absolute;
};

/** A tar entry, and what becomes of it. */
struct model_entry {
	/** f d l h c p */
	char kind;
	struct model_path path;
	struct model_path link;
	/** Which metadata, and which content or device. */
	uint8_t meta, content;
	int layer;
	/** Out: the rules leave something open about it, so that nobody can be right. */
	bool open;
	/** Out: reasons that are right, a bit (1 << enum store_why) each; and the layer that hides it. */
	uint32_t reasons;
	int hidden_by;
};

struct model_inode {
	/** Entries that have the data, and that give the metadata. */
	const struct model_entry *data, *meta;
};

/** A name in a tree. */
struct model_node {
	uint8_t name;
	/** NULL: a folder that is only implied. */
	struct model_entry *entry;
	struct model_inode *inode;
	bool is_dir;
	struct model_node *children, *next;
	/** By the name that they delete. */
	struct model_entry *whiteouts[MODEL_NAME_PLAIN_END];
	struct model_entry *opaque;
	/** Made on the way to something, before any entry for it. */
	bool made;
	/** The layer had something else at this path before. */
	bool again;
};

/**
 * Stack entries, which ascend by layer.
 * @return the root of the merged tree, valid until the next call; entries have their results.
 */
const struct model_node *model_merge(struct model_entry *entries, size_t count);

/** Clean a path lexically. @return the number of parts. */
size_t model_clean(const struct model_path *path, uint8_t *ret_parts);

#endif
