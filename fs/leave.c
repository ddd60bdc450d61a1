/* SPDX-License-Identifier: Apache-2.0 */
#include "leave.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "scope.h"

static void close_inherited(void)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;

	while (folder && (entry = readdir(folder)) != NULL) {
		int fd = entry->d_name[0] == '.' ? -1 : atoi(entry->d_name);
		int flags = fd > STDERR_FILENO ? fcntl(fd, F_GETFD) : -1;

		if (flags >= 0 && !(flags & FD_CLOEXEC)) {
			close(fd);
		}
	}
	if (folder) {
		closedir(folder);
	}
}

bool leave_descriptors(int streams)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null < 0) {
		return false;
	}
	for (int fd = STDIN_FILENO; fd < streams; fd++) {
		if (dup2(null, fd) < 0) {
			close(null);
			return false;
		}
	}
	if (null > STDERR_FILENO) {
		close(null);
	}
	close_inherited();
	return true;
}

void leave_session(int streams)
{
	static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGQUIT};
	struct sigaction standard = {.sa_handler = SIG_DFL};

	setsid();
	if (chdir("/") != 0 || !leave_descriptors(streams)) {
		_exit(1);
	}
	for (size_t i = 0; i < countof(signals); i++) {
		sigaction(signals[i], &standard, NULL);
	}
}
