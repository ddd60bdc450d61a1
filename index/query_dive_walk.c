/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The walk over all paths of all layers at once, by table dir. The names of a folder come in two parts: those that
 * some layer has as a folder, each with all that is below it, then the rest in one pass over the index entry_path.
 */
#include "query_dive.h"

#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "util.h"

static const char next_folder[] =
	"SELECT id, name FROM dir WHERE parent = ?1 AND name > ?2 ORDER BY name LIMIT 1";
static const char folder_names[] = "SELECT name FROM dir WHERE parent = ?1 ORDER BY name";
static const char needed_by[] = "SELECT DISTINCT layer FROM touch WHERE dir = ?1 ORDER BY layer";
/* What dive's trees hold: no opaque markers, nothing of aufs. */
#define ROWS \
	"SELECT id, layer, type, size, name FROM entry INDEXED BY entry_path WHERE dir = ?1" \
	" AND type <> 'o' AND (coalesce(why, 0) <> 11 OR type = '?')"
static const char rows_of_name[] = ROWS " AND name = ?2 ORDER BY name, type, id";
static const char rows_of_folder[] = ROWS " ORDER BY name, type, id";

static int take_row(struct dive *dive, struct dive_group *group, sqlite3_stmt *stmt)
{
	const char type = store_text(stmt, 2)[0];
	const int layer = sqlite3_column_int(stmt, 1);
	const int64_t size = sqlite3_column_int64(stmt, 3);
	const struct dive_node node = {
		.id = sqlite3_column_int64(stmt, 0),
		.layer = layer,
		.there = type != 'w',
		.whiteout = type == 'w',
		.folder = type == 'd',
		.size = type == 'f' && size > 0 ? (uint64_t)size : 0,
	};

	if (layer < 0 || layer >= dive->q.index->layer_count) {
		/* The merged tree's own folders: no layer has them. */
		return 0;
	}
	return dive_group_add(group, &node, dive->q.err);
}

static int start_group(struct dive *dive, struct dive_group *group, size_t folder_len,
	const void *name, size_t len)
{
	if (len == 0 || memchr(name, '/', len) || memchr(name, '\0', len)) {
		return peel_fail(dive->q.err, PEEL_EFORMAT, STORE_DAMAGED "a name");
	}
	if (folder_len + strlen(WHITEOUT_PREFIX) + len + 1 >= PEEL_PATH_MAX) {
		return peel_fail(dive->q.err, PEEL_ELIMIT, "a path over %d bytes",
			PEEL_PATH_MAX - 1);
	}
	return dive_group_start(group, name, len, dive->q.err);
}

/* A group is whole: let it count for the whiteouts above, and for its path. */
static int end_group(struct dive *dive, size_t folder_len, struct dive_group *group,
	const uint64_t *inside, uint64_t *ret_layers)
{
	for (size_t i = 0; i < group->count; i++) {
		dive_set_layer(ret_layers, group->nodes[i].layer);
	}
	dive_group_contribute(group);
	return dive_count(dive, folder_len, group, inside);
}

static bool same_name(const struct dive_group *group, const void *name, size_t len)
{
	return group->name_len == len && memcmp(group->name, name, len) == 0;
}

/* Moves on in the names of subfolders until one is not less. @return 1 where it is this name, 0, or less than 0. */
static int is_folder(struct dive *dive, sqlite3_stmt *folders, bool *more, const void *name,
	size_t len)
{
	while (*more) {
		const void *folder = sqlite3_column_blob(folders, 0);
		const size_t folder_len = (size_t)sqlite3_column_bytes(folders, 0);
		const int order = folder_len && len ? memcmp(folder, name, min_u64(folder_len, len))
						    : 0;
		int r;

		if (order > 0 || (order == 0 && folder_len >= len)) {
			return order == 0 && folder_len == len;
		}
		r = store_step(dive->q.store, folders, dive->q.err);
		if (r < 0) {
			return r;
		}
		*more = r > 0;
	}
	return 0;
}

/* The names in a folder that no layer has as a folder. */
static int walk_files(struct dive *dive, uint64_t dir, size_t folder_len,
	const struct dive_group *above, uint64_t *ret_layers)
{
	struct dive_group *group = &dive->file;
	cleanup_stmt sqlite3_stmt *folders = NULL;
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	bool started = false;
	bool more;
	int r = store_get(dive->q.store, folder_names, &folders, dive->q.err);

	if (r == 0) {
		r = store_get(dive->q.store, rows_of_folder, &stmt, dive->q.err);
	}
	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(folders, 1, (int64_t)dir);
	sqlite3_bind_int64(stmt, 1, (int64_t)dir);
	r = store_step(dive->q.store, folders, dive->q.err);
	more = r > 0;
	r = r < 0 ? r : 0;
	while (r == 0 && (r = store_step(dive->q.store, stmt, dive->q.err)) > 0) {
		const void *name = sqlite3_column_blob(stmt, 4);
		const size_t len = (size_t)sqlite3_column_bytes(stmt, 4);

		r = 0;
		if (!started || !same_name(group, name, len)) {
			r = started ? end_group(dive, folder_len, group, NULL, ret_layers) : 0;
			started = false;
			if (r == 0) {
				r = is_folder(dive, folders, &more, name, len);
			}
			if (r != 0) {
				r = r > 0 ? 0 : r;
				continue;
			}
			r = start_group(dive, group, folder_len, name, len);
			group->above = above;
			started = r == 0;
		}
		if (r == 0) {
			r = take_row(dive, group, stmt);
		}
	}
	return r == 0 && started ? end_group(dive, folder_len, group, NULL, ret_layers) : r;
}

