/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Large tables and indexes written at once, past SQLite: rows come in the order of their keys, pages are
 * filled and written one after the other.
 */
#ifndef STORE_BULK_H
#define STORE_BULK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bulk;
struct bulk_tree;
struct peel_error;
struct record;
struct store;

/** Most bytes of a record in an index, so that it needs no page of its own (fileformat2.html, 1.6). */
#define BULK_KEY_MAX 2000

enum bulk_kind {
	BULK_TABLE,
	BULK_INDEX,
};

/**
 * End the store's transaction; nothing may use the store until bulk_end.
 * @param store borrowed; no statement may be at a row.
 * @return 0; PEEL_EIO (disk full), PEEL_ENOMEM, PEEL_EINTERNAL.
 */
int bulk_begin(struct store *store, struct bulk **ret_bulk, struct peel_error *err);

/**
 * Let SQLite see what was written, and begin a transaction. All trees must have ended. Frees bulk, also
 * where it fails. @return as bulk_begin.
 */
int bulk_end(struct bulk *bulk, struct peel_error *err);

/** Leave it as it is: the file is then of no use. NULL is fine. */
void bulk_free(struct bulk *bulk);

/**
 * Fill a table or an index that is empty. Several may be filled side by side.
 * @param name in sqlite_schema. @param ret_tree bulk_tree_end or bulk_tree_free frees it, before bulk ends.
 * @return 0; PEEL_ENOMEM, PEEL_EINTERNAL (no such table).
 */
int bulk_tree_new(struct bulk *bulk, const char *name, enum bulk_kind kind,
	struct bulk_tree **ret_tree, struct peel_error *err);

/**
 * The next leaf page of a table. @param page as leaf_end made it. @param last its last row's id.
 * @return 0; PEEL_EIO (disk full), PEEL_ENOMEM.
 */
int bulk_add_leaf(struct bulk_tree *tree, const uint8_t *page, uint64_t last,
	struct peel_error *err);

/** The next row of an index; record_end gave at most BULK_KEY_MAX. @return as bulk_add_leaf. */
int bulk_add_key(struct bulk_tree *tree, const struct record *record, struct peel_error *err);

/** No more follows. Frees the tree, also where it fails. @return as bulk_add_leaf. */
int bulk_tree_end(struct bulk_tree *tree, struct peel_error *err);
/** Free; NULL is fine. */
void bulk_tree_free(struct bulk_tree *tree);

#endif
