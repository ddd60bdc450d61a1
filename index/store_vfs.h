/* SPDX-License-Identifier: Apache-2.0 */
/**
 * SQLite's file layer on descriptors: one main file that is already open, and unlinked temporary
 * files in a folder.
 */
#ifndef STORE_VFS_H
#define STORE_VFS_H

#include <stdbool.h>
#include <stdint.h>

#include <sqlite3.h>

struct limit_watch;

/** Name under which the file beside the main one is attached. */
#define STORE_VFS_BESIDE "beside"
/** Length of a VFS name with its NUL. */
#define STORE_VFS_NAME 32

/**
 * A VFS of one store. Lives inside the store; register before opening, unregister after closing.
 */
struct store_vfs {
	sqlite3_vfs base;
	char name[STORE_VFS_NAME];
	/** The main file, borrowed. */
	int fd;
	/** Another one, read-only, for ATTACH under STORE_VFS_BESIDE; borrowed; -1: none. */
	int beside;
	/** Folder of temporary files, borrowed; -1: none can be made. */
	int spill_dir;
	bool writable;
	/** How large a file may become; borrowed, NULL: any size. A write past that is as on a full disk. */
	struct limit_watch *limits;
	/** What a file would have come to; 0: none came to it. */
	uint64_t over;
};

/** Fill in and register. @param beside -1: none. @return SQLITE_OK or an SQLite code. */
int store_vfs_register(struct store_vfs *vfs, int fd, int beside, int spill_dir, bool writable);

/** Unregister; harmless where it was not registered. */
void store_vfs_unregister(struct store_vfs *vfs);

#endif
