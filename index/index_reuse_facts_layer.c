/* SPDX-License-Identifier: Apache-2.0 */
#include "index_reuse_facts_layer.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "facts.h"
#include "facts_record.h"
#include "facts_rows.h"
#include "facts_wanted.h"
#include "index_facts.h"
#include "index_priv.h"
#include "limit.h"
#include "pack.h"
#include "store.h"
#include "util.h"

/** A layer being told. */
struct telling {
	const struct reuse_facts_layer *what;
	const struct index_layer *layer, *other_layer;
	struct store *store, *other_store;
	/** Its files, and those of the other one. */
	sqlite3_stmt *here, *there;
	/** What stands beside a file there. */
	struct facts_rows *rows;
	struct facts_item item;
	struct pack record;
};

static void telling_free(struct telling **telling_at)
{
	struct telling *telling = *telling_at;

	if (telling) {
		facts_rows_free(telling->rows);
		store_done_(&telling->here);
		store_done_(&telling->there);
		index_release(telling->what->index, telling->store);
		index_release(telling->what->other, telling->other_store);
		free(telling->record.bytes);
		free(telling);
	}
}

/** Columns of a file here; there they are followed by those of its facts. */
enum column {
	COLUMN_ID,
	COLUMN_SIZE,
	COLUMN_DATA,
	COLUMN_HASH,
	COLUMN_SPARSE,
	COLUMN_FACTS,
	COLUMN_KIND,
	COLUMN_LOOKED,
	COLUMN_FACTS_HASH,
	COLUMN_HEAD,
};

static int unfit(struct peel_error *err)
{
	return peel_fail(err, PEEL_EFORMAT, "facts of the cache do not fit");
}

static bool same_bytes(sqlite3_stmt *a, int column, sqlite3_stmt *b, int other)
{
	const int len = sqlite3_column_bytes(a, column);

	return len == sqlite3_column_bytes(b, other) &&
		(len == 0 ||
			memcmp(sqlite3_column_blob(a, column), sqlite3_column_blob(b, other),
				(size_t)len) == 0);
}

/** Are both rows of the same file? */
static bool is_same_file(const struct telling *telling)
{
	static const int numbers[] = {COLUMN_SIZE, COLUMN_DATA, COLUMN_SPARSE};
	const int64_t moved = (int64_t)telling->layer->first_id -
		(int64_t)telling->other_layer->first_id;

	for (size_t i = 0; i < countof(numbers); i++) {
		if (sqlite3_column_int64(telling->here, numbers[i]) !=
			sqlite3_column_int64(telling->there, numbers[i])) {
			return false;
		}
	}
	return sqlite3_column_int64(telling->here, COLUMN_ID) ==
		sqlite3_column_int64(telling->there, COLUMN_ID) + moved &&
		same_bytes(telling->here, COLUMN_HASH, telling->there, COLUMN_HASH);
}

/** The begin of a record. @return false where the row cannot be right. */
static bool read_begin(const struct telling *telling, struct facts_record *record)
{
	sqlite3_stmt *row = telling->there;
	const int looked = sqlite3_column_int(row, COLUMN_LOOKED);

	*record = (struct facts_record){
		.kind = facts_kind_known(sqlite3_column_int(row, COLUMN_KIND)),
		.looked = looked == FACTS_LOOKED_INTO,
	};
	if (sqlite3_column_type(row, COLUMN_HEAD) != SQLITE_NULL) {
		record->head = sqlite3_column_blob(row, COLUMN_HEAD);
		record->head_len = (size_t)sqlite3_column_bytes(row, COLUMN_HEAD);
	}
	/* The hash itself is in the index. */
	return sqlite3_column_type(row, COLUMN_FACTS) != SQLITE_NULL && record->kind &&
		(looked == FACTS_LOOKED_INTO || looked == FACTS_LOOKED_HEAD) &&
		record->head_len <= FACTS_RECORD_HEAD &&
		(record->kind == PEEL_KIND_DATA) == (record->head != NULL) &&
		same_bytes(telling->here, COLUMN_HASH, row, COLUMN_FACTS_HASH);
}

