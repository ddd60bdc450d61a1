/* SPDX-License-Identifier: Apache-2.0 */
#include "index_reuse_layer.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "layer_item.h"
#include "layer_read.h"
#include "path.h"
#include "store.h"
#include "tree.h"
#include "util.h"

/** The layer being told. */
struct telling {
	struct store *store;
	struct item_writer *entries;
	int64_t row;
	uint64_t first_id, end_id, count;
	int64_t blob;
	/**
	 * Path of the folder of the last entry, with a slash at its end where it is not the root;
	 * it ends the buffer.
	 */
	uint32_t dir;
	size_t dir_start;
	/** Room for a path, at its end; and for one from its start. */
	char *dir_path;
	char *path;
	struct scan_xattr *xattrs;
	size_t xattr_room;
	struct scan_extent *extents;
	size_t extent_room;
};

static void telling_finish(struct telling *telling)
{
	free(telling->dir_path);
	free(telling->path);
	free(telling->xattrs);
	free(telling->extents);
}

/** Columns of an entry's row. */
enum column {
	COLUMN_ID,
	COLUMN_DIR,
	COLUMN_NAME,
	COLUMN_TYPE,
	COLUMN_MODE,
	COLUMN_UID,
	COLUMN_GID,
	COLUMN_SIZE,
	COLUMN_MTIME,
	COLUMN_NSEC,
	COLUMN_DATA,
	COLUMN_LINK,
	COLUMN_HASH,
	COLUMN_FLAGS,
	COLUMN_UNAME,
	COLUMN_GNAME,
	COLUMN_PATH,
	COLUMN_MAJOR,
	COLUMN_MINOR,
	COLUMN_HEADER,
	COLUMN_ALLOCATED,
	COLUMN_PAX,
};

static int damaged(struct peel_error *err)
{
	return peel_fail(err, PEEL_EFORMAT, "an index of the cache is damaged");
}

int reuse_layer_find(struct store *store, const struct peel_layer *like, int64_t *ret_row)
{
	/* Where findings were left out, or nobody noted which are the layers' own, they cannot be told. */
	static const char sql[] =
		"SELECT id FROM layer WHERE blob_hashed = ?1 AND codec = ?2 AND stored_size = ?3 AND state = 0"
		" AND EXISTS (SELECT 1 FROM image WHERE key = 'layer_findings')"
		" AND NOT EXISTS (SELECT 1 FROM finding WHERE code = 'too-many-findings')";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	struct peel_error ignored;

	if (store_get(store, sql, &stmt, &ignored) < 0) {
		return 0;
	}
	store_bind_text(stmt, 1, like->digest);
	sqlite3_bind_int64(stmt, 2, like->codec);
	sqlite3_bind_int64(stmt, 3, (int64_t)like->stored_size);
	if (store_step(store, stmt, &ignored) <= 0) {
		return 0;
	}
	*ret_row = sqlite3_column_int64(stmt, 0);
	return 1;
}

static size_t column_bytes(sqlite3_stmt *stmt, int column, const char **ret_bytes)
{
	const char *bytes = sqlite3_column_blob(stmt, column);

	*ret_bytes = bytes ? bytes : "";
	return bytes ? (size_t)sqlite3_column_bytes(stmt, column) : 0;
}

/** Put a name before the folder's path. */
static int prepend(struct telling *telling, const char *name, size_t len, struct peel_error *err)
{
	if (len == 0 || len + 1 > telling->dir_start || memchr(name, '\0', len)) {
		return damaged(err);
	}
	telling->dir_path[--telling->dir_start] = '/';
	telling->dir_start -= len;
	memcpy(telling->dir_path + telling->dir_start, name, len);
	return 0;
}

/** Have the path of a folder. */
static int find_dir(struct telling *telling, int64_t dir, struct peel_error *err)
{
	static const char sql[] = "SELECT parent, name FROM dir WHERE id = ?1";
	int64_t at = dir;
	int code = 0;

	if (dir == telling->dir) {
		return 0;
	}
	telling->dir = 0;
	telling->dir_start = TREE_PATH_MAX;
	while (code == 0 && at != STORE_ROOT_DIR) {
		cleanup_stmt sqlite3_stmt *stmt = NULL;
		const char *name;
		size_t len;
		int64_t parent;

		code = store_get(telling->store, sql, &stmt, err);
		if (code < 0) {
			return code;
		}
		sqlite3_bind_int64(stmt, 1, at);
		code = store_step(telling->store, stmt, err);
		if (code < 0) {
			return code;
		}
		parent = code > 0 ? sqlite3_column_int64(stmt, 0) : 0;
		if (parent <= 0 || parent >= at) {
			return damaged(err);
		}
		len = column_bytes(stmt, 1, &name);
		code = prepend(telling, name, len, err);
		at = parent;
	}
	if (code == 0) {
		telling->dir = (uint32_t)dir;
	}
	return code;
}

