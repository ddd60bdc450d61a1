/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ledger: one piece a row of table entry that is a regular file, so that shipped bytes are counted
 * where they are, once, whatever names lead there.
 *
 * What became of a piece is what became of the last of its names. One name is nearly all of them, and then
 * the row says it. For a file with hard links (ENTRY_LINKED) the table hardlink counts the names that the merged
 * tree shows: where there is one, the piece is visible, under its own name or else under the first link's by
 * row; where there is none, the name that was hidden by the highest layer has the cause.
 *
 * In the order of rows that is one pass over the table, and over facts.file beside it, which has the same
 * order: 150,000 pieces take some 0.1 s. The other order is in query_pieces_path.c.
 *
 * A merge that saw headers only cannot know whether two contents are the same, and calls such a file
 * overwritten; the facts say what it is.
 */
#include "query_pieces.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

/*
 * QUERY_COLUMNS of a file that holds data, without what only other types have: a pass over all of them
 * spends its time on columns.
 */
#define FILE_COLUMNS \
	"e.id, e.dir, 'f', e.mode, e.uid, e.gid, e.size, e.mtime, e.nsec, NULL, NULL, NULL, e.flags," \
	" e.layer, e.hidden_by, e.why, e.name," \
	" CASE WHEN e.flags & 4 THEN (SELECT x.allocated FROM extra x WHERE x.entry = e.id) END," \
	" NULL, e.data"
/* Columns beyond those of a row; the order is enum piece_column's. */
#define NO_FACTS ", NULL, NULL, NULL, NULL, NULL, NULL FROM entry e"
#define FACTS \
	", f.kind, coalesce(f.hash, e.hash), f.why, f.package, f.claim, f.category FROM entry e"
#define WITHOUT_FACTS "SELECT " QUERY_COLUMNS NO_FACTS
#define WITH_FACTS "SELECT " QUERY_COLUMNS FACTS
#define FILES_WITHOUT_FACTS "SELECT " FILE_COLUMNS NO_FACTS
#define FILES_WITH_FACTS "SELECT " FILE_COLUMNS FACTS
#define FACTS_OF " LEFT JOIN facts.file f ON f.entry = e.id"

#define WHERE_RANGE " WHERE e.type = 'f' AND e.id >= ?1 AND e.id < ?2"
#define WHERE_ALL WHERE_RANGE " ORDER BY e.id"
#define WHERE_VISIBLE WHERE_RANGE " AND (e.why IS NULL OR e.flags & 8) ORDER BY e.id"
#define BY_NAME " INDEXED BY entry_path"
#define WHERE_REST " WHERE e.dir = ?1 AND e.name >= ?2 AND e.type IN ('f', 'h')"
/* The end is the statement's: what is beyond it may be a million folders. */
#define WHERE_PORTION WHERE_REST " AND e.name < ?3"
#define AND_VISIBLE " AND e.why IS NULL"
#define IN_ORDER " ORDER BY e.name, e.type, e.id"
#define WHERE_ENTRY " WHERE e.id = ?1"

enum piece_column {
	COLUMN_KIND = QUERY_COLUMN_COUNT,
	COLUMN_HASH,
	COLUMN_WHY,
	COLUMN_PACKAGE,
	COLUMN_CLAIM,
	COLUMN_CATEGORY,
};

