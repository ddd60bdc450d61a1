/* SPDX-License-Identifier: Apache-2.0 */
#include "store.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <peel/error.h>
#include <peel/text.h>

#include "limit.h"
#include "schema_indexes_sql.h"
#include "schema_sql.h"
#include "store_facts.h"
#include "store_priv.h"
#include "store_vfs.h"
#include "tempfile.h"
#include "util.h"

/** Statements of one connection; a power of two, far more than the library has. */
#define STATEMENT_SLOTS 256
/** Page cache while building, KiB: bounds memory, large enough that leaf pages are written once. */
#define BUILD_CACHE_KIB 4096
/** Steps of SQLite's machine between two looks at limits: about a millisecond. */
#define LIMIT_STEPS 10000
/** Page cache of a serving connection, KiB: the upper levels of the trees and the last folders. */
#define SERVE_CACHE_KIB 2048

/** SQLite's header and what it keeps there, big-endian (fileformat2.html, 1.3). */
#define HEADER_SIZE 100
#define USER_VERSION_OFFSET 60
#define APPLICATION_ID_OFFSET 68

struct statement {
	const char *sql;
	sqlite3_stmt *stmt;
};

struct store {
	sqlite3 *db;
	struct store_vfs vfs;
	struct statement statements[STATEMENT_SLOTS];
	/** Why a statement was interrupted. */
	struct peel_error interrupted;
};

void store_close(struct store *store)
{
	if (!store) {
		return;
	}
	for (size_t i = 0; i < STATEMENT_SLOTS; i++) {
		sqlite3_finalize(store->statements[i].stmt);
	}
	sqlite3_close(store->db);
	store_vfs_unregister(&store->vfs);
	free(store);
}

static void cleanup_store(struct store **store)
{
	store_close(*store);
}

static int look_at_limits(void *arg)
{
	struct store *store = arg;

	return limits_tick(store->vfs.limits, &store->interrupted) < 0;
}

void store_set_limits(struct store *store, struct limit_watch *limits)
{
	store->vfs.limits = limits;
	sqlite3_progress_handler(store->db, LIMIT_STEPS, limits ? look_at_limits : NULL, store);
}

struct limit_watch *store_limits(const struct store *store)
{
	return store->vfs.limits;
}

int store_spill_dir(const struct store *store)
{
	return store->vfs.spill_dir;
}

int store_fd(const struct store *store)
{
	return store->vfs.fd;
}

int store_facts_fd(const struct store *store)
{
	return store->vfs.beside;
}

int store_root_page(struct store *store, enum store_file file, const char *name, uint32_t *ret_page,
	struct peel_error *err)
{
	static const char *const statements[] = {
		[STORE_FILE_INDEX] = "SELECT rootpage FROM main.sqlite_schema WHERE name = ?1",
		[STORE_FILE_FACTS] = "SELECT rootpage FROM facts.sqlite_schema WHERE name = ?1",
	};
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(store, statements[file], &stmt, err);

	if (code == 0) {
		store_bind_text(stmt, 1, name);
		code = store_step(store, stmt, err);
	}
	if (code <= 0) {
		return code < 0 ? code : peel_fail(err, PEEL_EINTERNAL, "no table %s", name);
	}
	*ret_page = (uint32_t)sqlite3_column_int64(stmt, 0);
	return 0;
}

sqlite3 *store_db(struct store *store)
{
	return store->db;
}

static int code_of(int sqlite_code)
{
	switch (sqlite_code & 0xff) {
	case SQLITE_NOMEM:
		return PEEL_ENOMEM;
	case SQLITE_FULL:
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		return PEEL_EIO;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_ERROR:
		return PEEL_EFORMAT;
	case SQLITE_TOOBIG:
		return PEEL_ELIMIT;
	default:
		return PEEL_EINTERNAL;
	}
}

