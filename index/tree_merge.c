/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merge: which entries are visible, and of the others, which layer hid them and why.
 *
 * All entries are read in the order of their paths (tree_sort.c), so that what layers say of one
 * path stands together; all folders stand in the same order in index dir_name. Reading both side by
 * side gives one group a path, and a parent's
 * group always comes before those of its children (a parent's dir.id is smaller). So one pass is
 * enough, and what it must remember of the way is only, for each folder that something was taken
 * from, a list of kills:
 *
 *	"at moment T, layer L hid everything in here that is older than T, because …"
 *
 * Moments are entry ids. A whiteout or an opaque marker of layer L acts at the first id of L,
 * wherever it stands in the layer (so it can only hit lower layers); an entry that is no folder and
 * takes a folder's place acts at its own id. A path's events (entries, whiteouts, "a folder is
 * needed here") are played in order of their moments; each entry is hidden by the first thing that
 * happens to it. Kills pass on to folders below as a chain of pointers, so a list costs memory only
 * where something happens.
 *
 * What comes below something that is no folder is unreachable: that is a kill at the moment when a
 * folder comes back, or at the end of time. A folder that a layer needs but has no entry for takes
 * a lower layer's symlink away, as an overlay driver's would, keeps a lower
 * folder's metadata, and where there is none becomes an implied folder.
 *
 * Rejected: a tree in memory (unbounded: 5 million names), and one SQL query a path (ten times
 * slower).
 */
#include "tree_play.h"

#include <stdlib.h>
#include <string.h>

#include <peel/query.h>

#include "tree_sort.h"
#include "util.h"

/**
 * Most moments that one path's events may have: a path named a million times in one layer is an
 * attack.
 */
#define EVENTS_MAX (1u << 20)

struct merge {
	struct tree *tree;
	/** The two readers, and whether they are at a row. */
	struct sort_row entry;
	sqlite3_stmt *dirs;
	bool more_entries, more_dirs;
	bool any_needs;
	struct path_group group;
	struct kills kills;
	/** Folders of the merged tree: their entries, and how many folders are in them. */
	struct tree_batch dir_entries, dir_counts;
	/** The folder whose groups are being read. */
	uint32_t open_dir;
	uint64_t subdirs;
	/** Visible names so far, and implied folders among them. */
	uint64_t names;
	uint64_t implied;
};

int tree_layer_of(const struct tree *tree, uint64_t id)
{
	size_t low = 0;
	size_t high = tree->layer_count;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (tree->layers[middle].first_id <= id) {
			low = middle;
		} else {
			high = middle;
		}
	}
	return (int)low;
}

/** Implied folders become rows when the readers are done, who would meet them otherwise. */
static int note_implied(struct merge *merge, const struct standing *what, struct peel_error *err)
{
	static const char sql[] =
		"INSERT INTO implied (dir, name, self, layer) VALUES (?1, ?2, ?3, ?4)";
	sqlite3_stmt *stmt;
	int code = store_get(merge->tree->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, merge->group.dir);
	store_bind_blob(stmt, 2, merge->group.name, merge->group.name_len);
	sqlite3_bind_int64(stmt, 3, merge->group.child);
	sqlite3_bind_int64(stmt, 4, what->id ? tree_layer_of(merge->tree, what->id) : 0);
	merge->implied++;
	return store_run(merge->tree->store, stmt, err);
}

static int finish_standing(struct merge *merge, const struct standing *what, struct peel_error *err)
{
	bool root = merge->group.dir == 0;
	int code = 0;

	if (root && (what->id == 0 || what->implied)) {
		merge->names++;
		return note_implied(merge, what, err);
	}
	if (what->id == 0) {
		return 0;
	}
	merge->names += merge->group.name_len <= PEEL_NAME_MAX;
	if (what->type == 'd') {
		merge->subdirs += !root && merge->group.name_len <= PEEL_NAME_MAX;
		code = what->implied ? note_implied(merge, what, err)
				     : tree_batch_add(&merge->dir_entries, merge->tree->store,
					       merge->group.child, what->id, 0, err);
	}
	return code;
}

static int close_dir(struct merge *merge, struct peel_error *err)
{
	return merge->subdirs == 0 || merge->open_dir == 0
		? 0
		: tree_batch_add(&merge->dir_counts, merge->tree->store, merge->open_dir,
			  merge->subdirs, 0, err);
}

static int open_dir(struct merge *merge, struct peel_error *err)
{
	int code = close_dir(merge, err);

	merge->open_dir = merge->group.dir;
	merge->subdirs = 0;
	merge->group.kills = kills_get(&merge->kills, merge->group.dir);
	return code;
}

/**
 * Opaque markers: at the start of their layer, all that is older goes. They are a folder's first
 * group.
 */
static int take_opaque(struct merge *merge, struct peel_error *err)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < merge->group.event_count; i++) {
		int layer = tree_layer_of(merge->tree, merge->group.events[i].id);

		code = kills_add(&merge->kills, (int64_t)merge->tree->layers[layer].first_id,
			WHY_OPAQUE, layer, &merge->group.kills, err);
	}
	return code;
}

