/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Folders: from the path of an entry to the row of the folder that holds it.
 *
 * Every folder that any layer names has one row in table dir, made when it is first named; a
 * parent's row is older than its child's, which the merge relies on. A cache keyed by (parent,
 * name) answers nearly all steps; it is bounded by being emptied when it is full, after which a
 * miss asks the table.
 *
 * A layer is applied on its own (DESIGN section 9): where a parent folder is a symlink that this
 * same layer made, it is followed, within this layer's own tree; links of lower layers are not
 * looked at here. To know that without a lookup an entry, each folder carries a mark "this layer
 * has it or already needs it", which is all that the usual tar needs, since folders come before
 * what they hold. Only the first use of a folder without an entry of its own asks further
 * (tree_follow.c). Such a first use is written to table touch: the merge must know that the
 * layer needs the folder, and since when.
 *
 * An entry that replaces a folder this layer already used makes marks stale: the epoch goes up, all
 * are asked again.
 *
 * Rejected: keeping the layer's tree in memory (unbounded), and looking links up when the merge
 * runs (entries would have to move between folders after they were sorted).
 */
#include "tree_priv.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "limit.h"
#include "path.h"
#include "util.h"

/** Slots at the start; a power of two. */
#define FIRST_ROOM fuzz_size(4096, 8)

uint64_t tree_name_hash(const struct tree *tree, uint32_t parent, const char *name, size_t len)
{
	return XXH3_64bits_withSeed(name, len, tree->seed + parent);
}

int tree_dirs_init(struct tree *tree, struct peel_error *err)
{
	static const char sql[] = "INSERT INTO dir (id, parent, name) VALUES (1, 0, x'')";
	struct dir_cache *dirs = &tree->dirs;

	dirs->room = FIRST_ROOM;
	dirs->slots = calloc(dirs->room, sizeof(*dirs->slots));
	if (!dirs->slots) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	tree->next_dir = STORE_ROOT_DIR + 1;
	/* Chosen names could fill one run of the table; where there is no randomness, it works all the same. */
	if (getrandom(&tree->seed, sizeof(tree->seed), GRND_NONBLOCK) < 0) {
		tree->seed = (uint64_t)(uintptr_t)tree;
	}
	return store_exec(tree->store, sql, err);
}

void tree_dirs_finish(struct tree *tree)
{
	free(tree->dirs.slots);
	free(tree->dirs.names);
	tree->dirs = (struct dir_cache){0};
}

static void empty_cache(struct dir_cache *dirs)
{
	memset(dirs->slots, 0, dirs->room * sizeof(*dirs->slots));
	dirs->count = 0;
	dirs->names_len = 0;
	dirs->lossy = true;
}

static struct dir_slot *find_slot(struct dir_cache *dirs, uint32_t hash, uint32_t parent,
	const char *name, size_t len)
{
	uint32_t i = hash & (dirs->room - 1);

	while (dirs->slots[i].id != 0) {
		struct dir_slot *slot = &dirs->slots[i];

		if (slot->hash == hash && slot->parent == parent && slot->name_len == len &&
			memcmp(dirs->names + slot->name_off, name, len) == 0) {
			return slot;
		}
		i = (i + 1) & (dirs->room - 1);
	}
	return &dirs->slots[i];
}

static int grow_slots(struct dir_cache *dirs, struct peel_error *err)
{
	struct dir_slot *old = dirs->slots;
	uint32_t old_room = dirs->room;

	dirs->slots = calloc((size_t)old_room * 2, sizeof(*old));
	if (!dirs->slots) {
		dirs->slots = old;
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	dirs->room = old_room * 2;
	for (uint32_t i = 0; i < old_room; i++) {
		if (old[i].id != 0) {
			uint32_t at = old[i].hash & (dirs->room - 1);

			while (dirs->slots[at].id != 0) {
				at = (at + 1) & (dirs->room - 1);
			}
			dirs->slots[at] = old[i];
		}
	}
	free(old);
	return 0;
}

static int keep_name(struct dir_cache *dirs, const char *name, size_t len, uint32_t *ret_off,
	struct peel_error *err)
{
	if (dirs->names_room - dirs->names_len < len) {
		size_t room = (dirs->names_room + len) * 2 + 65536;
		char *grown = room > UINT32_MAX ? NULL : realloc(dirs->names, room);

		if (!grown) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		dirs->names = grown;
		dirs->names_room = room;
	}
	memcpy(dirs->names + dirs->names_len, name, len);
	*ret_off = (uint32_t)dirs->names_len;
	dirs->names_len += len;
	return 0;
}

/** The row's id: found in the table where the cache has forgotten things, else made. */
static int dir_row(struct tree *tree, uint32_t parent, const char *name, size_t len,
	uint32_t *ret_id, struct peel_error *err)
{
	static const char select[] = "SELECT id FROM dir WHERE parent = ?1 AND name = ?2";
	static const char insert[] = "INSERT INTO dir (id, parent, name) VALUES (?1, ?2, ?3)";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = 0;

	if (tree->dirs.lossy) {
		code = store_get(tree->store, select, &stmt, err);
		if (code < 0) {
			return code;
		}
		sqlite3_bind_int64(stmt, 1, parent);
		store_bind_blob(stmt, 2, name, len);
		code = store_step(tree->store, stmt, err);
		if (code != 0) {
			*ret_id = (uint32_t)sqlite3_column_int64(stmt, 0);
			return code < 0 ? code : 0;
		}
	}
	code = limits_check(tree->limits, PEEL_LIMIT_FOLDERS, tree->next_dir - STORE_ROOT_DIR, err);
	if (code == 0) {
		code = store_get(tree->store, insert, &stmt, err);
	}
	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, tree->next_dir);
	sqlite3_bind_int64(stmt, 2, parent);
	store_bind_blob(stmt, 3, name, len);
	*ret_id = tree->next_dir++;
	return store_run(tree->store, stmt, err);
}