int store_fail(struct store *store, struct peel_error *err)
{
	int code = sqlite3_extended_errcode(store->db);
	bool damaged = (code & 0xff) == SQLITE_CORRUPT || (code & 0xff) == SQLITE_NOTADB;
	const char *message = sqlite3_errmsg(store->db);
	char shown[PEEL_MESSAGE_SIZE / 2];

	if (store->vfs.over > 0) {
		(void)limits_fail(store->vfs.limits, PEEL_LIMIT_INDEX_SIZE, store->vfs.over, err);
		return PEEL_ELIMIT;
	}
	if (code == SQLITE_INTERRUPT && store->interrupted.code < 0) {
		return peel_fail(err, store->interrupted.code, "%s", store->interrupted.message);
	}
	/* It may name what the file says of itself, a table of a schema that is none. */
	peel_text_escape_into(shown, sizeof(shown), message, strlen(message));
	return peel_fail(err, code_of(code), "%s%s", damaged ? STORE_DAMAGED : "index: ", shown);
}

int store_exec(struct store *store, const char *sql, struct peel_error *err)
{
	if (sqlite3_exec(store->db, sql, NULL, NULL, NULL) != SQLITE_OK) {
		return store_fail(store, err);
	}
	return 0;
}

/**
 * Statements are literals: their addresses are spread by the linker, a multiplicative hash is
 * enough.
 */
static size_t slot_of(const char *sql)
{
	return (size_t)(((uintptr_t)sql * 0x9e3779b97f4a7c15u) >> 56) % STATEMENT_SLOTS;
}

int store_get(struct store *store, const char *sql, sqlite3_stmt **ret_stmt, struct peel_error *err)
{
	size_t slot = slot_of(sql);

	for (size_t i = 0; i < STATEMENT_SLOTS; i++, slot = (slot + 1) % STATEMENT_SLOTS) {
		struct statement *statement = &store->statements[slot];

		if (!statement->sql) {
			if (sqlite3_prepare_v3(store->db, sql, -1, SQLITE_PREPARE_PERSISTENT,
				    &statement->stmt, NULL) != SQLITE_OK) {
				return store_fail(store, err);
			}
			statement->sql = sql;
		}
		if (statement->sql == sql) {
			sqlite3_reset(statement->stmt);
			sqlite3_clear_bindings(statement->stmt);
			*ret_stmt = statement->stmt;
			return 0;
		}
	}
	return peel_fail(err, PEEL_EINTERNAL, "too many statements");
}

int store_step(struct store *store, sqlite3_stmt *stmt, struct peel_error *err)
{
	int code = sqlite3_step(stmt);

	if (code == SQLITE_ROW) {
		return 1;
	}
	if (code == SQLITE_DONE) {
		sqlite3_reset(stmt);
		return 0;
	}
	code = store_fail(store, err);
	sqlite3_reset(stmt);
	return code;
}

int store_run(struct store *store, sqlite3_stmt *stmt, struct peel_error *err)
{
	int code = store_step(store, stmt, err);

	if (code > 0) {
		sqlite3_reset(stmt);
		return 0;
	}
	return code;
}

