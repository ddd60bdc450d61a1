/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All layers are added: table entry gets its rows, which are pages already, and its two large indexes theirs, out
 * of the rows that were sorted for the merge:
 *
 *	entry_path (dir, name, type, id)   the order of the sort
 *	entry_dir (dir, id)                a folder's rows stand together; their ids are sorted folder by folder
 *
 * SQLite inserts the few rows that are too long for that, and adds them to the indexes itself.
 *
 * Rejected: CREATE INDEX after the rows were inserted (reads them all again, and sorts what is sorted), and
 * inserting rows after the merge, which knows what hides them (then nothing can be done while layers are read).
 */
#include "tree_load.h"

#include <stdlib.h>
#include <string.h>

#include "store_bulk.h"
#include "store_record.h"
#include "tree_priv.h"
#include "store_rows.h"
#include "tree_sort.h"
#include "util.h"

/** Ids of one folder that are sorted in memory; more go through tree_sort.h. */
#define FOLDER_IDS_MAX fuzz_size(1u << 18, 4u)

struct loading {
	struct tree *tree;
	struct bulk_tree *table, *path, *dir;
	struct record key;
	/** The folder at hand, and the ids in it: in ids, or, where they are many, in sort. */
	uint32_t folder;
	uint64_t *ids;
	size_t id_count, id_room;
	struct tree_sort *sort;
};

static void loading_finish(struct loading *loading)
{
	bulk_tree_free(loading->table);
	bulk_tree_free(loading->path);
	bulk_tree_free(loading->dir);
	tree_sort_free(loading->sort);
	free(loading->ids);
}

static int add_path(struct loading *loading, const struct sort_row *row, struct peel_error *err)
{
	struct record *key = &loading->key;

	record_begin(key);
	record_int(key, row->dir);
	record_blob(key, row->name, row->name_len);
	record_text(key, &row->type, 1);
	record_int(key, (int64_t)row->id);
	record_end(key);
	return bulk_add_key(loading->path, key, err);
}

static int add_dir(struct loading *loading, uint64_t id, struct peel_error *err)
{
	struct record *key = &loading->key;

	record_begin(key);
	record_int(key, loading->folder);
	record_int(key, (int64_t)id);
	record_end(key);
	return bulk_add_key(loading->dir, key, err);
}

static int compare_ids(const void *a, const void *b)
{
	const uint64_t left = *(const uint64_t *)a;
	const uint64_t right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

/** Most folders are small, and nearly in order. */
static void sort_ids(uint64_t *ids, size_t count)
{
	if (count > 64) {
		qsort(ids, count, sizeof(*ids), compare_ids);
		return;
	}
	for (size_t i = 1; i < count; i++) {
		uint64_t id = ids[i];
		size_t at = i;

		for (; at > 0 && ids[at - 1] > id; at--) {
			ids[at] = ids[at - 1];
		}
		ids[at] = id;
	}
}

/** The ids of a large folder, in order. */
static int end_large(struct loading *loading, struct peel_error *err)
{
	struct sort_row row;
	int code = tree_sort_finish(loading->sort, err);

	while (code == 0 && (code = tree_sort_next(loading->sort, &row, err)) > 0) {
		code = add_dir(loading, row.id, err);
	}
	tree_sort_free(steal_pointer(&loading->sort));
	return code;
}

static int end_folder(struct loading *loading, struct peel_error *err)
{
	int code = 0;

	if (loading->sort) {
		return end_large(loading, err);
	}
	sort_ids(loading->ids, loading->id_count);
	for (size_t i = 0; code == 0 && i < loading->id_count; i++) {
		code = add_dir(loading, loading->ids[i], err);
	}
	loading->id_count = 0;
	return code;
}

static int sort_id(struct loading *loading, uint64_t id, struct peel_error *err)
{
	const struct sort_row row = {.id = id, .name = ""};

	return tree_sort_add(loading->sort, &row, err);
}

/** The folder has more ids than memory is spent on. */
static int grow_large(struct loading *loading, struct peel_error *err)
{
	int code = tree_sort_new(FOLDER_IDS_MAX * sizeof(uint64_t),
		store_spill_dir(loading->tree->store), &loading->sort, err);

	for (size_t i = 0; code == 0 && i < loading->id_count; i++) {
		code = sort_id(loading, loading->ids[i], err);
	}
	loading->id_count = 0;
	return code;
}

static int add_id(struct loading *loading, const struct sort_row *row, struct peel_error *err)
{
	int code = row->dir != loading->folder ? end_folder(loading, err) : 0;

	loading->folder = row->dir;
	if (code == 0 && loading->id_count == FOLDER_IDS_MAX) {
		code = grow_large(loading, err);
	}
	if (code < 0 || loading->sort) {
		return code < 0 ? code : sort_id(loading, row->id, err);
	}
	if (!grow_array(&loading->ids, loading->id_count, &loading->id_room,
		    sizeof(*loading->ids))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	loading->ids[loading->id_count++] = row->id;
	return 0;
}

static int write_indexes(struct loading *loading, struct peel_error *err)
{
	struct tree_sort *sort = loading->tree->sort;
	struct sort_row row;
	int code = tree_sort_finish(sort, err);

	while (code == 0 && (code = tree_sort_next(sort, &row, err)) > 0) {
		code = 0;
		if (row.aside) {
			continue;
		}
		code = add_path(loading, &row, err);
		if (code == 0) {
			code = add_id(loading, &row, err);
		}
	}
	return code < 0 ? code : end_folder(loading, err);
}

static int write_trees(struct loading *loading, struct bulk *bulk, struct peel_error *err)
{
	const struct {
		const char *name;
		enum bulk_kind kind;
		struct bulk_tree **tree;
	} trees[] = {
		{"entry", BULK_TABLE, &loading->table},
		{"entry_path", BULK_INDEX, &loading->path},
		{"entry_dir", BULK_INDEX, &loading->dir},
	};
	int code = 0;

	for (size_t i = 0; code == 0 && i < countof(trees); i++) {
		code = bulk_tree_new(bulk, trees[i].name, trees[i].kind, trees[i].tree, err);
	}
	if (code == 0) {
		code = store_rows_write(loading->tree->rows, loading->table, err);
	}
	if (code == 0) {
		code = write_indexes(loading, err);
	}
	for (size_t i = 0; code == 0 && i < countof(trees); i++) {
		code = bulk_tree_end(steal_pointer(trees[i].tree), err);
	}
	return code;
}

int tree_load(struct tree *tree, struct peel_error *err)
{
	cleanup(loading_finish) struct loading loading = {.tree = tree};
	struct bulk *bulk = NULL;
	int code = bulk_begin(tree->store, &bulk, err);

	if (code < 0) {
		return code;
	}
	code = write_trees(&loading, bulk, err);
	if (code < 0) {
		loading_finish(&loading);
		loading = (struct loading){0};
		bulk_free(bulk);
		return code;
	}
	code = bulk_end(bulk, err);
	if (code == 0 && tree->any_long) {
		code = store_exec(tree->store, "INSERT INTO entry SELECT * FROM temp.long_entry",
			err);
	}
	return code < 0 ? code : tree_sort_rewind(tree->sort, err);
}
