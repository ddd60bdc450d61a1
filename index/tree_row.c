/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One row of table entry. What few entries have (xattrs, extents, devices, odd paths) goes to side
 * tables.
 */
#include "tree_row.h"

#include <stdlib.h>
#include <string.h>

#include <peel/query.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "tree_hidden.h"
#include "store_rows.h"
#include "tree_sort.h"
#include "util.h"

/** Blocks that allocated bytes are counted in. */
#define BLOCK_BYTES 4096
/** Bytes of a content hash. */
#define HASH_BYTES 16
/** Longer names are left to SQLite: a key of entry_path is to be at most BULK_KEY_MAX. */
#define NAME_LONG 1900

/** Bytes of the 4 KiB blocks that hold data. */
static uint64_t allocated_bytes(const struct scan_entry *entry)
{
	uint64_t blocks = 0;
	uint64_t next = 0;

	if (entry->type != SCAN_FILE) {
		return 0;
	}
	if (!entry->sparse) {
		return entry->size / BLOCK_BYTES * BLOCK_BYTES +
			(entry->size % BLOCK_BYTES ? BLOCK_BYTES : 0);
	}
	for (size_t i = 0; i < entry->extent_count; i++) {
		const struct scan_extent *extent = &entry->extents[i];
		uint64_t first = extent->offset / BLOCK_BYTES;
		uint64_t end;

		if (extent->length == 0) {
			continue;
		}
		end = (extent->offset + extent->length - 1) / BLOCK_BYTES + 1;
		first = first < next ? next : first;
		if (end > first) {
			blocks += end - first;
			next = end;
		}
	}
	return blocks * BLOCK_BYTES;
}

static bool same_name(const char *a, const char *b)
{
	return a && strcmp(a, b) == 0;
}

/** The row of the owner's names; 0: it has none. */
static int owner_row(struct tree *tree, const char *uname, const char *gname, int64_t *ret_owner,
	struct peel_error *err)
{
	static const char insert[] = "INSERT OR IGNORE INTO owner (uname, gname) VALUES (?1, ?2)";
	static const char select[] = "SELECT id FROM owner WHERE uname = ?1 AND gname = ?2";
	static const char *const sql[] = {insert, select};

	*ret_owner = 0;
	if (!*uname && !*gname) {
		return 0;
	}
	if (same_name(tree->last_uname, uname) && same_name(tree->last_gname, gname)) {
		*ret_owner = tree->last_owner;
		return 0;
	}
	for (size_t i = 0; i < countof(sql); i++) {
		cleanup_stmt sqlite3_stmt *stmt = NULL;
		int code = store_get(tree->store, sql[i], &stmt, err);

		if (code == 0) {
			store_bind_blob(stmt, 1, uname, strlen(uname));
			store_bind_blob(stmt, 2, gname, strlen(gname));
			code = store_step(tree->store, stmt, err);
		}
		if (code < 0) {
			return code;
		}
		if (code > 0) {
			*ret_owner = sqlite3_column_int64(stmt, 0);
		}
	}
	free(tree->last_uname);
	free(tree->last_gname);
	tree->last_uname = strdup(uname);
	tree->last_gname = strdup(gname);
	tree->last_owner = *ret_owner;
	return tree->last_uname && tree->last_gname ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");
}

/** A number that is NULL where it is 0. */
static void put_id(struct record *record, uint64_t id)
{
	if (id) {
		record_int(record, (int64_t)id);
	} else {
		record_null(record);
	}
}