/* By enum pieces_sql; without facts, and with them. */
static const char *const statements[][2] = {
	[PIECES_ALL] = {FILES_WITHOUT_FACTS WHERE_ALL, FILES_WITH_FACTS FACTS_OF WHERE_ALL},
	[PIECES_VISIBLE] = {FILES_WITHOUT_FACTS WHERE_VISIBLE,
		FILES_WITH_FACTS FACTS_OF WHERE_VISIBLE},
	[PIECES_PORTION] = {WITHOUT_FACTS BY_NAME WHERE_PORTION IN_ORDER,
		WITH_FACTS BY_NAME FACTS_OF WHERE_PORTION IN_ORDER},
	[PIECES_PORTION_VISIBLE] = {WITHOUT_FACTS BY_NAME WHERE_PORTION AND_VISIBLE IN_ORDER,
		WITH_FACTS BY_NAME FACTS_OF WHERE_PORTION AND_VISIBLE IN_ORDER},
	[PIECES_REST] = {WITHOUT_FACTS BY_NAME WHERE_REST IN_ORDER,
		WITH_FACTS BY_NAME FACTS_OF WHERE_REST IN_ORDER},
	[PIECES_REST_VISIBLE] = {WITHOUT_FACTS BY_NAME WHERE_REST AND_VISIBLE IN_ORDER,
		WITH_FACTS BY_NAME FACTS_OF WHERE_REST AND_VISIBLE IN_ORDER},
	[PIECES_ENTRY] = {WITHOUT_FACTS WHERE_ENTRY, WITH_FACTS FACTS_OF WHERE_ENTRY},
};

static const char first_link[] =
	"SELECT e.dir, e.name FROM entry e"
	" WHERE e.inode = ?1 AND e.type = 'h' AND e.why IS NULL ORDER BY e.id LIMIT 1";
/* A link that was never made hides nothing. */
static const char last_hidden[] =
	"SELECT e.hidden_by, e.why, e.id FROM entry e WHERE e.inode = ?1 AND e.type = 'h'"
	" AND e.hidden_by IS NOT NULL AND e.why NOT IN (9, 10) ORDER BY e.hidden_by DESC, e.id LIMIT 1";

/*
 * As facts decide the cause of a file (index_facts_cause.c), for a hard link ?1 that another content seemed to hide:
 * a row where the content is the same, with whether the header is, too.
 */
static const char same_content[] =
	"SELECT a.mode = b.mode AND a.uid = b.uid AND a.gid = b.gid AND a.mtime = b.mtime AND a.nsec = b.nsec"
	" AND NOT EXISTS (SELECT name, value FROM xattr WHERE entry = a.id"
	"  EXCEPT SELECT name, value FROM xattr WHERE entry = b.id)"
	" AND NOT EXISTS (SELECT name, value FROM xattr WHERE entry = b.id"
	"  EXCEPT SELECT name, value FROM xattr WHERE entry = a.id)"
	" FROM entry a JOIN entry b ON b.id = (SELECT min(u.id) FROM entry u WHERE u.dir = a.dir"
	"  AND u.name = a.name AND u.layer = a.hidden_by AND u.type NOT IN ('w', 'o', '?') AND u.id > a.id)"
	" JOIN entry da ON da.id = a.inode JOIN entry db ON db.id = coalesce(b.inode, b.id)"
	" JOIN facts.file fa ON fa.entry = da.id JOIN facts.file fb ON fb.entry = db.id"
	" WHERE a.id = ?1 AND da.type = 'f' AND db.type = 'f' AND da.size = db.size AND fa.hash = fb.hash";

bool pieces_have_facts(struct store *store)
{
	return sqlite3_table_column_metadata(store_db(store), "facts", "file", "entry", NULL, NULL,
		       NULL, NULL, NULL) == SQLITE_OK;
}

int pieces_get(struct pieces *pieces, enum pieces_sql sql, sqlite3_stmt **ret_stmt)
{
	return store_get(pieces->q.store, statements[sql][pieces->facts], ret_stmt, pieces->q.err);
}