static int compare_events(const void *a, const void *b)
{
	const struct event *left = a;
	const struct event *right = b;

	if (left->moment != right->moment) {
		return left->moment < right->moment ? -1 : 1;
	}
	if (left->kind != right->kind) {
		return left->kind < right->kind ? -1 : 1;
	}
	return left->id < right->id ? -1 : left->id > right->id;
}

static int merge_group(struct merge *merge, struct peel_error *err)
{
	struct standing what = {0};
	const struct kill *below;
	bool aufs = merge->group.name_len >= 8 && memcmp(merge->group.name, ".wh..wh.", 8) == 0;
	int code = merge->group.dir != merge->open_dir ? open_dir(merge, err) : 0;

	if (code == 0 && merge->group.dir > 0 && merge->group.name_len == 0) {
		return take_opaque(merge, err);
	}
	if (code < 0) {
		return code;
	}
	below = merge->group.kills;
	if (merge->group.event_count > 1) {
		qsort(merge->group.events, merge->group.event_count, sizeof(*merge->group.events),
			compare_events);
	}
	if (code == 0) {
		code = tree_play(&merge->group, &what, &below, err);
	}
	if (code == 0 && aufs && what.id != 0) {
		code = tree_hide(merge->tree, &what, WHY_MARKER,
			tree_layer_of(merge->tree, what.id), err);
		what = (struct standing){0};
	}
	if (code == 0 && aufs && merge->group.child) {
		code = kills_add(&merge->kills, END_OF_TIME, WHY_MARKER, 0, &below, err);
	}
	if (code == 0 && merge->group.child) {
		code = kills_put(&merge->kills, merge->group.child, below, err);
	}
	return code < 0 ? code : finish_standing(merge, &what, err);
}

static int add_event(struct merge *merge, const struct event *event, struct peel_error *err)
{
	if (merge->group.event_count >= EVENTS_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "one path is named more than %u times",
			EVENTS_MAX);
	}
	if (!grow_array(&merge->group.events, merge->group.event_count, &merge->group.event_room,
		    sizeof(*merge->group.events))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	merge->group.events[merge->group.event_count++] = *event;
	return 0;
}

/** A broken hard link is no event. @return 1 broken, 0 not, or less than 0. */
static int is_broken(struct merge *merge, uint64_t id, char type, struct peel_error *err)
{
	static const char sql[] = "SELECT 1 FROM entry WHERE id = ?1 AND why IS NOT NULL";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code;

	if (type != 'h' || !merge->tree->broken_links) {
		return 0;
	}
	code = store_get(merge->tree->store, sql, &stmt, err);
	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)id);
	return store_step(merge->tree->store, stmt, err);
}

static int add_entry_event(struct merge *merge, struct peel_error *err)
{
	const struct sort_row *row = &merge->entry;
	struct tree *tree = merge->tree;
	struct event event = {
		.moment = (int64_t)row->id,
		.id = row->id,
		.kind = EVENT_ENTRY,
		.type = row->type,
		.size = row->size,
		.content = row->content,
		.meta = row->meta,
		.sparse = row->sparse,
	};
	int code;

	if (row->type == '?') {
		return 0;
	}
	if (row->type == 'w') {
		event.kind = EVENT_WHITEOUT;
		event.moment = (int64_t)tree->layers[tree_layer_of(tree, row->id)].first_id;
	}
	code = is_broken(merge, row->id, row->type, err);
	return code != 0 ? (code < 0 ? code : 0) : add_event(merge, &event, err);
}

