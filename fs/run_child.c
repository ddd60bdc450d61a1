/* SPDX-License-Identifier: Apache-2.0 */
#include "run_child.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "errors.h"
#include "mountinfo.h"
#include "run_channel.h"
#include "run_exec.h"
#include "run_mount.h"
#include "run_rights.h"
#include "scope.h"

/* Make the namespaces, and wait for their ids. */
static int enter(const struct run_child *child, struct run_message *message)
{
	int r = run_mount_unshare(&message->user_namespace, &message->err);

	if (r == 0 &&
		(!run_channel_say(child->channel, message, NULL) ||
			!run_channel_wait(child->channel))) {
		_exit(PEEL_RUN_FAILED);
	}
	return r;
}

/*
 * Mount, and hand the device over. No copy of it may stay here: the server's death must end every
 * request.
 */
static int attach(const struct run_child *child, struct run_message *message, const char **ret_path)
{
	cleanup_fd int device = run_mount_attach(child->name, child->mount, message->user_namespace,
		ret_path, &message->err);
	cleanup_fd int namespace = -1;
	cleanup_fd int root = -1;
	struct mountinfo info = {0};

	if (device < 0) {
		return device;
	}
	namespace = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	root = open(*ret_path, O_PATH | O_CLOEXEC);
	if (namespace < 0 || root < 0) {
		return peel_fail(&message->err, PEEL_EIO, "cannot look at the mount: %s",
			strerror(errno));
	}
	if (mountinfo_find(*ret_path, &info, &message->err) < 0) {
		return message->err.code;
	}
	message->dev = info.dev;
	if (!run_channel_say(child->channel, message,
		    &(struct run_descriptors){device, namespace, root})) {
		_exit(PEEL_RUN_FAILED);
	}
	return 0;
}

/* Working directory, $PEEL_ROOT and standard input. */
static int settle(const struct run_child *child, const char *path, struct peel_error *err)
{
	if (chdir(path) != 0) {
		return peel_fail(err, errors_from_errno(errno), "the mount does not answer: %s",
			strerror(errno));
	}
	if (setenv("PEEL_ROOT", path, 1) != 0) {
		return peel_fail(err, PEEL_ENOMEM, "out of memory");
	}
	if (child->options->no_input) {
		cleanup_fd int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

		if (null < 0 || dup2(null, STDIN_FILENO) < 0) {
			return peel_fail(err, PEEL_EIO, "/dev/null: %s", strerror(errno));
		}
	}
	return 0;
}

/* What is left to do before the command; with no way back. */
static int become(const struct run_child *child, struct run_message *message, const char *from,
	const struct run_rights *rights, const char *path)
{
	int r = settle(child, path, &message->err);

	if (r == 0 && message->user_namespace) {
		r = run_rights_restore(rights, &message->err);
	}
	return r < 0 ? r : run_exec(child->argv, from, &message->status, &message->err);
}

static int run(const struct run_child *child, struct run_message *message)
{
	char buffer[PATH_MAX];
	const char *from = getcwd(buffer, sizeof(buffer));
	struct run_rights rights;
	const char *path = NULL;
	int r = run_rights_note(&rights, &message->err);

	if (r == 0) {
		r = enter(child, message);
	}
	if (r == 0) {
		r = attach(child, message, &path);
	}
	if (r == 0 && !run_channel_wait(child->channel)) {
		_exit(PEEL_RUN_FAILED);
	}
	return r != 0 ? r : become(child, message, from, &rights, path);
}

void run_child_main(const struct run_child *child)
{
	struct run_message message = {.status = PEEL_RUN_FAILED};

	sigaction(SIGCHLD, child->on_child, NULL);
	sigprocmask(SIG_SETMASK, child->mask, NULL);
	/* It would be nobody's, in a mount without an end. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() == child->parent) {
		run(child, &message);
		run_channel_say(child->channel, &message, NULL);
	}
	_exit(message.status);
}