/** Is a marker, or the one behind a member's name, one that is looked for? */
static bool is_marker(const struct facts_wanted *wanted, const char *name)
{
	const char *bang = strrchr(name, '!');

	for (size_t i = 0; i < wanted->marker_count; i++) {
		if (strcmp(wanted->markers[i].name, bang ? bang + 1 : name) == 0) {
			return true;
		}
	}
	return false;
}

static void add_text(struct telling *telling, enum facts_item_kind kind, const char *text,
	size_t len)
{
	telling->item.kind = kind;
	telling->item.text = text;
	telling->item.text_len = len;
	facts_record_add(&telling->record, &telling->item);
}

/** Markers. @return false where one is unknown. */
static bool add_markers(struct telling *telling, const struct facts_row *row)
{
	for (size_t i = 0; i < row->marker_count; i++) {
		const char *name = row->markers[i].name;

		if (!is_marker(telling->what->wanted, name)) {
			return false;
		}
		telling->item.offset = row->markers[i].offset;
		add_text(telling, FACTS_ITEM_NAMED_MARKER, name, strlen(name));
	}
	return true;
}

static void add_program(struct telling *telling, const struct facts_row *row)
{
	struct facts_item *item = &telling->item;

	if (row->elf) {
		item->kind = FACTS_ITEM_ELF;
		item->elf = *row->elf;
		facts_record_add(&telling->record, item);
	}
	for (size_t i = 0; i < row->need_count; i++) {
		add_text(telling, FACTS_ITEM_NEED, row->needs[i], strlen(row->needs[i]));
	}
	for (size_t i = 0; i < row->symbol_count; i++) {
		const char *name = row->symbols[i].name;

		item->defined = row->symbols[i].defined;
		add_text(telling, FACTS_ITEM_SYMBOL, name, strlen(name));
	}
	for (size_t i = 0; i < row->gpu_count; i++) {
		const char *arch = row->gpus[i].arch;

		item->bytes = row->gpus[i].bytes;
		add_text(telling, FACTS_ITEM_GPU, arch, strlen(arch));
	}
}

static void add_archive(struct telling *telling, const struct facts_row *row)
{
	struct facts_item *item = &telling->item;

	for (size_t i = 0; i < row->member_count; i++) {
		const struct facts_row_member *member = &row->members[i];

		item->bytes = member->stored;
		item->size = member->size;
		item->member_kind = member->kind;
		add_text(telling, FACTS_ITEM_MEMBER, member->name, member->name_len);
	}
	if (row->archive) {
		item->kind = FACTS_ITEM_ARCHIVE;
		item->listed = row->listed;
		item->bundle = row->bundle;
		item->offset = row->bundle_offset;
		facts_record_add(&telling->record, item);
	}
}

/** Make the record of the file at hand, and add it. */
static int tell_file(struct telling *telling, struct peel_error *err)
{
	const struct reuse_facts_layer *what = telling->what;
	const uint64_t there = (uint64_t)sqlite3_column_int64(telling->there, COLUMN_ID);
	struct facts_record record;
	struct facts_row row = {0};
	int code = limits_tick(what->limits, err);

	if (code == 0) {
		code = facts_rows_beside(telling->rows, there, &row, err);
	}
	if (code < 0) {
		return code;
	}
	if (!read_begin(telling, &record)) {
		return unfit(err);
	}
	facts_record_begin(&telling->record, &record);
	if (!add_markers(telling, &row)) {
		return unfit(err);
	}
	if (row.line) {
		add_text(telling, FACTS_ITEM_SCRIPT, row.line, row.line_len);
	}
	add_program(telling, &row);
	add_archive(telling, &row);
	return telling->record.failed
		? peel_fail(err, PEEL_ENOMEM, "no memory")
		: facts_spool_add(what->spool, what->layer,
			  (uint64_t)sqlite3_column_int64(telling->here, COLUMN_ID),
			  telling->record.bytes, telling->record.len, err);
}

