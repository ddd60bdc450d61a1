/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who belongs to a private mount: the processes whose mount namespace it is. Nobody comes in but by
 * birth, and neither a session of its own nor a dead parent takes a process out. The descriptor on
 * the namespace keeps its number from being given to another one.
 *
 * A process may have gone on into a namespace of its own (unshare, bwrap). Its parent knows it: once
 * its ancestors are dead it is a child of the subreaper, and that one kills its children too.
 *
 * Rejected: a PID namespace, which the kernel empties by itself. In it $$ is not what ps shows, a
 * shell has no process group that it could give the terminal back to, and /proc/$$ is a stranger.
 */
#include "members.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <time.h>

#include "scope.h"

/** Rounds of killing, and the rest after each: together some five seconds. */
#define ROUNDS 500
#define REST_NS (10 * 1000 * 1000)
/** Longest line of /proc/PID/stat up to the parent: two numbers and a name of 15 bytes, escaped. */
#define STAT_SIZE 256

static void close_folder(DIR **folder)
{
	if (*folder) {
		closedir(*folder);
	}
}

/* Read the state and the parent out of "PID (NAME) STATE PARENT …"; the name may hold anything. */
static bool read_parent(pid_t pid, char *ret_state, pid_t *ret_parent)
{
	char path[64];
	char text[STAT_SIZE];
	cleanup_fd int fd = -1;
	const char *end;
	ssize_t len;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	len = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (len <= 0) {
		return false;
	}
	text[len] = '\0';
	end = strrchr(text, ')');
	return end && sscanf(end, ") %c %d", ret_state, ret_parent) == 2;
}

static bool is_child(const struct members *members, pid_t pid)
{
	pid_t parent;
	char state;

	return members->parent > 0 && pid != members->spared[0] && pid != members->spared[1] &&
		read_parent(pid, &state, &parent) && parent == members->parent && state != 'Z' &&
		state != 'X';
}

/* A dead process has no namespace any more. */
static bool is_inside(const struct stat *wanted, pid_t pid)
{
	char path[64];
	struct stat found;

	snprintf(path, sizeof(path), "/proc/%d/ns/mnt", pid);
	return wanted->st_ino != 0 && stat(path, &found) == 0 && found.st_ino == wanted->st_ino &&
		found.st_dev == wanted->st_dev;
}

/* The descriptor holds the process's number while it is looked at a second time. */
static void kill_member(const struct members *members, const struct stat *wanted, pid_t pid)
{
	cleanup_fd int process = pidfd_open(pid, 0);

	if (process < 0) {
		if (errno != ESRCH) {
			kill(pid, SIGKILL);
		}
	} else if (is_inside(wanted, pid) || is_child(members, pid)) {
		pidfd_send_signal(process, SIGKILL, NULL, 0);
	}
}

/* One look at all processes. @return how many members there are. */
static int look(const struct members *members, bool kill_them)
{
	__attribute__((__cleanup__(close_folder))) DIR *folder = opendir("/proc");
	struct stat wanted = {0};
	const struct dirent *entry;
	int found = 0;

	if (members->mount_namespace >= 0 && fstat(members->mount_namespace, &wanted) != 0) {
		wanted.st_ino = 0;
	}
	while (folder && (entry = readdir(folder)) != NULL) {
		pid_t pid = atoi(entry->d_name);

		if (pid <= 0 || (!is_inside(&wanted, pid) && !is_child(members, pid))) {
			continue;
		}
		found++;
		if (kill_them) {
			kill_member(members, &wanted, pid);
		}
	}
	return found;
}

int members_count(const struct members *members)
{
	return look(members, false);
}

void members_kill(const struct members *members)
{
	const struct timespec rest = {.tv_nsec = REST_NS};

	for (int i = 0; i < ROUNDS && look(members, true) > 0; i++) {
		nanosleep(&rest, NULL);
	}
}
