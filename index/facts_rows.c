/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every table of the facts is in order of entries, so one statement a table, all stepped side by side, gives
 * each file with what belongs to it in one pass and without a lookup.
 *
 * The file may come from a stranger: what belongs to one file is capped as it was when it was gathered, numbers
 * that are no kind and no layer are told as none.
 */
#include "facts_rows.h"

#include <stdlib.h>
#include <string.h>

#include <peel/error.h>

#include "facts.h"
#include "index_priv.h"
#include "store.h"
#include "util.h"

/** Most rows of one table for one file: members, and markers of members. */
#define ROWS_MAX (2 * FACTS_MEMBERS_MAX)
/** Bytes of texts got at once. */
#define ARENA_BLOCK (64u << 10)

/** Texts of one file, which stay where they are. */
struct arena {
	char **blocks;
	size_t count, room;
	/** Of the last block. */
	size_t used, size;
};

static void arena_reset(struct arena *arena)
{
	for (size_t i = 0; i < arena->count; i++) {
		free(arena->blocks[i]);
	}
	arena->count = arena->used = arena->size = 0;
}

/** Copy bytes and put a NUL after them. @return NULL: no memory. */
static const char *arena_copy(struct arena *arena, const void *bytes, size_t len)
{
	char *to;

	if (arena->size - arena->used < len + 1) {
		const size_t size = (size_t)max_u64(ARENA_BLOCK, len + 1);

		to = grow_array(&arena->blocks, arena->count, &arena->room, sizeof(*arena->blocks))
			? malloc(size)
			: NULL;
		if (!to) {
			return NULL;
		}
		arena->blocks[arena->count++] = to;
		arena->used = 0;
		arena->size = size;
	}
	to = arena->blocks[arena->count - 1] + arena->used;
	memcpy(to, bytes, len);
	to[len] = '\0';
	arena->used += len + 1;
	return to;
}

enum side {
	SIDE_MARKER,
	SIDE_ELF,
	SIDE_NEED,
	SIDE_SYMBOL,
	SIDE_GPU,
	SIDE_MEMBER,
	SIDE_ARCHIVE,
	SIDE_SCRIPT,
	SIDE_COUNT,
};
#define ALL_SIDES ((1u << SIDE_COUNT) - 1)

/** A table beside table file; stands on its next row. */
struct cursor {
	sqlite3_stmt *stmt;
	bool more;
	uint64_t entry;
};

struct facts_rows {
	struct peel_index *index;
	struct store *store;
	sqlite3_stmt *files;
	struct cursor sides[SIDE_COUNT];
	struct arena arena;
	struct facts_elf elf;
	struct facts_row_marker *markers;
	const char **needs;
	struct facts_row_symbol *symbols;
	struct facts_row_gpu *gpus;
	struct facts_row_member *members;
	size_t marker_room, need_room, symbol_room, gpu_room, member_room;
	uint8_t hash[PEEL_FAST_HASH_SIZE];
};

/** Entries from ?1 on, before ?2. */
#define RANGE " WHERE entry >= ?1 AND entry < ?2"
static const char *const side_sql[] = {
	[SIDE_MARKER] = "SELECT entry, name, offset FROM facts.marker" RANGE
			" ORDER BY entry, name",
	[SIDE_ELF] =
		("SELECT entry, bits, machine, type, flags, debug_bytes, strip_bytes, end, interp, soname,"
		 " runpath, build_id FROM facts.elf" RANGE " ORDER BY entry"),
	[SIDE_NEED] = "SELECT entry, name FROM facts.need" RANGE " ORDER BY entry, position",
	[SIDE_SYMBOL] = "SELECT entry, name, defined FROM facts.symbol" RANGE
			" ORDER BY entry, name",
	[SIDE_GPU] = "SELECT entry, arch, bytes FROM facts.gpu" RANGE " ORDER BY entry, arch",
	[SIDE_MEMBER] =
		"SELECT entry, name, stored, size, coalesce(kind, 0) FROM facts.member" RANGE
		" ORDER BY entry, position",
	[SIDE_ARCHIVE] = "SELECT entry, listed, bundle, bundle_offset FROM facts.archive" RANGE
			 " ORDER BY entry",
	[SIDE_SCRIPT] = "SELECT entry, line FROM facts.script" RANGE " ORDER BY entry",
};

static int step(struct facts_rows *rows, struct cursor *cursor, struct peel_error *err)
{
	int r = store_step(rows->store, cursor->stmt, err);

	cursor->more = r > 0;
	cursor->entry = r > 0 ? (uint64_t)sqlite3_column_int64(cursor->stmt, 0) : 0;
	return r < 0 ? r : 0;
}

