/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index is built in a file without a name, flushed, named, and the folder flushed: a crash at any
 * moment leaves either the old file or the whole new one. Where another has the name already, and
 * where the file system knows no files without a name (O_TMPFILE) or /proc is not there to name one
 * by, a temporary name is renamed; what a crash leaves then, the next builder removes. A builder
 * holds a lock on its file; a sweep removes those whose lock it gets. Two builders of one image do
 * not meet: each has its own file, and the last rename wins with equal content.
 *
 * An index is removed (index_cache_trim.c, index_cache_gc.c) by unlink alone: whoever serves from it holds a
 * descriptor. The folder's lock is held for the moment in which a name is given or taken away, so that
 * a judgement over an old file never hits the new one that was published meanwhile. Where folders
 * cannot be locked, or somebody holds the lock for long, it is done without: at worst an index is
 * built once more.
 *
 * The time of last use is mtime, set when an index is opened: atime is not kept on many mounts, and
 * a backup changes it.
 */
#include "index_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <peel/text.h>

#include "digest.h"
#include "image_parts.h"
#include "store_place.h"
#include "tempfile.h"
#include "util.h"

/** Attempts at a temporary name that nobody has and no sweep took away. */
#define TEMP_TRIES 16
/** Attempts at the folder's lock, and the nap between two, nanoseconds: a fifth of a second in all. */
#define LOCK_TRIES 200
#define LOCK_NAP_NS 1000000

int cache_wrap_folder(struct peel_error *err, const char *path)
{
	char shown[PEEL_MESSAGE_SIZE / 2];

	return peel_wrap(err, "cache folder %s",
		peel_text_escape_into(shown, sizeof(shown), path, strlen(path)));
}

/** Say why a folder is not used. @return -1. */
static int refuse(struct peel_error *why, const char *path, const char *reason)
{
	peel_fail(why, PEEL_EACCES, "%s", reason);
	cache_wrap_folder(why, path);
	return -1;
}

int cache_open(const char *dir, char **ret_path, struct peel_error *why)
{
	cleanup_free char *path = NULL;
	cleanup_fd int fd = -1;
	struct stat st;

	if (image_cache_path(dir, &path, why) < 0) {
		return -1;
	}
	if (!path) {
		peel_fail(why, PEEL_EACCES,
			"no cache folder: neither XDG_CACHE_HOME nor HOME is set");
		return -1;
	}
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) < 0) {
		return refuse(why, path, strerror(errno));
	}
	if (st.st_uid != geteuid()) {
		return refuse(why, path, "belongs to another user");
	}
	if (st.st_mode & 022) {
		return refuse(why, path, "others may write it");
	}
	*ret_path = steal_pointer(&path);
	return steal_fd(&fd);
}

int cache_name(const char *identity, char *name, struct peel_error *err)
{
	char text[DIGEST_TEXT_SIZE];
	int code = digest_buffer("", identity, strlen(identity), text, err);

	if (code == 0) {
		snprintf(name, CACHE_NAME_SIZE, "%.40s.peel", strchr(text, ':') + 1);
	}
	return code;
}