/* Layers that need a folder without an entry for it have a node there. @param inside 0-terminated words of bits. */
static int add_implied(struct dive *dive, struct dive_group *group, uint64_t dir,
	const uint64_t *inside)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = store_get(dive->q.store, needed_by, &stmt, dive->q.err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)dir);
	while (r == 0 && (r = store_step(dive->q.store, stmt, dive->q.err)) > 0) {
		const struct dive_node node = {
			.layer = sqlite3_column_int(stmt, 0), .there = true, .id = -1};

		r = node.layer < 0 || node.layer >= dive->q.index->layer_count
			? 0
			: dive_group_add(group, &node, dive->q.err);
	}
	for (int i = 0; r == 0 && i < dive->q.index->layer_count; i++) {
		const struct dive_node node = {.layer = i, .there = true, .id = -1};

		if (dive_has_layer(inside, i)) {
			r = dive_group_add(group, &node, dive->q.err);
		}
	}
	return r;
}

static int read_group(struct dive *dive, struct dive_group *group, uint64_t dir)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = store_get(dive->q.store, rows_of_name, &stmt, dive->q.err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)dir);
	store_bind_blob(stmt, 2, group->name, group->name_len);
	while (r == 0 && (r = store_step(dive->q.store, stmt, dive->q.err)) > 0) {
		r = take_row(dive, group, stmt);
	}
	return r;
}

/* The first subfolder past a name. @return 1 and group has its name, 0, or less than 0. */
static int find_folder(struct dive *dive, uint64_t dir, size_t folder_len, struct dive_group *group,
	uint64_t *ret_child)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int64_t child;
	int r = store_get(dive->q.store, next_folder, &stmt, dive->q.err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)dir);
	store_bind_blob(stmt, 2, group->name ? group->name : "", group->name_len);
	r = store_step(dive->q.store, stmt, dive->q.err);
	if (r <= 0) {
		return r;
	}
	child = sqlite3_column_int64(stmt, 0);
	/* Ascending ids are what makes every walk end. */
	if (child <= (int64_t)dir) {
		return peel_fail(dive->q.err, PEEL_EFORMAT, STORE_DAMAGED "a folder");
	}
	*ret_child = (uint64_t)child;
	r = start_group(dive, group, folder_len, sqlite3_column_blob(stmt, 1),
		(size_t)sqlite3_column_bytes(stmt, 1));
	return r < 0 ? r : 1;
}

/*
 * All that is in a folder, layers that have something there to ret_layers. It calls itself, once a
 * component of a path, of which there are at most FOLDER_DEPTH_MAX.
 */
static int walk_folder(struct dive *dive, uint64_t dir, size_t folder_len,
	const struct dive_group *above, uint64_t *ret_layers)
{
	cleanup(dive_group_finish) struct dive_group group = {0};
	cleanup_free uint64_t *inside = calloc(dive->words, sizeof(*inside));
	uint64_t child = 0;
	int r;

	if (!inside) {
		return peel_fail(dive->q.err, PEEL_ENOMEM, "out of memory");
	}
	while ((r = find_folder(dive, dir, folder_len, &group, &child)) > 0) {
		memset(inside, 0, dive->words * sizeof(*inside));
		group.above = above;
		r = read_group(dive, &group, dir);
		if (r == 0) {
			dive_set_path(dive, folder_len, &group, "");
			r = walk_folder(dive, child, folder_len + 1 + group.name_len,
				group.white_count ? &group : above, inside);
		}
		if (r == 0) {
			r = add_implied(dive, &group, child, inside);
		}
		if (r == 0) {
			r = end_group(dive, folder_len, &group, inside, ret_layers);
		}
		if (r != 0) {
			return r;
		}
	}
	return r < 0 ? r : walk_files(dive, dir, folder_len, above, ret_layers);
}

int dive_walk(struct dive *dive)
{
	cleanup_free uint64_t *layers = calloc(dive->words, sizeof(*layers));

	return layers ? walk_folder(dive, STORE_ROOT_DIR, 0, NULL, layers)
		      : peel_fail(dive->q.err, PEEL_ENOMEM, "out of memory");
}
