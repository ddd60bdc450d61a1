/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One pass over the ledger in the order of paths. There the copies of a path follow one another, and what is
 * below a folder is together, so a path's row is done when another path comes, and a folder's when a path
 * outside comes: only the folders on the way down are open.
 */
#include <stdlib.h>
#include <string.h>

#include "query_priv.h"
#include "query_waste.h"
#include "util.h"

/* A folder on the way down. */
struct open_folder {
	/** Length of its path, without a slash at the end: 0 is the root. */
	size_t len;
	uint64_t files, bytes, allocated;
	uint64_t by_cause[PEEL_CAUSE_COUNT];
};

struct gather {
	const struct peel_waste_options *options;
	struct peel_waste *waste;
	struct waste_pairs pairs;
	struct waste_top paths, folders;
	/** The path at hand; its buffer is also that of the folders. */
	char path[PEEL_PATH_MAX + 1];
	struct peel_waste_path row;
	/** Bytes of the largest piece of row. */
	uint64_t largest;
	/** Deepest folder that has a row. */
	size_t depth;
	struct open_folder *open;
	size_t open_count, open_room;
	int code;
	struct peel_error *err;
};

/* The path at hand is done. */
static int end_path(struct gather *gather)
{
	int r = gather->row.files ? waste_top_add(&gather->paths, &gather->row, gather->err) : 0;

	gather->row = (struct peel_waste_path){.layer = -1, .hidden_by = -1};
	gather->largest = 0;
	return r;
}

static int end_folder(struct gather *gather)
{
	/* The root has no name but the slash that its paths begin with. */
	const struct open_folder *folder = &gather->open[--gather->open_count];
	struct peel_waste_path row = {
		.path = gather->path,
		.path_len = folder->len ? folder->len : 1,
		.files = folder->files,
		.bytes = folder->bytes,
		.allocated = folder->allocated,
		.layer = -1,
		.hidden_by = -1,
	};
	uint64_t most = 0;

	for (int i = 1; i < PEEL_CAUSE_COUNT; i++) {
		if (folder->by_cause[i] > most) {
			most = folder->by_cause[i];
			row.cause = (enum peel_cause)i;
		}
	}
	return folder->files ? waste_top_add(&gather->folders, &row, gather->err) : 0;
}

/* True where a path is in a folder whose path stands in the buffer. */
static bool is_below(const struct gather *gather, size_t folder_len, const struct peel_piece *piece)
{
	return piece->path_len > folder_len && piece->path[folder_len] == '/' &&
		memcmp(piece->path, gather->path, folder_len) == 0;
}

/* Close the folders that a piece is not in, take its path, and open those that it is in. */
static int enter(struct gather *gather, const struct peel_piece *piece)
{
	const char *slash;
	size_t from;
	int r = end_path(gather);

	while (r == 0 && gather->open_count > 0 &&
		!is_below(gather, gather->open[gather->open_count - 1].len, piece)) {
		r = end_folder(gather);
	}
	if (r < 0) {
		return r;
	}
	memcpy(gather->path, piece->path, piece->path_len + 1);
	gather->row.path = gather->path;
	gather->row.path_len = piece->path_len;
	from = gather->open_count ? gather->open[gather->open_count - 1].len + 1 : 0;
	while (gather->open_count <= gather->depth &&
		(slash = memchr(gather->path + from, '/', piece->path_len - from))) {
		if (!grow_array(&gather->open, gather->open_count, &gather->open_room,
			    sizeof(*gather->open))) {
			return peel_fail(gather->err, PEEL_ENOMEM, "out of memory");
		}
		from = (size_t)(slash - gather->path);
		gather->open[gather->open_count++] = (struct open_folder){.len = from};
		from++;
	}
	return 0;
}

