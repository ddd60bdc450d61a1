/* SPDX-License-Identifier: Apache-2.0 */
/** What the files of the model share. */
#ifndef MERGE_MODEL_PRIV_H
#define MERGE_MODEL_PRIV_H

#include "merge_model.h"
#include "store.h"

#define MODEL_NODES_MAX 8192
/** Most symlinks on the way, as the kernel's ELOOP. */
#define MODEL_HOPS 40
/** Most parts that a walk may still have before it. */
#define MODEL_TODO_MAX ((MODEL_HOPS + 2) * MODEL_PARTS_MAX)

/** A reason as a bit. */
#define MODEL_WHY(why) (1u << (why))
#define MODEL_VISIBLE MODEL_WHY(WHY_VISIBLE)
#define MODEL_SAME (MODEL_WHY(WHY_IDENTICAL) | MODEL_WHY(WHY_METADATA))

/** Takes an entry. */
typedef void model_each_fn(void *arg, struct model_entry *entry);

/* merge_model.c */

/** A node and an inode of this stack; they are given back all together. */
struct model_node *model_node_new(uint8_t name, struct model_entry *entry,
	struct model_inode *inode, bool is_dir);
/** The inode of an entry that has data of its own. */
struct model_inode *model_inode_new(const struct model_entry *entry);
/** True for a symlink. */
bool model_is_link(const struct model_node *node);
/** @return NULL: there is none. */
struct model_node *model_child(const struct model_node *node, uint8_t name);
/** Put a node under its name, in the place of what is there. */
void model_put(struct model_node *folder, struct model_node *node);
/** Take a name away. */
void model_take(struct model_node *folder, uint8_t name);
/** True where a layer has this name, and not only whiteouts below it. */
bool model_real(const struct model_node *node);
/** An entry is hidden, unless it was before; NULL is fine. */
void model_hide(struct model_entry *entry, int layer, uint32_t reasons);
/** Every entry at and below, with whiteouts where markers says so. */
void model_each(struct model_node *node, bool markers, model_each_fn *each, void *arg);

/* merge_apply.c */

/** Apply a layer to an empty tree. @param lower the merged tree, for hard links. @return its root. */
struct model_node *model_apply(struct model_node *lower, struct model_entry *entries, size_t count);
/** Paths of entries that are out of reach: of no layer yet; one more. */
void model_lost_clear(void);
void model_lost_add(const struct model_entry *entry);

/* merge_stack.c */

/** Put a layer's tree over the merged one, whiteouts first. */
void model_stack(struct model_node *own, struct model_node *low, int layer);

#endif
