/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The rows of table entry while layers are added: as the leaf pages that they will be in, which wait in memory
 * or packed in a temporary file.
 */
#ifndef TREE_ROWS_H
#define TREE_ROWS_H

#include <stddef.h>
#include <stdint.h>

struct bulk_tree;
struct limit_watch;
struct page_row;
struct peel_error;
struct record;
struct tree_rows;

/** Least memory of the pages, bytes. */
#define TREE_ROWS_BUDGET (4u << 20)

/** @param folder of the temporary file, borrowed; -1: all stays in memory. @return 0; PEEL_ENOMEM. */
int tree_rows_new(int folder, struct tree_rows **ret_rows, struct peel_error *err);
/** Hold the table against the index's limit, before a row is there. @param limits borrowed; may be NULL. */
void tree_rows_set_limits(struct tree_rows *rows, struct limit_watch *limits);
/** Free; NULL is fine. */
void tree_rows_free(struct tree_rows *rows);
/** From now on keep so many bytes in memory; TREE_ROWS_BUDGET at first. */
void tree_rows_set_budget(struct tree_rows *rows, size_t budget);

/**
 * The next row. @param id more than the last one's. @param record ended, @param len as record_end gave it.
 * @return 0; PEEL_ENOMEM, PEEL_EIO (disk full), PEEL_ELIMIT.
 */
int tree_rows_add(struct tree_rows *rows, uint64_t id, const struct record *record, size_t len,
	struct peel_error *err);

/** Takes a row, valid for the call. Return 0, or less than 0 to stop. */
typedef int tree_row_fn(void *arg, const struct page_row *row, struct peel_error *err);

/** Go through the rows from an id on. @return 0; what each returned; PEEL_ENOMEM, PEEL_EIO. */
int tree_rows_each(struct tree_rows *rows, uint64_t from, tree_row_fn *each, void *arg,
	struct peel_error *err);

/** All rows are there: write them, and give their memory back. @return as bulk_add_leaf, or as tree_rows_add. */
int tree_rows_write(struct tree_rows *rows, struct bulk_tree *table, struct peel_error *err);

#endif
