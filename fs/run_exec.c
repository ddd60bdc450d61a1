/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose program is meant?
 *
 *   find          the machine's: $PATH. Its relative parts are passed over, for they would now lead
 *                 into the image, which could so put a "find" of its own before the machine's.
 *   /opt/check    the machine's.
 *   ./audit.sh    the image's, since that is the working directory; or, where the image has none,
 *                 the one in the folder from which peel was called, where the user sees it. An image
 *                 must not be able to put its own file in the place of the user's by choosing the
 *                 same name: where both have one, they must be equal.
 */
#include "run_exec.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <peel/mount.h>
#include <peel/text.h>

#include "scope.h"

/** Longest name that a message shows. */
#define SHOWN_SIZE 256
/** Where the system has no $PATH. */
#define DEFAULT_PATH "/usr/local/bin:/usr/bin:/bin"

extern char **environ;

/* Become the program, or, where it is no format that the kernel knows, a shell that reads it. */
static void become(const char *path, char *const *argv)
{
	cleanup_free const char **words = NULL;
	size_t count = 0;

	execve(path, argv, environ);
	if (errno != ENOEXEC) {
		return;
	}
	while (argv[count]) {
		count++;
	}
	words = calloc(count + 2, sizeof(*words));
	if (words) {
		words[0] = "/bin/sh";
		words[1] = path;
		memcpy(words + 2, argv + 1, count * sizeof(*words));
		execve(words[0], (char *const *)words, environ);
	}
}

/*
 * Try each absolute folder of $PATH; errno says why it failed. A folder that may not be searched has
 * nothing.
 */
static void become_searched(char *const *argv)
{
	const char *path = getenv("PATH");
	bool denied = false;

	path = path ? path : DEFAULT_PATH;
	errno = ENOENT;
	while (*argv[0] && *path) {
		size_t len = strcspn(path, ":");
		cleanup_free char *full = NULL;

		if (path[0] == '/' && asprintf(&full, "%.*s/%s", (int)len, path, argv[0]) >= 0) {
			become(full, argv);
			if (errno != ENOENT && errno != ENOTDIR && errno != EACCES) {
				return;
			}
			denied |= errno == EACCES && access(full, F_OK) == 0;
		}
		path += len + (path[len] == ':');
	}
	errno = denied ? EACCES : ENOENT;
}

/* @return true where both can be read and are the same bytes. */
static bool same_bytes(const char *a_path, const char *b_path)
{
	cleanup_fd int a = open(a_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	cleanup_fd int b = open(b_path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat a_stat, b_stat;
	char a_bytes[4096], b_bytes[4096];
	off_t offset = 0;
	ssize_t got;

	if (a < 0 || b < 0 || fstat(a, &a_stat) != 0 || fstat(b, &b_stat) != 0 ||
		!S_ISREG(a_stat.st_mode) || !S_ISREG(b_stat.st_mode) ||
		a_stat.st_size != b_stat.st_size) {
		return false;
	}
	while ((got = pread(a, a_bytes, sizeof(a_bytes), offset)) > 0) {
		if (pread(b, b_bytes, (size_t)got, offset) != got ||
			memcmp(a_bytes, b_bytes, (size_t)got) != 0) {
			return false;
		}
		offset += got;
	}
	return got == 0;
}

/* "./audit.sh": choose the image's or the caller's. *ret_path is the caller's to free. */
static int choose(const char *name, const char *from, char **ret_path, struct peel_error *err)
{
	cleanup_free char *outside = NULL;
	bool in_image = access(name, F_OK) == 0;
	char shown[SHOWN_SIZE];

	if (from && asprintf(&outside, "%s/%s", strcmp(from, "/") == 0 ? "" : from, name) < 0) {
		outside = NULL;
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	if (!outside || access(outside, F_OK) != 0) {
		*ret_path = strdup(name);
	} else if (in_image && !same_bytes(name, outside)) {
		return peel_fail(err, PEEL_EUSAGE,
			"%s: both the image and the working directory have it, and they differ: "
			"say $PWD/… for yours, 'env %s' for the image's",
			peel_text_escape_into(shown, sizeof(shown), name, strlen(name)), shown);
	} else {
		*ret_path = in_image ? strdup(name) : outside;
		outside = in_image ? outside : NULL;
	}
	return *ret_path ? 0 : peel_fail(err, PEEL_ENOMEM, "out of memory");
}

int run_exec(char *const *argv, const char *from, int *ret_status, struct peel_error *err)
{
	cleanup_free char *path = NULL;
	char shown[SHOWN_SIZE];
	int r;

	*ret_status = PEEL_RUN_FAILED;
	if (argv[0][0] == '/') {
		become(argv[0], argv);
	} else if (strchr(argv[0], '/')) {
		r = choose(argv[0], from, &path, err);
		if (r < 0) {
			return r;
		}
		become(path, argv);
	} else {
		become_searched(argv);
	}
	r = errno;
	*ret_status = r == ENOENT || r == ENOTDIR ? PEEL_RUN_NOT_FOUND : PEEL_RUN_NOT_EXECUTABLE;
	return peel_fail(err, r == ENOENT || r == ENOTDIR ? PEEL_ENOENT : PEEL_EUSAGE, "%s: %s",
		peel_text_escape_into(shown, sizeof(shown), argv[0], strlen(argv[0])), strerror(r));
}