struct dir_slot *tree_dir_cached(struct tree *tree, uint64_t hash, uint32_t parent,
	const char *name, size_t len)
{
	struct dir_slot *slot = find_slot(&tree->dirs, (uint32_t)hash, parent, name, len);

	return slot->id != 0 ? slot : NULL;
}

int tree_dir_get(struct tree *tree, uint64_t name_hash, uint32_t parent, const char *name,
	size_t len, struct dir_slot **ret_slot, struct peel_error *err)
{
	struct dir_cache *dirs = &tree->dirs;
	uint32_t hash = (uint32_t)name_hash;
	struct dir_slot *slot = find_slot(dirs, hash, parent, name, len);
	struct dir_slot made = {.hash = hash, .parent = parent, .name_len = (uint32_t)len};
	int code;

	if (slot->id != 0) {
		*ret_slot = slot;
		return 0;
	}
	code = dir_row(tree, parent, name, len, &made.id, err);
	if (code == 0) {
		code = keep_name(dirs, name, len, &made.name_off, err);
	}
	if (code == 0 && dirs->count + 1 > dirs->room / 4 * 3) {
		code = grow_slots(dirs, err);
	}
	if (code < 0) {
		return code;
	}
	slot = find_slot(dirs, hash, parent, name, len);
	*slot = made;
	dirs->count++;
	*ret_slot = slot;
	return 0;
}

static int parent_of(struct tree *tree, uint32_t dir, uint32_t *ret_parent, struct peel_error *err)
{
	static const char sql[] = "SELECT parent FROM dir WHERE id = ?1";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(tree->store, sql, &stmt, err);

	if (code == 0) {
		sqlite3_bind_int64(stmt, 1, dir);
		code = store_step(tree->store, stmt, err);
	}
	if (code < 0) {
		return code;
	}
	*ret_parent = code > 0 ? (uint32_t)sqlite3_column_int64(stmt, 0) : 0;
	if (*ret_parent == 0) {
		*ret_parent = STORE_ROOT_DIR;
	}
	return 0;
}

static int touch(struct tree *tree, uint32_t dir, const struct tree_walk *walk,
	struct peel_error *err)
{
	static const char sql[] =
		"INSERT OR IGNORE INTO touch (dir, id, layer, whiteout) VALUES (?1, ?2, ?3, ?4)";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(tree->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, dir);
	sqlite3_bind_int64(stmt, 2, (int64_t)walk->id);
	sqlite3_bind_int64(stmt, 3, tree->layer);
	sqlite3_bind_int64(stmt, 4, walk->whiteout);
	return store_run(tree->store, stmt, err);
}

/** The layer needs this folder: mark it, and write that down where nothing else says so. */
static int need(struct tree *tree, struct dir_slot *slot, const struct tree_walk *walk,
	struct peel_error *err)
{
	uint32_t id = slot->id;

	if (walk->passed_over || slot->present == tree->epoch ||
		(walk->whiteout && slot->marked == tree->epoch)) {
		return 0;
	}
	if (walk->whiteout) {
		slot->marked = tree->epoch;
	} else {
		slot->present = tree->epoch;
	}
	return touch(tree, id, walk, err);
}

int tree_walk(struct tree *tree, const char *path, size_t len, struct tree_walk *walk,
	struct peel_error *err)
{
	size_t pos = 0;
	size_t start = 0;
	size_t part = 0;
	int hops = 0;
	int buffer = 0;

	if (tree->dirs.count > DIR_CACHE_MAX) {
		empty_cache(&tree->dirs);
	}
	walk->dir = STORE_ROOT_DIR;
	while (path_next(path, len, &pos, &start, &part)) {
		const char *name = path + start;
		struct dir_slot *slot = NULL;
		uint64_t hash;
		int code = 0;

		if (part == 1 && name[0] == '.') {
			continue;
		}
		if (part == 2 && name[0] == '.' && name[1] == '.') {
			code = parent_of(tree, walk->dir, &walk->dir, err);
			if (code < 0) {
				return code;
			}
			continue;
		}
		hash = tree_name_hash(tree, walk->dir, name, part);
		code = tree_dir_get(tree, hash, walk->dir, name, part, &slot, err);
		if (code == 0 && slot->present != tree->epoch && tree_follow_maybe(tree, hash)) {
			const struct tree_name link = {walk->dir, name, part};

			code = tree_follow(tree, &link, path + pos, len - pos, tree->rest[buffer],
				&len, err);
		}
		if (code > 0 && hops < LINK_HOPS) {
			code = limits_check(tree->limits, PEEL_LIMIT_SYMLINK_HOPS,
				(uint64_t)hops + 1, err);
			if (code < 0) {
				return code;
			}
			path = tree->rest[buffer];
			pos = 0;
			buffer = !buffer;
			hops++;
			walk->followed = true;
			walk->dir = path[0] == '/' ? STORE_ROOT_DIR : walk->dir;
			continue;
		}
		if (code > 0) {
			walk->loop = true;
			walk->dir = slot->id;
			return walk->passed_over ? 0 : touch(tree, slot->id, walk, err);
		}
		if (code < 0 || (code = need(tree, slot, walk, err)) < 0) {
			return code;
		}
		walk->dir = slot->id;
	}
	return 0;
}
