/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The merge: which entries are visible, and of the others, which layer hid them and why.
 *
 * All that layers say of one path stands together in index entry_path; all folders stand in the same order in
 * index dir_name. Reading both side by side gives one group a path, and a parent's group always comes before
 * those of its children (a parent's dir.id is smaller). So one pass is enough, and what it must remember of
 * the way is only, for each folder that something was taken from, a list of kills:
 *
 *	"at moment T, layer L hid everything in here that is older than T, because …"
 *
 * Moments are entry ids. A whiteout or an opaque marker of layer L acts at the first id of L, wherever it
 * stands in the layer (so it can only hit lower layers); an entry that is no folder and takes a folder's
 * place acts at its own id. A path's events (entries, whiteouts, "a folder is needed here") are played in order of
 * their moments; each entry is hidden by the first thing that happens to it. Kills pass on to folders
 * below as a chain of pointers, so a list costs memory only where something happens.
 *
 * What comes below something that is no folder is unreachable: that is a kill at the moment when a folder comes
 * back, or at the end of time. A folder that a layer needs but has no entry for takes a lower layer's symlink
 * away, as an overlay driver's would (DESIGN section 9), keeps a lower folder's metadata, and where there is
 * none becomes an implied folder.
 *
 * Rejected: a tree in memory (unbounded: 5 million names), and one SQL query a path (ten times slower).
 */
#include "tree_priv.h"

#include <stdlib.h>
#include <string.h>

#include <peel/query.h>

#include "util.h"

/** After every entry. */
#define END_OF_TIME INT64_MAX
/** Most moments that one path's events may have: a path named a million times in one layer is an attack. */
#define EVENTS_MAX (1u << 20)

struct kill {
	int64_t moment;
	enum store_why why;
	int layer;
	const struct kill *next;
};

/** Blocks of kills, freed together. */
struct kill_block {
	struct kill_block *next;
	size_t used;
	struct kill kills[256];
};

/** Open-addressing map from dir.id to its kills; only folders that have any are in it. */
struct kill_map {
	uint32_t *dirs;
	const struct kill **chains;
	size_t room;
	size_t count;
};

enum event_kind {
	EVENT_WHITEOUT,
	EVENT_ENTRY,
	EVENT_NEED,
	EVENT_NEED_WHITEOUT,
};

struct event {
	int64_t moment;
	uint64_t id;
	enum event_kind kind;
	char type;
};

/** What stands at a path at some moment. id 0: nothing. */
struct standing {
	uint64_t id;
	bool implied;
	char type;
};

struct merge {
	struct tree *tree;
	/** The two readers; done when their row is no longer ahead. */
	sqlite3_stmt *entries, *dirs;
	bool more_entries, more_dirs;
	bool any_needs;
	/** The group: events at (dir, name), and the folder's row there (0: none). */
	uint32_t dir;
	char *name;
	size_t name_len, name_room;
	uint32_t child;
	struct event *events;
	size_t event_count, event_room;
	/** The folder whose groups are being read. */
	uint32_t open_dir;
	const struct kill *kills;
	uint64_t subdirs;
	struct kill_block *blocks;
	struct kill_map map;
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

static int add_kill(struct merge *merge, int64_t moment, enum store_why why, int layer,
	const struct kill **chain, struct peel_error *err)
{
	struct kill_block *block = merge->blocks;

	for (const struct kill *kill = *chain; kill; kill = kill->next) {
		if (kill->moment == moment) {
			return 0;
		}
	}
	if (!block || block->used == countof(block->kills)) {
		block = malloc(sizeof(*block));
		if (!block) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		block->next = merge->blocks;
		block->used = 0;
		merge->blocks = block;
	}
	block->kills[block->used] =
		(struct kill){.moment = moment, .why = why, .layer = layer, .next = *chain};
	*chain = &block->kills[block->used++];
	return 0;
}

static size_t map_slot(const struct kill_map *map, uint32_t dir)
{
	size_t slot = (dir * UINT64_C(0x9e3779b97f4a7c15) >> 20) & (map->room - 1);

	while (map->dirs[slot] != 0 && map->dirs[slot] != dir) {
		slot = (slot + 1) & (map->room - 1);
	}
	return slot;
}

static int map_grow(struct kill_map *map, struct peel_error *err)
{
	struct kill_map grown = {.room = map->room ? map->room * 2 : 1024, .count = map->count};

	grown.dirs = calloc(grown.room, sizeof(*grown.dirs));
	grown.chains = calloc(grown.room, sizeof(*grown.chains));
	if (!grown.dirs || !grown.chains) {
		free(grown.dirs);
		free(grown.chains);
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	for (size_t i = 0; i < map->room; i++) {
		if (map->dirs[i] != 0) {
			size_t slot = map_slot(&grown, map->dirs[i]);

			grown.dirs[slot] = map->dirs[i];
			grown.chains[slot] = map->chains[i];
		}
	}
	free(map->dirs);
	free(map->chains);
	*map = grown;
	return 0;
}

static int map_put(struct kill_map *map, uint32_t dir, const struct kill *chain, struct peel_error *err)
{
	size_t slot;

	if (!chain) {
		return 0;
	}
	if (map->count + 1 > map->room / 4 * 3) {
		int code = map_grow(map, err);

		if (code < 0) {
			return code;
		}
	}
	slot = map_slot(map, dir);
	map->count += map->dirs[slot] == 0;
	map->dirs[slot] = dir;
	map->chains[slot] = chain;
	return 0;
}

static const struct kill *map_get(const struct kill_map *map, uint32_t dir)
{
	return map->count == 0 ? NULL : map->chains[map_slot(map, dir)];
}

/** An anomaly at the group's path. */
static int report(struct merge *merge, const char *what, int layer, const char *detail, struct peel_error *err)
{
	cleanup_free char *path = NULL;
	size_t len = 0;
	int code = tree_path(merge->tree, merge->dir, merge->name, merge->name_len, &path, &len, err);

	return code < 0 ? code : tree_report(merge->tree, what, layer, path, len, UINT64_MAX, detail, err);
}

static int hide(struct merge *merge, const struct standing *what, enum store_why why, int layer,
	struct peel_error *err)
{
	static const char sql[] = "UPDATE entry SET hidden_by = ?2, why = ?3 WHERE id = ?1 RETURNING size, flags, layer,"
				  " (SELECT allocated FROM extra WHERE entry = ?1)";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	struct tree *tree = merge->tree;
	int code;

	if (what->implied || what->id == 0) {
		return 0;
	}
	code = store_get(tree->store, sql, &stmt, err);
	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)what->id);
	sqlite3_bind_int64(stmt, 2, layer);
	sqlite3_bind_int64(stmt, 3, why);
	code = store_step(tree->store, stmt, err);
	if (code > 0 && what->type == 'f') {
		uint64_t size = (uint64_t)sqlite3_column_int64(stmt, 0);
		uint64_t allocated = sqlite3_column_int(stmt, 1) & ENTRY_SPARSE
			? (uint64_t)sqlite3_column_int64(stmt, 3)
			: (size + 4095) / 4096 * 4096;

		tree->layers[sqlite3_column_int(stmt, 2)].visible_bytes -= size;
		tree->totals.bytes -= size;
		tree->totals.allocated -= allocated;
	}
	return code < 0 ? code : 0;
}

/** Hide what stands if something killed it between its moment and limit. */
static int apply_kills(struct merge *merge, struct standing *what, int64_t limit, struct peel_error *err)
{
	const struct kill *first = NULL;
	int code;

	if (what->id == 0) {
		return 0;
	}
	for (const struct kill *kill = merge->kills; kill; kill = kill->next) {
		if (kill->moment > (int64_t)what->id && kill->moment <= limit &&
			(!first || kill->moment < first->moment)) {
			first = kill;
		}
	}
	if (!first) {
		return 0;
	}
	code = hide(merge, what, first->why, first->layer, err);
	*what = (struct standing){0};
	return code;
}

/** Why an upper entry hides a lower one at the same path: by content, then by metadata. */
static int compare(struct merge *merge, uint64_t lower, uint64_t upper, enum store_why *ret_why,
	struct peel_error *err)
{
	static const char sql[] =
		"SELECT da.type = db.type,"
		" CASE da.type WHEN 'f' THEN da.size = db.size AND (da.size = 0 OR coalesce(da.hash = db.hash, 0))"
		"  WHEN 'l' THEN da.link IS db.link"
		"  WHEN 'c' THEN xa.major = xb.major AND xa.minor = xb.minor"
		"  WHEN 'b' THEN xa.major = xb.major AND xa.minor = xb.minor ELSE 1 END,"
		" a.mode = b.mode AND a.uid = b.uid AND a.gid = b.gid AND a.mtime = b.mtime AND a.nsec = b.nsec"
		" AND NOT EXISTS (SELECT name, value FROM xattr WHERE entry = a.id"
		"  EXCEPT SELECT name, value FROM xattr WHERE entry = b.id)"
		" AND NOT EXISTS (SELECT name, value FROM xattr WHERE entry = b.id"
		"  EXCEPT SELECT name, value FROM xattr WHERE entry = a.id)"
		" FROM entry a JOIN entry b ON b.id = ?2"
		" JOIN entry da ON da.id = coalesce(a.inode, a.id) JOIN entry db ON db.id = coalesce(b.inode, b.id)"
		" LEFT JOIN extra xa ON xa.entry = da.id LEFT JOIN extra xb ON xb.entry = db.id WHERE a.id = ?1";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(merge->tree->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)lower);
	sqlite3_bind_int64(stmt, 2, (int64_t)upper);
	code = store_step(merge->tree->store, stmt, err);
	if (code < 0) {
		return code;
	}
	if (code == 0 || !sqlite3_column_int(stmt, 0)) {
		*ret_why = WHY_REPLACED;
	} else if (!sqlite3_column_int(stmt, 1)) {
		*ret_why = WHY_OVERWRITTEN;
	} else {
		*ret_why = sqlite3_column_int(stmt, 2) ? WHY_IDENTICAL : WHY_METADATA;
	}
	return 0;
}