#define FILE_COLUMNS \
	"SELECT f.entry, f.kind, f.looked, f.hash, coalesce(f.package, 0), coalesce(f.claim, 0)," \
	" coalesce(f.category, 0), coalesce(f.why, 0) FROM "

/** Which rows are wanted: a statement for files, NULL none; tables beside it, bits by enum side; and entries. */
struct rows_wanted {
	const char *files;
	unsigned sides;
	uint64_t from, end;
};

static int begin_side(struct facts_rows *rows, enum side side, const struct rows_wanted *wanted,
	struct peel_error *err)
{
	struct cursor *cursor = &rows->sides[side];
	int code = store_get(rows->store, side_sql[side], &cursor->stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(cursor->stmt, 1, (int64_t)wanted->from);
	sqlite3_bind_int64(cursor->stmt, 2, (int64_t)wanted->end);
	return step(rows, cursor, err);
}

static int begin(struct peel_index *index, const struct rows_wanted *wanted,
	struct facts_rows **ret_rows, struct peel_error *err)
{
	struct facts_rows *rows;
	int code;

	if (!peel_has_facts(index)) {
		return peel_fail(err, PEEL_EUSAGE, "the index was opened without facts");
	}
	rows = calloc(1, sizeof(*rows));
	if (!rows) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	rows->index = index;
	code = index_acquire(index, &rows->store, err);
	if (code == 0 && wanted->files) {
		code = store_get(rows->store, wanted->files, &rows->files, err);
	}
	for (size_t i = 0; code == 0 && i < SIDE_COUNT; i++) {
		if (wanted->sides & 1u << i) {
			code = begin_side(rows, (enum side)i, wanted, err);
		}
	}
	if (code < 0) {
		facts_rows_free(rows);
		return code;
	}
	*ret_rows = rows;
	return 0;
}

int facts_rows_new(struct peel_index *index, struct facts_rows **ret_rows, struct peel_error *err)
{
	const struct rows_wanted wanted = {
		FILE_COLUMNS "facts.file f ORDER BY f.entry", ALL_SIDES, 0, INT64_MAX};

	return begin(index, &wanted, ret_rows, err);
}

int facts_rows_new_programs(struct peel_index *index, struct facts_rows **ret_rows,
	struct peel_error *err)
{
	const struct rows_wanted wanted = {FILE_COLUMNS
		"facts.elf e CROSS JOIN facts.file f ON f.entry = e.entry ORDER BY e.entry",
		1u << SIDE_ELF | 1u << SIDE_GPU, 0, INT64_MAX};

	return begin(index, &wanted, ret_rows, err);
}

int facts_rows_new_partial(struct peel_index *index, struct facts_rows **ret_rows,
	struct peel_error *err)
{
	const struct rows_wanted wanted = {FILE_COLUMNS
		"facts.archive a CROSS JOIN facts.file f ON f.entry = a.entry WHERE a.listed = 2"
		" ORDER BY a.entry",
		0, 0, INT64_MAX};

	return begin(index, &wanted, ret_rows, err);
}

int facts_rows_new_beside(struct peel_index *index, uint64_t from, uint64_t end,
	struct facts_rows **ret_rows, struct peel_error *err)
{
	const struct rows_wanted wanted = {NULL, ALL_SIDES, from, end};

