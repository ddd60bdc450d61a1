/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hard links. A link binds to the inode that its target path had at that moment: what this layer
 * made before it, else what the lower layers show once this layer's whiteouts and opaque markers
 * have acted (tree_alive.c). It is never resolved again later, so a name that is replaced
 * afterwards leaves the other names their content.
 *
 * Rejected: replaying the layers in memory (unbounded), resolving links against the merged tree
 * (wrong content).
 */
#include <stdlib.h>
#include <string.h>

#include "limit.h"
#include "path.h"
#include "tree_alive.h"
#include "util.h"

/** The folder's row below another. @return 1, 0 where no layer names it, or less than 0. */
static int child_dir(struct tree *tree, const struct tree_name *name, uint32_t *ret_dir,
	struct peel_error *err)
{
	static const char sql[] =
		"SELECT id FROM dir WHERE parent = ?1 AND name = ?2 AND id >= ?3 AND id < ?4";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = tree_ask(tree, sql, name, 0, UINT32_MAX, &stmt, err);

	if (code > 0) {
		*ret_dir = (uint32_t)sqlite3_column_int64(stmt, 0);
	}
	return code;
}

/**
 * The folder that a path names now, links followed.
 * @return 1 found, 0 not there (a component is missing or no folder, too many links), or less than
 *   0.
 */
static int find_folder(struct binder *binder, const char *path, size_t len, uint32_t *ret_dir,
	bool *ret_followed, struct peel_error *err)
{
	uint32_t dir = STORE_ROOT_DIR;
	size_t pos = 0;
	size_t start = 0;
	size_t part = 0;
	int hops = 0;

	while (path_next(path, len, &pos, &start, &part)) {
		struct target target = {0};
		cleanup_free char *link = NULL;
		const char *name = path + start;
		struct tree_name at;
		int code;

		if (part == 1 && name[0] == '.') {
			continue;
		}
		if (part == 2 && memcmp(name, "..", 2) == 0) {
			code = tree_dir_parent(binder->tree, dir, &dir, err);
			if (code < 0) {
				return code;
			}
			continue;
		}
		at = (struct tree_name){.dir = dir, .bytes = name, .len = part};
		code = tree_alive(binder, &at, &target, err);
		link = target.link;
		if (code < 0) {
			return code;
		}
		if (code > 0 && target.type == 'l') {
			if (++hops > LINK_HOPS ||
				target.link_len + 1 + (len - pos) > TREE_PATH_MAX) {
				return 0;
			}
			code = limits_check(binder->tree->limits, PEEL_LIMIT_SYMLINK_HOPS,
				(uint64_t)hops, err);
			if (code < 0) {
				return code;
			}
			memmove(binder->rest + target.link_len + 1, path + pos, len - pos);
			memcpy(binder->rest, link, target.link_len);
			binder->rest[target.link_len] = '/';
			len = target.link_len + 1 + (len - pos);
			path = binder->rest;
			pos = 0;
			/* An empty target leads nowhere else. */
			dir = target.link_len > 0 && path[0] == '/' ? STORE_ROOT_DIR : dir;
			*ret_followed = true;
			continue;
		}
		if (code > 0 && target.type != 'd') {
			return 0;
		}
		code = child_dir(binder->tree, &at, &dir, err);
		if (code <= 0) {
			return code;
		}
	}
	*ret_dir = dir;
	return 1;
}

/** As find_folder, remembering the last answer where nothing in this layer can change it. */
static int find_folder_memo(struct binder *binder, const char *path, size_t len, uint32_t *ret_dir,
	struct peel_error *err)
{
	bool followed = false;
	int code;

	if (binder->memo_layer == binder->layer && binder->memo_len == len &&
		memcmp(binder->memo, path, len) == 0) {
		*ret_dir = binder->memo_dir;
		return 1;
	}
	code = find_folder(binder, path, len, ret_dir, &followed, err);
	if (code <= 0) {
		return code;
	}
	code = followed ? 1 : tree_unsettled(binder, *ret_dir, err);
	if (code < 0) {
		return code;
	}
	binder->memo_layer = code == 0 ? binder->layer : -1;
	binder->memo_len = len;
	binder->memo_dir = *ret_dir;
	memcpy(binder->memo, path, len);
	return 1;
}

/**
 * The entry whose data a link's target has. @return 1, 0 where the link is broken, or less than 0.
 */
static int find_inode(struct binder *binder, const char *link, size_t link_len, uint64_t *ret_inode,
	struct peel_error *err)
{
	struct target target = {0};
	cleanup_free char *target_link = NULL;
	struct tree_name name;
	bool escaped = false;
	uint32_t dir = 0;
	size_t len;
	size_t slash;
	int code;

