/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hard links. A link binds to the inode that its target path had at that moment: what this layer made before
 * it, else what the lower layers show once this layer's whiteouts and opaque markers have acted. It is never
 * resolved again later, so a name that is replaced afterwards leaves the other names their content.
 *
 * Moments are entry ids (they ascend by layer, then position). An entry e at a path is alive at moment t when
 * it is the last one there before t, no whiteout between its layer and t's hits it or a folder above it, no such folder was made
 * opaque, and no such folder was replaced by something that is no folder. Folders in which nothing of the kind ever
 * happened in the layers in question (nearly all) are remembered, one at a time: links come in runs.
 *
 * Rejected: replaying the layers in memory (unbounded), resolving links against the merged tree (wrong content).
 */
#include "tree_priv.h"

#include <stdlib.h>
#include <string.h>

#include "path.h"
#include "util.h"

/** A hard link, or the entry that a path stands for. */
struct target {
	uint64_t id;
	int layer;
	char type;
	/** Of a hard link: what it is bound to; 0: nothing. */
	uint64_t inode;
	uint32_t self;
	/** Of a symlink, the caller frees. */
	char *link;
	size_t link_len;
};

/** Folder that is known to have been left alone from one layer to another. */
struct calm {
	uint32_t dir;
	int from;
	int to;
};

struct binder {
	struct tree *tree;
	/** The link being bound, and its layer. */
	uint64_t now;
	int layer;
	struct calm calm;
	/** Parent of the last target, as text, valid in layer memo_layer. */
	char *memo;
	size_t memo_len;
	uint32_t memo_dir;
	int memo_layer;
	char *path;
	char *rest;
};

static uint64_t first_id(const struct tree *tree, int layer)
{
	return tree->layers[layer].first_id;
}

static uint64_t end_id(const struct tree *tree, int layer)
{
	return tree->layers[layer].end_id;
}

/** Parent and name of a folder. @return 1; 0 for the root. ret_name is copied into a buffer the caller frees. */
static int dir_up(struct tree *tree, uint32_t dir, uint32_t *ret_parent, char **ret_name, size_t *ret_len,
	struct peel_error *err)
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
static int any_row(struct tree *tree, const char *sql, uint32_t dir, const char *name, size_t len, uint64_t from,
	uint64_t to, struct peel_error *err)
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
static const char sql_needed[] = "SELECT 1 FROM dir d JOIN touch t ON t.dir = d.id WHERE d.parent = ?1 AND d.name = ?2"
				 " AND t.id >= ?3 AND t.id < ?4 LIMIT 1";
static const char sql_other[] = "SELECT 1 FROM entry WHERE dir = ?1 AND name = ?2 AND type NOT IN ('d', 'w', '?')"
				" AND id > ?3 AND id < ?4 LIMIT 1";

/**
 * Was anything above an entry of layer from taken away until now? With whole, also what happened in its own
 * layer before it counts, so that the answer holds for every entry and moment of these layers.
 * @return 1 yes, 0 no, or less than 0.
 */
static int disturbed(struct binder *binder, uint32_t dir, uint64_t id, int from, bool whole, struct peel_error *err)
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
static int disturbed_memo(struct binder *binder, uint32_t dir, uint64_t id, int from, struct peel_error *err)
{
	struct calm *calm = &binder->calm;
	int code;

	if (calm->dir == dir && calm->from == from && calm->to == binder->layer) {
		return 0;
	}
	code = disturbed(binder, dir, id, from, true, err);
	if (code == 0) {
		*calm = (struct calm){.dir = dir, .from = from, .to = binder->layer};
		return 0;
	}
	return code < 0 ? code : disturbed(binder, dir, id, from, false, err);
}

/** The last entry at (dir, name) before now. @return 1, 0 where there is none, or less than 0. */
static int last_entry(struct binder *binder, uint32_t dir, const char *name, size_t len,
	struct target *ret_target, struct peel_error *err)
{
	static const char sql[] = "SELECT id, layer, type, inode, self, link FROM entry WHERE dir = ?1 AND name = ?2"
				  " AND type NOT IN ('w', 'o', '?') AND id < ?3 ORDER BY id DESC LIMIT 1";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(binder->tree->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, dir);
	store_bind_blob(stmt, 2, name, len);
	sqlite3_bind_int64(stmt, 3, (int64_t)binder->now);
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
		memcpy(ret_target->link, sqlite3_column_blob(stmt, 5) ? sqlite3_column_blob(stmt, 5) : "",
			ret_target->link_len);
	}
	return 1;
}

/** What (dir, name) stands for now. @return 1, 0 for nothing, or less than 0. */
static int alive(struct binder *binder, uint32_t dir, const char *name, size_t len, struct target *ret_target,
	struct peel_error *err)
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
		code = any_row(tree, sql_needed, dir, name, len, end_id(tree, ret_target->layer), binder->now, err);
		if (code > 0) {
			ret_target->type = 'd';
			code = 0;
		}
	}
	return code < 0 ? code : code == 0;
}

/** The folder's row below another. @return 1, 0 where no layer names it, or less than 0. */
static int child_dir(struct tree *tree, uint32_t dir, const char *name, size_t len, uint32_t *ret_dir,
	struct peel_error *err)
{
	static const char sql[] = "SELECT id FROM dir WHERE parent = ?1 AND name = ?2";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(tree->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, dir);
	store_bind_blob(stmt, 2, name, len);
	code = store_step(tree->store, stmt, err);
	if (code > 0) {
		*ret_dir = (uint32_t)sqlite3_column_int64(stmt, 0);
	}
	return code;
}