/** All files, side by side: neither may have one more. */
static int tell_files(struct telling *telling, struct peel_error *err)
{
	int code = 0;

	while (code == 0) {
		const int here = store_step(telling->store, telling->here, err);
		const int there = here < 0 ? here
					   : store_step(telling->other_store, telling->there, err);

		if (there <= 0 && here <= 0) {
			return there;
		}
		if (there < 0) {
			return there;
		}
		code = here != there || !is_same_file(telling) ? unfit(err) : 0;
		if (code == 0 && !sqlite3_column_int(telling->here, COLUMN_SPARSE)) {
			code = tell_file(telling, err);
		}
	}
	return code;
}

/** Facts of a layer may be of its files alone. */
static int check_count(struct telling *telling, struct peel_error *err)
{
	static const char sql[] =
		"SELECT count(*) = (SELECT count(*) FROM entry WHERE id >= ?1 AND id < ?2 AND type = 'f')"
		" FROM facts.file WHERE entry >= ?1 AND entry < ?2";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(telling->other_store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)telling->other_layer->first_id);
	sqlite3_bind_int64(stmt, 2, (int64_t)telling->other_layer->end_id);
	code = store_step(telling->other_store, stmt, err);
	return code < 0 ? code : sqlite3_column_int(stmt, 0) ? 0 : unfit(err);
}

#define FILE_COLUMNS "e.id, e.size, coalesce(e.data, 0), e.hash, e.flags & 4"
#define FILES " WHERE e.id >= ?1 AND e.id < ?2 AND e.type = 'f' ORDER BY e.id"

/** The files of a layer. */
static int begin_files(struct store *store, const char *sql, const struct index_layer *layer,
	sqlite3_stmt **ret_stmt, struct peel_error *err)
{
	int code = store_get(store, sql, ret_stmt, err);

	if (code == 0) {
		sqlite3_bind_int64(*ret_stmt, 1, (int64_t)layer->first_id);
		sqlite3_bind_int64(*ret_stmt, 2, (int64_t)layer->end_id);
	}
	return code;
}

static int begin(struct telling *telling, struct peel_error *err)
{
	static const char here[] = "SELECT " FILE_COLUMNS " FROM entry e" FILES;
	static const char there[] = "SELECT " FILE_COLUMNS
				    ", f.entry, f.kind, f.looked, f.hash, f.head FROM entry e"
				    " LEFT JOIN facts.file f ON f.entry = e.id" FILES;
	const struct reuse_facts_layer *what = telling->what;
	int code = index_acquire(what->index, &telling->store, err);

	if (code == 0) {
		code = index_acquire(what->other, &telling->other_store, err);
	}
	if (code == 0) {
		code = check_count(telling, err);
	}
	if (code == 0) {
		code = facts_rows_new_beside(what->other, telling->other_layer->first_id,
			telling->other_layer->end_id, &telling->rows, err);
	}
	if (code == 0) {
		code = begin_files(telling->store, here, telling->layer, &telling->here, err);
	}
	return code < 0 ? code
			: begin_files(telling->other_store, there, telling->other_layer,
				  &telling->there, err);
}

int reuse_facts_layer_tell(const struct reuse_facts_layer *what, struct peel_error *err)
{
	cleanup(telling_free) struct telling *telling = calloc(1, sizeof(*telling));
	int code;

	if (!telling) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	*telling = (struct telling){
		.what = what,
		.layer = &what->index->layers[what->layer],
		.other_layer = &what->other->layers[what->other_layer],
	};
	code = begin(telling, err);
	return code < 0 ? code : tell_files(telling, err);
}
