/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of tables entry and dir. An index may come from a stranger, so a row is checked here, once,
 * and the other query files take what they get as being in range: ids below 2^39, sizes not
 * negative, a known type.
 */
#include "query_priv.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "util.h"

static const char by_id[] = "SELECT " QUERY_COLUMNS " FROM entry e WHERE e.id = ?1";
static const char dir_by_id[] = "SELECT parent, name FROM dir WHERE id = ?1";
static const char link_by_id[] = "SELECT type, link FROM entry WHERE id = ?1";

/* What chown(-1) does: it leaves the owner that the file was created with. */
#define OWNER_UNCHANGED UINT32_MAX
#define NSEC_MAX 999999999

/*
 * Words for why an entry is not visible, in the order of enum store_why; table reason has the same.
 */
static const char *const reasons[] = {
	[WHY_VISIBLE] = "",
	[WHY_OVERWRITTEN] = "overwritten",
	[WHY_IDENTICAL] = "identical",
	[WHY_METADATA] = "metadata",
	[WHY_DELETED] = "deleted",
	[WHY_DELETED_WITH_FOLDER] = "deleted-with-folder",
	[WHY_OPAQUE] = "opaque",
	[WHY_REPLACED] = "replaced",
	[WHY_DUPLICATE] = "duplicate",
	[WHY_UNREACHABLE] = "unreachable",
	[WHY_BROKEN_LINK] = "broken-link",
	[WHY_MARKER] = "marker",
};

const char *query_reason(int why)
{
	return why < 0 || why >= (int)countof(reasons) ? "" : reasons[why];
}

int query_begin(struct query *q, struct peel_index *index, struct peel_error *err)
{
	*q = (struct query){.index = index};
	q->err = err ? err : &q->own;
	return index_acquire(index, &q->store, q->err);
}

int query_corrupt(struct query *q, uint64_t entry, const char *what)
{
	return peel_fail(q->err, PEEL_EFORMAT, STORE_DAMAGED "entry %" PRIu64 ": %s", entry, what);
}

static uint32_t owner_of(int64_t stored)
{
	const uint32_t owner = (uint32_t)stored;

	return owner == OWNER_UNCHANGED ? 0 : owner;
}

/* A row id of table entry or dir; NULL is 0. Negative ones are out of range, too. */
static bool is_id(uint64_t id)
{
	return id < QUERY_FOLDER_BIT;
}

/* @return false where it is out of range. */
static bool read_id(sqlite3_stmt *stmt, int column, uint64_t *ret_id)
{
	*ret_id = (uint64_t)sqlite3_column_int64(stmt, column);
	return is_id(*ret_id);
}

static uint32_t clamp_nsec(int64_t nsec)
{
	return nsec < 0 ? 0 : nsec > NSEC_MAX ? NSEC_MAX : (uint32_t)nsec;
}

/* The columns that hold something else for each type. */
static void read_detail(sqlite3_stmt *stmt, struct query_row *row)
{
	int64_t detail = sqlite3_column_int64(stmt, QUERY_DETAIL);

	switch (row->type) {
	case 'd':
		row->subdirs = (uint32_t)detail;
		break;
	case 'b':
	case 'c':
		row->major = (uint32_t)detail;
		row->minor = (uint32_t)sqlite3_column_int64(stmt, QUERY_MINOR);
		break;
	case 'l':
		row->link_len = (size_t)sqlite3_column_bytes(stmt, QUERY_LINK);
		row->plain_link = query_target_plain(sqlite3_column_blob(stmt, QUERY_LINK),
			row->link_len);
		break;
	case 'f':
		if (row->flags & ENTRY_SPARSE) {
			row->allocated = detail < 0 ? 0 : (uint64_t)detail;
		}
		break;
	default:
		break;
	}
}

int query_row_take(struct query *q, const struct query_stored *stored, struct query_row *ret_row)
{
	struct query_row *row = ret_row;

	*row = (struct query_row){
		.id = (uint64_t)stored->id,
		.dir = (uint64_t)stored->dir,
		.size = (uint64_t)stored->size,
		.self = (uint64_t)stored->self,
		.inode = (uint64_t)stored->inode,
		.mtime = stored->mtime,
		.nsec = clamp_nsec(stored->nsec),
		.mode = (uint32_t)stored->mode & 07777,
		.uid = owner_of(stored->uid),
		.gid = owner_of(stored->gid),
		.flags = (uint32_t)stored->flags,
		.data = (uint64_t)stored->data,
		.layer = stored->layer,
		.hidden_by = stored->hidden_by,
		.why = stored->why,
		.type = stored->type,
	};
	if (!is_id(row->id) || !is_id(row->dir) || !is_id(row->self) || !is_id(row->inode)) {
		return query_corrupt(q, row->id, "an id is out of range");
	}
	if (stored->size < 0 || !row->type || !strchr("fdlcbphwo?", row->type)) {
		return query_corrupt(q, row->id, "its type or size is none");
	}
	if (row->layer < 0 || row->layer >= q->index->layer_count) {
		/* No layer gave it: the root of an image without layers. */
		if (!(row->flags & ENTRY_IMPLIED)) {
			return query_corrupt(q, row->id, "its layer does not exist");
		}
		row->layer = -1;
	}
	if (row->hidden_by < -1 || row->hidden_by >= q->index->layer_count) {
		return query_corrupt(q, row->id, "the layer that hides it does not exist");
	}
	if (row->type != 'f') {
		row->size = 0;
	}
	row->allocated = (row->size + 4095) / 4096 * 4096;
	return 0;
}

