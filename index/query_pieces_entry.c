/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger in the order of entries: one pass over table entry, and over facts.file beside it, in the same order.
 *
 * Both are read past SQLite (store_pass.h): of the 0.15 s that its statement took for 130,000 pieces, nine tenths went
 * into stepping and into handing out twenty columns one by one. What few rows have is still asked of SQLite:
 * names and owners of files with several names, the blocks of sparse files, paths of folders.
 */
#include "query_pieces.h"

#include "facts.h"
#include "store_pass.h"
#include "util.h"

/* Columns of table entry in the order of schema.sql. */
enum entry_column {
	ENTRY_LAYER = 1,
	ENTRY_DIR,
	ENTRY_NAME,
	ENTRY_TYPE,
	ENTRY_MODE,
	ENTRY_UID,
	ENTRY_GID,
	ENTRY_SIZE,
	ENTRY_MTIME,
	ENTRY_NSEC,
	ENTRY_DATA,
	ENTRY_LINK,
	ENTRY_SELF,
	ENTRY_INODE,
	ENTRY_OWNER,
	ENTRY_FLAG_BITS,
	ENTRY_HASH,
	ENTRY_HIDDEN_BY,
	ENTRY_WHY,
	ENTRY_COLUMNS,
};
_Static_assert(ENTRY_COLUMNS <= STORE_PASS_COLUMNS, "a row has all columns of an entry");

/* Columns of facts.file in the order of facts_schema.sql. */
enum fact_column {
	FACT_KIND = 1,
	FACT_HASH,
	FACT_WHY,
	FACT_PACKAGE,
	FACT_CLAIM,
	FACT_CATEGORY,
	FACT_COLUMNS,
};

static const char allocated_of[] = "SELECT allocated FROM extra WHERE entry = ?1";
static const char first_link[] =
	"SELECT e.dir, e.name FROM entry e"
	" WHERE e.inode = ?1 AND e.type = 'h' AND e.why IS NULL ORDER BY e.id LIMIT 1";

/* Both tables. */
struct tables {
	struct store_pass *entries, *facts;
	struct store_pass_row entry, fact;
	/* There is a row of facts that is not behind the entry, or may be one: ahead. */
	bool more;
};

static void tables_finish(struct tables *tables)
{
	store_pass_free(tables->entries);
	store_pass_free(tables->facts);
}

static int tables_begin(struct tables *tables, const struct pieces *pieces)
{
	struct store *store = pieces->q.store;
	int r = store_pass_new(store, STORE_FILE_INDEX, "entry", ENTRY_COLUMNS, &tables->entries,
		pieces->q.err);

	if (r == 0 && pieces->facts) {
		tables->more = true;
		r = store_pass_new(store, STORE_FILE_FACTS, "file", FACT_COLUMNS, &tables->facts,
			pieces->q.err);
	}
	return r;
}

/* Step to the facts of the entry at hand, or past it. @return 1 they are there, 0, or less than 0. */
static int find_facts(struct tables *tables, struct peel_error *err)
{
	if (tables->more && tables->fact.id < tables->entry.id) {
		const int r = store_pass_next(tables->facts, tables->entry.id, &tables->fact, err);

		if (r < 0) {
			return r;
		}
		tables->more = r > 0;
	}
	return tables->more && tables->fact.id == tables->entry.id;
}

static int64_t number(const struct store_pass_row *row, int column)
{
	return record_column_int(&row->columns[column]);
}

static bool is_null(const struct record_column *column)
{
	return column->type == 0;
}

/* The blocks of a sparse file that hold data. */
static int read_allocated(struct pieces *pieces, struct query_row *row)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int64_t allocated = 0;
	int r = store_get(pieces->q.store, allocated_of, &stmt, pieces->q.err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)row->id);
	r = store_step(pieces->q.store, stmt, pieces->q.err);
	if (r > 0) {
		allocated = sqlite3_column_int64(stmt, 0);
	}
	row->allocated = allocated < 0 ? 0 : (uint64_t)allocated;
	return r < 0 ? r : 0;
}

