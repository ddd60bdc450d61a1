/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rpmdb.sqlite, read by SQLite in the image: its file is peel_read. The database is the image's and may be hostile,
 * so it is opened as one that never changes (no locks, no journal, no WAL, nothing beside it is opened), with no
 * triggers, views or functions of its schema trusted; one table is read from begin to end, and only if it is a
 * table. Work is bounded by the number of packages and of steps, and by the file's size: rows whose pages overlap, or
 * that a default fills, come to more. Memory is bounded by SQLite's cache and one header.
 *
 * Rejected: a copy on disk (the image's database may be large), and reading the pages ourselves (SQLite knows its
 * format, and refuses damage better).
 */
#include <string.h>

#include <sqlite3.h>

#include <peel/error.h>

#include "pkgdb_rpm.h"
#include "util.h"

/* Steps of SQLite's machine between two counts, and most counts: a package needs about ten steps. */
#define STEPS 10000
#define COUNTS_MAX 20000

static const char find_table[] =
	"SELECT rootpage FROM sqlite_schema WHERE type = 'table' AND name = 'Packages'";
static const char read_blobs[] = "SELECT blob FROM Packages";

/* What a code of SQLite's means for a database that somebody else made. */
static const char *say(int code)
{
	switch (code) {
	case SQLITE_ROW:
		return "limit: too many rows";
	case SQLITE_TOOBIG:
		return "limit: a package's header is too large";
	case SQLITE_INTERRUPT:
		return "limit: too much work";
	case SQLITE_NOMEM:
		return "it is damaged, or takes too much memory";
	case SQLITE_IOERR:
		return "its file cannot be read";
	default:
		return "it is damaged";
	}
}

/* A VFS of one file. */
struct image_vfs {
	sqlite3_vfs base;
	char name[32];
	struct peel_index *index;
	uint64_t ino, size;
};

struct image_file {
	sqlite3_file base;
	const struct image_vfs *vfs;
};

static int file_close(sqlite3_file *file)
{
	(void)file;
	return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *buf, int len, sqlite3_int64 offset)
{
	const struct image_vfs *vfs = ((struct image_file *)base)->vfs;
	ssize_t got;

	if (len < 0 || offset < 0) {
		return SQLITE_IOERR_READ;
	}
	got = (uint64_t)offset >= vfs->size
		? 0
		: peel_read(vfs->index, vfs->ino, (uint64_t)offset, buf, (size_t)len, NULL);
	if (got < 0) {
		return SQLITE_IOERR_READ;
	}
	memset((char *)buf + got, 0, (size_t)(len - got));
	return got < len ? SQLITE_IOERR_SHORT_READ : SQLITE_OK;
}

static int file_write(sqlite3_file *file, const void *buf, int len, sqlite3_int64 offset)
{
	(void)file;
	(void)buf;
	(void)len;
	(void)offset;
	return SQLITE_READONLY;
}

static int file_truncate(sqlite3_file *file, sqlite3_int64 size)
{
	(void)file;
	(void)size;
	return SQLITE_READONLY;
}

static int file_flag(sqlite3_file *file, int flag)
{
	(void)file;
	(void)flag;
	return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
	*ret_size = (sqlite3_int64)((struct image_file *)base)->vfs->size;
	return SQLITE_OK;
}