static int up_or_root(struct tree *tree, uint32_t dir, uint32_t *ret_dir, struct peel_error *err)
{
	cleanup_free char *name = NULL;
	size_t len = 0;
	uint32_t parent = 0;
	int code = dir_up(tree, dir, &parent, &name, &len, err);

	*ret_dir = code > 0 ? parent : STORE_ROOT_DIR;
	return code < 0 ? code : 0;
}

/**
 * The folder that a path names now, links followed.
 * @return 1 found, 0 not there (a component is missing or no folder, too many links), or less than 0.
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
		int code;

		if (part == 1 && name[0] == '.') {
			continue;
		}
		if (part == 2 && memcmp(name, "..", 2) == 0) {
			code = up_or_root(binder->tree, dir, &dir, err);
			if (code < 0) {
				return code;
			}
			continue;
		}
		code = alive(binder, dir, name, part, &target, err);
		link = target.link;
		if (code < 0) {
			return code;
		}
		if (code > 0 && target.type == 'l') {
			if (++hops > LINK_HOPS || target.link_len + 1 + (len - pos) > TREE_PATH_MAX) {
				return 0;
			}
			memmove(binder->rest + target.link_len + 1, path + pos, len - pos);
			memcpy(binder->rest, link, target.link_len);
			binder->rest[target.link_len] = '/';
			len = target.link_len + 1 + (len - pos);
			path = binder->rest;
			pos = 0;
			dir = path[0] == '/' ? STORE_ROOT_DIR : dir;
			*ret_followed = true;
			continue;
		}
		if (code > 0 && target.type != 'd') {
			return 0;
		}
		code = child_dir(binder->tree, dir, name, part, &dir, err);
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

	if (binder->memo_layer == binder->layer && binder->memo_len == len && memcmp(binder->memo, path, len) == 0) {
		*ret_dir = binder->memo_dir;
		return 1;
	}
	code = find_folder(binder, path, len, ret_dir, &followed, err);
	if (code <= 0) {
		return code;
	}
	code = followed ? 1 : disturbed(binder, *ret_dir, 0, binder->layer, true, err);
	if (code < 0) {
		return code;
	}
	binder->memo_layer = code == 0 ? binder->layer : -1;
	binder->memo_len = len;
	binder->memo_dir = *ret_dir;
	memcpy(binder->memo, path, len);
	return 1;
}

/** The entry whose data a link's target has. @return 1, 0 where the link is broken, or less than 0. */
static int find_inode(struct binder *binder, const char *link, size_t link_len, uint64_t *ret_inode,
	struct peel_error *err)
{
	struct target target = {0};
	cleanup_free char *target_link = NULL;
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
	code = alive(binder, dir, binder->path + slash, len - slash, &target, err);
	target_link = target.link;
	if (code <= 0 || target.type == 'd') {
		return code < 0 ? code : 0;
	}
	*ret_inode = target.type == 'h' ? target.inode : target.id;
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
	return store_run(binder->tree->store, stmt, err);
}

/** Does the link's header say of the inode what its first header says? Engines differ where not. */
static int compare_header(struct binder *binder, uint64_t inode, struct peel_error *err)
{
	static const char sql[] = "SELECT 1 FROM entry a JOIN entry b ON b.id = ?2 WHERE a.id = ?1 AND"
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

static int report_link(struct binder *binder, uint32_t dir, const void *name, size_t len, const char *what,
	const char *detail, struct peel_error *err)
{
	cleanup_free char *path = NULL;
	size_t path_len = 0;
	int code = tree_path(binder->tree, dir, name, len, &path, &path_len, err);

	return code < 0 ? code
			: tree_report(binder->tree, what, binder->layer, path, path_len, UINT64_MAX, detail, err);
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
	code = find_inode(binder, link ? link : "", (size_t)sqlite3_column_bytes(row, 4), &inode, err);
	if (code == 0) {
		binder->tree->broken_links = true;
		code = report_link(binder, dir, name, name_len, "bad-hardlink", "a hard link to nothing", err);
	} else if (code > 0) {
		code = compare_header(binder, inode, err);
		if (code > 0) {
			code = report_link(binder, dir, name, name_len, "hardlink-metadata",
				"a hard link's header has other metadata, which is taken", err);
		}
	}
	return code < 0 ? code : set_inode(binder, inode, err);
}

int tree_bind_links(struct tree *tree, struct peel_error *err)
{
	static const char sql[] = "SELECT id, layer, dir, name, link FROM entry WHERE type = 'h' ORDER BY id";
	cleanup_free char *memo = malloc(TREE_PATH_MAX);
	cleanup_free char *path = malloc(TREE_PATH_MAX);
	cleanup_free char *rest = malloc(TREE_PATH_MAX);
	struct binder binder = {.tree = tree, .memo = memo, .path = path, .rest = rest, .memo_layer = -1};
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
		"CREATE INDEX entry_inode ON entry (inode) WHERE inode IS NOT NULL",
		"INSERT INTO hardlink (inode, nlink, meta)"
		" SELECT h.inode, sum(h.why IS NULL) + (SELECT d.why IS NULL FROM entry d WHERE d.id = h.inode), max(h.id)"
		" FROM entry h WHERE h.inode IS NOT NULL GROUP BY h.inode",
		"UPDATE entry SET flags = flags | 8 WHERE id IN (SELECT inode FROM hardlink)",
	};
	int code = 0;

	for (size_t i = 0; code == 0 && i < countof(steps); i++) {
		code = store_exec(tree->store, steps[i], err);
	}
	return code;
}
