/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Standard input is read where it is when it is a file from its start; anything else goes once into
 * a file that has no name, in the spool folder. Never in /tmp, which may be memory.
 */
#include "image_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

/* Bytes copied at a time. */
#define SPOOL_CHUNK (256u << 10)
/* Most bytes spooled where the caller does not say. */
#define SPOOL_LIMIT (64ull << 30)

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

int image_spool_folder(const struct peel_image_options *options, int *ret_fd,
	struct peel_error *err)
{
	cleanup_free char *path = NULL;
	char shown[IMAGE_SHOWN];
	const char *folder = options->spool_dir;
	int r = 0;

	if (!folder) {
		r = cache_folder(&path, err);
		r = r < 0 ? r : make_folders(path, err);
		folder = path;
	}
	if (r < 0) {
		return r;
	}
	*ret_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*ret_fd < 0) {
		return peel_fail(err, PEEL_EIO, "cannot open the spool folder %s: %s",
			image_shown(shown, folder), strerror(errno));
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

static int write_all(int fd, const char *bytes, size_t len, struct peel_error *err)
{
	while (len > 0) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno != EINTR) {
			return peel_fail(err, PEEL_EIO, "cannot write the spool file: %s",
				strerror(errno));
		}
		bytes += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static int copy_input(int out, uint64_t limit, struct peel_error *err)
{
	cleanup_free char *buf = malloc(SPOOL_CHUNK);
	uint64_t total = 0;
	int r = buf ? 0 : peel_fail(err, PEEL_ENOMEM, "out of memory");

	while (r == 0) {
		ssize_t n = read(STDIN_FILENO, buf, SPOOL_CHUNK);

		if (n == 0) {
			return 0;
		}
		if (n < 0 && errno != EINTR) {
			return peel_fail(err, PEEL_EIO, "cannot read standard input: %s",
				strerror(errno));
		}
		total += n > 0 ? (uint64_t)n : 0;
		if (total > limit) {
			return peel_fail(err, PEEL_ELIMIT,
				"standard input is larger than the spool limit of %llu bytes",
				(unsigned long long)limit);
		}
		r = n > 0 ? write_all(out, buf, (size_t)n, err) : 0;
	}
	return r;
}

int image_spool(const struct peel_image_options *options, int *ret_fd, struct peel_error *err)
{
	cleanup_fd int folder = -1;
	cleanup_fd int fd = -1;
	struct stat st;
	int r;

	if (fstat(STDIN_FILENO, &st) == 0 && S_ISREG(st.st_mode) &&
		lseek(STDIN_FILENO, 0, SEEK_CUR) == 0) {
		*ret_fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3);
		return *ret_fd >= 0 ? 0
				    : peel_fail(err, PEEL_EIO, "cannot read standard input: %s",
					      strerror(errno));
	}
	r = image_spool_folder(options, &folder, err);
	if (r < 0) {
		return r;
	}
	fd = make_unlinked(folder, err);
	if (fd < 0) {
		return PEEL_EIO;
	}
	r = copy_input(fd, options->spool_limit ? options->spool_limit : SPOOL_LIMIT, err);
	if (r < 0) {
		return r;
	}
	*ret_fd = steal_fd(&fd);
	return 0;
}
