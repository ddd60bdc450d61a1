/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite takes a microsecond to insert a row, most of it spent on running a program for it and on finding its
 * place. Rows that come in the order of their keys need neither: they fill a page; a full page is written and
 * its place goes into the page above:
 *
 *	inner page     | page 7, up to row 80 | page 8, up to row 155 | ... | and what follows: page 31 |
 *	leaves         7: rows 1 .. 80     8: rows 81 .. 155               31: rows 2300 .. 2333
 *
 * The row that parts two pages of an index stands in the page above alone. A page that is full is written when
 * the next row comes, not before: at the end it may have to give its last row, so that the last page is not empty
 * (SQLite takes an inner page without a cell for damage). The page on top gets the place that SQLite gave to the
 * root of the empty table; all others are appended to the file, which nobody else has open. SQLite learns of it
 * as of any other writer: by the change counter in the file's header, which makes it forget the pages that it
 * knows.
 *
 * Records that need pages of their own (overflow) are not for here: SQLite inserts them afterwards. Only the file
 * format is relied on, which SQLite's authors keep for all time; PRAGMA integrity_check proves it in the tests.
 *
 * Rejected: INSERT with fewer columns or of many rows (a fifth faster), a virtual table as the source of INSERT SELECT
 * (a third faster), and a file format of our own (people query the index with sqlite3).
 */
#include "store_bulk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "limit.h"
#include "store.h"
#include "store_page.h"
#include "store_place.h"
#include "store_record.h"
#include "tempfile.h"
#include "util.h"

/** Pages written at a time. */
#define WRITE_PAGES 16
/** Most levels of a tree: each has hundreds of times the pages of the one above. */
#define LEVELS_MAX 12
/** No page may be where SQLite's locks are on other systems: at 1 GiB. */
#define LOCK_PAGE ((1u << 30) / STORE_PAGE_SIZE + 1)
/** Bytes of an inner page's cell: the child, the key's length, the key. */
#define CELL_MAX (4 + 3 + BULK_KEY_MAX)

/** Places in the file's header (fileformat2.html, 1.3), big-endian. */
enum {
	HEADER_CHANGES = 24,
	HEADER_PAGES = 28,
	HEADER_CHANGES_AGAIN = 92,
	HEADER_SIZE = 100,
};

struct bulk {
	struct store *store;
	/** As store_place_write wants it. */
	int place;
	/** Number of the next page that is made. */
	uint32_t next;
	/** Pages that wait to be written, and the number of the first. */
	uint8_t *waiting;
	uint32_t first;
};

struct level {
	uint8_t *bytes;
	struct page page;
	/** Where the cell before the last one starts. */
	unsigned before;
	/** The page is full, and this is what parts it from the next one. */
	uint8_t *parting;
	size_t parting_len;
};

struct bulk_tree {
	struct bulk *bulk;
	enum bulk_kind kind;
	uint32_t root;
	/** From the leaves upwards. A table's leaves come as they are, and the last one waits in level 0. */
	struct level levels[LEVELS_MAX];
	unsigned count;
	uint64_t last;
	bool any;
};

static void put_u32(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++) {
		at[i] = (uint8_t)(value >> (24 - 8 * i));
	}
}