/** Folder, a whiteout's prefix where it is one, and name. */
static int join_path(struct telling *telling, sqlite3_stmt *row, struct scan_entry *entry,
	struct peel_error *err)
{
	const char *type = store_text(row, COLUMN_TYPE);
	const char *prefix = *type == 'w' ? WHITEOUT_PREFIX : *type == 'o' ? WHITEOUT_OPAQUE : "";
	const char *name;
	size_t name_len = column_bytes(row, COLUMN_NAME, &name);
	size_t dir_len;
	char *at = telling->path;
	int code = find_dir(telling, sqlite3_column_int64(row, COLUMN_DIR), err);

	if (code < 0) {
		return code;
	}
	dir_len = TREE_PATH_MAX - telling->dir_start;
	if (dir_len + strlen(prefix) + name_len >= TREE_PATH_MAX || memchr(name, '\0', name_len)) {
		return damaged(err);
	}
	at = mempcpy(at, telling->dir_path + telling->dir_start, dir_len);
	at = mempcpy(at, prefix, strlen(prefix));
	at = mempcpy(at, name, name_len);
	*at = '\0';
	entry->path = telling->path;
	entry->path_len = (size_t)(at - telling->path);
	return 0;
}

/** The path as the tar had it, where that was kept, or one that comes to the same. */
static int set_path(struct telling *telling, sqlite3_stmt *row, struct scan_entry *entry,
	struct peel_error *err)
{
	const char *path;
	size_t len = column_bytes(row, COLUMN_PATH, &path);

	if (sqlite3_column_type(row, COLUMN_PATH) == SQLITE_NULL) {
		if (sqlite3_column_int64(row, COLUMN_DIR) != 0) {
			return join_path(telling, row, entry, err);
		}
		len = 0;
	}
	if (len >= TREE_PATH_MAX || memchr(path, '\0', len)) {
		return damaged(err);
	}
	memcpy(telling->path, path, len);
	telling->path[len] = '\0';
	entry->path = telling->path;
	entry->path_len = len;
	return 0;
}

static void free_xattrs(struct telling *telling, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		/* Name and value are one block. */
		free((void *)(uintptr_t)telling->xattrs[i].name);
	}
}

static int add_xattr(struct telling *telling, sqlite3_stmt *stmt, struct scan_entry *entry,
	struct peel_error *err)
{
	const char *value;
	size_t value_len = column_bytes(stmt, 1, &value);
	const char *name = store_text(stmt, 0);
	size_t name_len = strlen(name) + 1;
	char *copy;

	if (!grow_array(&telling->xattrs, entry->xattr_count, &telling->xattr_room,
		    sizeof(*telling->xattrs)) ||
		!(copy = malloc(name_len + value_len))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	memcpy(copy, name, name_len);
	memcpy(copy + name_len, value, value_len);
	telling->xattrs[entry->xattr_count++] = (struct scan_xattr){
		.name = copy, .value = copy + name_len, .value_len = value_len};
	entry->xattrs = telling->xattrs;
	return 0;
}

static int add_extent(struct telling *telling, sqlite3_stmt *stmt, struct scan_entry *entry,
	struct peel_error *err)
{
	if (!grow_array(&telling->extents, entry->extent_count, &telling->extent_room,
		    sizeof(*telling->extents))) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	telling->extents[entry->extent_count++] = (struct scan_extent){
		.offset = (uint64_t)sqlite3_column_int64(stmt, 0),
		.length = (uint64_t)sqlite3_column_int64(stmt, 1)};
	entry->extents = telling->extents;
	return 0;
}

/** Add an entry's rows of a side table. */
static int add_rows(struct telling *telling, const char *sql, uint64_t id, struct scan_entry *entry,
	int (*add)(struct telling *telling, sqlite3_stmt *stmt, struct scan_entry *entry,
		struct peel_error *err),
	struct peel_error *err)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(telling->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)id);
	while (code == 0 && (code = store_step(telling->store, stmt, err)) > 0) {
		code = add(telling, stmt, entry, err);
	}
	return code;
}

