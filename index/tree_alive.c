/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moments are entry ids (they ascend by layer, then position). An entry e at a path is alive at
 * moment t when it is the last one there before t, no whiteout between its layer and t's hits it or
 * a folder above it, no such folder was made opaque, and no such folder was replaced by something
 * that is no folder. Of what happened to a folder and those above it, only the last moments count,
 * and those are remembered: else a link would cost the square of its target's depth.
 */
#include "tree_alive.h"

#include <stdlib.h>
#include <string.h>

#include <peel/query.h>

#include "util.h"

static uint64_t first_id(const struct tree *tree, int layer)
{
	return tree->layers[layer].first_id;
}

static uint64_t end_id(const struct tree *tree, int layer)
{
	return tree->layers[layer].end_id;
}

/**
 * Parent and name of a folder. @return 1; 0 for the root. ret_name is copied into a buffer the
 * caller frees.
 */
static int dir_up(struct tree *tree, uint32_t dir, uint32_t *ret_parent, char **ret_name,
	size_t *ret_len, struct peel_error *err)
{
	static const char sql[] = "SELECT parent, name FROM dir WHERE id = ?1";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(tree->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, dir);
	code = store_step(tree->store, stmt, err);
	if (code <= 0) {
		return code < 0 ? code : peel_fail(err, PEEL_EINTERNAL, "a folder without a row");
	}
	*ret_parent = (uint32_t)sqlite3_column_int64(stmt, 0);
	if (*ret_parent == 0) {
		return 0;
	}
	*ret_len = (size_t)sqlite3_column_bytes(stmt, 1);
	*ret_name = malloc(*ret_len + 1);
	if (!*ret_name) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	memcpy(*ret_name, sqlite3_column_blob(stmt, 1), *ret_len);
	(*ret_name)[*ret_len] = '\0';
	return 1;
}

/** Put a part and a slash before what stands at the end of the buffer. @return false where there is no room. */
static bool prepend(char *buf, size_t *start, const char *part, size_t len)
{
	if (len + 1 > *start) {
		return false;
	}
	*start -= len + 1;
	memcpy(buf + *start, part, len);
	buf[*start + len] = '/';
	return true;
}

int tree_report_at(struct tree *tree, const char *what, int layer, uint32_t dir, const void *name,
	size_t len, const char *detail, struct peel_error *err)
{
	char path[PEEL_PATH_MAX];
	size_t start = sizeof(path) - min_u64(len, sizeof(path));

	if (++tree->reports > TREE_REPORTS_MAX) {
		return tree_report(tree, what, layer, NULL, 0, UINT64_MAX, detail, err);
	}
	memcpy(path + start, name, sizeof(path) - start);
	while (dir > STORE_ROOT_DIR) {
		cleanup_free char *part = NULL;
		size_t part_len = 0;
		int code = dir_up(tree, dir, &dir, &part, &part_len, err);

		if (code < 0) {
			return code;
		}
		if (code == 0 || !prepend(path, &start, part, part_len)) {
			break;
		}
	}
	return tree_report(tree, what, layer, path + start, sizeof(path) - start, UINT64_MAX,
		detail, err);
}

int tree_ask(struct tree *tree, const char *sql, const struct tree_name *name, uint64_t from,
	uint64_t to, sqlite3_stmt **ret_stmt, struct peel_error *err)
{
	int code = store_get(tree->store, sql, ret_stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(*ret_stmt, 1, name->dir);
	store_bind_blob(*ret_stmt, 2, name->bytes, name->len);
	sqlite3_bind_int64(*ret_stmt, 3, (int64_t)from);
	sqlite3_bind_int64(*ret_stmt, 4, (int64_t)to);
	return store_step(tree->store, *ret_stmt, err);
}

/** Has a query of tree_ask a row? @return 1, 0, or less than 0. */
static int any_row(struct tree *tree, const char *sql, const struct tree_name *name, uint64_t from,
	uint64_t to, struct peel_error *err)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;

	return tree_ask(tree, sql, name, from, to, &stmt, err);
}

static const char sql_whiteout[] =
	"SELECT 1 FROM entry WHERE dir = ?1 AND name = ?2 AND type = 'w' AND id >= ?3 AND id < ?4 LIMIT 1";
static const char sql_needed[] =
	"SELECT 1 FROM dir d JOIN touch t ON t.dir = d.id WHERE d.parent = ?1 AND d.name = ?2"
	" AND t.id >= ?3 AND t.id < ?4 LIMIT 1";
static const char sql_last_opaque[] = "SELECT max(id) FROM (" TREE_LAST_OF("o", "") ")";
static const char sql_last_whiteout[] = "SELECT max(id) FROM (" TREE_LAST_OF("w", "") ")";
static const char sql_last_other[] = "SELECT " TREE_LAST_OTHER(" AND why IS NULL");

/** As any_row, of all ids below until; what it finds raises *max. */
static int raise_to_last(struct tree *tree, const char *sql, const struct tree_name *name,
	uint64_t until, uint64_t *max, struct peel_error *err)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = tree_ask(tree, sql, name, 0, until, &stmt, err);

	if (code > 0) {
		*max = max_u64(*max, (uint64_t)sqlite3_column_int64(stmt, 0));
	}
	return code < 0 ? code : 0;
}

/** One folder's own part, and the folder above it; 0 above the root. */
static int look_at(struct tree *tree, uint32_t dir, struct above *above, uint32_t *ret_parent,
	struct peel_error *err)
{
	cleanup_free char *name = NULL;
	struct tree_name at = {.dir = dir, .bytes = ""};
	size_t len = 0;
	int code = raise_to_last(tree, sql_last_opaque, &at, above->until, &above->taken, err);

