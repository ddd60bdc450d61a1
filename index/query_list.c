/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: looking one up, listing a folder, and the way back to the parent. The merged tree's names
 * are the visible entries of a folder; they are listed in the order of their ids, so that a walk
 * reads the layers front to back and a cookie is an entry id.
 */
#include "query_priv.h"

#include "util.h"

static const char merged_name[] =
	"SELECT " QUERY_COLUMNS
	" FROM entry e INDEXED BY entry_path WHERE e.dir = ?1 AND e.name = ?2 AND " QUERY_VISIBLE;
static const char merged_list[] =
	"SELECT " QUERY_COLUMNS
	" FROM entry e INDEXED BY entry_dir WHERE e.dir = ?1 AND e.id > ?2 AND " QUERY_VISIBLE
	" ORDER BY e.id";

int query_name(struct query *q, int view, uint64_t dir, const void *name, size_t len,
	struct query_found *ret_found)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	struct query_row row = {0};
	int r;

	if (len > PEEL_NAME_MAX) {
		return 0;
	}
	if (view != PEEL_VIEW_MERGED) {
		return query_layer_name(q, view, dir, name, len, ret_found);
	}
	r = store_get(q->store, merged_name, &stmt, q->err);
	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)dir);
	store_bind_blob(stmt, 2, name, len);
	r = store_step(q->store, stmt, q->err);
	if (r <= 0) {
		return r;
	}
	r = query_row_read(q, stmt, &row);
	if (r == 0) {
		r = query_merged_fill(q, &row, ret_found);
	}
	return r < 0 ? r : 1;
}

/* Remember what a name leads to: whoever lists a folder soon reads what is in it. */
static void remember(struct query *q, uint64_t folder, const struct query_found *found)
{
	if (found->type == 'd') {
		const struct query_folder_place place = {.dir = found->folder, .parent = folder};

		query_places_keep_folder(&q->index->places, found->node.ino, &place);
	} else if (found->type == 'f' && query_place_valid(q->index, &found->place)) {
		query_places_keep(&q->index->places, found->node.ino, &found->place);
	}
}

/* Hand over the name that the statement stands on. @return 0, 1 to stop, or less than 0. */
static int emit(struct query *q, uint64_t folder, sqlite3_stmt *stmt, peel_dirent_fn *each,
	void *arg, uint64_t *ret_cookie)
{
	struct query_row row;
	struct query_found found;
	struct peel_dirent entry;
	int r = query_row_read(q, stmt, &row);

	if (r == 0) {
		r = query_merged_fill(q, &row, &found);
	}
	if (r != 0) {
		return r;
	}
	entry.cookie = row.id;
	entry.name = sqlite3_column_blob(stmt, QUERY_NAME);
	entry.name_len = (size_t)sqlite3_column_bytes(stmt, QUERY_NAME);
	entry.node = found.node;
	/* The builder marks names that cannot be shown; a stranger's index may not. */
	if (!query_name_valid(entry.name, entry.name_len)) {
		return 0;
	}
	if (each(arg, &entry)) {
		return 1;
	}
	*ret_cookie = row.id;
	remember(q, folder, &found);
	return 0;
}

static int merged_each(struct query *q, uint64_t folder, uint64_t dir, uint64_t cookie,
	peel_dirent_fn *each, void *arg)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = store_get(q->store, merged_list, &stmt, q->err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)dir);
	sqlite3_bind_int64(stmt, 2, (int64_t)cookie);
	while ((r = store_step(q->store, stmt, q->err)) > 0) {
		r = emit(q, folder, stmt, each, arg, &cookie);
		if (r != 0) {
			return r;
		}
	}
	if (r == 0) {
		query_places_end_folder(&q->index->places, folder, cookie);
	}
	return r;
}

int peel_list(struct peel_index *index, uint64_t folder, uint64_t cookie, peel_dirent_fn *each,
	void *arg, struct peel_error *err)
{
	cleanup_query struct query q = {0};
	struct query_folder_place place;
	const bool known = query_places_find_folder(&index->places, folder, &place);
	int view = PEEL_VIEW_MERGED;
	int r;

	if (known && cookie > 0 && cookie == place.end) {
		return 0;
	}
	r = query_begin(&q, index, err);
	if (r == 0 && !known) {
		r = query_folder(&q, folder, &view, &place.dir);
	}
	if (r != 0) {
		return r;
	}
	return view == PEEL_VIEW_MERGED ? merged_each(&q, folder, place.dir, cookie, each, arg)
					: query_layer_list(&q, view, place.dir, cookie, each, arg);
}

int peel_lookup(struct peel_index *index, uint64_t folder, const void *name, size_t name_len,
	struct peel_node *ret_node, struct peel_error *err)
{
	cleanup_query struct query q = {0};
	struct query_folder_place place;
	struct query_found found = {0};
	const bool known = query_places_find_folder(&index->places, folder, &place);
	int view = PEEL_VIEW_MERGED;
	int r = query_begin(&q, index, err);

	if (r == 0 && !known) {
		r = query_folder(&q, folder, &view, &place.dir);
	}
	if (r < 0) {
		return r;
	}
	r = query_name(&q, view, place.dir, name, name_len, &found);
	if (r <= 0) {
		return r < 0 ? r : peel_fail(err, PEEL_ENOENT, "no such name in this folder");
	}
	*ret_node = found.node;
	/* Whoever looks for a folder soon looks for something in it. */
	if (view == PEEL_VIEW_MERGED && found.type == 'd' &&
		!query_places_find_folder(&index->places, found.node.ino, &place)) {
		remember(&q, folder, &found);
	}
	return 0;
}

int peel_parent(struct peel_index *index, uint64_t folder, uint64_t *ret_parent,
	struct peel_error *err)
{
	cleanup_query struct query q = {0};
	struct query_folder_place place;
	struct query_found found = {0};
	uint64_t parent;
	uint64_t dir;
	int view;
	int r;

	if (query_places_find_folder(&index->places, folder, &place)) {
		*ret_parent = place.parent;
		return 0;
	}
	r = query_begin(&q, index, err);
	if (r == 0) {
		r = query_folder(&q, folder, &view, &dir);
	}
	if (r == 0) {
		r = query_dir(&q, dir, &parent, NULL, NULL);
	}
	if (r != 0) {
		return r;
	}
	r = query_folder_node(&q, view, parent ? parent : STORE_ROOT_DIR, &found);
	if (r <= 0) {
		return r < 0 ? r : peel_fail(err, PEEL_ENOENT, "the folder is not in the tree");
	}
	*ret_parent = found.node.ino;
	return 0;
}
