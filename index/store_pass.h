/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The rows of a table one after the other in the order of their ids, or by their ids, read past SQLite, which takes ten
 * times as long to step to a row and to hand out its columns. The file is as hostile as it is for SQLite.
 */
#ifndef STORE_PASS_H
#define STORE_PASS_H

#include <stdint.h>

#include "store.h"
#include "store_record.h"

struct peel_error;
struct store_pass;

/** Most columns of a row that are read. */
#define STORE_PASS_COLUMNS 20

/** A row. Its columns point into pages that are valid until the next call. */
struct store_pass_row {
	uint64_t id;
	/** In the order of the schema; that of the id itself is NULL. */
	struct record_column columns[STORE_PASS_COLUMNS];
};

/**
 * Begin.
 * @param store borrowed, open for reading. @param table one whose rows have ids (no WITHOUT ROWID).
 * @param columns how many of its first columns are read, at most STORE_PASS_COLUMNS. @param pages most pages that are
 *   kept in memory, a power of two: some for store_pass_next, for store_pass_find as many as rows are asked for nearby.
 * @return 0; PEEL_EFORMAT (damaged), PEEL_EIO, PEEL_ENOMEM, PEEL_EINTERNAL (no such table). End with store_pass_free.
 */
int store_pass_new(struct store *store, enum store_file file, const char *table, unsigned columns,
	unsigned pages, struct store_pass **ret_pass, struct peel_error *err);

/**
 * The next row.
 * @param from rows with smaller ids are passed over, without being read where a page's worth of them is.
 * @return 1; 0 at the end; PEEL_EFORMAT (damaged), PEEL_EIO (also where the file ends too early), PEEL_ENOMEM.
 */
int store_pass_next(struct store_pass *pass, uint64_t from, struct store_pass_row *ret_row,
	struct peel_error *err);

/**
 * The row with an id; not to be mixed with store_pass_next. @return 1; 0: there is none; as store_pass_next.
 */
int store_pass_find(struct store_pass *pass, uint64_t id, struct store_pass_row *ret_row,
	struct peel_error *err);

/** Free; NULL is fine. */
void store_pass_free(struct store_pass *pass);

#endif