int pieces_append(struct pieces *pieces, size_t dir_len, const void *name, size_t name_len,
	size_t *ret_len)
{
	/* Names too long for any folder are in the index; what no tar can hold is not. */
	if (name_len == 0 || memchr(name, '/', name_len) || memchr(name, '\0', name_len)) {
		return peel_fail(pieces->q.err, PEEL_EFORMAT, STORE_DAMAGED "a name");
	}
	if (name_len >= PEEL_PATH_MAX - 1 - dir_len) {
		return peel_fail(pieces->q.err, PEEL_ELIMIT, "a path over %d bytes",
			PEEL_PATH_MAX - 1);
	}
	pieces->path[dir_len] = '/';
	memcpy(pieces->path + dir_len + 1, name, name_len);
	*ret_len = dir_len + 1 + name_len;
	pieces->path[*ret_len] = '\0';
	return 0;
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

int pieces_row(struct pieces *pieces, sqlite3_stmt *stmt, struct piece_row *ret_row)
{
	struct query_row *row = &ret_row->row;
	int r = query_row_read(&pieces->q, stmt, row);

	if (r < 0) {
		return r;
	}
	if (row->type != 'f' || row->layer < 0 || row->why < 0 || row->why >= PEEL_CAUSE_COUNT) {
		return query_corrupt(&pieces->q, row->id, "it is no file of a layer");
	}
	r = query_merged_fill(&pieces->q, row, &ret_row->found);
	ret_row->own = !row->why;
	ret_row->visible = row->flags & ENTRY_LINKED ? ret_row->found.node.nlink > 0 : ret_row->own;
	if (r == 0 && !ret_row->visible) {
		r = query_layer_fill(&pieces->q, row->layer, row, &ret_row->found);
	}
	return r;
}

/* The cause of a link that was called overwritten: contents may say more. */
static int compare_link(struct pieces *pieces, uint64_t link, enum peel_cause *ret_cause)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = store_get(pieces->q.store, same_content, &stmt, pieces->q.err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)link);
	r = store_step(pieces->q.store, stmt, pieces->q.err);
	if (r > 0) {
		*ret_cause = sqlite3_column_int(stmt, 0) ? PEEL_CAUSE_IDENTICAL
							 : PEEL_CAUSE_METADATA;
	}
	return r < 0 ? r : 0;
}

/* The same as the own name's fate for that of the link that was hidden last, if a layer above hid it. */
static int last_link(struct pieces *pieces, const struct query_row *row, struct peel_piece *piece)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int why;
	int r = store_get(pieces->q.store, last_hidden, &stmt, pieces->q.err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)row->id);
	r = store_step(pieces->q.store, stmt, pieces->q.err);
	if (r <= 0 || sqlite3_column_int(stmt, 0) <= row->hidden_by) {
		return r < 0 ? r : 0;
	}
	why = sqlite3_column_int(stmt, 1);
	if (why <= 0 || why >= PEEL_CAUSE_COUNT) {
		return query_corrupt(&pieces->q, row->id, "a link is hidden for no reason");
	}
	piece->hidden_by = sqlite3_column_int(stmt, 0);
	piece->cause = (enum peel_cause)why;
	return pieces->facts && why == WHY_OVERWRITTEN
		? compare_link(pieces, (uint64_t)sqlite3_column_int64(stmt, 2), &piece->cause)
		: 0;
}

/* Which layer hid a piece, and why: the last of its names decides. */
static int set_cause(struct pieces *pieces, sqlite3_stmt *stmt, const struct query_row *row,
	struct peel_piece *piece)
{
	const int known = sqlite3_column_int(stmt, COLUMN_WHY);

	piece->hidden_by = row->hidden_by;
	piece->cause = known > 0 && known < PEEL_CAUSE_COUNT ? (enum peel_cause)known
							     : (enum peel_cause)row->why;
	return row->flags & ENTRY_LINKED ? last_link(pieces, row, piece) : 0;
}

