/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moments are entry ids (they ascend by layer, then position). An entry e at a path is alive at
 * moment t when it is the last one there before t, no whiteout between its layer and t's hits it or
 * a folder above it, no such folder was made opaque, and no such folder was replaced by something
 * that is no folder. Folders in which nothing of the kind ever happened in the layers in question
 * (nearly all) are remembered, one at a time: links come in runs.
 */
#include "tree_alive.h"

#include <stdlib.h>
#include <string.h>

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

int tree_path(struct tree *tree, uint32_t dir, const void *name, size_t len, char **ret_path,
	size_t *ret_len, struct peel_error *err)
{
	cleanup_free char *path = malloc(len + 1);
	size_t path_len = len;

	if (!path) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	memcpy(path, name, len);
	path[len] = '\0';
	while (dir > STORE_ROOT_DIR) {
		cleanup_free char *part = NULL;
		size_t part_len = 0;
		char *longer;
		int code = dir_up(tree, dir, &dir, &part, &part_len, err);

		if (code < 0) {
			return code;
		}
		if (code == 0) {
			break;
		}
		longer = malloc(part_len + path_len + 2);
		if (!longer) {
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		memcpy(longer, part, part_len);
		longer[part_len] = '/';
		memcpy(longer + part_len + 1, path, path_len + 1);
		path_len += part_len + 1;
		free(path);
		path = longer;
	}
	*ret_path = steal_pointer(&path);
	*ret_len = path_len;
	return 0;
}

/** Run a query over (dir, name) and two ids. @return 1 it has a row, 0 none, or less than 0. */
static int any_row(struct tree *tree, const char *sql, uint32_t dir, const char *name, size_t len,
	uint64_t from, uint64_t to, struct peel_error *err)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(tree->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, dir);
	store_bind_blob(stmt, 2, name, len);
	sqlite3_bind_int64(stmt, 3, (int64_t)from);
	sqlite3_bind_int64(stmt, 4, (int64_t)to);
	return store_step(tree->store, stmt, err);
}

static const char sql_opaque[] =
	"SELECT 1 FROM entry WHERE dir = ?1 AND name = ?2 AND type = 'o' AND id >= ?3 AND id < ?4 LIMIT 1";
static const char sql_whiteout[] =
	"SELECT 1 FROM entry WHERE dir = ?1 AND name = ?2 AND type = 'w' AND id >= ?3 AND id < ?4 LIMIT 1";
static const char sql_needed[] =
	"SELECT 1 FROM dir d JOIN touch t ON t.dir = d.id WHERE d.parent = ?1 AND d.name = ?2"
	" AND t.id >= ?3 AND t.id < ?4 LIMIT 1";
static const char sql_other[] =
	"SELECT 1 FROM entry WHERE dir = ?1 AND name = ?2 AND type IN ('f', 'l', 'h', 'c', 'b', 'p')"
	" AND why IS NULL"
	" AND id > ?3 AND id < ?4 LIMIT 1";

int tree_disturbed(struct binder *binder, uint32_t dir, uint64_t id, int from, bool whole,
	struct peel_error *err)
{
	struct tree *tree = binder->tree;
	uint64_t upper = end_id(tree, from);
	uint64_t end = end_id(tree, binder->layer);
	uint64_t since = whole ? first_id(tree, from) - 1 : id;
	uint64_t until = whole ? end : binder->now;

	while (dir != 0) {
		cleanup_free char *name = NULL;
		size_t len = 0;
		uint32_t parent = 0;
		int code = any_row(tree, sql_opaque, dir, "", 0, upper, end, err);

		if (code != 0) {
			return code;
		}
		code = dir_up(tree, dir, &parent, &name, &len, err);
		if (code <= 0) {
			return code;
		}
		code = any_row(tree, sql_whiteout, parent, name, len, upper, end, err);
		if (code == 0) {
			code = any_row(tree, sql_other, parent, name, len, since, until, err);
		}
		if (code != 0) {
			return code;
		}
		dir = parent;
	}
	return 0;
}

/** As disturbed, remembering the folder where all is calm. */
static int disturbed_memo(struct binder *binder, uint32_t dir, uint64_t id, int from,
	struct peel_error *err)
{
	struct calm *calm = &binder->calm;
	int code;

	if (calm->dir == dir && calm->from == from && calm->to == binder->layer) {
		return 0;
	}
	code = tree_disturbed(binder, dir, id, from, true, err);
	if (code == 0) {
		*calm = (struct calm){.dir = dir, .from = from, .to = binder->layer};
		return 0;
	}
	return code < 0 ? code : tree_disturbed(binder, dir, id, from, false, err);
}

/** The last entry at (dir, name) before now. @return 1, 0 where there is none, or less than 0. */
static int last_entry(struct binder *binder, uint32_t dir, const char *name, size_t len,
	struct target *ret_target, struct peel_error *err)
{
	static const char sql[] =
		"SELECT id, layer, type, inode, self, link FROM entry WHERE id = " TREE_LAST_ENTRY(
			" AND why IS NULL");
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(binder->tree->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, dir);
	store_bind_blob(stmt, 2, name, len);
	sqlite3_bind_int64(stmt, 3, 0);
	sqlite3_bind_int64(stmt, 4, (int64_t)binder->now);
	code = store_step(binder->tree->store, stmt, err);
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

int tree_alive(struct binder *binder, uint32_t dir, const char *name, size_t len,
	struct target *ret_target, struct peel_error *err)
{
	struct tree *tree = binder->tree;
	int code = last_entry(binder, dir, name, len, ret_target, err);

	if (code <= 0) {
		return code;
	}
	code = 0;
	if (ret_target->layer < binder->layer) {
		code = any_row(tree, sql_whiteout, dir, name, len, end_id(tree, ret_target->layer),
			end_id(tree, binder->layer), err);
	}
	if (code == 0) {
		code = disturbed_memo(binder, dir, ret_target->id, ret_target->layer, err);
	}
	if (code == 0 && ret_target->type == 'l' && ret_target->layer < binder->layer) {
		/* An upper layer that needs a folder here has put one in the link's place. */
		code = any_row(tree, sql_needed, dir, name, len, end_id(tree, ret_target->layer),
			binder->now, err);
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
