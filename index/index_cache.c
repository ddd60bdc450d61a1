/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index is built under a temporary name, flushed, renamed, and the folder flushed: a crash at
 * any moment leaves either the old file, or the whole new one, or a temporary file that the next
 * builder removes. A builder holds a lock on its temporary file; a sweep removes those whose lock
 * it gets. Two builders of one image do not meet: each has its own file, and the last rename wins
 * with equal content.
 */
#include "index_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <peel/text.h>

#include "digest.h"
#include "store_vfs.h"
#include "util.h"

#define TEMP_PREFIX ".building-"
/** Attempts at a temporary name that nobody has and no sweep took away. */
#define TEMP_TRIES 16

static char *default_folder(void)
{
	const char *xdg = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	char *path = NULL;

	if (xdg && xdg[0] == '/') {
		return asprintf(&path, "%s/peel", xdg) < 0 ? NULL : path;
	}
	if (home && home[0] == '/') {
		return asprintf(&path, "%s/.cache/peel", home) < 0 ? NULL : path;
	}
	return NULL;
}

/** Make a folder and those above it; what exists is left as it is. */
static void make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	mkdir(path, 0700);
}

int cache_open(const char *dir, char **ret_path)
{
	cleanup_free char *path = dir ? strdup(dir) : default_folder();
	struct stat st;
	int fd;

	if (!path || !*path) {
		return -1;
	}
	make_folders(path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0) {
		return -1;
	}
	if (fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 022)) {
		close(fd);
		return -1;
	}
	*ret_path = steal_pointer(&path);
	return fd;
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
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
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

int cache_temp_make(int folder, struct cache_temp *ret_temp, struct peel_error *err)
{
	struct cache_temp temp = {.folder = fcntl(folder, F_DUPFD_CLOEXEC, 3), .fd = -1};

	for (int i = 0; temp.folder >= 0 && i < TEMP_TRIES; i++) {
		unsigned long long random = 0;
		struct stat st;

		if (getrandom(&random, sizeof(random), 0) < 0) {
			break;
		}
		snprintf(temp.temp, sizeof(temp.temp), TEMP_PREFIX "%016llx", random);
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
			fstat(temp.fd, &st) == 0 && st.st_nlink > 0) {
			*ret_temp = temp;
			return 0;
		}
		close(temp.fd);
		temp.fd = -1;
	}
	temp.temp[0] = '\0';
	peel_fail(err, errno == EACCES || errno == EROFS ? PEEL_EACCES : PEEL_EIO,
		"cache folder: %s", strerror(errno));
	cache_temp_finish(&temp);
	return err ? err->code : PEEL_EIO;
}

int cache_temp_unlinked(int folder, struct cache_temp *ret_temp, struct peel_error *err)
{
	const char *const places[] = {getenv("TMPDIR"), "/var/tmp", "/tmp"};
	struct cache_temp temp = {
		.folder = -1, .fd = folder >= 0 ? store_unlinked_file(folder) : -1};

	for (size_t i = 0; temp.fd < 0 && i < countof(places); i++) {
		cleanup_fd int place = places[i] && *places[i]
			? open(places[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC)
			: -1;

		temp.fd = place >= 0 ? store_unlinked_file(place) : -1;
	}
	if (temp.fd < 0) {
		temp.fd = memfd_create("peel-index", MFD_CLOEXEC);
	}
	if (temp.fd < 0) {
		return peel_fail(err, PEEL_EIO, "no place for a temporary file: %s",
			strerror(errno));
	}
	*ret_temp = temp;
	return 0;
}

int cache_publish(struct cache_temp *temp, const char *name, struct peel_error *err)
{
	if (fsync(temp->fd) < 0 || renameat(temp->folder, temp->temp, temp->folder, name) < 0) {
		return peel_fail(err, PEEL_EIO, "cannot write the index: %s", strerror(errno));
	}
	temp->temp[0] = '\0';
	fsync(temp->folder);
	return 0;
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

static void sweep_file(int folder, const char *name)
{
	cleanup_fd int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);

	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0) {
		unlinkat(folder, name, 0);
	}
}

void cache_sweep(int folder)
{
	int copy = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;

	if (!dir) {
		if (copy >= 0) {
			close(copy);
		}
		return;
	}
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, TEMP_PREFIX, strlen(TEMP_PREFIX)) == 0) {
			sweep_file(folder, entry->d_name);
		}
	}
	closedir(dir);
}