/** Put an entry at the group's path, hiding what stood there. */
static int place(struct merge *merge, struct standing *what, const struct event *event,
	const struct kill **below, struct peel_error *err)
{
	int layer = tree_layer_of(merge->tree, event->id);
	enum store_why why = WHY_REPLACED;
	int code = 0;

	if (what->id != 0 && !what->implied) {
		if (tree_layer_of(merge->tree, what->id) == layer) {
			why = WHY_DUPLICATE;
			code = report(merge, "duplicate-entry", layer, "the layer has this path again; the last wins", err);
		} else {
			code = compare(merge, what->id, event->id, &why, err);
		}
		if (code == 0) {
			code = hide(merge, what, why, layer, err);
		}
	}
	if (code == 0 && what->type == 'd' && event->type != 'd') {
		code = add_kill(merge, event->moment, WHY_REPLACED, layer, below, err);
	}
	*what = (struct standing){.id = event->id, .type = event->type};
	return code;
}

/** A layer needs a folder here. @param ret_blocked set to the layer where something that is no folder stands in the way. */
static int need_folder(struct merge *merge, struct standing *what, const struct event *event, int *ret_blocked,
	struct peel_error *err)
{
	int layer = tree_layer_of(merge->tree, event->id);
	int code;

	if (what->id == 0) {
		if (event->kind == EVENT_NEED) {
			*what = (struct standing){.id = event->id, .implied = true, .type = 'd'};
		}
		return 0;
	}
	if (what->type == 'd') {
		return 0;
	}
	if (what->type == 'l' && tree_layer_of(merge->tree, what->id) < layer) {
		code = report(merge, "engines-differ", layer,
			"a lower layer's symlink stands where this layer needs a folder; replaced by a folder", err);
		if (code == 0) {
			code = hide(merge, what, WHY_REPLACED, layer, err);
		}
		*what = (struct standing){.id = event->id, .implied = true, .type = 'd'};
		return code;
	}
	*ret_blocked = layer;
	if (event->kind == EVENT_NEED) {
		return report(merge, "parent-not-dir", layer, "something that is no folder stands above an entry", err);
	}
	return report(merge, "opaque-on-nondir", layer, "a whiteout or an opaque marker below something that is no folder", err);
}

