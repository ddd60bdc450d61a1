/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dive says, by its own formulas (dive/filetree/efficiency.go, dive/image/analysis.go of its version 0.13),
 * so that figures of old reports come out again.
 *
 * dive makes a tree of each layer: a node a tar entry and a folder on the way; whiteouts are nodes named
 * ".wh.x", opaque markers are none. Over the leaves of all trees it sums up for each path how many there are,
 * their sizes, and the smallest. A leaf's size is that of its header, and a whiteout's is that of all that was below
 * the path, if the path was a folder with a header of its own in the last layer that has it: else 0.
 *
 *   efficiency = sum of the smallest / sum of all        wasted = sum over paths that two leaves have
 *
 * What was below a path is asked of dive's own stack of the lower layers: a whiteout takes what is below it away,
 * opaque markers and files in the place of folders do not, and within a layer entries are taken in the order
 * of their names with ".wh." before. A whiteout of nothing ends dive's pass over that layer, in the order of names;
 * what comes later in the layer counts nowhere.
 *
 * dive has all trees in memory, and stacks them again for each whiteout. Here paths are walked once, as table dir has
 * them, all layers side by side. Only the folders on the way down are held. A file is there from the layer that
 * has it until the next whiteout above it; it counts for that one. So each size is added once for each
 * folder above it that this layer deletes. Because a whiteout of nothing decides what counts, and is known
 * when the walk is done, images with whiteouts are walked twice.
 *
 * Names are canonical: a tar that goes through its own symlinks has other paths for dive.
 */
#include "query_dive.h"

#include <math.h>
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
static const char any_whiteout[] = "SELECT 1 FROM entry WHERE type = 'w' LIMIT 1";

/* A path's size in its layers. */
struct sizes {
	uint32_t count;
	uint64_t sum, smallest;
};

static void add_size(struct sizes *sizes, uint64_t size)
{
	sizes->smallest = sizes->count == 0 ? size : min_u64(sizes->smallest, size);
	sizes->count++;
	sum_add(&sizes->sum, size);
}

/* A whiteout of nothing ends the layer: remember the first. */
static int set_cut(struct dive *dive, int layer)
{
	char **cut = &dive->cuts[layer];
	char *copy;

	if (*cut && dive_compare_paths(*cut, dive->path) <= 0) {
		return 0;
	}
	copy = strdup(dive->path);
	if (!copy) {
		return peel_fail(dive->q.err, PEEL_ENOMEM, "out of memory");
	}
	free(*cut);
	*cut = copy;
	return 0;
}

/* True where dive's pass over a layer did not come to the path at hand. */
static bool is_cut(const struct dive *dive, int layer)
{
	return dive->counting && dive->cuts[layer] &&
		dive_compare_paths(dive->path, dive->cuts[layer]) >= 0;
}

/* Put the name of a group at the end of the folder's path, as a tar has it. */
static void set_path(struct dive *dive, size_t folder_len, const struct dive_group *group,
	const char *prefix)
{
	const size_t len = strlen(prefix);

	dive->path[folder_len] = '/';
	memcpy(dive->path + folder_len + 1, prefix, len);
	memcpy(dive->path + folder_len + 1 + len, group->name, group->name_len);
	dive->path[folder_len + 1 + len + group->name_len] = '\0';
}

/* A whiteout of a path in a layer. */
static int count_whiteout(struct dive *dive, const struct dive_group *group, int layer,
	struct sizes *sizes)
{
	bool folder = false;

	if (!dive_group_before(group, layer, &folder)) {
		/* dive has made the path's record by then, with a smallest size of -1. */
		if (dive->counting && dive->cuts[layer] &&
			strcmp(dive->path, dive->cuts[layer]) == 0) {
			dive->half_counted = true;
		}
		return dive->counting ? 0 : set_cut(dive, layer);
	}
	if (!is_cut(dive, layer)) {
		add_size(sizes, folder ? dive_group_sum(group, layer) : 0);
	}
	return 0;
}

/* All leaves of a path. @param inside layers in which something is below it; NULL: none. */
static int count_group(struct dive *dive, size_t folder_len, const struct dive_group *group,
	const uint64_t *inside)
{
	struct sizes sizes = {0};
	struct peel_waste_path row;
	int r = 0;

	dive->half_counted = false;
	for (size_t i = 0; r == 0 && i < group->count; i++) {
		const struct dive_node *node = &group->nodes[i];

		if (node->whiteout) {
			set_path(dive, folder_len, group, WHITEOUT_PREFIX);
			r = count_whiteout(dive, group, node->layer, &sizes);
		}
		if (node->there && !(inside && dive_has_layer(inside, node->layer))) {
			set_path(dive, folder_len, group, "");
			if (!is_cut(dive, node->layer)) {
				add_size(&sizes, node->size);
			}
		}
	}
	if (r < 0 || !dive->counting) {
		return r;
	}
	if (sizes.count == 0) {
		dive->minus += dive->half_counted;
		return 0;
	}
	sum_add(&dive->smallest, sizes.smallest);
	sum_add(&dive->all, sizes.sum);
	if (sizes.count < 2) {
		return 0;
	}
	sum_add(&dive->result->wasted_bytes, sizes.sum);
	set_path(dive, folder_len, group, "");
	row = (struct peel_waste_path){.path = dive->path,
		.path_len = folder_len + 1 + group->name_len,
		.files = sizes.count,
		.bytes = sizes.sum};
	return waste_top_add(&dive->top, &row, dive->q.err);
}

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
		return peel_fail(dive->q.err, PEEL_EFORMAT, "the index is damaged: a name");
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
	return count_group(dive, folder_len, group, inside);
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
		return peel_fail(dive->q.err, PEEL_EFORMAT, "the index is damaged: a folder");
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
			set_path(dive, folder_len, &group, "");
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

