/* SPDX-License-Identifier: Apache-2.0 */
#include "tree.h"

#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "tree_load.h"
#include "tree_priv.h"
#include "store_rows.h"
#include "tree_sort.h"
#include "util.h"

int tree_new(struct store *store, tree_finding_fn *finding, void *finding_arg,
	struct tree **ret_tree, struct peel_error *err)
{
	struct tree *tree = calloc(1, sizeof(*tree));
	int code;

	if (!tree) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	*tree = (struct tree){
		.store = store,
		.finding = finding,
		.finding_arg = finding_arg,
		.next_id = STORE_FIRST_ENTRY,
		.layer = -1,
		.links_layer = -1,
		.hidden = {.store = store},
		.epoch = 1,
		.path = malloc(TREE_PATH_MAX),
		.last_parent = malloc(TREE_PATH_MAX),
		.rest = {malloc(TREE_PATH_MAX), malloc(TREE_PATH_MAX)},
	};
	if (!tree->path || !tree->last_parent || !tree->rest[0] || !tree->rest[1]) {
		tree_free(tree);
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	code = store_rows_new(store_spill_dir(store), &tree->rows, err);
	if (code == 0) {
		code = tree_sort_new(TREE_SORT_BUDGET, store_spill_dir(store), &tree->sort, err);
	}
	if (code == 0) {
		code = tree_follow_init(tree, err);
	}
	if (code == 0) {
		code = tree_dirs_init(tree, err);
	}
	if (code < 0) {
		tree_free(tree);
		return code;
	}
	*ret_tree = tree;
	return 0;
}

void tree_free(struct tree *tree)
{
	if (!tree) {
		return;
	}
	tree_dirs_finish(tree);
	free(tree->link_filter);
	tree_sort_free(tree->sort);
	tree_hidden_free(&tree->hidden);
	store_rows_free(tree->rows);
	free(tree->path);
	free(tree->last_parent);
	free(tree->rest[0]);
	free(tree->rest[1]);
	free(tree->last_uname);
	free(tree->last_gname);
	free(tree->layers);
	free(tree);
}

int tree_begin_layer(struct tree *tree, int layer, struct peel_error *err)
{
	if ((size_t)layer != tree->layer_count) {
		return peel_fail(err, PEEL_EUSAGE, "layer %d added out of order", layer);
	}
	if (!grow_array(&tree->layers, tree->layer_count, &tree->layer_room,
		    sizeof(*tree->layers))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	tree->layers[tree->layer_count++] = (struct tree_layer){
		.first_id = tree->next_id, .end_id = tree->next_id};
	tree->layer = layer;
	tree->epoch++;
	tree_follow_begin(tree);
	return 0;
}

int tree_end_layer(struct tree *tree, struct peel_error *err)
{
	struct tree_layer *layer = &tree->layers[tree->layer];

	layer->end_id = tree->next_id;
	layer->visible_bytes = layer->bytes;
	tree->totals.entries += layer->entries;
	tree->totals.bytes += layer->bytes;
	tree->totals.allocated += layer->allocated;
	return limits_check(tree->limits, PEEL_LIMIT_ENTRIES, tree_count(tree), err);
}

void tree_set_limits(struct tree *tree, struct limit_watch *limits)
{
	tree->limits = limits;
	store_rows_set_limits(tree->rows, limits);
}

void tree_add_memory(struct tree *tree, size_t spare)
{
	store_rows_set_budget(tree->rows, STORE_ROWS_BUDGET + spare / 2);
	tree_sort_set_budget(tree->sort, TREE_SORT_BUDGET + spare / 2);
}

const struct tree_layer *tree_layer(const struct tree *tree, int layer)
{
	return &tree->layers[layer];
}

/**
 * Data that is hidden under its own name but visible under another is visible after all; names are
 * not nodes.
 */
static int correct_for_links(struct tree *tree, struct peel_error *err)
{
	static const char sql[] =
		"SELECT e.layer, e.size, CASE WHEN e.flags & 4 THEN x.allocated"
		" ELSE (e.size + 4095) / 4096 * 4096 END, h.nlink, e.why IS NOT NULL AND e.type = 'f'"
		" FROM hardlink h JOIN entry e ON e.id = h.inode"
		" LEFT JOIN extra x ON x.entry = e.id WHERE h.nlink > 0";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(tree->store, sql, &stmt, err);

	while (code == 0 && (code = store_step(tree->store, stmt, err)) > 0) {
		code = 0;
		tree->totals.nodes -= (uint64_t)sqlite3_column_int64(stmt, 3) - 1;
		if (sqlite3_column_int(stmt, 4)) {
			tree->layers[sqlite3_column_int(stmt, 0)].visible_bytes +=
				(uint64_t)sqlite3_column_int64(stmt, 1);
			tree->totals.bytes += (uint64_t)sqlite3_column_int64(stmt, 1);
			tree->totals.allocated += (uint64_t)sqlite3_column_int64(stmt, 2);
		}
	}
	return code;
}

static int find_root(struct tree *tree, struct peel_error *err)
{
	static const char sql[] = "SELECT entry FROM dir WHERE id = 1";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(tree->store, sql, &stmt, err);

	if (code == 0) {
		code = store_step(tree->store, stmt, err);
	}
	if (code <= 0) {
		return code < 0 ? code : peel_fail(err, PEEL_EINTERNAL, "the tree has no root");
	}
	tree->totals.root_entry = (uint64_t)sqlite3_column_int64(stmt, 0);
	return 0;
}

int tree_finish(struct tree *tree, struct tree_totals *ret_totals, struct peel_error *err)
{
	int code = tree_load(tree, err);

	if (code == 0) {
		code = tree_bind_links(tree, err);
	}
	if (code == 0) {
		/* From here to the merge's end nobody writes to table entry. */
		code = store_exec(tree->store, "COMMIT; BEGIN", err);
	}
	if (code == 0) {
		code = tree_merge(tree, err);
	}
	if (code == 0 && tree->hardlinks > 0) {
		code = tree_count_links(tree, err);
		if (code == 0) {
			code = correct_for_links(tree, err);
		}
	}
	if (code == 0) {
		code = find_root(tree, err);
	}
	*ret_totals = tree->totals;
	return code;
}
