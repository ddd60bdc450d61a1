/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The events of a path: its own entries and whiteouts in all layers, which stand together in an
 * index, and what was done to the folders above it. The latter are looked for only where the merge
 * says that one of them hid something here: an entry's hidden_by names the layer, so one walk up
 * from the path finds which folder it was.
 */
#include "query_why.h"

#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "util.h"

static const char rows_at[] = "SELECT " QUERY_COLUMNS ", e.hash FROM entry e INDEXED BY entry_path"
			      " WHERE e.dir = ?1 AND e.name = ?2 AND e.type <> 'o' ORDER BY e.id";
static const char opaque_in[] =
	"SELECT " QUERY_COLUMNS ", e.hash FROM entry e"
	" WHERE e.dir = ?1 AND e.name = x'' AND e.type = 'o' AND e.id >= ?3 AND e.id < ?4";
static const char whiteout_of[] =
	"SELECT " QUERY_COLUMNS ", e.hash FROM entry e"
	" WHERE e.dir = ?1 AND e.name = ?2 AND e.type = 'w' AND e.id >= ?3 AND e.id < ?4";
static const char other_at[] =
	"SELECT " QUERY_COLUMNS ", e.hash FROM entry e INDEXED BY entry_path"
	" WHERE e.dir = ?1 AND e.name = ?2 AND e.type NOT IN ('d', 'w', 'o', '?')"
	" AND e.id >= ?3 AND e.id < ?4";
static const char dir_at[] = "SELECT id FROM dir WHERE parent = ?1 AND name = ?2";

#define COLUMN_HASH QUERY_COLUMN_COUNT

void why_events_free(struct why_events *events)
{
	for (size_t i = 0; i < events->count; i++) {
		free(events->events[i].path);
		free(events->events[i].link);
		free(events->events[i].package);
	}
	free(events->events);
	*events = (struct why_events){0};
}

/* The path of a name in a folder, NUL-terminated. */
static int path_of(struct query *q, uint64_t dir, const void *name, size_t len, char **ret_path)
{
	char buf[PEEL_PATH_MAX];
	size_t used = 0;
	char *path;
	int r = dir ? query_dir_path(q, dir, buf, &used) : 0;

	if (r < 0) {
		return r;
	}
	path = malloc(used + len + 2);
	if (!path) {
		return peel_fail(q->err, PEEL_ENOMEM, "out of memory");
	}
	memcpy(path, buf, used);
	/* A name, or the root; an opaque marker has no name and is its folder. */
	if (len || used == 0) {
		path[used++] = '/';
	}
	if (len) {
		memcpy(path + used, name, len);
	}
	path[used + len] = '\0';
	*ret_path = path;
	return 0;
}

static int copy_link(struct query *q, sqlite3_stmt *stmt, struct why_event *event)
{
	const void *link = sqlite3_column_blob(stmt, QUERY_LINK);

	if (event->row.type != 'l' && event->row.type != 'h') {
		return 0;
	}
	event->link_len = (size_t)sqlite3_column_bytes(stmt, QUERY_LINK);
	event->link = calloc(1, event->link_len + 1);
	if (!event->link) {
		return peel_fail(q->err, PEEL_ENOMEM, "out of memory");
	}
	if (event->link_len) {
		memcpy(event->link, link, event->link_len);
	}
	return 0;
}

/* Append the row that a statement stands on. */
static int add_event(struct query *q, struct why_events *events, sqlite3_stmt *stmt,
	enum why_rank rank)
{
	const void *hash = sqlite3_column_blob(stmt, COLUMN_HASH);
	struct why_event *event;
	int r;

	if (events->count >= WHY_EVENTS_MAX) {
		return peel_fail(q->err, PEEL_ELIMIT, "the path has more than %d entries",
			WHY_EVENTS_MAX);
	}
	if (!grow_array(&events->events, events->count, &events->room, sizeof(*event))) {
		return peel_fail(q->err, PEEL_ENOMEM, "out of memory");
	}
	event = &events->events[events->count];
	*event = (struct why_event){.rank = rank};
	r = query_row_read(q, stmt, &event->row);
	if (r < 0) {
		return r;
	}
	events->count++;
	if (rank == WHY_RANK_ENTRY && event->row.type == 'w') {
		event->rank = WHY_RANK_WHITEOUT;
	}
	event->hashed = hash && sqlite3_column_bytes(stmt, COLUMN_HASH) == WHY_HASH_SIZE;
	if (event->hashed) {
		memcpy(event->hash, hash, WHY_HASH_SIZE);
	}
	r = copy_link(q, stmt, event);
	return r < 0 ? r
		     : path_of(q, event->row.dir, sqlite3_column_blob(stmt, QUERY_NAME),
			       (size_t)sqlite3_column_bytes(stmt, QUERY_NAME), &event->path);
}

static int read_own(struct query *q, uint64_t dir, const char *name, size_t len,
	struct why_events *events)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = store_get(q->store, rows_at, &stmt, q->err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)dir);
	store_bind_blob(stmt, 2, name, len);
	while (r == 0 && (r = store_step(q->store, stmt, q->err)) > 0) {
		r = add_event(q, events, stmt, WHY_RANK_ENTRY);
	}
	return r;
}

