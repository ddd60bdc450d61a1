/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packages, and whose each file is. Of a file that is visible the databases tell; of one that is hidden at a
 * path that still shows a file, the package of that file: it is the path that is owned.
 */
#include <string.h>

#include <peel/error.h>

#include "facts_look.h"
#include "index_facts.h"
#include "index_facts_table.h"
#include "pkgdb_owners.h"
#include "query_priv.h"
#include "store.h"
#include "util.h"

/** Owners being written. */
struct owning {
	struct facts_writing *writing;
	/** Programs made by Go and Rust, being told. */
	sqlite3_stmt *programs;
};

static int take_database(void *arg, const char *path, const char *db, const char *problem,
	struct peel_error *err)
{
	static const char sql[] =
		"INSERT OR REPLACE INTO package_db (path, db, problem) VALUES (?1, ?2, ?3)";
	const struct owning *owning = arg;
	sqlite3_stmt *stmt;
	int code = store_get(owning->writing->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	store_bind_blob(stmt, 1, path, strlen(path));
	store_bind_text(stmt, 2, db);
	store_bind_text(stmt, 3, problem);
	return store_run(owning->writing->store, stmt, err);
}

static int take_package(void *arg, uint32_t id, const struct pkgdb_record *record,
	struct peel_error *err)
{
	static const char sql[] =
		"INSERT INTO package (id, db, name, version, arch, source, record, layer, claimed)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
	const struct owning *owning = arg;
	sqlite3_stmt *stmt;
	int code = store_get(owning->writing->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, id);
	store_bind_text(stmt, 2, record->db);
	store_bind_blob(stmt, 3, record->name, strlen(record->name));
	store_bind_blob(stmt, 4, record->version, strlen(record->version));
	store_bind_text(stmt, 5, record->arch);
	store_bind_blob(stmt, 6, record->source, strlen(record->source));
	store_bind_blob(stmt, 7, record->record, strlen(record->record));
	sqlite3_bind_int(stmt, 8, record->layer);
	sqlite3_bind_int64(stmt, 9, record->claimed);
	return store_run(owning->writing->store, stmt, err);
}

static int take_owner(void *arg, uint64_t ino, uint32_t package, enum peel_claim claim,
	struct peel_error *err)
{
	const struct owning *owning = arg;

	return facts_table_own(owning->writing->table, ino, package, claim, err);
}

static int next_program(void *arg, uint64_t *ret_ino, unsigned *ret_elf_flags,
	struct peel_error *err)
{
	static const char sql[] =
		"SELECT e.id, elf.flags FROM elf JOIN idx.entry e ON e.id = elf.entry"
		" LEFT JOIN idx.hardlink h ON h.inode = e.id"
		" WHERE elf.flags & ?1 AND (e.why IS NULL AND NOT e.flags & 32 OR h.nlink > 0)"
		" ORDER BY e.id";
	struct owning *owning = arg;
	int code = 0;

	if (!owning->programs) {
		code = store_get(owning->writing->store, sql, &owning->programs, err);
		if (code < 0) {
			return code;
		}
		sqlite3_bind_int(owning->programs, 1, FACTS_ELF_GO | FACTS_ELF_RUST_AUDIT);
	}
	code = store_step(owning->writing->store, owning->programs, err);
	if (code > 0) {
		*ret_ino = (uint64_t)sqlite3_column_int64(owning->programs, 0);
		*ret_elf_flags = (unsigned)sqlite3_column_int(owning->programs, 1);
	}
	return code;
}

/** The entry of a file in any view. */
static int64_t entry_of(uint64_t ino)
{
	return (int64_t)(ino & (QUERY_FOLDER_BIT - 1));
}

static int same_content(void *arg, uint64_t a, uint64_t b, struct peel_error *err)
{
	static const char sql[] =
		"SELECT a.hash = b.hash FROM file a, file b WHERE a.entry = ?1 AND b.entry = ?2";
	const struct owning *owning = arg;
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int r = store_get(owning->writing->store, sql, &stmt, err);

	if (r < 0) {
		return r;
	}
	sqlite3_bind_int64(stmt, 1, entry_of(a));
	sqlite3_bind_int64(stmt, 2, entry_of(b));
	r = store_step(owning->writing->store, stmt, err);
	if (r <= 0 || sqlite3_column_type(stmt, 0) == SQLITE_NULL) {
		return r < 0 ? r : PKGDB_UNKNOWN;
	}
	return sqlite3_column_int(stmt, 0) != 0;
}

/** What is hidden at a path that still shows a file. */
static int own_hidden(struct facts_writing *writing, struct peel_error *err)
{
	static const char sql[] =
		"SELECT a.id, f.package, f.claim FROM idx.entry a"
		" JOIN idx.entry b ON b.dir = a.dir AND b.name = a.name AND +b.type IN ('f', 'h')"
		"  AND b.why IS NULL"
		" JOIN file f ON f.entry = coalesce(b.inode, b.id)"
		" WHERE a.type = 'f' AND a.why IS NOT NULL AND f.package IS NOT NULL"
		"  AND (NOT a.flags & 8 OR coalesce((SELECT nlink FROM idx.hardlink WHERE inode = a.id), 0) = 0)"
		" ORDER BY a.id";
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(writing->store, sql, &stmt, err);

	while (code == 0 && (code = store_step(writing->store, stmt, err)) > 0) {
		code = facts_table_own(writing->table, (uint64_t)sqlite3_column_int64(stmt, 0),
			(uint32_t)sqlite3_column_int64(stmt, 1),
			(enum peel_claim)sqlite3_column_int(stmt, 2), err);
	}
	return code < 0 ? code : facts_table_pass(writing->table, err);
}

int facts_write_owners(struct facts_writing *writing, struct peel_error *err)
{
	struct owning owning = {.writing = writing};
	const struct pkgdb_sink sink = {
		.database = take_database,
		.package = take_package,
		.owner = take_owner,
		.program = next_program,
		.same = same_content,
		.arg = &owning,
	};
	int code = pkgdb_owners(writing->index, &sink, err);

	store_done_(&owning.programs);
	code = code < 0 ? code : facts_table_pass(writing->table, err);
	return code < 0 ? code : own_hidden(writing, err);
}
