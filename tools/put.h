/* SPDX-License-Identifier: Apache-2.0 */
/**
 * Putting files into a folder of this machine without ever leaving it, whatever links stand in it
 * and whoever changes it meanwhile. Where an outcome is "an errno", it is 0 or the errno of what
 * failed.
 */
#ifndef PUT_H
#define PUT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "temp_name.h"

/** A folder above the current one, or the current one itself. */
struct put_level {
	dev_t dev;
	ino_t ino;
	/** True where put_enter made it. */
	bool made;
};

/** Where files are put. */
struct put {
	/** The folder that all stays in, and the one that names are put into now. */
	int base;
	int current;
	/** From the base on. */
	struct put_level *levels;
	size_t depth;
	size_t room;
};

/** Whose something is. */
struct put_owner {
	uid_t uid;
	gid_t gid;
};

/** Something new in the current folder. {.fd = -1} is none. */
struct put_new {
	/** Temporary; "": a file without any, of which nothing is left if the process is killed. */
	char name[TEMP_NAME_SIZE];
	/** A file's own descriptor, and a fifo's where it may be opened; of all else one that names it (O_PATH). */
	int fd;
};

/** Open a folder; links on the way to it are followed. @return an errno. */
int put_open(struct put *put, const char *folder);

/** Close, wherever it stands. */
void put_close(struct put *put);

/**
 * Go into a folder of the current one; make it, with mode 0700, where nothing has the name.
 * @return an errno; ENOTDIR where something else, or a link, has it. Then nothing has changed.
 */
int put_enter(struct put *put, const char *name);

/**
 * Go back to the folder above.
 * @param ret_left descriptor of the folder that was left, for its metadata; the caller closes it.
 * @param ret_made whether put_enter made that.
 * @return an errno; ESTALE where the folder above is another one by now. Then there is no way on
 *   but put_close.
 */
int put_leave(struct put *put, int *ret_left, bool *ret_made);

/**
 * What has a name of the current folder; links are not followed. @return false where nothing has
 * it.
 */
bool put_stat(const struct put *put, const char *name, struct stat *ret_stat);

/** Make an empty file, open for writing, that only its owner may use. @return an errno. */
int put_file(struct put *put, struct put_new *ret_new);

/**
 * Make a symlink.
 * @param owner whose it shall be, as far as the process may make it so: who looks sees whose it is; NULL: our own.
 * @return an errno.
 */
int put_symlink(struct put *put, const char *target, const struct put_owner *owner,
	struct put_new *ret_new);

/** Make a device or a fifo. @param mode with its type. @return an errno. */
int put_special(struct put *put, mode_t mode, dev_t device, struct put_new *ret_new);

/**
 * Make a hard link to a name that was put before.
 * @param path from the base on, with slashes. @return an errno.
 */
int put_hardlink(struct put *put, const char *path, struct put_new *ret_new);

/**
 * Give it its name, in place of what had it, and close it.
 * @return an errno; EISDIR where a folder has the name. Then the new thing is gone.
 */
int put_commit(struct put *put, struct put_new *new, const char *name);

/** Take it away and close it. */
void put_drop(struct put *put, struct put_new *new);

#endif