static void add_hidden(struct gather *gather, const struct peel_piece *piece)
{
	struct peel_waste_path *row = &gather->row;

	if (row->files == 0 || piece->bytes > gather->largest) {
		gather->largest = piece->bytes;
		row->layer = piece->layer;
		row->hidden_by = piece->hidden_by;
		row->cause = piece->cause;
	}
	row->files++;
	sum_add(&row->bytes, piece->bytes);
	sum_add(&row->allocated, piece->allocated);
	for (size_t i = 0; i < gather->open_count; i++) {
		struct open_folder *folder = &gather->open[i];

		folder->files++;
		sum_add(&folder->bytes, piece->bytes);
		sum_add(&folder->allocated, piece->allocated);
		sum_add(&folder->by_cause[piece->cause], piece->bytes);
	}
}

static int take_piece(void *arg, const struct peel_piece *piece)
{
	struct gather *gather = arg;
	const struct peel_waste_path *row = &gather->row;

	peel_ledger_add(&gather->waste->total, piece);
	peel_ledger_add(&gather->waste->layers[piece->layer], piece);
	if (!row->path || row->path_len != piece->path_len ||
		memcmp(row->path, piece->path, piece->path_len) != 0) {
		gather->code = enter(gather, piece);
	}
	if (gather->code == 0 && piece->visible) {
		gather->row.visible = true;
	} else if (gather->code == 0) {
		add_hidden(gather, piece);
		gather->code = waste_pairs_add(&gather->pairs, piece, gather->err);
	}
	return gather->code ||
		(gather->options->each && gather->options->each(gather->options->arg, piece));
}

/* Hand the rows over, in order. */
static void take_rows(struct gather *gather)
{
	struct peel_waste *waste = gather->waste;

	waste_pairs_sort(&gather->pairs);
	waste_top_sort(&gather->paths);
	waste_top_sort(&gather->folders);
	waste->pairs = steal_pointer(&gather->pairs.rows);
	waste->pair_count = gather->pairs.count;
	waste->paths = steal_pointer(&gather->paths.rows);
	waste->path_count = gather->paths.count;
	waste->path_total = gather->paths.total;
	waste->folders = steal_pointer(&gather->folders.rows);
	waste->folder_count = gather->folders.count;
	waste->folder_total = gather->folders.total;
	gather->paths.count = 0;
	gather->folders.count = 0;
}

static void gather_free(struct gather *gather)
{
	if (!gather) {
		return;
	}
	peel_waste_free(gather->waste);
	free(gather->pairs.rows);
	free(gather->pairs.slots);
	waste_rows_free(gather->paths.rows, gather->paths.count);
	waste_rows_free(gather->folders.rows, gather->folders.count);
	free(gather->open);
	free(gather);
}

static struct gather *gather_new(struct peel_index *index, const struct peel_waste_options *options,
	struct peel_error *err)
{
	struct gather *gather = calloc(1, sizeof(*gather));

	if (!gather) {
		return NULL;
	}
	gather->err = err;
	gather->options = options;
	gather->depth = options->depth;
	gather->paths.limit = options->top;
	gather->folders.limit = options->top;
	gather->waste = calloc(1, sizeof(*gather->waste));
	if (gather->waste) {
		gather->waste->layer_count = (size_t)index->layer_count;
		gather->waste->layers = calloc((size_t)index->layer_count + 1,
			sizeof(*gather->waste->layers));
	}
	if (!gather->waste || !gather->waste->layers) {
		gather_free(gather);
		return NULL;
	}
	return gather;
}

int peel_waste(struct peel_index *index, const struct peel_waste_options *options,
	struct peel_waste **ret_waste, struct peel_error *err)
{
	struct gather *gather = gather_new(index, options, err);
	int r;

	if (!gather) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	r = peel_pieces(index, PEEL_BY_PATH, false, take_piece, gather, err);
	r = gather->code < 0 ? gather->code : r;
	if (r == 0) {
		r = end_path(gather);
	}
	while (r == 0 && gather->open_count > 0) {
		r = end_folder(gather);
	}
	if (r == 0) {
		take_rows(gather);
		*ret_waste = steal_pointer(&gather->waste);
	}
	gather_free(gather);
	return r;
}

void peel_waste_free(struct peel_waste *waste)
{
	if (!waste) {
		return;
	}
	free(waste->layers);
	free(waste->pairs);
	waste_rows_free(waste->paths, waste->path_count);
	waste_rows_free(waste->folders, waste->folder_count);
	free(waste);
}
