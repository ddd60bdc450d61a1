/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The merge of layers: entries in, layer by layer, and a merged tree out, in the tables of schema.sql.
 *
 * Order of calls: tree_new, then for each layer from the lowest tree_begin_layer, tree_add for each entry in
 * tar order, tree_end_layer; then tree_finish once. Memory is bounded whatever the image holds: entries become
 * pages of their table as they come, folders pass through a bounded cache, the merge is one pass over sorted rows.
 */
#ifndef TREE_H
#define TREE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <peel/error.h>
#include <peel/image.h>

struct limit_watch;
struct scan_entry;
struct store;
struct tree;

/** Room for the longest path of an entry that limits allow, bytes. */
#define TREE_PATH_MAX 65536

/** Takes anomalies that adding or merging finds. Return 0, or less than 0 to stop. */
typedef int tree_finding_fn(void *arg, const struct peel_finding *finding, struct peel_error *err);

/** @param store of store_create, borrowed. @return 0; PEEL_ENOMEM. Free with tree_free. */
int tree_new(struct store *store, tree_finding_fn *finding, void *finding_arg,
	struct tree **ret_tree, struct peel_error *err);

/** Free; NULL is fine. */
void tree_free(struct tree *tree);

/** Hold entries, links and the index's size against limits. @param limits borrowed; NULL: the defaults. */
void tree_set_limits(struct tree *tree, struct limit_watch *limits);

/** Let it use more memory, bytes, while layers are added: those who read them leave so much. */
void tree_add_memory(struct tree *tree, size_t spare);

/** What one layer gave. Bytes as DESIGN section 1 defines them. */
struct tree_layer {
	uint64_t first_id, end_id;
	uint64_t entries;
	uint64_t files;
	uint64_t bytes;
	uint64_t allocated;
	uint64_t visible_bytes;
};

/** Start layer number layer (from 0, ascending). */
int tree_begin_layer(struct tree *tree, int layer, struct peel_error *err);

/**
 * Add an entry of the layer.
 * @param hash its content's (XXH3-128, 16 bytes, canonical form), NULL where that was not read.
 * @param told its anomalies are known already and are not told again.
 * @return 0; PEEL_ELIMIT (path, entries); PEEL_EIO (disk full), PEEL_ENOMEM, PEEL_EINTERNAL; what the
 *   finding callback returned.
 */
int tree_add(struct tree *tree, const struct scan_entry *entry, const void *hash, bool told,
	struct peel_error *err);

/** Row of table entry of what was added last. */
uint64_t tree_last_id(const struct tree *tree);

/** An anomaly of the layer that is being added, found by others (the scanner). */
int tree_finding(struct tree *tree, const char *code, const void *path, size_t path_len,
	uint64_t offset, const char *detail, struct peel_error *err);

/** End the layer. */
int tree_end_layer(struct tree *tree, struct peel_error *err);

/** What the merged tree came to. */
struct tree_totals {
	uint64_t root_entry;
	uint64_t nodes;
	uint64_t bytes;
	uint64_t allocated;
	uint64_t entries;
	bool any_xattrs;
	bool any_sparse;
};

/** Sort, bind hard links, merge, count. */
int tree_finish(struct tree *tree, struct tree_totals *ret_totals, struct peel_error *err);

/** Figures of a layer, after tree_finish. */
const struct tree_layer *tree_layer(const struct tree *tree, int layer);

#endif
