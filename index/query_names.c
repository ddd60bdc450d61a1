/* SPDX-License-Identifier: Apache-2.0 */
/* Names that the ledger does not tell: one pass over table entry, or over the names of one file. */
#include "query_names.h"

#include <stdlib.h>
#include <string.h>

#include "query_pieces.h"
#include "util.h"

static const char named_sql[] = "SELECT e.id, e.dir, e.name, e.mode, e.layer, e.link FROM entry e"
				" WHERE e.type = ?1 AND " QUERY_VISIBLE
				" AND NOT e.flags & 1 ORDER BY e.id";
static const char names_sql[] =
	"SELECT e.dir, e.name FROM entry e WHERE e.id = ?1 AND (NOT ?2 OR e.why IS NULL)"
	" UNION ALL SELECT e.dir, e.name FROM entry e WHERE e.inode = ?1 AND e.type = 'h'"
	" AND (NOT ?2 OR e.why IS NULL) AND coalesce(e.why, 0) NOT IN (9, 10)";
/* An xattr of a hard link's header is the file's. */
static const char xattrs_sql[] =
	"SELECT CASE e.type WHEN 'h' THEN e.inode ELSE e.id END, x.name FROM xattr x"
	" JOIN entry e ON e.id = x.entry WHERE e.type = 'f' OR e.type = 'h' AND e.inode IS NOT NULL"
	" ORDER BY 1";

struct query_names {
	struct query q;
	struct folder_paths folders;
	char path[PEEL_PATH_MAX + 1];
};

int query_names_new(struct peel_index *index, struct query_names **ret_names,
	struct peel_error *err)
{
	cleanup_free struct query_names *names = calloc(1, sizeof(*names));
	int r;

	if (!names) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	r = query_begin(&names->q, index, err);
	if (r < 0) {
		return r;
	}
	*ret_names = steal_pointer(&names);
	return 0;
}

void query_names_free(struct query_names *names)
{
	if (names) {
		query_end_(&names->q);
		folder_paths_finish(&names->folders);
		free(names);
	}
}

static void cleanup_names(struct query_names **names)
{
	query_names_free(*names);
}

/* Path of the name in columns of a statement. */
static int set_path(struct query_names *names, sqlite3_stmt *stmt, int dir_column, int name_column,
	size_t *ret_len)
{
	const void *name = sqlite3_column_blob(stmt, name_column);
	const size_t len = (size_t)sqlite3_column_bytes(stmt, name_column);
	int r = folder_path(&names->q, &names->folders,
		(uint64_t)sqlite3_column_int64(stmt, dir_column), names->path, ret_len);

	if (r < 0) {
		return r;
	}
	if (len == 0 || memchr(name, '/', len) || memchr(name, '\0', len)) {
		return peel_fail(names->q.err, PEEL_EFORMAT, STORE_DAMAGED "a name");
	}
	if (*ret_len + 1 + len >= sizeof(names->path)) {
		return peel_fail(names->q.err, PEEL_ELIMIT, "a path over %d bytes",
			PEEL_PATH_MAX - 1);
	}
	names->path[(*ret_len)++] = '/';
	memcpy(names->path + *ret_len, name, len);
	*ret_len += len;
	names->path[*ret_len] = '\0';
	return 0;
}

int query_named(struct peel_index *index, char type, query_named_fn *each, void *arg,
	struct peel_error *err)
{
	cleanup(cleanup_names) struct query_names *names = NULL;
	int r = query_names_new(index, &names, err);
	cleanup_stmt sqlite3_stmt *stmt = NULL;

	r = r < 0 ? r : store_get(names->q.store, named_sql, &stmt, err);
	if (r < 0) {
		return r;
	}
	sqlite3_bind_text(stmt, 1, type == 'l' ? "l" : "d", 1, SQLITE_STATIC);
	while (r == 0 && (r = store_step(names->q.store, stmt, err)) > 0) {
		struct query_named named = {
			.ino = (uint64_t)sqlite3_column_int64(stmt, 0),
			.type = type,
			.mode = (uint32_t)sqlite3_column_int64(stmt, 3) & 07777,
			.layer = sqlite3_column_int(stmt, 4),
			.path = names->path,
		};

		/* The root has no folder that holds it. */
		if (sqlite3_column_int64(stmt, 1) == 0) {
			memcpy(names->path, "/", 2);
			named.path_len = 1;
			named.ino = QUERY_MERGED_ROOT;
		}
		r = named.path_len ? 0 : set_path(names, stmt, 1, 2, &named.path_len);
		named.target = sqlite3_column_blob(stmt, 5);
		named.target_len = (size_t)sqlite3_column_bytes(stmt, 5);
		r = r < 0 ? r : each(arg, &named) ? 1 : 0;
	}
	return r;
}

int query_names_each(struct query_names *names, uint64_t entry, bool visible, query_path_fn *each,
	void *arg, struct peel_error *err)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	size_t len;
	int r;

	names->q.err = err;
	r = store_get(names->q.store, names_sql, &stmt, err);
	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)entry);
	sqlite3_bind_int(stmt, 2, visible);
	while (r == 0 && (r = store_step(names->q.store, stmt, err)) > 0) {
		r = set_path(names, stmt, 0, 1, &len);
		r = r < 0 ? r : each(arg, names->path, len) ? 1 : 0;
	}
	return r;
}

int query_names_layer(struct query_names *names, uint64_t entry, int *ret_layer,
	struct peel_error *err)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = store_get(names->q.store, "SELECT layer FROM entry WHERE id = ?1", &stmt, err);

	*ret_layer = -1;
	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)entry);
	r = store_step(names->q.store, stmt, err);
	if (r > 0) {
		*ret_layer = sqlite3_column_int(stmt, 0);
	}
	return r < 0 ? r : 0;
}

int query_xattrs(struct peel_index *index, query_xattr_fn *each, void *arg, struct peel_error *err)
{
	cleanup_query struct query q = {0};
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = query_begin(&q, index, err);

	r = r < 0 ? r : store_get(q.store, xattrs_sql, &stmt, err);
	while (r == 0 && (r = store_step(q.store, stmt, err)) > 0) {
		const char *name = (const char *)sqlite3_column_text(stmt, 1);

		r = each(arg, (uint64_t)sqlite3_column_int64(stmt, 0), name ? name : "") ? 1 : 0;
	}
	return r;
}
