/* SPDX-License-Identifier: Apache-2.0 */
#include "store_leaf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "store.h"
#include "store_place.h"
#include "tempfile.h"
#include "util.h"

/** What the file is, in messages. */
#define LEAF_FILE "the index"
/** Most levels of a tree. */
#define LEVELS_MAX 20

struct leaf {
	struct store *store;
	/** As store_place_write wants it. */
	int place;
	uint32_t root;
	/** The leaf at hand, 0: none; and ids up to which a row would be in it. */
	uint32_t number;
	uint64_t last;
	/** The next row to look at. */
	unsigned at;
	bool changed;
	uint8_t page[STORE_PAGE_SIZE];
	/** The root where it is an inner page, which no change of rows changes; else zeros. */
	uint8_t top[STORE_PAGE_SIZE];
};

int leaf_open(struct store *store, const char *name, struct leaf **ret_leaf, struct peel_error *err)
{
	uint32_t root = 0;
	int code = store_root_page(store, STORE_FILE_INDEX, name, &root, err);
	struct leaf *leaf = code < 0 ? NULL : calloc(1, sizeof(*leaf));

	if (!leaf) {
		return code < 0 ? code : peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	leaf->store = store;
	leaf->root = root;
	*ret_leaf = leaf;
	return 0;
}

void leaf_free(struct leaf *leaf)
{
	free(leaf);
}

static int read_page(struct leaf *leaf, uint32_t number, uint8_t *page, struct peel_error *err)
{
	return tempfile_read(store_fd(leaf->store), LEAF_FILE, page, STORE_PAGE_SIZE,
		(uint64_t)(number - 1) * STORE_PAGE_SIZE, err);
}

int leaf_write(struct leaf *leaf, struct peel_error *err)
{
	bool changed = leaf->changed;

	leaf->changed = false;
	return !changed ||
			store_place_write(store_fd(leaf->store), store_spill_dir(leaf->store),
				&leaf->place, leaf->page, STORE_PAGE_SIZE,
				(uint64_t)(leaf->number - 1) * STORE_PAGE_SIZE)
		? 0
		: peel_fail(err, PEEL_EIO, "cannot write " LEAF_FILE ": %s", strerror(errno));
}

/** The leaf was read. */
static void start_leaf(struct leaf *leaf, uint32_t number)
{
	unsigned count = page_row_count(leaf->page);
	struct page_row last = {0};

	if (count > 0) {
		/* A row that goes on elsewhere still has its id. */
		(void)page_get_row(leaf->page, count - 1, &last);
	}
	leaf->number = number;
	leaf->last = last.id;
	leaf->at = 0;
}

/** Go to the leaf that would hold a row. */
static int descend(struct leaf *leaf, uint64_t id, struct peel_error *err)
{
	bool cached = leaf->top[0] == PAGE_TABLE_INNER;
	uint64_t last;
	uint32_t number = cached ? page_child(leaf->top, id, &last) : leaf->root;
	int code = leaf_write(leaf, err);

	leaf->number = 0;
	for (unsigned level = 0; code == 0 && level < LEVELS_MAX && number > 0; level++) {
		code = read_page(leaf, number, leaf->page, err);
		if (code == 0 && leaf->page[0] == PAGE_TABLE_LEAF) {
			start_leaf(leaf, number);
			return 0;
		}
		if (number == leaf->root) {
			memcpy(leaf->top, leaf->page, STORE_PAGE_SIZE);
		}
		number = page_child(leaf->page, id, &last);
	}
	return code < 0 ? code : peel_fail(err, PEEL_EINTERNAL, LEAF_FILE " is damaged");
}

int leaf_find(struct leaf *leaf, uint64_t id, struct page_row *ret_row, struct peel_error *err)
{
	unsigned count;
	int code = leaf->number == 0 || id > leaf->last ? descend(leaf, id, err) : 0;

	if (code < 0) {
		return code;
	}
	count = page_row_count(leaf->page);
	for (; leaf->at < count; leaf->at++) {
		bool whole;

		ret_row->id = 0;
		whole = page_get_row(leaf->page, leaf->at, ret_row);
		if (ret_row->id >= id) {
			return ret_row->id == id && whole;
		}
	}
	return 0;
}

void leaf_changed(struct leaf *leaf)
{
	leaf->changed = true;
}