static int add_needs(struct merge *merge, struct peel_error *err)
{
	static const char sql[] = "SELECT id, whiteout FROM touch WHERE dir = ?1 ORDER BY id";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code;

	if (!merge->any_needs || merge->group.child == 0) {
		return 0;
	}
	code = store_get(merge->tree->store, sql, &stmt, err);
	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, merge->group.child);
	while ((code = store_step(merge->tree->store, stmt, err)) > 0) {
		const struct event event = {
			.moment = sqlite3_column_int64(stmt, 0),
			.id = (uint64_t)sqlite3_column_int64(stmt, 0),
			.kind = sqlite3_column_int(stmt, 1) ? EVENT_NEED_WHITEOUT : EVENT_NEED,
			.type = 'd',
		};

		code = add_event(merge, &event, err);
		if (code < 0) {
			break;
		}
	}
	return code;
}

/** The key of the row that the reader of folders is at. */
static struct sort_row dir_key(const struct merge *merge)
{
	return (struct sort_row){
		.dir = (uint32_t)sqlite3_column_int64(merge->dirs, 0),
		.name = sqlite3_column_blob(merge->dirs, 1),
		.name_len = (uint16_t)sqlite3_column_bytes(merge->dirs, 1),
	};
}

/** Order by (folder, name). */
static int compare_keys(const struct sort_row *a, const struct sort_row *b)
{
	int order;

	if (a->dir != b->dir) {
		return a->dir < b->dir ? -1 : 1;
	}
	order = a->name_len && b->name_len
		? memcmp(a->name, b->name, (size_t)min_u64(a->name_len, b->name_len))
		: 0;
	return order != 0 ? order : (a->name_len > b->name_len) - (a->name_len < b->name_len);
}

static int take_key(struct merge *merge, const struct sort_row *key, struct peel_error *err)
{
	size_t len = key->name_len;

	if (len + 1 > merge->group.name_room) {
		char *grown = realloc(merge->group.name, (len + 1) * 2);

		if (!grown) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		merge->group.name = grown;
		merge->group.name_room = (len + 1) * 2;
	}
	merge->group.dir = key->dir;
	merge->group.name_len = len;
	if (len > 0) {
		memcpy(merge->group.name, key->name, len);
	}
	return 0;
}

static bool same_key(const struct merge *merge)
{
	const struct path_group *group = &merge->group;
	const struct sort_row *row = &merge->entry;

	return row->dir == group->dir && row->name_len == group->name_len &&
		memcmp(row->name, group->name, group->name_len) == 0;
}

static int next_entry(struct merge *merge, struct peel_error *err)
{
	int code = tree_sort_next(merge->tree->sort, &merge->entry, err);

	merge->more_entries = code > 0;
	return code < 0 ? code : 0;
}

static int next_dir(struct merge *merge, struct peel_error *err)
{
	int code = store_step(merge->tree->store, merge->dirs, err);

	merge->more_dirs = code > 0;
	return code < 0 ? code : 0;
}

/** Read one group. @return 1, 0 at the end, or less than 0. */
static int next_group(struct merge *merge, struct peel_error *err)
{
	struct sort_row dir = {0};
	int order = -1;
	int code;

	if (!merge->more_entries && !merge->more_dirs) {
		return 0;
	}
	if (merge->more_dirs) {
		dir = dir_key(merge);
		order = merge->more_entries ? compare_keys(&merge->entry, &dir) : 1;
	}
	merge->group.event_count = 0;
	merge->group.child = 0;
	code = take_key(merge, order <= 0 ? &merge->entry : &dir, err);
	if (code == 0 && order >= 0) {
		merge->group.child = (uint32_t)sqlite3_column_int64(merge->dirs, 2);
		code = next_dir(merge, err);
	}
	while (code == 0 && order <= 0 && merge->more_entries && same_key(merge)) {
		code = add_entry_event(merge, err);
		if (code == 0) {
			code = next_entry(merge, err);
		}
	}
	if (code == 0) {
		code = add_needs(merge, err);
	}
	return code < 0 ? code : 1;
}

