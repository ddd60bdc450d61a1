/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of one path. Its events (entries, whiteouts, "a folder is needed here") come in order of their
 * moments; something stands there or nothing; each entry is hidden by the first thing that happens to it: a kill of a
 * folder above, a whiteout, or the next entry. tree_merge.c has the rules in whole.
 */
#include "tree_play.h"

#include <stdlib.h>
#include <string.h>

#include "tree_sort.h"
#include "util.h"

/** An anomaly at the group's path. */
static int report(struct path_group *group, const char *what, int layer, const char *detail,
	struct peel_error *err)
{
	return tree_report_at(group->tree, what, layer, group->dir, group->name, group->name_len,
		detail, err);
}

/** Bytes of a file's blocks. */
static int find_allocated(struct tree *tree, const struct standing *what, uint64_t *ret_allocated,
	struct peel_error *err)
{
	static const char sql[] = "SELECT allocated FROM extra WHERE entry = ?1";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code;

	*ret_allocated = (what->size + 4095) / 4096 * 4096;
	if (!what->sparse) {
		return 0;
	}
	code = store_get(tree->store, sql, &stmt, err);
	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)what->id);
	code = store_step(tree->store, stmt, err);
	if (code > 0) {
		*ret_allocated = (uint64_t)sqlite3_column_int64(stmt, 0);
	}
	return code < 0 ? code : 0;
}

int tree_hide(struct tree *tree, const struct standing *what, enum store_why why, int layer,
	struct peel_error *err)
{
	uint64_t allocated = 0;
	int code = 0;

	if (what->implied || what->id == 0) {
		return 0;
	}
	if (what->type == 'f') {
		code = find_allocated(tree, what, &allocated, err);
		tree->layers[tree_layer_of(tree, what->id)].visible_bytes -= what->size;
		tree->totals.bytes -= what->size;
		tree->totals.allocated -= allocated;
	}
	return code < 0 ? code : tree_hidden_add(&tree->hidden, what->id, layer, why, err);
}

/** Hide what stands if something killed it between its moment and limit. */
static int apply_kills(struct path_group *group, struct standing *what, int64_t limit,
	struct peel_error *err)
{
	const struct kill *first = NULL;
	int code;

	if (what->id == 0) {
		return 0;
	}
	for (const struct kill *kill = group->kills; kill; kill = kill->next) {
		if (kill->moment > (int64_t)what->id && kill->moment <= limit &&
			(!first || kill->moment < first->moment)) {
			first = kill;
		}
	}
	if (!first) {
		return 0;
	}
	code = tree_hide(group->tree, what, first->why, first->layer, err);
	*what = (struct standing){0};
	return code;
}

/**
 * Why an upper entry hides a lower one at the same path, as far as that is known without their rows.
 * @return false where only the rows can tell.
 */
static bool compare_known(const struct standing *lower, const struct event *upper,
	enum store_why *ret_why)
{
	if (lower->content == SORT_CONTENT_ELSEWHERE || upper->content == SORT_CONTENT_ELSEWHERE) {
		return false;
	}
	if (lower->type != upper->type) {
		*ret_why = WHY_REPLACED;
		return true;
	}
	if (lower->size != upper->size || lower->content != upper->content ||
		lower->content == SORT_CONTENT_UNKNOWN) {
		*ret_why = WHY_OVERWRITTEN;
		return true;
	}
	*ret_why = lower->meta == upper->meta ? WHY_IDENTICAL : WHY_METADATA;
	return lower->meta != SORT_CONTENT_UNKNOWN && upper->meta != SORT_CONTENT_UNKNOWN;
}

/** The same, out of the rows: by content, then by metadata. */
static int compare(struct path_group *group, uint64_t lower, uint64_t upper,
	enum store_why *ret_why, struct peel_error *err)
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
	int code = store_get(group->tree->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)lower);
	sqlite3_bind_int64(stmt, 2, (int64_t)upper);
	code = store_step(group->tree->store, stmt, err);
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
static int place(struct path_group *group, struct standing *what, const struct event *event,
	const struct kill **below, struct peel_error *err)
{
	int layer = tree_layer_of(group->tree, event->id);
	enum store_why why = WHY_REPLACED;
	int code = 0;

	if (what->id != 0 && !what->implied) {
		if (tree_layer_of(group->tree, what->id) == layer) {
			why = WHY_DUPLICATE;
			code = report(group, "duplicate-entry", layer,
				"the layer has this path again; the last wins", err);
		} else if (!compare_known(what, event, &why)) {
			code = compare(group, what->id, event->id, &why, err);
		}
		if (code == 0) {
			code = tree_hide(group->tree, what, why, layer, err);
		}
	}
	if (code == 0 && what->type == 'd' && event->type != 'd') {
		code = kills_add(group->all_kills, event->moment, WHY_REPLACED, layer, below, err);
	}
	*what = (struct standing){
		.id = event->id,
		.size = event->size,
		.content = event->content,
		.meta = event->meta,
		.sparse = event->sparse,
		.type = event->type,
	};
	return code;
}

