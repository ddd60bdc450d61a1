/* SPDX-License-Identifier: Apache-2.0 */
/**
 * One page of a tree in the making, as SQLite lays it out (fileformat2.html, 1.6): the header, the places of
 * the cells in order, and from the end upwards the cells.
 */
#ifndef STORE_PAGE_H
#define STORE_PAGE_H

#include <stddef.h>
#include <stdint.h>

#include "store.h"

struct record;

/** Kinds of pages. */
enum page_kind {
	PAGE_INDEX_INNER = 2,
	PAGE_TABLE_INNER = 5,
	PAGE_INDEX_LEAF = 10,
	PAGE_TABLE_LEAF = 13,
};

/** Most bytes of a cell that page_table_cell writes before the record. */
#define PAGE_CELL_HEAD_MAX 18

/** Most bytes of a table's row that are on its page; of a longer one the begin is, and the rest on pages of its own. */
#define PAGE_ROW_MAX (STORE_PAGE_SIZE - 35)

/** {0} is valid, and full. */
struct page {
	uint8_t *bytes;
	unsigned count;
	/** Where the last cell starts. */
	unsigned content;
};

/** Start a page. @param bytes STORE_PAGE_SIZE, borrowed. */
void page_begin(struct page *page, uint8_t *bytes, enum page_kind kind);
/** Room for the next cell. @return NULL where there is none. */
uint8_t *page_add(struct page *page, size_t len);
/** The last cell's place; the page has one. @return its bytes, up to where the one before starts. */
const uint8_t *page_last(const struct page *page);
/** Take the last cell away. @param content where the cell before starts, or the page ends. */
void page_drop(struct page *page, unsigned content);
/** All cells are there. */
void page_end(struct page *page);
/** The child that follows all cells, of an inner page. */
void page_set_right(struct page *page, uint32_t child);

/** Add a row to a leaf of a table. @param len what record_end gave. @return false where it is full. */
bool page_add_row(struct page *page, uint64_t id, const struct record *record, size_t len);

/** A row of a leaf. */
struct page_row {
	uint64_t id;
	/** Its record, in the page; and its length, which may be more than that of what is in the page. */
	uint8_t *bytes;
	size_t len;
};

/** Rows of a leaf of a table; 0 where it is none. @param bytes STORE_PAGE_SIZE. */
unsigned page_row_count(const uint8_t *bytes);
/**
 * A row. @param i less than page_row_count. @return false where it is damaged, or has more than this page: all is
 *   then set, and len is more than PAGE_ROW_MAX.
 */
bool page_get_row(uint8_t *bytes, unsigned i, struct page_row *ret_row);
/**
 * The child of an inner page of a table that would hold a row.
 * @param ret_last no row with a larger id is in it; not less than id. UINT64_MAX where this page does not say.
 * @return its page number; 0: it is no such page, or damaged.
 */
uint32_t page_child(const uint8_t *bytes, uint64_t id, uint64_t *ret_last);

#endif