static int walk_all(struct dive *dive)
{
	cleanup_free uint64_t *layers = calloc(dive->words, sizeof(*layers));

	return layers ? walk_folder(dive, STORE_ROOT_DIR, 0, NULL, layers)
		      : peel_fail(dive->q.err, PEEL_ENOMEM, "out of memory");
}

static int has_whiteouts(struct dive *dive)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = store_get(dive->q.store, any_whiteout, &stmt, dive->q.err);

	return r < 0 ? r : store_step(dive->q.store, stmt, dive->q.err);
}

static void sum_up(struct dive *dive)
{
	struct peel_dive *result = dive->result;

	for (int i = 0; i < dive->q.index->layer_count; i++) {
		const uint64_t bytes = dive->q.index->layers[i].stat.bytes;

		sum_add(&result->size_bytes, bytes);
		sum_add(&result->user_bytes, i > 0 ? bytes : 0);
	}
	result->efficiency = dive->all == 0
		? 1.0
		: ((double)dive->smallest - (double)dive->minus) / (double)dive->all;
	result->user_wasted = result->user_bytes > 0
		? (double)result->wasted_bytes / (double)result->user_bytes
		: result->wasted_bytes > 0 ? (double)INFINITY
					   : (double)NAN;
}

/* Hand the paths over, in order. */
static int take_paths(struct dive *dive)
{
	struct peel_dive *result = dive->result;

	result->paths = calloc(dive->top.count + 1, sizeof(*result->paths));
	if (!result->paths) {
		return peel_fail(dive->q.err, PEEL_ENOMEM, "out of memory");
	}
	waste_top_sort(&dive->top);
	for (size_t i = 0; i < dive->top.count; i++) {
		struct peel_waste_path *row = &dive->top.rows[i];

		result->paths[i] = (struct peel_dive_path){.path = steal_pointer(&row->path),
			.path_len = row->path_len,
			.count = row->files,
			.bytes = row->bytes};
	}
	result->path_count = dive->top.count;
	result->path_total = dive->top.total;
	return 0;
}

static int reckon(struct dive *dive)
{
	int r = has_whiteouts(dive);

	if (r > 0) {
		r = walk_all(dive);
	}
	if (r == 0) {
		dive->counting = true;
		r = walk_all(dive);
	}
	if (r == 0) {
		sum_up(dive);
		r = take_paths(dive);
	}
	return r;
}

static void dive_free(struct dive *dive)
{
	if (!dive) {
		return;
	}
	for (int i = 0; dive->cuts && i < dive->q.index->layer_count; i++) {
		free(dive->cuts[i]);
	}
	free(dive->cuts);
	waste_rows_free(dive->top.rows, dive->top.count);
	dive_group_finish(&dive->file);
	peel_dive_free(dive->result);
	free(dive);
}

static struct dive *dive_new(struct peel_index *index, size_t top)
{
	struct dive *dive = calloc(1, sizeof(*dive));

	if (!dive) {
		return NULL;
	}
	dive->top.limit = top;
	dive->words = (size_t)index->layer_count / 64 + 1;
	dive->q.index = index;
	dive->cuts = calloc((size_t)index->layer_count + 1, sizeof(*dive->cuts));
	dive->result = calloc(1, sizeof(*dive->result));
	if (!dive->cuts || !dive->result) {
		dive_free(dive);
		return NULL;
	}
	return dive;
}

int peel_dive(struct peel_index *index, size_t top, struct peel_dive **ret_dive,
	struct peel_error *err)
{
	struct dive *dive = dive_new(index, top);
	int r;

	if (!dive) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	r = query_begin(&dive->q, index, err);
	if (r == 0) {
		r = reckon(dive);
		query_end_(&dive->q);
	}
	if (r == 0) {
		*ret_dive = steal_pointer(&dive->result);
	}
	dive_free(dive);
	return r;
}

void peel_dive_free(struct peel_dive *dive)
{
	if (!dive) {
		return;
	}
	for (size_t i = 0; i < dive->path_count; i++) {
		free(dive->paths[i].path);
	}
	free(dive->paths);
	free(dive);
}