/* Add the first row of a statement in a layer. @return 1 added, 0 there is none, or less than 0. */
static int add_first(struct query *q, struct why_events *events, const char *sql, uint64_t dir,
	const char *name, size_t len, int layer)
{
	const struct index_layer *range = &q->index->layers[layer];
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = store_get(q->store, sql, &stmt, q->err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)dir);
	store_bind_blob(stmt, 2, name, len);
	sqlite3_bind_int64(stmt, 3, (int64_t)range->first_id);
	sqlite3_bind_int64(stmt, 4, (int64_t)range->end_id);
	r = store_step(q->store, stmt, q->err);
	if (r > 0) {
		r = add_event(q, events, stmt, WHY_RANK_ABOVE);
		return r < 0 ? r : 1;
	}
	return r;
}

/*
 * The folder above the path through which a layer hid something: the nearest that fits the reason.
 */
static int add_above(struct query *q, struct why_events *events, uint64_t dir, int why, int layer)
{
	char name[PEEL_PATH_MAX];
	uint64_t parent;
	size_t len;
	int r = 0;

	while (r == 0 && dir != 0) {
		r = query_dir(q, dir, &parent, name, &len);
		if (r < 0) {
			return r;
		}
		if (why == WHY_OPAQUE) {
			r = add_first(q, events, opaque_in, dir, "", 0, layer);
		} else if (parent != 0) {
			r = add_first(q, events, why == WHY_REPLACED ? other_at : whiteout_of,
				parent, name, len, layer);
		}
		dir = parent;
	}
	return r < 0 ? r : 0;
}

/* Whether the layer's act is among the events already: the path's own entry, or a folder above. */
static bool has_act(const struct why_events *events, size_t own, int why, int layer, uint64_t after)
{
	for (size_t i = 0; i < events->count; i++) {
		const struct why_event *event = &events->events[i];

		if (event->row.layer != layer) {
			continue;
		}
		if (i >= own || (why == WHY_REPLACED && event->row.id > after)) {
			return true;
		}
	}
	return false;
}

/* In order of layers; within one, of ranks, then of ids. */
static int compare_events(const void *a, const void *b)
{
	const struct why_event *one = a;
	const struct why_event *two = b;

	if (one->row.layer != two->row.layer) {
		return one->row.layer < two->row.layer ? -1 : 1;
	}
	if (one->rank != two->rank) {
		return one->rank < two->rank ? -1 : 1;
	}
	return one->row.id < two->row.id ? -1 : one->row.id > two->row.id;
}

int why_events_read(struct query *q, uint64_t dir, const char *name, size_t len,
	struct why_events *events)
{
	int r = read_own(q, dir, name, len, events);
	const size_t own = events->count;

	for (size_t i = 0; r == 0 && i < own; i++) {
		const struct query_row row = events->events[i].row;

		if (row.hidden_by < 0 || row.hidden_by >= q->index->layer_count ||
			row.type == 'w') {
			continue;
		}
		if (row.why != WHY_DELETED_WITH_FOLDER && row.why != WHY_OPAQUE &&
			row.why != WHY_REPLACED) {
			continue;
		}
		if (!has_act(events, own, row.why, row.hidden_by, row.id)) {
			r = add_above(q, events, dir, row.why, row.hidden_by);
		}
	}
	if (r == 0 && events->count > 1) {
		qsort(events->events, events->count, sizeof(*events->events), compare_events);
	}
	return r;
}

/*
 * One name below a folder: in the merged tree, else as any layer has it. @return 1, 0 unknown, or
 * less than 0.
 */
static int enter(struct query *q, struct query_walk *walk, const char *name, size_t len)
{
	const uint64_t before = walk->dir;
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = query_walk_path(q, walk, name, len, true);

	if (r == 0 && !walk->leaf) {
		return 1;
	}
	if (r < 0 && r != PEEL_ENOENT && r != PEEL_ENOTDIR && r != PEEL_ELOOP && r != PEEL_ELIMIT) {
		return r;
	}
	query_forgive(q);
	walk->leaf = false;
	r = store_get(q->store, dir_at, &stmt, q->err);
	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)before);
	store_bind_blob(stmt, 2, name, len);
	r = store_step(q->store, stmt, q->err);
	if (r > 0) {
		walk->dir = (uint64_t)sqlite3_column_int64(stmt, 0);
	}
	return r;
}

/* Stand on a folder itself: its place in its parent. */
static int place_of_folder(struct query *q, uint64_t dir, struct why_place *ret_place)
{
	int r = query_dir(q, dir, &ret_place->dir, ret_place->name, &ret_place->len);

	if (dir == STORE_ROOT_DIR) {
		ret_place->len = 0;
	}
	return r < 0 ? r : 1;
}

int why_place(struct query *q, const char *path, size_t len, struct why_place *ret_place)
{
	struct query_walk walk = {.view = PEEL_VIEW_MERGED, .dir = STORE_ROOT_DIR};
	const char *last = NULL;
	size_t last_len = 0;
	size_t pos = 0;
	size_t start;
	size_t part;
	int r = 1;

	while (r > 0 && path && path_next(path, len, &pos, &start, &part)) {
		if (part == 1 && path[start] == '.') {
			continue;
		}
		r = last ? enter(q, &walk, last, last_len) : 1;
		last = path + start;
		last_len = part;
	}
	if (r > 0 && (!last || (last_len == 2 && memcmp(last, "..", 2) == 0))) {
		r = last ? enter(q, &walk, last, last_len) : 1;
		return r > 0 ? place_of_folder(q, walk.dir, ret_place) : r;
	}
	if (r > 0) {
		ret_place->dir = walk.dir;
		ret_place->len = last_len;
		memcpy(ret_place->name, last, last_len);
	}
	return r;
}
