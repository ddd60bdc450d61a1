/* SPDX-License-Identifier: Apache-2.0 */
#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "temp_name.h"

/* A file that is there already keeps its mode; a new one has what the umask leaves. */
static mode_t new_mode(const struct stat *old)
{
	mode_t mask;

	if (old) {
		return old->st_mode & 0777;
	}
	mask = umask(0);
	umask(mask);
	return 0666 & ~mask;
}

/*
 * A name in the same folder that nothing should have. @return NULL with errno set; the caller
 * frees.
 */
static char *make_name(const char *path)
{
	const char *slash = strrchr(path, '/');
	char last[TEMP_NAME_SIZE];
	char *name;

	if (!temp_name(last)) {
		return NULL;
	}
	return asprintf(&name, "%.*s%s", slash ? (int)(slash - path) + 1 : 0, path, last) < 0
		? NULL
		: name;
}

/* @return a descriptor, -1 with errno set. */
static int open_named(struct publish *publish)
{
	for (int i = 0; i < TEMP_NAME_TRIES; i++) {
		cleanup_free char *name = make_name(publish->path);
		int fd = name ? open(name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600) : -1;

		if (fd >= 0) {
			publish->temporary = name;
			name = NULL;
			return fd;
		}
		if (!name || errno != EEXIST) {
			break;
		}
	}
	return -1;
}

/* Only some filesystems have files without a name, and only /proc can give them one. */
static int open_unnamed(struct publish *publish)
{
	cleanup_free char *folder = strdup(publish->path);
	char *slash = folder ? strrchr(folder, '/') : NULL;
	int fd = -1;

	if (slash) {
		slash[1] = 0;
	}
	if (folder && access("/proc/self/fd", X_OK) == 0) {
		fd = open(slash ? folder : ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	}
	return fd >= 0 ? fd : open_named(publish);
}

/* Give a file without a name a temporary one: only a rename replaces what is there. */
static int name_it(struct publish *publish)
{
	char proc[64];

	snprintf(proc, sizeof(proc), "/proc/self/fd/%d", fileno(publish->out));
	for (int i = 0; i < TEMP_NAME_TRIES; i++) {
		cleanup_free char *name = make_name(publish->path);

		if (name && linkat(AT_FDCWD, proc, AT_FDCWD, name, AT_SYMLINK_FOLLOW) == 0) {
			publish->temporary = name;
			name = NULL;
			return 0;
		}
		if (!name || errno != EEXIST) {
			break;
		}
	}
	return -1;
}

static int open_temporary(struct publish *publish, const struct stat *old)
{
	int fd = open_unnamed(publish);

	if (fd < 0) {
		return -1;
	}
	if (fchmod(fd, new_mode(old)) < 0 || !(publish->out = fdopen(fd, "w"))) {
		int saved = errno;

		close(fd);
		errno = saved;
		return -1;
	}
	return 0;
}

int publish_open(struct publish *publish, const char *path)
{
	struct stat old;
	bool there = stat(path, &old) == 0;

	*publish = (struct publish){0};
	if (there && !S_ISREG(old.st_mode)) {
		publish->out = fopen(path, "we");
		return publish->out ? 0 : -1;
	}
	publish->path = there ? realpath(path, NULL) : strdup(path);
	if (!publish->path || open_temporary(publish, there ? &old : NULL) < 0) {
		int saved = errno;

		publish_drop(publish);
		errno = saved;
		return -1;
	}
	return 0;
}

int publish_commit(struct publish *publish)
{
	FILE *out = publish->out;
	bool failed = fflush(out) != 0 ||
		(publish->path && !publish->temporary && name_it(publish) < 0);
	int saved = errno;

	publish->out = NULL;
	if (fclose(out) != 0 && !failed) {
		failed = true;
		saved = errno;
	}
	if (failed) {
		errno = saved;
		return -1;
	}
	if (!publish->path) {
		return 0;
	}
	if (rename(publish->temporary, publish->path) < 0) {
		return -1;
	}
	free(publish->temporary);
	publish->temporary = NULL;
	return 0;
}

void publish_drop(struct publish *publish)
{
	if (publish->out) {
		fclose(publish->out);
	}
	if (publish->temporary) {
		unlink(publish->temporary);
	}
	free(publish->temporary);
	free(publish->path);
	*publish = (struct publish){0};
}