static int add_side(struct telling *telling, sqlite3_stmt *row, struct scan_entry *entry,
	struct peel_error *err)
{
	static const char xattrs[] = "SELECT name, value FROM xattr WHERE entry = ?1 ORDER BY name";
	static const char extents[] =
		"SELECT offset, length FROM extent WHERE entry = ?1 ORDER BY offset";
	uint64_t id = (uint64_t)sqlite3_column_int64(row, COLUMN_ID);
	int64_t flags = sqlite3_column_int64(row, COLUMN_FLAGS);
	int code = 0;

	if (flags & ENTRY_XATTRS) {
		code = add_rows(telling, xattrs, id, entry, add_xattr, err);
	}
	if (code == 0 && (flags & ENTRY_SPARSE)) {
		code = add_rows(telling, extents, id, entry, add_extent, err);
	}
	if (code < 0 || sqlite3_column_type(row, COLUMN_HEADER) == SQLITE_NULL) {
		return code;
	}
	entry->rdev_major = (uint32_t)sqlite3_column_int64(row, COLUMN_MAJOR);
	entry->rdev_minor = (uint32_t)sqlite3_column_int64(row, COLUMN_MINOR);
	entry->header_off = (uint64_t)sqlite3_column_int64(row, COLUMN_HEADER);
	entry->sparse = sqlite3_column_type(row, COLUMN_ALLOCATED) != SQLITE_NULL;
	entry->extras_len = column_bytes(row, COLUMN_PAX, &entry->extras);
	return 0;
}

/** The type that gives the row's type again. */
static int set_type(sqlite3_stmt *row, struct scan_entry *entry, struct peel_error *err)
{
	const char *type = store_text(row, COLUMN_TYPE);
	bool data = sqlite3_column_type(row, COLUMN_DATA) != SQLITE_NULL;

	if (!*type || !strchr("fdlcbphwo?", *type)) {
		return damaged(err);
	}
	entry->type = (enum scan_type) * type;
	if (*type == 'w' || *type == 'o') {
		entry->type = SCAN_FILE;
	} else if (*type == '?') {
		/* What has data is a file with a name that none may have. */
		entry->type = data ? SCAN_FILE : SCAN_UNKNOWN;
	}
	entry->data_off = (uint64_t)sqlite3_column_int64(row, COLUMN_DATA);
	entry->stored = data ? max_u64(entry->size, 1) : 0;
	return 0;
}

static int put_entry(struct telling *telling, sqlite3_stmt *row, struct peel_error *err)
{
	struct scan_entry entry = {
		.mode = (uint32_t)sqlite3_column_int64(row, COLUMN_MODE) & 07777,
		.uid = sqlite3_column_int64(row, COLUMN_UID),
		.gid = sqlite3_column_int64(row, COLUMN_GID),
		.uname = store_text(row, COLUMN_UNAME),
		.gname = store_text(row, COLUMN_GNAME),
		.size = (uint64_t)sqlite3_column_int64(row, COLUMN_SIZE),
		.mtime_sec = sqlite3_column_int64(row, COLUMN_MTIME),
		.mtime_nsec = (uint32_t)sqlite3_column_int64(row, COLUMN_NSEC),
	};
	const char *hash;
	size_t hash_len = column_bytes(row, COLUMN_HASH, &hash);
	int code = set_type(row, &entry, err);

	entry.link_len = column_bytes(row, COLUMN_LINK, &entry.link);
	if (code == 0 && (entry.size > INT64_MAX || (hash_len && hash_len != LAYER_HASH_SIZE))) {
		code = damaged(err);
	}
	if (code == 0) {
		code = set_path(telling, row, &entry, err);
	}
	if (code == 0) {
		code = add_side(telling, row, &entry, err);
	}
	if (code == 0) {
		code = item_put_entry(telling->entries, &entry, true, err);
	}
	free_xattrs(telling, entry.xattr_count);
	return code < 0 || hash_len == 0 ? code : item_put_hash(telling->entries, hash, err);
}

