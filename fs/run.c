/* SPDX-License-Identifier: Apache-2.0 */
/*
 *     caller (waits) ──fork──► child ──exec──► command        in a mount namespace of its own
 *            │  │
 *            │  └──fork──► server (the FUSE session)          outside, in a session of its own
 *            └─────spawn─► guard (a shell)                    outside, in a session of its own
 *
 * The mount is in no other namespace, so it ends with the last process in there: no unmounting can
 * be forgotten. What has to be seen to is that this last process ends:
 *
 *   command ends      the caller waits two seconds for what it has left, kills the rest, then server
 *                     and guard
 *   caller killed     the command is killed (PR_SET_PDEATHSIG), the server gets SIGTERM in the same
 *                     way, and ends
 *   server killed     the caller kills everything
 *   both ended        the lifeline ends; the guard kills everything in the namespace
 *
 * The server has given its rights up by then (session_begin); the command has those of the caller.
 *
 * Caller and guard find the processes of the mount by descriptors that they hold (members.c). The server
 * stays outside, because in there it would be one of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <peel/mount.h>

#include "guard.h"
#include "idmap.h"
#include "leave.h"
#include "members.h"
#include "run_channel.h"
#include "run_child.h"
#include "run_wait.h"
#include "scope.h"
#include "session.h"

/** Seconds that processes get which the command has left. */
#define GRACE 2

struct run {
	struct peel_index *index;
	const struct peel_run_options *options;
	const struct peel_mount_options *mount;
	struct run_wait wait;
	int channel;
	struct members members;
	/** The guard reads here that all is well; its end is the caller's and the server's death. */
	int lifeline;
};

/* Server: answer until the mount is gone. After a signal the caller sees to the rest, and if it is dead, the guard. */
static void serve(struct run *run, struct session *session, pid_t parent)
{
	struct peel_error err = {0};

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent) {
		raise(SIGTERM);
	}
	close(run->channel);
	leave_session(STDERR_FILENO);
	if (session_begin(session, &err) < 0) {
		dprintf(STDERR_FILENO, "peel: %s\n", err.message);
		_exit(1);
	}
	_exit(session_serve(session) != 0);
}

/* The session is made here, so that its failure is known before anything runs. */
static int start_server(struct run *run, int device, struct peel_error *err)
{
	struct session *session = NULL;
	char path[32];
	pid_t parent = getpid();
	int r;

	snprintf(path, sizeof(path), "/dev/fd/%d", device);
	r = session_mount(run->index, path, run->mount, &session, err);
	if (r < 0) {
		close(device);
		return r;
	}
	run->wait.server = fork();
	if (run->wait.server == 0) {
		serve(run, session, parent);
	}
	r = run->wait.server < 0 ? peel_fail(err, PEEL_EIO, "fork: %s", strerror(errno)) : 0;
	session_close(session);
	return r;
}

static int start_guard(struct run *run, struct peel_error *err)
{
	int ends[2];
	int r;

	if (pipe2(ends, O_CLOEXEC) != 0) {
		return peel_fail(err, PEEL_EIO, "pipe: %s", strerror(errno));
	}
	r = guard_start_members(&run->members, ends[0], &run->wait.guard, err);
	close(ends[0]);
	run->lifeline = ends[1];
	return r;
}

/* The child has its namespace: give it ids, and tell the user what they cannot show. */
static int give_ids(const struct run *run, struct peel_error *err)
{
	char remark[IDMAP_REMARK_SIZE];
	int r = idmap_write(run->wait.command, remark, err);

	if (r == 0 && remark[0] && run->options->remark) {
		run->options->remark(run->options->remark_arg, remark);
	}
	return r;
}

/* The child may hang in what it looks at; a signal must reach it then. */
static int hear(struct run *run, struct run_message *ret_message, struct run_descriptors *ret_fds,
	struct peel_error *err)
{
	run_wait_readable(&run->wait, run->channel);
	return run_channel_hear(run->channel, ret_message, ret_fds, err);
}