/** Play the group's events in order. @param below kills for what is inside, if this is a folder. */
static int play(struct merge *merge, struct standing *what, const struct kill **below, struct peel_error *err)
{
	int blocked = -1;
	int code = 0;

	for (size_t i = 0; code == 0 && i < merge->event_count; i++) {
		const struct event *event = &merge->events[i];

		code = apply_kills(merge, what, event->moment, err);
		if (code < 0) {
			break;
		}
		if (event->kind == EVENT_WHITEOUT) {
			int layer = tree_layer_of(merge->tree, event->id);

			code = hide(merge, what, WHY_DELETED, layer, err);
			*what = (struct standing){0};
			if (code == 0 && merge->child) {
				code = add_kill(merge, event->moment, WHY_DELETED_WITH_FOLDER, layer, below, err);
			}
		} else if (event->kind == EVENT_ENTRY) {
			if (blocked >= 0 && event->type == 'd') {
				code = add_kill(merge, event->moment, WHY_UNREACHABLE, blocked, below, err);
				blocked = -1;
			}
			if (code == 0) {
				code = place(merge, what, event, below, err);
			}
		} else {
			code = need_folder(merge, what, event, &blocked, err);
		}
	}
	if (code == 0 && blocked >= 0) {
		code = add_kill(merge, END_OF_TIME, WHY_UNREACHABLE, blocked, below, err);
	}
	return code < 0 ? code : apply_kills(merge, what, END_OF_TIME, err);
}

