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
 * In the order of rows that is one pass over the table (query_pieces_entry.c), in that of paths a walk
 * (query_pieces_path.c).
 *
 * A merge that saw headers only cannot know whether two contents are the same, and calls such a file
 * overwritten; the facts say what it is.
 */
#include "query_pieces.h"

#include <stdlib.h>
#include <string.h>

#include "util.h"

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

/* True where a connection has the tables of facts. */
static bool have_facts(struct store *store)
{
	return sqlite3_table_column_metadata(store_db(store), "facts", "file", "entry", NULL, NULL,
		       NULL, NULL, NULL) == SQLITE_OK;
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
	if (why <= 0 || why >= PEEL_CAUSE_COUNT ||
		sqlite3_column_int(stmt, 0) >= pieces->q.index->layer_count) {
		return query_corrupt(&pieces->q, row->id, "a link is hidden for no reason");
	}
	piece->hidden_by = sqlite3_column_int(stmt, 0);
	piece->cause = (enum peel_cause)why;
	return pieces->facts && why == WHY_OVERWRITTEN
		? compare_link(pieces, (uint64_t)sqlite3_column_int64(stmt, 2), &piece->cause)
		: 0;
}

/* Which layer hid a piece, and why: the last of its names decides. */
static int set_cause(struct pieces *pieces, const struct piece_row *row, struct peel_piece *piece)
{
	const int known = row->facts.why;

	piece->hidden_by = row->row.hidden_by;
	piece->cause = known > 0 && known < PEEL_CAUSE_COUNT ? (enum peel_cause)known
							     : (enum peel_cause)row->row.why;
	return row->row.flags & ENTRY_LINKED ? last_link(pieces, &row->row, piece) : 0;
}

int pieces_emit(struct pieces *pieces, const struct piece_row *row, size_t len)
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
		.hash = row->facts.hash,
		.kind = row->facts.kind,
		.package = row->facts.package,
		.claim = row->facts.claim,
		.category = row->facts.category,
	};
	int r = row->visible ? 0 : set_cause(pieces, row, &piece);

	return r < 0 ? r : pieces->each(pieces->arg, &piece) ? 1 : 0;
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
		pieces->facts = have_facts(pieces->q.store);
		r = piece_tables_new(pieces, order);
	}
	if (r == 0) {
		r = order == PEEL_BY_PATH ? pieces_by_path(pieces) : pieces_by_entry(pieces);
	}
	query_end_(&pieces->q);
	piece_tables_free(pieces->tables);
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