/* From the child's first word to the command. @return 0 once the command runs, or is dead. */
static int bring_up(struct run *run, int *ret_status, struct peel_error *err)
{
	struct run_message message = {.status = PEEL_RUN_FAILED};
	struct run_descriptors fds = {-1, -1, -1};
	int r = hear(run, &message, NULL, err);

	if (r > 0 && message.user_namespace) {
		r = give_ids(run, err) < 0 ? err->code : 1;
	}
	if (r > 0) {
		run_channel_go(run->channel);
		r = hear(run, &message, &fds, err);
	}
	if (r > 0) {
		run->members = (struct members){fds.mount_namespace, fds.root, message.dev};
		r = start_guard(run, err);
		if (r == 0) {
			r = start_server(run, fds.device, err);
		} else {
			close(fds.device);
		}
	} else if (r == 0) {
		return 0;
	}
	if (r == 0) {
		run_channel_go(run->channel);
		r = hear(run, &message, NULL, err);
	}
	*ret_status = message.status;
	return r;
}

static int start(struct run *run, char *const *argv, struct peel_error *err)
{
	struct run_child child = {
		.argv = argv,
		.options = run->options,
		.mount = run->mount,
		.name = session_name(run->index, run->mount),
		.parent = getpid(),
		.mask = &run->wait.old_mask,
		.on_child = &run->wait.old_child,
	};
	int r = run_channel_open(&run->channel, &child.channel, err);

	if (r < 0) {
		return r;
	}
	run->wait.command = fork();
	if (run->wait.command == 0) {
		close(run->channel);
		run_child_main(&child);
	}
	r = run->wait.command < 0 ? peel_fail(err, PEEL_EIO, "fork: %s", strerror(errno)) : 0;
	close(child.channel);
	return r;
}

static void close_end(int fd)
{
	if (fd >= 0) {
		close(fd);
	}
}

/* Nothing stays: no process in the namespace, no server, no guard, and so no mount. */
static void finish(struct run *run)
{
	if (run->wait.ended) {
		run_wait_others(&run->wait, &run->members, GRACE);
	}
	members_kill(&run->members);
	run_wait_finish(&run->wait);
	close_end(run->members.mount_namespace);
	close_end(run->members.root);
	close_end(run->lifeline);
	close_end(run->channel);
}

/* Start everything and wait. */
static int run_command(struct run *run, char *const *argv, int *ret_status, struct peel_error *err)
{
	int r = start(run, argv, err);

	if (r == 0) {
		r = bring_up(run, ret_status, err);
	}
	if (r == 0) {
		/* Who waits for the end of a pipe must not wait for us. */
		(void)leave_descriptors(STDERR_FILENO);
		run_wait_command(&run->wait);
		*ret_status = run->wait.status;
	}
	if (r == 0 && !run->wait.ended) {
		*ret_status = PEEL_RUN_FAILED;
		r = peel_fail(err, PEEL_EIO, "the server %s",
			WIFSIGNALED(run->wait.server_status) ? "was killed"
							     : "has ended before the command");
	}
	finish(run);
	return r < 0 ? r : 0;
}

int peel_run(struct peel_index *index, char *const argv[], const struct peel_run_options *options,
	int *ret_status, struct peel_error *err)
{
	static const struct peel_run_options none = {0};
	static const struct peel_mount_options plain = {0};
	struct run run = {
		.index = index,
		.options = options ? options : &none,
		.mount = options && options->mount ? options->mount : &plain,
		.channel = -1,
		.members = {.mount_namespace = -1, .root = -1},
		.lifeline = -1,
	};
	struct peel_error own = {0};
	int r;

	err = err ? err : &own;
	*ret_status = PEEL_RUN_FAILED;
	/* A clear word before anything is started; the child opens the device again. */
	r = session_open_device(err);
	if (r < 0) {
		return r;
	}
	close(r);
	run_wait_begin(&run.wait);
	r = run_command(&run, argv, ret_status, err);
	run_wait_end(&run.wait);
	return r;
}