/** Engines that extract in order delete an entry when a whiteout of the same layer follows it. */
static int report_same_layer(struct merge *merge, struct peel_error *err)
{
	for (size_t i = 0; i < merge->event_count; i++) {
		const struct event *whiteout = &merge->events[i];

		if (whiteout->kind != EVENT_WHITEOUT) {
			continue;
		}
		for (size_t j = i + 1; j < merge->event_count; j++) {
			const struct event *event = &merge->events[j];
			int layer = tree_layer_of(merge->tree, event->id);

			if (layer != tree_layer_of(merge->tree, whiteout->id)) {
				break;
			}
			if (event->kind != EVENT_WHITEOUT && event->id < whiteout->id) {
				return report(merge, "whiteout-same-layer", layer,
					"a whiteout after an entry of the same layer, which stays", err);
			}
		}
	}
	return 0;
}

static int set_dir_entry(struct merge *merge, uint64_t entry, struct peel_error *err)
{
	static const char sql[] = "UPDATE dir SET entry = ?2 WHERE id = ?1";
	sqlite3_stmt *stmt;
	int code = store_get(merge->tree->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, merge->child);
	sqlite3_bind_int64(stmt, 2, (int64_t)entry);
	return store_run(merge->tree->store, stmt, err);
}

/** Implied folders become rows when the readers are done, who would meet them otherwise. */
static int note_implied(struct merge *merge, const struct standing *what, struct peel_error *err)
{
	static const char sql[] = "INSERT INTO implied (dir, name, self, layer) VALUES (?1, ?2, ?3, ?4)";
	sqlite3_stmt *stmt;
	int code = store_get(merge->tree->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, merge->dir);
	store_bind_blob(stmt, 2, merge->name, merge->name_len);
	sqlite3_bind_int64(stmt, 3, merge->child);
	sqlite3_bind_int64(stmt, 4, what->id ? tree_layer_of(merge->tree, what->id) : 0);
	merge->implied++;
	return store_run(merge->tree->store, stmt, err);
}

static int finish_standing(struct merge *merge, const struct standing *what, struct peel_error *err)
{
	bool root = merge->dir == 0;
	int code = 0;

	if (root && (what->id == 0 || what->implied)) {
		merge->names++;
		return note_implied(merge, what, err);
	}
	if (what->id == 0) {
		return 0;
	}
	merge->names += merge->name_len <= PEEL_NAME_MAX;
	if (what->type == 'd') {
		merge->subdirs += !root && merge->name_len <= PEEL_NAME_MAX;
		code = what->implied ? note_implied(merge, what, err) : set_dir_entry(merge, what->id, err);
	}
	return code;
}

static int close_dir(struct merge *merge, struct peel_error *err)
{
	static const char sql[] = "UPDATE dir SET subdirs = ?2 WHERE id = ?1";
	sqlite3_stmt *stmt;
	int code;

	if (merge->subdirs == 0 || merge->open_dir == 0) {
		return 0;
	}
	code = store_get(merge->tree->store, sql, &stmt, err);
	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, merge->open_dir);
	sqlite3_bind_int64(stmt, 2, (int64_t)merge->subdirs);
	return store_run(merge->tree->store, stmt, err);
}

static int open_dir(struct merge *merge, struct peel_error *err)
{
	int code = close_dir(merge, err);

	merge->open_dir = merge->dir;
	merge->subdirs = 0;
	merge->kills = map_get(&merge->map, merge->dir);
	return code;
}

