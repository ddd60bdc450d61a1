/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A table is a tree of pages (fileformat2.html, 1.6). For the next row the way from the root down is looked up again,
 * once a leaf, in pages that are mostly in memory: an inner page has the places of hundreds of leaves.
 *
 *	level 0   root            | up to 80,000 | up to 160,000 | … |
 *	level 1   inner pages     | up to 80 | up to 155 | … |
 *	level 2   leaf            row 1, row 2, … row 80
 *
 * Each inner page says up to which id its child has rows. Where a leaf has none any more, the next row's id is more
 * than the least of those on the way down, so each look goes forward whatever the pages say: it ends after as many
 * looks as the file has places, and no row is told twice. A file that is no tree gives PEEL_EFORMAT, or rows that are
 * not SQLite's; whoever takes rows checks them, as he does SQLite's.
 *
 * Rejected: mapping the file (an index that is cut short would kill the process); keeping a place on each level
 * (a page that is its own child must then be found out by other means).
 */
#include "store_pass.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "store.h"
#include "store_page.h"
#include "tempfile.h"
#include "util.h"

/** What the file is, in messages. */
#define PASS_FILE "the index"
/** Most levels of a tree, as SQLite has it. */
#define LEVELS_MAX 20
/** Most bytes of a row that has pages of its own: the headers of one entry have half of that together. */
#define ROW_BYTES_MAX (16u << 20)
/** Of SQLite's header: the page's size, big-endian, and bytes at each page's end that are left alone. */
#define HEADER_PAGE_SIZE 16
#define HEADER_RESERVED 20
#define HEADER_SIZE 100
/** Of a row with pages of its own: what is on the leaf at least, and what a page holds after the next one's number. */
#define LONG_ROW_MIN ((STORE_PAGE_SIZE - 12) * 32 / 255 - 23)
#define LONG_ROW_PAGE (STORE_PAGE_SIZE - 4)

/** A page in memory; each has one slot. */
struct slot {
	/** 0: none. */
	uint32_t number;
	uint8_t *page;
};

struct store_pass {
	int fd;
	uint32_t root;
	unsigned columns;
	struct slot *slots;
	unsigned slot_count;
	/** The leaf at hand, its rows, and the next one to look at. */
	uint8_t *leaf;
	unsigned count, at;
	/** No row with a larger id is in the leaf. */
	uint64_t last;
	/** Rows with smaller ids are done. */
	uint64_t next;
	/** A row that has pages of its own. */
	uint8_t *row;
};

void store_pass_free(struct store_pass *pass)
{
	if (!pass) {
		return;
	}
	for (unsigned i = 0; pass->slots && i < pass->slot_count; i++) {
		free(pass->slots[i].page);
	}
	free(pass->slots);
	free(pass->row);
	free(pass);
}

static int damaged(struct peel_error *err)
{
	return peel_fail(err, PEEL_EFORMAT, STORE_DAMAGED "a page of it");
}

static int read_page(const struct store_pass *pass, uint32_t number, void *page,
	struct peel_error *err)
{
	return number == 0 ? damaged(err)
			   : tempfile_read(pass->fd, PASS_FILE, page, STORE_PAGE_SIZE,
				     (uint64_t)(number - 1) * STORE_PAGE_SIZE, err);
}

/** Have a page in memory. @param ret_page valid until the next one is loaded. */
static int load(struct store_pass *pass, uint32_t number, uint8_t **ret_page,
	struct peel_error *err)
{
	struct slot *slot = &pass->slots[number & (pass->slot_count - 1)];
	int code;

	/* Zeros, since an analyser does not know that a slot without a page has no number. */
	if (!slot->page && !(slot->page = calloc(1, STORE_PAGE_SIZE))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	if (slot->number != number || number == 0) {
		slot->number = 0;
		code = read_page(pass, number, slot->page, err);
		if (code < 0) {
			return code;
		}
		slot->number = number;
	}
	*ret_page = slot->page;
	return 0;
}

/** Go to the leaf that would hold a row. */
static int descend(struct store_pass *pass, uint64_t id, struct peel_error *err)
{
	uint32_t number = pass->root;

	pass->leaf = NULL;
	pass->count = pass->at = 0;
	pass->last = UINT64_MAX;
	for (unsigned level = 0; level < LEVELS_MAX; level++) {
		uint8_t *page = NULL;
		uint64_t last = 0;
		int code = load(pass, number, &page, err);

		if (code < 0) {
			return code;
		}
		if (page[0] == PAGE_TABLE_LEAF) {
			pass->leaf = page;
			pass->count = page_row_count(page);
			return 0;
		}
		number = page_child(page, id, &last);
		pass->last = min_u64(pass->last, last);
		if (number == 0) {
			break;
		}
	}
	return damaged(err);
}

static uint32_t page_number(const uint8_t *bytes)
{
	return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 |
		bytes[3];
}

/** Put a row together that has pages of its own. */
static int read_long(struct store_pass *pass, const struct page_row *row, struct peel_error *err)
{
	const size_t on_leaf = LONG_ROW_MIN + (row->len - LONG_ROW_MIN) % LONG_ROW_PAGE;
	const size_t here = on_leaf <= PAGE_ROW_MAX ? on_leaf : LONG_ROW_MIN;
	const size_t room = (size_t)(pass->leaf + STORE_PAGE_SIZE - row->bytes);
	uint8_t page[STORE_PAGE_SIZE];
	uint32_t number;

	if (row->len > ROW_BYTES_MAX || here + sizeof(number) > room) {
		return damaged(err);
	}
	free(pass->row);
	pass->row = malloc(row->len);
	if (!pass->row) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	memcpy(pass->row, row->bytes, here);
	number = page_number(row->bytes + here);
	for (size_t done = here; done < row->len; done += LONG_ROW_PAGE) {
		int code = read_page(pass, number, page, err);

		if (code < 0) {
			return code;
		}
		memcpy(pass->row + done, page + sizeof(number),
			(size_t)min_u64(row->len - done, LONG_ROW_PAGE));
		number = page_number(page);
	}
	return 0;
}

/** A row of the leaf. One that has pages of its own is longer than PAGE_ROW_MAX. */
static int get_row(const struct store_pass *pass, unsigned place, struct page_row *ret_row,
	struct peel_error *err)
{
	*ret_row = (struct page_row){0};
	return page_get_row(pass->leaf, place, ret_row) || ret_row->len > PAGE_ROW_MAX
		? 0
		: damaged(err);
}

static int take_row(struct store_pass *pass, const struct page_row *row,
	struct store_pass_row *ret_row, struct peel_error *err)
{
	const bool whole = row->len <= PAGE_ROW_MAX;
	int code = whole ? 0 : read_long(pass, row, err);
	const uint8_t *bytes = whole ? row->bytes : pass->row;

