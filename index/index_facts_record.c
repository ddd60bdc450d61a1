/* SPDX-License-Identifier: Apache-2.0 */
/** One file's record, as rows of the facts tables. */
#include <stdio.h>
#include <string.h>

#include <peel/error.h>

#include "facts_record.h"
#include "facts_rows.h"
#include "facts_rules.h"
#include "facts_wanted.h"
#include "index_facts.h"
#include "index_facts_table.h"
#include "store.h"
#include "util.h"

/** The rows being written: of what, and how many there are of each kind. */
struct rows {
	struct facts_writing *writing;
	uint64_t entry;
	uint64_t needs, members;
	/** Name of the last member. */
	const char *member;
};

static int put_file(struct facts_writing *writing, uint64_t entry,
	const struct facts_record *record, enum facts_looked looked, const void *hash,
	struct peel_error *err)
{
	const struct facts_table_row row = {
		.entry = entry,
		.kind = record->kind,
		.hash = hash,
		.head = record->head,
		.head_len = record->head_len,
		.looked = looked,
	};

	return facts_table_add(writing->table, &row, err);
}

/* The statement for a row of the file at hand, whose entry is column 1. */
static int begin_row(struct rows *rows, const char *sql, sqlite3_stmt **ret_stmt,
	struct peel_error *err)
{
	int code = store_get(rows->writing->store, sql, ret_stmt, err);

	if (code == 0) {
		sqlite3_bind_int64(*ret_stmt, 1, (int64_t)rows->entry);
	}
	return code;
}