/** Opaque markers: at the start of their layer, all that is older goes. They are a folder's first group. */
static int take_opaque(struct merge *merge, struct peel_error *err)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < merge->event_count; i++) {
		int layer = tree_layer_of(merge->tree, merge->events[i].id);

		code = add_kill(merge, (int64_t)merge->tree->layers[layer].first_id, WHY_OPAQUE, layer, &merge->kills,
			err);
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
	bool aufs = merge->name_len >= 8 && memcmp(merge->name, ".wh..wh.", 8) == 0;
	int code = merge->dir != merge->open_dir ? open_dir(merge, err) : 0;

	if (code == 0 && merge->dir > 0 && merge->name_len == 0) {
		return take_opaque(merge, err);
	}
	if (code < 0) {
		return code;
	}
	below = merge->kills;
	if (merge->event_count > 1) {
		qsort(merge->events, merge->event_count, sizeof(*merge->events), compare_events);
		code = report_same_layer(merge, err);
	}
	if (code == 0) {
		code = play(merge, &what, &below, err);
	}
	if (code == 0 && aufs && what.id != 0) {
		code = hide(merge, &what, WHY_MARKER, tree_layer_of(merge->tree, what.id), err);
		what = (struct standing){0};
	}
	if (code == 0 && aufs && merge->child) {
		code = add_kill(merge, END_OF_TIME, WHY_MARKER, 0, &below, err);
	}
	if (code == 0 && merge->child) {
		code = map_put(&merge->map, merge->child, below, err);
	}
	return code < 0 ? code : finish_standing(merge, &what, err);
}

static int add_event(struct merge *merge, uint64_t id, enum event_kind kind, char type, struct peel_error *err)
{
	struct tree *tree = merge->tree;
	int64_t moment = kind == EVENT_WHITEOUT ? (int64_t)tree->layers[tree_layer_of(tree, id)].first_id
						: (int64_t)id;

	if (merge->event_count >= EVENTS_MAX) {
		return peel_fail(err, PEEL_ELIMIT, "one path is named more than %u times", EVENTS_MAX);
	}
	if (!grow_array(&merge->events, merge->event_count, &merge->event_room, sizeof(*merge->events))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	merge->events[merge->event_count++] =
		(struct event){.moment = moment, .id = id, .kind = kind, .type = type};
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
	uint64_t id = (uint64_t)sqlite3_column_int64(merge->entries, 2);
	char type = store_text(merge->entries, 3)[0];
	int code;

	if (type == '?') {
		return 0;
	}
	code = is_broken(merge, id, type, err);
	if (code != 0) {
		return code < 0 ? code : 0;
	}
	return add_event(merge, id, type == 'w' ? EVENT_WHITEOUT : EVENT_ENTRY, type, err);
}

static int add_needs(struct merge *merge, struct peel_error *err)
{
	static const char sql[] = "SELECT id, whiteout FROM touch WHERE dir = ?1 ORDER BY id";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code;

	if (!merge->any_needs || merge->child == 0) {
		return 0;
	}
	code = store_get(merge->tree->store, sql, &stmt, err);
	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, merge->child);
	while ((code = store_step(merge->tree->store, stmt, err)) > 0) {
		code = add_event(merge, (uint64_t)sqlite3_column_int64(stmt, 0),
			sqlite3_column_int(stmt, 1) ? EVENT_NEED_WHITEOUT : EVENT_NEED, 'd', err);
		if (code < 0) {
			break;
		}
	}
	return code;
}

/** Order of the rows that two readers are at, by (folder, name). */
static int compare_rows(sqlite3_stmt *a, sqlite3_stmt *b)
{
	int64_t dir_a = sqlite3_column_int64(a, 0);
	int64_t dir_b = sqlite3_column_int64(b, 0);
	size_t len_a = (size_t)sqlite3_column_bytes(a, 1);
	size_t len_b = (size_t)sqlite3_column_bytes(b, 1);
	int order;

	if (dir_a != dir_b) {
		return dir_a < dir_b ? -1 : 1;
	}
	order = len_a && len_b
		? memcmp(sqlite3_column_blob(a, 1), sqlite3_column_blob(b, 1), min_u64(len_a, len_b))
		: 0;
	return order != 0 ? order : (len_a > len_b) - (len_a < len_b);
}

static int take_key(struct merge *merge, sqlite3_stmt *row, struct peel_error *err)
{
	size_t len = (size_t)sqlite3_column_bytes(row, 1);

	if (len + 1 > merge->name_room) {
		char *grown = realloc(merge->name, (len + 1) * 2);

		if (!grown) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		merge->name = grown;
		merge->name_room = (len + 1) * 2;
	}
	merge->dir = (uint32_t)sqlite3_column_int64(row, 0);
	merge->name_len = len;
	if (len > 0) {
		memcpy(merge->name, sqlite3_column_blob(row, 1), len);
	}
	return 0;
}