/* What the tables of facts say; all columns are NULL without them. */
static void set_facts(sqlite3_stmt *stmt, struct peel_piece *piece)
{
	const int claim = sqlite3_column_int(stmt, COLUMN_CLAIM);

	if (sqlite3_column_bytes(stmt, COLUMN_HASH) == PEEL_FAST_HASH_SIZE) {
		piece->hash = sqlite3_column_blob(stmt, COLUMN_HASH);
	}
	piece->kind = (enum peel_kind)sqlite3_column_int(stmt, COLUMN_KIND);
	piece->package = (uint32_t)sqlite3_column_int64(stmt, COLUMN_PACKAGE);
	piece->claim = claim < 0 || claim > PEEL_CLAIM_EMBEDDED ? PEEL_CLAIM_NONE
								: (enum peel_claim)claim;
	piece->category = (uint32_t)sqlite3_column_int64(stmt, COLUMN_CATEGORY);
}

int pieces_emit(struct pieces *pieces, sqlite3_stmt *stmt, const struct piece_row *row, size_t len)
{
	const struct peel_node *node = &row->found.node;
	struct peel_piece piece = {
		.ino = node->ino,
		.entry = row->row.id,
		.layer = row->row.layer,
		.path = pieces->path,
		.path_len = len,
		.bytes = row->row.size,
		.allocated = row->row.allocated,
		.visible = row->visible,
		.hidden_by = -1,
		.mode = node->mode,
		.uid = node->uid,
		.gid = node->gid,
		.nlink = node->nlink,
		.mtime_sec = node->mtime_sec,
		.mtime_nsec = node->mtime_nsec,
	};
	int r = row->visible ? 0 : set_cause(pieces, stmt, &row->row, &piece);

	if (r < 0) {
		return r;
	}
	set_facts(stmt, &piece);
	return pieces->each(pieces->arg, &piece) ? 1 : 0;
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

static int pieces_by_entry(struct pieces *pieces)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	struct piece_row row;
	size_t len = 0;
	int r = pieces_get(pieces, pieces->visible_only ? PIECES_VISIBLE : PIECES_ALL, &stmt);

	if (r == 0) {
		sqlite3_bind_int64(stmt, 1, (int64_t)pieces->from);
		sqlite3_bind_int64(stmt, 2, (int64_t)pieces->end);
	}
	while (r == 0 && (r = store_step(pieces->q.store, stmt, pieces->q.err)) > 0) {
		r = pieces_row(pieces, stmt, &row);
		if (r < 0 || (pieces->visible_only && !row.visible)) {
			continue;
		}
		r = row.visible && !row.own
			? path_of_link(pieces, row.row.id, &len)
			: set_path(pieces, row.row.dir, sqlite3_column_blob(stmt, QUERY_NAME),
				  (size_t)sqlite3_column_bytes(stmt, QUERY_NAME), &len);
		if (r == 0) {
			r = pieces_emit(pieces, stmt, &row, len);
		}
	}
	return r;
}

/* A pass of those whose rows are in a range. */
static int run(struct peel_index *index, enum peel_piece_order order, const struct pieces *wanted,
	struct peel_error *err)
{
	struct pieces *pieces = malloc(sizeof(*pieces));
	int r;

	if (!pieces) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	*pieces = *wanted;
	r = query_begin(&pieces->q, index, err);
	if (r == 0) {
		pieces->facts = pieces_have_facts(pieces->q.store);
		r = order == PEEL_BY_PATH ? pieces_by_path(pieces) : pieces_by_entry(pieces);
		query_end_(&pieces->q);
	}
	folder_paths_finish(&pieces->folders);
	free(pieces);
	return r;
}

int query_pieces_between(struct peel_index *index, uint64_t from, uint64_t end, peel_piece_fn *each,
	void *arg, struct peel_error *err)
{
	const struct pieces wanted = {.from = from, .end = end, .each = each, .arg = arg};

	return run(index, PEEL_BY_ENTRY, &wanted, err);
}

int peel_pieces(struct peel_index *index, enum peel_piece_order order, bool visible_only,
	peel_piece_fn *each, void *arg, struct peel_error *err)
{
	const struct pieces wanted = {
		.end = INT64_MAX, .visible_only = visible_only, .each = each, .arg = arg};

	return run(index, order, &wanted, err);
}