int store_connect(int fd, int beside, int spill_dir, bool writable, struct store **ret_store,
	struct peel_error *err)
{
	cleanup(cleanup_store) struct store *store = calloc(1, sizeof(*store));
	int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
		(writable ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
	int code;

	if (!store) {
		return peel_fail(err, PEEL_ENOMEM, "no memory");
	}
	if (store_vfs_register(&store->vfs, fd, beside, spill_dir, writable) != SQLITE_OK) {
		return peel_fail(err, PEEL_ENOMEM, "no memory for SQLite");
	}
	if (sqlite3_open_v2("index", &store->db, flags, store->vfs.name) != SQLITE_OK) {
		code = store->db ? store_fail(store, err)
				 : peel_fail(err, PEEL_ENOMEM, "no memory");
		return code < 0 ? code : PEEL_EINTERNAL;
	}
	*ret_store = steal_pointer(&store);
	return 0;
}

int store_prepare_build(struct store *store, int cache_kib, struct peel_error *err)
{
	char pragmas[256];

	snprintf(pragmas, sizeof(pragmas),
		"PRAGMA page_size=%d; PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF;"
		"PRAGMA cache_size=-%d; PRAGMA temp_store=%s;",
		STORE_PAGE_SIZE, cache_kib, store->vfs.spill_dir >= 0 ? "FILE" : "MEMORY");
	return store_exec(store, pragmas, err);
}

int store_create(int fd, int spill_dir, struct store **ret_store, struct peel_error *err)
{
	cleanup(cleanup_store) struct store *store = NULL;
	int code = store_connect(fd, -1, spill_dir, true, &store, err);

	if (code == 0) {
		code = store_prepare_build(store, BUILD_CACHE_KIB, err);
	}
	if (code == 0) {
		code = store_exec(store, "BEGIN", err);
	}
	if (code == 0) {
		code = store_exec(store, schema_sql, err);
	}
	if (code < 0) {
		return code;
	}
	*ret_store = steal_pointer(&store);
	return 0;
}

int store_make_indexes(struct store *store, struct peel_error *err)
{
	return store_exec(store, schema_indexes_sql, err);
}

int store_commit(struct store *store, struct peel_error *err)
{
	return store_exec(store, "COMMIT", err);
}

/** An index is data: nothing in it may run, and what it says of itself must be exact. */
int store_harden(struct store *store, struct peel_error *err)
{
	char pragmas[160];

	sqlite3_db_config(store->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(store->db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, NULL);
	snprintf(pragmas, sizeof(pragmas),
		"PRAGMA cell_size_check=1; PRAGMA mmap_size=0; PRAGMA query_only=1;"
		"PRAGMA temp_store=MEMORY; PRAGMA cache_size=-%d;",
		SERVE_CACHE_KIB);
	return store_exec(store, pragmas, err);
}

int64_t store_header_version(int fd, const char *application)
{
	unsigned char header[HEADER_SIZE];
	const unsigned char *version = header + USER_VERSION_OFFSET;

	const ssize_t got = tempfile_get(fd, header, sizeof(header), 0);

	if (got < (ssize_t)sizeof(header) || memcmp(header, "SQLite format 3", 16) != 0 ||
		memcmp(header + APPLICATION_ID_OFFSET, application, 4) != 0) {
		return got < 0 ? PEEL_EIO : PEEL_EFORMAT;
	}
	return (int64_t)version[0] << 24 | version[1] << 16 | version[2] << 8 | version[3];
}

int64_t store_version(int fd)
{
	return store_header_version(fd, "peel");
}

int store_pragma(struct store *store, const char *sql, int64_t *ret_value, struct peel_error *err)
{
	cleanup_stmt sqlite3_stmt *stmt = NULL;
	int code = store_get(store, sql, &stmt, err);

	if (code == 0) {
		code = store_step(store, stmt, err);
	}
	if (code < 0) {
		return code;
	}
	*ret_value = code > 0 ? sqlite3_column_int64(stmt, 0) : -1;
	return 0;
}

int store_check_version(struct store *store, struct peel_error *err)
{
	int64_t application = 0;
	int64_t version = 0;
	int code = store_pragma(store, "PRAGMA application_id", &application, err);

	if (code == 0) {
		code = store_pragma(store, "PRAGMA user_version", &version, err);
	}
	if (code < 0) {
		return code;
	}
	return application != STORE_APPLICATION_ID || version != STORE_VERSION
		? peel_fail(err, PEEL_EFORMAT, "no index of this version (version %lld, not %d)",
			  (long long)version, STORE_VERSION)
		: 0;
}

int store_open(int fd, struct store **ret_store, struct peel_error *err)
{
	return store_open_with_facts(fd, -1, ret_store, err);
}