int cache_find(int folder, const char *name, int *ret_fd, struct peel_error *err)
{
	cleanup_fd int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char shown[160];
	struct stat st;

	peel_text_escape_into(shown, sizeof(shown), name, strlen(name));
	if (fd < 0) {
		int code = errno == ENOENT                  ? PEEL_ENOENT
			: errno == ELOOP || errno == EACCES ? PEEL_EACCES
							    : PEEL_EIO;

		return peel_fail(err, code, "index %s: %s", shown, strerror(errno));
	}
	if (fstat(fd, &st) < 0) {
		return peel_fail(err, PEEL_EIO, "index %s: %s", shown, strerror(errno));
	}
	if (!S_ISREG(st.st_mode)) {
		return peel_fail(err, PEEL_EACCES, "index %s: not a regular file", shown);
	}
	if (st.st_uid != geteuid()) {
		return peel_fail(err, PEEL_EACCES, "index %s: belongs to another user", shown);
	}
	if (st.st_mode & 022) {
		return peel_fail(err, PEEL_EACCES, "index %s: others may write it", shown);
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}

/** A name that begins as those of temporary files do, and that nobody has. */
static bool choose_name(char *name)
{
	unsigned long long random = 0;

	if (getrandom(&random, sizeof(random), 0) < 0) {
		return false;
	}
	snprintf(name, CACHE_NAME_SIZE, CACHE_TEMP_PREFIX "%016llx", random);
	return true;
}

/** Path by which the kernel names an open file. */
static const char *descriptor_path(char *path, size_t size, int fd)
{
	snprintf(path, size, "/proc/self/fd/%d", fd);
	return path;
}

int cache_temp_make(int folder, struct cache_temp *ret_temp, struct peel_error *err)
{
	struct cache_temp temp = {.folder = fcntl(folder, F_DUPFD_CLOEXEC, 3), .fd = -1};
	char path[64];

	temp.fd = temp.folder >= 0 ? openat(temp.folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600)
				   : -1;
	if (temp.fd >= 0 && fstat(temp.fd, &temp.made) == 0 &&
		access(descriptor_path(path, sizeof(path), temp.fd), F_OK) == 0) {
		flock(temp.fd, LOCK_EX | LOCK_NB);
		*ret_temp = temp;
		return 0;
	}
	cache_temp_finish(&temp);
	return cache_temp_named(folder, ret_temp, err);
}

int cache_temp_named(int folder, struct cache_temp *ret_temp, struct peel_error *err)
{
	struct cache_temp temp = {.folder = fcntl(folder, F_DUPFD_CLOEXEC, 3), .fd = -1};
	int failure;

	for (int i = 0; temp.folder >= 0 && i < TEMP_TRIES && choose_name(temp.temp); i++) {
		temp.fd = openat(temp.folder, temp.temp,
			O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (temp.fd < 0 && errno == EEXIST) {
			continue;
		}
		if (temp.fd < 0) {
			break;
		}
		/*
		 * A sweep between the two calls may have taken the file: then it has no name any
		 * more.
		 */
		if ((flock(temp.fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
			fstat(temp.fd, &temp.made) == 0 && temp.made.st_nlink > 0) {
			*ret_temp = temp;
			return 0;
		}
		failure = errno;
		unlinkat(temp.folder, temp.temp, 0);
		close(temp.fd);
		temp.fd = -1;
		errno = failure;
	}
	temp.temp[0] = '\0';
	failure = errno;
	cache_temp_finish(&temp);
	return peel_fail(err, failure == EACCES || failure == EROFS ? PEEL_EACCES : PEEL_EIO, "%s",
		strerror(failure));
}

int cache_temp_unlinked(int folder, struct cache_temp *ret_temp, struct peel_error *err)
{
	struct cache_temp temp = {.folder = -1, .fd = folder >= 0 ? tempfile_make(folder) : -1};

	for (int i = 0; temp.fd < 0 && i < STORE_PLACES; i++) {
		temp.fd = store_place_file(i);
	}
	if (temp.fd < 0) {
		return peel_fail(err, PEEL_EIO, "no place for a temporary file: %s",
			strerror(errno));
	}
	*ret_temp = temp;
	return 0;
}

void cache_touch(int fd)
{
	static const struct timespec now[] = {{.tv_nsec = UTIME_OMIT}, {.tv_nsec = UTIME_NOW}};

	futimens(fd, now);
}

/** Is a name still that of a file? */
static bool is_named(int folder, const char *name, const struct stat *st)
{
	struct stat named;

	return fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
		named.st_dev == st->st_dev && named.st_ino == st->st_ino;
}

/** Take the folder's lock if it is to be had; flock(folder, LOCK_UN) gives it back either way. */
static void lock_folder(int folder)
{
	static const struct timespec nap = {.tv_nsec = LOCK_NAP_NS};

	for (int i = 0; i < LOCK_TRIES && flock(folder, LOCK_EX | LOCK_NB) < 0; i++) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			return;
		}
		nanosleep(&nap, NULL);
	}
}

/** Link a file without a name: to the name itself, or, where another has that, to a temporary one. */
static int link_nameless(struct cache_temp *temp, const char *name)
{
	char path[64];

	descriptor_path(path, sizeof(path), temp->fd);
	if (linkat(AT_FDCWD, path, temp->folder, name, AT_SYMLINK_FOLLOW) == 0) {
		return 0;
	}
	for (int i = 0; i < TEMP_TRIES && errno == EEXIST && choose_name(temp->temp); i++) {
		if (linkat(AT_FDCWD, path, temp->folder, temp->temp, AT_SYMLINK_FOLLOW) == 0) {
			return 0;
		}
		temp->temp[0] = '\0';
	}
	return errno;
}

/** Give the file its name, under the folder's lock. @return 0, or errno. */
static int give_name(struct cache_temp *temp, const char *name)
{
	int failure = temp->temp[0] ? 0 : link_nameless(temp, name);

	if (failure == 0 && temp->temp[0]) {
		failure = renameat(temp->folder, temp->temp, temp->folder, name) < 0 ? errno : 0;
	}
	if (failure == 0) {
		temp->temp[0] = '\0';
	}
	return failure;
}

int cache_publish(struct cache_temp *temp, const char *name, struct peel_error *err)
{
	struct stat st;
	int failure;

	if (fstat(temp->fd, &st) < 0 || st.st_dev != temp->made.st_dev ||
		st.st_ino != temp->made.st_ino) {
		return peel_fail(err, PEEL_ELIMIT, "%s", strerror(ENOSPC));
	}
	if (temp->temp[0] && !is_named(temp->folder, temp->temp, &st)) {
		return peel_fail(err, PEEL_ELIMIT, "its temporary file was removed");
	}
	if (fsync(temp->fd) < 0) {
		return peel_fail(err, PEEL_EIO, "cannot write the index: %s", strerror(errno));
	}
	lock_folder(temp->folder);
	failure = give_name(temp, name);
	flock(temp->folder, LOCK_UN);
	if (failure) {
		return peel_fail(err, PEEL_ELIMIT, "%s", strerror(failure));
	}
	fsync(temp->folder);
	return 0;
}

int cache_remove(int folder, const struct cache_entry *entry, struct peel_error *err)
{
	struct stat st;
	int failure = 0;
	int gone = 0;

	lock_folder(folder);
	if (fstatat(folder, entry->name, &st, AT_SYMLINK_NOFOLLOW) < 0) {
		failure = errno;
	} else if (st.st_dev == entry->st.st_dev && st.st_ino == entry->st.st_ino) {
		gone = unlinkat(folder, entry->name, 0) == 0;
		failure = gone ? 0 : errno;
	}
	flock(folder, LOCK_UN);
	return failure && failure != ENOENT
		? peel_fail(err, PEEL_EIO, "%s: %s", entry->name, strerror(failure))
		: gone;
}

void cache_temp_finish(struct cache_temp *temp)
{
	if (temp->temp[0] && temp->folder >= 0) {
		unlinkat(temp->folder, temp->temp, 0);
	}
	if (temp->fd >= 0) {
		close(temp->fd);
	}
	if (temp->folder >= 0) {
		close(temp->folder);
	}
	*temp = (struct cache_temp){.folder = -1, .fd = -1};
}
