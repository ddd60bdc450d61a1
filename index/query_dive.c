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
void dive_set_path(struct dive *dive, size_t folder_len, const struct dive_group *group,
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
int dive_count(struct dive *dive, size_t folder_len, const struct dive_group *group,
	const uint64_t *inside)
{
	struct sizes sizes = {0};
	struct peel_waste_path row;
	int r = 0;

	dive->half_counted = false;
	for (size_t i = 0; r == 0 && i < group->count; i++) {
		const struct dive_node *node = &group->nodes[i];

		if (node->whiteout) {
			dive_set_path(dive, folder_len, group, WHITEOUT_PREFIX);
			r = count_whiteout(dive, group, node->layer, &sizes);
		}
		if (node->there && !(inside && dive_has_layer(inside, node->layer))) {
			dive_set_path(dive, folder_len, group, "");
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
	dive_set_path(dive, folder_len, group, "");
	row = (struct peel_waste_path){.path = dive->path,
		.path_len = folder_len + 1 + group->name_len,
		.files = sizes.count,
		.bytes = sizes.sum};
	return waste_top_add(&dive->top, &row, dive->q.err);
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
		r = dive_walk(dive);
	}
	if (r == 0) {
		dive->counting = true;
		r = dive_walk(dive);
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