static int read_entry(struct pieces *pieces, const struct store_pass_row *entry,
	struct query_row *row)
{
	const struct query_stored stored = {
		.id = (int64_t)entry->id,
		.dir = number(entry, ENTRY_DIR),
		.size = number(entry, ENTRY_SIZE),
		.mtime = number(entry, ENTRY_MTIME),
		.nsec = number(entry, ENTRY_NSEC),
		.mode = number(entry, ENTRY_MODE),
		.uid = number(entry, ENTRY_UID),
		.gid = number(entry, ENTRY_GID),
		.flags = number(entry, ENTRY_FLAG_BITS),
		.data = number(entry, ENTRY_DATA),
		.layer = (int)number(entry, ENTRY_LAYER),
		.hidden_by = is_null(&entry->columns[ENTRY_HIDDEN_BY])
			? -1
			: (int)number(entry, ENTRY_HIDDEN_BY),
		.why = (int)number(entry, ENTRY_WHY),
		.type = 'f',
	};
	const int r = query_row_take(&pieces->q, &stored, row);

	return r < 0 || !(row->flags & ENTRY_SPARSE) ? r : read_allocated(pieces, row);
}

static int read_facts(struct pieces *pieces, struct tables *tables, struct piece_facts *facts)
{
	const struct store_pass_row *fact = &tables->fact;
	const int r = find_facts(tables, pieces->q.err);
	/* Where contents passed by while the index was built, their hashes are there. */
	const struct record_column *hash = r > 0 && !is_null(&fact->columns[FACT_HASH])
		? &fact->columns[FACT_HASH]
		: &tables->entry.columns[ENTRY_HASH];

	*facts = (struct piece_facts){0};
	if (r > 0) {
		facts->kind = facts_kind_known((int)number(fact, FACT_KIND));
		facts->why = (int)number(fact, FACT_WHY);
		facts->package = (uint32_t)number(fact, FACT_PACKAGE);
		facts->category = (uint32_t)number(fact, FACT_CATEGORY);
	}
	if (r >= 0 && pieces->facts) {
		pieces_set_facts(facts, r > 0 ? number(fact, FACT_CLAIM) : 0, hash->bytes,
			hash->len);
	}
	return r < 0 ? r : 0;
}

/* The path of a name in a folder; those of one folder mostly come one after the other. */
static int set_path(struct pieces *pieces, uint64_t dir, const void *name, size_t len,
	size_t *ret_len)
{
	int r = 0;

	if (dir != pieces->dir) {
		pieces->dir = 0;
		r = folder_path(&pieces->q, &pieces->folders, dir, pieces->path, &pieces->dir_len);
		pieces->dir = r == 0 ? dir : 0;
	}
	return r < 0 ? r : pieces_append(pieces, pieces->dir_len, name, len, ret_len);
}

/* Stand on the path of the first link to a file whose own name is hidden. */
static int path_of_link(struct pieces *pieces, uint64_t entry, size_t *ret_len)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = store_get(pieces->q.store, first_link, &stmt, pieces->q.err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)entry);
	r = store_step(pieces->q.store, stmt, pieces->q.err);
	if (r == 0) {
		return query_corrupt(&pieces->q, entry, "no link leads to it");
	}
	return r < 0 ? r
		     : set_path(pieces, (uint64_t)sqlite3_column_int64(stmt, 0),
			       sqlite3_column_blob(stmt, 1), (size_t)sqlite3_column_bytes(stmt, 1),
			       ret_len);
}

static bool is_file(const struct store_pass_row *entry)
{
	const struct record_column *type = &entry->columns[ENTRY_TYPE];

	return type->len == 1 && type->bytes[0] == 'f';
}

/* Hand over the file at hand. @return as pieces_emit. */
static int take_file(struct pieces *pieces, struct tables *tables)
{
	const struct record_column *name = &tables->entry.columns[ENTRY_NAME];
	struct piece_row piece;
	size_t len = 0;
	int r = read_entry(pieces, &tables->entry, &piece.row);

	if (r == 0) {
		r = read_facts(pieces, tables, &piece.facts);
	}
	if (r == 0) {
		r = pieces_settle(pieces, &piece);
	}
	if (r < 0 || (pieces->visible_only && !piece.visible)) {
		return r;
	}
	r = piece.visible && !piece.own
		? path_of_link(pieces, piece.row.id, &len)
		: set_path(pieces, piece.row.dir, name->bytes, name->len, &len);
	return r < 0 ? r : pieces_emit(pieces, &piece, len);
}

int pieces_by_entry(struct pieces *pieces)
{
	cleanup(tables_finish) struct tables tables = {0};
	int r = tables_begin(&tables, pieces);

	while (r == 0 &&
		(r = store_pass_next(tables.entries, pieces->from, &tables.entry, pieces->q.err)) >
			0) {
		if (tables.entry.id >= pieces->end) {
			return 0;
		}
		r = is_file(&tables.entry) ? take_file(pieces, &tables) : 0;
	}
	return r;
}
