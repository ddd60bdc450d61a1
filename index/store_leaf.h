/* SPDX-License-Identifier: Apache-2.0 */
/** Rows of a table that are changed in place, behind SQLite, in the order of their ids. */
#ifndef STORE_LEAF_H
#define STORE_LEAF_H

#include <stdint.h>

#include "store_page.h"

struct leaf;
struct peel_error;
struct store;

/**
 * @param store borrowed; SQLite must have no page of the table that it is yet to write, and learns of the changes
 *   by bulk_begin and bulk_end. @param name of the table.
 * @return 0; PEEL_ENOMEM, PEEL_EINTERNAL (no such table).
 */
int leaf_open(struct store *store, const char *name, struct leaf **ret_leaf,
	struct peel_error *err);
/** Free; what was not written is lost. NULL is fine. */
void leaf_free(struct leaf *leaf);

/**
 * Find a row. @param id not less than the last one. @param ret_row its bytes may be changed until the next call.
 * @return 1; 0: there is none that is in one page; PEEL_EIO, PEEL_EINTERNAL (the tree is damaged).
 */
int leaf_find(struct leaf *leaf, uint64_t id, struct page_row *ret_row, struct peel_error *err);
/** The row that was found was changed. */
void leaf_changed(struct leaf *leaf);
/** Write what was changed. @return 0; PEEL_EIO (disk full). */
int leaf_write(struct leaf *leaf, struct peel_error *err);

#endif
