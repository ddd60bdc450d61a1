/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SQLite opens files by name; we have descriptors. An index may be unlinked (--no-cache), its name
 * may have been given to another file since we checked owner and mode, and a process without the
 * right to open files must be able to build one. So each store registers a VFS of its own whose
 * main file is a descriptor and whose temporary files are unlinked ones in a folder that is open
 * too.
 *
 * A disk that is full is left behind: store_place.c.
 *
 * Nothing is locked: a published index is immutable, and one that is being built has one writer.
 * Nothing is synced here: index_cache.c does that once, before it publishes.
 *
 * Rejected: "/proc/self/fd/N" as a name (SQLite resolves it to the old path; needs /proc), and
 * sqlite3_deserialize (the whole index in memory).
 */
#include "store_vfs.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "limit.h"
#include "store_place.h"
#include "tempfile.h"

struct vfs_file {
	sqlite3_file base;
	struct store_vfs *vfs;
	int fd;
	bool owned;
	bool writable;
	/** Where it moves to when the disk is full: see store_place.h. */
	int place;
	/** Folder for files without a name. */
	int spill;
};

static int file_close(sqlite3_file *base)
{
	struct vfs_file *file = (struct vfs_file *)base;

	if (file->owned) {
		close(file->fd);
	}
	return SQLITE_OK;
}

static int file_read(sqlite3_file *base, void *buf, int len, sqlite3_int64 offset)
{
	struct vfs_file *file = (struct vfs_file *)base;
	ssize_t got = tempfile_get(file->fd, buf, (size_t)len, (uint64_t)offset);

	if (got >= 0 && got < len) {
		memset((char *)buf + got, 0, (size_t)(len - got));
		return SQLITE_IOERR_SHORT_READ;
	}
	return got < 0 ? SQLITE_IOERR_READ : SQLITE_OK;
}

static int file_write(sqlite3_file *base, const void *buf, int len, sqlite3_int64 offset)
{
	struct vfs_file *file = (struct vfs_file *)base;

	if (!file->writable) {
		return SQLITE_READONLY;
	}
	if (file->vfs->limits &&
		(uint64_t)offset + (uint64_t)len >
			limits_value(file->vfs->limits, PEEL_LIMIT_INDEX_SIZE)) {
		file->vfs->over = (uint64_t)offset + (uint64_t)len;
		return SQLITE_FULL;
	}
	if (store_place_write(file->fd, file->spill, &file->place, buf, (size_t)len,
		    (uint64_t)offset)) {
		return SQLITE_OK;
	}
	return errno == ENOSPC ? SQLITE_FULL : SQLITE_IOERR_WRITE;
}

static int file_truncate(sqlite3_file *base, sqlite3_int64 size)
{
	struct vfs_file *file = (struct vfs_file *)base;

	return file->writable && ftruncate(file->fd, size) == 0 ? SQLITE_OK : SQLITE_IOERR_TRUNCATE;
}

static int file_sync(sqlite3_file *base, int flags)
{
	(void)base;
	(void)flags;
	return SQLITE_OK;
}

static int file_size(sqlite3_file *base, sqlite3_int64 *ret_size)
{
	struct vfs_file *file = (struct vfs_file *)base;
	struct stat st;

	if (fstat(file->fd, &st) < 0) {
		return SQLITE_IOERR_FSTAT;
	}
	*ret_size = st.st_size;
	return SQLITE_OK;
}

static int file_lock(sqlite3_file *base, int level)
{
	(void)base;
	(void)level;
	return SQLITE_OK;
}

static int file_check_lock(sqlite3_file *base, int *ret_locked)
{
	(void)base;
	*ret_locked = 0;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *base, int op, void *arg)
{
	(void)base;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *base)
{
	(void)base;
	return 4096;
}

static int file_characteristics(sqlite3_file *base)
{
	struct vfs_file *file = (struct vfs_file *)base;

	return file->writable ? SQLITE_IOCAP_POWERSAFE_OVERWRITE : SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods file_methods = {
	.iVersion = 1,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_lock,
	.xCheckReservedLock = file_check_lock,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
};

static int vfs_open(sqlite3_vfs *base, const char *name, sqlite3_file *out, int flags,
	int *ret_flags)
{
	struct store_vfs *vfs = base->pAppData;
	struct vfs_file *file = (struct vfs_file *)out;

	memset(file, 0, sizeof(*file));
	file->spill = vfs->spill_dir;
	file->vfs = vfs;
	if ((flags & SQLITE_OPEN_MAIN_DB) && strcmp(name, STORE_VFS_BESIDE) == 0) {
		file->fd = vfs->beside;
	} else if (flags & SQLITE_OPEN_MAIN_DB) {
		file->fd = vfs->fd;
		file->writable = vfs->writable;
	} else if (!name && vfs->spill_dir >= 0) {
		file->fd = tempfile_make(vfs->spill_dir);
		file->owned = true;
		file->writable = true;
	} else {
		return SQLITE_CANTOPEN;
	}
	if (file->fd < 0) {
		return SQLITE_CANTOPEN;
	}
	file->base.pMethods = &file_methods;
	if (ret_flags) {
		*ret_flags = file->writable
			? flags
			: (flags & ~SQLITE_OPEN_READWRITE) | SQLITE_OPEN_READONLY;
	}
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *base, const char *name, int sync_folder)
{
	(void)base;
	(void)name;
	(void)sync_folder;
	return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *base, const char *name, int flags, int *ret_result)
{
	(void)base;
	(void)name;
	(void)flags;
	*ret_result = 0;
	return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *base, const char *name, int size, char *out)
{
	(void)base;
	sqlite3_snprintf(size, out, "%s", name);
	return SQLITE_OK;
}

static int vfs_randomness(sqlite3_vfs *base, int len, char *out)
{
	sqlite3_vfs *os = sqlite3_vfs_find("unix");

	(void)base;
	return os ? os->xRandomness(os, len, out) : 0;
}

static int vfs_sleep(sqlite3_vfs *base, int microseconds)
{
	(void)base;
	usleep((useconds_t)microseconds);
	return microseconds;
}

static int vfs_time(sqlite3_vfs *base, double *ret_time)
{
	sqlite3_vfs *os = sqlite3_vfs_find("unix");

	(void)base;
	return os ? os->xCurrentTime(os, ret_time) : SQLITE_ERROR;
}

static int vfs_last_error(sqlite3_vfs *base, int len, char *out)
{
	(void)base;
	(void)len;
	(void)out;
	return errno;
}

int store_vfs_register(struct store_vfs *vfs, int fd, int beside, int spill_dir, bool writable)
{
	*vfs = (struct store_vfs){
		.fd = fd,
		.beside = beside,
		.spill_dir = spill_dir,
		.writable = writable,
		.base =
			{
				.iVersion = 1,
				.szOsFile = sizeof(struct vfs_file),
				.mxPathname = 512,
				.xOpen = vfs_open,
				.xDelete = vfs_delete,
				.xAccess = vfs_access,
				.xFullPathname = vfs_full_path,
				.xRandomness = vfs_randomness,
				.xSleep = vfs_sleep,
				.xCurrentTime = vfs_time,
				.xGetLastError = vfs_last_error,
			},
	};
	snprintf(vfs->name, sizeof(vfs->name), "peel-%p", (void *)vfs);
	vfs->base.zName = vfs->name;
	vfs->base.pAppData = vfs;
	return sqlite3_vfs_register(&vfs->base, 0);
}

void store_vfs_unregister(struct store_vfs *vfs)
{
	if (vfs->base.zName) {
		sqlite3_vfs_unregister(&vfs->base);
	}
}
