/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors that a process has and need not have. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "sandbox_priv.h"

/** Descriptors that are looked at where /proc is not there. */
#define DESCRIPTORS_MAX 65536

void sandbox_files_leave(sandbox_leaves_fn *leaves, const void *arg)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)) != NULL) {
		const int fd = atoi(entry->d_name);

		if (fd > STDERR_FILENO && fd != dirfd(folder) && leaves(arg, fd)) {
			close(fd);
		}
	}
	for (int fd = STDERR_FILENO + 1; !folder && fd < DESCRIPTORS_MAX; fd++) {
		if (leaves(arg, fd)) {
			close(fd);
		}
	}
	if (folder) {
		closedir(folder);
	}
}

bool sandbox_files_inherited(const void *arg, int fd)
{
	const int flags = fcntl(fd, F_GETFD);

	(void)arg;
	return flags >= 0 && !(flags & FD_CLOEXEC);
}

void peel_sandbox_close_inherited(void)
{
	sandbox_files_leave(sandbox_files_inherited, NULL);
}
