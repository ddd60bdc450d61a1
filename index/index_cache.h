/* SPDX-License-Identifier: Apache-2.0 */
/**
 * The cache folder: finding an index that may be trusted, making a temporary file, publishing it, sweeping what
 * killed builders left, and keeping the folder below its limit.
 */
#ifndef INDEX_CACHE_H
#define INDEX_CACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include <peel/error.h>
#include <peel/index.h>

/** How the names of temporary files begin. */
#define CACHE_TEMP_PREFIX ".building-"
/** Room for a file name in the cache folder. */
#define CACHE_NAME_SIZE 64

/** Most files of a cache folder that are looked at; what is beyond is neither counted nor removed. */
#define CACHE_FILES_MAX 100000

/** A file that is being built. */
struct cache_temp {
	/** Folder that it will be published in; -1: nowhere. Owned. */
	int folder;
	/** Its temporary name, "" where it has none. */
	char temp[CACHE_NAME_SIZE];
	/** The file, read-write, owned. */
	int fd;
	/** What it was when it was made: store_place.h may have put another file under fd. */
	struct stat made;
};

/**
 * Open (and make, mode 0700) the cache folder.
 * @param dir NULL: $XDG_CACHE_HOME/peel or ~/.cache/peel.
 * @param ret_path receives its path, the caller frees.
 * @param why receives, where there is none, the reason; NULL: nobody asks.
 * @return a descriptor, or -1 where there is none that could be used safely: missing and not to be made,
 *   not the user's, or writable by others. That is no failure.
 */
int cache_open(const char *dir, char **ret_path, struct peel_error *why);

/** Put the cache folder's path before a message. @return the code of err. */
int cache_wrap_folder(struct peel_error *err, const char *path);

/** Name of the index of an identity. @param name CACHE_NAME_SIZE bytes. @return 0, or less than 0. */
int cache_name(const char *identity, char *name, struct peel_error *err);

/** Name of the facts of an index. @param digest of what was looked for, hexadecimal; its begin is used. */
void cache_facts_name(const char *index_name, const char *digest, char *name);

/**
 * Open an index file for reading, if it is a regular file of this user that nobody else may write.
 * @param folder AT_FDCWD or the cache folder.
 * @return 0; PEEL_ENOENT; PEEL_EACCES (not the user's, writable by others, a link); PEEL_EIO.
 */
int cache_find(int folder, const char *name, int *ret_fd, struct peel_error *err);

/**
 * Make a file that can be published in a folder: one without a name where that is possible, else a named one.
 * @param folder duplicated. @return 0; PEEL_EIO, PEEL_EACCES.
 */
int cache_temp_make(int folder, struct cache_temp *ret_temp, struct peel_error *err);

/** The same with a temporary name from the start, locked so that a sweep leaves it alone. */
int cache_temp_named(int folder, struct cache_temp *ret_temp, struct peel_error *err);

/**
 * Make an unlinked file, in the first of these that allows it: folder (-1: none), $TMPDIR, /var/tmp, /tmp, memory.
 * @return 0; PEEL_EIO.
 */
int cache_temp_unlinked(int folder, struct cache_temp *ret_temp, struct peel_error *err);

/** Note that an index of the cache is used now. Where that cannot be (read-only), it is left. */
void cache_touch(int fd);

/**
 * Make the file durable and give it its name, replacing what has it.
 * @return 0; PEEL_ELIMIT: the file is whole but has no name, because the disk was full and it had to move
 *   elsewhere (store_place.h), because the folder takes no more names, or because somebody removed it; PEEL_EIO.
 */
int cache_publish(struct cache_temp *temp, const char *name, struct peel_error *err);

/** Close, and remove what was not published. {.folder = -1, .fd = -1} is fine. */
void cache_temp_finish(struct cache_temp *temp);

/** A file of the cache folder that is an index or facts by its name, or a temporary one. */
struct cache_entry {
	char name[CACHE_NAME_SIZE];
	bool temporary;
	/** Facts of the index whose name begins alike. */
	bool facts;
	/** For the caller: it is removed. */
	bool gone;
	/** As lstat(2) has it; the time of last use is mtime. */
	struct stat st;
};

/** Are both of one image: an index and facts of it? */
bool cache_same_image(const char *name, const char *other);

/** Name of the index that facts belong to. @param name CACHE_NAME_SIZE bytes. */
void cache_index_name(const char *facts, char *name);

/**
 * List what is peel's in the folder, least recently used first, then by name.
 * @param ret_entries the caller frees. @return how many, at most CACHE_FILES_MAX; PEEL_EIO, PEEL_ENOMEM.
 */
int cache_list(int folder, struct cache_entry **ret_entries, struct peel_error *err);

/**
 * Take the lock of a temporary file whose builder is gone.
 * @return a descriptor that holds it, close it after cache_remove; -1: a builder has it, or it is gone.
 */
int cache_take_leftover(int folder, const char *name);

/**
 * Remove a file if it is still the one that was looked at: a builder may have published another under its name.
 * @return 1 it is gone by that; 0 it was gone, or is another's; PEEL_EIO.
 */
int cache_remove(int folder, const struct cache_entry *entry, struct peel_error *err);

/** Remove temporary files whose builders are gone. */
void cache_sweep(int folder);

/**
 * Remove the least recently used files until all together are within a limit; with an index its facts go.
 * @param limit bytes. @param spared name of an index that stays with its facts, or NULL.
 */
void cache_trim(int folder, uint64_t limit, const char *spared);

/** The limit that an option stands for: 0 is PEEL_CACHE_LIMIT_DEFAULT. */
uint64_t cache_limit(uint64_t option);

#endif
