/* SPDX-License-Identifier: Apache-2.0 */
#include "leave.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <peel/sandbox.h>

#include "scope.h"

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
	peel_sandbox_close_inherited();
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