	return begin(index, &wanted, ret_rows, err);
}

void facts_rows_free(struct facts_rows *rows)
{
	if (!rows) {
		return;
	}
	store_done_(&rows->files);
	for (size_t i = 0; i < SIDE_COUNT; i++) {
		store_done_(&rows->sides[i].stmt);
	}
	index_release(rows->index, rows->store);
	arena_reset(&rows->arena);
	free(rows->arena.blocks);
	free(rows->markers);
	free(rows->needs);
	free(rows->symbols);
	free(rows->gpus);
	free(rows->members);
	free(rows);
}

/** A column's bytes, kept until the next file. @return NULL: no memory. */
static const char *keep(struct facts_rows *rows, sqlite3_stmt *stmt, int column)
{
	const void *bytes = sqlite3_column_blob(stmt, column);
	const size_t len = (size_t)sqlite3_column_bytes(stmt, column);

	return arena_copy(&rows->arena, bytes ? bytes : "", bytes ? len : 0);
}

static void copy_text(char *to, size_t room, sqlite3_stmt *stmt, int column)
{
	const void *bytes = sqlite3_column_blob(stmt, column);
	const size_t len = (size_t)min_u64((uint64_t)sqlite3_column_bytes(stmt, column), room - 1);

	memcpy(to, bytes ? bytes : "", bytes ? len : 0);
	to[bytes ? len : 0] = '\0';
}

/** Take the row that a cursor stands on. @return 0; PEEL_ENOMEM. */
typedef int take_fn(struct facts_rows *rows, sqlite3_stmt *stmt, struct facts_row *row);

static int take_marker(struct facts_rows *rows, sqlite3_stmt *stmt, struct facts_row *row)
{
	const char *name = keep(rows, stmt, 1);

	if (!name ||
		!grow_array(&rows->markers, row->marker_count, &rows->marker_room,
			sizeof(*rows->markers))) {
		return PEEL_ENOMEM;
	}
	rows->markers[row->marker_count++] = (struct facts_row_marker){
		name, (uint64_t)sqlite3_column_int64(stmt, 2)};
	row->markers = rows->markers;
	return 0;
}

static int take_elf(struct facts_rows *rows, sqlite3_stmt *stmt, struct facts_row *row)
{
	struct facts_elf *elf = &rows->elf;

	elf->bits = sqlite3_column_int(stmt, 1) == 32 ? 32 : 64;
	elf->machine = (unsigned)sqlite3_column_int64(stmt, 2);
	elf->type = (unsigned)sqlite3_column_int64(stmt, 3);
	elf->flags = (unsigned)sqlite3_column_int64(stmt, 4);
	elf->debug_bytes = (uint64_t)sqlite3_column_int64(stmt, 5);
	elf->strip_bytes = (uint64_t)sqlite3_column_int64(stmt, 6);
	elf->end = (uint64_t)sqlite3_column_int64(stmt, 7);
	copy_text(elf->interp, sizeof(elf->interp), stmt, 8);
	copy_text(elf->soname, sizeof(elf->soname), stmt, 9);
	copy_text(elf->runpath, sizeof(elf->runpath), stmt, 10);
	copy_text(elf->build_id, sizeof(elf->build_id), stmt, 11);
	row->elf = elf;
	return 0;
}

static int take_need(struct facts_rows *rows, sqlite3_stmt *stmt, struct facts_row *row)
{
	const char *name = keep(rows, stmt, 1);

	if (!name ||
		!grow_array(&rows->needs, row->need_count, &rows->need_room,
			sizeof(*rows->needs))) {
		return PEEL_ENOMEM;
	}
	rows->needs[row->need_count++] = name;
	row->needs = rows->needs;
	return 0;
}

static int take_symbol(struct facts_rows *rows, sqlite3_stmt *stmt, struct facts_row *row)
{
	const char *name = keep(rows, stmt, 1);

	if (!name ||
		!grow_array(&rows->symbols, row->symbol_count, &rows->symbol_room,
			sizeof(*rows->symbols))) {
		return PEEL_ENOMEM;
	}
	rows->symbols[row->symbol_count++] = (struct facts_row_symbol){
		name, sqlite3_column_int(stmt, 2) != 0};
	row->symbols = rows->symbols;
	return 0;
}

static int take_gpu(struct facts_rows *rows, sqlite3_stmt *stmt, struct facts_row *row)
{
	const char *arch = keep(rows, stmt, 1);

	if (!arch ||
		!grow_array(&rows->gpus, row->gpu_count, &rows->gpu_room, sizeof(*rows->gpus))) {
		return PEEL_ENOMEM;
	}
	rows->gpus[row->gpu_count++] = (struct facts_row_gpu){
		arch, (uint64_t)sqlite3_column_int64(stmt, 2)};
	row->gpus = rows->gpus;
	return 0;
}

static int take_member(struct facts_rows *rows, sqlite3_stmt *stmt, struct facts_row *row)
{
	const char *name = keep(rows, stmt, 1);

	if (!name ||
		!grow_array(&rows->members, row->member_count, &rows->member_room,
			sizeof(*rows->members))) {
		return PEEL_ENOMEM;
	}
	rows->members[row->member_count++] = (struct facts_row_member){
		.name = name,
		.name_len = (size_t)sqlite3_column_bytes(stmt, 1),
		.stored = (uint64_t)sqlite3_column_int64(stmt, 2),
		.size = (uint64_t)sqlite3_column_int64(stmt, 3),
		.kind = facts_kind_known(sqlite3_column_int(stmt, 4)),
	};
	row->members = rows->members;
	return 0;
}

static int take_archive(struct facts_rows *rows, sqlite3_stmt *stmt, struct facts_row *row)
{
	(void)rows;
	row->archive = true;
	row->listed = sqlite3_column_int(stmt, 1);
	row->bundle = (enum facts_bundle)sqlite3_column_int(stmt, 2);
	row->bundle_offset = (uint64_t)sqlite3_column_int64(stmt, 3);
	return 0;
}

static int take_script(struct facts_rows *rows, sqlite3_stmt *stmt, struct facts_row *row)
{
	row->line = keep(rows, stmt, 1);
	row->line_len = (size_t)sqlite3_column_bytes(stmt, 1);
	return row->line ? 0 : PEEL_ENOMEM;
}

static take_fn *const take_side[] = {
	[SIDE_MARKER] = take_marker,
	[SIDE_ELF] = take_elf,
	[SIDE_NEED] = take_need,
	[SIDE_SYMBOL] = take_symbol,
	[SIDE_GPU] = take_gpu,
	[SIDE_MEMBER] = take_member,
	[SIDE_ARCHIVE] = take_archive,
	[SIDE_SCRIPT] = take_script,
};

/** Take all rows of a table that belong to the file, past those of files before it. */
static int take_rows(struct facts_rows *rows, enum side side, struct facts_row *row,
	struct peel_error *err)
{
	struct cursor *cursor = &rows->sides[side];
	unsigned count = 0;
	int code = 0;