	*ret_parent = 0;
	if (code == 0) {
		code = dir_up(tree, dir, ret_parent, &name, &len, err);
	}
	if (code <= 0) {
		return code;
	}
	at = (struct tree_name){.dir = *ret_parent, .bytes = name, .len = len};
	code = raise_to_last(tree, sql_last_whiteout, &at, above->until, &above->taken, err);
	if (code == 0) {
		code = raise_to_last(tree, sql_last_other, &at, above->until, &above->replaced,
			err);
	}
	return code;
}

/** Up to the root or a folder of which it is known: walks come from above, so it is the next. */
static int look_above(struct binder *binder, struct above *slots, uint32_t dir, uint64_t until,
	struct above *ret_above, struct peel_error *err)
{
	uint32_t at = dir;
	int code = 0;

	*ret_above = (struct above){.dir = dir, .until = until};
	while (code == 0 && at != 0) {
		const struct above *known = &slots[at % ABOVE_SLOTS];

		if (known->dir == at && known->until == until) {
			ret_above->taken = max_u64(ret_above->taken, known->taken);
			ret_above->replaced = max_u64(ret_above->replaced, known->replaced);
			break;
		}
		code = look_at(binder->tree, at, ret_above, &at, err);
	}
	if (code == 0) {
		slots[dir % ABOVE_SLOTS] = *ret_above;
	}
	return code;
}

void tree_alive_forget(struct binder *binder)
{
	memset(binder->whole, 0, sizeof(binder->whole));
	memset(binder->so_far, 0, sizeof(binder->so_far));
}

int tree_unsettled(struct binder *binder, uint32_t dir, struct peel_error *err)
{
	struct tree *tree = binder->tree;
	struct above above;
	int code = look_above(binder, binder->whole, dir, end_id(tree, binder->layer), &above, err);

	return code < 0 ? code : above.replaced >= first_id(tree, binder->layer);
}

/** Did a folder above take an entry of a layer away until now? @return 1, 0, or less than 0. */
static int disturbed(struct binder *binder, uint32_t dir, uint64_t id, int from,
	struct peel_error *err)
{
	struct tree *tree = binder->tree;
	struct above above;
	int code = look_above(binder, binder->whole, dir, end_id(tree, binder->layer), &above, err);

	if (code == 0 && above.taken < end_id(tree, from) && above.replaced >= binder->now) {
		code = look_above(binder, binder->so_far, dir, binder->now, &above, err);
		above.taken = 0;
	}
	return code < 0 ? code : above.taken >= end_id(tree, from) || above.replaced > id;
}

/** The last entry at (dir, name) before now. @return 1, 0 where there is none, or less than 0. */
static int last_entry(struct binder *binder, const struct tree_name *name,
	struct target *ret_target, struct peel_error *err)
{
	static const char sql[] =
		/* A hard link to a symlink leads on as the symlink does. */
		"SELECT e.id, e.layer, CASE d.type WHEN 'l' THEN 'l' ELSE e.type END, e.inode, e.self,"
		" CASE d.type WHEN 'l' THEN d.link ELSE e.link END"
		" FROM entry e LEFT JOIN entry d ON d.id = e.inode WHERE e.id = " TREE_LAST_ENTRY(
			" AND why IS NULL");
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = tree_ask(binder->tree, sql, name, 0, binder->now, &stmt, err);

	if (code <= 0) {
		return code;
	}
	*ret_target = (struct target){
		.id = (uint64_t)sqlite3_column_int64(stmt, 0),
		.layer = sqlite3_column_int(stmt, 1),
		.type = store_text(stmt, 2)[0],
		.inode = (uint64_t)sqlite3_column_int64(stmt, 3),
		.self = (uint32_t)sqlite3_column_int64(stmt, 4),
	};
	if (ret_target->type == 'l') {
		ret_target->link_len = (size_t)sqlite3_column_bytes(stmt, 5);
		ret_target->link = calloc(1, ret_target->link_len + 1);
		if (!ret_target->link) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		memcpy(ret_target->link,
			sqlite3_column_blob(stmt, 5) ? sqlite3_column_blob(stmt, 5) : "",
			ret_target->link_len);
	}
	return 1;
}

int tree_alive(struct binder *binder, const struct tree_name *name, struct target *ret_target,
	struct peel_error *err)
{
	struct tree *tree = binder->tree;
	int code = last_entry(binder, name, ret_target, err);

	if (code <= 0) {
		return code;
	}
	code = 0;
	if (ret_target->layer < binder->layer) {
		code = any_row(tree, sql_whiteout, name, end_id(tree, ret_target->layer),
			end_id(tree, binder->layer), err);
	}
	if (code == 0) {
		code = disturbed(binder, name->dir, ret_target->id, ret_target->layer, err);
	}
	if (code == 0 && ret_target->type == 'l' && ret_target->layer < binder->layer) {
		/* An upper layer that needs a folder here has put one in the link's place. */
		code = any_row(tree, sql_needed, name, end_id(tree, ret_target->layer), binder->now,
			err);
		if (code > 0) {
			ret_target->type = 'd';
			code = 0;
		}
	}
	return code < 0 ? code : code == 0;
}

int tree_dir_parent(struct tree *tree, uint32_t dir, uint32_t *ret_parent, struct peel_error *err)
{
	cleanup_free char *name = NULL;
	size_t len = 0;
	uint32_t parent = 0;
	int code = dir_up(tree, dir, &parent, &name, &len, err);

	*ret_parent = code > 0 ? parent : STORE_ROOT_DIR;
	return code < 0 ? code : 0;
}
