/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the merge called overwritten because it knew no contents: files of plain layers whose sizes are equal.
 * Their hashes were computed (index_facts_write.c), so what tree_play.c decides for compressed layers is
 * decided here in the same way: by content, then by metadata.
 *
 * Who hid an entry is the first one at its path in the layer that did: a second one in the same layer hides
 * that one.
 */
#include <peel/error.h>

#include "index_facts.h"
#include "index_facts_table.h"
#include "store.h"
#include "util.h"

int facts_write_causes(struct facts_writing *writing, struct peel_error *err)
{
	static const char sql[] =
		"SELECT a.id, a.mode = b.mode AND a.uid = b.uid AND a.gid = b.gid AND a.mtime = b.mtime"
		"  AND a.nsec = b.nsec"
		"  AND NOT EXISTS (SELECT name, value FROM idx.xattr WHERE entry = a.id"
		"   EXCEPT SELECT name, value FROM idx.xattr WHERE entry = b.id)"
		"  AND NOT EXISTS (SELECT name, value FROM idx.xattr WHERE entry = b.id"
		"   EXCEPT SELECT name, value FROM idx.xattr WHERE entry = a.id)"
		" FROM idx.entry a"
		" JOIN idx.entry b ON b.id = (SELECT min(u.id) FROM idx.entry u WHERE u.dir = a.dir AND u.name = a.name"
		"  AND u.layer = a.hidden_by AND u.type NOT IN ('w', 'o', '?') AND u.id > a.id)"
		" JOIN idx.entry db ON db.id = coalesce(b.inode, b.id)"
		" JOIN file fa ON fa.entry = a.id JOIN file fb ON fb.entry = db.id"
		" WHERE a.type = 'f' AND a.why = 1 AND db.type = 'f' AND db.size = a.size AND fa.hash = fb.hash"
		" ORDER BY a.id";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(writing->store, sql, &stmt, err);

	while (code == 0 && (code = store_step(writing->store, stmt, err)) > 0) {
		code = facts_table_explain(writing->table, (uint64_t)sqlite3_column_int64(stmt, 0),
			sqlite3_column_int(stmt, 1) ? WHY_IDENTICAL : WHY_METADATA, err);
	}
	return code < 0 ? code : facts_table_pass(writing->table, err);
}