/** The row as a record; the columns as schema.sql has them. */
static void pack_entry(struct tree *tree, const struct tree_row *row, int64_t owner)
{
	const struct scan_entry *entry = row->entry;
	struct record *record = &tree->record;

	record_begin(record);
	record_null(record);
	record_int(record, tree->layer);
	record_int(record, row->dir);
	record_blob(record, row->name, row->name_len);
	record_text(record, &row->type, 1);
	record_int(record, entry->mode & 07777);
	record_int(record, entry->uid);
	record_int(record, entry->gid);
	record_int(record, row->type == 'f' ? (int64_t)entry->size : 0);
	record_int(record, entry->mtime_sec);
	record_int(record, entry->mtime_nsec);
	if (entry->type == SCAN_FILE && entry->stored > 0) {
		record_int(record, (int64_t)entry->data_off);
	} else {
		record_null(record);
	}
	if (row->type == 'l' || row->type == 'h') {
		record_blob(record, entry->link, entry->link_len);
	} else {
		record_null(record);
	}
	put_id(record, row->self);
	record_null(record);
	put_id(record, (uint64_t)owner);
	tree_hidden_put(record, row->flags, row->hash, row->type == '?' ? tree->layer : -1,
		WHY_MARKER);
}

/** A row that is too long for its page, or for that of the index: SQLite takes it. */
static int insert_long(struct tree *tree, const struct tree_row *row, int64_t owner,
	struct peel_error *err)
{
	static const char make[] =
		"CREATE TEMP TABLE IF NOT EXISTS long_entry AS SELECT * FROM entry LIMIT 0";
	static const char sql[] =
		"INSERT INTO temp.long_entry (id, layer, dir, name, type, mode, uid, gid, size, mtime, nsec,"
		" data, link, self, owner, flags, hidden_by, why, hash)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18,"
		" ?19)";
	const struct scan_entry *entry = row->entry;
	const int64_t numbers[] = {entry->mode & 07777, entry->uid, entry->gid,
		row->type == 'f' ? (int64_t)entry->size : 0, entry->mtime_sec, entry->mtime_nsec};
	sqlite3_stmt *stmt = NULL;
	int code = tree->any_long ? 0 : store_exec(tree->store, make, err);

	tree->any_long = true;
	if (code == 0) {
		code = store_get(tree->store, sql, &stmt, err);
	}
	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)row->id);
	sqlite3_bind_int64(stmt, 2, tree->layer);
	sqlite3_bind_int64(stmt, 3, row->dir);
	store_bind_blob(stmt, 4, row->name, row->name_len);
	sqlite3_bind_text(stmt, 5, &row->type, 1, SQLITE_STATIC);
	for (size_t i = 0; i < countof(numbers); i++) {
		sqlite3_bind_int64(stmt, 6 + (int)i, numbers[i]);
	}
	if (entry->type == SCAN_FILE && entry->stored > 0) {
		sqlite3_bind_int64(stmt, 12, (int64_t)entry->data_off);
	}
	if (row->type == 'l' || row->type == 'h') {
		store_bind_blob(stmt, 13, entry->link ? entry->link : "", entry->link_len);
	}
	if (row->self) {
		sqlite3_bind_int64(stmt, 14, row->self);
	}
	if (owner) {
		sqlite3_bind_int64(stmt, 15, owner);
	}
	sqlite3_bind_int64(stmt, 16, row->flags);
	if (row->type == '?') {
		sqlite3_bind_int64(stmt, 17, tree->layer);
		sqlite3_bind_int64(stmt, 18, WHY_MARKER);
	}
	store_bind_blob(stmt, 19, row->hash, HASH_BYTES);
	return store_run(tree->store, stmt, err);
}

/** Hard links are bound when all layers were added (tree_link.c). */
static int note_hardlink(struct tree *tree, uint64_t id, struct peel_error *err)
{
	static const char make[] =
		"CREATE TEMP TABLE IF NOT EXISTS linked (id INTEGER PRIMARY KEY)";
	static const char sql[] = "INSERT INTO temp.linked (id) VALUES (?1)";
	sqlite3_stmt *stmt = NULL;
	int code = tree->hardlinks > 0 ? 0 : store_exec(tree->store, make, err);

	if (code == 0) {
		code = store_get(tree->store, sql, &stmt, err);
	}
	if (code < 0) {
		return code;
	}
	tree->hardlinks++;
	sqlite3_bind_int64(stmt, 1, (int64_t)id);
	return store_run(tree->store, stmt, err);
}

