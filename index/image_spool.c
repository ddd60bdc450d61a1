/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What must be kept of standard input and does not fit in memory goes into a file that has no name, in
 * the spool folder: the one that was named, else the cache folder, else, where nothing can be written to
 * that, /var/tmp. Never in /tmp, which may be memory.
 */
#include "image_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tempfile.h"

/* Where spools go if the cache folder takes none: a disk, by the filesystem hierarchy standard. */
#define SPOOL_FALLBACK "/var/tmp"

/* Make a folder and those above it; what exists is left as it is. */
static void make_folders(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		mkdir(path, 0700);
		*slash = '/';
	}
	mkdir(path, 0700);
}

uint64_t image_spool_limit(const struct peel_image_options *options)
{
	return options->spool_limit ? options->spool_limit
				    : peel_limit_value(&options->limits, PEEL_LIMIT_SPOOL);
}

int image_cache_path(const char *dir, char **ret_path, struct peel_error *err)
{
	const char *cache = getenv("XDG_CACHE_HOME");
	const char *home = getenv("HOME");
	int len = 0;

	*ret_path = NULL;
	if (dir && *dir) {
		len = asprintf(ret_path, "%s", dir);
	} else if (!dir && cache && cache[0] == '/') {
		len = asprintf(ret_path, "%s/peel", cache);
	} else if (!dir && home && home[0] == '/') {
		len = asprintf(ret_path, "%s/.cache/peel", home);
	}
	if (len < 0) {
		*ret_path = NULL;
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	if (*ret_path) {
		make_folders(*ret_path);
	}
	return 0;
}

int image_spool_path(const struct peel_image_options *options, char **ret_path,
	struct peel_error *err)
{
	cleanup_free char *path = NULL;
	int r = 0;

	if (options->spool_dir) {
		path = strdup(options->spool_dir);
	} else {
		r = image_cache_path(options->cache_dir, &path, err);
		if (r == 0 && (!path || faccessat(AT_FDCWD, path, W_OK | X_OK, AT_EACCESS) < 0)) {
			free(path);
			path = strdup(SPOOL_FALLBACK);
		}
	}
	if (r == 0 && !path) {
		r = peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	*ret_path = steal_pointer(&path);
	return r;
}

int image_spool_folder(const struct peel_image_options *options, int *ret_fd,
	struct peel_error *err)
{
	cleanup_free char *path = NULL;
	char shown[IMAGE_SHOWN];
	int r = image_spool_path(options, &path, err);

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

int image_spool_file(const struct peel_image_options *options, struct peel_error *err)
{
	cleanup_fd int folder = -1;
	int r = image_spool_folder(options, &folder, err);

	return r < 0 ? r : tempfile_new(folder, "a spool file", err);
}
