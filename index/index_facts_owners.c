/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packages, and whose each file is. Of a file that is visible the databases tell; of one that is hidden at a
 * path that still shows a file, the package of that file: it is the path that is owned.
 */
#include <string.h>

#include <peel/error.h>

#include "facts_look.h"
#include "index_facts.h"
#include "pkgdb_owners.h"
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
	static const char sql[] = "UPDATE file SET package = ?2, claim = ?3 WHERE entry = ?1";
	const struct owning *owning = arg;
	sqlite3_stmt *stmt;
	int code = store_get(owning->writing->store, sql, &stmt, err);

	if (code < 0) {
		return code;
	}
	sqlite3_bind_int64(stmt, 1, (int64_t)ino);
	sqlite3_bind_int64(stmt, 2, package);
	sqlite3_bind_int(stmt, 3, claim);
	return store_run(owning->writing->store, stmt, err);
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

/** What is hidden at a path that still shows a file. */
static int own_hidden(struct facts_writing *writing, struct peel_error *err)
{
	static const char sql[] =
		"UPDATE file SET (package, claim) = (SELECT f.package, f.claim FROM idx.entry a"
		" JOIN idx.entry b ON b.dir = a.dir AND b.name = a.name AND b.type IN ('f', 'h')"
		"  AND b.why IS NULL"
		" JOIN file f ON f.entry = coalesce(b.inode, b.id) WHERE a.id = file.entry)"
		" WHERE package IS NULL AND entry IN (SELECT a.id FROM idx.entry a"
		"  LEFT JOIN idx.hardlink h ON h.inode = a.id"
		"  WHERE a.type = 'f' AND a.why IS NOT NULL AND coalesce(h.nlink, 0) = 0)";

	return store_exec(writing->store, sql, err);
}

int facts_write_owners(struct facts_writing *writing, struct peel_error *err)
{
	struct owning owning = {.writing = writing};
	const struct pkgdb_sink sink = {
		.database = take_database,
		.package = take_package,
		.owner = take_owner,
		.program = next_program,
		.arg = &owning,
	};
	int code = pkgdb_owners(writing->index, &sink, err);

	store_done_(&owning.programs);
	return code < 0 ? code : own_hidden(writing, err);
}
