/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files out of table entry, and of facts.file beside it, which has the same ids; and the ledger in the order of
 * entries: one pass over both.
 *
 * They are read past SQLite (store_pass.h): of the 0.15 s that its statement took for 130,000 pieces, nine tenths went
 * into stepping and into handing out twenty columns one by one. What few rows have is still asked of SQLite:
 * names and owners of files with several names, the blocks of sparse files, paths of folders.
 */
#include "query_pieces.h"

#include <stdlib.h>

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

/*
 * Pages kept of a table: on the way down, and those among which a folder's files and its neighbours' are, a layer each
 * (with 64 a report of 148,000 entries reads 33,000 pages, with 256 14,000, with all of them 12,000).
 */
#define PAGES_BY_ENTRY 4
#define PAGES_BY_PATH 256

struct piece_tables {
	struct store_pass *entries, *facts;
	struct store_pass_row entry, fact;
	/* There is a row of facts that is not behind the entry, or may be one: ahead. */
	bool more;
};

void piece_tables_free(struct piece_tables *tables)
{
	if (!tables) {
		return;
	}
	store_pass_free(tables->entries);
	store_pass_free(tables->facts);
	free(tables);
}

int piece_tables_new(struct pieces *pieces, enum peel_piece_order order)
{
	const unsigned pages = order == PEEL_BY_PATH ? PAGES_BY_PATH : PAGES_BY_ENTRY;
	struct store *store = pieces->q.store;
	struct piece_tables *tables = calloc(1, sizeof(*tables));
	int r;

	if (!tables) {
		return peel_fail(pieces->q.err, PEEL_ENOMEM, "out of memory");
	}
	pieces->tables = tables;
	r = store_pass_new(store, STORE_FILE_INDEX, "entry", ENTRY_COLUMNS, pages, &tables->entries,
		pieces->q.err);
	if (r == 0 && pieces->facts) {
		tables->more = true;
		r = store_pass_new(store, STORE_FILE_FACTS, "file", FACT_COLUMNS, pages,
			&tables->facts, pieces->q.err);
	}
	return r;
}

/* Step to the facts of the entry at hand, or past them. @return 1 they are there, 0, or less than 0. */
static int next_facts(struct piece_tables *tables, struct peel_error *err)
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

/* Set what of the facts may be out of range. */
static void set_facts(struct piece_facts *facts, int64_t claim, const struct record_column *hash)
{
	facts->claim = claim < 0 || claim > PEEL_CLAIM_EMBEDDED ? PEEL_CLAIM_NONE
								: (enum peel_claim)claim;
	facts->hash = hash->len == PEEL_FAST_HASH_SIZE ? hash->bytes : NULL;
}

/* @param known the facts of the entry at hand are there. */
static void take_facts(const struct pieces *pieces, bool known, struct piece_facts *facts)
{
	const struct piece_tables *tables = pieces->tables;
	const struct store_pass_row *fact = &tables->fact;
	/* Where contents passed by while the index was built, their hashes are there. */
	const struct record_column *hash = known && !is_null(&fact->columns[FACT_HASH])
		? &fact->columns[FACT_HASH]
		: &tables->entry.columns[ENTRY_HASH];

	*facts = (struct piece_facts){0};
	if (known) {
		facts->kind = facts_kind_known((int)number(fact, FACT_KIND));
		facts->why = (int)number(fact, FACT_WHY);
		facts->package = (uint32_t)number(fact, FACT_PACKAGE);
		facts->category = (uint32_t)number(fact, FACT_CATEGORY);
	}
	if (pieces->facts) {
		set_facts(facts, known ? number(fact, FACT_CLAIM) : 0, hash);
	}
}

/* Find out what the merged tree makes of a row and its facts. @return 0; PEEL_EFORMAT, … */
static int settle(struct pieces *pieces, struct piece_row *piece)
{
	struct query_row *row = &piece->row;
	int r;

	if (row->type != 'f' || row->layer < 0 || row->why < 0 || row->why >= PEEL_CAUSE_COUNT) {
		return query_corrupt(&pieces->q, row->id, "it is no file of a layer");
	}
	r = query_merged_fill(&pieces->q, row, &piece->found);
	piece->own = !row->why;
	piece->visible = row->flags & ENTRY_LINKED ? piece->found.node.nlink > 0 : piece->own;
	if (r == 0 && !piece->visible) {
		r = query_layer_fill(&pieces->q, row->layer, row, &piece->found);
	}
	return r;
}

/* The entry at hand is a file. */
static int take_entry(struct pieces *pieces, int known, struct piece_row *ret_row)
{
	int r = known < 0 ? known : read_entry(pieces, &pieces->tables->entry, &ret_row->row);

	if (r < 0) {
		return r;
	}
	take_facts(pieces, known > 0, &ret_row->facts);
	return settle(pieces, ret_row);
}

/* The entry at hand is a file that the pass may tell. */
static bool is_wanted(const struct pieces *pieces)
{
	const struct store_pass_row *entry = &pieces->tables->entry;
	const struct record_column *type = &entry->columns[ENTRY_TYPE];

	/* Where its own name is hidden, another name may show it. */
	return type->len == 1 && type->bytes[0] == 'f' &&
		(!pieces->visible_only || is_null(&entry->columns[ENTRY_WHY]) ||
			(number(entry, ENTRY_FLAG_BITS) & ENTRY_LINKED));
}

int piece_at(struct pieces *pieces, uint64_t entry, struct piece_row *ret_row)
{
	struct piece_tables *tables = pieces->tables;
	int known = 0;
	int r = store_pass_find(tables->entries, entry, &tables->entry, pieces->q.err);

	if (r <= 0 || !is_wanted(pieces)) {
		return r < 0 ? r : 0;
	}
	if (pieces->facts) {
		known = store_pass_find(tables->facts, entry, &tables->fact, pieces->q.err);
	}
	r = take_entry(pieces, known, ret_row);
	return r < 0 ? r : 1;
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

/* Hand over the file at hand. @return as pieces_emit. */
static int take_file(struct pieces *pieces)
{
	struct piece_tables *tables = pieces->tables;
	const struct record_column *name = &tables->entry.columns[ENTRY_NAME];
	struct piece_row piece;
	size_t len = 0;
	int r = take_entry(pieces, next_facts(tables, pieces->q.err), &piece);

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
	struct piece_tables *tables = pieces->tables;
	int r = 0;

	while (r == 0 &&
		(r = store_pass_next(tables->entries, pieces->from, &tables->entry,
			 pieces->q.err)) > 0) {
		if (tables->entry.id >= pieces->end) {
			return 0;
		}
		r = is_wanted(pieces) ? take_file(pieces) : 0;
	}
	return r;
}