	while (code == 0 && cursor->more && cursor->entry <= row->entry) {
		if (cursor->entry == row->entry) {
			if (++count > ROWS_MAX) {
				return peel_fail(err, PEEL_EFORMAT,
					"the facts of a file are too many");
			}
			if (take_side[side](rows, cursor->stmt, row) < 0) {
				return peel_fail(err, PEEL_ENOMEM, "no memory");
			}
		}
		code = step(rows, cursor, err);
	}
	return code;
}

static void take_file(struct facts_rows *rows, struct facts_row *row)
{
	sqlite3_stmt *stmt = rows->files;
	const int looked = sqlite3_column_int(stmt, 2);
	const int claim = sqlite3_column_int(stmt, 5);
	const int cause = sqlite3_column_int(stmt, 7);

	*row = (struct facts_row){
		.entry = (uint64_t)sqlite3_column_int64(stmt, 0),
		.kind = facts_kind_known(sqlite3_column_int(stmt, 1)),
		.looked = looked == FACTS_LOOKED_HEAD || looked == FACTS_LOOKED_INTO
			? (enum facts_looked)looked
			: FACTS_LOOKED_FAILED,
		.package = (uint32_t)sqlite3_column_int64(stmt, 4),
		.category = (uint32_t)sqlite3_column_int64(stmt, 6),
		.claim = claim > 0 && claim <= PEEL_CLAIM_EMBEDDED ? (enum peel_claim)claim
								   : PEEL_CLAIM_NONE,
		.cause = cause > 0 && cause < PEEL_CAUSE_COUNT ? (enum peel_cause)cause
							       : PEEL_CAUSE_NONE,
	};
	if (sqlite3_column_bytes(stmt, 3) == PEEL_FAST_HASH_SIZE) {
		memcpy(rows->hash, sqlite3_column_blob(stmt, 3), PEEL_FAST_HASH_SIZE);
		row->hash = rows->hash;
	}
	if (!peel_package_get(rows->index, row->package)) {
		row->package = 0;
		row->claim = PEEL_CLAIM_NONE;
	}
	if (!peel_category_get(rows->index, row->category)) {
		row->category = 0;
	}
}

static int take_sides(struct facts_rows *rows, struct facts_row *row, struct peel_error *err)
{
	int code = 0;

	for (size_t i = 0; code == 0 && i < SIDE_COUNT; i++) {
		code = take_rows(rows, (enum side)i, row, err);
	}
	return code;
}

int facts_rows_beside(struct facts_rows *rows, uint64_t entry, struct facts_row *ret_row,
	struct peel_error *err)
{
	arena_reset(&rows->arena);
	*ret_row = (struct facts_row){.entry = entry};
	return take_sides(rows, ret_row, err);
}

int facts_rows_seek(struct facts_rows *rows, uint64_t entry, struct facts_row *ret_row,
	struct peel_error *err)
{
	int r;

	while ((r = store_step(rows->store, rows->files, err)) > 0) {
		if ((uint64_t)sqlite3_column_int64(rows->files, 0) >= entry) {
			break;
		}
	}
	if (r <= 0) {
		return r;
	}
	arena_reset(&rows->arena);
	take_file(rows, ret_row);
	r = take_sides(rows, ret_row, err);
	return r < 0 ? r : 1;
}

int facts_rows_next(struct facts_rows *rows, struct facts_row *ret_row, struct peel_error *err)
{
	return facts_rows_seek(rows, 0, ret_row, err);
}