static int put_marker_name(struct rows *rows, const char *name, uint64_t offset,
	struct peel_error *err)
{
	static const char sql[] =
		"INSERT OR IGNORE INTO marker (entry, name, offset) VALUES (?1, ?2, ?3)";
	sqlite3_stmt *stmt;
	int code = begin_row(rows, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	store_bind_text(stmt, 2, name);
	sqlite3_bind_int64(stmt, 3, (int64_t)offset);
	return store_run(rows->writing->store, stmt, err);
}

static int put_named_marker(struct rows *rows, const struct facts_item *item,
	struct peel_error *err)
{
	return put_marker_name(rows, item->text, item->offset, err);
}

static int put_marker(struct rows *rows, const struct facts_item *item, struct peel_error *err)
{
	const struct facts_wanted *wanted = rows->writing->rules->wanted;
	cleanup_free char *joined = NULL;
	const char *name;

	if (item->marker >= wanted->marker_count) {
		return peel_fail(err, PEEL_EINTERNAL, "a marker of no set");
	}
	name = wanted->markers[item->marker].name;
	if (item->kind == FACTS_ITEM_MEMBER_MARKER) {
		if (asprintf(&joined, "%s!%s", rows->member ? rows->member : "", name) < 0) {
			joined = NULL;
			return peel_fail(err, PEEL_ENOMEM, "no memory");
		}
		name = joined;
	}
	return put_marker_name(rows, name, item->offset, err);
}

static int put_script(struct rows *rows, const struct facts_item *item, struct peel_error *err)
{
	static const char sql[] = "INSERT INTO script (entry, line) VALUES (?1, ?2)";
	sqlite3_stmt *stmt;
	int code = begin_row(rows, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	store_bind_blob(stmt, 2, item->text, item->text_len);
	return store_run(rows->writing->store, stmt, err);
}

static int put_elf(struct rows *rows, const struct facts_item *item, struct peel_error *err)
{
	static const char sql[] =
		"INSERT INTO elf (entry, bits, machine, type, flags, debug_bytes, strip_bytes, end, interp, soname,"
		" runpath, build_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)";
	const struct facts_elf *elf = &item->elf;
	const uint64_t numbers[] = {rows->entry, (uint64_t)elf->bits, elf->machine, elf->type,
		elf->flags, elf->debug_bytes, elf->strip_bytes, elf->end};
	const char *const blobs[] = {elf->interp, elf->soname, elf->runpath};
	sqlite3_stmt *stmt;
	int code = store_get(rows->writing->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	for (size_t i = 0; i < countof(numbers); i++) {
		sqlite3_bind_int64(stmt, 1 + (int)i, (int64_t)numbers[i]);
	}
	for (size_t i = 0; i < countof(blobs); i++) {
		store_bind_blob(stmt, 9 + (int)i, blobs[i], strlen(blobs[i]));
	}
	store_bind_text(stmt, 12, elf->build_id);
	return store_run(rows->writing->store, stmt, err);
}

static int put_need(struct rows *rows, const struct facts_item *item, struct peel_error *err)
{
	static const char sql[] = "INSERT INTO need (entry, position, name) VALUES (?1, ?2, ?3)";
	sqlite3_stmt *stmt;
	int code = begin_row(rows, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 2, (int64_t)rows->needs++);
	store_bind_blob(stmt, 3, item->text, item->text_len);
	return store_run(rows->writing->store, stmt, err);
}

static int put_symbol(struct rows *rows, const struct facts_item *item, struct peel_error *err)
{
	/* Defined once, it is defined. */
	static const char sql[] =
		"INSERT INTO symbol (entry, name, defined) VALUES (?1, ?2, ?3)"
		" ON CONFLICT (entry, name) DO UPDATE SET defined = max(defined, excluded.defined)";
	sqlite3_stmt *stmt;
	int code = begin_row(rows, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	store_bind_text(stmt, 2, item->text);
	sqlite3_bind_int(stmt, 3, item->defined);
	return store_run(rows->writing->store, stmt, err);
}

static int put_gpu(struct rows *rows, const struct facts_item *item, struct peel_error *err)
{
	static const char sql[] =
		"INSERT INTO gpu (entry, arch, bytes) VALUES (?1, ?2, ?3)"
		" ON CONFLICT (entry, arch) DO UPDATE SET bytes = bytes + excluded.bytes";
	sqlite3_stmt *stmt;
	int code = begin_row(rows, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	store_bind_text(stmt, 2, item->text);
	sqlite3_bind_int64(stmt, 3, (int64_t)item->bytes);
	return store_run(rows->writing->store, stmt, err);
}

static int put_member(struct rows *rows, const struct facts_item *item, struct peel_error *err)
{
	static const char sql[] = "INSERT INTO member (entry, position, name, stored, size, kind)"
				  " VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
	sqlite3_stmt *stmt;
	int code = store_get(rows->writing->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	rows->member = item->text;
	sqlite3_bind_int64(stmt, 1, (int64_t)rows->entry);
	sqlite3_bind_int64(stmt, 2, (int64_t)rows->members++);
	store_bind_blob(stmt, 3, item->text, item->text_len);
	sqlite3_bind_int64(stmt, 4, (int64_t)min_u64(item->bytes, INT64_MAX));
	sqlite3_bind_int64(stmt, 5, (int64_t)min_u64(item->size, INT64_MAX));
	if (item->member_kind) {
		sqlite3_bind_int(stmt, 6, item->member_kind);
	}
	return store_run(rows->writing->store, stmt, err);
}

static int put_archive(struct rows *rows, const struct facts_item *item, struct peel_error *err)
{
	static const char sql[] =
		"INSERT INTO archive (entry, listed, bundle, bundle_offset) VALUES (?1, ?2, ?3, ?4)";
	sqlite3_stmt *stmt;
	int code = begin_row(rows, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int(stmt, 2, item->listed);
	sqlite3_bind_int(stmt, 3, item->bundle);
	sqlite3_bind_int64(stmt, 4, (int64_t)item->offset);
	return store_run(rows->writing->store, stmt, err);
}

typedef int put_fn(struct rows *rows, const struct facts_item *item, struct peel_error *err);

static put_fn *const put_item[] = {
	[FACTS_ITEM_MARKER] = put_marker,
	[FACTS_ITEM_MEMBER_MARKER] = put_marker,
	[FACTS_ITEM_NAMED_MARKER] = put_named_marker,
	[FACTS_ITEM_SCRIPT] = put_script,
	[FACTS_ITEM_ELF] = put_elf,
	[FACTS_ITEM_NEED] = put_need,
	[FACTS_ITEM_SYMBOL] = put_symbol,
	[FACTS_ITEM_GPU] = put_gpu,
	[FACTS_ITEM_MEMBER] = put_member,
	[FACTS_ITEM_ARCHIVE] = put_archive,
};

int facts_write_record(struct facts_writing *writing, uint64_t entry, const void *bytes, size_t len,
	const void *hash, struct peel_error *err)
{
	struct rows rows = {.writing = writing, .entry = entry};
	cleanup_free struct facts_item *item = calloc(1, sizeof(*item));
	struct facts_record record = {.kind = PEEL_KIND_DATA};
	struct unpack in = {0};
	int more = 0;
	int code;

	if (!item) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	if (!bytes) {
		return put_file(writing, entry, &record, FACTS_LOOKED_FAILED, NULL, err);
	}
	if (!facts_record_open(&in, bytes, len, &record)) {
		return peel_fail(err, PEEL_EINTERNAL, "a damaged record");
	}
	code = put_file(writing, entry, &record,
		record.looked ? FACTS_LOOKED_INTO : FACTS_LOOKED_HEAD, hash, err);
	while (code == 0 && (more = facts_record_next(&in, item)) > 0) {
		code = put_item[item->kind](&rows, item, err);
	}
	return code == 0 && more < 0 ? peel_fail(err, PEEL_EINTERNAL, "a damaged record") : code;
}