static bool same_key(const struct merge *merge, sqlite3_stmt *row)
{
	return sqlite3_column_int64(row, 0) == merge->dir &&
		(size_t)sqlite3_column_bytes(row, 1) == merge->name_len &&
		(merge->name_len == 0 || memcmp(sqlite3_column_blob(row, 1), merge->name, merge->name_len) == 0);
}

static int advance(struct merge *merge, sqlite3_stmt *stmt, bool *ret_more, struct peel_error *err)
{
	int code = store_step(merge->tree->store, stmt, err);

	*ret_more = code > 0;
	return code < 0 ? code : 0;
}

/** Read one group. @return 1, 0 at the end, or less than 0. */
static int next_group(struct merge *merge, struct peel_error *err)
{
	int order;
	int code;

	if (!merge->more_entries && !merge->more_dirs) {
		return 0;
	}
	order = !merge->more_dirs ? -1 : !merge->more_entries ? 1 : compare_rows(merge->entries, merge->dirs);
	merge->event_count = 0;
	merge->child = 0;
	code = take_key(merge, order <= 0 ? merge->entries : merge->dirs, err);
	if (code == 0 && order >= 0) {
		merge->child = (uint32_t)sqlite3_column_int64(merge->dirs, 2);
		code = advance(merge, merge->dirs, &merge->more_dirs, err);
	}
	while (code == 0 && order <= 0 && merge->more_entries && same_key(merge, merge->entries)) {
		code = add_entry_event(merge, err);
		if (code == 0) {
			code = advance(merge, merge->entries, &merge->more_entries, err);
		}
	}
	if (code == 0) {
		code = add_needs(merge, err);
	}
	return code < 0 ? code : 1;
}

static int start(struct merge *merge, struct peel_error *err)
{
	static const char entries[] = "SELECT dir, name, id, type FROM entry INDEXED BY entry_path ORDER BY dir, name";
	static const char dirs[] = "SELECT parent, name, id FROM dir INDEXED BY dir_name ORDER BY parent, name";
	static const char needs[] = "SELECT 1 FROM touch LIMIT 1";
	static const char implied[] = "CREATE TEMP TABLE implied (dir, name, self, layer)";
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
		code = store_get(store, entries, &merge->entries, err);
	}
	if (code == 0) {
		code = store_get(store, dirs, &merge->dirs, err);
	}
	if (code == 0) {
		code = advance(merge, merge->entries, &merge->more_entries, err);
	}
	return code < 0 ? code : advance(merge, merge->dirs, &merge->more_dirs, err);
}

/** Implied folders get rows past those of the layers: 0755, root, 1970 (semantics (a) m17). */
static int add_implied(struct merge *merge, struct peel_error *err)
{
	static const char sql[] = "INSERT INTO entry (id, layer, dir, name, type, mode, uid, gid, size, mtime, nsec, self, flags)"
				  " SELECT ?1 + rowid - 1, layer, dir, name, 'd', 493, 0, 0, 0, 0, 0, self,"
				  " 1 + 32 * (length(name) > 255) FROM implied";
	static const char link[] = "UPDATE dir SET entry = (SELECT ?1 + i.rowid - 1 FROM implied i WHERE i.self = dir.id)"
				   " WHERE id IN (SELECT self FROM implied)";
	static const char index[] = "CREATE INDEX temp.implied_self ON implied (self)";
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
	while (merge->blocks) {
		struct kill_block *next = merge->blocks->next;

		free(merge->blocks);
		merge->blocks = next;
	}
	free(merge->map.dirs);
	free(merge->map.chains);
	free(merge->name);
	free(merge->events);
	store_done_(&merge->entries);
	store_done_(&merge->dirs);
}

int tree_merge(struct tree *tree, struct peel_error *err)
{
	cleanup(merge_finish) struct merge merge = {.tree = tree, .open_dir = UINT32_MAX};
	int code = start(&merge, err);

	while (code == 0 && (code = next_group(&merge, err)) > 0) {
		code = merge_group(&merge, err);
	}
	if (code == 0) {
		code = close_dir(&merge, err);
	}
	store_done_(&merge.entries);
	store_done_(&merge.dirs);
	if (code == 0) {
		code = add_implied(&merge, err);
	}
	tree->totals.nodes = merge.names;
	return code;
}