static int insert_entry(struct tree *tree, struct tree_row *row, int64_t owner,
	struct peel_error *err)
{
	size_t len;
	int code;

	pack_entry(tree, row, owner);
	len = record_end(&tree->record);
	row->aside = tree->record.overflow || row->name_len > NAME_LONG;
	code = row->aside ? insert_long(tree, row, owner, err)
			  : store_rows_add(tree->rows, row->id, &tree->record, len, err);
	return code == 0 && row->type == 'h' ? note_hardlink(tree, row->id, err) : code;
}

static int insert_extra(struct tree *tree, const struct tree_row *row, struct peel_error *err)
{
	static const char sql[] =
		"INSERT INTO extra (entry, path, major, minor, header, allocated, pax)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
	const struct scan_entry *entry = row->entry;
	sqlite3_stmt *stmt;
	int code = store_get(tree->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)row->id);
	store_bind_blob(stmt, 2, row->odd_path ? entry->path : NULL, entry->path_len);
	sqlite3_bind_int64(stmt, 3, entry->rdev_major);
	sqlite3_bind_int64(stmt, 4, entry->rdev_minor);
	sqlite3_bind_int64(stmt, 5, (int64_t)entry->header_off);
	if (entry->sparse) {
		sqlite3_bind_int64(stmt, 6, (int64_t)row->allocated);
	}
	store_bind_blob(stmt, 7, entry->extras, entry->extras_len);
	return store_run(tree->store, stmt, err);
}

static int compare_xattrs(const void *a, const void *b)
{
	const struct scan_xattr *const *left = a;
	const struct scan_xattr *const *right = b;
	int order = strcmp((*left)->name, (*right)->name);

	/* Of one that is there twice, the last counts. */
	return order != 0 ? order : (*left > *right) - (*left < *right);
}

/** In the order of names, so that a layer gives the same file again where they are read back from one. */
static int insert_xattrs(struct tree *tree, const struct tree_row *row, struct peel_error *err)
{
	static const char sql[] =
		"INSERT OR REPLACE INTO xattr (entry, name, value) VALUES (?1, ?2, ?3)";
	size_t count = row->entry->xattr_count;
	cleanup_free const struct scan_xattr **sorted = calloc(count, sizeof(*sorted));
	int code = sorted ? 0 : peel_fail(err, PEEL_ENOMEM, "no memory");

	for (size_t i = 0; code == 0 && i < count; i++) {
		sorted[i] = &row->entry->xattrs[i];
	}
	if (code == 0) {
		qsort(sorted, count, sizeof(*sorted), compare_xattrs);
	}
	for (size_t i = 0; code == 0 && i < count; i++) {
		const struct scan_xattr *xattr = sorted[i];
		sqlite3_stmt *stmt;

		code = store_get(tree->store, sql, &stmt, err);
		if (code == 0) {
			sqlite3_bind_int64(stmt, 1, (int64_t)row->id);
			store_bind_text(stmt, 2, xattr->name);
			store_bind_blob(stmt, 3, xattr->value ? xattr->value : "",
				xattr->value_len);
			code = store_run(tree->store, stmt, err);
		}
	}
	return code;
}

static int insert_extents(struct tree *tree, const struct tree_row *row, struct peel_error *err)
{
	static const char sql[] =
		"INSERT OR REPLACE INTO extent (entry, offset, length, data) VALUES (?1, ?2, ?3, ?4)";
	uint64_t data = row->entry->data_off;
	int code = 0;

	for (size_t i = 0; code == 0 && i < row->entry->extent_count; i++) {
		const struct scan_extent *extent = &row->entry->extents[i];
		sqlite3_stmt *stmt;

		if (extent->length == 0) {
			continue;
		}
		code = store_get(tree->store, sql, &stmt, err);
		if (code == 0) {
			sqlite3_bind_int64(stmt, 1, (int64_t)row->id);
			sqlite3_bind_int64(stmt, 2, (int64_t)extent->offset);
			sqlite3_bind_int64(stmt, 3, (int64_t)extent->length);
			sqlite3_bind_int64(stmt, 4, (int64_t)data);
			code = store_run(tree->store, stmt, err);
		}
		data += extent->length;
	}
	return code;
}