	if (link_len >= TREE_PATH_MAX) {
		return 0;
	}
	memcpy(binder->path, link, link_len);
	len = path_clean(binder->path, link_len, &escaped);
	if (len == 0) {
		return 0;
	}
	for (slash = len; slash > 0 && binder->path[slash - 1] != '/'; slash--) {
	}
	code = find_folder_memo(binder, binder->path, slash > 0 ? slash - 1 : 0, &dir, err);
	if (code <= 0) {
		return code;
	}
	name = (struct tree_name){.dir = dir, .bytes = binder->path + slash, .len = len - slash};
	code = tree_alive(binder, &name, &target, err);
	target_link = target.link;
	if (code <= 0 || target.type == 'd') {
		return code < 0 ? code : 0;
	}
	*ret_inode = target.inode ? target.inode : target.id;
	return *ret_inode != 0;
}

static int set_inode(struct binder *binder, uint64_t inode, struct peel_error *err)
{
	static const char bind[] = "UPDATE entry SET inode = ?2 WHERE id = ?1";
	static const char broken[] = "UPDATE entry SET hidden_by = ?2, why = 10 WHERE id = ?1";
	sqlite3_stmt *stmt;
	int code = store_get(binder->tree->store, inode ? bind : broken, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)binder->now);
	sqlite3_bind_int64(stmt, 2, inode ? (int64_t)inode : binder->layer);
	if (inode == 0) {
		tree_alive_forget(binder);
	}
	return store_run(binder->tree->store, stmt, err);
}

/** Does the link's header say of the inode what its first header says? Engines differ where not. */
static int compare_header(struct binder *binder, uint64_t inode, struct peel_error *err)
{
	static const char sql[] =
		"SELECT 1 FROM entry a JOIN entry b ON b.id = ?2 WHERE a.id = ?1 AND"
		" (a.mode <> b.mode OR a.uid <> b.uid OR a.gid <> b.gid OR a.mtime <> b.mtime)";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(binder->tree->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)binder->now);
	sqlite3_bind_int64(stmt, 2, (int64_t)inode);
	return store_step(binder->tree->store, stmt, err);
}

static int bind_row(struct binder *binder, sqlite3_stmt *row, struct peel_error *err)
{
	uint32_t dir = (uint32_t)sqlite3_column_int64(row, 2);
	const void *name = sqlite3_column_blob(row, 3);
	size_t name_len = (size_t)sqlite3_column_bytes(row, 3);
	const char *link = sqlite3_column_blob(row, 4);
	uint64_t inode = 0;
	int code;

	binder->now = (uint64_t)sqlite3_column_int64(row, 0);
	binder->layer = sqlite3_column_int(row, 1);
	code = find_inode(binder, link ? link : "", (size_t)sqlite3_column_bytes(row, 4), &inode,
		err);
	if (code == 0) {
		if (++binder->tree->broken_links > TREE_BROKEN_MAX) {
			return peel_fail(err, PEEL_ELIMIT,
				"layer %d: more than %d hard links to nothing", binder->layer,
				TREE_BROKEN_MAX);
		}
		code = tree_report_at(binder->tree, "bad-hardlink", binder->layer, dir, name,
			name_len, "a hard link to nothing", err);
	} else if (code > 0) {
		code = compare_header(binder, inode, err);
		if (code > 0) {
			code = tree_report_at(binder->tree, "hardlink-metadata", binder->layer, dir,
				name, name_len,
				"a hard link's header has other metadata, which is taken", err);
		}
	}
	return code < 0 ? code : set_inode(binder, inode, err);
}

int tree_bind_links(struct tree *tree, struct peel_error *err)
{
	static const char sql[] =
		"SELECT e.id, e.layer, e.dir, e.name, e.link"
		" FROM temp.linked CROSS JOIN entry e ON e.id = linked.id ORDER BY linked.id";
	cleanup_free char *memo = malloc(TREE_PATH_MAX);
	cleanup_free char *path = malloc(TREE_PATH_MAX);
	cleanup_free char *rest = malloc(TREE_PATH_MAX);
	struct binder binder = {
		.tree = tree, .memo = memo, .path = path, .rest = rest, .memo_layer = -1};
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code;

	if (tree->hardlinks == 0) {
		return 0;
	}
	if (!memo || !path || !rest) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	code = store_get(tree->store, sql, &stmt, err);
	while (code == 0 && (code = store_step(tree->store, stmt, err)) > 0) {
		code = bind_row(&binder, stmt, err);
	}
	return code;
}

int tree_count_links(struct tree *tree, struct peel_error *err)
{
	static const char *const steps[] = {
		"INSERT INTO hardlink (inode, nlink, meta)"
		/*
		 * A link that could not be reached was never made, nor was one with a name of aufs' own,
		 * so their headers count for nothing.
		 */
		" SELECT h.inode, sum(h.why IS NULL) + (SELECT d.why IS NULL FROM entry d WHERE d.id = h.inode),"
		" max(CASE WHEN coalesce(h.why, 0) IN (9, 11) OR substr(h.name, 1, 8) = CAST('.wh..wh.' AS BLOB)"
		" THEN h.inode ELSE h.id END)"
		" FROM entry h WHERE h.inode IS NOT NULL GROUP BY h.inode",
		"UPDATE entry SET flags = flags | 8 WHERE id IN (SELECT inode FROM hardlink)",
	};
	int code = 0;

	for (size_t i = 0; code == 0 && i < countof(steps); i++) {
		code = store_exec(tree->store, steps[i], err);
	}
	return code;
}
