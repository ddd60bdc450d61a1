/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The rows of a table (entry, and file of the facts) before its file can take them: as the leaf pages that they will
 * be in, which wait in memory or packed in a temporary file.
 */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include <stddef.h>
#include <stdint.h>

struct bulk_tree;
struct limit_watch;
struct page_row;
struct peel_error;
struct record;
struct store_rows;

/** Least memory of the pages, bytes. */
#define STORE_ROWS_BUDGET (4u << 20)

/** @param folder of the temporary file, borrowed; -1: all stays in memory. @return 0; PEEL_ENOMEM. */
int store_rows_new(int folder, struct store_rows **ret_rows, struct peel_error *err);
/** Hold the table against the index's limit, before a row is there. @param limits borrowed; may be NULL. */
void store_rows_set_limits(struct store_rows *rows, struct limit_watch *limits);
/** Free; NULL is fine. */
void store_rows_free(struct store_rows *rows);
/** From now on keep so many bytes in memory; STORE_ROWS_BUDGET at first. */
void store_rows_set_budget(struct store_rows *rows, size_t budget);

/**
 * The next row. @param id more than the last one's. @param record ended, @param len as record_end gave it.
 * @return 0; PEEL_ENOMEM, PEEL_EIO (disk full), PEEL_ELIMIT.
 */
int store_rows_add(struct store_rows *rows, uint64_t id, const struct record *record, size_t len,
	struct peel_error *err);

/** Takes a row, valid for the call. Return 0, or less than 0 to stop. */
typedef int store_row_fn(void *arg, const struct page_row *row, struct peel_error *err);

/** Go through the rows from an id on. @return 0; what each returned; PEEL_ENOMEM, PEEL_EIO. */
int store_rows_each(struct store_rows *rows, uint64_t from, store_row_fn *each, void *arg,
	struct peel_error *err);

/** All rows are there: write them, and give their memory back. @return as bulk_add_leaf, or as store_rows_add. */
int store_rows_write(struct store_rows *rows, struct bulk_tree *table, struct peel_error *err);

#endif