/** As sort_row.content. Of files it is made of their hash, and unforeseeable, so that nobody makes two alike. */
static uint64_t content_of(const struct tree *tree, const struct tree_row *row)
{
	const struct scan_entry *entry = row->entry;
	const uint64_t device = (uint64_t)entry->rdev_major << 32 | entry->rdev_minor;
	const void *bytes = "";
	size_t len = 0;

	switch (row->type) {
	case 'f':
		if (entry->size > 0 && !row->hash) {
			return SORT_CONTENT_UNKNOWN;
		}
		bytes = row->hash;
		len = entry->size > 0 ? HASH_BYTES : 0;
		break;
	case 'h':
		return SORT_CONTENT_ELSEWHERE;
	case 'l':
		bytes = entry->link;
		len = entry->link_len;
		break;
	case 'c':
	case 'b':
		bytes = &device;
		len = sizeof(device);
		break;
	default:
		break;
	}
	return max_u64(XXH3_64bits_withSeed(len ? bytes : "", len, tree->seed), SORT_CONTENT_FIRST);
}

/** As sort_row.meta; those with xattrs are few. */
static uint64_t meta_of(const struct tree *tree, const struct scan_entry *entry)
{
	const int64_t numbers[] = {
		entry->mode & 07777, entry->uid, entry->gid, entry->mtime_sec, entry->mtime_nsec};

	return entry->xattr_count > 0
		? SORT_CONTENT_UNKNOWN
		: max_u64(XXH3_64bits_withSeed(numbers, sizeof(numbers), tree->seed),
			  SORT_CONTENT_FIRST);
}

static int sort_row(struct tree *tree, const struct tree_row *row, struct peel_error *err)
{
	const struct sort_row sorted = {
		.id = row->id,
		.size = row->type == 'f' ? row->entry->size : 0,
		.dir = row->dir,
		.content = content_of(tree, row),
		.meta = meta_of(tree, row->entry),
		.name_len = (uint16_t)row->name_len,
		.type = row->type,
		.sparse = row->flags & ENTRY_SPARSE,
		.aside = row->aside,
		.name = row->name,
	};

	return tree_sort_add(tree->sort, &sorted, err);
}

int tree_row_insert(struct tree *tree, struct tree_row *row, struct peel_error *err)
{
	const struct scan_entry *entry = row->entry;
	int64_t owner = 0;
	int code = owner_row(tree, entry->uname ? entry->uname : "",
		entry->gname ? entry->gname : "", &owner, err);

	row->allocated = row->type == 'f' ? allocated_bytes(entry) : 0;
	row->flags |= entry->xattr_count > 0 ? ENTRY_XATTRS : 0;
	row->flags |= entry->sparse && row->type == 'f' ? ENTRY_SPARSE : 0;
	row->flags |= row->name_len > PEEL_NAME_MAX ? ENTRY_UNSHOWABLE : 0;
	if (row->odd_path || (row->flags & ENTRY_SPARSE) || row->type == 'c' || row->type == 'b' ||
		entry->extras_len > 0) {
		row->flags |= ENTRY_EXTRA;
	}
	if (code == 0) {
		code = insert_entry(tree, row, owner, err);
	}
	if (code == 0) {
		code = sort_row(tree, row, err);
	}
	if (code == 0 && (row->flags & ENTRY_EXTRA)) {
		code = insert_extra(tree, row, err);
	}
	if (code == 0 && (row->flags & ENTRY_XATTRS)) {
		code = insert_xattrs(tree, row, err);
	}
	if (code == 0 && (row->flags & ENTRY_SPARSE)) {
		code = insert_extents(tree, row, err);
	}
	return code;
}
