/* SPDX-License-Identifier: Apache-2.0 */
/**
 * An index file behind SQLite: one connection, its statements, its errors.
 *
 * Connections work on descriptors (store_vfs.c), so an index may be unlinked and a process without
 * the right to open files can build one. A connection is used by one thread at a time. SQL stands
 * beside the code that runs it; only files that include this header hold any.
 */
#ifndef STORE_H
#define STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <sqlite3.h>

struct limit_watch;
struct peel_error;
struct store;

/** Format of the index: schema.sql's user_version and application_id. */
#define STORE_VERSION 2
#define STORE_APPLICATION_ID 1885693292

/** How messages begin that tell of an index that cannot be what was built. */
#define STORE_DAMAGED "the index is damaged (peel cache verify takes it away): "

/** Bytes of an index's pages. */
#define STORE_PAGE_SIZE 8192

/** Bits of entry.flags. */
enum store_flag {
	ENTRY_IMPLIED = 1,
	ENTRY_XATTRS = 2,
	ENTRY_SPARSE = 4,
	/** In table hardlink: several names, or metadata from a hard link's header. */
	ENTRY_LINKED = 8,
	/** In table extra: path, device, allocated, pax. */
	ENTRY_EXTRA = 16,
	/** Name over 255 bytes: in the index, not in a view. */
	ENTRY_UNSHOWABLE = 32,
};

/** Which of a connection's files. */
enum store_file {
	/** The index. */
	STORE_FILE_INDEX,
	/** The facts beside it. */
	STORE_FILE_FACTS,
};

/** Values of entry.why; the rows of table reason. */
enum store_why {
	WHY_VISIBLE = 0,
	WHY_OVERWRITTEN = 1,
	WHY_IDENTICAL = 2,
	WHY_METADATA = 3,
	WHY_DELETED = 4,
	WHY_DELETED_WITH_FOLDER = 5,
	WHY_OPAQUE = 6,
	WHY_REPLACED = 7,
	WHY_DUPLICATE = 8,
	WHY_UNREACHABLE = 9,
	WHY_BROKEN_LINK = 10,
	WHY_MARKER = 11,
};

/** Row id of the root in table dir. */
#define STORE_ROOT_DIR 1
/** First entry id; smaller numbers are kept for the roots of views. */
#define STORE_FIRST_ENTRY 16

/**
 * A new, empty index in an open file, schema loaded, in one transaction that store_commit ends.
 * @param fd read-write, empty, borrowed; must stay open as long as the store. @param spill_dir
 *   folder descriptor for SQLite's unlinked temporary files (sorting), borrowed.
 * @return 0; PEEL_EIO, PEEL_ENOMEM, PEEL_EINTERNAL.
 */
int store_create(int fd, int spill_dir, struct store **ret_store, struct peel_error *err);

/**
 * End the transaction of store_create and flush SQLite's pages to the file (no fsync). @return
 * 0; PEEL_EIO (disk full).
 */
int store_commit(struct store *store, struct peel_error *err);

/**
 * Open an index read-only and immutable. The file is taken as hostile: defensive, no triggers,
 * untrusted schema, cell sizes checked; version and application id must be ours.
 * @param fd borrowed; must stay open as long as the store.
 * @return 0; PEEL_EFORMAT (no index, or of another version), PEEL_EIO, PEEL_ENOMEM.
 */
int store_open(int fd, struct store **ret_store, struct peel_error *err);

/**
 * The version that a file's header claims, read without SQLite. @return it; PEEL_EFORMAT where the file is no
 * index of peel; PEEL_EIO.
 */
int64_t store_version(int fd);

/**
 * Make the indexes that wait until the layers are loaded (schema_indexes.sql). @return 0, or as
 * store_step.
 */
int store_make_indexes(struct store *store, struct peel_error *err);

/**
 * Compare the schema with ours, text by text. @return 0; PEEL_EFORMAT where it differs;
 * PEEL_ENOMEM.
 */
int store_check_schema(struct store *store, struct peel_error *err);

/**
 * Hold the size of the index and of its temporary files, the time, and the memory against limits from now on; a
 * statement that is over one fails with PEEL_ELIMIT. @param limits borrowed, must outlive the store; NULL: none.
 */
void store_set_limits(struct store *store, struct limit_watch *limits);
/** The limits that were set, NULL: none. */
struct limit_watch *store_limits(const struct store *store);

/** Close; NULL is fine. */
void store_close(struct store *store);

/** The folder of temporary files that store_create was given, -1: none. */
int store_spill_dir(const struct store *store);

/** The file, borrowed. */
int store_fd(const struct store *store);
/** The facts file beside it, borrowed; -1: none is attached. */
int store_facts_fd(const struct store *store);

/** The page where a table's or index's tree starts. @return 0; PEEL_EINTERNAL: there is none; as store_step. */
int store_root_page(struct store *store, enum store_file file, const char *name, uint32_t *ret_page,
	struct peel_error *err);

/** The connection, for what has no function here (authorizer, blobs). */
sqlite3 *store_db(struct store *store);

/**
 * A statement, prepared once a connection and kept, reset and with its bindings cleared.
 * @param sql a string literal: the statement is found again by its address.
 * @param ret_stmt belongs to the store; reset it (store_done) when done with rows.
 * @return 0; PEEL_EFORMAT (the schema is not ours), PEEL_ENOMEM.
 */
int store_get(struct store *store, const char *sql, sqlite3_stmt **ret_stmt,
	struct peel_error *err);

/**
 * Step. @return 1 a row, 0 done (the statement is then reset); PEEL_EFORMAT (corrupt),
 * PEEL_EIO, PEEL_ENOMEM, PEEL_EINTERNAL.
 */
int store_step(struct store *store, sqlite3_stmt *stmt, struct peel_error *err);

/** Run a statement that gives no rows. @return 0, or as store_step. */
int store_run(struct store *store, sqlite3_stmt *stmt, struct peel_error *err);

/** Run SQL text without bindings. @return 0, or as store_step. */
int store_exec(struct store *store, const char *sql, struct peel_error *err);

/** The connection's last failure as an error. @return the code, less than 0. */
int store_fail(struct store *store, struct peel_error *err);

/** Reset a statement at the end of the scope; NULL is fine. */
static inline void store_done_(sqlite3_stmt **stmt)
{
	if (*stmt) {
		sqlite3_reset(*stmt);
	}
}

#define cleanup_stmt __attribute__((__cleanup__(store_done_)))

/** Bind raw bytes as a blob that stays valid until the statement is reset; NULL binds NULL. */
static inline void store_bind_blob(sqlite3_stmt *stmt, int index, const void *bytes, size_t len)
{
	if (bytes) {
		sqlite3_bind_blob64(stmt, index, len ? bytes : "", len, SQLITE_STATIC);
	} else {
		sqlite3_bind_null(stmt, index);
	}
}

/** Bind a NUL-terminated text that stays valid until the statement is reset. */
static inline void store_bind_text(sqlite3_stmt *stmt, int index, const char *text)
{
	sqlite3_bind_text(stmt, index, text ? text : "", -1, SQLITE_STATIC);
}

/** A column's text, never NULL; valid until the next step. */
static inline const char *store_text(sqlite3_stmt *stmt, int column)
{
	const unsigned char *text = sqlite3_column_text(stmt, column);

	return text ? (const char *)text : "";
}

#endif
