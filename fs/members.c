/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who belongs to a private mount: the processes that see it. Nobody comes in but by birth, and
 * neither a session of its own nor a dead parent takes a process out.
 *
 *   in its mount namespace        most; also when the mount was detached in there
 *   in a copy of that namespace   who went on by unshare(1), or runs peel in peel: the mount is in
 *                                 their /proc/PID/mountinfo
 *
 * Who neither is in there nor sees the mount is no concern of ours. Descriptors on the namespace and
 * on the mount's root keep both numbers from being given away, so that no stranger is taken for a
 * member.
 *
 * Rejected: a PID namespace, which the kernel empties by itself. In it $$ is not what ps shows, a
 * shell has no process group that it could give the terminal back to, and /proc/$$ is a stranger.
 * The children of a subreaper: what a shell had started before it became peel is among them.
 */
#include "members.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#include "scope.h"

/** Rounds of killing, and the rest after each: together some five seconds. */
#define ROUNDS 500
#define REST_NS (10 * 1000 * 1000)

/** One look at the processes. */
struct look {
	const struct members *members;
	/** The mount namespace of the members, and our own, of which most processes are. */
	struct stat wanted, own;
};

static void close_folder(DIR **folder)
{
	if (*folder) {
		closedir(*folder);
	}
}

static void close_file(FILE **file)
{
	if (*file) {
		fclose(*file);
	}
}

/* Whether a process sees a mount of this device. */
static bool sees(pid_t pid, dev_t dev)
{
	__attribute__((__cleanup__(close_file))) FILE *file = NULL;
	cleanup_free char *line = NULL;
	char path[64];
	size_t room = 0;

	snprintf(path, sizeof(path), "/proc/%d/mountinfo", pid);
	file = fopen(path, "re");
	while (file && getline(&line, &room, file) >= 0) {
		unsigned int major_number, minor_number;

		if (sscanf(line, "%*u %*u %u:%u", &major_number, &minor_number) == 2 &&
			makedev(major_number, minor_number) == dev) {
			return true;
		}
	}
	return false;
}

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_dev == b->st_dev;
}

/* A dead process has no namespace any more, and that of a stranger cannot be looked at. */
static bool is_member(const struct look *look, pid_t pid)
{
	char path[64];
	struct stat found;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	if (stat(path, &found) != 0 || is_same(&found, &look->own)) {
		return false;
	}
	return is_same(&found, &look->wanted) ||
		(look->members->root >= 0 && sees(pid, look->members->dev));
}

/* The descriptor holds the process's number while it is looked at a second time. */
static void kill_member(const struct look *look, pid_t pid)
{
	cleanup_fd int process = pidfd_open(pid, 0);

	if (process < 0) {
		if (errno != ESRCH) {
			kill(pid, SIGKILL);
		}
	} else if (is_member(look, pid)) {
		pidfd_send_signal(process, SIGKILL, NULL, 0);
	}
}

/* One look at all processes. @return how many members there are. */
static int look_around(const struct members *members, bool kill_them)
{
	__attribute__((__cleanup__(close_folder))) DIR *folder = opendir("/proc");
	struct look look = {.members = members};
	const struct dirent *entry;
	int found = 0;

	if (members->mount_namespace < 0 || fstat(members->mount_namespace, &look.wanted) != 0 ||
		stat("/proc/self/ns/mnt", &look.own) != 0) {
		return 0;
	}
	while (folder && (entry = readdir(folder)) != NULL) {
		pid_t pid = atoi(entry->d_name);

		if (pid <= 0 || !is_member(&look, pid)) {
			continue;
		}
		found++;
		if (kill_them) {
			kill_member(&look, pid);
		}
	}
	return found;
}

int members_count(const struct members *members)
{
	return look_around(members, false);
}

void members_kill(const struct members *members)
{
	const struct timespec rest = {.tv_nsec = REST_NS};

	for (int i = 0; i < ROUNDS && look_around(members, true) > 0; i++) {
		nanosleep(&rest, NULL);
	}
}
