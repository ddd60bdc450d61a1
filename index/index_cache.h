/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The cache folder: finding an index that may be trusted, making a temporary file, publishing it, sweeping what
 * killed builders left.
 */
#ifndef INDEX_CACHE_H
#define INDEX_CACHE_H

#include <stdbool.h>

#include <peel/error.h>
#include <peel/index.h>

/** Room for a file name in the cache folder. */
#define CACHE_NAME_SIZE 64

/** A file that is being built. */
struct cache_temp {
	/** Folder that it is in, and that it will be published in; -1: it is unlinked. Owned. */
	int folder;
	/** Its temporary name, "" where it is unlinked. */
	char temp[CACHE_NAME_SIZE];
	/** The file, read-write, owned. */
	int fd;
};

/**
 * Open (and make, mode 0700) the cache folder.
 * @param dir NULL: $XDG_CACHE_HOME/peel or ~/.cache/peel.
 * @param ret_path receives its path, the caller frees.
 * @return a descriptor, or -1 where there is none that could be used safely: missing and not to be made,
 *   not the user's, or writable by others. That is no failure.
 */
int cache_open(const char *dir, char **ret_path);

/** Name of the index of an identity. @param name CACHE_NAME_SIZE bytes. @return 0, or less than 0. */
int cache_name(const char *identity, char *name, struct peel_error *err);

/**
 * Open an index file for reading, if it is a regular file of this user that nobody else may write.
 * @param folder AT_FDCWD or the cache folder.
 * @return 0; PEEL_ENOENT; PEEL_EACCES (not the user's, writable by others, a link); PEEL_EIO.
 */
int cache_find(int folder, const char *name, int *ret_fd, struct peel_error *err);

/**
 * Make a temporary file in a folder, locked so that a sweep leaves it alone.
 * @param folder duplicated. @return 0; PEEL_EIO, PEEL_EACCES.
 */
int cache_temp_make(int folder, struct cache_temp *ret_temp, struct peel_error *err);

/**
 * Make an unlinked file, in the first of these that allows it: folder (-1: none), $TMPDIR, /var/tmp, /tmp, memory.
 * @return 0; PEEL_EIO.
 */
int cache_temp_unlinked(int folder, struct cache_temp *ret_temp, struct peel_error *err);

/** Make the file durable and give it its name, replacing what has it. @return 0; PEEL_EIO. */
int cache_publish(struct cache_temp *temp, const char *name, struct peel_error *err);

/** Close, and remove what was not published. {.folder = -1, .fd = -1} is fine. */
void cache_temp_finish(struct cache_temp *temp);

/** Remove temporary files whose builders are gone. */
void cache_sweep(int folder);

#endif
