/* SPDX-License-Identifier: Apache-2.0 */
#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"

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

static int open_temporary(struct publish *publish, const struct stat *old)
{
	const char *slash = strrchr(publish->path, '/');
	int folder = slash ? (int)(slash - publish->path) + 1 : 0;
	int fd;

	if (asprintf(&publish->temporary, "%.*s.peel-XXXXXX", folder, publish->path) < 0) {
		publish->temporary = NULL;
		errno = ENOMEM;
		return -1;
	}
	fd = mkostemp(publish->temporary, O_CLOEXEC);
	if (fd < 0) {
		free(publish->temporary);
		publish->temporary = NULL;
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
	bool failed = fflush(out) != 0;

	publish->out = NULL;
	failed |= fclose(out) != 0;
	if (failed || !publish->temporary) {
		return failed ? -1 : 0;
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
