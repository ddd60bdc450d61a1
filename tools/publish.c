/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What writes the file reads a stranger's image, and must not be able to make or replace any other file of that
 * folder. So a child that reads nothing keeps the right to name it:
 *
 *     peel ── fork ──► namer: waits for a letter; COMMIT: link, rename; DROP, or the end: unlink
 *       │  ◄── errno ──
 *       └─ gives its rights up, writes, closes, sends COMMIT
 *
 * Rejected: to keep the folder writable, which is more than the one name, as root too little (the folder may be
 * another user's), and on a kernel without Landlock every folder.
 */
#include "publish.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "temp_name.h"

/* What the namer is told. */
#define COMMIT 'c'
#define DROP 'd'

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

/* Namer: take the temporary name away, or put it in the place of the other. @return an errno. */
static int obey(struct publish *publish, char word)
{
	if (word == COMMIT && (publish->temporary || name_it(publish) == 0) &&
		rename(publish->temporary, publish->path) == 0) {
		return 0;
	}
	int error = word == COMMIT ? errno : 0;

	if (publish->temporary) {
		unlink(publish->temporary);
	}
	return error;
}

/* Namer: wait for the word. The signals that end the writer end the socket too, and then it is a drop. */
static void be_namer(struct publish *publish, int socket)
{
	static const int ignored[] = {SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM};
	char word = DROP;
	ssize_t got;
	int error;

	for (size_t i = 0; i < countof(ignored); i++) {
		signal(ignored[i], SIG_IGN);
	}
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
		close(fd);
	}
	do {
		got = read(socket, &word, 1);
	} while (got < 0 && errno == EINTR);
	error = obey(publish, got == 1 ? word : DROP);
	got = write(socket, &error, sizeof(error));
	_exit(got != sizeof(error));
}

static int start_namer(struct publish *publish)
{
	int ends[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		return -1;
	}
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		be_namer(publish, ends[1]);
	}
	close(ends[1]);
	publish->namer = ends[0];
	return pid < 0 ? -1 : 0;
}

/* Tell the namer, and wait for what comes of it. @return an errno. */
static int tell_namer(struct publish *publish, char word)
{
	int error = EIO;
	ssize_t got = -1;

	if (write(publish->namer, &word, 1) == 1) {
		do {
			got = read(publish->namer, &error, sizeof(error));
		} while (got < 0 && errno == EINTR);
	}
	close(publish->namer);
	publish->namer = -1;
	return got == sizeof(error) ? error : EIO;
}

int publish_open(struct publish *publish, const char *path)
{
	struct stat old;
	bool there = stat(path, &old) == 0;

	*publish = (struct publish){.namer = -1};
	if (there && !S_ISREG(old.st_mode)) {
		publish->out = fopen(path, "we");
		return publish->out ? 0 : -1;
	}
	publish->path = there ? realpath(path, NULL) : strdup(path);
	if (!publish->path || open_temporary(publish, there ? &old : NULL) < 0 ||
		start_namer(publish) < 0) {
		int saved = errno;

		if (publish->temporary) {
			unlink(publish->temporary);
		}
		publish_drop(publish);
		errno = saved;
		return -1;
	}
	return 0;
}

int publish_commit(struct publish *publish)
{
	FILE *out = publish->out;
	int error;

	publish->out = NULL;
	if (fclose(out) != 0) {
		return -1;
	}
	error = publish->path ? tell_namer(publish, COMMIT) : 0;
	errno = error;
	return error ? -1 : 0;
}

void publish_drop(struct publish *publish)
{
	if (publish->out) {
		fclose(publish->out);
	}
	if (publish->namer >= 0) {
		tell_namer(publish, DROP);
	}
	free(publish->temporary);
	free(publish->path);
	*publish = (struct publish){.namer = -1};
}