static int file_is_reserved(sqlite3_file *file, int *ret_reserved)
{
	(void)file;
	*ret_reserved = 0;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *file, int operation, void *arg)
{
	(void)file;
	(void)operation;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int file_sector(sqlite3_file *file)
{
	(void)file;
	return 4096;
}

static int file_characteristics(sqlite3_file *file)
{
	(void)file;
	return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_flag,
	.xFileSize = file_size,
	.xLock = file_flag,
	.xUnlock = file_flag,
	.xCheckReservedLock = file_is_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector,
	.xDeviceCharacteristics = file_characteristics,
};

/* The database alone; what would lie beside it, and temporary files, cannot be opened. */
static int vfs_open(sqlite3_vfs *base, const char *name, sqlite3_file *out, int flags,
	int *ret_flags)
{
	struct image_file *file = (struct image_file *)out;

	(void)name;
	memset(file, 0, sizeof(*file));
	if (!(flags & SQLITE_OPEN_MAIN_DB)) {
		return SQLITE_CANTOPEN;
	}
	file->base.pMethods = &methods;
	file->vfs = base->pAppData;
	if (ret_flags) {
		*ret_flags = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_READONLY;
	}
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync_folder)
{
	(void)vfs;
	(void)name;
	(void)sync_folder;
	return SQLITE_READONLY;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *ret_result)
{
	(void)vfs;
	(void)name;
	(void)flags;
	*ret_result = 0;
	return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int size, char *out)
{
	(void)vfs;
	sqlite3_snprintf(size, out, "%s", name);
	return SQLITE_OK;
}

/* Neither chance nor time has a say in what is read. */
static int vfs_randomness(sqlite3_vfs *vfs, int len, char *out)
{
	(void)vfs;
	memset(out, 0, (size_t)len);
	return len;
}

static int vfs_sleep(sqlite3_vfs *vfs, int microseconds)
{
	(void)vfs;
	return microseconds;
}

static int vfs_time(sqlite3_vfs *vfs, double *ret_time)
{
	(void)vfs;
	*ret_time = 0;
	return SQLITE_OK;
}

static void vfs_init(struct image_vfs *vfs, struct peel_index *index, uint64_t ino, uint64_t size)
{
	*vfs = (struct image_vfs){.index = index, .ino = ino, .size = size};
	sqlite3_snprintf(sizeof(vfs->name), vfs->name, "peel-image-%p", (void *)vfs);
	vfs->base = (sqlite3_vfs){
		.iVersion = 1,
		.szOsFile = sizeof(struct image_file),
		.mxPathname = 512,
		.zName = vfs->name,
		.pAppData = vfs,
		.xOpen = vfs_open,
		.xDelete = vfs_delete,
		.xAccess = vfs_access,
		.xFullPathname = vfs_full_path,
		.xRandomness = vfs_randomness,
		.xSleep = vfs_sleep,
		.xCurrentTime = vfs_time,
	};
}

static int count_steps(void *arg)
{
	int *count = arg;

	return ++*count > COUNTS_MAX;
}

/* Reading that one table and the schema is all that is allowed. */
static int authorize(void *arg, int action, const char *a, const char *b, const char *db,
	const char *trigger)
{
	(void)arg;
	(void)b;
	(void)db;
	if (action == SQLITE_SELECT && !trigger) {
		return SQLITE_OK;
	}
	return action == SQLITE_READ && !trigger &&
			(sqlite3_stricmp(a, "Packages") == 0 ||
				sqlite3_strnicmp(a, "sqlite_", 7) == 0)
		? SQLITE_OK
		: SQLITE_DENY;
}

static int harden(sqlite3 *db, int *count)
{
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, PKGDB_RPM_HEADER_MAX);
	sqlite3_limit(db, SQLITE_LIMIT_SQL_LENGTH, 100000);
	sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
	sqlite3_limit(db, SQLITE_LIMIT_WORKER_THREADS, 0);
	sqlite3_progress_handler(db, STEPS, count_steps, count);
	if (sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) != SQLITE_OK ||
		sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) != SQLITE_OK ||
		sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL) != SQLITE_OK ||
		sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL) != SQLITE_OK ||
		sqlite3_exec(db,
			"PRAGMA mmap_size = 0; PRAGMA cache_size = -2048; PRAGMA cell_size_check = ON",
			NULL, NULL, NULL) != SQLITE_OK) {
		return SQLITE_ERROR;
	}
	return sqlite3_set_authorizer(db, authorize, NULL);
}

/* True where Packages is a table with pages of its own: no view, no module's. */
static bool has_table(sqlite3 *db, int *ret_code)
{
	sqlite3_stmt *stmt = NULL;
	bool found = false;

	*ret_code = sqlite3_prepare_v2(db, find_table, -1, &stmt, NULL);
	if (*ret_code == SQLITE_OK) {
		*ret_code = sqlite3_step(stmt);
		found = *ret_code == SQLITE_ROW && sqlite3_column_int64(stmt, 0) > 0;
	}
	sqlite3_finalize(stmt);
	return found;
}

/* @param left bytes that rows may have. @return SQLite's code; *ret is what the callback returned. */
static int read_rows(sqlite3 *db, uint64_t left, pkgdb_blob_fn *each, void *arg, int *ret)
{
	sqlite3_stmt *stmt = NULL;
	int rows = 0;
	int code = sqlite3_prepare_v2(db, read_blobs, -1, &stmt, NULL);

	if (code == SQLITE_OK) {
		while (*ret == 0 && rows++ < PKGDB_PACKAGES_MAX &&
			(code = sqlite3_step(stmt)) == SQLITE_ROW) {
			const void *bytes = sqlite3_column_blob(stmt, 0);
			const int len = sqlite3_column_bytes(stmt, 0);

			if (len > 0 && (uint64_t)len > left) {
				code = SQLITE_CORRUPT;
				break;
			}
			left -= len > 0 ? (uint64_t)len : 0;
			*ret = each(arg, bytes ? bytes : "", bytes && len > 0 ? (size_t)len : 0);
		}
	}
	sqlite3_finalize(stmt);
	return code;
}

int pkgdb_rpm_sqlite(struct peel_index *index, uint64_t ino, uint64_t size, pkgdb_blob_fn *each,
	void *arg, const char **ret_what)
{
	struct image_vfs vfs;
	sqlite3 *db = NULL;
	bool opened;
	int count = 0;
	int code;
	int r = 0;

	*ret_what = NULL;
	vfs_init(&vfs, index, ino, size);
	code = sqlite3_vfs_register(&vfs.base, 0);
	if (code != SQLITE_OK) {
		return PEEL_ENOMEM;
	}
	code = sqlite3_open_v2("rpmdb.sqlite", &db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX,
		vfs.name);
	code = code == SQLITE_OK ? harden(db, &count) : code;
	opened = code == SQLITE_OK;
	if (code == SQLITE_OK && !has_table(db, &code)) {
		*ret_what = code == SQLITE_DONE || code == SQLITE_ROW ? "no table Packages"
								      : say(code & 0xff);
	} else if (code == SQLITE_OK || code == SQLITE_ROW) {
		code = read_rows(db, size, each, arg, &r);
	}
	sqlite3_close(db);
	sqlite3_vfs_unregister(&vfs.base);
	/* Once it is open, SQLite may say that of a file that is damaged: it is no reason to give all databases up. */
	if (code == SQLITE_NOMEM && !opened) {
		return PEEL_ENOMEM;
	}
	if (!*ret_what && r == 0 && code != SQLITE_DONE) {
		*ret_what = say(code & 0xff);
	}
	return r;
}