static int put_entries(struct telling *telling, struct peel_error *err)
{
	static const char sql[] =
		"SELECT e.id, e.dir, e.name, e.type, e.mode, e.uid, e.gid, e.size, e.mtime, e.nsec, e.data,"
		" e.link, e.hash, e.flags, o.uname, o.gname, x.path, x.major, x.minor, x.header, x.allocated,"
		" x.pax FROM entry e LEFT JOIN owner o ON o.id = e.owner"
		" LEFT JOIN extra x ON x.entry = e.id AND e.flags & 16"
		" WHERE e.id >= ?1 AND e.id < ?2 ORDER BY e.id";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	uint64_t count = 0;
	int code = store_get(telling->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)telling->first_id);
	sqlite3_bind_int64(stmt, 2, (int64_t)telling->end_id);
	while (code == 0 && (code = store_step(telling->store, stmt, err)) > 0) {
		code = put_entry(telling, stmt, err);
		count++;
	}
	return code == 0 && count != telling->count ? damaged(err) : code;
}

/** Those of the layer's own entries and of its tar; others are made anew. */
static int put_findings(struct telling *telling, struct peel_error *err)
{
	static const char sql[] =
		"SELECT code, path, offset, detail FROM finding WHERE layer = ?1"
		" AND id > (SELECT value FROM image WHERE key = 'image_findings')"
		" AND id <= (SELECT value FROM image WHERE key = 'layer_findings') ORDER BY id";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(telling->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, telling->row);
	while (code == 0 && (code = store_step(telling->store, stmt, err)) > 0) {
		bool has_offset = sqlite3_column_type(stmt, 2) != SQLITE_NULL;
		const char *path;
		size_t path_len = column_bytes(stmt, 1, &path);

		path = sqlite3_column_type(stmt, 1) != SQLITE_NULL ? path : NULL;
		code = item_put_finding(telling->entries, store_text(stmt, 0), path, path_len,
			has_offset ? (uint64_t)sqlite3_column_int64(stmt, 2) : UINT64_MAX,
			store_text(stmt, 3), err);
	}
	return code;
}

static int put_points(struct telling *telling, struct item_writer *points, struct peel_error *err)
{
	static const char sql[] =
		"SELECT out_off, in_off, bits, window_len, window FROM point WHERE blob = ?1 ORDER BY rowid";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(telling->store, sql, &stmt, err);
	uint64_t count = 0;

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, telling->blob);
	while (code == 0 && (code = store_step(telling->store, stmt, err)) > 0) {
		const struct point point = {
			.out_off = (uint64_t)sqlite3_column_int64(stmt, 0),
			.in_off = (uint64_t)sqlite3_column_int64(stmt, 1),
			.bits = (uint8_t)sqlite3_column_int(stmt, 2),
			.window_len = (uint32_t)sqlite3_column_int64(stmt, 3),
		};
		const char *window;
		size_t len = column_bytes(stmt, 4, &window);

		code = point.window_len > POINT_WINDOW || point.bits > 7
			? damaged(err)
			: item_put_packed_point(points, &point, window, len, err);
		count++;
	}
	/* There is always one at the start. */
	return code == 0 && count == 0 ? damaged(err) : code;
}

static int find_row(struct telling *telling, struct layer_outcome *outcome, struct peel_error *err)
{
	static const char sql[] =
		"SELECT first_id, end_id, entries, tar_size, blob FROM layer WHERE id = ?1";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(telling->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, telling->row);
	code = store_step(telling->store, stmt, err);
	if (code <= 0) {
		return code < 0 ? code : damaged(err);
	}
	telling->first_id = (uint64_t)sqlite3_column_int64(stmt, 0);
	telling->end_id = (uint64_t)sqlite3_column_int64(stmt, 1);
	telling->count = (uint64_t)sqlite3_column_int64(stmt, 2);
	outcome->tar_size = (uint64_t)sqlite3_column_int64(stmt, 3);
	telling->blob = sqlite3_column_int64(stmt, 4);
	return outcome->tar_size > INT64_MAX ? damaged(err) : 0;
}

int reuse_layer_tell(struct store *store, int64_t row, struct item_writer *entries,
	struct item_writer *points, struct layer_outcome *ret_outcome, struct peel_error *err)
{
	cleanup(telling_finish) struct telling telling = {
		.store = store,
		.entries = entries,
		.row = row,
		.dir_start = TREE_PATH_MAX,
		.dir_path = malloc(TREE_PATH_MAX),
		.path = malloc(TREE_PATH_MAX),
	};
	int code = telling.dir_path && telling.path ? find_row(&telling, ret_outcome, err)
						    : peel_fail(err, PEEL_ENOMEM, "no memory");

	if (code == 0) {
		code = put_entries(&telling, err);
	}
	if (code == 0) {
		code = put_findings(&telling, err);
	}
	return code < 0 || !points ? code : put_points(&telling, points, err);
}