static uint32_t get_u32(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int write_bytes(struct bulk *bulk, const void *bytes, size_t len, uint64_t offset,
	struct peel_error *err)
{
	struct limit_watch *limits = store_limits(bulk->store);
	int code = limits ? limits_check(limits, PEEL_LIMIT_INDEX_SIZE, offset + len, err) : 0;

	if (code == 0) {
		code = limits_tick(limits, err);
	}
	if (code < 0) {
		return code;
	}
	return store_place_write(store_fd(bulk->store), store_spill_dir(bulk->store), &bulk->place,
		       bytes, len, offset)
		? 0
		: peel_fail(err, PEEL_EIO, "index: %s", strerror(errno));
}

/** Write the pages that wait. */
static int flush(struct bulk *bulk, struct peel_error *err)
{
	uint32_t count = bulk->next - bulk->first;
	int code = write_bytes(bulk, bulk->waiting, (size_t)count * STORE_PAGE_SIZE,
		(uint64_t)(bulk->first - 1) * STORE_PAGE_SIZE, err);

	bulk->first = bulk->next;
	return code;
}

/** Append a page to the file. */
static int append(struct bulk *bulk, const uint8_t *page, uint32_t *ret_number,
	struct peel_error *err)
{
	int code = 0;

	if (bulk->next == LOCK_PAGE || bulk->next - bulk->first == WRITE_PAGES) {
		code = flush(bulk, err);
	}
	if (code < 0) {
		return code;
	}
	if (bulk->next == LOCK_PAGE) {
		bulk->next++;
		bulk->first++;
	}
	if (bulk->next == UINT32_MAX - 1) {
		return peel_fail(err, PEEL_ELIMIT, "the index has too many pages");
	}
	memcpy(bulk->waiting + (size_t)(bulk->next - bulk->first) * STORE_PAGE_SIZE, page,
		STORE_PAGE_SIZE);
	*ret_number = bulk->next++;
	return 0;
}

int bulk_begin(struct store *store, struct bulk **ret_bulk, struct peel_error *err)
{
	struct bulk *bulk = calloc(1, sizeof(*bulk));
	uint8_t header[HEADER_SIZE] = {0};
	int code;

	if (!bulk || !(bulk->waiting = malloc((size_t)WRITE_PAGES * STORE_PAGE_SIZE))) {
		free(bulk);
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	bulk->store = store;
	code = store_exec(store, "COMMIT", err);
	if (code == 0) {
		code = tempfile_read(store_fd(store), "the index", header, sizeof(header), 0, err);
	}
	if (code < 0) {
		bulk_free(bulk);
		return code;
	}
	bulk->next = get_u32(header + HEADER_PAGES) + 1;
	bulk->first = bulk->next;
	*ret_bulk = bulk;
	return 0;
}

void bulk_free(struct bulk *bulk)
{
	if (bulk) {
		free(bulk->waiting);
		free(bulk);
	}
}

/** Tell SQLite that the file is another, and how long it is. */
static int tell(struct bulk *bulk, struct peel_error *err)
{
	uint8_t header[HEADER_SIZE];
	int code = tempfile_read(store_fd(bulk->store), "the index", header, sizeof(header), 0,
		err);
	uint32_t changes;

	if (code < 0) {
		return code;
	}
	changes = get_u32(header + HEADER_CHANGES) + 1;
	put_u32(header + HEADER_CHANGES, changes);
	put_u32(header + HEADER_CHANGES_AGAIN, changes);
	put_u32(header + HEADER_PAGES, bulk->next - 1);
	return write_bytes(bulk, header, sizeof(header), 0, err);
}

int bulk_end(struct bulk *bulk, struct peel_error *err)
{
	int code = flush(bulk, err);

	if (code == 0) {
		code = tell(bulk, err);
	}
	if (code == 0) {
		code = store_exec(bulk->store, "BEGIN", err);
	}
	bulk_free(bulk);
	return code;
}

int bulk_tree_new(struct bulk *bulk, const char *name, enum bulk_kind kind,
	struct bulk_tree **ret_tree, struct peel_error *err)
{
	struct bulk_tree *tree;
	uint32_t root = 0;
	int code = store_root_page(bulk->store, STORE_FILE_INDEX, name, &root, err);

	if (code < 0) {
		return code;
	}
	tree = calloc(1, sizeof(*tree));
	if (!tree) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	tree->bulk = bulk;
	tree->kind = kind;
	tree->root = root;
	*ret_tree = tree;
	return 0;
}

void bulk_tree_free(struct bulk_tree *tree)
{
	if (!tree) {
		return;
	}
	for (unsigned i = 0; i < tree->count; i++) {
		free(tree->levels[i].bytes);
		free(tree->levels[i].parting);
	}
	free(tree);
}

static void start_page(const struct bulk_tree *tree, unsigned number)
{
	static const enum page_kind kinds[][2] = {
		[BULK_TABLE] = {PAGE_TABLE_LEAF, PAGE_TABLE_INNER},
		[BULK_INDEX] = {PAGE_INDEX_LEAF, PAGE_INDEX_INNER},
	};
	struct level *level = (struct level *)&tree->levels[number];

	page_begin(&level->page, level->bytes, kinds[tree->kind][number > 0]);
}

/** The level, a new one where it is the first page there. */
static struct level *get_level(struct bulk_tree *tree, unsigned number, struct peel_error *err)
{
	struct level *level = &tree->levels[number];

	if (number < tree->count) {
		return level;
	}
	if (number == LEVELS_MAX) {
		peel_fail(err, PEEL_ELIMIT, "the index has too many levels");
		return NULL;
	}
	tree->count++;
	level->bytes = malloc(STORE_PAGE_SIZE);
	level->parting = calloc(1, CELL_MAX);
	if (!level->bytes || !level->parting) {
		peel_fail(err, PEEL_ENOMEM, "no memory");
		return NULL;
	}
	start_page(tree, number);
	return level;
}

static int add_cell(struct bulk_tree *tree, unsigned number, const uint8_t *cell, size_t len,
	struct peel_error *err);

/** Write the page of a level, and put it with what parts it from the next one into the page above. */
static int part(struct bulk_tree *tree, unsigned number, struct peel_error *err)
{
	struct level *level = &tree->levels[number];
	const unsigned child = number > 0 ? 4 : 0;
	uint8_t cell[CELL_MAX];
	uint32_t page = 0;
	int code;

	if (number > 0) {
		page_set_right(&level->page, get_u32(level->parting));
	}
	page_end(&level->page);
	code = append(tree->bulk, level->bytes, &page, err);
	if (code < 0) {
		return code;
	}
	put_u32(cell, page);
	memcpy(cell + 4, level->parting + child, level->parting_len - child);
	code = add_cell(tree, number + 1, cell, 4 + level->parting_len - child, err);
	level->parting_len = 0;
	start_page(tree, number);
	return code;
}

/** The next cell of a level: of inner pages it starts with its child. */
static int add_cell(struct bulk_tree *tree, unsigned number, const uint8_t *cell, size_t len,
	struct peel_error *err)
{
	struct level *level = get_level(tree, number, err);
	unsigned content;
	uint8_t *room;
	int code = 0;

	if (!level) {
		return err->code;
	}
	if (level->parting_len > 0) {
		code = part(tree, number, err);
	}
	if (code < 0) {
		return code;
	}
	content = level->page.content;
	room = page_add(&level->page, len);
	if (room) {
		memcpy(room, cell, len);
		level->before = content;
	} else {
		memcpy(level->parting, cell, len);
		level->parting_len = len;
	}
	return 0;
}

int bulk_add_key(struct bulk_tree *tree, const struct record *record, struct peel_error *err)
{
	uint8_t cell[CELL_MAX];
	size_t len = record->head_len + record->body_len;
	size_t used = record_put_varint(cell, len);

	memcpy(cell + used, record->head, record->head_len);
	memcpy(cell + used + record->head_len, record->body, record->body_len);
	tree->any = true;
	return add_cell(tree, 0, cell, used + len, err);
}

/** Write the leaf that waits. */
static int append_leaf(struct bulk_tree *tree, struct peel_error *err)
{
	uint8_t cell[4 + RECORD_VARINT_MAX];
	uint32_t page = 0;
	int code = append(tree->bulk, tree->levels[0].bytes, &page, err);

	if (code < 0) {
		return code;
	}
	put_u32(cell, page);
	return add_cell(tree, 1, cell, 4 + record_put_varint(cell + 4, tree->last), err);
}

int bulk_add_leaf(struct bulk_tree *tree, const uint8_t *page, uint64_t last,
	struct peel_error *err)
{
	struct level *level = get_level(tree, 0, err);
	int code = 0;

	if (!level) {
		return err->code;
	}
	if (tree->any) {
		code = append_leaf(tree, err);
	}
	if (code < 0) {
		return code;
	}
	memcpy(level->bytes, page, STORE_PAGE_SIZE);
	tree->last = last;
	tree->any = true;
	return 0;
}

/** A full page that nothing follows but one cell: its last cell parts it from a page with that one. */
static int part_last(struct bulk_tree *tree, unsigned number, struct peel_error *err)
{
	struct level *level = &tree->levels[number];
	size_t len = level->before - level->page.content;
	uint8_t following[CELL_MAX];
	size_t following_len = level->parting_len;
	int code;

	memcpy(following, level->parting, following_len);
	memcpy(level->parting, page_last(&level->page), len);
	level->parting_len = len;
	page_drop(&level->page, level->before);
	code = part(tree, number, err);
	return code < 0 ? code : add_cell(tree, number, following, following_len, err);
}

/** End a level. @param child the page below that follows all its cells; out: its own page, 0: it is the root. */
static int end_level(struct bulk_tree *tree, unsigned number, uint32_t *child,
	struct peel_error *err)
{
	struct level *level = &tree->levels[number];
	bool leaf = number == 0 && tree->kind == BULK_TABLE;
	int code = level->parting_len > 0 ? part_last(tree, number, err) : 0;

	if (code < 0) {
		return code;
	}
	if (number > 0) {
		page_set_right(&level->page, *child);
	}
	if (!leaf) {
		page_end(&level->page);
	}
	if (number + 1 < tree->count) {
		return append(tree->bulk, level->bytes, child, err);
	}
	return write_bytes(tree->bulk, level->bytes, STORE_PAGE_SIZE,
		(uint64_t)(tree->root - 1) * STORE_PAGE_SIZE, err);
}

int bulk_tree_end(struct bulk_tree *tree, struct peel_error *err)
{
	uint32_t child = 0;
	int code = 0;

	for (unsigned i = 0; code == 0 && tree->any && i < tree->count; i++) {
		code = end_level(tree, i, &child, err);
	}
	bulk_tree_free(tree);
	return code;
}