/** A symlink, or a hard link to one. @return 1, 0, or less than 0. */
static int is_symlink(struct tree *tree, const struct standing *what, struct peel_error *err)
{
	static const char sql[] =
		"SELECT 1 FROM entry h JOIN entry d ON d.id = h.inode WHERE h.id = ?1 AND d.type = 'l'";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code;

	if (what->type != 'h') {
		return what->type == 'l';
	}
	code = store_get(tree->store, sql, &stmt, err);
	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)what->id);
	return store_step(tree->store, stmt, err);
}

/**
 * A layer needs a folder here.
 * @param ret_blocked set to the layer where something that is no folder stands in the way.
 */
static int need_folder(struct path_group *group, struct standing *what, const struct event *event,
	int *ret_blocked, struct peel_error *err)
{
	int layer = tree_layer_of(group->tree, event->id);
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
	code = is_symlink(group->tree, what, err);
	if (code < 0) {
		return code;
	}
	if (code > 0 && tree_layer_of(group->tree, what->id) < layer) {
		code = report(group, "engines-differ", layer,
			"a lower layer's symlink stands where this layer needs a folder; replaced by a folder",
			err);
		if (code == 0) {
			code = tree_hide(group->tree, what, WHY_REPLACED, layer, err);
		}
		*what = (struct standing){.id = event->id, .implied = true, .type = 'd'};
		return code;
	}
	*ret_blocked = layer;
	if (event->kind == EVENT_NEED) {
		return report(group, "parent-not-dir", layer,
			"something that is no folder stands above an entry", err);
	}
	return report(group, "opaque-on-nondir", layer,
		"a whiteout or an opaque marker below something that is no folder", err);
}

/** Engines that extract in order delete an entry when a whiteout of the same layer follows it. */
static int report_same_layer(struct path_group *group, struct peel_error *err)
{
	uint64_t last_whiteout = 0;
	int layer = -1;

	for (size_t i = 0; i < group->event_count; i++) {
		const struct event *event = &group->events[i];

		if (event->kind == EVENT_WHITEOUT) {
			last_whiteout = event->id;
			layer = tree_layer_of(group->tree, event->id);
		} else if (event->kind != EVENT_NEED_WHITEOUT && event->id < last_whiteout) {
			/* A layer's whiteouts come first, so this is its first entry here. */
			return report(group, "whiteout-same-layer", layer,
				"a whiteout after an entry of the same layer, which stays", err);
		}
	}
	return 0;
}

int tree_play(struct path_group *group, struct standing *ret_what, const struct kill **below,
	struct peel_error *err)
{
	int blocked = -1;
	int code = group->event_count > 1 ? report_same_layer(group, err) : 0;

	*ret_what = (struct standing){0};
	for (size_t i = 0; code == 0 && i < group->event_count; i++) {
		const struct event *event = &group->events[i];

		code = apply_kills(group, ret_what, event->moment, err);
		if (code < 0) {
			break;
		}
		if (event->kind == EVENT_WHITEOUT) {
			int layer = tree_layer_of(group->tree, event->id);

			code = tree_hide(group->tree, ret_what, WHY_DELETED, layer, err);
			*ret_what = (struct standing){0};
			if (code == 0 && group->child) {
				code = kills_add(group->all_kills, event->moment,
					WHY_DELETED_WITH_FOLDER, layer, below, err);
			}
		} else if (event->kind == EVENT_ENTRY) {
			if (blocked >= 0 && event->type == 'd') {
				code = kills_add(group->all_kills, event->moment, WHY_UNREACHABLE,
					blocked, below, err);
				blocked = -1;
			}
			if (code == 0) {
				code = place(group, ret_what, event, below, err);
			}
		} else {
			int before = blocked;

			code = need_folder(group, ret_what, event, &blocked, err);
			if (code == 0 && before >= 0 && ret_what->id == event->id) {
				/* Made anew: what could not be reached before stays out. */
				code = kills_add(group->all_kills, event->moment, WHY_UNREACHABLE,
					before, below, err);
				blocked = -1;
			}
		}
	}
	if (code == 0 && blocked >= 0) {
		code = kills_add(group->all_kills, END_OF_TIME, WHY_UNREACHABLE, blocked, below,
			err);
	}
	return code < 0 ? code : apply_kills(group, ret_what, END_OF_TIME, err);
}