static int start(struct merge *merge, struct peel_error *err)
{
	static const char dirs[] =
		"SELECT parent, name, id FROM dir INDEXED BY dir_name ORDER BY parent, name";
	static const char needs[] = "SELECT 1 FROM touch LIMIT 1";
	/* Columns without a type would be compared as numbers, which no index helps with. */
	static const char implied[] =
		"CREATE TEMP TABLE IF NOT EXISTS implied (dir INTEGER, name BLOB, self INTEGER, layer INTEGER)";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	struct store *store = merge->tree->store;
	int code = store_exec(store, implied, err);

	if (code == 0) {
		code = store_get(store, needs, &stmt, err);
	}
	if (code == 0) {
		code = store_step(store, stmt, err);
		merge->any_needs = code > 0;
	}
	if (code >= 0) {
		code = store_get(store, dirs, &merge->dirs, err);
	}
	if (code == 0) {
		code = next_entry(merge, err);
	}
	return code < 0 ? code : next_dir(merge, err);
}

/** Implied folders get rows past those of the layers: 0755, root, 1970 (semantics (a) m17). */
static int add_implied(struct merge *merge, struct peel_error *err)
{
	static const char sql[] =
		"INSERT INTO entry (id, layer, dir, name, type, mode, uid, gid, size, mtime, nsec, self, flags)"
		" SELECT ?1 + rowid - 1, layer, dir, name, 'd', 493, 0, 0, 0, 0, 0, self,"
		" 1 + 32 * (length(name) > 255) FROM implied";
	static const char link[] =
		"UPDATE dir SET entry = (SELECT ?1 + i.rowid - 1 FROM implied i WHERE i.self = dir.id)"
		" WHERE id IN (SELECT self FROM implied)";
	static const char index[] =
		"CREATE INDEX IF NOT EXISTS temp.implied_self ON implied (self)";
	static const char *const texts[] = {sql, link};
	int code = merge->implied ? store_exec(merge->tree->store, index, err) : 0;

	for (size_t i = 0; code == 0 && merge->implied && i < countof(texts); i++) {
		sqlite3_stmt *stmt;

		code = store_get(merge->tree->store, texts[i], &stmt, err);
		if (code == 0) {
			sqlite3_bind_int64(stmt, 1, (int64_t)merge->tree->next_id);
			code = store_run(merge->tree->store, stmt, err);
		}
	}
	merge->tree->next_id += merge->implied;
	return code;
}

static void merge_finish(struct merge *merge)
{
	kills_finish(&merge->kills);
	free(merge->group.name);
	free(merge->group.events);
	tree_batch_finish(&merge->dir_entries);
	tree_batch_finish(&merge->dir_counts);
	store_done_(&merge->dirs);
}

int tree_merge(struct tree *tree, struct peel_error *err)
{
	cleanup(merge_finish) struct merge merge = {
		.tree = tree,
		.open_dir = UINT32_MAX,
		.dir_entries = {.sql = "UPDATE dir SET entry = ?2 WHERE id = ?1"},
		.dir_counts = {.sql = "UPDATE dir SET subdirs = ?2 WHERE id = ?1"},
	};
	int code;

	merge.group.tree = tree;
	merge.group.all_kills = &merge.kills;
	code = start(&merge, err);

	while (code == 0 && (code = next_group(&merge, err)) > 0) {
		code = merge_group(&merge, err);
	}
	if (code == 0) {
		code = close_dir(&merge, err);
	}
	store_done_(&merge.dirs);
	if (code == 0) {
		code = tree_batch_write(&merge.dir_entries, tree->store, err);
	}
	if (code == 0) {
		code = tree_batch_write(&merge.dir_counts, tree->store, err);
	}
	if (code == 0) {
		code = tree_hidden_write(&tree->hidden, err);
	}
	if (code == 0) {
		code = add_implied(&merge, err);
	}
	tree->totals.nodes = merge.names;
	return code;
}
