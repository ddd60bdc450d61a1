/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be kept of standard input and does not fit in memory goes into a file that has no name, in
 * the spool folder. Never in /tmp, which may be memory.
 */
#include "image_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Make the cache folder and those above it. */
static int make_folders(char *path, struct peel_error *err)
{
	char shown[IMAGE_SHOWN];

	for (char *slash = strchr(path + 1, '/');; slash = strchr(slash + 1, '/')) {
		if (slash) {
			*slash = '\0';
		}
		if (mkdir(path, 0700) < 0 && errno != EEXIST) {
			return peel_fail(err,
				errno == EACCES || errno == EPERM || errno == EROFS ? PEEL_EACCES
										    : PEEL_EIO,
				"cannot make the folder %s: %s", image_shown(shown, path),
				strerror(errno));
		}
		if (!slash) {
			return 0;
		}
		*slash = '/';
	}
}

/* The cache folder, as the index names it. */
static int cache_folder(char **ret_path, struct peel_error *err)
{
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	bool given = cache && cache[0] == '/';

	if (!given && (!home || home[0] != '/')) {
		return peel_fail(err, PEEL_EACCES,
			"no folder for a spool: neither XDG_CACHE_HOME nor HOME is set");
	}
	if (asprintf(ret_path, given ? "%s/peel" : "%s/.cache/peel", given ? cache : home) < 0) {
		*ret_path = NULL;
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	return 0;
}

int image_spool_path(const struct peel_image_options *options, char **ret_path,
	struct peel_error *err)
{
	if (!options->spool_dir) {
		return cache_folder(ret_path, err);
	}
	*ret_path = strdup(options->spool_dir);
	return *ret_path ? 0 : peel_fail(err, PEEL_ENOMEM, "out of memory");
}

int image_spool_folder(const struct peel_image_options *options, int *ret_fd,
	struct peel_error *err)
{
	cleanup_free char *path = NULL;
	char shown[IMAGE_SHOWN];
	int r = image_spool_path(options, &path, err);

	if (r == 0 && !options->spool_dir) {
		r = make_folders(path, err);
	}
	if (r < 0) {
		return r;
	}
	*ret_fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0) {
		return peel_fail(err, PEEL_EIO, "cannot open the spool folder %s: %s",
			image_shown(shown, path), strerror(errno));
	}
	return 0;
}

/* A file without a name; where the file system cannot make one, its name is removed at once. */
static int make_unlinked(int folder, struct peel_error *err)
{
	char name[32];
	int fd = openat(folder, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	for (int i = 0;
		fd < 0 && i < 100 && (errno == EOPNOTSUPP || errno == EISDIR || errno == EEXIST);
		i++) {
		snprintf(name, sizeof(name), "spool.%d.%d", (int)getpid(), i);
		fd = openat(folder, name, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (fd >= 0) {
			unlinkat(folder, name, 0);
		}
	}
	return fd >= 0 ? fd
		       : peel_fail(err, PEEL_EIO, "cannot make a spool file: %s", strerror(errno));
}

int image_spool_file(const struct peel_image_options *options, struct peel_error *err)
{
	cleanup_fd int folder = -1;
	int r = image_spool_folder(options, &folder, err);

	return r < 0 ? r : make_unlinked(folder, err);
}