int query_row_read(struct query *q, sqlite3_stmt *stmt, struct query_row *ret_row)
{
	const char *type = store_text(stmt, QUERY_TYPE);
	const struct query_stored stored = {
		.id = sqlite3_column_int64(stmt, QUERY_ID),
		.dir = sqlite3_column_int64(stmt, QUERY_DIR),
		.size = sqlite3_column_int64(stmt, QUERY_SIZE),
		.self = sqlite3_column_int64(stmt, QUERY_SELF),
		.inode = sqlite3_column_int64(stmt, QUERY_INODE),
		.mtime = sqlite3_column_int64(stmt, QUERY_MTIME),
		.nsec = sqlite3_column_int64(stmt, QUERY_NSEC),
		.mode = sqlite3_column_int64(stmt, QUERY_MODE),
		.uid = sqlite3_column_int64(stmt, QUERY_UID),
		.gid = sqlite3_column_int64(stmt, QUERY_GID),
		.flags = sqlite3_column_int64(stmt, QUERY_FLAGS),
		.data = sqlite3_column_int64(stmt, QUERY_DATA),
		.layer = sqlite3_column_int(stmt, QUERY_LAYER),
		.hidden_by = sqlite3_column_type(stmt, QUERY_HIDDEN_BY) == SQLITE_NULL
			? -1
			: sqlite3_column_int(stmt, QUERY_HIDDEN_BY),
		.why = sqlite3_column_int(stmt, QUERY_WHY),
		.type = type[0] && type[1] ? '\0' : type[0],
	};
	const int r = query_row_take(q, &stored, ret_row);

	if (r < 0) {
		return r;
	}
	if (ret_row->type == 'd' && sqlite3_column_type(stmt, QUERY_DETAIL) == SQLITE_NULL) {
		return query_corrupt(q, ret_row->id, "its folder does not exist");
	}
	read_detail(stmt, ret_row);
	return 0;
}

int query_row_get(struct query *q, uint64_t id, struct query_row *ret_row)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = store_get(q->store, by_id, &stmt, q->err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)id);
	r = store_step(q->store, stmt, q->err);
	if (r > 0) {
		int bad = query_row_read(q, stmt, ret_row);

		return bad < 0 ? bad : 1;
	}
	return r;
}

int query_dir(struct query *q, uint64_t dir, uint64_t *ret_parent, char *ret_name, size_t *ret_len)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	uint64_t parent;
	size_t len;
	int r = store_get(q->store, dir_by_id, &stmt, q->err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)dir);
	r = store_step(q->store, stmt, q->err);
	if (r < 0) {
		return r;
	}
	/* Ascending ids are what makes every walk to the root end. */
	if (r == 0 || !read_id(stmt, 0, &parent) || parent >= dir ||
		(parent == 0 && dir != STORE_ROOT_DIR)) {
		return peel_fail(q->err, PEEL_EFORMAT, STORE_DAMAGED "folder %" PRIu64, dir);
	}
	if (ret_name) {
		const void *name = sqlite3_column_blob(stmt, 1);

		len = (size_t)sqlite3_column_bytes(stmt, 1);
		if (len > PEEL_PATH_MAX) {
			return peel_fail(q->err, PEEL_ELIMIT, "a name of %zu bytes", len);
		}
		if (parent != 0 && len <= PEEL_NAME_MAX && !query_name_valid(name, len)) {
			return peel_fail(q->err, PEEL_EFORMAT,
				STORE_DAMAGED "folder %" PRIu64 ": its name", dir);
		}
		if (len) {
			memcpy(ret_name, name, len);
		}
		*ret_len = len;
	}
	*ret_parent = parent;
	return 0;
}

int query_target(struct query *q, uint64_t entry, char **ret_target, size_t *ret_len)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	const void *link;
	char *target;
	size_t len;
	int r = store_get(q->store, link_by_id, &stmt, q->err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)entry);
	r = store_step(q->store, stmt, q->err);
	if (r < 0) {
		return r;
	}
	if (r == 0) {
		return peel_fail(q->err, PEEL_ENOENT, "no such node");
	}
	if (strcmp(store_text(stmt, 0), "l") != 0) {
		return peel_fail(q->err, PEEL_EUSAGE, "not a symlink");
	}
	link = sqlite3_column_blob(stmt, 1);
	len = (size_t)sqlite3_column_bytes(stmt, 1);
	target = malloc(len + 1);
	if (!target) {
		return peel_fail(q->err, PEEL_ENOMEM, "out of memory");
	}
	if (len) {
		memcpy(target, link, len);
	}
	target[len] = '\0';
	*ret_target = target;
	*ret_len = len;
	return 0;
}
