/* SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/wait.h>

#include <peel/mount.h>
#include <peel/text.h>

#include "errors.h"
#include "leave.h"
#include "mountinfo.h"
#include "scope.h"
#include "session.h"
#include "supervisor.h"

/** Longest mount point that a message shows. */
#define SHOWN_SIZE 256

static void close_folder(DIR **folder)
{
	if (*folder) {
		closedir(*folder);
	}
}

static int dead_mount(const char *shown, struct peel_error *err)
{
	return peel_fail(err, PEEL_EUSAGE,
		"%s: a dead mount is in the way (peel umount takes it away)", shown);
}

/* @return 0 where the folder is empty. */
static int check_empty(const char *shown, const char *path, struct peel_error *err)
{
	__attribute__((__cleanup__(close_folder))) DIR *folder = opendir(path);
	const struct dirent *entry;

	errno = folder ? 0 : errno;
	while (folder && (entry = readdir(folder)) != NULL) {
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			return peel_fail(err, PEEL_EUSAGE, "%s: the mount point is not empty",
				shown);
		}
	}
	if (errno == ENOTCONN) {
		return dead_mount(shown, err);
	}
	return errno ? peel_fail(err, errors_from_errno(errno), "%s: %s", shown, strerror(errno))
		     : 0;
}

/*
 * The folder must be there, alive and empty. A dead mount answers from the kernel's cache, but not
 * to statfs.
 */
static int check_mount_point(const char *mount_point, char **ret_path, struct peel_error *err)
{
	char shown[SHOWN_SIZE];
	struct mountinfo info;
	struct statfs stat;
	char *path;
	int r;

	peel_text_escape_into(shown, sizeof(shown), mount_point, strlen(mount_point));
	if (statfs(mount_point, &stat) != 0) {
		if (errno == ENOTCONN) {
			return dead_mount(shown, err);
		}
		return peel_fail(err, errors_from_errno(errno), "%s: %s", shown, strerror(errno));
	}
	path = realpath(mount_point, NULL);
	if (!path) {
		return peel_fail(err, errors_from_errno(errno), "%s: %s", shown, strerror(errno));
	}
	r = mountinfo_find(path, &info, err);
	if (r > 0 && strcmp(info.type, MOUNT_TYPE) == 0) {
		r = peel_fail(err, PEEL_EUSAGE, "%s: something is mounted there by peel", shown);
	}
	if (r >= 0) {
		r = check_empty(shown, path, err);
	}
	if (r < 0) {
		free(path);
		return r;
	}
	*ret_path = path;
	return 0;
}

static void ignore_ready(void *arg, const struct peel_error *result)
{
	(void)arg;
	(void)result;
}

/* Tell the waiting caller; the pipe's end without a message would mean that the supervisor died. */
static void report_ready(void *arg, const struct peel_error *result)
{
	int *fd = arg;
	ssize_t ignored = write(*fd, result, sizeof(*result));

	(void)ignored;
	close(*fd);
	*fd = -1;
}

/* Fork the supervisor and wait for its word. */
static int mount_behind(struct peel_index *index, const char *path,
	const struct peel_mount_options *options, struct peel_error *err)
{
	struct peel_error result;
	int ends[2];
	ssize_t got;
	pid_t pid;

	if (pipe2(ends, O_CLOEXEC) != 0) {
		return peel_fail(err, PEEL_EIO, "pipe: %s", strerror(errno));
	}
	pid = fork();
	if (pid == 0) {
		close(ends[0]);
		leave_session(3);
		_exit(supervisor_run(index, path, options, report_ready, &ends[1], NULL) < 0);
	}
	close(ends[1]);
	if (pid < 0) {
		close(ends[0]);
		return peel_fail(err, PEEL_EIO, "fork: %s", strerror(errno));
	}
	do {
		got = read(ends[0], &result, sizeof(result));
	} while (got < 0 && errno == EINTR);
	close(ends[0]);
	if (got != (ssize_t)sizeof(result)) {
		return peel_fail(err, PEEL_EIO,
			"cannot mount: the supervisor ended without a word");
	}
	if (result.code != 0) {
		waitpid(pid, NULL, 0);
		return peel_fail(err, result.code, "%s", result.message);
	}
	return 0;
}

int peel_mount(struct peel_index *index, const char *mount_point,
	const struct peel_mount_options *options, struct peel_error *err)
{
	static const struct peel_mount_options none = {0};
	cleanup_free char *path = NULL;
	int r;

	options = options ? options : &none;
	r = check_mount_point(mount_point, &path, err);
	if (r < 0) {
		return r;
	}
	/* A clear word before anything is started; the mount itself opens the device again. */
	r = session_open_device(err);
	if (r < 0) {
		return r;
	}
	close(r);
	if (options->foreground || options->debug) {
		return supervisor_run(index, path, options, ignore_ready, NULL, err);
	}
	return mount_behind(index, path, options, err);
}
