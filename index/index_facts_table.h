/* SPDX-License-Identifier: Apache-2.0 */
/** Table file of the facts while it is made: first what each file is, then what is known only when all are there. */
#ifndef INDEX_FACTS_TABLE_H
#define INDEX_FACTS_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include <peel/facts.h>

#include "facts_rows.h"
#include "store.h"

struct facts_table;
struct peel_error;

/** @param store the facts file, borrowed; its table file is empty. @return 0; PEEL_ENOMEM. */
int facts_table_new(struct store *store, struct facts_table **ret_table, struct peel_error *err);
/** Free; what was not written is lost. NULL is fine. */
void facts_table_free(struct facts_table *table);

/** What a file is. */
struct facts_table_row {
	uint64_t entry;
	enum peel_kind kind;
	/** PEEL_FAST_HASH_SIZE bytes; NULL: not hashed. */
	const void *hash;
	/** At most FACTS_RECORD_HEAD bytes; NULL: none. */
	const void *head;
	size_t head_len;
	enum facts_looked looked;
};

/** The next row. Its entry is more than the last one's. @return as store_rows_add. */
int facts_table_add(struct facts_table *table, const struct facts_table_row *row,
	struct peel_error *err);
/**
 * All rows are there: let SQLite see them. Ends the store's transaction and begins another; no statement of the store
 * may be at a row. @return 0, or as bulk_begin, as bulk_add_leaf.
 */
int facts_table_write(struct facts_table *table, struct peel_error *err);

/*
 * Columns that come later, in passes: each goes through the entries in ascending order, and ends with facts_table_pass.
 * Until then a statement of the same store may or may not see them, so that it asks for other columns or other rows. An
 * entry without a row is passed by. All return 0; PEEL_ENOMEM, PEEL_EIO (disk full), PEEL_EINTERNAL (a number that is
 * too large; the file is damaged).
 */

/** Whose a file is; what has an owner keeps it. */
int facts_table_own(struct facts_table *table, uint64_t entry, uint32_t package,
	enum peel_claim claim, struct peel_error *err);
/** The category that it is in. */
int facts_table_sort(struct facts_table *table, uint64_t entry, uint32_t category,
	struct peel_error *err);
/** Why it is hidden, by its content. */
int facts_table_explain(struct facts_table *table, uint64_t entry, enum store_why why,
	struct peel_error *err);
/** End a pass, and let SQLite see it; as facts_table_write. @return 0, or as bulk_begin. */
int facts_table_pass(struct facts_table *table, struct peel_error *err);

#endif