	if (code < 0) {
		return code;
	}
	ret_row->id = row->id;
	return record_read(bytes, row->len, ret_row->columns, pass->columns) ? 1 : damaged(err);
}

int store_pass_next(struct store_pass *pass, uint64_t from, struct store_pass_row *ret_row,
	struct peel_error *err)
{
	uint64_t id = max_u64(from, pass->next);

	for (;;) {
		int code;

		while (pass->at < pass->count) {
			struct page_row row;

			code = get_row(pass, pass->at, &row, err);
			if (code < 0) {
				return code;
			}
			pass->at++;
			if (row.id >= id) {
				pass->next = row.id + (row.id < UINT64_MAX);
				return take_row(pass, &row, ret_row, err);
			}
		}
		if (pass->leaf && pass->last == UINT64_MAX) {
			return 0;
		}
		id = pass->leaf ? max_u64(id, pass->last + 1) : id;
		code = descend(pass, id, err);
		if (code < 0) {
			return code;
		}
	}
}

/** The place of the first row of the leaf whose id is not less. */
static unsigned find_place(const struct store_pass *pass, uint64_t id)
{
	unsigned low = 0;
	unsigned high = pass->count;

	while (low < high) {
		const unsigned middle = low + (high - low) / 2;
		struct page_row row = {0};

		(void)page_get_row(pass->leaf, middle, &row);
		if (row.id < id) {
			low = middle + 1;
		} else {
			high = middle;
		}
	}
	return low;
}

int store_pass_find(struct store_pass *pass, uint64_t id, struct store_pass_row *ret_row,
	struct peel_error *err)
{
	struct page_row row;
	unsigned place = find_place(pass, id);
	int code;

	/* Rows of one leaf often follow each other; its first one is as quickly found from the root. */
	if (place == 0 || id > pass->last) {
		code = descend(pass, id, err);
		if (code < 0) {
			return code;
		}
		place = find_place(pass, id);
	}
	if (place == pass->count) {
		return 0;
	}
	code = get_row(pass, place, &row, err);
	if (code < 0) {
		return code;
	}
	return row.id == id ? take_row(pass, &row, ret_row, err) : 0;
}

/** Are its pages as ours are? */
static int check_header(const struct store_pass *pass, struct peel_error *err)
{
	uint8_t header[HEADER_SIZE];
	int code = tempfile_read(pass->fd, PASS_FILE, header, sizeof(header), 0, err);

	if (code == 0 &&
		(header[HEADER_PAGE_SIZE] != STORE_PAGE_SIZE >> 8 ||
			header[HEADER_PAGE_SIZE + 1] != 0 || header[HEADER_RESERVED] != 0)) {
		code = peel_fail(err, PEEL_EFORMAT, STORE_DAMAGED "its pages are of another size");
	}
	return code;
}

int store_pass_new(struct store *store, enum store_file file, const char *table, unsigned columns,
	unsigned pages, struct store_pass **ret_pass, struct peel_error *err)
{
	struct store_pass *pass = calloc(1, sizeof(*pass));
	int code;

	assert(columns <= STORE_PASS_COLUMNS && pages > 0 && (pages & (pages - 1)) == 0);
	if (!pass || !(pass->slots = calloc(pages, sizeof(*pass->slots)))) {
		free(pass);
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	pass->slot_count = pages;
	pass->fd = file == STORE_FILE_INDEX ? store_fd(store) : store_facts_fd(store);
	pass->columns = columns;
	code = check_header(pass, err);
	if (code == 0) {
		code = store_root_page(store, file, table, &pass->root, err);
	}
	if (code < 0) {
		store_pass_free(pass);
		return code;
	}
	*ret_pass = pass;
	return 0;
}
